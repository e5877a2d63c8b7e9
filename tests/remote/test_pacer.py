"""The pacer's promises, on a clock that waits for nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import StoppedEarly
from importer.remote.events import Event, LimitLearned, Waiting
from importer.remote.pacer import Pacer, PacerSettings, WaitTooLong

from .limited_server import LimitedServer, fullest_window
from .virtual_time import VirtualClock, run


@settings(max_examples=60, deadline=None)
@given(
    quota=st.integers(1, 60),
    window=st.floats(0.5, 300),
    reserve=st.sampled_from([0.0, 0.1, 0.5]),
    width=st.integers(1, 40),
    latency=st.tuples(st.floats(0.001, 0.5), st.floats(0.5, 5)),
    headers=st.booleans(),
    seed=st.integers(0, 99),
)
def test_no_window_holds_more_than_the_quota(
    quota: int, window: float, reserve: float, width: int, latency: tuple[float, float], headers: bool, seed: int
) -> None:
    """Whatever the quota, the width and the latency: no window of any placement ever holds more, and no 429 comes."""

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, quota, window, latency=latency, headers=headers, seed=seed)
        pacer = Pacer(PacerSettings(quota=quota, window=window, reserve=reserve), clock)
        await server.work(pacer, quota * 3, width)
        assert not server.refused
        assert fullest_window(server.counted, window) <= max(1, int(quota * (1 - reserve) + 1e-9))
        assert pacer.in_flight == 0

    run(main)


@pytest.mark.parametrize("width", [20, 50])
@pytest.mark.parametrize("explicit", [True, False])
def test_uses_the_whole_limit(width: int, explicit: bool) -> None:
    """2,000 calls under 100 in 5 s with no reserve reach at least 0.97 of the possible rate without a single 429."""

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, 100, 5.0, block=5.0)
        asked = PacerSettings(100, 5.0, reserve=0) if explicit else PacerSettings(reserve=0)
        seconds = await server.work(Pacer(asked, clock), 2_000, width)
        assert not server.refused
        ideal = (2_000 / 100 - 1) * 5.0
        assert ideal / seconds >= 0.97

    run(main)


def test_full_speed_while_the_budget_covers_the_work() -> None:
    """1,000 calls that fit into 1,200 are as fast as with no limit at all, but for the first that goes alone."""

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, 1_200, 300.0, latency=(0.05, 0.05))
        seconds = await server.work(Pacer(PacerSettings(), clock), 1_000, 50)
        assert seconds <= 1.0 + 0.05 + 1e-6

    run(main)


@pytest.mark.parametrize("reserve", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(5))
def test_with_a_neighbour_that_takes_half(reserve: float, seed: int) -> None:
    """With blocks as long as the window and a neighbour that takes half: it ends, with at most one 429 a window."""

    async def main(clock: VirtualClock) -> float:
        server = LimitedServer(clock, 100, 5.0, block=5.0, neighbour=10, seed=seed)
        seconds = await server.work(Pacer(PacerSettings(reserve=reserve), clock), 1_000, 20)
        assert fullest_window(server.refused, 5.0) <= 1
        assert len(server.refused) <= 1 + seconds / 50
        return seconds

    assert run(main) <= (140 if reserve else 210)


@pytest.mark.parametrize("block", [0.0, 300.0])
@pytest.mark.parametrize("share", [0.09, 0.25])
@pytest.mark.parametrize(
    ("calls", "begins"), [(600, -20.0), (600, 0.13), (600, 11.6), (860, -20.0), (860, 0.13), (900, 0.13), (900, 14.2)]
)
def test_a_neighbour_in_the_headers_finds_room(calls: int, share: float, begins: float, block: float) -> None:
    """Whoever uses a part of 120 in 5 s, before, with or after us, is refused 2 % at most; we use what is left."""

    async def main(clock: VirtualClock) -> None:
        quota, span = 120, 5.0
        server = LimitedServer(clock, quota, span, block=block, neighbour=share * quota / span, begins=begins)
        await clock.sleep(-min(0.0, begins))
        seconds = await server.work(Pacer(PacerSettings(), clock), calls, 20, tell=True)
        assert server.refused == []
        assert server.neighbour_refused <= 0.02 * server.neighbour_calls
        left = quota * (1 - max(0.1, share))
        assert calls / left * span / seconds >= 0.96

    run(main)


@pytest.mark.parametrize("share", [0.09, 0.25, 0.5])
@pytest.mark.parametrize("begins", [-20.0, 0.13])
@pytest.mark.parametrize("seed", range(3))
def test_an_uneven_neighbour_finds_room(begins: float, share: float, seed: int) -> None:
    """Whoever comes at irregular intervals is refused 2 % at most, and we at most once in 900 calls."""

    async def main(clock: VirtualClock) -> None:
        quota, span = 120, 5.0
        server = LimitedServer(
            clock, quota, span, neighbour=share * quota / span, begins=begins, uneven=True, seed=seed
        )  # fmt: skip
        await clock.sleep(-min(0.0, begins))
        seconds = await server.work(Pacer(PacerSettings(), clock), 900, 20, tell=True)
        assert len(server.refused) <= 1
        assert server.neighbour_refused <= 0.02 * server.neighbour_calls
        left = quota * (1 - max(0.1, share))
        assert 900 / left * span / seconds >= 0.85

    run(main)


@pytest.mark.parametrize("block", [0.0, 300.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_neighbour_that_was_there_keeps_its_half(seed: int, block: float) -> None:
    """Beside somebody who has used half for a while nobody is refused."""

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, 120, 5.0, block=block, neighbour=12, begins=0.0, seed=seed)
        await clock.sleep(20)
        seconds = await server.work(Pacer(PacerSettings(), clock), 900, 20, tell=True)
        assert server.refused == []
        assert server.neighbour_refused <= 0.02 * server.neighbour_calls
        assert 900 / 60 * 5 / seconds >= 0.93

    run(main)


@pytest.mark.parametrize("neighbour", [0.0, 1.0])
def test_calls_that_fit_are_made_at_full_speed_whatever_is_known(neighbour: float) -> None:
    """An import that fits into what is left beside the neighbour's part is not spaced."""

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, 1_200, 300.0, latency=(0.05, 0.05), neighbour=neighbour, begins=290.0)
        await clock.sleep(300)
        assert await server.work(Pacer(PacerSettings(), clock), 600, 50, tell=True) <= 3

    run(main)


