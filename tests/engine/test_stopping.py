"""Stopping early: signals, and the circuit breaker on a clock that waits for nothing."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from importer.engine.breaker import Breaker
from importer.engine.stop import StopSignal, on_signals
from importer.errors import ExitCode
from importer.remote.events import Event, Waiting

from ..remote.virtual_time import VirtualClock, run


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_the_first_signal_asks_and_the_second_leaves(first: signal.Signals) -> None:
    """SIGINT, SIGTERM or SIGHUP asks for a stop; another leaves at once; outside, signals are as they were."""
    stop = StopSignal()
    left: list[int] = []
    outer = signal.signal(first, lambda *_: None)
    before = signal.getsignal(first)
    with on_signals(stop, at_once=left.append):
        os.kill(os.getpid(), first)
        await asyncio.wait_for(stop.wait(), 1)
        assert (stop.reason, stop.exit_code, left) == (f"stopped by {first.name}", 6, [])
        os.kill(os.getpid(), signal.SIGINT)
        assert left == [signal.SIGINT]
    assert signal.getsignal(first) is before
    signal.signal(first, outer)


def test_the_first_reason_counts() -> None:
    """A run that was stopped for one reason is not stopped again for another."""
    stop = StopSignal()
    stop.request("token refused", exit_code=ExitCode.ACCESS)
    stop.request("too many failures")
    assert (stop.reason, stop.exit_code) == ("token refused", 4)


def _breaker(clock: VirtualClock, events: list[Event]) -> tuple[Breaker, StopSignal]:
    stop = StopSignal()
    return Breaker(stop, clock, events.append, max_consecutive=20, max_failed_share=0.5, min_rows=50), stop


def test_an_outage_closes_the_gate_and_then_stops() -> None:
    """After ten failures in a row calls go one at a time, further and further apart; the twentieth stops the run."""

    async def main(clock: VirtualClock) -> None:
        events: list[Event] = []
        breaker, stop = _breaker(clock, events)
        for _ in range(40):  # forty were under way when the server went down
            breaker.failed(0.0, "the server failed")
        assert breaker.closed
        assert not stop
        tries = 0
        while not stop:
            await breaker.ready()
            tries += 1
            breaker.failed(clock.monotonic(), "the server failed")
        assert tries == 10
        assert 20 <= clock.monotonic() <= 60
        assert "20 calls in a row failed, the last one because the server failed" in stop.reason
        assert all(isinstance(event, Waiting) and event.why == "outage" for event in events)

    run(main)


def test_one_success_opens_the_gate() -> None:
    """When a single call works again, everybody goes on at once."""

    async def main(clock: VirtualClock) -> None:
        breaker, stop = _breaker(clock, [])
        for _ in range(10):
            breaker.failed(0.0, "x")
        await breaker.ready()
        breaker.worked()
        assert not breaker.closed
        began = clock.monotonic()
        await asyncio.gather(*(breaker.ready() for _ in range(50)))
        assert clock.monotonic() == began
        assert not stop

    run(main)


def test_the_share_of_refused_rows() -> None:
    """Half of the rows may be refused; more of at least fifty stop the run, with the numbers."""

    async def main(clock: VirtualClock) -> None:
        breaker, stop = _breaker(clock, [])
        for number in range(100):
            breaker.row_done(failed=number % 2 == 1)
        assert not stop
        breaker.row_done(failed=True)
        assert "50.5 % of the rows were refused (51/101), limit 50 %" in stop.reason

    run(main)
