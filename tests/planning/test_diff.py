"""What counts as a difference, and what an update sends."""

from __future__ import annotations

from typing import Any

import pytest

from importer.model import Action, Json, Tag
from importer.planning.diff import differences

from .examples import draft, only, plan, tag, uuid


def patch(held: dict[str, Json], wanted: dict[str, Json], clear: tuple[str, ...] = ()) -> dict[str, Any] | None:
    """The PATCH body for a row against a tag; None for unchanged."""
    change = only(plan([draft("APT28", clear=clear, **wanted)], [tag("APT28", **held)], mode="upsert"))
    return None if change.action is Action.UNCHANGED else dict(change.body)


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ({"originCountryISO": "RU"}, {"originCountryISO": "rus"}),
        ({"aliases": [{"value": "A"}, {"value": "B"}]}, {"aliases": [{"value": "B"}, {"value": "A"}]}),
        ({"aliases": [{"value": "A", "confidence": 7, "tlp": "red"}]}, {"aliases": [{"value": "A"}]}),
        ({"motive": {"value": "Espionage", "confidence": 7}}, {"motive": "Espionage"}),
        ({"motive": {"value": "Espionage", "confidence": 7, "tlp": "red"}},
         {"motive": {"value": "Espionage", "confidence": 7}}),
        ({"motive": "Espionage"}, {"motive": {"value": "Espionage"}}),
        ({"priority": 5}, {"priority": 5.0}),
        ({"properties": {"b": [1], "a": {"x": 1, "y": 2}}}, {"properties": {"a": {"y": 2, "x": 1}}}),
        ({"properties": {"a": {"value": "x", "confidence": 3}}}, {"properties": {"a": "x"}}),
        ({"externalReferences": [{"url": "https://a", "description": "d"}]},
         {"externalReferences": [{"url": "https://a"}]}),
        ({"description": "two\r\nlines\n"}, {"description": "two\nlines"}),
        ({"aliasGroupNames": []}, {}),
        ({"description": "kept"}, {}),
    ],
)  # fmt: skip
def test_spellings_of_one_value_are_no_difference(held: dict[str, Json], wanted: dict[str, Json]) -> None:
    """Order, case of codes, bare against annotated, blank against absent: nothing is sent for them."""
    assert patch(held, wanted) is None


def test_new_entries_do_not_strip_the_old_ones_annotations() -> None:
    """When an alias is added by its bare name, those that stay keep the confidence and TLP the account gave them."""
    body = patch(
        {"aliases": [{"value": "A", "confidence": 7, "tlp": "red"}]}, {"aliases": [{"value": "A"}, {"value": "B"}]}
    )
    assert body == {"aliases": [{"value": "A", "confidence": 7, "tlp": "red"}, {"value": "B"}]}


def test_an_annotation_that_changes_is_sent_with_what_it_annotates() -> None:
    """A row that gives a new confidence for the same value sends value, confidence and the TLP that was there."""
    body = patch(
        {"motive": {"value": "Fun", "confidence": 3, "tlp": "red"}}, {"motive": {"value": "Fun", "confidence": 9}}
    )
    assert body == {"motive": {"value": "Fun", "confidence": 9, "tlp": "red"}}


def test_a_new_value_does_not_inherit_the_old_ones_annotation() -> None:
    """The confidence in one value says nothing of another: a new bare value is sent bare."""
    assert patch({"motive": {"value": "Fun", "confidence": 9}}, {"motive": "Grudge"}) == {"motive": "Grudge"}


def test_properties_are_patched_key_by_key() -> None:
    """Only differing keys of `properties` are sent; keys the row does not mention stay out of the body."""
    body = patch({"properties": {"a": 1, "b": 2, "c": 3}}, {"properties": {"a": 1, "b": 5, "d": 4}})
    assert body == {"properties": {"b": 5, "d": 4}}


@pytest.mark.parametrize(
    ("name", "old", "sent"),
    [
        ("description", "text", ""), ("originCountryISO", "RU", ""), ("motive", {"value": "Fun", "confidence": 2}, ""),
        ("aliases", [{"value": "A"}], []), ("externalReferenceLinks", ["https://a"], []), ("priority", 3, None),
        ("confidence", 3, None), ("dateOfDiscovery", "2024-01-01", None), ("categoryUuid", uuid(9), None),
        ("properties", {"a": 1, "b": 2}, {"a": None, "b": None}),
    ],
)  # fmt: skip
def test_clearing_sends_what_empties_the_field(name: str, old: Json, sent: Json) -> None:
    """A cleared field is emptied in the way its kind takes; one that is blank already is left alone."""
    assert patch({name: old}, {}, (name,)) == {name: sent}
    assert patch({}, {}, (name,)) is None


def test_one_property_can_be_cleared() -> None:
    """`properties.key` clears that key alone."""
    assert patch({"properties": {"a": 1, "b": 2}}, {}, ("properties.a",)) == {"properties": {"a": None}}


def test_a_property_that_holds_nothing_is_not_cleared_again() -> None:
    """An empty list is as good as an absent key: no PATCH is spent on it."""
    assert patch({"properties": {"a": []}}, {}, clear=("properties",)) is None


def test_what_cannot_be_cleared_is_said_and_left() -> None:
    """Clearing `tlp` or the name is a warning on the row, and nothing is sent for it."""
    change = only(plan([draft("APT28", clear=("tlp", "value"))], [tag("APT28", tlp="red")], mode="upsert"))
    assert change.action is Action.UNCHANGED
    assert [issue.field for issue in change.issues if issue.code == "cannot-clear"] == ["tlp", "value"]


@pytest.mark.parametrize(
    ("held", "wanted", "clear", "sent"),
    [
        ({"motive": {"value": "Fun", "confidence": 5, "tlp": "red"}}, {"motive": "Fun"}, ("motive.confidence",),
         {"motive": {"value": "Fun", "tlp": "red"}}),
        ({"motive": {"value": "Fun", "confidence": 5}}, {"motive": "Fun"}, ("motive.confidence", "motive.tlp"),
         {"motive": {"value": "Fun"}}),
        ({"motive": {"value": "Fun", "confidence": 5}}, {}, ("motive.confidence",), {"motive": {"value": "Fun"}}),
        ({"motive": {"value": "Fun", "confidence": 5}}, {}, ("motive", "motive.confidence"), {"motive": ""}),
        ({"aliases": [{"value": "A", "confidence": 7, "tlp": "red"}]}, {"aliases": [{"value": "A"}]}, ("aliases.tlp",),
         {"aliases": [{"value": "A", "confidence": 7}]}),
        ({"motive": "Fun"}, {"motive": "Fun"}, ("motive.confidence",), None),
        ({"motive": {"value": "Fun", "tlp": "red"}}, {"motive": "Fun"}, ("motive.confidence",), None),
        ({}, {}, ("motive.confidence",), None),
    ],
)  # fmt: skip
def test_a_part_that_is_cleared_is_left_out_of_what_is_sent(
    held: dict[str, Json], wanted: dict[str, Json], clear: tuple[str, ...], sent: dict[str, Json] | None
) -> None:
    """A cleared confidence, TLP or description is not kept from the account; where there is none, nothing is sent."""
    assert patch(held, wanted, clear) == sent


def test_the_old_name_of_a_renamed_tag_becomes_an_alias_in_the_same_update() -> None:
    """What a row says of its other names is held against the new name: a second run has nothing to do."""
    held = Tag(uuid(1), "Old", {}, 1)
    changed = differences({"value": "New", "aliases": [{"value": "Old"}]}, held)
    assert [change.field for change in changed] == ["value", "aliases"]