def test_two_processes_share_one_token() -> None:
    """Two programs on one token, each with its own pacer, fit together: nobody is refused more than once or twice."""

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, 100, 5.0, block=5.0)
        pacers = [Pacer(PacerSettings(), clock) for _ in range(2)]
        seconds = max(await asyncio.gather(*(server.work(pacer, 500, 20) for pacer in pacers)))
        assert len(server.refused) <= 2
        assert seconds <= 80

    run(main)


def test_a_429_stops_everybody_for_the_whole_retry_after() -> None:
    """After a 429 nobody calls before its Retry-After is over, and the first call after it goes alone."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(1_000, 10), clock)
        sent = await pacer.acquire()
        pacer.answered(sent, ("", ""))
        pacer.limited(300)
        moments = []

        async def one() -> None:
            sent = await pacer.acquire()
            moments.append(clock.monotonic())
            await asyncio.sleep(1)
            pacer.answered(sent, ("", ""))

        await asyncio.gather(*(one() for _ in range(10)))
        assert moments[0] >= 300
        assert moments[1] >= moments[0] + 1

    run(main)


def test_a_wait_that_is_too_long_stops() -> None:
    """A wait longer than max_wait is not begun: it is an error that ends the run resumably."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(max_wait=900), clock)
        pacer.answered(await pacer.acquire(), ("", ""))
        pacer.limited(901)
        with pytest.raises(WaitTooLong, match="901"):
            await pacer.acquire()
        assert clock.monotonic() == 0

    run(main)


