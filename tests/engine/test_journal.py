"""The journal's own promises."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from importer.clock import SystemClock, moment
from importer.engine.journal import Fsync, Journal, JournalFull
from importer.engine.journal_state import read_journal
from importer.errors import UsageError


@contextmanager
def room_for(path: Path, more: int) -> Iterator[None]:
    """Files may grow by `more` bytes beyond this one's size: a longer write is cut short, the next one fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_that_is_cut_short_leaves_no_trace(tmp_path: Path) -> None:
    """Where only part of a line fits, the file ends with the line before it, and goes on whole when there is room."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, SystemClock(), fsync=Fsync.NONE)
    journal.write({"number": 1})
    with room_for(path, 5), pytest.raises(JournalFull):
        journal.write({"number": 2})
    assert [json.loads(line) for line in path.read_bytes().splitlines()] == [{"number": 1}]
    journal.write({"number": 3})
    journal.close()
    assert [json.loads(line) for line in path.read_bytes().splitlines()] == [{"number": 1}, {"number": 3}]


async def test_an_intent_that_is_cut_short_is_not_given(tmp_path: Path) -> None:
    """A request whose intent does not fit may not leave, nor may any after it; what is in the file is whole."""
    path = tmp_path / "journal.jsonl"
    async with Journal(path, SystemClock(), fsync=Fsync.NONE) as journal:
        await journal.intent("a", "create", 1)
        with room_for(path, 20):
            turns = [journal.intent("b", "create", 1), journal.intent("c", "create", 1)]
            ended = await asyncio.gather(*turns, return_exceptions=True)
        assert all(isinstance(error, JournalFull) for error in ended)
        with pytest.raises(JournalFull):
            await journal.intent("d", "create", 1)
    assert [json.loads(line)["key"] for line in path.read_bytes().splitlines()] == ["a"]


async def test_an_intent_that_was_taken_back_is_not_open(tmp_path: Path) -> None:
    """Whoever resumes looks up the rows whose request may have been carried out, and no others; each line is whole."""
    path = tmp_path / "journal.jsonl"
    async with Journal(path, SystemClock(), fsync=Fsync.NONE) as journal:
        journal.event("run", run="r")
        for key in ("a", "b", "c"):
            await journal.intent(key, "create", 1)
        journal.unsent("a", "rate-limited")
        journal.unsent("b", "not-connected")
    state = read_journal(path)
    assert (set(state.open), state.torn) == ({"c"}, False)
    assert state.refused == {"a": "rate-limited", "b": "not-connected"}
    assert all(moment(json.loads(line).get("at")) for line in path.read_bytes().splitlines()[1:])


@pytest.mark.parametrize(
    "line",
    [
        {"event": "outcome", "key": "k", "status": "created", "uuid": 7},
        {"event": "outcome", "key": "k", "status": "created", "after": {"version": []}},
        {"event": "outcome", "key": ["k"], "status": "created"},
        {"event": "intent", "key": "k", "call": "create", "attempt": "many"},
        {"event": "run", "run": "r", "rows": {"a": 1}},
        {"event": "end", "state": [], "counts": {}},
        {"event": "end", "state": "complete", "counts": {"created": "all"}},
        {"event": 5},
        {"key": "no event"},
        [],
    ],
)
def test_a_wrong_type_anywhere_is_named_with_its_line(line: object, tmp_path: Path) -> None:
    """A journal that somebody has changed is refused with file and line, as the last line too; it crashes nothing."""
    path = tmp_path / "journal.jsonl"
    path.write_text('{"event":"run","run":"r"}\n' + json.dumps(line) + "\n")
    with pytest.raises(UsageError, match=r"journal\.jsonl:2: "):
        read_journal(path)


def test_an_event_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    """What is not known in a journal hinders nothing."""
    path = tmp_path / "journal.jsonl"
    path.write_text('{"event":"run","run":"r","new":[1]}\n{"event":"later","key":"k","more":{"a":1}}\n')
    assert not read_journal(path).outcomes


@pytest.mark.parametrize("event", ["run", "end"])
def test_bytes_that_are_not_text_are_damage_wherever_they_are(event: str, tmp_path: Path) -> None:
    """A key of a first or last line that nothing asks for may hold garbage: the line is damaged, and that is said."""
    path = tmp_path / "journal.jsonl"
    good = b'{"event":"run","plan":"x"}\n'
    path.write_bytes(good + b'{"event":"' + event.encode() + b'","more":"\xff"}\n' + good)
    with pytest.raises(UsageError, match=r"journal\.jsonl:2: .*damaged"):
        read_journal(path)
