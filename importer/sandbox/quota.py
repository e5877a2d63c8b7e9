"""How many calls a token may make: the window, the block after an overrun, and a neighbour on the same token."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from importer.clock import Clock
from importer.sandbox.settings import SandboxSettings


class Verdict(NamedTuple):
    """Whether a call is let through, and the headers that its answer carries."""

    allowed: bool
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Ledger:
    """One token's calls, as times on the monotonic clock."""

    counted: deque[float] = field(default_factory=deque)
    blocked_until: float = -math.inf
    neighbour_next: float = math.nan


class Quota:
    """Counts the calls of each token. Calls that get 429 are not counted, but may extend the block."""

    def __init__(self, settings: SandboxSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._ledgers: dict[str, _Ledger] = {}
        self._arrivals: deque[float] = deque()
        self._second: deque[float] = deque()
        self._policy = f'"default";q={settings.quota};w={math.ceil(settings.window)}'
        self.most_in_window = 0
        """The most calls that the clients made in any window, refused ones included, the neighbour's not."""
        self.most_counted = 0
        """The most calls that counted in any window, the neighbour's included."""
        self.blocks = 0
        self.neighbour_calls = 0

    def admit(self, token: str) -> Verdict:
        """Count a call that arrives now."""
        now = self._clock.monotonic()
        settings = self._settings
        self._arrivals.append(now)
        _forget(self._arrivals, now - settings.window)
        self.most_in_window = max(self.most_in_window, len(self._arrivals))
        _forget(self._second, now - 1.0)
        if not settings.quota and not settings.per_second:
            return Verdict(True, {})
        ledger = self._ledgers.setdefault(token, _Ledger())
        self._expire(ledger, now)
        self._let_neighbour_call(ledger, now)
        if now < ledger.blocked_until:
            if settings.extend_block:
                ledger.blocked_until = now + settings.block
            return self._refusal(ledger, now)
        if settings.per_second and len(self._second) >= settings.per_second:
            return Verdict(False, {**self._headers(ledger, now), "Retry-After": "1"})
        if settings.quota and len(ledger.counted) >= settings.quota:
            if settings.block:
                self.block(token, settings.block)
            return self._refusal(ledger, now)
        ledger.counted.append(now)
        self._second.append(now)
        self.most_counted = max(self.most_counted, len(ledger.counted))
        return Verdict(True, self._headers(ledger, now))

    def block(self, token: str, seconds: float) -> None:
        """Refuse every call of this token from now on for so long."""
        self.blocks += 1
        self._ledgers.setdefault(token, _Ledger()).blocked_until = self._clock.monotonic() + seconds

    def _refusal(self, ledger: _Ledger, now: float) -> Verdict:
        wait = ledger.blocked_until - now if now < ledger.blocked_until else self._reset(ledger, now)
        seconds = max(1, math.ceil(wait))
        return Verdict(False, {**self._headers(ledger, now, blocked_for=seconds), "Retry-After": str(seconds)})

    def _headers(self, ledger: _Ledger, now: float, *, blocked_for: int = 0) -> dict[str, str]:
        """Each header lists one item for each limit that there is."""
        settings = self._settings
        remaining, policies = [], []
        if settings.quota:
            left = 0 if blocked_for else settings.quota - len(ledger.counted)
            remaining.append(f'"default";r={left};t={blocked_for or math.ceil(self._reset(ledger, now))}')
            policies.append(self._policy)
        if settings.per_second:
            left = max(0, settings.per_second - len(self._second))
            remaining.append(f'"burst";r={left};t=1')
            policies.append(f'"burst";q={settings.per_second};w=1')
        if not remaining:
            return {}
        return {"Ratelimit": ", ".join(remaining), "Ratelimit-Policy": ", ".join(policies)}

    def _reset(self, ledger: _Ledger, now: float) -> float:
        """Seconds until the oldest counted call leaves the window (all of them leave a fixed one together)."""
        return max(0.0, ledger.counted[0] + self._settings.window - now) if ledger.counted else self._settings.window

    def _expire(self, ledger: _Ledger, now: float) -> None:
        counted = ledger.counted
        if not self._settings.fixed_window:
            _forget(counted, now - self._settings.window)
        elif counted and counted[0] <= now - self._settings.window:
            counted.clear()

    def _let_neighbour_call(self, ledger: _Ledger, now: float) -> None:
        """The neighbour keeps its pace and waits out a block, but never makes the call that would be too many."""
        if not self._settings.neighbour or not self._settings.quota:
            return
        if math.isnan(ledger.neighbour_next):
            ledger.neighbour_next = now
        ledger.neighbour_next = max(ledger.neighbour_next, now - self._settings.window, ledger.blocked_until)
        made: list[float] = []
        while ledger.neighbour_next <= now:
            if len(ledger.counted) + len(made) < self._settings.quota:
                made.append(ledger.neighbour_next)
            ledger.neighbour_next += 1 / self._settings.neighbour
        if made:
            self.neighbour_calls += len(made)
            ledger.counted = deque(sorted((*ledger.counted, *made)))
            self.most_counted = max(self.most_counted, len(ledger.counted))


def _forget(times: deque[float], until: float) -> None:
    while times and times[0] <= until:
        times.popleft()
