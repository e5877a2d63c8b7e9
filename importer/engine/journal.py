"""journal.jsonl: what was about to be done, and how it ended. The only state that there is.

A line an event; an intent is in the file before its request leaves, the outcome after the answer. Lines are whole:
each is one write to the file, and a line that a full disk cuts short is taken back. No line holds a token or a body.

    {"event":"run","run":ID,"plan":SHA256,"account":ID,"mode":M,"rows":N,"started":T,"boot":B,"cwd":PATH,...}  once
    {"event":"resume","started":T,"boot":B}                     each time the run is taken up again
    {"event":"intent","key":K,"call":"create","attempt":1,"at":T}
    {"event":"unsent","key":K,"at":T}                           the request changed nothing: never left, 429, 401 or 403
    {"event":"outcome","key":K,"status":"created","uuid":U,"attempts":1,...,"at":T}
    {"event":"end","state":"complete"|"stopped","reason":R,"exit_code":E,"counts":{...},"at":T}
    {"event":"undoing","by":RUN,"folder":PATH,"at":T}           an undo of this run is about to send its first call
    {"event":"undone","by":RUN,"at":T}                          an undo of this run came to its end

How safe a line is, chosen by `Fsync`: none survives kill -9 and every crash of the program; batch also reaches the disk
within a second, so that a power loss takes at most the last second (a resume after one looks all open rows up first);
always is on the disk before the request leaves, rows that are ready together sharing one fsync.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from importer.atomic import PRIVATE
from importer.clock import Clock
from importer.errors import StoppedEarly
from importer.model import Outcome
from importer.system import BINARY, NO_LINK, set_mode

_BATCH_SECONDS: Final = 1.0
_encode = msgspec.json.Encoder().encode


class Fsync(StrEnum):
    """When lines are forced to the disk."""

    NONE = "none"
    BATCH = "batch"
    ALWAYS = "always"


class _IntentLine(msgspec.Struct, tag_field="event", tag="intent"):
    key: str
    call: str
    attempt: int
    at: datetime


class _OutcomeLine(msgspec.Struct, tag_field="event", tag="outcome", omit_defaults=True):
    key: str
    status: str
    uuid: str
    attempts: int
    code: str = ""
    message: str = ""
    adopted: bool = False
    after: dict[str, Any] = {}
    at: datetime | None = None


class JournalFull(StoppedEarly):
    """The journal cannot be written; nothing is sent without it."""


class Journal:
    """Appends lines. Opened for a new run or to go on with an old one; `async with` closes it."""

    def __init__(self, path: Path, clock: Clock, *, fsync: Fsync = Fsync.BATCH) -> None:
        """Open (and create, mode 0600). A torn last line of an earlier process is cut off. Raises JournalFull."""
        self.path = path
        self.fsync = fsync
        self._clock = clock
        self._dirty = False
        self._syncing: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._failed: OSError | None = None
        self._held = b""
        self._commit: asyncio.Handle | None = None
        self._turn: asyncio.Future[None] | None = None
        self._waiting: list[asyncio.Future[None]] = []
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | BINARY | NO_LINK, PRIVATE)
            set_mode(self._file, PRIVATE)
            self._size = _cut_torn_line(self._file)
        except OSError as error:
            raise _full(path, error) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in (self._timer, self._commit):
            if handle is not None:
                handle.cancel()
        if self._syncing is not None:
            with contextlib.suppress(Exception):
                await self._syncing
        self.close()

    def close(self) -> None:
        """Force what is not on the disk yet, unless the policy is none, and close the file."""
        if self._file < 0:
            return
        with contextlib.suppress(JournalFull):
            self.flush()
        with contextlib.suppress(OSError):
            if self._dirty and self.fsync is not Fsync.NONE:
                os.fsync(self._file)
        os.close(self._file)
        self._file = -1
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one line; it is in the file when this returns. Raises JournalFull, and the file is as it was."""
        self._append(self._held + _encode(line) + b"\n")

    def flush(self) -> None:
        """Write the lines that are held back. Raises JournalFull."""
        if self._held:
            self._append(self._held)

    def _append(self, data: bytes) -> None:
        try:
            if self._failed is not None:
                raise self._failed
            written = os.write(self._file, data)
            if written != len(data):
                written += os.write(self._file, data[written:])
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise _full(self.path, error) from error
        self._held = b""
        self._size += written
        if self.fsync is not Fsync.NONE:
            self._dirty = True
            if self.fsync is Fsync.BATCH and self._timer is None:
                self._sync_soon()

    def intent(self, key: str, call: str, attempt: int) -> asyncio.Future[None]:
        """A request is about to leave. It may when the future is done: then the line is as safe as the policy asks.

        Rows that are ready in the same moment of the loop share one write, and with the policy always one fsync.
        The future raises JournalFull.
        """
        self._held += _encode(_IntentLine(key, call, attempt, self._now())) + b"\n"
        if self._turn is None:
            self._turn = asyncio.get_running_loop().create_future()
        self._commit_soon()
        return self._turn

    def unsent(self, key: str, code: str) -> None:
        """The request of the last intent certainly changed nothing, so whoever resumes need not look for it.

        `code` is the failure's.

        The line waits as an outcome does; without it the intent is open, which costs a look-up and nothing else.
        """
        self._held += _encode({"event": "unsent", "key": key, "code": code, "at": self._now()}) + b"\n"
        self._commit_soon()

    def outcome(self, outcome: Outcome) -> None:
        """A row has ended.

        The line waits for others of the same moment: one write instead of many. A kill in between leaves an open
        intent, which resume settles.
        """
        line = _OutcomeLine(
            outcome.key, outcome.status, outcome.uuid, outcome.attempts, outcome.code, outcome.message,
            outcome.adopted, dict(outcome.after), self._now(),
        )  # fmt: skip
        self._held += _encode(line) + b"\n"
        self._commit_soon()

    def _commit_soon(self) -> None:
        if self._commit is None:
            self._commit = asyncio.get_running_loop().call_soon(self._commit_now)

    def _commit_now(self) -> None:
        turn, self._turn, self._commit = self._turn, None, None
        try:
            self.flush()
        except JournalFull as error:
            # Outcomes that nobody waits for are open intents for whoever resumes; nothing is sent from now on.
            self._failed = self._failed or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if turn is not None and not turn.done():
                turn.set_exception(error)
                turn.exception()
            return
        if turn is None or turn.done():
            return
        if self.fsync is not Fsync.ALWAYS:
            turn.set_result(None)
            return
        self._waiting.append(turn)
        self._start_sync()

    def event(self, event: str, **values: Any) -> None:
        """Any other line; `at` (or, for run and resume, `started`) is added."""
        stamp = "started" if event in ("run", "resume") else "at"
        self.write({"event": event, **values, stamp: self._now()})

    def _now(self) -> datetime:
        return self._clock.now()

    def _sync_soon(self) -> None:
        with contextlib.suppress(RuntimeError):  # outside a loop, closing does it
            self._timer = asyncio.get_running_loop().call_later(_BATCH_SECONDS, self._start_sync)

    def _start_sync(self) -> None:
        self._timer = None
        if self._syncing is None and self._file >= 0:
            self._syncing = asyncio.ensure_future(self._sync())
            self._syncing.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _sync(self) -> None:
        """Force what is written to the disk; what comes while the disk works is in the next round, all together."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "journal")
        try:
            while True:
                turns, self._waiting, self._dirty = self._waiting, [], False
                error: JournalFull | None = None
                try:
                    await asyncio.get_running_loop().run_in_executor(self._thread, os.fsync, self._file)
                except OSError as failed:
                    self._failed, error = failed, _full(self.path, failed)
                for turn in turns:
                    if turn.done():
                        continue
                    if error is None:
                        turn.set_result(None)
                    else:
                        turn.set_exception(error)
                        turn.exception()
                if error is not None or not self._waiting:
                    return
        finally:
            self._syncing = None


def boot_id() -> str:
    """What tells one start of one machine from another; empty where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _cut_torn_line(file: int) -> int:
    """Cut what stands after the last line break; the size that is left."""
    size = os.fstat(file).st_size
    end = size
    while end > 0:
        start = max(0, end - 4096)
        os.lseek(file, start, os.SEEK_SET)  # lines are appended wherever this stands
        block = os.read(file, end - start)
        found = block.rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)
    return end


def _full(path: Path, error: OSError) -> JournalFull:
    return JournalFull(
        f"the journal {path} cannot be written: {error.strerror or error}",
        hint="Nothing more was sent. Make room, then resume the run.",
    )
