"""The hostile server: each fault does what its name says, and the seed decides to whom."""

from __future__ import annotations

import asyncio
import errno
import json
from typing import Any

import aiohttp
import pytest

from importer.sandbox.faults import Draws
from importer.sandbox.server import Sandbox
from importer.sandbox.settings import Fault, SandboxSettings
from tests.sandbox.callers import SteppedClock, calling

LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


def _sandbox(*faults: Fault, clock: SteppedClock | None = None, **settings: Any) -> Sandbox:
    return Sandbox(SandboxSettings(faults=faults, **settings), clock=clock or SteppedClock())


@pytest.mark.parametrize(
    ("fault", "committed"),
    [
        (Fault("lose-before-commit", calls="create"), 0),
        (Fault("reset-before-commit", calls="create"), 0),
        (Fault("hang-before-commit", calls="create"), 0),
        (Fault("lose-after-commit", calls="create"), 1),
        (Fault("reset-after-commit", calls="create"), 1),
        (Fault("hang-after-commit", calls="create"), 1),
        (Fault("cut-body", calls="create"), 1),
    ],
    ids=lambda part: getattr(part, "do", None),
)
async def test_lost_answers(fault: Fault, committed: int) -> None:
    """A lost answer is an error of the connection; the tag exists exactly when the name says after the commit."""
    async with calling(_sandbox(fault)) as caller:
        with pytest.raises(LOST) as lost:
            await caller.create("Lost")
        assert (getattr(lost.value, "errno", None) == errno.ECONNRESET) == fault.do.startswith("reset")
        assert len(await caller.names()) == committed
        stats = caller.sandbox.stats()
        assert stats["faults"] == {fault.do: 1}
        assert stats["committed"] == ({"create": 1} if committed else {})


@pytest.mark.parametrize(
    ("body", "kind"), [("html", "text/html"), ("empty", "text/plain"), ("json", "application/json")]
)
@pytest.mark.parametrize("do", ["error-before-commit", "error-after-commit"])
async def test_errors(do: Any, body: Any, kind: str) -> None:
    """A 5xx comes with the wanted status and body, and the rate limit's headers, with or without effect."""
    async with calling(_sandbox(Fault(do, calls="writes", status=502, body=body))) as caller:
        status, _, headers = await caller.create("Unlucky")
        assert (status, headers["Content-Type"].split(";")[0]) == (502, kind)
        assert "Ratelimit" in headers
        assert len(await caller.names()) == (do == "error-after-commit")


async def test_statuses_are_drawn_from_the_list() -> None:
    """Without a status the four of a gateway occur."""
    async with calling(_sandbox(Fault("error-before-commit"))) as caller:
        assert {(await caller.create(f"T{number}"))[0] for number in range(60)} == {500, 502, 503, 504}


async def test_rate_limit_faults(clock: SteppedClock) -> None:
    """A spurious 429 passes by itself; one with a block refuses everything until its time is over."""
    async with calling(_sandbox(Fault("rate-limit", calls="create", attempts=1, seconds=7), clock=clock)) as caller:
        status, _, headers = await caller.create("A")
        assert (status, headers["Retry-After"]) == (429, "7")
        assert (await caller.create("A"))[0] == 200
    async with calling(
        _sandbox(Fault("rate-limit-block", calls="create", attempts=1, seconds=300), clock=clock)
    ) as caller:
        assert (await caller.create("A"))[2]["Retry-After"] == "300"
        assert (await caller.call("GET", "tags"))[0] == 429
        clock.elapsed += 700
        assert (await caller.create("A"))[0] == 200


async def test_slow_and_trickling_answers_arrive_whole(clock: SteppedClock) -> None:
    """A slow or trickling answer takes its time and is complete."""
    for sandbox in (
        _sandbox(Fault("slow", seconds=5), clock=clock),
        _sandbox(Fault("trickle", seconds=5), clock=clock),
        _sandbox(latency=5, clock=clock),
    ):
        before = clock.elapsed
        async with calling(sandbox) as caller:
            status, body, headers = await caller.create("Patience")
            assert (status, body["value"]) == (200, "Patience")
            assert "Ratelimit" in headers
        assert clock.elapsed == pytest.approx(before + 5)


async def test_malformed_json_is_a_200() -> None:
    """Broken JSON comes as a complete answer, and the tag exists."""
    async with calling(_sandbox(Fault("malformed-json", calls="create"))) as caller:
        with pytest.raises(json.JSONDecodeError):
            await caller.create("Broken")
        assert await caller.names() == ["Broken"]


async def test_stale_reads(clock: SteppedClock) -> None:
    """A new tag is in no list, search or filter until its time has come."""
    async with calling(_sandbox(stale_reads=2, clock=clock)) as caller:
        await caller.create("Late")
        clock.elapsed += 1.9
        assert await caller.names() == await caller.names(search="late") == []
        filters = '[{"field":"value","op":"in","value":["late"]}]'
        assert await caller.names(filters=filters) == []
        clock.elapsed += 0.2
        assert await caller.names(search="late") == await caller.names(filters=filters) == ["Late"]


