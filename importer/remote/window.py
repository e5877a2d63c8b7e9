"""One limit, `quota` calls in `span` seconds, as a sliding log of our own calls plus an estimate of everybody else's.

A call leaves the log `span` seconds after its *answer* came. The server counts it at some moment between sending and
answer, so whatever window it slides, our calls in it are never more than were in this log at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

_SLACK: Final = 0.001
"""Share of the span by which a call stays longer: clocks and timers are not exact."""
_PROBE: Final = 0.05
"""Share of the span between single calls that ask how things stand, while others use everything up."""
_OLD: Final = 0.1
"""Share of the span after which knowledge of others is old: one call asks before the rest follows."""
_SILENCE: Final = 0.5
"""Share of the span without an answer after which that holds even when nobody else has been seen."""
_FEW: Final = 8
"""Calls a span with which a guess begins when next to nothing had passed before the first refusal."""
_CAUTION: Final = 12
"""Spans after a 429 in which calls are spaced, and others are expected to take what they took per second."""


class Window:
    """Bookkeeping of one limit. Times are seconds of one monotonic clock."""

    __slots__ = (
        "_assumed",
        "_cautious_until",
        "_confirmed",
        "_filling",
        "_guessed",
        "_handed",
        "_latency",
        "_learned",
        "_log",
        "_measured_from",
        "_others_then",
        "_rate",
        "_reserve",
        "budget",
        "last_sent",
        "name",
        "others",
        "others_seen",
        "quota",
        "reset_at",
        "span",
        "told",
        "told_at",
    )

    def __init__(
        self, name: str, quota: int, span: float, reserve: float, *, confirmed: bool = False, guessed: bool = False
    ) -> None:
        """`reserve` is the share of the quota that is left to people; `confirmed` says that the server announced it.

        `guessed` says that nobody has said anything: refusals may teach another quota and span.
        """
        self.name = name
        self.quota = quota
        self.span = span
        self._reserve = reserve
        self._learned = False
        self._assumed = self.budget = self._share(quota)
        self._confirmed = confirmed
        self._guessed = guessed
        self._log: deque[tuple[float, float]] = deque()
        self._handed = 0
        self.others = 0
        self.others_seen = -1e18
        self.told = -1
        self.told_at = -1e18
        self.reset_at = -1.0
        self.last_sent = -1e18
        self._cautious_until = -1e18
        self._filling = True
        self._latency = 0.0
        self._measured_from = -1.0
        self._others_then = 0
        self._rate = 0.0

    def take_log(self, other: Window) -> None:
        """Go on with the calls that another window has counted: the server corrected the policy."""
        self._log = deque(other._log)
        self._handed = other._handed

    def hand_on(self, now: float, earlier: Iterable[tuple[float, int]]) -> None:
        """Begin with calls of other processes: seconds ago, how many.

        Where a reserve allows it one call less, so that a server that says how things stand is asked at once.
        """
        most = self.budget - (self.budget < self.quota)
        for ago, calls in sorted(earlier):  # the newest first
            for _ in range(min(calls, most - self._handed)):
                self._log.appendleft((now - ago, now - ago))
                self._handed += 1

    def believe(self, now: float, remaining: int) -> int:
        """How many of the calls that were handed on cannot be: the server counts fewer."""
        return max(0, self.used(now) - (self.quota - remaining))

    def forget(self, calls: int) -> None:
        """Drop so many of the calls that were handed on; from now on the others are calls like our own."""
        for _ in range(min(calls, self._handed)):
            self._log.popleft()
        self._handed = 0

    def _share(self, quota: int) -> int:
        return max(1, int(quota * (1 - self._reserve) + 1e-9))

    @property
    def stay(self) -> float:
        """How long a call stays after its answer."""
        return self.span + min(0.05, self.span * _SLACK)

    def used(self, now: float) -> int:
        """Our answered calls that are still in the window."""
        log = self._log
        if log:
            gone = now - self.stay
            while log and log[0][1] <= gone:
                log.popleft()
                if self._handed:
                    self._handed -= 1
                else:
                    self._filling = False
        return len(log)

    def room(self, now: float, in_flight: int) -> bool:
        """Whether one more call may go out."""
        log = self._log
        if log and log[0][1] <= now - self.stay:
            self.used(now)
        own = len(log) + in_flight
        if own >= self.budget:
            return False
        if in_flight == 0 and self._probe_due(now):
            return True
        if in_flight and self.told >= 0 and now - self.told_at > max(1.0, self.span * _SILENCE):
            return False
        # The window sets the pace: more calls at once than that takes would only make each answer later.
        enough = 8 + 8 * self._latency * self.budget / self.span
        if not self._filling and in_flight >= enough and len(log) * 2 >= self.budget:
            return False
        if now < self._cautious_until and now - self.last_sent < self._spacing():
            return False
        others = self.expected(now)
        if not others:
            # The end of the first window is felt for: until then somebody may have been there unseen.
            return not self._filling or self.told < 0 or in_flight <= max(1, self.budget - own)
        free = self.budget - own - others
        if free <= 0 or (in_flight and now - self.told_at > max(0.5, self.span * _OLD)):
            return False
        # Others read the same numbers at the same moment: everybody takes a part of what is left at a time.
        return in_flight < max(1, (free + in_flight) // 4)

    def delay(self, now: float, in_flight: int) -> float:
        """Seconds until `room` can be true without another answer; infinity when only an answer can help."""
        used = self.used(now)
        log = self._log
        others = self.expected(now)
        own_need = used + in_flight - self.budget + 1
        if own_need > 0:
            return log[own_need - 1][1] + self.stay - now if own_need <= used else float("inf")
        waits = []
        need = own_need + others
        if need > 0 and need <= used:
            waits.append(log[need - 1][1] + self.stay - now)
        if now < self._cautious_until and need <= 0:
            waits.append(self.last_sent + self._spacing() - now)
        if in_flight == 0:
            waits.append(self._probe_at() - now)
        positive = [wait for wait in waits if wait > 0]
        return min(positive, default=float("inf") if in_flight else 0.0)

    def expected(self, now: float) -> int:
        """Calls of others to reckon with: those in the window and, after a 429, those that are to come."""
        if now >= self._cautious_until:
            return self.others
        return max(self.others, int(min(self.quota, self._rate * self.span) + 0.5))

    def _spacing(self) -> float:
        return self.span / max(1.0, self.budget - min(self.budget - 1, self._rate * self.span))

    def answered(self, sent: float, now: float) -> None:
        """A call was answered, or lost."""
        self._log.append((sent, now))
        self._latency += (now - sent - self._latency) / 16

    def heard(self, now: float, in_flight: int, remaining: int, reset: float) -> None:
        """The server's own count, from the answer just logged. It is believed where it leaves us fewer."""
        used = self.used(now)
        if not self._confirmed:
            # No policy was announced: the quota is at least what is left and what we have used.
            known = remaining + used
            self.quota = known if self.told < 0 else max(self.quota, known)
            self.budget = min(self._assumed, self._share(self.quota))
        self.told, self.told_at = remaining, now
        self.reset_at = now + reset if reset >= 0 else -1.0
        taken = self.quota - remaining
        if taken > used + in_flight:
            self.others_seen = now
        elif now - self.others_seen > self.span:
            self.others = 0
            return
        # Only calls that the server must still hold explain its count: those were sent less than a span ago.
        held = used
        for sent, _ in self._log:
            if sent + self.span > now:
                break
            held -= 1
        self.others = max(0, taken - held)
        if now < self._cautious_until:
            self._measure(now, in_flight)

    def _measure(self, now: float, in_flight: int) -> None:
        """How many calls a second others make, from how their part grows while the window fills."""
        others = max(0, self.others - in_flight)
        elapsed = now - self._measured_from
        if self._measured_from < 0:
            self._measured_from, self._others_then = now, others
        elif elapsed >= self.span:
            self._rate = others / self.span  # a whole window has been seen: it is what it holds
        elif elapsed >= self.span * _PROBE:
            self._rate = max(0.0, others - self._others_then + 1) / elapsed

    def limited(self, now: float, in_flight: int, until: float, *, first: bool = True) -> None:
        """A 429 came although our log had room: somebody else is there, or the limit is lower than assumed.

        `until` is when its Retry-After is over; `first` says that it began this block, others only echo it.
        """
        if first and self._guessed and self.told < 0:
            self._guess_again(now, until)
        self.others_seen = now
        self._cautious_until = until + _CAUTION * self.span
        self._measured_from = -1.0
        own = self.used(now) + in_flight
        if not self._confirmed and not self._guessed and self.told < 0:
            self.budget = max(1, min(self.budget, int(own * 0.9)))

    def _guess_again(self, now: float, until: float) -> None:
        """A server that announces nothing has shown that its limit is not the documented one.

        What it let through before it refused is about its quota, and its Retry-After about its window. Somebody else
        may have used a part, so that the guess is at most halved at a time; a longer Retry-After makes it longer again.
        """
        passed = self.used(now) - 1
        self.budget = max(1, min(self.budget, max(int(passed * 0.9), self.budget // 2 if self._learned else _FEW)))
        self.span = max(until - now, self.span if self._learned else 0.0)
        self._learned = True

    def _probe_at(self) -> float:
        pause = max(self.span * _PROBE, 0.01)
        if self.told > 0:
            return self.told_at + pause
        # Nothing was left: not before the server's own reset, or the end of a whole window.
        return max(self.told_at + pause, self.reset_at if self.reset_at >= 0 else self.told_at + self.stay)

    def _probe_due(self, now: float) -> bool:
        return now >= self._probe_at()
