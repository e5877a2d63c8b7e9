"""What marking bars, what adopting takes over, and what pruning deletes."""

from __future__ import annotations

from typing import Any

from importer.model import Action, Category, Issue, Place, Plan, Severity
from importer.planning.build import build_plan
from importer.planning.marking import marker
from importer.planning.options import Account, PlanOptions

from .examples import ACCOUNT, MARK, draft, drafts, only, plan, said, tag, uuid

OURS: dict[str, Any] = {"properties": {"managed_by": MARK}}
THEIRS: dict[str, Any] = {"properties": {"managed_by": "tag-importer:weekly"}}


def notes(made: Plan) -> list[str]:
    return [note.code for note in made.notes]


def test_new_tags_are_marked() -> None:
    """With marking on, a new tag carries the job's mark beside its own properties."""
    change = only(plan([draft("APT28", properties={"a": 1})], managed_by=marker("nightly")))
    assert change.body["properties"] == {"a": 1, "managed_by": MARK}


def test_unmarked_tags_are_not_updated() -> None:
    """An existing tag without the mark is skipped with its differences; an equal one is unchanged."""
    change = only(plan([draft("APT28", priority=1)], [tag("APT28")], mode="upsert", managed_by=MARK))
    assert (change.action, change.code) == (Action.SKIP, "unmanaged")
    assert change.differences
    assert only(plan([draft("APT28")], [tag("APT28")], mode="upsert", managed_by=MARK)).action is Action.UNCHANGED


def test_adopting_updates_and_marks() -> None:
    """With adopt an unmarked tag is updated and marked, even when the mark is all that is missing."""
    change = only(plan([draft("APT28")], [tag("APT28")], mode="upsert", managed_by=MARK, adopt=True))
    assert (change.action, change.body) == (Action.UPDATE, {"properties": {"managed_by": MARK}})


def test_another_jobs_tags_are_a_conflict() -> None:
    """A tag that carries another job's mark is never written, not even with adopt."""
    held = [tag("APT28", **THEIRS)]
    change = only(plan([draft("APT28", priority=1)], held, mode="upsert", managed_by=MARK, adopt=True))
    assert (change.action, change.code, change.body) == (Action.CONFLICT, "managed-elsewhere", {})


def test_a_row_cannot_take_the_mark_away() -> None:
    """Clearing properties, or a column of its own, leaves the mark of a managed tag as it is."""
    row = draft("APT28", clear=("properties",))
    assert only(plan([row], [tag("APT28", **OURS)], mode="upsert", managed_by=MARK)).action is Action.UNCHANGED
    row = draft("APT28", properties={"managed_by": "me"})
    assert only(plan([row], [tag("APT28", **OURS)], mode="upsert", managed_by=MARK)).action is Action.UNCHANGED


def test_vanished_tags_are_reported_and_only_pruned_when_asked() -> None:
    """A marked tag without a row is a note; with prune it is a delete that holds all that is lost."""
    held = [tag("APT28", 1, **OURS), tag("Gone", 2, priority=4, **OURS), tag("Not ours", 3), tag("Theirs", 4, **THEIRS)]
    made = plan([draft("APT28")], held, mode="upsert", managed_by=MARK)
    assert (said(made), notes(made)) == ([("unchanged", "")], ["vanished"])
    made = plan([draft("APT28")], held, mode="upsert", managed_by=MARK, prune=True)
    assert said(made) == [("unchanged", ""), ("delete", "vanished")]
    gone = made.changes[1]
    assert (gone.row, gone.uuid, gone.key) == (None, uuid(2), f"delete-{uuid(2)}")
    assert [item.field for item in gone.differences] == ["value", "priority", "properties"]


def test_a_row_that_is_wrong_or_left_out_still_keeps_its_tag() -> None:
    """A name that still stands in the source has not vanished, whatever becomes of its row."""
    rows = drafts(draft("A", error="bad"), draft("B", left_out="no"))
    made = plan(rows, [tag("A", 1, **OURS), tag("B", 2, **OURS)], mode="upsert", managed_by=MARK, prune=True)
    assert (made.counts()["delete"], notes(made)) == (0, [])


def test_nothing_is_pruned_when_part_of_the_source_is_unread() -> None:
    """A lost name, an error note of a file, a sheet that fits no mapping, or further pages withhold every delete."""
    held = [tag("Gone", 1, **OURS)]
    made = plan(drafts(draft("A"), draft("", error="bad")), held, mode="upsert", managed_by=MARK, prune=True)
    assert (made.counts()["delete"], notes(made)) == (0, ["vanished", "prune-withheld"])
    rows = drafts(draft("A"), draft("", left_out="a footer"))
    made = plan(rows, held, mode="upsert", managed_by=MARK, prune=True)
    assert (made.counts()["delete"], notes(made)) == (1, ["vanished"]), "a row that is left out has no name to lose"
    options = PlanOptions(mode="upsert", managed_by=MARK, prune=True)
    for severity, code in (
        (Severity.ERROR, "unclosed-quote"),
        (Severity.WARNING, "left-out-sheet"),
        (Severity.WARNING, "more-pages"),
    ):
        note = Issue(severity, code, "the rest of the file is lost", Place("a.csv"))
        made = build_plan([draft("A")], Account(ACCOUNT, held), options, notes=[note])
        assert (made.counts()["delete"], notes(made)) == (0, [code, "vanished", "prune-withheld"])
    plain = Issue(Severity.INFO, "left-out-sheet", "The sheet lists no actors.", Place("a.xlsx"))
    made = build_plan([draft("A")], Account(ACCOUNT, held), options, notes=[plain])
    assert made.counts()["delete"] == 1


def test_the_mark_decides_between_tags_of_one_name() -> None:
    """Where the account holds a name twice, the one tag that is the job's own is meant."""
    held = [tag("APT28", 1), tag("apt28", 2, priority=1, **OURS)]
    change = only(plan([draft("apt28", priority=2)], held, mode="upsert", managed_by=MARK))
    assert (change.action, change.uuid, change.body) == (Action.UPDATE, uuid(2), {"priority": 2})


def test_a_schema_without_the_mark_is_told() -> None:
    """Where the category's schema does not know `managed_by`, the plan says so once and how to add it."""
    category = Category(uuid(9), "Actors", schema=[{"key": "a", "kind": "string"}])
    made = plan(drafts(draft("A"), draft("B")), [], [category], category="Actors", managed_by=MARK)
    assert (said(made), notes(made)) == ([("create", "")] * 2, ["mark-not-in-schema"])
    knows = Category(uuid(9), "Actors", schema=[{"key": "managed_by", "kind": "string"}])
    assert notes(plan([draft("A")], [], [knows], category="Actors", managed_by=MARK)) == []
