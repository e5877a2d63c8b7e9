"""What the processes of one token used of its limit lately, handed on through files in the state directory.

Each process writes a file of its own, so that none overwrites what another says: how many calls, how long ago. It
counts only where the server does not say how much is left.
"""

from __future__ import annotations

import asyncio
import math
import os
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from importer.atomic import atomic_path, private_folder
from importer.clock import Clock
from importer.remote.pacer import Pacer

_ENTRIES: Final = 700
"""A window of 300 s, noted twice a second, and some more."""
_LARGEST: Final = 65_536
_SLACK: Final = 1.0
"""Seconds by which a file may seem to come from the future: clocks are corrected a little all the time."""


class _Used(Struct, frozen=True):
    """The file of one process."""

    at: float
    """When it was written: seconds since 1970."""
    window: Annotated[float, Meta(gt=0, le=1e6)]
    calls: Annotated[list[tuple[Annotated[float, Meta(ge=0)], Annotated[int, Meta(ge=1)]]], Meta(max_length=_ENTRIES)]
    """Seconds before `at`, and how many calls."""
    up: float = math.inf
    """When it was written, since the machine started: right also where the clock has been set."""


class SharedBudget:
    """The files of one token, and what this process adds to them."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._file = folder / f"{os.getpid()}-{secrets.token_hex(4)}.json"
        self._made: deque[tuple[float, int]] = deque(maxlen=_ENTRIES - 1)
        self._counted = 0

    def earlier(self) -> Iterator[tuple[float, int]]:
        """Calls of other processes that may still count: seconds ago, how many. A file that makes no sense is void."""
        now, up = self._clock.now().timestamp(), self._clock.monotonic()
        for path in self._folder.glob("*.json"):
            if path == self._file:
                continue
            with suppress(OSError):
                try:
                    with path.open("rb") as stream:
                        used = msgspec.json.decode(stream.read(_LARGEST), type=_Used)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    used = None
                ages = [age for age in (now - used.at, up - used.up) if -_SLACK <= age <= used.window] if used else []
                if used is None or not ages:  # of a time that has not come, or long ago
                    path.unlink()
                    continue
                for ago, calls in used.calls:
                    if (age := max(0.0, min(ages)) + ago) <= used.window:
                        yield age, calls

    @asynccontextmanager
    async def kept(self, pacer: Pacer) -> AsyncIterator[None]:
        """Write down what goes through the pacer while inside: every half second or oftener, and at the end."""
        task = asyncio.ensure_future(self._keep(pacer))
        try:
            yield
        finally:
            task.cancel()
            self._write(pacer)

    async def _keep(self, pacer: Pacer) -> None:
        while True:
            await self._clock.sleep(max(0.1, min(0.5, pacer.limit()[1] / 20)))
            self._write(pacer)

    def _write(self, pacer: Pacer) -> None:
        now, window = self._clock.monotonic(), pacer.limit()[1]
        new = pacer.calls - self._counted
        if not new and not pacer.in_flight:
            return
        if new:
            self._counted += new
            self._made.append((now, new))
        calls = [(round(now - moment, 3), count) for moment, count in self._made if now - moment <= window]
        if pacer.in_flight:  # the server counts them at any moment until their answers, not when they were sent
            calls.append((0.0, pacer.in_flight))
        used = _Used(self._clock.now().timestamp(), window, calls, now)
        # A state directory that cannot be written must not end a command that needs no lock.
        with suppress(OSError):
            private_folder(self._folder)
            with atomic_path(self._file) as temporary:
                temporary.write_bytes(msgspec.json.encode(used))
