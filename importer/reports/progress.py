"""The progress bar on a terminal: rows done, rate, remaining time, and what it waits for.

Observing is a few additions; the picture is drawn five times a second by rich's own thread from what was counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from math import ceil
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO, TypeVar

from importer.engine.events import CallFinished, Event, RowDone, RunFinished, RunStarted, Stopping, Waiting
from importer.model import Status
from importer.reports.screen import Screen
from importer.reports.text import duration, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

_REASONS: Final[Mapping[str, str]] = {
    "quota": "for the rate limit",
    "shared": "for the rate limit, which others use too",
    "blocked": "for the rate limit (429)",
    "outage": "for the server to recover",
    "lag": "for what was made to show in the list",
}
_RATE_OVER: Final = 15.0
"""Seconds that the shown rate looks back."""
_SHORT_WAIT: Final = 5.0
_NARROW: Final = 90
"""Columns below which there is no room for a bar."""


P = TypeVar("P", bound="Progress")


class ProgressState:
    """What is known of the run's progress, and how it reads at a moment; without any drawing."""

    def __init__(self, monotonic: Callable[[], float], now: Callable[[], datetime] | None = None) -> None:
        """With `now`, the wall clock, a wait also says until when."""
        self._monotonic = monotonic
        self._now = now
        self._samples: deque[tuple[float, int]] = deque()
        self._waiting_until = 0.0
        self._waiting_why = ""
        self.phase = ""
        self.calls = 0
        self.total = 0
        self.done = 0

    def observe(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, RowDone):
            if event.action.calls and event.outcome.status is not Status.NOT_ATTEMPTED:
                self.done += 1
        elif isinstance(event, CallFinished):
            self.calls += 1
        elif isinstance(event, Waiting):
            self._waiting_until = self._monotonic() + event.seconds
            self._waiting_why = _REASONS.get(event.why, f"for {event.why}")
        elif isinstance(event, RunStarted):
            self.phase, self.total, self.done = "resuming" if event.resumed else "importing", event.to_do, 0
            self._samples.clear()
        elif isinstance(event, Stopping):
            self.phase = f"stopping: {visible(event.reason)}"
        elif isinstance(event, RunFinished):
            self.phase = ""

    def text(self, *, short: bool = False) -> str:
        """The text beside the bar now: `412 of 1,041   38/s   16 s left   waiting 212 s for the rate limit`.

        A `short` one begins with the wait, as its end may be cut off: `until 12:03:04 for the rate limit   412 of ...`.
        """
        now = self._monotonic()
        waiting = self._waiting_until - now
        parts = []
        if self.total:
            parts.append(f"{self.done:,} of {self.total:,}")
            rate = self._rate(now)
            if rate:
                parts.append(f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s")
                left = max(0, self.total - self.done) / rate + max(0.0, waiting)
                parts.append(f"{duration(left)} left")
        elif self.calls:
            parts.append(f"{self.calls:,} calls")
        if waiting > 0 and short:
            until = self._until(waiting)[2:] or f"waiting {ceil(waiting)} s"
            parts.insert(0, f"{until} {self._waiting_why}")
        elif waiting > 0:
            parts.append(f"waiting {ceil(waiting)} s {self._waiting_why}{self._until(waiting)}")
        return "   ".join(parts)

    def _until(self, seconds: float) -> str:
        if self._now is None or seconds < _SHORT_WAIT:
            return ""
        return f", until {self._now().astimezone() + timedelta(seconds=seconds):%H:%M:%S}"

    def _rate(self, now: float) -> float:
        """Rows a second over the last seconds; 0 while it is not known."""
        self._samples.append((now, self.done))
        while len(self._samples) > 2 and now - self._samples[0][0] > _RATE_OVER:
            self._samples.popleft()
        then, done = self._samples[0]
        return (self.done - done) / (now - then) if now - then > 0.5 else 0.0


class Progress:
    """Draws a ProgressState on a terminal while the block lasts, and leaves nothing behind."""

    def __init__(
        self, screen: Screen, monotonic: Callable[[], float], now: Callable[[], datetime] | None = None
    ) -> None:
        from rich.live import Live

        self._clocks = monotonic, now
        self.state = ProgressState(monotonic, now)
        self._console = screen.console()
        self._live = Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=5,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def write(self, line: str) -> None:
        """Print a line of log above the bar."""
        from rich.text import Text

        self._console.print(Text(line))

    def _picture(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        state = self.state
        grid = Table.grid(padding=(0, 2))
        for _ in range(3):
            grid.add_column(no_wrap=True, overflow="ellipsis")  # one line, however narrow the terminal is
        wide = self._console.width >= _NARROW
        said = Text(state.text(short=not wide))
        if state.total and wide:
            bar = ProgressBar(total=state.total, completed=min(state.done, state.total), width=20)
            grid.add_row(Text(state.phase), bar, said)
        elif state.total:
            grid.add_row(said)
        elif state.phase:
            grid.add_row(Spinner("line"), Text(state.phase), said)
        return grid


class FleetProgress(Progress):
    """Many jobs in one line: for each token the job that it is at."""

    _at: Mapping[str, tuple[str, ProgressState]] = {}

    def begin(self, token: str, job: str) -> ProgressState:
        """A job of this token begins: what is to be told of it."""
        state = ProgressState(*self._clocks)
        self._at = {**self._at, token: (job, state)}
        return state

    def _picture(self) -> RenderableType:
        from rich.text import Text

        at = [f"{job} {state.text() or state.phase}".rstrip() for job, state in self._at.values()]
        return Text("  |  ".join(at), no_wrap=True, overflow="ellipsis")


def progress_on(
    stream: TextIO,
    environ: Mapping[str, str],
    monotonic: Callable[[], float],
    *,
    now: Callable[[], datetime] | None = None,
    quiet: bool = False,
    kind: type[P] = Progress,  # type: ignore[assignment]  # the default of a type variable comes with Python 3.13
) -> P | None:
    """A progress bar for `stream`; None where it is not a terminal (cron, a pipe) or `quiet` is asked for."""
    if quiet or not stream.isatty() or environ.get("TERM", "") == "dumb":
        return None
    return kind(Screen.on(stream, environ), monotonic, now)
