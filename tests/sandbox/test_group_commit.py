"""Group commit: nothing is answered before it is committed, and a failure takes back exactly what it must."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from importer.sandbox.group_commit import GroupCommit


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "db"


@pytest.fixture
def sql(file: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE words (word TEXT)")
    yield connection
    connection.close()


def _committed(file: Path) -> list[str]:
    """What another connection sees."""
    other = sqlite3.connect(file)
    try:
        return [row[0] for row in other.execute("SELECT word FROM words ORDER BY rowid")]
    finally:
        other.close()


def _add(commits: GroupCommit, sql: sqlite3.Connection, word: str, *, single: bool = False) -> None:
    with commits.write(single=single):
        sql.execute("INSERT INTO words VALUES (?)", (word,))


def _fail(commits: GroupCommit, sql: sqlite3.Connection) -> None:
    with commits.write():
        sql.execute("INSERT INTO words VALUES ('lost')")
        raise KeyError


async def test_writes_of_one_turn_share_a_commit(sql: sqlite3.Connection, file: Path) -> None:
    """Writes before the loop's next turn are invisible to others until `settled` returns, then all are there."""
    commits = GroupCommit(sql)
    for word in "abc":
        _add(commits, sql, word, single=word != "b")
    assert _committed(file) == []
    assert await commits.settled()
    assert _committed(file) == ["a", "b", "c"]
    assert await commits.settled()


async def test_a_step_that_raises_takes_back_only_itself(sql: sqlite3.Connection, file: Path) -> None:
    """An error within one step leaves the group's other steps alone."""
    commits = GroupCommit(sql)
    _add(commits, sql, "kept")
    with pytest.raises(KeyError):
        _fail(commits, sql)
    assert await commits.settled()
    assert _committed(file) == ["kept"]


async def test_a_full_disk_is_said_to_everybody(sql: sqlite3.Connection, file: Path) -> None:
    """When the file cannot grow, whoever was not committed hears of it, and the next group works again."""
    commits = GroupCommit(sql)
    _add(commits, sql, "before")
    assert await commits.settled()
    pages = sql.execute("PRAGMA page_count").fetchone()[0]
    sql.execute(f"PRAGMA max_page_count = {pages}")
    _add(commits, sql, "companion")
    with pytest.raises(sqlite3.OperationalError):
        _add(commits, sql, "x" * 100_000)
    survived = await commits.settled()
    assert _committed(file) == (["before", "companion"] if survived else ["before"])
    sql.execute("PRAGMA max_page_count = 100000")
    _add(commits, sql, "after")
    assert await commits.settled()
    assert _committed(file)[-1] == "after"


def test_without_a_loop_each_write_commits_at_once(sql: sqlite3.Connection, file: Path) -> None:
    """Outside an event loop a write is committed when its step ends, and rolled back when it raises."""
    commits = GroupCommit(sql)
    _add(commits, sql, "alone")
    assert _committed(file) == ["alone"]
    with pytest.raises(KeyError):
        _fail(commits, sql)
    assert _committed(file) == ["alone"]
    assert asyncio.run(commits.settled())


async def test_closing_commits_what_is_open(sql: sqlite3.Connection, file: Path) -> None:
    """`finish` does not leave a group behind that the loop will never turn to."""
    commits = GroupCommit(sql)
    _add(commits, sql, "last")
    commits.finish()
    assert _committed(file) == ["last"]
