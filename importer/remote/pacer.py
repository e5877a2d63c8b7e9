"""One gate for all calls: under the quota minus a reserve, in every window of any placement, and no slower than that.

Calls that fit into what is left go at full speed: spending what is there and then following the sliding log ends sooner
than any spacing can, and never holds more in a window. Where more are to be made than fit, the first span is filled so
that it ends hardly later and others find room: the reserve is theirs, or what they are seen to use where that is more.
Until the first answer has come, and again after a 429, calls go one at a time: the answer tells how things stand.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from importer.clock import Clock
from importer.errors import StoppedEarly, UsageError
from importer.remote.events import LimitLearned, Observe, Waiting, ignore
from importer.remote.limit_headers import MAX_QUOTA, MAX_WINDOW, parse_policies, parse_remaining
from importer.remote.window import Window

DOCUMENTED_QUOTA: Final = 1200
DOCUMENTED_WINDOW: Final = 300.0
_IP_QUOTA, _IP_WINDOW = 200, 1.0
_AFTER_BLOCK: Final = 0.05
"""Seconds added to a Retry-After: whole seconds are rounded, and a call too early extends the block."""
_NOTABLE: Final = 0.5

Earlier = Callable[[], Iterable[tuple[float, int]]]
"""Calls that other processes of the token have made: seconds ago, how many."""


@dataclass(frozen=True, slots=True)
class PacerSettings:
    """The limits to stay under."""

    quota: int | None = None
    """Calls in a window; None: what the server's Ratelimit-Policy says, 1200 in 300 s until it has said something."""
    window: float | None = None
    """Seconds."""
    reserve: float = 0.1
    """Share of the quota that is left to everybody else, 0 to 0.9."""
    max_wait: float = 900.0
    """Seconds; a longer wait stops the run, resumable."""
    per_address: bool = False
    """Whether the published 200 calls a second for each IP address hold (they do at Cloudflare itself)."""

    def __post_init__(self) -> None:
        if self.quota is not None and not 1 <= self.quota <= MAX_QUOTA:
            raise UsageError(f"the quota must be 1 to {MAX_QUOTA} calls")
        if self.window is not None and not 0 < self.window <= MAX_WINDOW:
            raise UsageError(f"the window must be more than 0 and at most {MAX_WINDOW:.0f} seconds")
        if not 0 <= self.reserve <= 0.9:
            raise UsageError("the reserve must be 0 to 0.9 of the quota")
        if self.max_wait < 0:
            raise UsageError("the longest wait must be 0 seconds or more")


class WaitTooLong(StoppedEarly):
    """The limit would make the run wait longer than it may."""


