"""Lost answers are settled as soon as the run's own tags show how long reads lag, and never too soon."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from msgspec import structs

from importer.engine.read_lag import FLOOR, ReadLag
from importer.engine.settings import ExecuteSettings
from importer.engine.settle import Settler
from importer.engine.stop import StopSignal
from importer.engine.work import Work
from importer.model import Action, Change, Outcome, Plan, Status
from importer.planning.returned import Returned
from importer.remote.api import Api
from importer.remote.lookup import Lookup

from ..remote.virtual_time import VirtualClock, VirtualLoop, run
from .examples import ACCOUNT, carry_out, folder_of
from .world import World

GRACE = 35.0
LAGS: dict[str, Callable[[random.Random], float]] = {
    "none": lambda chance: 0.0,
    "2 s": lambda chance: 2.0,
    "10 s": lambda chance: 10.0,
    "a tail of 25 s": lambda chance: 25.0 if chance.random() < 0.3 else 0.5,
    "0 to 30 s": lambda chance: chance.uniform(0.0, 30.0),
}


class Lagging(World):
    """An account in which each tag shows after a time of its own."""

    def lags(self, name: str, seed: int) -> Lagging:
        chance = random.Random(seed)
        self.faults_of = random.Random(seed + 1)
        self.lag_of: Callable[[], float] = lambda: LAGS[name](chance)
        return self

    def make(self, name: str, **fields: Any) -> Any:
        tag = super().make(name, **fields)
        self.born[tag.uuid] += self.lag_of() if hasattr(self, "lag_of") else 0.0
        return tag

    async def _call(self, before: Any, commit: Any) -> Any:
        # 10 % of the answers are lost, and 10 % of the requests.
        dice = self.faults_of.random()
        self.faults.append("lost" if dice < 0.1 else "cut" if dice < 0.2 else "")
        return await super()._call(before, commit)


def import_1041(path: Path, lag: str, seed: int, *, account: int = 0) -> tuple[float, int, Lagging]:
    """Seconds, tags made twice, and the account afterwards."""
    plan = Plan(
        ACCOUNT, "create", account_tags=account,
        changes=tuple(Change(str(n), Action.CREATE, f"Actor {n}", body={"value": f"Actor {n}"}) for n in range(1041)),
    )  # fmt: skip

    async def main(clock: VirtualClock) -> tuple[float, int, Lagging]:
        world = Lagging(clock)
        known = tuple(world.make(f"Control {n}") for n in range(2))
        skips = tuple(Change(tag.uuid, Action.SKIP, tag.name, uuid=tag.uuid) for tag in known)
        folder, digest = folder_of(path, whole := structs.replace(plan, changes=(*plan.changes, *skips)))
        world.lags(lag, seed).tags_a_page = 1000
        result = await carry_out(
            whole, cast(Api, world), folder, digest, ExecuteSettings(max_consecutive=1000), clock=clock
        )
        assert result.counts()["created"] == 1041, result.stopped
        return clock.monotonic(), len(world.wrong), world

    found: tuple[float, int, Lagging] = run(main)
    return found


@pytest.mark.parametrize("account", [0, 500_000], ids=["list", "filter"])
@pytest.mark.parametrize("lag", LAGS)
def test_lost_answers_cost_what_the_lag_costs(lag: str, account: int, tmp_path: Path) -> None:
    """With reads up to 2 s late it ends within 30 s (creates: 4); whatever the lag, nothing is made twice."""
    seconds, twice, world = import_1041(tmp_path, lag, len(lag), account=account)
    assert twice == 0
    if lag in ("none", "2 s"):
        assert seconds <= 30
    # Look-ups cost a fraction of the creates.
    assert len([call for call in world.calls if call != "write"]) <= 120


class Losing(RuleBasedStateMachine):
    """Creates, losses and pauses in any order, against a settler that looks rows up whenever it wants to."""

    @initialize(lag=st.sampled_from(sorted(LAGS)), seed=st.integers(0, 1000), whole=st.booleans())
    def begin(self, lag: str, seed: int, whole: bool) -> None:
        self.loop = VirtualLoop()
        clock = VirtualClock(self.loop)
        self.world = Lagging(clock)
        known = [self.world.make(f"Control {n}") for n in range(2)]
        self.world.lags(lag, seed).tags_a_page = 1000
        self.names = 0
        self.open: set[str] = set()
        self.chance = random.Random(seed)
        self.lag = ReadLag(GRACE, self.chance)
        self.settler = Settler(
            Lookup(cast(Api, self.world), known, 0 if whole else 10**6), clock, lambda event: None, StopSignal(),
            grace=GRACE, max_attempts=1_000, done=self.done, again=self.again, returned=Returned(), lag=self.lag,
        )  # fmt: skip
        self.task = self.loop.create_task(self.settler.run())

    def name(self) -> str:
        self.names += 1
        return f"Actor {self.names}"

    def wait(self, what: Coroutine[Any, Any, Any]) -> None:
        self.loop.run_until_complete(what)
        if self.task.done():
            self.task.result()

    def done(self, work: Work, outcome: Outcome) -> None:
        assert outcome.status is Status.CREATED
        assert len(self.world.named(work.name)) == 1
        self.open.remove(work.name)

    def again(self, work: Work) -> None:
        """Absence was believed: it must be so. The new request may be lost as well."""
        assert not self.world.named(work.name), "it was there, and would have been made twice"
        if self.chance.random() < 0.5:
            self.lose(work, committed=self.chance.random() < 0.5)
        else:
            self.lag.made(work.name, self.world.make(work.name).uuid, self.loop.time())
            self.open.remove(work.name)

    def lose(self, work: Work, *, committed: bool) -> None:
        work.losses += 1
        if committed:
            self.world.make(work.name)
        self.settler.queue(work, "disconnected")

    @rule(count=st.integers(1, 80), gap=st.sampled_from([0.0, 0.01, 0.1]), lost=st.sampled_from([0, 3, 10]))
    def create(self, count: int, gap: float, lost: int) -> None:
        async def some() -> None:
            for number in range(count):
                name = self.name()
                if lost and number % lost == 0:
                    self.open.add(name)
                    self.lose(Work(Change(name, Action.CREATE, name, body={"value": name})), committed=number % 2 == 0)
                else:
                    self.lag.made(name, self.world.make(name).uuid, self.loop.time())
                await asyncio.sleep(gap)

        self.wait(some())

    @rule(seconds=st.sampled_from([0.5, 3.0, 12.0, 100.0]))
    def pause(self, seconds: float) -> None:
        self.wait(asyncio.sleep(seconds))

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            try:
                self.wait(asyncio.sleep(1_000))
                assert not self.open, "each row is settled in the end"
            finally:
                self.task.cancel()
                self.loop.run_until_complete(asyncio.gather(self.task, return_exceptions=True))
                self.loop.close()


TestLosing = Losing.TestCase
TestLosing.settings = settings(
    max_examples=40, stateful_step_count=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def controls(lag: ReadLag, count: int, *, at: float = 0.0) -> dict[str, object]:
    """Make so many tags; they, as a look-up holds them."""
    made = {f"{at}-{number}": None for number in range(count)}
    for uuid in made:
        lag.made(f"Actor {uuid}", uuid, at)
    return dict(made)


@pytest.mark.parametrize(("count", "wait"), [(19, GRACE), (20, 6.0)])
def test_fewer_than_twenty_controls_say_nothing(count: int, wait: float) -> None:
    """Nineteen controls leave the whole grace; twenty that were seen at 2 s make it three times that."""
    lag = ReadLag(GRACE, random.Random(0))
    lag.learn(lag.all(), held := controls(lag, count), 2.0)
    assert lag.wait(2.0) == GRACE
    lag.learn(lag.all(), held, 2.0)
    assert lag.wait(2.0) == pytest.approx(wait)
    lag.learn(lag.all(), held, 2.0)
    assert lag.wait(2.0) == pytest.approx(wait), "each control counts once"


@pytest.mark.parametrize(
    ("missed", "late", "wait"),
    [(1.0, None, FLOOR), (4.0, None, 12.0), (3.0, 25.0, 25.0), (12.0, None, GRACE), (1.0, 60.0, GRACE)],
)
def test_what_was_missed_counts(missed: float, late: float | None, wait: float) -> None:
    """One control that was missed, or that showed late, makes the wait longer; never longer than the grace."""
    lag = ReadLag(GRACE, random.Random(0))
    held = controls(lag, 21)
    gone = dict(held)
    slow, _ = gone.popitem()
    lag.learn(lag.all(), gone, missed if missed < 1.5 else 1.5)
    lag.learn(lag.all(), gone, missed)
    assert slow in {made.uuid for made in lag.controls(missed, 1)}, "what was missed is asked for again"
    if late is not None:
        lag.learn(lag.all(), held, late)
    assert lag.wait(missed) == pytest.approx(wait)


def test_what_was_seen_long_ago_counts_no_more() -> None:
    """After twice the grace without new controls the whole grace holds again."""
    lag = ReadLag(GRACE, random.Random(0))
    lag.learn(lag.all(), controls(lag, 20), 1.0)
    lag.learn(lag.all(), {f"0.0-{n}": None for n in range(20)}, 1.0)
    assert lag.wait(70.0) == FLOOR
    assert lag.wait(72.0) == GRACE


@pytest.mark.parametrize(("rows", "most"), [(1, 97), (49, 49), (50, 146), (98, 98), (200, 290)])
def test_controls_fill_the_calls_that_are_made_anyway(rows: int, most: int) -> None:
    """At least as many controls as rows, and no call that is half empty."""
    lag = ReadLag(GRACE, random.Random(0))
    controls(lag, 1_000)
    assert len(lag.controls(1.0, rows)) == most


def test_old_tags_and_names_that_need_quoting_are_not_controls() -> None:
    """A filter that fails on them, or finds what is long there, would say nothing about the lag."""
    lag = ReadLag(GRACE, random.Random(0))
    controls(lag, 30, at=0.0)
    lag.made("Größe", "u", 40.0)
    assert not lag.controls(41.0, 1)


def test_a_server_that_never_shows_what_is_made_is_not_waited_for() -> None:
    """At the end of a run the newest tag is waited for; not where one older than the grace is still missing."""
    lag = ReadLag(GRACE, random.Random(0))
    held = {**controls(lag, 1, at=0.0), **controls(lag, 1, at=30.0)}
    assert lag.patience(held, 34.0) == pytest.approx(31.0)
    assert lag.patience(held, 36.0) == 0.0
    assert lag.patience({"30.0-0"}, 36.0) == pytest.approx(29.0)
    assert lag.patience({"somebody else's"}, 1.0) == 0.0