async def test_duplicates() -> None:
    """A name that exists is made again, or refused with 400 or 409, in any case of its letters."""
    for word, status in (("allow", 200), ("refuse-400", 400), ("refuse-409", 409)):
        async with calling(_sandbox(duplicates=word)) as caller:
            await caller.create("Bear")
            assert (await caller.create("BEAR"))[0] == status
            assert caller.sandbox.stats()["duplicates"] == (status == 200)


async def test_envelope() -> None:
    """With an envelope the result is inside it; errors have the same shape as without."""
    async with calling(_sandbox(envelope=True)) as caller:
        body = (await caller.create("Inside"))[1]
        assert (body["success"], body["errors"], body["result"]["value"]) == (True, [], "Inside")
        assert (await caller.create(""))[1]["success"] is False


async def test_ignored_filters() -> None:
    """A filter in an encoding that is not understood is ignored without a word."""
    as_json = {"filters": '[{"field":"value","op":"equals","value":"b"}]'}
    dotted = {"filters.field": "value", "filters.op": "in", "filters.value": "b"}
    expected = {
        "both": (["b"], ["b"]),
        "json": (["b"], ["a", "b"]),
        "dotted": (["a", "b"], ["b"]),
        "ignored": (["a", "b"], ["a", "b"]),
    }
    for word, (by_json, by_dots) in expected.items():
        async with calling(_sandbox(filters=word)) as caller:
            await caller.create("a")
            await caller.create("b")
            assert await caller.names(**as_json) == by_json
            assert await caller.names(**dotted) == by_dots


async def test_pages_shift(clock: SteppedClock) -> None:
    """Between two reads a foreign tag appears at the head, then vanishes: readers see tags twice, or miss them."""
    async with calling(_sandbox(Fault("shift-pages"), stale_reads=1, clock=clock)) as caller:
        for name in "abcdef":
            await caller.create(name)
        clock.elapsed += 1
        assert await caller.names(pageSize="2", page="1") == ["a", "b"]
        assert await caller.names(pageSize="2", page="2") == ["b", "c"]
        assert await caller.names(pageSize="2", page="3") == ["e", "f"]
        stats = caller.sandbox.stats()
        assert (stats["tags"], stats["foreign_tags"], stats["duplicates"]) == (6, 1, 0)


async def test_revoked_token() -> None:
    """After so many calls the token gets 401, and nothing more happens."""
    async with calling(_sandbox(Fault("refuse-token", first=3))) as caller:
        assert [(await caller.create(name))[0] for name in "abc"] == [200, 200, 401]
        assert caller.sandbox.stats()["tags"] == 2


async def test_outages(clock: SteppedClock) -> None:
    """An outage, given in calls or in seconds, answers or cuts the line, counts no calls, and ends."""
    faults = Fault("outage", first=2, last=2, status=503), Fault("outage-cut", since=10, until=20)
    async with calling(_sandbox(*faults, clock=clock)) as caller:
        assert [(await caller.create(name))[0] for name in "abc"] == [200, 503, 200]
        assert caller.sandbox.stats()["max_counted_in_window"] == 2
        clock.elapsed += 10
        with pytest.raises(LOST):
            await caller.create("d")
        clock.elapsed += 10
        assert (await caller.create("d"))[0] == 200


async def test_faults_bounded_by_attempts_and_calls() -> None:
    """A fault can be kept to the first attempts of each call, or to a stretch of all calls."""
    async with calling(_sandbox(Fault("error-before-commit", attempts=2))) as caller:
        assert [(await caller.create(name))[0] == 200 for name in "aabbab"] == [False] * 4 + [True, True]
    async with calling(_sandbox(Fault("error-before-commit", first=2, last=3))) as caller:
        assert [(await caller.create(name))[0] == 200 for name in "abcd"] == [True, False, False, True]


async def test_same_seed_same_victims() -> None:
    """Which creates are hit depends on seed and content alone, not on the order in which they arrive."""

    async def victims(seed: int, names: list[str]) -> set[str]:
        async with calling(_sandbox(Fault("error-before-commit", 0.3, "create"), seed=seed)) as caller:
            answers = await asyncio.gather(*[caller.create(name) for name in names])
            return {name for name, answer in zip(names, answers, strict=True) if answer[0] != 200}

    names = [f"Actor {number}" for number in range(100)]
    hit = await victims(1, names)
    assert hit == await victims(1, names[::-1])
    assert hit != await victims(2, names)
    assert 15 <= len(hit) <= 45


def test_chance_is_met() -> None:
    """Over many calls a fault hits about as often as its chance says, and retries are drawn anew."""
    draws = Draws([Fault("slow", 0.1)], seed=0)
    hits = [draws.draw("create", str(number // 2).encode(), number, 0) is not None for number in range(20_000)]
    assert 1_850 < sum(hits) < 2_150
    both = sum(first and second for first, second in zip(hits[::2], hits[1::2], strict=True))
    assert 60 < both < 145


async def test_nothing_is_lost_on_a_client_that_leaves() -> None:
    """A caller that gives up waiting does not undo what the server has begun."""
    sandbox = Sandbox(SandboxSettings(latency=0.05))
    async with calling(sandbox) as caller:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(caller.create("Impatient"), 0.02)
        await asyncio.sleep(0.1)
        assert await caller.names() == ["Impatient"]
