"""A row leaves only while what is known of its tag is fresh; what was made is listed again at the end."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs

from importer.engine.journal_state import read_journal
from importer.engine.reconcile import unlike_fields, verdict
from importer.engine.result import ExecutionResult
from importer.engine.resume import open_run
from importer.engine.settings import ExecuteSettings
from importer.engine.undo import undo_plan
from importer.engine.work import NEVER, Work
from importer.model import Action, Change, FieldChange, Json, Outcome, Plan, Status, Tag
from importer.planning.binding import what_was_seen
from importer.remote.api import Api
from importer.remote.failures import CallFailed, failure
from importer.remote.lookup import Seen

from ..remote.virtual_time import VirtualClock, run
from .examples import ACCOUNT, carry_out, folder_of, some
from .world import World

SETTINGS = ExecuteSettings(concurrency=2)


def creates(*names: str, mode: str = "create") -> Plan:
    changes = (Change(name, Action.CREATE, name, body={"value": name, "motive": "Fun"}) for name in names)
    return Plan(ACCOUNT, mode, tuple(changes))


def updates(world: World, **fields: Json) -> Plan:
    """A plan that gives every tag these fields."""
    changes = tuple(
        Change(
            tag.name, Action.UPDATE, tag.name, None, tag.uuid, fields,
            tuple(FieldChange(name, tag.fields.get(name), new) for name, new in fields.items()),
        )
        for tag in world.tags.values()
    )  # fmt: skip
    return Plan(ACCOUNT, "upsert", changes, options=what_was_seen(changes, list(world.tags.values())))


async def go(world: World, path: Path, plan: Plan, **more: Any) -> ExecutionResult:
    world.plan, world.seen = plan, dict(world.tags)
    folder, digest = folder_of(path, plan)
    result = await carry_out(
        plan, cast(Api, world), folder, digest, **{"settings": SETTINGS, **more}, clock=world.clock
    )
    assert not world.wrong
    return result


def in_a_world(main: Callable[[World], Any]) -> None:
    async def start(clock: VirtualClock) -> None:
        world = World(clock)
        for number in (1, 2):
            world.make(f"Control {number}")
        await main(world)

    run(start)


def test_a_row_that_waited_out_a_429_is_looked_at_again(tmp_path: Path) -> None:
    """Knowledge that was fresh when the row was taken up and old when its turn came is not acted on."""

    async def main(world: World) -> None:
        world.faults = deque(["limited"])
        world.meanwhile = deque([lambda: world.make("A", motive="Fun"), lambda: world.make("C", motive="Fear")])
        result = await go(world, tmp_path, creates("A", "B", "C"))
        ended = {key: (outcome.status, outcome.code) for key, outcome in result.outcomes.items()}
        assert ended["A"] == (Status.UNCHANGED, "made-meanwhile")
        assert ended["B"] == (Status.CREATED, "")
        assert ended["C"][0] is Status.CREATED or ended["C"] == (Status.CONFLICT, "duplicates")

    in_a_world(main)


@pytest.mark.parametrize(("age", "reads"), [(10.0, 0), (1200.0, 1), (NEVER, 1)])
def test_what_was_planned_long_ago_is_looked_at_first_and_together(age: float, reads: int, tmp_path: Path) -> None:
    """Twenty minutes before a question are too old, ten seconds are not; 98 rows are one call."""

    async def main(world: World) -> None:
        plan = structs.replace(creates(*(f"Actor {n}" for n in range(98))), account_tags=100_000)
        world.tags_a_page = 1000
        known = tuple(Change(tag.uuid, Action.UNCHANGED, tag.name, uuid=tag.uuid) for tag in world.tags.values())
        await world.clock.sleep(max(age, 0.0))
        seen_at = age if age is NEVER else 0.0
        result = await go(
            world, tmp_path, structs.replace(plan, changes=(*plan.changes, *known)), seen_at=seen_at,
            settings=ExecuteSettings(concurrency=50),
        )  # fmt: skip
        assert some(result.counts()) == {"created": 98, "unchanged": 2}
        before = world.calls[: world.calls.index("write")]
        assert before == ["filter"] * reads
        assert Counter(world.calls)["write"] == 98

    in_a_world(main)


@pytest.mark.parametrize("filters", [True, False])
def test_a_long_resume_costs_few_reads(filters: bool, tmp_path: Path) -> None:
    """Before they are sent and at the end 1,000 rows are a call for each 98, or lists where only those are believed."""

    async def main(world: World) -> None:
        world.filters, world.tags_a_page = filters, 1000
        names = [f"Actor {n}" for n in range(1000)]
        known = tuple(Change(tag.uuid, Action.SKIP, tag.name, uuid=tag.uuid) for tag in world.tags.values())
        plan = creates(*names)
        plan = structs.replace(plan, changes=(*known, *plan.changes), account_tags=20_000)
        result = await go(world, tmp_path, plan, seen_at=NEVER, settings=ExecuteSettings(concurrency=50))
        assert result.counts()["created"] == 1000
        assert len(world.calls) - 1000 <= (2 * 11 if filters else 5)

    in_a_world(main)


def test_rows_are_sent_at_last_where_each_turn_takes_longer_than_a_look_counts(tmp_path: Path) -> None:
    """Under a limit of one call in 100 s rows are not looked at again and again for ever."""

    async def main(world: World) -> None:
        world.turn_seconds = 100.0
        result = await go(world, tmp_path, creates("A", "B", "C"))
        assert result.counts()["created"] == 3
        assert len(world.calls) <= 20

    in_a_world(main)


def test_an_update_whose_answer_was_lost_does_not_write_over_what_came_after_it(tmp_path: Path) -> None:
    """Tried again, an update is compared again: with its own effect it is done, with a person's it is left alone."""

    async def main(world: World) -> None:
        world.tags.clear()
        for name in ("A", "B"):
            world.make(name, motive="Fun")
        a, b = world.tags.values()
        world.faults = deque(["lost", "lost"])
        world.meanwhile = deque([lambda: world.write(world.tags[a.uuid], {"motive": "Grudge"})])
        settings = ExecuteSettings(concurrency=1, fresh=0.0)
        result = await go(world, tmp_path, updates(world, motive="Fear"), settings=settings)
        assert (result.outcomes["A"].status, result.outcomes["A"].code) == (Status.CONFLICT, "changed-since")
        assert (result.outcomes["B"].status, result.outcomes["B"].adopted) == (Status.UPDATED, True)
        assert world.tags[a.uuid].fields["motive"] == "Grudge"
        assert result.outcomes["B"].uuid == b.uuid

    in_a_world(main)


