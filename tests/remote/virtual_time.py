"""A loop on which waiting takes no time: when nothing can run, its clock jumps to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time starts at 0 and passes only by waiting."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class VirtualClock:
    """The program's clock on such a loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.time()

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._loop.time())

    async def sleep(self, seconds: float) -> None:
        # Below the loop's resolution a timer is due at once, and time would never pass for what waits in small steps.
        await asyncio.sleep(max(seconds, 1e-6) if seconds > 0 else 0)


def run(make: Any, *, limit: float = 1e7) -> Any:
    """Run `make(clock)` to its end in virtual time; it may take `limit` virtual seconds."""
    loop = VirtualLoop()
    try:
        main: Coroutine[Any, Any, Any] = make(VirtualClock(loop))
        return loop.run_until_complete(asyncio.wait_for(main, limit))
    finally:
        loop.close()
