"""Categories as YAML: every mistake with its place, and a file that comes back as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.model import Action, Category, FieldChange
from importer.planning.category_file import (
    CategoryChange,
    WantedCategory,
    broken_tags,
    diff_category,
    dump_category_yaml,
    load_category_yaml,
    plan_categories,
)

from .examples import tag, uuid

RANK: dict[str, Any] = {"key": "rank", "kind": "number", "required": True, "numberConstraint": {"min": 1, "max": 5}}
HELD = Category(uuid(1), "Actors", "People: who #1 'attack'", [
    RANK,
    {"key": "region", "kind": "enum", "allowedValues": ["NO", "5", "on", "2024-01-01"], "label": "Où"},
    {"key": "tools", "kind": "array", "element": {"kind": "object", "properties": {"u": {"kind": "string"}}}},
])  # fmt: skip


def problems(text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        load_category_yaml(text, "c.yaml")
    return [caught.value.message, *caught.value.details]


def test_what_is_exported_applies_as_unchanged() -> None:
    """The file written from an account is read back to the same categories and asks for nothing."""
    text = dump_category_yaml([HELD, Category(uuid(2), "Bare")])
    changes = plan_categories(load_category_yaml(text, "c.yaml"), [HELD, Category(uuid(2), "Bare")])
    assert [(change.action, change.differences) for change in changes] == [(Action.UNCHANGED, ())] * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("categories:\n- name: A\n  shema: []\n",
         "c.yaml:3:3: unknown word 'shema' of `categories`; did you mean 'schema'?"),
        ("categories:\n- {schema: []}\n", "c.yaml:2:3: `name:` is missing from `categories`"),
        ("name: A\nschema:\n- {key: x, kind: strng}\n", "c.yaml:3:18: unknown word 'strng'; did you mean 'string'?"),
        ("name: A\nschema:\n- {key: x}\n", "c.yaml:3:3: `kind:` is missing from `schema`"),
        ("name: A\nschema:\n- {key: x, kind: enum}\n", "c.yaml:3:3: an enum needs `allowedValues`"),
        ("name: A\nschema:\n- {key: x, kind: date, requird: true}\n",
         "c.yaml:3:24: unknown word 'requird' of `schema`; did you mean 'required'?"),
        ("name: A\nschema:\n- {key: x, kind: date}\n- {key: x, kind: date}\n",
         "c.yaml:4:3: the key 'x' is given twice (first in line 3)"),
        ("name: A\nschema:\n- {key: x, kind: number, numberConstraint: {min: 5, max: 1}}\n",
         "c.yaml:3:50: min 5 is above max 1"),
        ("name: A\nschema:\n- {key: x, kind: string, element: {kind: string}}\n",
         "c.yaml:3:35: `element` is for kind array, this entry is of kind string"),
        ("name: A\nschema:\n- {key: x, kind: string, required: yes}\n",
         "c.yaml:3:36: expected true or false for `required`, not 'yes'"),
        ("name: A\nschema:\n- {key: x, kind: object, properties: [a]}\n",
         "c.yaml:3:38: expected a table of `key: value` lines for `properties`, not a list"),
        ("name: A\nschema:\n- {key: x, kind: object}\n", "c.yaml:3:3: an object needs `properties`"),
        ("name: A\nuuid: 7\n", "c.yaml:2:7: not a UUID"),
        ("categories:\n- name: A\n- name: A\n", "c.yaml:3:3: the name 'A' is given twice (first in line 2)"),
        ("categores: []\n", "c.yaml:1:1: unknown word 'categores'; did you mean 'categories'?"),
        ("- a\n", "c.yaml:1:1: expected a table of `key: value` lines here, not a list"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line_and_column(text: str, expected: str) -> None:
    """A mistake is one line with file, line, column and the nearest valid word."""
    assert problems(text)[1:] == [expected]


def test_all_mistakes_come_at_once() -> None:
    """Two mistakes are two lines of one error; broken or empty YAML is one sentence that speaks of a category file."""
    text = "name: A\nschema:\n- {key: x, kind: strng}\n- {key: y, kind: date, format: day}\n"
    assert problems(text)[0] == "the category file c.yaml has 2 problems"
    assert "the category file" in problems("")[0]
    assert "c.yaml:2:1" in problems("{")[1]


def test_words_of_tomorrow_are_passed_on() -> None:
    """A schema word that this program does not know, and that resembles none, goes through as it is."""
    wanted = load_category_yaml("name: A\nschema:\n- {key: x, kind: date, zzz: 1}\n", "c.yaml")
    assert wanted[0].schema == ({"key": "x", "kind": "date", "zzz": 1},)


def test_a_number_among_the_allowed_values_is_a_text() -> None:
    """As in every file of ours, a number is as good as a text: the API takes texts only."""
    wanted = load_category_yaml("name: A\nschema:\n- {key: x, kind: enum, allowedValues: [a, 5]}\n", "c.yaml")
    assert wanted[0].schema == ({"key": "x", "kind": "enum", "allowedValues": ["a", "5"]},)


def test_a_new_category_is_created_whole() -> None:
    """A category the account lacks is a create with all that the file says."""
    change = diff_category(WantedCategory("New", schema=(RANK,)), None)
    assert (change.action, change.uuid, change.body) == (Action.CREATE, "", {"name": "New", "schema": [RANK]})


def test_a_schema_is_compared_key_by_key_and_sent_whole() -> None:
    """The differences name the keys that were added, changed and removed; the body has the whole new schema."""
    wanted = WantedCategory("Actors", schema=({**RANK, "required": False}, {"key": "new", "kind": "date"}))
    change = diff_category(wanted, HELD)
    assert change.action is Action.UPDATE
    assert [item.field for item in change.differences] == ["schema.rank", "schema.region", "schema.tools", "schema.new"]
    assert change.differences[3] == FieldChange("schema.new", None, {"key": "new", "kind": "date"})
    assert change.body == {"schema": [dict(entry) for entry in wanted.schema or ()]}


def test_what_the_server_fills_in_is_no_difference() -> None:
    """A null or false that the account returns for a word the file leaves out makes no update."""
    held = Category(uuid(1), "A", schema=[{"key": "x", "kind": "date", "deprecated": False, "label": None}])
    assert diff_category(WantedCategory("A", schema=({"kind": "date", "key": "x"},)), held).action is Action.UNCHANGED


def test_a_uuid_finds_a_category_that_was_renamed() -> None:
    """With its UUID a category is renamed; an unknown UUID is an error at its place."""
    change = plan_categories([WantedCategory("Persons", uuid(1))], [HELD])[0]
    assert (change.body, change.uuid) == ({"name": "Persons"}, uuid(1))
    with pytest.raises(UsageError):
        plan_categories([WantedCategory("Persons", uuid(9))], [HELD])


def test_tags_that_a_new_schema_would_break_are_named() -> None:
    """Before a schema is replaced, existing tags that do not fit the new one are warnings."""
    change = CategoryChange(Action.UPDATE, "Actors", uuid(1), {"schema": [RANK]}, ())
    tags = [tag("A", 1, categoryUuid=uuid(1), properties={"rank": 9}), tag("B", 2, categoryUuid=uuid(2)),
            tag("C", 3, categoryUuid=uuid(1), properties={"rank": 2, "managed_by": "x"}),
            tag("D", 4, categoryUuid=uuid(1))]  # fmt: skip
    assert [(issue.code, issue.message[:8]) for issue in broken_tags(change, tags)] == [
        ("property-range", "tag 'A' "), ("property-missing", "tag 'D' "),
    ]  # fmt: skip


PLAIN = st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufeff\u2028\u2029\x85")
WORDS = st.text(PLAIN, min_size=1, max_size=10).filter(str.strip)


@given(WORDS, st.text("abc: #'\"-\n{}[]&*!|>%@`,?é", max_size=20), st.lists(WORDS, max_size=4))
def test_any_text_survives_the_file(name: str, description: str, values: list[str]) -> None:
    """Names, descriptions and allowed values that look like YAML come back as the texts they were."""
    held = Category(uuid(1), name, description, [{"key": name, "kind": "string", "allowedValues": values}])
    wanted = load_category_yaml(dump_category_yaml([held]), "c.yaml")[0]
    assert wanted.schema == ({"key": name, "kind": "string", "allowedValues": values},)
    assert diff_category(wanted, Category(uuid(1), name.strip(), description, held.schema)).action is Action.UNCHANGED
