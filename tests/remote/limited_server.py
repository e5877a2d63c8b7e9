"""A model of a server with a limit, for the pacer: a sliding log, blocks after an overrun, and a neighbour."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field

from importer.remote.pacer import Pacer

from .virtual_time import VirtualClock


@dataclass
class LimitedServer:
    """Counts each call at some moment between its sending and its answer, as a real one does."""

    clock: VirtualClock
    quota: int
    window: float
    block: float = 0.0
    neighbour: float = 0.0
    """Calls a second that somebody else makes from the start on."""
    latency: tuple[float, float] = (0.02, 0.08)
    headers: bool = True
    seed: int = 0
    uneven: bool = False
    """Whether it makes them at irregular intervals: half to one and a half of the mean."""
    begins: float = 0.0
    """When the neighbour begins."""
    neighbour_calls: int = 0
    neighbour_refused: int = 0
    counted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._log: deque[float] = deque()
        self._blocked_until = -1.0
        self._chance = random.Random(self.seed)
        self._neighbour_next = max(0.0, self.begins)

    def begin_with(self, moments: list[float]) -> None:
        """Calls that were counted before."""
        self._log.extend(sorted(moments))

    def _neighbours(self, now: float) -> None:
        while self.neighbour and self._neighbour_next <= now:
            self.neighbour_calls += 1
            self.neighbour_refused += self._count(self._neighbour_next) > 0
            self._neighbour_next += (self._chance.uniform(0.5, 1.5) if self.uneven else 1.0) / self.neighbour

    def _count(self, now: float) -> float:
        """Seconds to wait when the call is refused, else 0."""
        while self._log and self._log[0] <= now - self.window:
            self._log.popleft()
        if now < self._blocked_until:
            return self._blocked_until - now
        if len(self._log) >= self.quota:
            self._blocked_until = now + self.block
            return max(self.block, self._log[0] + self.window - now)
        self._log.append(now)
        return 0.0

    async def call(self, pacer: Pacer) -> bool:
        """One call through the pacer; whether it was not refused."""
        sent = pacer.take()
        if sent is None:
            sent = await pacer.acquire()
        total = self._chance.uniform(*self.latency)
        share = self._chance.random()
        await asyncio.sleep(total * share)
        now = self.clock.monotonic()
        self._neighbours(now)
        wait = self._count(now)
        (self.refused if wait else self.counted).append(now)
        left = max(0, self.quota - len(self._log))
        reset = self._log[0] + self.window - now if self._log else 0
        headers = (f'"default";r={left};t={reset:.0f}', f'"default";q={self.quota};w={self.window:g}')
        await asyncio.sleep(total * (1 - share))
        pacer.answered(sent, headers if self.headers else ("", ""))
        if wait:
            pacer.limited(float(int(wait) + 1))
        return not wait

    async def work(self, pacer: Pacer, calls: int, width: int, *, tell: bool = False) -> float:
        """So many calls that succeed, so many at once; seconds that it took. `tell` tells the pacer what is left."""
        left = calls
        if tell:
            pacer.ahead = lambda: left

        async def worker() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                if not await self.call(pacer):
                    left += 1

        began = self.clock.monotonic()
        await asyncio.gather(*(worker() for _ in range(width)))
        return self.clock.monotonic() - began


def fullest_window(moments: list[float], span: float) -> int:
    """The most calls that any window of that length holds, wherever it is placed."""
    moments = sorted(moments)
    first = most = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - span:
            first += 1
        most = max(most, last - first + 1)
    return most
