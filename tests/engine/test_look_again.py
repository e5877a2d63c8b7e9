"""What a row comes to when the account is looked at once more before it is sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from importer.engine.reconcile import Reconciler, unlike_fields, verdict
from importer.engine.stop import StopSignal
from importer.engine.work import Work
from importer.fields.names import identity_key
from importer.model import Action, Change, FieldChange, Outcome, Status, Tag
from importer.planning.binding import what_was_seen
from importer.remote.failures import CallFailed, failure
from importer.remote.lookup import TOGETHER, Lookup, Seen
from tests.remote.virtual_time import VirtualClock, run

BODY = {"value": "Amber Jackal", "motive": "Fun"}


def tag(uuid: str = "t-1", motive: str = "Fun", *, version: float = 1, updated: str = "2026-01-01T00:00:00Z") -> Tag:
    return Tag(uuid, "Amber Jackal", {"motive": motive}, version, "", updated)


def seen(*tags: Tag, whole: bool = False) -> Seen:
    named: dict[str, list[Tag]] = {}
    for each in tags:
        named.setdefault(identity_key(each.name), []).append(each)
    return Seen(named, {each.uuid: each for each in tags}, whole)


def working(action: Action, *, losses: int = 0, attempts: int = 2) -> Work:
    update = (FieldChange("motive", "Fun", "Fear"),) if action is Action.UPDATE else ()
    body = BODY if action is Action.CREATE else {"motive": "Fear"} if action is Action.UPDATE else {}
    uuid = "" if action is Action.CREATE else "t-1"
    work = Work(Change("key", action, "Amber Jackal", uuid=uuid, body=body, differences=update), attempts)
    work.losses = losses
    return work


def ends(work: Work, *tags: Tag) -> tuple[Status, str, str, int, bool] | None:
    """How the row ends, given that the plan saw the tag as `tag()` is."""
    options = what_was_seen([work.change], [tag()])
    outcome = verdict(work, seen(*tags), options)
    if outcome is None:
        return None
    assert outcome.key == "key"
    return outcome.status, outcome.code, outcome.uuid, outcome.attempts, outcome.adopted


def test_a_create_is_sent_only_while_nobody_has_made_its_tag() -> None:
    """Absent: sent. There as asked for: unchanged, or ours when an answer was lost. Another or several: a conflict."""
    work = working(Action.CREATE)
    assert ends(work) is None
    assert ends(work, tag("u")) == (Status.UNCHANGED, "made-meanwhile", "u", 2, False)
    assert ends(work, tag("u", "Fear")) == (Status.CONFLICT, "exists", "u", 2, False)
    assert ends(work, tag("u"), tag("v")) == (Status.CONFLICT, "duplicates", "u", 2, False)
    lost = working(Action.CREATE, losses=1)
    assert ends(lost, tag("u")) == (Status.CREATED, "", "u", 2, True)
    assert ends(lost, tag("u", "Fear")) == (Status.CONFLICT, "exists", "u", 2, False)


def test_an_update_writes_over_nobodys_edit() -> None:
    """As it was: sent. Gone or edited: a conflict. As asked already: unchanged, or ours when an answer was lost."""
    work = working(Action.UPDATE)
    assert ends(work, tag()) is None
    assert ends(work) == (Status.CONFLICT, "gone", "t-1", 2, False)
    assert ends(work, tag("t-1", "Grudge")) == (Status.CONFLICT, "changed-since", "t-1", 2, False)
    assert ends(work, tag("t-1", "Fear")) == (Status.UNCHANGED, "made-meanwhile", "t-1", 2, False)
    assert ends(working(Action.UPDATE, losses=1), tag("t-1", "Fear")) == (Status.UPDATED, "", "t-1", 2, True)


@pytest.mark.parametrize(
    "now",
    [tag("t-1", "Fear"), tag("t-1", version=2), tag("t-1", updated="2026-01-02T00:00:00Z")],
    ids=["edited", "other version", "other time"],
)
def test_a_delete_spares_what_was_edited(now: Tag) -> None:
    """A tag that was written to since the plan saw it, by its fields, its version or its time, is left alone."""
    assert ends(working(Action.DELETE), now) == (Status.CONFLICT, "changed-since", "t-1", 2, False)


def test_a_delete_of_a_tag_that_is_gone_is_done() -> None:
    """Gone is unchanged, and deleted when an answer of this run was lost; as it was, it is deleted."""
    assert ends(working(Action.DELETE), tag()) is None
    assert ends(working(Action.DELETE)) == (Status.UNCHANGED, "gone", "t-1", 2, False)
    assert ends(working(Action.DELETE, losses=1)) == (Status.DELETED, "gone", "t-1", 2, False)


def test_a_field_that_the_server_never_gives_back_makes_no_difference() -> None:
    """A field of a past generation that the tag lacks does not count; another value, or a current field, does."""
    assert unlike_fields({**BODY, "analyticPriority": 3}, tag()) == []
    held = Tag("t", "Amber Jackal", {"motive": "Fun", "analyticPriority": 4})
    assert unlike_fields({**BODY, "analyticPriority": 3}, held) == ["analyticPriority"]
    assert unlike_fields(BODY, Tag("t", "Amber Jackal")) == ["motive"]


@dataclass
class Looks:
    """A look-up that says what it was asked, and answers `seen`."""

    answer: Seen | CallFailed
    asked: list[tuple[list[str], list[str], int]] = field(default_factory=list)

    async def look(self, names: Collection[str], uuids: Collection[str] = (), *, ahead: int = 0) -> Seen:
        self.asked.append((list(names), list(uuids), ahead))
        if isinstance(self.answer, CallFailed):
            raise self.answer
        return self.answer


def look(
    todo: deque[Work], answer: Seen | CallFailed, *, stopped: bool = False
) -> tuple[Any, StopSignal, list[Outcome]]:
    """One look at the next rows: what was asked, the stop signal, and the rows that ended."""
    stop, looks = StopSignal(), Looks(answer)
    ended: list[Outcome] = []
    if stopped:
        stop.request("enough")

    async def main(clock: VirtualClock) -> None:
        await clock.sleep(1000)
        made = Reconciler(
            cast(Lookup, looks), clock, stop, {}, fresh=20, done=lambda work, outcome: ended.append(outcome)
        )
        await made.look_again(todo)

    run(main)
    return looks.asked, stop, ended


def rows(count: int) -> deque[Work]:
    made = (Change(f"k{n}", Action.CREATE, f"Actor {n}", body={"value": f"Actor {n}"}) for n in range(count))
    return deque(Work(change) for change in made)


def test_a_look_takes_the_next_rows_together() -> None:
    """As many rows as one filter takes are asked for at once, names of creates and uuids of others."""
    todo = rows(TOGETHER + 5)
    todo.insert(1, working(Action.DELETE))
    ((names, uuids, ahead),), _, ended = look(todo, seen(tag()))
    assert names == [f"Actor {n}" for n in range(TOGETHER - 1)]
    assert (uuids, ahead, ended) == (["t-1"], len(todo), [])
    assert [work.looks for work in todo] == [1] * TOGETHER + [0] * 6
    assert {work.seen_at for work in list(todo)[:TOGETHER]} == {1000}


def test_rows_that_are_known_or_over_are_not_asked_for() -> None:
    """What was seen less than `fresh` seconds ago counts, longer after each look; a row that has ended is left out."""
    todo = rows(5)
    todo[0].seen_at, todo[1].seen_at, todo[2].ended = 985, 970, True
    todo[3].seen_at, todo[3].looks = 970, 2
    ((names, _, _),), _, _ = look(todo, seen())
    assert names == ["Actor 1", "Actor 4"]
    assert [work.looks for work in todo] == [0, 1, 0, 2, 1]


def test_a_whole_list_tells_of_all_rows() -> None:
    """Where the look was the whole list, rows beyond those that were asked for are settled by it, too."""
    todo = rows(TOGETHER + 5)
    last = Tag("t-9", f"Actor {TOGETHER + 4}", {})
    _, _, ended = look(todo, seen(last, whole=True))
    assert [outcome.key for outcome in ended] == [f"k{TOGETHER + 4}"]
    assert [work.ended for work in todo] == [False] * (TOGETHER + 4) + [True]
    assert [work.looks for work in todo] == [1] * (TOGETHER + 4) + [0]
    _, _, ended = look(rows(TOGETHER + 5), seen(last))
    assert ended == []


def test_a_look_that_fails_stops_the_run() -> None:
    """Nothing is sent on the plan's word: the run stops, resumable, and no row ends."""
    todo = rows(3)
    _, stop, ended = look(todo, CallFailed(failure("server-error"), status=500))
    assert (stop.exit_code, ended, [work.looks for work in todo]) == (6, [], [0, 0, 0])
    assert stop.hint
    _, stop, _ = look(todo, CallFailed(failure("unauthorized"), status=401))
    assert stop.exit_code == 4
    asked, _, _ = look(todo, seen(), stopped=True)
    assert asked == []
    asked, _, _ = look(deque(), seen())
    assert asked == []


def test_what_was_seen_counts_from_before_the_look() -> None:
    """A look that takes a minute tells of the account as it was when it was asked, and exactly `fresh` is fresh."""

    async def main(clock: VirtualClock) -> None:
        class Slow(Looks):
            async def look(self, names: Collection[str], uuids: Collection[str] = (), *, ahead: int = 0) -> Seen:
                await clock.sleep(60)
                return await super().look(names, uuids, ahead=ahead)

        await clock.sleep(1000)
        slow = cast(Lookup, Slow(seen()))
        made = Reconciler(slow, clock, StopSignal(), {}, fresh=60, done=lambda work, outcome: None)
        todo = rows(2)
        todo[1].seen_at = 940
        await made.look_again(todo)
        assert [work.seen_at for work in todo] == [1000, 940]
        assert not made.outdated(todo[0])
        await clock.sleep(0.5)
        assert made.outdated(todo[1])
        assert made.outdated(todo[0])

    run(main)
