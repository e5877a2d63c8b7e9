"""One limit, `quota` calls in `span` seconds, as a sliding log of our own calls plus an estimate of everybody else's.

A call leaves the log `span` seconds after its *answer* came. The server counts it at some moment between sending and
answer, so whatever window it slides, our calls in it are never more than were in this log at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import inf
from typing import Final

from importer.remote.others import Others

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
"""Spans after a 429 in which calls are spaced, where the server does not say how much is left."""
_MOST_AT_ONCE: Final = 0.8
"""Share of the free calls that goes out at once at most where more are to be made than fit into one span."""
_SEEN: Final = 0.2
"""Share of the span after which others that began with us have been seen."""


class Window:
    """Bookkeeping of one limit. Times are seconds of one monotonic clock."""

    __slots__ = (
        "_assumed", "_began", "_cautious_until", "_confirmed", "_gone", "_guessed", "_handed", "_heard", "_learned",
        "_log", "_reserve", "budget", "last_sent", "name", "others", "quota", "reset_at", "span", "told", "told_at",
    )  # fmt: skip

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
        self._gone: deque[float] = deque()
        """When calls were answered that have just left the log; the server may have held them when it counted."""
        self._handed = 0
        self.others = Others(span)
        self.told = -1
        self.told_at = -1e18
        self._heard = -1e18
        """When the call was sent whose count was believed last."""
        self.reset_at = -1.0
        self.last_sent = -1e18
        self._began = -1.0
        """When the first call of the first span was sent, -1 where none was; infinity after that span."""
        self._cautious_until = -1e18

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
        if not log or log[0][1] > now - self.span:
            return len(log)
        gone = now - self.stay
        while log and log[0][1] <= gone:
            sent, answered = log.popleft()
            self._gone.append(answered)
            if self._handed:
                self._handed -= 1
            elif 0 <= self._began <= sent:
                self._began = inf
        return len(log)

    def sending(self, now: float) -> None:
        """A call is sent now."""
        self.last_sent = now
        if self._began < 0:
            self._began = now

    def room(self, now: float, in_flight: int, waiting: int = 0) -> bool:
        """Whether one more call may go out, of `waiting` that are to be made; 0 where nobody has said how many."""
        own = self.used(now) + in_flight
        if own >= self.budget:
            return False
        if own <= self.quota * _PROBE and in_flight == 0 and self._probe_due(now):
            return True
        if in_flight and self.told >= 0 and now - self.told_at > max(1.0, self.span * _SILENCE):
            return False
        first = self._began < inf
        if now < self._spaced_until(now):
            return False
        free = self.free(own)
        if free <= 0:
            return False
        if self.others.expected:
            if in_flight and now - self.told_at > max(0.5, self.span * _OLD):
                return False
            # Others read the same numbers at the same moment: everybody takes a part of what is left at a time.
            if in_flight >= max(2, (free + in_flight) // (4 if first or self.others.unsteady else 2)):
                return False
        return now >= self._due(own, free, waiting)

    def free(self, own: int) -> int:
        """Calls that are left to us beside so many of our own: the reserve is for others, or what they use if more."""
        return min(self.budget, self.quota - self.others.expected) - own

    def delay(self, now: float, in_flight: int, waiting: int = 0) -> float:
        """Seconds until `room` can be true without another answer; infinity when only an answer can help."""
        used = self.used(now)
        log = self._log
        free = self.free(used + in_flight)
        waits = []
        if free <= 0:
            if used > -free:
                waits.append(log[-free][1] + self.stay - now)
        else:
            waits += [self._due(used + in_flight, free, waiting) - now, self._spaced_until(now) - now]
        if in_flight == 0 and used <= self.quota * _PROBE:
            waits.append(self._probe_at() - now)
        positive = [wait for wait in waits if wait > 0]
        return min(positive, default=inf if in_flight else 0.0)

    def _due(self, own: int, free: int, waiting: int) -> float:
        """When the next call is due in the first span; later ones are due when an earlier one leaves the window.

        Calls that fit are due at once. Of more than that it is half, and the rest evenly, so that others who come find
        room as our calls leave. The time is that of a burst: what remains after whole spans is due at once as well, as
        soon as others who began with us would have been seen.
        """
        if self._began < 0 or self._began == inf or self.told < 0:
            return -inf
        if self.last_sent > self._cautious_until and (waiting <= free or not self._reserve):
            return -inf
        whole = own + free
        half = whole // 2
        rest = min((own + waiting) % whole, int(whole * _MOST_AT_ONCE)) if waiting else 0
        at_once = min(half, max(whole // 4, rest))
        if own < at_once:
            return -inf
        due = self._began + self.span * (own - at_once + 1) / (whole - at_once)
        return min(due, self._began + self.span * _SEEN) if own < max(half, rest) else due

    def _spaced_until(self, now: float) -> float:
        if self.told >= 0 or now >= self._cautious_until:
            return -inf
        return self.last_sent + self.span / self.budget

    def answered(self, sent: float, now: float) -> None:
        """A call was answered, or lost."""
        self._log.append((sent, now))

    def heard(self, now: float, sent: float, in_flight: int, remaining: int, reset: float) -> None:
        """The server's own count, from the answer just logged. It is believed where it leaves us fewer."""
        used = self.used(now)
        if not self._confirmed:
            # No policy was announced: the quota is at least what is left and what we have used.
            known = remaining + used
            self.quota = known if self.told < 0 else max(self.quota, known)
            self.budget = min(self._assumed, self._share(self.quota))
        self.told, self.told_at = remaining, now
        self.reset_at = now + reset if reset >= 0 else -1.0
        if sent < self._heard:
            return  # another answer has overtaken this one
        self._heard = sent
        # Which of our calls the server had counted is certain for those answered before this one was sent, and sent
        # less than a span ago; it may have been all that were under way meanwhile, and those that leave just now.
        certain = used + 1
        for _, answered in reversed(self._log):
            if answered <= sent:
                break
            certain -= 1
        for earlier, _ in self._log:
            if earlier + self.span > now:
                break
            certain -= 1
        while self._gone and self._gone[0] + self.span <= sent:
            self._gone.popleft()
        taken = self.quota - remaining
        self.others.counted(now, taken - used - in_flight - len(self._gone), taken - certain)

    def limited(self, now: float, in_flight: int, until: float, *, first: bool = True) -> None:
        """A 429 came although our log had room: somebody else is there, or the limit is lower than assumed.

        `until` is when its Retry-After is over; `first` says that it began this block, others only echo it.
        """
        if first and self._guessed and self.told < 0:
            self._guess_again(now, until)
        self._cautious_until = until + _CAUTION * self.span
        self.others.begin_again()
        self._began = -1.0
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
