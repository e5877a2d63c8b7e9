"""The limits: what counts, what the headers say, and how long a block lasts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from importer.sandbox.quota import Quota, Verdict
from importer.sandbox.server import Sandbox
from importer.sandbox.settings import SandboxSettings
from tests.sandbox.callers import SteppedClock, calling


def _calls(quota: Quota, clock: SteppedClock, *moments: float) -> list[Verdict]:
    verdicts = []
    for moment in moments:
        clock.elapsed = moment
        verdicts.append(quota.admit("token"))
    return verdicts


def test_headers_count_down(clock: SteppedClock) -> None:
    """Each answer says how many calls remain, and in how many seconds the oldest one leaves the window."""
    quota = Quota(SandboxSettings(quota=3, window=10), clock)
    headers = [verdict.headers for verdict in _calls(quota, clock, 0, 1, 2.5)]
    assert [header["Ratelimit"] for header in headers] == [
        '"default";r=2;t=10',
        '"default";r=1;t=9',
        '"default";r=0;t=8',
    ]
    assert headers[0]["Ratelimit-Policy"] == '"default";q=3;w=10'


def test_overrun_blocks_everything_for_the_whole_time(clock: SteppedClock) -> None:
    """One call too many refuses all calls for the block, and a call during the block starts it anew."""
    settings = SandboxSettings(quota=2, window=10, block=300)
    quota = Quota(settings, clock)
    verdicts = _calls(quota, clock, 0, 0, 5, 100, 399.5, 700)
    assert [verdict.allowed for verdict in verdicts] == [True, True, False, False, False, True]
    assert [verdict.headers.get("Retry-After") for verdict in verdicts] == [None, None, "300", "300", "300", None]
    assert quota.blocks == 1


def test_without_block_the_window_alone_decides(clock: SteppedClock) -> None:
    """With no block a refused call costs nothing, and Retry-After is the time until there is room."""
    quota = Quota(SandboxSettings(quota=2, window=10, block=0), clock)
    verdicts = _calls(quota, clock, 0, 3, 4.5, 9.9, 10, 10.1)
    assert [verdict.allowed for verdict in verdicts] == [True, True, False, False, True, False]
    assert [verdict.headers.get("Retry-After") for verdict in verdicts] == [None, None, "6", "1", None, "3"]


def test_fixed_windows_empty_at_once(clock: SteppedClock) -> None:
    """A fixed window starts with its first call and gives the whole quota back at its end."""
    quota = Quota(SandboxSettings(quota=2, window=10, block=0, fixed_window=True), clock)
    verdicts = _calls(quota, clock, 0, 9, 9.5, 10, 10, 11)
    assert [verdict.allowed for verdict in verdicts] == [True, True, False, True, True, False]


def test_tokens_are_counted_apart(clock: SteppedClock) -> None:
    """One token's overrun does not touch another's calls."""
    quota = Quota(SandboxSettings(quota=1, window=10), clock)
    assert [quota.admit(token).allowed for token in ("a", "a", "b")] == [True, False, True]


def test_neighbour_takes_its_share_and_no_more(clock: SteppedClock) -> None:
    """A neighbour's calls use up the quota at their rate, but never cause the block themselves."""
    quota = Quota(SandboxSettings(quota=10, window=5, block=300, neighbour=1), clock)
    first, later = _calls(quota, clock, 0, 4)
    assert first.headers["Ratelimit"].startswith('"default";r=8')
    assert later.headers["Ratelimit"].startswith('"default";r=3')
    crowded = Quota(SandboxSettings(quota=10, window=5, block=300, neighbour=50), clock)
    assert not _calls(crowded, clock, 10, 14)[1].allowed
    assert crowded.most_counted == 10


def test_limit_of_a_second(clock: SteppedClock) -> None:
    """With a limit for each second, what is over it gets 429, and the headers list both limits."""
    verdicts = _calls(Quota(SandboxSettings(per_second=2), clock), clock, 0, 0.1, 0.2, 1.05)
    assert [one.allowed for one in verdicts] == [True, True, False, True]
    assert verdicts[2].headers["Retry-After"] == "1"
    assert verdicts[3].headers["Ratelimit"] == '"default";r=1197;t=299, "burst";r=0;t=1'
    assert verdicts[3].headers["Ratelimit-Policy"] == '"default";q=1200;w=300, "burst";q=2;w=1'
    only = _calls(Quota(SandboxSettings(quota=0, per_second=1), clock), clock, 5, 5.1)
    assert [one.allowed for one in only] == [True, False]
    assert only[0].headers["Ratelimit"] == '"burst";r=0;t=1'


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60), st.integers(1, 5), st.booleans())
def test_no_window_ever_holds_more_than_the_quota(gaps: list[float], limit: int, block: bool) -> None:
    """Whatever the times of the calls, no window of any placement holds more admitted calls than the quota."""
    clock = SteppedClock()
    quota = Quota(SandboxSettings(quota=limit, window=4, block=8 if block else 0), clock)
    admitted = []
    for gap in gaps:
        clock.elapsed += gap
        if quota.admit("token").allowed:
            admitted.append(clock.elapsed)
    assert all(len([one for one in admitted if start - 4 < one <= start]) <= limit for start in admitted)
    assert quota.most_counted <= limit


async def test_over_the_wire(clock: SteppedClock) -> None:
    """A 429 has Cloudflare's error body and whole seconds in Retry-After; a quota of 0 sends no such headers."""
    settings = SandboxSettings(quota=1, window=300, block=300)
    async with calling(Sandbox(settings, clock=clock)) as caller:
        status, _, headers = await caller.create("One")
        assert (status, headers["Ratelimit"]) == (200, '"default";r=0;t=300')
        status, body, headers = await caller.create("Two")
        assert (status, headers["Retry-After"]) == (429, "300")
        assert body["success"] is False
        assert body["errors"][0]["code"] == 971
        assert caller.sandbox.stats()["rate_limited"] == 1
        assert caller.sandbox.stats()["tags"] == 1
        assert caller.sandbox.stats()["max_calls_in_window"] == 2
    async with calling(Sandbox(SandboxSettings(quota=0))) as caller:
        assert "Ratelimit" not in (await caller.create("One"))[2]
