"""Whatever others do between plan, stop, resume and undo, and while a run is going: no tag of ours is the second of its
name, and no edit of theirs is overwritten or deleted. In virtual time, with every call's moment under control."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from importer.clock import Clock
from importer.engine.resume import open_run, read_again
from importer.engine.run_folder import RunFolder
from importer.engine.settings import ExecuteSettings
from importer.engine.stop import StopSignal
from importer.engine.undo import undo_plan
from importer.engine.work import NEVER
from importer.errors import UsageError
from importer.fields.names import identity_key
from importer.model import Change, Json, Plan, Tag
from importer.planning.build import build_plan
from importer.planning.options import Account, PlanOptions
from importer.planning.plan_file import write_plan
from importer.remote.api import Api
from importer.remote.failures import CallFailed, failure
from importer.remote.pacer import PacerSettings
from importer.remote.wire import TagAnswer

from ..planning.examples import ACCOUNT, MARK, draft, drafts
from ..remote.virtual_time import VirtualClock, VirtualLoop
from .examples import carry_out

NAMES = st.sampled_from(["Red Fox", "Blue Owl", "Green Hen", "«Ёж», 1", "Grey Cat"])
MOTIVES = st.sampled_from(["Fun", "Fear", "Grudge"])
FAULTS = st.lists(st.sampled_from(["", "", "", "lost", "cut", "limited", "kill", "kill after", "stop"]), max_size=8)
STRICT = ExecuteSettings(concurrency=2, fresh=0.0)
"""What was seen counts at that moment only, so nothing at all may come between a look and its request."""


class Killed(BaseException):
    """What a kill -9 looks like from inside."""


@dataclass
class World:
    """An account, with an eye on every write of the program's."""

    clock: Clock
    tags: dict[str, Tag] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    faults: deque[str] = field(default_factory=deque)
    meanwhile: deque[Callable[[], None]] = field(default_factory=deque)
    stop: StopSignal | None = None
    plan: Plan | None = None
    seen: dict[str, Tag] = field(default_factory=dict)
    filters: bool = True
    count: int = 0
    settings: Any = field(default_factory=lambda: SimpleNamespace(account_id=ACCOUNT, total_timeout=30.0))
    pacer: Any = field(default_factory=lambda: SimpleNamespace(
        waits=0, waited=0.0, settings=PacerSettings(), abort=lambda error: None
    ))  # fmt: skip
    tags_a_page: int = 1

    # -- what others do

    def make(self, name: str, **fields: Json) -> Tag:
        self.count += 1
        held = Tag(f"uuid-{self.count}", name, fields, 1.0, "", f"2026-01-01T00:00:00.{self.count:06d}Z")
        self.tags[held.uuid] = held
        return held

    def named(self, name: str) -> list[Tag]:
        return [tag for tag in self.tags.values() if identity_key(tag.name) == identity_key(name)]

    def write(self, tag: Tag, fields: dict[str, Json]) -> None:
        self.count += 1
        merged = {**tag.fields, **fields}
        if "properties" in fields:
            merged["properties"] = {**tag.fields.get("properties", {}), **fields["properties"]}
        merged = {key: value for key, value in merged.items() if value not in (None, "")}
        self.tags[tag.uuid] = Tag(
            tag.uuid, tag.name, merged, tag.version + 1, "", f"2026-01-01T00:00:00.{self.count:06d}Z"
        )

    # -- the program's calls

    async def create(self, body: bytes, *, key: str, before: Callable[[], Awaitable[None]]) -> TagAnswer:
        return await self._call(before, lambda: self._create(json.loads(body)))

    async def update(self, uuid: str, body: bytes, *, key: str, before: Callable[[], Awaitable[None]]) -> TagAnswer:
        return await self._call(before, lambda: self._update(key, uuid, json.loads(body)))

    async def delete(self, uuid: str, *, key: str, before: Callable[[], Awaitable[None]]) -> None:
        await self._call(before, lambda: self._delete(key, uuid))

    async def list_tags(self) -> list[Tag]:
        return list(self.tags.values())

    async def filter_tags(self, filters: str) -> list[Tag]:
        (wanted,) = json.loads(filters)
        keys = {identity_key(value) for value in wanted["value"]}
        if not self.filters:
            return list(self.tags.values())
        of = (lambda tag: tag.uuid) if wanted["field"] == "uuid" else (lambda tag: identity_key(tag.name))
        return [tag for tag in self.tags.values() if of(tag) in keys]

    async def search_tags(self, text: str) -> list[Tag]:
        return [tag for tag in self.tags.values() if not self.filters or text.lower() in tag.name.lower()]

    async def _call(self, before: Callable[[], Awaitable[None]], commit: Callable[[], Tag | None]) -> Any:
        await before()
        fault = self.faults.popleft() if self.faults else ""
        if fault == "stop" and self.stop is not None:
            self.stop.request("stopped by a test")
        if fault == "kill":
            raise Killed
        if fault == "limited":
            await self.clock.sleep(301.3)
            raise CallFailed(failure("rate-limited"))
        answer = None if fault == "cut" else commit()
        if fault == "kill after":
            raise Killed
        await self.clock.sleep(0.1)
        if self.meanwhile:
            self.meanwhile.popleft()()
        await self.clock.sleep(0.1)
        if fault in ("lost", "cut"):
            raise CallFailed(failure("disconnected"))
        return TagAnswer(answer.uuid, answer.name, answer.version, answer.updated_at) if answer is not None else None

    def _create(self, body: dict[str, Json]) -> Tag:
        name = body.pop("value")
        if there := self.named(name):
            self.wrong.append(f"{name!r} was made beside {there}")
        return self.make(name, **body)

    def _update(self, key: str, uuid: str, body: dict[str, Json]) -> Tag:
        tag, change = self._there(uuid), self._change(key)
        for item in change.differences:
            now = tag.fields.get(item.field)
            if item.field == "properties":
                now = {key: (now or {}).get(key) for key in item.new}
            if now not in (item.old, item.new) and not (now is None and item.new in ("", None)):
                self.wrong.append(f"{tag} was written over with {body}")
        if self.plan is not None and self.plan.mode == "undo":
            self._untouched(key, tag)
        self.write(tag, body)
        return self.tags[uuid]

    def _delete(self, key: str, uuid: str) -> None:
        self._untouched(key, self._there(uuid))
        del self.tags[uuid]

    def _untouched(self, key: str, tag: Tag) -> None:
        if tag != self.seen[tag.uuid]:
            self.wrong.append(f"{tag} was deleted or put back, and was {self.seen[tag.uuid]}")

    def _there(self, uuid: str) -> Tag:
        if uuid not in self.tags:
            raise CallFailed(failure("not-found"), status=404)
        return self.tags[uuid]

    def _change(self, key: str) -> Change:
        assert self.plan is not None
        return next(change for change in self.plan.changes if change.key == key)


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
        for name in ("Control A", "Control B"):
            self.world.make(name)

    @rule(name=NAMES, motive=MOTIVES, marked=st.booleans())
    def somebody_makes(self, name: str, motive: str, marked: bool) -> None:
        if not self.world.named(name):
            self.world.make(name, motive=motive, **({"properties": {"managed_by": MARK}} if marked else {}))

    @rule(
        name=NAMES,
        what=st.sampled_from(
            [{"motive": "Fun"}, {"motive": "Fear"}, {"description": "x"}, {"properties": {"managed_by": "o"}}]
        ),
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
TestOthersMeanwhile.settings = hypothesis_settings(max_examples=60, stateful_step_count=14, deadline=None)
