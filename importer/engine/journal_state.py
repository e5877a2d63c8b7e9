"""What a journal says: read back for resume, undo, runs and reports."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from importer.engine.journal import moment
from importer.errors import UsageError
from importer.model import Outcome, Status


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """A call that may have been made, and whose end nobody knows."""

    key: str
    call: str
    attempts: int
    """Requests of this call that may have left so far."""
    at: datetime | None
    """When the last of them was about to leave."""


@dataclass(frozen=True, slots=True)
class JournalState:
    """A journal as it stands."""

    header: Mapping[str, Any]
    """The `run` line."""
    outcomes: Mapping[str, Outcome]
    """By key; the last one counts. Those that are unknown are open as well."""
    open: Mapping[str, OpenIntent]
    """By key: intents without an outcome, of which it is not known that they changed nothing."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Rows that were tried and changed nothing, and for which failure: key -> code."""
    ends: tuple[Mapping[str, Any], ...] = ()
    boots: frozenset[str] = frozenset()
    last: datetime | None = None
    """Time of the last line."""
    undone: bool = False
    undoing: str = ""
    """Folder of an undo of this run that has begun and not come to its end, as far as is known here."""
    torn: bool = False
    """Whether the last line was cut short."""
    categories: Mapping[str, str] = field(default_factory=dict)
    """Categories that the run created: name -> uuid."""
    categories_asked: frozenset[str] = frozenset()
    """Names of categories that the run may have created."""

    @property
    def plan(self) -> str:
        """sha256 of the plan that the run is for."""
        return str(self.header.get("plan", ""))

    @property
    def cwd(self) -> str:
        """The working directory that the run was started in; empty where its journal does not say."""
        return str(self.header.get("cwd") or "")

    def standing(self) -> dict[str, Outcome]:
        """How each row stands, by key: as it ended, or unknown where a call may have been made. Others are left out."""
        found = dict(self.outcomes)
        for key, intent in self.open.items():
            if key not in found:
                found[key] = Outcome(
                    key, Status.UNKNOWN, "", intent.attempts, "answer-lost",
                    "its request may have been sent, and the run was interrupted before the answer was noted; "
                    "resume the run, it looks first and sends nothing twice",
                )  # fmt: skip
        return found

    @property
    def complete(self) -> bool:
        """Whether the run came to its end."""
        return bool(self.ends) and self.ends[-1].get("state") == "complete"


def read_journal(path: Path) -> JournalState:
    """Read a journal. Raises UsageError when there is none, or when it is damaged before its last line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the journal {path} cannot be read: {error.strerror or error}") from error
    lines = data.split(b"\n")
    torn = bool(lines.pop())
    header: Mapping[str, Any] = {}
    outcomes: dict[str, Outcome] = {}
    intents: dict[str, OpenIntent] = {}
    refused: dict[str, str] = {}
    ends: list[Mapping[str, Any]] = []
    boots: set[str] = set()
    categories: dict[str, str] = {}
    asked: set[str] = set()
    last: datetime | None = None
    undone, undoing = False, ""
    for number, raw in enumerate(lines, 1):
        line = _line(raw)
        if line is None:
            if number == len(lines):
                torn = True
                break
            raise UsageError(f"{path}:{number}: this line of the journal is damaged")
        event, key = line.get("event"), str(line.get("key", ""))
        last = moment(line.get("at", line.get("started"))) or last
        if event == "intent":
            before = intents.get(key)
            attempts = max(before.attempts if before else 0, _whole(line.get("attempt")))
            intents[key] = OpenIntent(key, str(line.get("call")), attempts, moment(line.get("at")))
            ends.clear()
        elif event == "outcome":
            outcome = _outcome(key, line)
            if outcome is None:
                raise UsageError(f"{path}:{number}: this line of the journal has no status that is known")
            outcomes[key] = outcome
            if outcome.status is not Status.UNKNOWN:
                intents.pop(key, None)
        elif event == "unsent":
            intents.pop(key, None)
            refused[key] = str(line.get("code", ""))
        elif event in ("run", "resume"):
            header = header or line
            boots.add(str(line.get("boot", "")))
            ends.clear()
        elif event == "end":
            ends.append(line)
        elif event == "undone":
            undone, undoing = True, ""
        elif event == "undoing":
            undoing = str(line.get("folder") or line.get("by"))
        elif event == "category-intent":
            asked.add(str(line.get("name")))
        elif event == "category":
            categories[str(line.get("name"))] = str(line.get("uuid"))
    return JournalState(
        header, outcomes, intents, refused, tuple(ends), frozenset(boots), last, undone, undoing, torn,
        categories, frozenset(asked),
    )  # fmt: skip


_TAIL: Final = 64 * 1024


def finished_journal(path: Path) -> JournalState | None:
    """The state of a journal whose last line is the run's end, without the rows in it: read off its first and last
    lines, however long it is. None for any other, which has to be read.
    """
    try:
        with path.open("rb") as file:
            header = _line(file.readline(_TAIL))
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            tail = file.read()
    except OSError:
        return None
    end = _line(tail.rstrip(b"\n").rpartition(b"\n")[2]) if tail.endswith(b"\n") else None
    if header is None or header.get("event") != "run" or end is None or end.get("event") != "end":
        return None
    if not isinstance(end.get("counts"), dict):
        return None
    return JournalState(header, {}, {}, ends=(end,), last=moment(end.get("at")))


def _line(raw: bytes) -> dict[str, Any] | None:
    try:
        line = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return line if isinstance(line, dict) else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _outcome(key: str, line: Mapping[str, Any]) -> Outcome | None:
    try:
        status = Status(str(line.get("status")))
    except ValueError:
        return None
    after = line.get("after")
    return Outcome(
        key, status, str(line.get("uuid", "")), _whole(line.get("attempts")), str(line.get("code", "")),
        str(line.get("message", "")), line.get("adopted") is True, after if isinstance(after, dict) else {},
    )  # fmt: skip
