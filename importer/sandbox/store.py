"""The sandbox's memory: one SQLite file that persists between runs and that several processes may open.

What is written is committed when `settled` returns. WAL with `synchronous=NORMAL`: a killed
process loses nothing; a machine that loses power may lose the last moments, which a test server can bear.
"""

# ruff: noqa: S608 - only column names and placeholders that stand in this file are put together
from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from importer.errors import UsageError
from importer.sandbox.group_commit import GroupCommit

_VERSION = 1
# 32 MB: the only moments in which NORMAL waits for the disk are the checkpoints.
_CHECKPOINT_PAGES = 8_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS categories (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, uuid TEXT NOT NULL UNIQUE, folded TEXT NOT NULL,
    answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tags (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, uuid TEXT NOT NULL UNIQUE, folded TEXT NOT NULL,
    category TEXT, created REAL NOT NULL, foreign_made INTEGER NOT NULL, fields TEXT NOT NULL,
    answer TEXT NOT NULL, needle TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS tags_by_name ON tags (account, folded);
CREATE INDEX IF NOT EXISTS tags_by_category ON tags (category) WHERE category IS NOT NULL;
"""
_COLUMNS = "id, uuid, category, created, fields, answer"


@dataclass(frozen=True, slots=True)
class StoredTag:
    """A tag's line: `fields` and `answer` are JSON texts, `created` is seconds since 1970."""

    id: int
    uuid: str
    category: str | None
    created: float
    fields: str
    answer: str


@dataclass(frozen=True, slots=True)
class TagQuery:
    """Which tags of an account: all parts must hold; an empty part always does."""

    account: str
    not_after: float | None = None
    """Only tags created up to this time."""
    category: str = ""
    needle: str = ""
    """Text, already case-folded, to be found in a tag's name or serialized properties."""
    names: Sequence[str] | None = None
    """Case-folded names."""
    uuids: Sequence[str] | None = None

    def where(self, *, in_order: bool = False) -> tuple[str, list[object]]:
        """The SQL condition and its values; `in_order` keeps SQLite from choosing an index that it must sort after."""
        by_row = in_order and self.names is None and self.uuids is None and not self.category
        clauses, values = ["+account = ?" if by_row else "account = ?"], list[object]([self.account])
        if self.not_after is not None:
            clauses.append("created <= ?")
            values.append(self.not_after)
        if self.category:
            clauses.append("category = ?")
            values.append(self.category)
        if self.needle:
            clauses.append("instr(needle, ?) > 0")
            values.append(self.needle)
        for column, wanted in (("folded", self.names), ("uuid", self.uuids)):
            if wanted is not None:
                clauses.append(f"{column} IN ({','.join('?' * len(wanted))})")
                values.extend(wanted)
        return " AND ".join(clauses), values


class Store:
    """Tags and categories in one SQLite file (`:memory:` keeps nothing). Belongs to one thread."""

    def __init__(self, database: Path | str) -> None:
        """Open or create `database`. UsageError when it is not a sandbox's store, or cannot be opened."""
        try:
            if str(database) != ":memory:":
                Path(database).parent.mkdir(parents=True, exist_ok=True)
            self._sql = sqlite3.connect(str(database), isolation_level=None, timeout=10.0, cached_statements=256)
            self._commits = GroupCommit(self._sql)
            try:
                self._prepare(database)
                # From here on nobody waits in SQLite, which would stop the whole event loop: see Door.
                self._sql.execute("PRAGMA busy_timeout = 0")
            except BaseException:
                self._sql.close()
                raise
        except (sqlite3.Error, OSError) as problem:
            raise UsageError(
                f"{database} cannot be used as the sandbox's store: {problem}", hint="name another file with --db"
            ) from problem

    def _prepare(self, database: Path | str) -> None:
        # Two processes that make the same new file at once: the second may find it locked while the mode changes.
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = NORMAL")
        self._sql.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        version = self._sql.execute("PRAGMA user_version").fetchone()[0]
        tables = {row[0] for row in self._sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version not in (0, _VERSION) or (version == 0 and tables - {"tags", "categories"}):
            raise sqlite3.DatabaseError("it holds something else, or was made by another version")
        if version == 0:
            with self._commits.alone():
                for statement in _SCHEMA.split(";"):
                    self._sql.execute(statement)
                self._sql.execute(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        self._commits.finish()
        self._sql.close()

    def write(self, *, single: bool = False) -> AbstractContextManager[None]:
        """Read and write as one step, also against other processes; see `settled`."""
        return self._commits.write(single=single)

    async def settled(self) -> bool:
        """Wait until all that was written is committed; False when that failed and it is gone again."""
        return await self._commits.settled()

    def add_tag(self, account: str, tag: StoredTag, folded: str, needle: str) -> None:
        """Insert at the end of the list; `tag.id` is not used."""
        self._sql.execute(
            "INSERT INTO tags (account, uuid, folded, category, created, foreign_made, fields, answer, needle)"
            " VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)",
            (account, tag.uuid, folded, tag.category, tag.created, tag.fields, tag.answer, needle),
        )

    def add_foreign_tag(self, account: str, tag: StoredTag, folded: str, needle: str) -> None:
        """Insert, as somebody else's doing, before all others, so that every later page shifts."""
        self._sql.execute(
            "INSERT INTO tags (id, account, uuid, folded, category, created, foreign_made, fields, answer, needle)"
            " VALUES ((SELECT min(coalesce(min(id), 0), 0) - 1 FROM tags), ?, ?, ?, ?, ?, 1, ?, ?, ?)",
            (account, tag.uuid, folded, tag.category, tag.created, tag.fields, tag.answer, needle),
        )

    def remove_foreign_tag(self, account: str) -> bool:
        """Delete the first tag that `add_foreign_tag` made; False when there is none."""
        return (
            self._sql.execute(
                "DELETE FROM tags WHERE id = (SELECT min(id) FROM tags WHERE account = ? AND foreign_made = 1)",
                (account,),
            ).rowcount
            > 0
        )

    def replace_tag(self, tag: StoredTag, folded: str, needle: str) -> None:
        self._sql.execute(
            "UPDATE tags SET folded = ?, category = ?, fields = ?, answer = ?, needle = ? WHERE id = ?",
            (folded, tag.category, tag.fields, tag.answer, needle, tag.id),
        )

    def remove_tag(self, account: str, uuid: str) -> bool:
        """Whether there was such a tag."""
        return self._sql.execute("DELETE FROM tags WHERE account = ? AND uuid = ?", (account, uuid)).rowcount > 0

    def tag(self, account: str, uuid: str) -> StoredTag | None:
        row = self._sql.execute(
            f"SELECT {_COLUMNS} FROM tags WHERE account = ? AND uuid = ?", (account, uuid)
        ).fetchone()
        return StoredTag(*row) if row else None

    def name_taken(self, account: str, folded: str, besides: str = "") -> bool:
        """Whether another tag than `besides` (a uuid) has this case-folded name."""
        return (
            self._sql.execute(
                "SELECT 1 FROM tags WHERE account = ? AND folded = ? AND uuid <> ? LIMIT 1", (account, folded, besides)
            ).fetchone()
            is not None
        )

    def count(self, query: TagQuery) -> int:
        where, values = query.where()
        return int(self._sql.execute(f"SELECT count(*) FROM tags WHERE {where}", values).fetchone()[0])

    def answers(self, query: TagQuery, limit: int = -1, offset: int = 0) -> list[str]:
        """The stored answers in the list's order."""
        where, values = query.where(in_order=True)
        rows = self._sql.execute(
            f"SELECT answer FROM tags WHERE {where} ORDER BY id LIMIT ? OFFSET ?", [*values, limit, offset]
        )
        return [row[0] for row in rows]

    def tags_in(self, category: str) -> list[StoredTag]:
        rows = self._sql.execute(f"SELECT {_COLUMNS} FROM tags WHERE category = ?", (category,))
        return [StoredTag(*row) for row in rows]

    def foreign_tags(self, account: str) -> int:
        """How many tags there are that `add_foreign_tag` made."""
        query = "SELECT count(*) FROM tags WHERE account = ? AND foreign_made = 1"
        return int(self._sql.execute(query, (account,)).fetchone()[0])

    def duplicate_names(self, account: str) -> list[tuple[str, int]]:
        """Case-folded names that several tags have, with how many; foreign tags do not count."""
        return self._sql.execute(
            "SELECT folded, count(*) FROM tags WHERE account = ? AND foreign_made = 0"
            " GROUP BY folded HAVING count(*) > 1 ORDER BY folded",
            (account,),
        ).fetchall()

    def add_category(self, account: str, uuid: str, folded: str, answer: str) -> None:
        self._sql.execute(
            "INSERT INTO categories (account, uuid, folded, answer) VALUES (?, ?, ?, ?)",
            (account, uuid, folded, answer),
        )

    def replace_category(self, account: str, uuid: str, folded: str, answer: str) -> None:
        self._sql.execute(
            "UPDATE categories SET folded = ?, answer = ? WHERE account = ? AND uuid = ?",
            (folded, answer, account, uuid),
        )

    def remove_category(self, account: str, uuid: str) -> None:
        self._sql.execute("DELETE FROM categories WHERE account = ? AND uuid = ?", (account, uuid))

    def category(self, account: str, uuid: str) -> str | None:
        """The stored answer, JSON text."""
        row = self._sql.execute(
            "SELECT answer FROM categories WHERE account = ? AND uuid = ?", (account, uuid)
        ).fetchone()
        return str(row[0]) if row else None

    def categories(self, account: str, needle: str = "") -> list[str]:
        """The stored answers of categories whose case-folded name contains `needle`."""
        rows = self._sql.execute(
            "SELECT answer FROM categories WHERE account = ? AND instr(folded, ?) ORDER BY id", (account, needle)
        )
        return [row[0] for row in rows]