class Pacer:
    """Hands out the right to make one call. Every `take` or `acquire` is followed by `answered` or `give_back`."""

    def __init__(
        self, settings: PacerSettings, clock: Clock, observe: Observe = ignore, *, earlier: Earlier | None = None
    ) -> None:
        """`earlier` is asked before the first call what other processes of the token have used."""
        self.settings = settings
        self._earlier = earlier
        self._handed_on = False
        self._clock = clock
        self._observe = observe
        quota, span = settings.quota or DOCUMENTED_QUOTA, settings.window or DOCUMENTED_WINDOW
        explicit = settings.quota is not None or settings.window is not None
        # At Cloudflare itself the documented limit holds, whatever a single answer leaves out.
        guessed = not explicit and not settings.per_address
        self._ours = Window("", quota, span, settings.reserve, guessed=guessed)
        self._fixed = [Window("ip", _IP_QUOTA, _IP_WINDOW, settings.reserve)] if settings.per_address else []
        if explicit:
            self._fixed.append(self._ours)
        self._announced: list[Window] = []
        self._use([] if explicit else [self._ours])
        self._unannounced: Window | None = None
        self._policy_header = ""
        self._blocked_until = -1.0
        self._refused_since: float | None = None
        self._refused_before: float | None = None
        self._alone = True
        self._in_flight = 0
        self._queue: deque[asyncio.Future[float | None]] = deque()
        self._busy = False
        self._changed = asyncio.Event()
        self._aborted: BaseException | None = None
        self.ahead: Callable[[], int] | None = None
        """How many calls are to be made beside those that have asked: where more than fit, room is left for others."""
        self.calls = 0

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    def limit(self) -> tuple[int, float]:
        """The longest limit that is known by now: calls, seconds."""
        return self._longest.quota, self._longest.span

    def left(self) -> int:
        """Calls that could go out now without waiting, answers permitting."""
        now = self._clock.monotonic()
        return max(0, min(window.free(window.used(now) + self._in_flight) for window in self._windows))

    def take(self) -> float | None:
        """The moment of sending when a call may go out at once; None when `acquire` has to be awaited."""
        if self._earlier is not None:
            self._hand_on(self._earlier)
        if self._busy or self._aborted is not None or (self._alone and self._in_flight):
            return None
        now = self._clock.monotonic()
        if now < self._blocked_until:
            return None
        in_flight, waiting = self._in_flight, self._waiting()
        for window in self._windows:
            if not window.room(now, in_flight, waiting):
                return None
        for window in self._windows:
            window.sending(now)
        self._in_flight = in_flight + 1
        return now

    async def acquire(self) -> float:
        """Wait for the right to make a call and return the moment of sending; first come, first served.

        Raises WaitTooLong, or what `abort` was given.
        """
        if self._earlier is not None:
            self._hand_on(self._earlier)
        if self._busy:
            turn: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
            self._queue.append(turn)
            try:
                granted = await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    if turn.result() is None:
                        self._next()
                    else:
                        self.give_back()
                raise
            if granted is not None:
                return granted
        self._busy = True
        try:
            return await self._wait()
        finally:
            self._next()

    def answered(self, sent: float, headers: tuple[str, str] | None = None) -> int:
        """A call is over. `headers` are its Ratelimit and Ratelimit-Policy, None when no answer came.

        Returns the number of calls that the server says remain, -1 where it does not say.
        """
        now = self._clock.monotonic()
        self._in_flight -= 1
        self.calls += 1
        in_flight = self._in_flight
        for window in self._windows:
            window.answered(sent, now)
        least = -1
        if headers is not None:
            # Cleared as if it were no 429; `limited`, which follows at once on one, takes that back.
            self._refused_before, self._refused_since = self._refused_since, None
            self._alone = False
            limit, policy = headers
            if policy and policy != self._policy_header:
                self._learn(policy)
            if limit:
                for item in parse_remaining(limit):
                    if (window_ := self._named(item.name)) is not None:
                        if self._handed_on:
                            self._believe(window_.believe(now, item.calls))
                        window_.heard(now, sent, in_flight, item.calls, item.reset)
                        least = item.calls if least < 0 else min(least, item.calls)
        if self._busy:
            self._changed.set()
        return least

    def _waiting(self) -> int:
        """Calls that are to be made, this one included; 0 where nobody has said how many.

        0 as well where a run may not wait for a whole span: it ends at the limit, and uses what is there until then.
        """
        if self.ahead is None or self.settings.max_wait < self._longest.span:
            return 0
        return self.ahead() + len(self._queue) + 1

    def give_back(self) -> None:
        """The call that was taken was not sent."""
        self._in_flight -= 1
        if self._busy:
            self._changed.set()

    def limited(self, retry_after: float, remaining: int = -1) -> None:
        """A 429 came (after `answered`): nobody calls before its Retry-After is over. 0 where it gave none.

        `remaining` are the calls that are left in the 429's own words, -1 where it does not say.
        """
        now = self._clock.monotonic()
        if retry_after <= 0:
            resets = [w.reset_at - now for w in self._windows if w.reset_at > now]
            retry_after = max(resets, default=max(w.span for w in self._windows))
        first = now >= self._blocked_until
        self._blocked_until = max(self._blocked_until, now + retry_after + _AFTER_BLOCK)
        self._refused_since = now if self._refused_before is None else self._refused_before
        self._alone = True
        if first and remaining > self._in_flight and self._unannounced is None:
            self._go_by_refusals()
        for window in self._windows:
            window.limited(now, self._in_flight, self._blocked_until, first=first)

    def _go_by_refusals(self) -> None:
        """A refusal that says that calls are left: its headers are about something else, or not true.

        From now on refusals teach a limit of their own, beside the announced ones.
        """
        if not self._announced:
            return
        longest = self._longest
        learned = Window("refusals", longest.quota, longest.span, self.settings.reserve, guessed=True)
        learned.take_log(longest)
        self._unannounced = learned
        self._fixed.insert(0, learned)
        self._use(self._announced)

    def _use(self, announced: list[Window]) -> None:
        self._windows = [*self._fixed, *announced]
        self._longest = max(self._windows, key=lambda window: window.span)

    def _hand_on(self, earlier: Earlier) -> None:
        self._earlier = None
        self._ours.hand_on(self._clock.monotonic(), earlier())
        self._handed_on = True

    def _believe(self, excess: int) -> None:
        """The server's first word about the limit is worth more than what other processes have written down."""
        self._handed_on = False
        for window in self._windows:
            window.forget(excess)

    def abort(self, error: BaseException | None) -> None:
        """Make everyone who waits, now or later, raise `error`; None ends that state."""
        self._aborted = error
        self._changed.set()

    def _next(self) -> None:
        """Let in all who wait as far as there is room, at once; the first who is left does the waiting for the rest."""
        while self._queue:
            turn = self._queue.popleft()
            if turn.done():
                continue
            self._busy = False
            granted = self.take()
            self._busy = True
            turn.set_result(granted)
            if granted is None:
                return
        self._busy = False

    async def _wait(self) -> float:
        began = self._clock.monotonic()
        noted = False
        while True:
            if self._aborted is not None:
                raise self._aborted
            now = self._clock.monotonic()
            seconds, why = self._delay(now)
            if seconds <= 0:
                for window in self._windows:
                    window.sending(now)
                self._in_flight += 1
                return now
            known = seconds != float("inf")
            wait = seconds if known else now - began
            if why == "blocked" and self._refused_since is not None:
                # Each 429 of a row extends one and the same wait, however short its own Retry-After is.
                wait = self._blocked_until - self._refused_since
            if max(wait, now - began) > self.settings.max_wait:
                later = "later"
                if known:
                    later = f"after {self._clock.now() + timedelta(seconds=math.ceil(seconds)):%H:%M:%S} UTC"
                too_long = WaitTooLong(
                    f"the rate limit would make the run wait {wait:.0f} s, longer than {self.settings.max_wait:.0f} s",
                    hint=f"Resume {later}, or allow a longer wait with --max-wait.",
                )
                too_long.retry_after = seconds if known else 0.0
                raise too_long
            if known and seconds >= _NOTABLE and not noted:
                noted = True
                self._observe(Waiting(seconds, why))
            await self._sleep(seconds if known else None)

    def _delay(self, now: float) -> tuple[float, str]:
        if now < self._blocked_until:
            return self._blocked_until - now, "blocked"
        if self._alone and self._in_flight:
            return float("inf"), "quota"
        longest, why, waiting = 0.0, "quota", self._waiting()
        for window in self._windows:
            if not window.room(now, self._in_flight, waiting):
                # Where the window itself names no wait, rounding is all that is missing.
                seconds = max(window.delay(now, self._in_flight, waiting), 0.0005)
                if seconds > longest:
                    longest, why = seconds, "shared" if window.others.expected else "quota"
        return longest, why

    async def _sleep(self, seconds: float | None) -> None:
        """Until an answer changes things, or `seconds` are over."""
        self._changed.clear()
        change = asyncio.ensure_future(self._changed.wait())
        tasks: set[asyncio.Future[object]] = {change}  # type: ignore[arg-type]
        if seconds is not None:
            tasks.add(asyncio.ensure_future(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _named(self, name: str) -> Window | None:
        for window in self._announced:
            if window.name == name:
                return window
        if not self._announced:
            return self._ours
        return self._announced[0] if len(self._announced) == 1 else None

    def _learn(self, header: str) -> None:
        """Take up the server's own policies; they replace what was assumed, and join what was asked for."""
        self._policy_header = header
        policies = parse_policies(header)
        if not policies:
            return
        old = {window.name: window for window in self._announced}
        announced = []
        for policy in policies:
            known = old.get(policy.name)
            if known is not None and (known.quota, known.span) == (policy.quota, policy.window):
                announced.append(known)
                continue
            window = Window(policy.name, policy.quota, policy.window, self.settings.reserve, confirmed=True)
            window.take_log(self._longest)
            announced.append(window)
            if (policy.quota, policy.window) != (self._ours.quota, self._ours.span):
                self._observe(LimitLearned(policy.quota, policy.window))
        self._announced = announced
        self._use(announced)
