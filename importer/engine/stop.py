"""Stopping early: who asked, why, and with which exit code. Signals ask politely once; the second one does not ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from signal import Signals
from typing import TypeVar

from importer.errors import ExitCode
from importer.system import on_stop_signals

T = TypeVar("T")


class StopSignal:
    """Asks a run to stop. The first reason counts."""

    def __init__(self) -> None:
        self.reason = ""
        self.exit_code = ExitCode.DONE
        self.hint = ""
        self.retry_after = 0.0
        self._event = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self.reason)

    def request(
        self, reason: str, *, exit_code: ExitCode = ExitCode.STOPPED_EARLY, hint: str = "", retry_after: float = 0.0
    ) -> None:
        """Stop for this reason (one sentence); `retry_after` is in seconds, 0 where nobody knows."""
        if not self.reason:
            self.reason, self.exit_code, self.hint, self.retry_after = reason, exit_code, hint, retry_after
            self._event.set()

    async def wait(self) -> None:
        """Return when a stop was asked for."""
        await self._event.wait()


async def unless_stopped(work: Coroutine[object, object, T], stop: StopSignal) -> T | None:
    """What `work` comes to; None when a stop was asked for before it was done, and it is given up."""
    task, asked = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        asked.cancel()


@contextmanager
def on_signals(stop: StopSignal, *, at_once: Callable[[int], None]) -> Iterator[None]:
    """While inside: the first signal that asks to end asks `stop`, the second leaves by `at_once`.

    Leaving at once is safe: every line of the journal is whole the moment it is written.
    """
    loop = asyncio.get_running_loop()
    asked = False

    def received(number: Signals) -> None:
        nonlocal asked
        if asked or stop.reason:
            at_once(number)
        asked = True
        loop.call_soon_threadsafe(stop.request, f"stopped by {number.name}")

    with on_stop_signals(received):
        yield
