"""What may be sent is checked: no rule lets anything through that the API would refuse."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.fields.table import FIELDS, field_named
from importer.fields.values import check
from importer.mapping.cells import CellReader
from importer.mapping.spec import Rule, Step
from importer.model import Severity
from tests.mapping.tables import codes, drafts

READERS = [
    CellReader(Rule(field.name, as_is=as_is, steps=steps), {})
    for field in FIELDS
    for as_is in (False, True)
    for steps in ((), (Step("json"),))
]
ANY = st.text(max_size=40) | st.recursive(
    st.none() | st.booleans() | st.integers(-20, 20) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "url", "tlp", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
).map(json.dumps)


@settings(max_examples=300, deadline=None)
@given(ANY)
def test_whatever_a_cell_holds_its_value_may_be_sent(text: str) -> None:
    """A value that comes out of any rule passes the check of the wire, and what does not is told."""
    for reader in READERS:
        cell = reader.read(text)
        assert reader.field is not None
        if cell.value is not None:
            assert check(reader.field, cell.value).problem is None, reader.rule
        elif text.strip() and text.strip() not in ("null", '""', "[]", "{}") and reader.field.kind != "object":
            assert cell.seeds or cell.clears or not json_like(text), reader.rule


def json_like(text: str) -> bool:
    """Whether a text says something that could have become a value."""
    return text.isalnum()


EXPORT = """
fields:
  value: {column: value, as_is: true}
  motive: {column: motive, as_is: true}
  aliasGroupNames: {column: names, transforms: [json], as_is: true}
  internalAliases: {column: aliases, transforms: [json], as_is: true}
  priority: {column: priority, transforms: [json], as_is: true}
"""


@pytest.mark.parametrize(
    ("column", "cell", "field", "value"),
    [
        ("names", "Foo, Bar", "aliasGroupNames", ["Foo", "Bar"]),
        ("names", "A1; A2", "aliasGroupNames", ["A1", "A2"]),
        ("names", '["Foo, Inc", "None"]', "aliasGroupNames", ["Foo, Inc", "None"]),
        ("aliases", "A1; A2", "internalAliases", [{"value": "A1"}, {"value": "A2"}]),
        ("motive", "Sabotage of dams", "motive", "Sabotage of dams"),
        ("motive", "espionage", "motive", "espionage"),
        ("priority", "3", "priority", 3),
    ],
)
def test_an_edited_export_is_read(column: str, cell: str, field: str, value: object) -> None:
    """What a person wrote into an export arrives as the list or the word that it is."""
    (draft,) = drafts(EXPORT, ("value", column), ("X", cell))
    assert (draft.fields[field], draft.issues) == (value, ())


@pytest.mark.parametrize(
    ("column", "cell", "code", "nearest"),
    [
        ("motive", "espionnage", "unknown-motive", "Espionage"),
        ("motive", "Finacial", "unknown-motive", "Financial"),
        ("names", '["Foo"', "broken-list", ""),
        ("names", '[{"value": "Foo"}]', "not-text", ""),
        ("priority", "high", "not-a-number", ""),
    ],
)
def test_a_slip_in_an_export_is_an_error(column: str, cell: str, code: str, nearest: str) -> None:
    """What the API would refuse, or nobody can have meant, is refused before anything is sent."""
    (draft,) = drafts(EXPORT, ("value", column), ("X", cell))
    assert [(issue.code, issue.severity, issue.nearest) for issue in draft.issues] == [(code, Severity.ERROR, nearest)]


def test_a_broken_list_is_told() -> None:
    """A list that was cut off is not a name, and its row goes on."""
    (draft,) = drafts("fields: {value: A, aliasGroupNamesInternal: B}", ("A", "B"), ("X", '["Foo", "Ba'))
    assert (codes(draft), draft.invalid) == (["broken-list"], False)
    assert draft.fields == {"value": "X", "internalDescription": 'B: ["Foo", "Ba'}
    assert field_named("internalDescription")
