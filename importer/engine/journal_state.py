"""What a journal says: read back for resume, undo, runs and reports."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from importer.clock import moment
from importer.errors import UsageError, os_errors
from importer.model import Outcome, Status


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """A call that may have been made, and whose end nobody knows."""

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


_Natural = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class _After(msgspec.Struct, frozen=True):
    version: float = 0
    updatedAt: str = ""  # noqa: N815  as the API spells it


class _Line(msgspec.Struct, frozen=True):
    """A line of any event: the types of all keys that are read."""

    event: str
    key: str = ""
    attempt: _Natural = 0
    at: str = ""
    started: str = ""
    status: Status | None = None
    uuid: str = ""
    attempts: _Natural = 0
    code: str = ""
    message: str = ""
    adopted: bool = False
    after: _After | None = None
    plan: str = ""
    account: str = ""
    mode: str = ""
    command: str = ""
    cwd: str = ""
    boot: str = ""
    rows: _Natural = 0
    state: str = ""
    reason: str = ""
    exit_code: _Natural = 0
    counts: dict[str, _Natural] = {}
    by: str = ""
    folder: str = ""
    name: str = ""


def read_journal(path: Path) -> JournalState:
    """Read a journal. Raises UsageError when there is none, or when it is damaged before its last line."""
    with os_errors(f"the journal {path} cannot be read"):
        data = path.read_bytes()
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
        if line is None and number == len(lines):
            torn = True
            break
        if not isinstance(line, _Line):
            why = f": {line}" if line is not None else ""
            raise UsageError(f"{path}:{number}: this line of the journal is damaged{why}")
        event, key = line.event, line.key
        last = moment(line.at or line.started) or last
        if event == "intent":
            before = intents.get(key)
            attempts = max(before.attempts if before else 0, line.attempt)
            intents[key] = OpenIntent(attempts, moment(line.at))
            ends.clear()
        elif event == "outcome":
            if line.status is None:
                raise UsageError(f"{path}:{number}: this line of the journal has no status")
            after = {} if line.after is None else _said(line.after)
            outcomes[key] = Outcome(
                key, line.status, line.uuid, line.attempts, line.code, line.message, line.adopted, after
            )
            if line.status is not Status.UNKNOWN:
                intents.pop(key, None)
        elif event == "unsent":
            intents.pop(key, None)
            refused[key] = line.code
        elif event in ("run", "resume"):
            header = header or msgspec.json.decode(raw)
            boots.add(line.boot)
            ends.clear()
        elif event == "end":
            ends.append(msgspec.json.decode(raw))
        elif event == "undone":
            undone, undoing = True, ""
        elif event == "undoing":
            undoing = line.folder or line.by
        elif event == "category-intent":
            asked.add(line.name)
        elif event == "category":
            categories[line.name] = line.uuid
    return JournalState(
        header, outcomes, intents, refused, tuple(ends), frozenset(boots), last, undone, undoing, torn,
        categories, frozenset(asked),
    )  # fmt: skip


class Moment(msgspec.Struct, frozen=True):
    """A line of a journal, as a picture of the run over time needs it."""

    event: str
    attempt: _Natural = 0
    at: str = ""
    started: str = ""


def moments(path: Path) -> Iterator[tuple[datetime, Moment]]:
    """The lines that carry a time, in their order. A journal that is missing or damaged has none, or fewer."""
    decode = msgspec.json.Decoder(Moment).decode
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError), path.open("rb") as file:
        for raw in file:
            line = decode(raw)
            at = moment(line.at or line.started)
            if at is not None:
                yield at, line


_TAIL: Final = 64 * 1024


def finished_journal(path: Path) -> JournalState | None:
    """The state of a journal whose last line is the run's end, without the rows in it: read off its first and last
    lines, however long it is. None for any other, which has to be read.
    """
    try:
        with path.open("rb") as file:
            first = file.readline(_TAIL)
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            tail = file.read()
    except OSError:
        return None
    last = tail.rstrip(b"\n").rpartition(b"\n")[2] if tail.endswith(b"\n") else b""
    header, end = _line(first), _line(last)
    if not (isinstance(header, _Line) and header.event == "run" and isinstance(end, _Line) and end.event == "end"):
        return None
    if not end.counts:
        return None
    return JournalState(msgspec.json.decode(first), {}, {}, ends=(msgspec.json.decode(last),), last=moment(end.at))


_decoder = msgspec.json.Decoder(_Line)
_KEPT_WHOLE: Final = frozenset(("run", "resume", "end"))


def _line(raw: bytes) -> _Line | str | None:
    """A line; what is wrong with a value of it; None where it is not a line at all, as when it was cut short."""
    try:
        line = _decoder.decode(raw)
        if line.event in _KEPT_WHOLE:  # keys that nobody asks for have to be JSON, too
            msgspec.json.decode(raw)
        return line
    except msgspec.ValidationError as error:
        return str(error)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _said(after: _After) -> dict[str, Any]:
    found: dict[str, Any] = {"version": after.version} if after.version else {}
    if after.updatedAt:
        found["updatedAt"] = after.updatedAt
    return found