def test_properties_are_compared_key_by_key(tmp_path: Path) -> None:
    """A person's edit of another property is kept, one of the same property stops the update."""

    async def main(world: World) -> None:
        world.tags.clear()
        for name in ("A", "B", "C"):
            world.make(name, properties={"team": "red", "rank": 1})
        plan = updates(world, properties={"team": "blue"})
        changes = tuple(
            structs.replace(change, differences=(FieldChange("properties", {"team": "red"}, {"team": "blue"}),))
            for change in plan.changes
        )
        a, b, _ = world.tags.values()
        world.write(a, {"properties": {"rank": 2}})
        world.write(b, {"properties": {"team": "green"}})
        result = await go(world, tmp_path, structs.replace(plan, changes=changes), seen_at=NEVER)
        assert [outcome.status for outcome in result.outcomes.values()] == [
            Status.UPDATED, Status.CONFLICT, Status.UPDATED,
        ]  # fmt: skip
        assert 'properties.team was "red", it is "green"' in result.outcomes["B"].message
        assert world.tags[a.uuid].fields["properties"] == {"team": "blue", "rank": 2}

    in_a_world(main)


def test_a_tag_that_got_another_name_or_another_job_is_not_updated(tmp_path: Path) -> None:
    """A row is about its name, and a job about the tags that it has marked."""

    async def main(world: World) -> None:
        world.tags.clear()
        mark = {"managed_by": "tag-importer:nightly"}
        for name in ("A", "B", "C", "D"):
            world.make(name, motive="Fun", properties=mark)
        plan = updates(world, motive="Fear")
        plan = structs.replace(plan, options={**plan.options, **mark})
        a, b, c, _ = world.tags.values()
        world.tags[a.uuid] = structs.replace(a, name="Another")
        world.write(b, {"properties": {"managed_by": "tag-importer:other"}})
        world.write(c, {"properties": {"managed_by": None}})
        result = await go(world, tmp_path, plan, seen_at=NEVER)
        assert [outcome.status for outcome in result.outcomes.values()] == [Status.CONFLICT] * 3 + [Status.UPDATED]
        assert {world.tags[tag.uuid].fields["motive"] for tag in (a, b, c)} == {"Fun"}

    in_a_world(main)


@pytest.mark.parametrize("part", ["version", "updated_at", "fields"])
def test_an_undo_puts_nothing_back_that_was_written_to_since(part: str, tmp_path: Path) -> None:
    """Version, time or any field: each alone holds an update of an undo back, even of a field that it leaves alone."""

    async def main(world: World) -> None:
        world.tags.clear()
        held = world.make("A", motive="Fun")
        plan = updates(world, motive="Fear")
        folder, digest = folder_of(tmp_path, plan)
        world.plan = plan
        await carry_out(plan, cast(Api, world), folder, digest, SETTINGS, clock=world.clock)
        undo = undo_plan(open_run(folder.path), list(world.tags.values()))
        assert undo.changes[0].action is Action.UPDATE
        now = world.tags[held.uuid]
        changed = {"version": 7.0, "updated_at": "2031-01-01T00:00:00Z", "fields": {**now.fields, "description": "x"}}
        world.tags[held.uuid] = structs.replace(now, **{part: changed[part]})
        result = await go(world, tmp_path / "undo", undo, seen_at=NEVER)
        assert (result.outcomes["A"].status, result.outcomes["A"].code) == (Status.CONFLICT, "changed-since")
        assert world.tags[held.uuid].fields["motive"] == "Fear"

    in_a_world(main)


