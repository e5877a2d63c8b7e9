"""What a server did not give back: named by its parts, remembered by digest, forgotten when it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from importer.fields.table import field_named
from importer.model import FieldChange, Json, Tag
from importer.planning.returned import Returned, lacking

PRIORITY = {"value": 3, "confidence": 7}
CHANGE = (FieldChange("priority", 3, PRIORITY),)
TAG = Tag("u1", "A", {"priority": 3})


def _answered(returned: Returned, body: Mapping[str, Json], **answer: Json) -> None:
    returned.compare(body, {"uuid": "u1", "value": "A", **answer})


@pytest.mark.parametrize(
    ("name", "sent", "held", "names", "absent"),
    [
        ("lastSeen", "2024", None, {"lastSeen"}, True),
        ("lastSeen", "2024", "2025", {"lastSeen"}, False),
        ("priority", PRIORITY, 3, {"priority.confidence"}, True),
        ("priority", PRIORITY, 4, {"priority"}, False),
        ("priority", PRIORITY, {"value": 3, "confidence": 8}, {"priority.confidence"}, False),
        ("priority", {**PRIORITY, "tlp": "red"}, {"value": 3, "confidence": 8}, {"priority.tlp"}, False),
        ("priority", PRIORITY, {**PRIORITY, "tlp": "red"}, {"priority.tlp"}, False),
        ("aliases", [{"value": "A", "tlp": "purple"}], [], {"aliases"}, True),
        ("aliases", [{"value": "A", "tlp": "purple"}, {"value": "B"}], [{"value": "B"}],
         {"aliases with TLP purple"}, True),
        ("aliases", [{"value": "A"}, {"value": "B"}], [{"value": "B"}], {"aliases"}, True),
        ("aliases", [{"value": "A"}], [{"value": "A"}, {"value": "B"}], {"aliases"}, False),
        ("aliases", [{"value": "A", "confidence": 3}], [{"value": "A"}], {"aliases.confidence"}, True),
        ("externalReferences", [{"url": "https://a", "description": "x"}], [{"url": "https://a"}],
         {"externalReferences.description"}, True),
        ("aliasGroupNames", ["a", "b"], ["b"], {"aliasGroupNames"}, True),
        ("aliasGroupNames", ["a"], ["b"], {"aliasGroupNames"}, False),
    ],
)  # fmt: skip
def test_what_is_lacking_has_a_name(name: str, sent: Json, held: Json, names: set[str], absent: bool) -> None:
    """What is missing is told from what is another, and named as closely as can be."""
    field = field_named(name)
    assert field is not None
    assert lacking(name, field, sent, held) == (frozenset(names), absent)


def test_a_difference_is_left_out_while_nothing_moves(tmp_path: Path) -> None:
    """As long as list and account hold what they held, across runs; any other value on either side is a difference."""
    path = tmp_path / "state" / "returned.json"
    first = Returned(path)
    _answered(first, {"value": "A", "priority": PRIORITY}, priority=3)
    assert [(issue.code, "priority.confidence (1 tag)" in issue.message) for issue in first.news()] == [
        ("not-given-back", True)
    ]
    first.save()
    assert path.stat().st_mode & 0o777 == 0o600
    again = Returned(path)
    assert again.unsettled(TAG, {"priority": PRIORITY}, CHANGE) == ()
    assert "priority.confidence (1 tag)" in again.not_compared()[0].message
    assert again.news() == []
    for held, wanted in ((4, PRIORITY), (3, {"value": 3, "confidence": 8}), (None, PRIORITY)):
        change = (FieldChange("priority", held, wanted),)
        assert again.unsettled(Tag("u1", "A", {"priority": held}), {"priority": wanted}, change) == change
    assert again.unsettled(Tag("u2", "A", {"priority": 3}), {"priority": PRIORITY}, CHANGE) == CHANGE


@pytest.mark.parametrize("how", ["plan", "answer", "gone"])
def test_what_comes_back_is_forgotten(tmp_path: Path, how: str) -> None:
    """A list or an answer that shows what was sent, or an account without the tag, ends it, for later runs too."""
    path = tmp_path / "returned.json"
    returned = Returned(path)
    _answered(returned, {"priority": PRIORITY}, priority=3)
    returned.save()
    returned = Returned(path)
    if how == "plan":
        returned.unsettled(Tag("u1", "A", {"priority": PRIORITY}), {"priority": PRIORITY}, ())
    elif how == "answer":
        _answered(returned, {"priority": PRIORITY}, priority=3, priority_annotated=PRIORITY)
    else:
        returned.only(["u2"])
    returned.save()
    assert Returned(path).unsettled(TAG, {"priority": PRIORITY}, CHANGE) == CHANGE


def test_another_list_does_not_make_it_forget() -> None:
    """A list that says nothing of a field leaves what is known of it alone."""
    returned = Returned()
    _answered(returned, {"priority": PRIORITY}, priority=3)
    assert returned.unsettled(TAG, {"motive": "Fun"}, ()) == ()
    assert returned.unsettled(TAG, {"priority": PRIORITY}, CHANGE) == ()


def test_properties_are_remembered_key_by_key() -> None:
    """Of `properties` only the keys that do not come back are left out."""
    returned = Returned()
    body = {"properties": {"a": 1, "b": 2, "c": 3}}
    _answered(returned, body, properties={"b": 2, "c": 3})
    tag = Tag("u1", "A", {"properties": {"b": 2, "c": 9}})
    change = (FieldChange("properties", {"a": None, "c": 9}, {"a": 1, "c": 3}),)
    assert returned.unsettled(tag, body, change) == (FieldChange("properties", {"c": 9}, {"c": 3}),)
    assert "properties.a (1 tag)" in returned.not_compared()[0].message


@pytest.mark.parametrize(
    ("name", "sent", "held", "answered", "forgiven"),
    [
        ("priority", PRIORITY, 3, None, True),
        ("priority", PRIORITY, 3, {"priority": 3}, True),
        ("priority", PRIORITY, 3, {"priority": 3, "priority_annotated": PRIORITY}, False),
        ("priority", PRIORITY, 4, {"priority": 3}, False),
        ("lastSeen", "2024", None, None, False),
        ("lastSeen", "2024", None, {"motive": "Fun"}, True),
        ("internalAliases", [{"value": "A"}], None, None, True),
        ("internalAliases", [{"value": "A"}], None, {"internalAliases": [{"value": "A"}]}, False),
        ("internalAliases", [{"value": "A"}], [{"value": "B"}], None, False),
        ("analyticPriority", 3, None, None, True),
    ],
)
def test_what_a_found_tag_may_lack(
    name: str, sent: Json, held: Json, answered: dict[str, Any] | None, forgiven: bool
) -> None:
    """Answers show what a server drops; before there is one, a missing part is no proof, another value always is."""
    returned = Returned()
    if answered is not None:
        _answered(returned, {name: sent}, **answered)
    field = field_named(name)
    assert field is not None
    assert returned.forgives(field, sent, held) is forgiven


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tags": 3}', '{"tags": {"u1": {"a": ["x"]}}}'])
def test_a_damaged_state_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    """It is read as empty, and written anew."""
    path = tmp_path / "returned.json"
    path.write_text(text)
    returned = Returned(path)
    assert returned.unsettled(TAG, {"priority": PRIORITY}, CHANGE) == CHANGE
    _answered(returned, {"priority": PRIORITY}, priority=3)
    returned.save()
    assert Returned(path).unsettled(TAG, {"priority": PRIORITY}, CHANGE) == ()


def test_an_answer_of_a_uuid_alone_is_no_news() -> None:
    """A server that answers with next to nothing is not said to drop everything."""
    returned = Returned()
    _answered(returned, {"value": "A", "motive": "Fun", "priority": PRIORITY})
    assert returned.news() == []
