"""The sandbox's memory: one SQLite file, shared by every server that opens it.

Each write commits before it is answered. WAL with `synchronous=NORMAL`: a killed process loses nothing; a machine that
loses power may lose the last moments, which a test server can bear.
"""

# ruff: noqa: S608 - only column names and placeholders that are written in this file are put together
from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from importer.atomic import PRIVATE, private_folder
from importer.errors import UsageError

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
_COLUMNS = "id, uuid, folded, category, created, fields, answer, needle"


class StoredTag(NamedTuple):
    """A tag's line. `folded` is the name without case; `fields` (the stored form) and `answer` are JSON texts;
    `needle` is the folded text that a search looks through; `created` is seconds since 1970."""

    id: int
    uuid: str
    folded: str
    category: str | None
    created: float
    fields: str
    answer: str
    needle: str


class TagQuery(NamedTuple):
    """Which tags: all parts must hold; an empty part always does."""

    not_after: float | None = None
    """Only tags created up to this time."""
    category: str = ""
    needle: str = ""
    """Text, already case-folded, to be found in a tag's name or serialized properties."""
    names: Sequence[str] | None = None
    """Case-folded names."""
    uuids: Sequence[str] | None = None


def _private_file(path: Path) -> None:
    """Make a file for its owner alone, if there is none; OSError where a link to nowhere is in its place."""
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError(errno.ENOENT, "it is a link to nowhere", str(path))
    if not path.exists():
        with suppress(FileExistsError):  # another process was faster
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE))
            path.chmod(PRIVATE)