def test_what_the_server_drops_is_no_edit_of_a_person() -> None:
    """Annotations that were sent and do not come back make no conflict, for an update sent again or a tag made by
    others; another value does, and an annotation that nobody sent."""

    async def main(world: World) -> None:
        world.tags.clear()
        held: dict[str, Json] = {"A": 3, "B": {"value": 3, "tlp": "red"}, "C": {"value": 3, "confidence": 9}, "D": 4}
        for name in held:
            world.make(name, priority=2)
        plan = updates(world, priority={"value": 3, "confidence": 5, "tlp": "red"})
        for tag in list(world.tags.values()):
            world.write(tag, {"priority": held[tag.name]})
        seen = Seen({}, dict(world.tags), True)
        ends = [verdict(Work(change), seen, plan.options) for change in plan.changes]
        assert [outcome and outcome.code for outcome in ends] == [None, None, "changed-since", "changed-since"]

    in_a_world(main)
    aliases = [{"value": "x", "confidence": 3}, {"value": "y"}]
    body = {"value": "A", "priority": {"value": 3, "confidence": 5}, "aliases": aliases}
    assert unlike_fields(body, Tag("u", "A", {"priority": 3, "aliases": ["y", {"value": "x"}]})) == []
    assert unlike_fields(body, Tag("u", "A", {"priority": 3, "aliases": ["y"]})) == ["aliases"]
    assert unlike_fields(body, Tag("u", "A", {"priority": 4, "aliases": aliases})) == ["priority"]


def test_how_rows_end_by_what_is_there() -> None:
    """A name that two tags have is a conflict with both; a lost create is adopted; what is gone need not be deleted."""
    twice = Seen({"a": (Tag("u1", "A"), Tag("u2", "a"))}, {}, True)
    create = Change("k", Action.CREATE, "A", body={"value": "A"})
    outcome = verdict(Work(create), twice, {})
    assert outcome is not None
    assert (outcome.status, outcome.code) == (Status.CONFLICT, "duplicates")
    assert "u1" in outcome.message
    assert "u2" in outcome.message
    there = Seen({"a": (Tag("u1", "A"),)}, {}, True)
    for losses, status in ((0, Status.UNCHANGED), (1, Status.CREATED)):
        work = Work(create)
        work.losses = losses
        outcome = verdict(work, there, {})
        assert outcome is not None
        assert (outcome.status, outcome.uuid, outcome.adopted) == (status, "u1", bool(losses))
    for losses, status in ((0, Status.UNCHANGED), (1, Status.DELETED)):
        work = Work(Change("k", Action.DELETE, "A", uuid="u1"))
        work.losses = losses
        outcome = verdict(work, Seen({}, {}, True), {})
        assert outcome is not None
        assert (outcome.status, outcome.code) == (status, "gone")


# -- lost answers


def test_absence_counts_only_where_the_look_began_after_the_grace_time(tmp_path: Path) -> None:
    """A look that began early and was answered late says nothing about a tag that showed in between."""

    async def main(world: World) -> None:
        world.faults, world.lag, world.read_seconds = deque(["lost"]), 6.0, 20.0
        result = await go(world, tmp_path, creates("A"), settings=ExecuteSettings(concurrency=1, grace=8.0))
        assert (result.outcomes["A"].status, result.outcomes["A"].adopted) == (Status.CREATED, True)
        assert world.calls.count("write") == 1

    in_a_world(main)


def test_an_answer_about_another_tag_is_no_answer(tmp_path: Path) -> None:
    """When a create is answered with a tag of another name, the name is looked up and the right tag adopted."""

    async def main(world: World) -> None:
        world.misnames = deque(["Somebody Else"])
        result = await go(world, tmp_path, creates("A"))
        (held,) = world.named("A")
        outcome = result.outcomes["A"]
        assert (outcome.status, outcome.uuid, outcome.adopted) == (Status.CREATED, held.uuid, True)

    in_a_world(main)


# -- the list at the end


