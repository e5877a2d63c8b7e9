"""Categories by name or UUID, and what a plan does with one that is absent."""

from __future__ import annotations

import pytest

from importer.errors import UsageError
from importer.model import Action, Category, Severity
from importer.planning.build import with_category
from importer.planning.categories import find_category, resolve_category

from .examples import draft, drafts, only, plan, said, tag, uuid

ACTORS = Category(uuid(50), "Threat actors", schema=[{"key": "rank", "kind": "number", "required": True}])
TOOLS = Category(uuid(51), "Tools")


def test_names_and_uuids_both_find_it() -> None:
    """A UUID in any case, the exact name, and the name in another case or spacing find the category."""
    for wanted in (uuid(50).upper(), "Threat actors", " threat  ACTORS "):
        assert find_category(wanted, [TOOLS, ACTORS]) == ACTORS


def test_two_of_one_name_need_the_uuid() -> None:
    """Where two categories share a name, the error lists their UUIDs; an exact spelling decides before that."""
    twins = [Category(uuid(1), "Actors"), Category(uuid(2), "Actors"), Category(uuid(3), "actors")]
    assert find_category("actors", twins) == twins[2]
    with pytest.raises(UsageError) as caught:
        find_category("Actors", twins)
    assert uuid(2) in caught.value.hint


def test_an_unknown_name_has_its_nearest() -> None:
    """A misspelt category is a usage error that offers the right one, unless it may be created."""
    with pytest.raises(UsageError) as caught:
        resolve_category("Treat actors", [ACTORS, TOOLS])
    assert "'Threat actors'" in caught.value.hint
    assert resolve_category("Treat actors", [ACTORS], create=True) is None
    with pytest.raises(UsageError):
        resolve_category(uuid(99), [ACTORS], create=True)


def test_new_tags_get_the_category_and_old_ones_keep_theirs() -> None:
    """`--category` is for new tags; a row's own category goes before it, an existing tag's is left alone."""
    rows = drafts(draft("A"), draft("B", categoryUuid=uuid(51)), draft("C", priority=1))
    made = plan(rows, [tag("C")], [TOOLS, Category(uuid(52), "X")], category="x", mode="upsert")
    assert [change.body.get("categoryUuid") for change in made.changes] == [uuid(52), uuid(51), None]
    assert made.category == uuid(52)


def test_an_unknown_category_uuid_in_a_row_is_invalid() -> None:
    """A row that names a category the account lacks is refused before anything is sent."""
    assert said(plan([draft("A", categoryUuid=uuid(99))], categories=[TOOLS])) == [("invalid", "unknown-category")]


def test_a_category_that_is_to_be_created_comes_in_later() -> None:
    """The plan names the category it waits for; once made, its UUID goes into the new tags that name none."""
    made = plan(drafts(draft("A"), draft("B", categoryUuid=uuid(51))), categories=[TOOLS], category="New",
                create_category=True)  # fmt: skip
    assert made.options["create_category"] == "New"
    assert "categoryUuid" not in made.changes[0].body
    bound = with_category(made, uuid(60))
    assert [change.body["categoryUuid"] for change in bound.changes] == [uuid(60), uuid(51)]
    assert (bound.category, "create_category" in bound.options) == (uuid(60), False)
    assert with_category(bound, uuid(61)) == bound


def test_properties_are_checked_before_anything_is_sent() -> None:
    """A create without a required property, and an update that breaks one, are invalid with the property's name."""
    change = only(plan([draft("A")], categories=[ACTORS], category="Threat actors"))
    assert (change.action, change.code, change.issues[0].field) == (
        Action.INVALID,
        "property-missing",
        "properties.rank",
    )
    held = [tag("A", categoryUuid=uuid(50), properties={"rank": 1})]
    change = only(plan([draft("A", properties={"rank": "high"})], held, [ACTORS], mode="upsert"))
    assert (change.action, change.code, change.body) == (Action.INVALID, "property-kind", {})


def test_an_update_supplies_what_it_leaves_out() -> None:
    """A required property that the tag has already need not be in the row."""
    held = [tag("A", categoryUuid=uuid(50), properties={"rank": 1})]
    change = only(plan([draft("A", properties={"note": "x"})], held, [ACTORS], mode="upsert"))
    assert change.action is Action.UPDATE
    assert [issue.code for issue in change.issues] == ["unknown-property"]


def test_clearing_a_required_property_is_refused() -> None:
    """Emptying a property that the schema requires is invalid here, not a 400 there."""
    held = [tag("A", categoryUuid=uuid(50), properties={"rank": 1})]
    change = only(plan([draft("A", clear=("properties.rank",))], held, [ACTORS], mode="upsert"))
    assert (change.action, change.code) == (Action.INVALID, "property-missing")


def test_moving_to_another_category_checks_what_is_there() -> None:
    """A new category revalidates the properties that the tag already holds."""
    held = [tag("A", properties={"rank": "high"})]
    change = only(plan([draft("A", categoryUuid=uuid(50))], held, [ACTORS], mode="upsert"))
    assert (change.action, change.code) == (Action.INVALID, "property-kind")


def test_an_update_says_that_it_leaves_the_category_alone() -> None:
    """`--category` is for new tags: an update of a tag that is elsewhere says so, one that is there says nothing."""
    categories = [Category(uuid(50), "Actors"), Category(uuid(51), "Others")]
    tags = [tag("A", 1), tag("B", 2, categoryUuid=uuid(51)), tag("C", 3, categoryUuid=uuid(50)), tag("D", 4)]
    rows = drafts(*(draft(name, priority=1) for name in "ABC"), draft("D"))
    made = plan(rows, tags, categories, mode="upsert", category="Actors")
    assert [[(issue.code, issue.severity) for issue in change.issues] for change in made.changes] == [
        [("other-category", Severity.INFO)], [("other-category", Severity.INFO)], [], []
    ]  # fmt: skip
    assert "'Others'" in made.changes[1].issues[0].message
    assert all(change.body == {"priority": 1} for change in made.changes[:3])