class Store:
    """The tags and categories of one account in a SQLite file (`:memory:` keeps nothing). Belongs to one thread."""

    def __init__(self, database: Path | str, account: str) -> None:
        """Open or create `database`. UsageError when it is not a sandbox's store, or cannot be opened."""
        self._account = account
        try:
            if str(database) != ":memory:":
                private_folder(Path(database).parent)
                _private_file(Path(database))
            self._sql = sqlite3.connect(str(database), isolation_level=None, timeout=10.0, cached_statements=256)
            try:
                self._prepare()
                # From here on nobody waits in SQLite, which would stop the whole event loop: see Handler.
                self._sql.execute("PRAGMA busy_timeout = 0")
            except BaseException:
                self._sql.close()
                raise
        except (sqlite3.Error, OSError) as problem:
            raise UsageError(
                f"{database} cannot be used as the sandbox's store: {problem}", hint="name another file with --db"
            ) from problem

    def _prepare(self) -> None:
        # Two processes that make the same new file at once: the second may find it locked while the mode changes.
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = NORMAL")
        self._sql.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        version = self._sql.execute("PRAGMA user_version").fetchone()[0]
        tables = {row[0] for row in self._sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version not in (0, _VERSION) or (version == 0 and tables - {"tags", "categories"}):
            raise sqlite3.DatabaseError("it holds something else, or was made by another version")
        if version == 0:
            with self.transaction():
                for statement in _SCHEMA.split(";"):
                    self._sql.execute(statement)
                self._sql.execute(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        self._sql.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Several statements that take effect as a whole or, when one raises, not at all. A single one needs none."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # A full disk has rolled everything back already.
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    def add_tag(self, tag: StoredTag, *, foreign: bool = False) -> None:
        """Insert at the end of the list; a foreign one, somebody else's doing, before all others. No use of its id."""
        row = "(SELECT min(coalesce(min(id), 0), 0) - 1 FROM tags)" if foreign else "NULL"
        self._execute(
            "INSERT INTO tags (account, id, foreign_made, uuid, folded, category, created, fields, answer, needle)"
            f" VALUES (?, {row}, ?, ?, ?, ?, ?, ?, ?, ?)", foreign, *tag[1:],
        )  # fmt: skip

    def remove_foreign_tag(self) -> None:
        """Delete the first tag that was added as foreign, if there is one."""
        self._execute("DELETE FROM tags WHERE id = (SELECT min(id) FROM tags WHERE account = ? AND foreign_made)")

    def replace_tag(self, tag: StoredTag) -> None:
        self._execute(
            "UPDATE tags SET folded = ?2, category = ?3, fields = ?4, answer = ?5, needle = ?6 WHERE account = ?1"
            " AND id = ?7", tag.folded, tag.category, tag.fields, tag.answer, tag.needle, tag.id,
        )  # fmt: skip

    def remove_tag(self, uuid: str) -> bool:
        """Whether there was such a tag."""
        return self._execute("DELETE FROM tags WHERE account = ? AND uuid = ?", uuid).rowcount > 0

    def tag(self, uuid: str) -> StoredTag | None:
        row = self._execute(f"SELECT {_COLUMNS} FROM tags WHERE account = ? AND uuid = ?", uuid).fetchone()
        return StoredTag(*row) if row else None

    def tags_in(self, category: str) -> list[StoredTag]:
        rows = self._execute(f"SELECT {_COLUMNS} FROM tags WHERE account = ? AND category = ?", category)
        return [StoredTag(*row) for row in rows]

    def name_taken(self, folded: str, besides: str = "") -> bool:
        """Whether another tag than `besides` (a uuid) has this case-folded name."""
        query = "SELECT 1 FROM tags WHERE account = ? AND folded = ? AND uuid <> ? LIMIT 1"
        return self._execute(query, folded, besides).fetchone() is not None

    def count(self, query: TagQuery) -> int:
        where, values = _where(query, "account")
        return int(self._execute(f"SELECT count(*) FROM tags WHERE {where}", *values).fetchone()[0])

    def answers(self, query: TagQuery, limit: int = -1, offset: int = 0) -> list[str]:
        """The stored answers in the list's order."""
        # Without the plus SQLite may choose an index that it must sort after.
        by_row = query.names is None and query.uuids is None and not query.category
        where, values = _where(query, "+account" if by_row else "account")
        query_text = f"SELECT answer FROM tags WHERE {where} ORDER BY id LIMIT ? OFFSET ?"
        return [row[0] for row in self._execute(query_text, *values, limit, offset)]

    def foreign_tags(self) -> int:
        """How many tags there are that were added as foreign."""
        return int(self._execute("SELECT count(*) FROM tags WHERE account = ? AND foreign_made").fetchone()[0])

    def duplicate_names(self) -> list[tuple[str, int]]:
        """Case-folded names that several tags have, with how many; foreign tags do not count."""
        return self._execute(
            "SELECT folded, count(*) FROM tags WHERE account = ? AND NOT foreign_made"
            " GROUP BY folded HAVING count(*) > 1 ORDER BY folded"
        ).fetchall()

    def add_category(self, uuid: str, folded: str, answer: str) -> None:
        query = "INSERT INTO categories (account, uuid, folded, answer) VALUES (?, ?, ?, ?)"
        self._execute(query, uuid, folded, answer)

    def replace_category(self, uuid: str, folded: str, answer: str) -> None:
        query = "UPDATE categories SET folded = ?3, answer = ?4 WHERE account = ?1 AND uuid = ?2"
        self._execute(query, uuid, folded, answer)

    def remove_category(self, uuid: str) -> None:
        self._execute("DELETE FROM categories WHERE account = ? AND uuid = ?", uuid)

    def category(self, uuid: str) -> str | None:
        """The stored answer, JSON text."""
        row = self._execute("SELECT answer FROM categories WHERE account = ? AND uuid = ?", uuid).fetchone()
        return str(row[0]) if row else None

    def categories(self, needle: str = "") -> list[str]:
        """The stored answers of categories whose case-folded name contains `needle`."""
        query = "SELECT answer FROM categories WHERE account = ? AND instr(folded, ?) ORDER BY id"
        return [row[0] for row in self._execute(query, needle)]

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Carry out a statement whose first value is the account."""
        return self._sql.execute(statement, (self._account, *values))


def _where(query: TagQuery, account: str) -> tuple[str, list[object]]:
    """The SQL condition that begins with the account, and its further values."""
    clauses, values = [f"{account} = ?"], list[object]()
    for clause, value in (
        ("created <= ?", query.not_after), ("category = ?", query.category or None),
        ("instr(needle, ?) > 0", query.needle or None),
    ):  # fmt: skip
        if value is not None:
            clauses.append(clause)
            values.append(value)
    for column, wanted in (("folded", query.names), ("uuid", query.uuids)):
        if wanted is not None:
            clauses.append(f"{column} IN ({','.join('?' * len(wanted))})")
            values.extend(wanted)
    return " AND ".join(clauses), values
