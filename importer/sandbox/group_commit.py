"""Group commit: the writes of one turn of the event loop become one transaction, and are answered after its commit."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


class GroupCommit:
    """Opens and commits the transactions of one connection. Without a running loop each write commits at once."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql
        self._group: asyncio.Future[bool] | None = None

    @contextmanager
    def write(self, *, single: bool = False) -> Iterator[None]:
        """A step that takes effect as a whole or, when it raises, not at all.

        `single` says that it is one statement, which is a whole by itself.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            with self.alone():
                yield
            return
        if self._group is None:
            self._sql.execute("BEGIN IMMEDIATE")
            self._group = loop.create_future()
            loop.call_soon(self._commit)
        if single:
            yield
            return
        self._sql.execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            # A full disk has rolled everything back already.
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK TO step")
                self._sql.execute("RELEASE step")
            raise
        self._sql.execute("RELEASE step")

    async def settled(self) -> bool:
        """Wait until what was written is committed; False when the commit failed and nothing of it remains."""
        group = self._group
        return True if group is None else await asyncio.shield(group)

    def finish(self) -> None:
        """Commit what is open now."""
        if self._group is not None:
            self._commit()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A step with a transaction of its own, committed at its end."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    def _commit(self) -> None:
        group, self._group = self._group, None
        if group is None:
            return
        committed = self._sql.in_transaction
        try:
            if committed:
                self._sql.execute("COMMIT")
        except sqlite3.Error:
            committed = False
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
        if not group.done():
            group.set_result(committed)
