"""The circuit breaker: when the server does not work, rows are not thrown at it.

A failure without a usable answer (`outage` in the failure table) counts. After half of `max_consecutive` in a row, new
calls go one at a time, further and further apart; one success, or a look-up that finds a tag whose answer was lost,
opens the gate again. `max_consecutive` in a row stop the run. Rows that the server refuses count too, as a share: more
than `max_failed_share` of at least `min_rows` rows.

A refusal that may meet every row as well as this one (`held` in the table) is judged by the rows after it: the gate
closes, and when several different rows in a row are refused like that, the last ones one at a time, the run stops.
"""

from __future__ import annotations

import asyncio
from typing import Final

from importer.clock import Clock
from importer.engine.stop import StopSignal
from importer.errors import ExitCode
from importer.remote.events import Observe, Waiting
from importer.remote.failures import CallFailed

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0
_LONGEST_CHECK: Final = 1.0
_FEW: Final = 3
"""Different rows in a row without access that stop the run."""


class Breaker:
    """Counts how calls end. `closed` is the cheap question of the hot path; when it is true, await `ready`."""

    def __init__(
        self, stop: StopSignal, clock: Clock, observe: Observe, *, max_consecutive: int, max_failed_share: float,
        min_rows: int,
    ) -> None:  # fmt: skip
        self._stop = stop
        self._clock = clock
        self._observe = observe
        self._most = max(1, max_consecutive)
        self._share = max_failed_share
        self._min_rows = max(1, min_rows)
        self._row = 0
        self._probes = 0
        self._closed_at = 0.0
        self._turn = asyncio.Lock()
        self._rows = self._failed = 0
        self._suspects: set[str] = set()
        self._checks = 0
        self.written = False
        """Whether a write of this run has worked."""
        self.closed = False

    def worked(self, *, written: bool = True) -> None:
        """A call was answered by a working server: it was `written`, or refused for the row's own sake."""
        self._row = self._probes = 0
        self.closed = False
        if written:
            self.written = True
        if self._suspects:
            self._suspects.clear()
            self._checks = 0

    def failed(self, began: float, why: str) -> None:
        """A call that began at this moment had no usable answer."""
        if self.closed and began <= self._closed_at:
            return  # it was under way when the trouble began, and tells nothing new
        self._row += 1
        if self._row >= self._most:
            self._stop.request(
                f"{self._row} calls in a row failed, the last one because {why}",
                hint="When the server works again, resume the run.",
            )
        elif self._row * 2 >= self._most and not self.closed:
            self.closed = True
            self._closed_at = self._clock.monotonic()

    def suspected(self, name: str, began: float, failed: CallFailed) -> None:
        """The call of a row, begun at this moment, was refused in a way that may meet every row."""
        if self.closed:
            if began <= self._closed_at:
                return
            self._checks += 1
        self._suspects.add(name)
        most = self.most_refused(failed)
        if len(self._suspects) >= most and self._checks > 1:
            self.refused_all(name, len(self._suspects), failed)
        elif not self.closed and (not self.written or len(self._suspects) * 2 >= most):
            self.closed = True
            self._closed_at = self._clock.monotonic()

    def most_refused(self, failed: CallFailed) -> int:
        """How many different rows in a row are refused like this before it is taken for more than their own trouble."""
        return min(_FEW, self._most) if failed.failure.access or not self.written else self._most

    def refused_all(self, name: str, rows: int, failed: CallFailed) -> None:
        """Stop: it is not the rows."""
        access = failed.failure.access or (failed.status == 403 and not self.written)
        hints = [] if failed.failure.access else ["Something between here and the API answered, such as a firewall."]
        hints += ["Check the token and its permission (Cloudforce One Write)."] if access else []
        self._stop.request(
            f"{rows:,} row{'s' * (rows > 1)} in a row could not be sent, the last one {name!r}: {failed}",
            exit_code=ExitCode.ACCESS if access else ExitCode.STOPPED_EARLY,
            hint=" ".join(hints),
        )

    def row_done(self, *, failed: bool) -> None:
        """A row was answered: it is well, or the server refused it."""
        self._rows += 1
        self._failed += failed
        if failed and self._rows >= self._min_rows and self._failed > self._share * self._rows:
            self._stop.request(
                f"{100 * self._failed / self._rows:.1f} % of the rows were refused ({self._failed}/{self._rows}), "
                f"limit {100 * self._share:.0f} %",
                hint="See results.csv for the reasons; what was not attempted can be resumed.",
            )

    async def ready(self) -> None:
        """Wait until the gate is open, or it is the caller's turn to try whether the server works again."""
        async with self._turn:
            if self.closed and not self._stop:
                longest = _LONGEST_CHECK if self._suspects else _LONGEST_PAUSE
                pause = min(longest, _FIRST_PAUSE * 2.0 ** min(self._probes, 10))
                self._probes += 1
                self._observe(Waiting(pause, "outage"))
                await self._clock.sleep(pause)
