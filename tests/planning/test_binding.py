"""A saved plan is applied only where it still fits."""

from __future__ import annotations

from importer.model import Json, Tag
from importer.planning.binding import fingerprint, moved
from importer.planning.build import build_plan
from importer.planning.options import Account, PlanOptions

from .examples import ACCOUNT, draft, drafts, tag

ROWS = drafts(draft("New"), draft("Same", priority=1), draft("Other", priority=1), draft("Absent", asked=None))


def held(**priority: Json) -> list[Tag]:
    return [tag(name, number, priority=value) for number, (name, value) in enumerate(priority.items(), 1)]


def after(tags: list[Tag]) -> list[str]:
    """What moved between a plan against Same=1, Other=2 and the account with `tags`."""
    made = build_plan(ROWS[:3], Account(ACCOUNT, held(Same=1, Other=2)), PlanOptions(mode="upsert"))
    return [str(item) for item in moved(made, Account(ACCOUNT, tags))]


def test_nothing_moved() -> None:
    """The same account, in whatever order it is listed, fits."""
    assert after(held(Same=1, Other=2)) == []
    assert after(list(reversed(held(Same=1, Other=2)))) == []


def test_each_moved_row_is_named_with_how() -> None:
    """A tag that appeared, one that was deleted and one that was edited are each told with the row."""
    told = after([tag("NEW", 9), tag("Other", 2, priority=7)])
    assert len(told) == 3
    assert "'New' (actors.csv" in told[0]
    assert "exists now" in told[0]
    assert "'Same'" in told[1]
    assert "deleted" in told[1]
    assert "'Other'" in told[2]
    assert "priority was 2, it is 7" in told[2]


def test_an_edit_of_a_field_the_plan_leaves_alone_counts_too() -> None:
    """A row found unchanged is no longer known to be so once its tag was edited."""
    assert ["the tag was edited since" in line for line in after(held(Same=5, Other=2))] == [True]


def test_a_skipped_absent_row_moves_when_its_tag_appears() -> None:
    """Update mode skipped an absent name; now that it exists a fresh plan would say otherwise."""
    made = build_plan([draft("A")], Account(ACCOUNT), PlanOptions(mode="update"))
    assert len(moved(made, Account(ACCOUNT, [tag("A")]))) == 1


def test_a_fingerprint_knows_content_from_order() -> None:
    """The order of keys and list entries makes no difference to a tag's fingerprint; any value does."""
    one = Tag("u", "A", {"aliases": [{"value": "x"}, {"value": "y"}], "priority": 1})
    two = Tag("u", "A", {"priority": 1, "aliases": [{"value": "y"}, {"value": "x"}], "description": ""})
    assert fingerprint(one) == fingerprint(two)
    assert fingerprint(one) != fingerprint(Tag("u", "A", {**one.fields, "priority": 2}))
    assert fingerprint(one) != fingerprint(Tag("u", "a", one.fields))
