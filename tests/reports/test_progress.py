"""Progress is shown on a terminal and nowhere else."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from importer.engine.events import CallFinished, RowDone, RunFinished, RunStarted, Stopping, Waiting
from importer.model import Action, Outcome, Status
from importer.reports.progress import FleetProgress, ProgressState, progress_on
from importer.reports.run_record import TrafficCounter

from .test_terminal import Terminal


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def done(action: Action = Action.CREATE, status: Status = Status.CREATED) -> RowDone:
    return RowDone("k", "name", action, Outcome("k", status))


def test_rate_and_remaining_time() -> None:
    """The bar shows rows done, rows a second and the time left; rows without a call do not count."""
    time = Time()
    state = ProgressState(time)
    state.observe(RunStarted("r", 1_100, 1_000))
    state.text()
    for _ in range(100):
        state.observe(done())
        state.observe(done(Action.SKIP, Status.SKIPPED))
    time.now = 5.0
    assert state.text() == "100 of 1,000   20/s   45 s left"


def test_it_says_what_it_waits_for() -> None:
    """A wait for the rate limit counts down and adds to the remaining time."""
    time = Time()
    state = ProgressState(time)
    state.observe(RunStarted("r", 20, 20))
    state.text()
    for _ in range(10):
        state.observe(done())
    state.observe(Waiting(213.0, "quota"))
    time.now = 1.0
    assert state.text() == "10 of 20   10/s   3 min 33 s left   waiting 212 s for the rate limit"
    time.now = 214.0
    assert "waiting" not in state.text()


def test_a_long_wait_says_until_when() -> None:
    """With a clock on the wall a wait of some length says when it is over, in the time of this machine."""
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC).astimezone()
    state = ProgressState(Time(), lambda: noon)
    state.observe(Waiting(212.0, "blocked"))
    assert state.text().endswith(
        f"waiting 212 s for the rate limit (429), until {noon + timedelta(seconds=212):%H:%M:%S}"
    )
    assert state.text(short=True).startswith(f"until {noon + timedelta(seconds=212):%H:%M:%S} for the rate limit")
    state.observe(Waiting(2.0, "lag"))
    assert "until" not in state.text()
    assert state.text(short=True).startswith("waiting 2 s for what was made")


@pytest.mark.parametrize("width", [20, 60, 100, 200])
def test_it_is_one_line_at_any_width(width: int) -> None:
    """However narrow the terminal is, progress takes one line of it."""
    screen = Terminal()
    made = progress_on(screen, {"COLUMNS": str(width)}, Time(), now=lambda: datetime(2026, 5, 4, tzinfo=UTC))
    assert made is not None
    made.state.observe(RunStarted("r", 20_000, 20_000))
    made.state.observe(Waiting(212.0, "shared"))
    with made._console.capture() as shown:
        made._console.print(made._picture())
    (line,) = shown.get().splitlines()
    assert "until" in line


def test_many_jobs_are_one_line() -> None:
    """Of each token the job that it is at shows, and the next one takes its place."""
    made = progress_on(Terminal(), {"COLUMNS": "200"}, Time(), kind=FleetProgress)
    assert made is not None
    made.begin("token a", "first").observe(RunStarted("r", 9, 9))
    made.begin("token b", "second").phase = "reading"
    made.begin("token a", "third").phase = "planning"
    with made._console.capture() as shown:
        made._console.print(made._picture())
    assert shown.get().rstrip() == "third planning  |  second reading"


def test_rows_not_attempted_are_not_done() -> None:
    """Rows that a stop leaves over do not fill the bar, and the reason for the stop is shown."""
    state = ProgressState(Time())
    state.observe(RunStarted("r", 2, 2))
    state.observe(Stopping("Ctrl-C\x1b[2J", 5))
    state.observe(done(status=Status.NOT_ATTEMPTED))
    assert state.done == 0
    assert state.phase == "stopping: Ctrl-C\\x1b[2J"
    state.observe(RunFinished("r", {}, 1.0))
    assert state.phase == ""


def test_no_bar_in_cron() -> None:
    """A pipe, --quiet and a dumb terminal get no bar."""
    assert progress_on(io.StringIO(), {}, Time()) is None
    assert progress_on(Terminal(), {}, Time(), quiet=True) is None
    assert progress_on(Terminal(), {"TERM": "dumb"}, Time()) is None


def test_the_bar_draws_on_a_terminal() -> None:
    """On a terminal a bar with its numbers is drawn, and log lines go above it."""
    stream = Terminal()
    progress = progress_on(stream, {"TERM": "xterm", "COLUMNS": "120"}, Time())
    assert progress is not None
    with progress:
        progress.state.phase = "reading [bold]actors.csv"
        progress.state.observe(RunStarted("r", 2, 2))
        progress.state.observe(done())
        progress.write("a [red]line")
    assert "1 of 2" in stream.getvalue()
    assert "a [red]line" in stream.getvalue()


def test_traffic_is_counted_from_the_events() -> None:
    """Calls by kind, 429s, waits and retries add up from the events alone."""
    counter = TrafficCounter()
    for event in (CallFinished("list", 200, 0.1), CallFinished("create", 429, 0.1), CallFinished("create", 200, 0.1),
                  Waiting(2.5, "blocked"), done()):  # fmt: skip
        counter.observe(event)
    traffic = counter.traffic()
    assert traffic.calls == {"list": 1, "create": 2}
    assert (traffic.total, traffic.too_many, traffic.waits, traffic.waited) == (3, 1, 1, 2.5)