def test_the_end_of_a_run_is_one_list_where_reads_do_not_lag(tmp_path: Path) -> None:
    """What was made shows at once: one list, no wait; a run that makes nothing reads nothing."""

    async def main(world: World) -> None:
        world.tags_a_page = 1000
        result = await go(world, tmp_path / "a", creates("A", "B"))
        assert world.calls == ["write", "write", "list"]
        assert result.seconds == pytest.approx(0.2)
        world.calls.clear()
        await go(world, tmp_path / "b", updates(world, motive="Fear"))
        assert set(world.calls) == {"write"}

    in_a_world(main)


@pytest.mark.parametrize("lag", [3.0, 1000.0])
def test_reads_that_lag_are_waited_for_at_growing_intervals_and_not_for_ever(lag: float, tmp_path: Path) -> None:
    """A double that shows late is told; what never shows is waited for as long as the grace time and no longer."""

    async def main(world: World) -> None:
        world.lag, world.tags_a_page = lag, 1000
        await world.clock.sleep(lag)
        world.meanwhile = deque([lambda: world.make("A", motive="Fear")])
        result = await go(world, tmp_path, creates("A"))
        ours, other = world.named("A")
        outcome = result.outcomes["A"]
        if lag < 35:
            assert (outcome.status, outcome.code, outcome.uuid) == (Status.CONFLICT, "duplicates", ours.uuid)
            assert ours.uuid in outcome.message
            assert other.uuid in outcome.message
            assert result.exit_code == 1
            assert read_journal(tmp_path / "run" / "journal.jsonl").outcomes["A"] == outcome
        else:
            assert outcome.status is Status.CREATED
        assert result.seconds == pytest.approx(min(lag + 0.6, 35.2), abs=0.6)
        assert world.calls.count("list") <= 9

    in_a_world(main)


def test_a_list_that_fails_at_the_end_is_told(tmp_path: Path) -> None:
    """The tags are made; that nobody could look for doubles is said, with what to do."""

    async def main(world: World) -> None:
        async def fails() -> list[Any]:
            raise CallFailed(failure("disconnected"))

        world.list_tags = fails  # type: ignore[method-assign]
        result = await go(world, tmp_path, creates("A"))
        assert (result.exit_code, result.counts()["created"]) == (0, 1)
        assert "could not be listed again" in result.hint

    in_a_world(main)


def test_a_tag_that_an_earlier_part_made_and_somebody_replaced_is_no_double(tmp_path: Path) -> None:
    """A resume looks at all that the run made; what is gone since has no double, and is not waited for."""

    async def main(world: World) -> None:
        plan = creates("A", "B")
        folder, digest = folder_of(tmp_path, plan)
        world.plan = plan
        await carry_out(plan, cast(Api, world), folder, digest, SETTINGS, clock=world.clock)
        (held,) = world.named("A")
        del world.tags[held.uuid]
        world.make("A", motive="Fear")
        world.make("B", motive="Fear")
        state = read_journal(folder.journal_path)
        began = world.clock.monotonic()
        result = await carry_out(plan, cast(Api, world), folder, digest, SETTINGS, clock=world.clock, earlier=state)
        assert world.clock.monotonic() == began
        codes: dict[str, Outcome] = dict(result.outcomes)
        assert (codes["A"].status, codes["B"].code) == (Status.CREATED, "duplicates")

    in_a_world(main)


def test_a_tag_with_a_uuid_that_leads_elsewhere_costs_its_row_alone(tmp_path: Path) -> None:
    """One such tag in the account: its update fails and says why, the others are updated."""

    async def main(world: World) -> None:
        world.tags.clear()
        for name in ("A", "B", "C"):
            world.make(name, motive="Fun")
        bad = next(iter(world.tags.values()))
        whole = world.update

        async def update(uuid: str, body: bytes, **more: Any) -> Any:
            if uuid == bad.uuid:
                raise CallFailed(failure("bad-request"), detail="'../x' is not a uuid")
            return await whole(uuid, body, **more)

        world.update = update  # type: ignore[method-assign]
        result = await go(world, tmp_path, updates(world, motive="Fear"))
        assert some(result.counts()) == {"updated": 2, "failed": 1}
        assert "'../x'" in result.outcomes["A"].message

    in_a_world(main)


def test_the_same_uuid_for_every_create_stops_the_run(tmp_path: Path) -> None:
    """A server that answers each create with one and the same uuid is not believed: nothing counts as made twice."""

    async def main(world: World) -> None:
        whole = world.create

        async def create(body: bytes, **more: Any) -> Any:
            return structs.replace(await whole(body, **more), uuid="always-the-same")

        world.create = create  # type: ignore[method-assign]
        settings = ExecuteSettings(concurrency=2, max_consecutive=4)
        result = await go(world, tmp_path, creates(*(f"Actor {n}" for n in range(40))), settings=settings)
        assert "the uuid of another tag" in result.stopped
        assert sum(outcome.uuid == "always-the-same" for outcome in result.outcomes.values()) == 1

    in_a_world(main)
