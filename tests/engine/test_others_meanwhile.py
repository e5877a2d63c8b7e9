"""Whatever others do between plan, stop, resume and undo, and while a run is going: no tag of ours is the second of its
name, and no edit of theirs is overwritten or deleted. In virtual time, with every call's moment under control."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from importer.engine.resume import open_run, read_again
from importer.engine.run_folder import RunFolder
from importer.engine.settings import ExecuteSettings
from importer.engine.stop import StopSignal
from importer.engine.undo import undo_plan
from importer.engine.work import NEVER
from importer.errors import UsageError
from importer.model import Json, Plan, Tag
from importer.planning.build import build_plan
from importer.planning.options import Account, PlanOptions
from importer.planning.plan_file import write_plan
from importer.remote.api import Api

from ..planning.examples import ACCOUNT, MARK, draft, drafts
from ..remote.virtual_time import VirtualClock, VirtualLoop
from .examples import carry_out
from .world import Killed, World

NAMES = st.sampled_from(["Red Fox", "Blue Owl", "«Ёж», 1", "Grey Cat"])
MOTIVES = st.sampled_from(["Fun", "Fear", "Grudge"])
FAULTS = st.lists(st.sampled_from(["", "", "", "lost", "cut", "limited", "kill", "kill after", "stop"]), max_size=8)
STRICT = ExecuteSettings(concurrency=2, fresh=0.0)
"""What was seen counts at that moment only, so nothing at all may come between a look and its request."""


@dataclass
class Night:
    """One run: its plan, and what the account held when that was made."""

    plan: Plan
    digest: str
    folder: RunFolder
    seen: dict[str, Tag]
    seen_at: float
    complete: bool = False
    undone: bool = False


class OthersMeanwhile(RuleBasedStateMachine):
    """Nights that are planned, begun, stopped, killed, resumed and undone, and somebody else at work all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop)
        self.world = World(self.clock)
        self.folder = tempfile.TemporaryDirectory()
        self.nights: list[Night] = []
        for name in ("Control A", "Control B", "Red Fox", "Blue Owl"):
            self.world.make(name, motive="Ego", properties={"managed_by": MARK})

    @rule(name=NAMES, motive=MOTIVES, marked=st.booleans())
    def somebody_makes(self, name: str, motive: str, marked: bool) -> None:
        if not self.world.named(name):
            self.world.make(name, motive=motive, **({"properties": {"managed_by": MARK}} if marked else {}))

    @rule(
        name=NAMES,
        what=st.builds(lambda motive: {"motive": motive}, MOTIVES)
        | st.sampled_from([{"description": "x"}, {"properties": {"managed_by": "another"}}]),
    )
    def somebody_edits(self, name: str, what: dict[str, Json]) -> None:
        for tag in self.world.named(name):
            self.world.write(tag, what)

    @rule(name=NAMES)
    def somebody_deletes(self, name: str) -> None:
        for tag in self.world.named(name):
            del self.world.tags[tag.uuid]

    def time_passes(self, seconds: float) -> None:
        self.loop.run_until_complete(self.clock.sleep(seconds))

    @rule(works=st.booleans())
    def the_filter_changes(self, works: bool) -> None:
        self.world.filters = works

    @rule(
        rows=st.dictionaries(NAMES, MOTIVES, max_size=5),
        mode=st.sampled_from(["create", "upsert"]),
        prune=st.booleans(),
    )
    def a_night_is_planned(self, rows: dict[str, str], mode: str, prune: bool) -> None:
        options = PlanOptions(mode=mode, managed_by=MARK, prune=prune and mode == "upsert", adopt=True)
        wanted = drafts(*(draft(name, motive=motive) for name, motive in rows.items()))
        held = list(self.world.tags.values())
        self._planned(build_plan(wanted, Account(ACCOUNT, held), options), held)

    def _planned(self, plan: Plan, held: list[Tag]) -> None:
        folder = RunFolder.make(Path(self.folder.name) / f"run-{len(self.nights)}")
        seen = {tag.uuid: tag for tag in held}
        self.nights.append(Night(plan, write_plan(folder.plan_path, plan), folder, seen, self.clock.monotonic()))
        self.time_passes(0.1)

    @precondition(lambda self: any(not night.complete for night in self.nights))
    @rule(faults=FAULTS, names=st.lists(NAMES, max_size=4), motive=MOTIVES, late=st.booleans(), which=st.integers(0, 9))
    def a_night_goes_on(self, faults: list[str], names: list[str], motive: str, late: bool, which: int) -> None:
        left = [night for night in self.nights if not night.complete]
        self.world.meanwhile = deque(lambda name=name: self._interferes(name, motive, late) for name in names)  # type: ignore[misc]
        self._carry_on(left[which % len(left)], faults)
        self.world.meanwhile.clear()

    def _interferes(self, name: str, motive: str, deletes: bool) -> None:
        if not self.world.named(name):
            self.world.make(name, motive=motive)
        elif deletes:
            self.somebody_deletes(name)
        else:
            self.somebody_edits(name, {"motive": motive})

    def _carry_on(self, night: Night, faults: list[str]) -> None:
        world = self.world
        earlier = read_again(open_run(night.folder.path)).state
        world.faults, world.stop = deque(faults), StopSignal()
        world.plan, world.seen = night.plan, night.seen
        work = carry_out(
            night.plan, cast(Api, world), night.folder, night.digest, STRICT, clock=self.clock, stop=world.stop,
            earlier=earlier, seen_at=night.seen_at if earlier is None else NEVER,
        )  # fmt: skip
        try:
            result = self.loop.run_until_complete(asyncio.wait_for(work, 1e6))
        except Killed:
            return
        assert not world.wrong, world.wrong
        assert set(result.outcomes) == {change.key for change in night.plan.changes}
        night.complete = not result.stopped

    @precondition(lambda self: any(night.complete and not night.undone for night in self.nights))
    @rule()
    def the_last_night_is_undone(self) -> None:
        night = [night for night in self.nights if night.complete and not night.undone][-1]
        night.undone = True
        held = list(self.world.tags.values())
        try:
            plan = undo_plan(open_run(night.folder.path), held)
        except UsageError:  # it changed nothing, or is an undo
            return
        self._planned(plan, held)

    def teardown(self) -> None:
        for night in self.nights:
            if not night.complete:
                self._carry_on(night, [])
            assert night.complete
        assert not self.world.wrong, self.world.wrong
        self.loop.close()
        self.folder.cleanup()


TestOthersMeanwhile = OthersMeanwhile.TestCase
TestOthersMeanwhile.settings = hypothesis_settings(max_examples=100, stateful_step_count=25, deadline=None)