@pytest.mark.parametrize("retry_after", [1, 30])
def test_refusals_in_a_row_are_one_wait(retry_after: int) -> None:
    """A server that answers nothing but 429 with a short Retry-After stops the run when max_wait is over."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(max_wait=120), clock)

        async def call() -> None:
            while True:
                sent = pacer.take()
                sent = await pacer.acquire() if sent is None else sent
                await asyncio.sleep(0.2)
                pacer.answered(sent, ("", ""))
                pacer.limited(retry_after)

        found = await asyncio.gather(*(call() for _ in range(5)), return_exceptions=True)
        assert all(isinstance(error, WaitTooLong) for error in found), found
        assert 120 - retry_after - 1 <= clock.monotonic() <= 121

    run(main, limit=10_000)


def test_refusals_with_answers_between_them_are_waits_of_their_own() -> None:
    """A block of five minutes is waited out as often as it comes; late 429s of the same moment do not add up."""

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, 100, 5.0, block=300.0, latency=(0.5, 5.0), headers=False)
        await server.work(Pacer(PacerSettings(max_wait=320), clock), 1_000, 50)
        assert clock.monotonic() > 2 * 300
        assert len(server.refused) > 5

    run(main)


def test_a_call_without_an_answer_says_nothing_about_the_limit() -> None:
    """An answer that was lost between two refusals does not begin the wait anew."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(max_wait=100), clock)
        pacer.answered(await pacer.acquire(), ("", ""))
        pacer.limited(60)
        pacer.answered(await pacer.acquire(), None)
        pacer.answered(await pacer.acquire(), ("", ""))
        pacer.limited(60)
        with pytest.raises(WaitTooLong, match="120"):
            await pacer.acquire()

    run(main)


def test_abort_wakes_everybody() -> None:
    """Whoever waits for the limit when the run stops is woken with its reason."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(1, 100), clock)
        pacer.answered(await pacer.acquire(), ("", ""))
        waiting = [asyncio.ensure_future(pacer.acquire()) for _ in range(3)]
        await asyncio.sleep(1)
        pacer.abort(StoppedEarly("enough"))
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [str(result) for result in results] == ["enough"] * 3
        assert clock.monotonic() == 1

    run(main)


def test_a_cancelled_waiter_passes_its_turn_on() -> None:
    """Cancelling those who wait loses no turn for the others."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(1, 10, reserve=0), clock)
        pacer.answered(await pacer.acquire(), ("", ""))
        waiting = [asyncio.ensure_future(pacer.acquire()) for _ in range(3)]
        await asyncio.sleep(1)
        waiting[0].cancel()
        waiting[1].cancel()
        assert await waiting[2] == pytest.approx(10, abs=0.1)

    run(main)


def test_a_turn_that_was_granted_to_somebody_who_is_gone_is_free_again() -> None:
    """Whoever is cancelled between the grant and its use takes no call from the budget."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(3, 10, reserve=0), clock)
        for _ in range(3):
            pacer.answered(await pacer.acquire(), ("", ""))
        queued: list[asyncio.Future[float]] = []

        async def first() -> None:
            await pacer.acquire()
            queued[0].cancel()  # it has been granted in the same moment, and has not run yet

        going = asyncio.ensure_future(first())
        await asyncio.sleep(1)
        queued += [asyncio.ensure_future(pacer.acquire()) for _ in range(2)]
        await asyncio.gather(going, *queued, return_exceptions=True)
        assert queued[0].cancelled()
        assert pacer.in_flight == 2
        assert await asyncio.wait_for(pacer.acquire(), 1) == clock.monotonic()

    run(main)


def test_the_wait_itself_is_passed_on() -> None:
    """Whoever was to wait for the rest and is cancelled before it began leaves nobody waiting for ever."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(1, 10, reserve=0), clock)
        pacer.answered(await pacer.acquire(), ("", ""))
        queued: list[asyncio.Future[float]] = []

        async def first() -> None:
            pacer.answered(await pacer.acquire(), ("", ""))
            queued[0].cancel()

        going = asyncio.ensure_future(first())
        await asyncio.sleep(1)
        queued += [asyncio.ensure_future(pacer.acquire()) for _ in range(2)]
        await going
        assert await asyncio.wait_for(queued[1], 60) == pytest.approx(20, abs=0.1)
        assert queued[0].cancelled()

    run(main)


def test_the_server_announces_the_limit() -> None:
    """The server's own policy replaces the documented one, and is told."""
    events: list[Event] = []

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, 20, 2.0)
        await server.work(Pacer(PacerSettings(), clock, events.append), 100, 10)
        assert not server.refused

    run(main)
    assert LimitLearned(20, 2.0) in events
    assert any(isinstance(event, Waiting) and event.why == "quota" for event in events)


def test_several_policies_hold_together() -> None:
    """A list of policies is obeyed as a whole: the tightest window rules at each moment."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(reserve=0), clock)
        moments: list[float] = []
        for _ in range(100):
            sent = pacer.take()
            sent = await pacer.acquire() if sent is None else sent
            moments.append(clock.monotonic())
            pacer.answered(sent, ("", '"long";q=50;w=60, "short";q=5;w=1'))
        assert fullest_window(moments, 1) <= 5
        assert fullest_window(moments, 60) <= 50

    run(main)


@settings(max_examples=150, deadline=None)
@given(limit=st.text(max_size=60), policy=st.text(max_size=60), numbers=st.lists(st.integers(-5, 10**9), max_size=4))
def test_odd_headers_are_safe(limit: str, policy: str, numbers: list[int]) -> None:
    """No header, however odd, breaks the pacer or lifts the limit that the user has set."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(10, 1.0, reserve=0, max_wait=1e9), clock)
        made_up = [("r", "t"), ("q", "w")]
        for header in (limit, policy):
            for first, second in made_up:
                values = [*numbers, 0, 0]
                pacer_header = f'"x";{first}={values[0]};{second}={values[1]},{header}'
                sent = await pacer.acquire()
                pacer.answered(sent, (pacer_header, pacer_header))
        moments: list[float] = []
        for _ in range(15):
            await pacer.acquire()
            moments.append(clock.monotonic())
            pacer.answered(moments[-1], (limit, policy))
        assert fullest_window(moments, 1.0) <= 10

    run(main, limit=1e12)


def test_what_was_not_sent_costs_nothing() -> None:
    """A turn that is given back leaves the budget as it was."""

    async def main(clock: VirtualClock) -> Any:
        pacer = Pacer(PacerSettings(10, 100, reserve=0), clock)
        pacer.answered(await pacer.acquire(), ("", ""))
        before = pacer.left()
        await pacer.acquire()
        assert pacer.left() == before - 1
        pacer.give_back()
        assert pacer.left() == before == 9

    run(main)


@pytest.mark.parametrize("reserve", [0.0, 0.1])
@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("width", [1, 20])
def test_what_others_of_the_token_have_used_counts(reserve: float, explicit: bool, width: int) -> None:
    """Without headers a run begins with the calls that it was told of, as old as they are: no window is overrun."""

    async def main(clock: VirtualClock) -> None:
        quota, window = (60, 3.0) if explicit else (1200, 300.0)
        server = LimitedServer(clock, quota, window, block=900.0, headers=False)
        asked = PacerSettings(quota, window, reserve) if explicit else PacerSettings(reserve=reserve)
        await clock.sleep(window)
        made = [window * 0.1] * (quota // 3) + [window * 0.6] * (quota // 2)
        server.counted += [clock.monotonic() - ago for ago in made]
        server.begin_with(server.counted)
        pacer = Pacer(asked, clock, earlier=lambda: [(window * 0.1, quota // 3), (window * 0.6, quota // 2)])
        await server.work(pacer, quota, width)
        assert server.refused == []
        assert fullest_window(server.counted, window) <= quota

    run(main)


def test_the_servers_own_count_is_believed_over_it() -> None:
    """A server that says that nothing is used, although all of it was handed on, is worked with at full speed."""

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, 1200, 300.0, latency=(0.05, 0.05))
        pacer = Pacer(PacerSettings(), clock, earlier=lambda: [(1.0, 5_000)])
        assert await server.work(pacer, 1_000, 50) <= 1.0 + 0.05 + 1e-6

    run(main)


def test_a_server_that_counts_more_than_was_handed_on_is_believed() -> None:
    """Calls that nobody wrote down are somebody else's: no 429 comes."""

    async def main(clock: VirtualClock) -> None:
        server = LimitedServer(clock, 60, 3.0, block=900.0)
        server.begin_with([0.0] * 50)
        pacer = Pacer(PacerSettings(), clock, earlier=lambda: [(0.0, 20)])
        await server.work(pacer, 120, 20)
        assert server.refused == []

    run(main)
