"""Every kind, format and constraint of a category's schema is checked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.model import Header, Issue, Json, RowRef, Severity, Table
from importer.planning.properties import check_properties, how_to_read


def check(entry: dict[str, Any], value: Json) -> list[Issue]:
    return check_properties([{"key": "k", **entry}], {} if value is None else {"k": value})


@pytest.mark.parametrize(
    ("entry", "good", "bad", "code"),
    [
        ({"kind": "string"}, "x", 5, "property-kind"),
        ({"kind": "string"}, "x", True, "property-kind"),
        ({"kind": "string", "maxLength": 3}, "abc", "abcd", "property-length"),
        ({"kind": "string", "format": "url"}, "https://a.example/x", "a.example", "property-format"),
        ({"kind": "string", "format": "url"}, "http://a", "javascript:alert(1)", "property-format"),
        ({"kind": "string", "format": "date"}, "2024-02-29", "2023-02-29", "property-format"),
        ({"kind": "string", "format": "duration"}, "P1Y6M", "a while", "property-format"),
        ({"kind": "string", "format": "duration"}, "PT12H", "P", "property-format"),
        ({"kind": "string", "format": "country"}, "RU", "Russia", "property-format"),
        ({"kind": "string", "format": "country"}, "RUS", "XQ", "property-format"),
        ({"kind": "string", "allowedValues": ["a", "b"]}, "a", "c", "property-value"),
        ({"kind": "enum", "allowedValues": ["low", "high"]}, "low", "Low", "property-value"),
        ({"kind": "date"}, "2024-01-31", "31.01.2024", "property-format"),
        ({"kind": "date"}, "2024-02-29", "2024-01-31T10:00:00Z", "property-format"),
        ({"kind": "number"}, 5.5, "5.5", "property-kind"),
        ({"kind": "number", "numberConstraint": {"min": 1, "max": 5}}, 1, 0, "property-range"),
        ({"kind": "number", "numberConstraint": {"min": 1, "max": 5}}, 5, 5.1, "property-range"),
        ({"kind": "number", "numberConstraint": {"integer": True}}, 5.0, 5.5, "property-range"),
        ({"kind": "array"}, [1], "1", "property-kind"),
        ({"kind": "array", "element": {"kind": "string"}}, ["a"], ["a", 1], "property-kind"),
        ({"kind": "array", "element": {"kind": "string", "format": "url"}}, [], ["x"], "property-format"),
        ({"kind": "array", "allowedValues": ["a"]}, ["a"], ["b"], "property-value"),
        ({"kind": "array", "element": "string", "allowedValues": ["a"]}, ["a"], ["b"], "property-value"),
        ({"kind": "object"}, {}, [], "property-kind"),
        ({"kind": "object", "properties": [{"key": "n", "kind": "number", "required": True}]},
         {"n": 1}, {"n": None}, "property-missing"),
        ({"kind": "object", "properties": [{"key": "n", "kind": "number"}]}, {"n": 1}, {"n": "1"}, "property-kind"),
        ({"kind": "object", "properties": {"n": {"kind": "number"}}}, {"n": 1}, {"n": "1"}, "property-kind"),
        ({"kind": "string", "required": True}, "x", None, "property-missing"),
        ({"kind": "string", "required": True}, "x", "", "property-missing"),
        ({"kind": "string", "annotations": {"confidence": True, "tlp": False}},
         {"value": "x", "confidence": 10}, {"value": "x", "confidence": 11}, "property-annotation"),
        ({"kind": "string", "annotations": {"confidence": True, "tlp": False}},
         {"value": "x"}, {"value": "x", "tlp": "red"}, "property-annotation"),
        ({"kind": "number", "annotations": {"tlp": True}},
         {"value": 1, "tlp": "amber+strict"}, {"value": 1, "tlp": "secret"}, "property-annotation"),
        ({"kind": "string"}, "x", {"value": "x", "confidence": 3}, "property-annotation"),
        ({"kind": "number", "annotations": {"tlp": True}}, {"value": 1}, {"value": "1"}, "property-kind"),
    ],
)  # fmt: skip
def test_each_constraint_passes_what_fits_and_names_what_does_not(
    entry: dict[str, Any], good: Json, bad: Json, code: str
) -> None:
    """A value that fits passes without a word; one that does not is an error under the constraint's code."""
    assert check(entry, good) == []
    problems = check(entry, bad)
    assert [(problem.code, problem.severity) for problem in problems] == [(code, Severity.ERROR)]
    assert problems[0].field.startswith("properties.k")


def test_enforcement_sets_the_severity() -> None:
    """`warn` makes a breach a warning, `off` nothing, absent or `error` an error."""
    for enforcement, expected in (("error", [Severity.ERROR]), ("warn", [Severity.WARNING]), ("off", [])):
        problems = check({"kind": "number", "enforcement": enforcement}, "x")
        assert [problem.severity for problem in problems] == expected


def test_what_is_deprecated_may_stay_and_not_be_written_anew() -> None:
    """A deprecated value or property is an error where it is new, and no matter where the tag holds it already."""
    schema: list[dict[str, Any]] = [
        {"key": "k", "kind": "enum", "allowedValues": ["new", "old"], "deprecatedValues": ["old"]},
        {"key": "d", "kind": "string", "deprecated": True, "required": True},
    ]
    problems = check_properties(schema, {"k": "old", "d": "x"})
    assert [problem.code for problem in problems] == ["deprecated-value", "deprecated-property"]
    assert (problems[0].severity, problems[0].allowed) == (Severity.ERROR, ("new",))
    assert check_properties(schema, {"k": "Old"})[0].allowed == ("new",)
    assert check_properties(schema, {"k": "old", "d": "x"}, before={"k": "old", "d": "x"}) == []
    assert check_properties(schema, {"k": "new"}) == []


def test_a_duration_in_words_has_its_iso_form_as_nearest() -> None:
    """`18 months` is told to be `P18M`."""
    assert check({"kind": "string", "format": "duration"}, "18 months")[0].nearest == "P18M"


def test_the_nearest_allowed_value_is_offered() -> None:
    """A misspelt enum value and an unknown key both get their nearest match."""
    assert check({"kind": "enum", "allowedValues": ["medium", "high"]}, "Medum")[0].nearest == "medium"
    problem = check_properties([{"key": "severity", "kind": "string"}], {"severty": "x"})[0]
    assert (problem.code, problem.severity, problem.nearest) == ("unknown-property", Severity.WARNING, "severity")


def test_nested_paths_say_where() -> None:
    """A problem deep inside names the way to it."""
    schema: list[dict[str, Any]] = [{"key": "tools", "kind": "array", "element": {"kind": "object", "properties": [
        {"key": "url", "kind": "string", "format": "url"}]}}]  # fmt: skip
    problems = check_properties(schema, {"tools": [{"url": "https://a"}, {"url": "nope"}]})
    assert [problem.field.removeprefix("properties.") for problem in problems] == ["tools[1].url"]


def test_every_problem_is_found_at_once() -> None:
    """All breaches of a tag are listed, not the first alone."""
    schema: list[dict[str, Any]] = [{"key": "a", "kind": "number"}, {"key": "b", "kind": "date", "required": True}]
    assert [problem.field.removeprefix("properties.") for problem in check_properties(schema, {"a": "x"})] == ["a", "b"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
KEYS = st.sampled_from(
    [
        *("key", "kind", "required", "allowedValues", "deprecatedValues", "format", "maxLength"),
        *("numberConstraint", "element", "properties", "annotations", "enforcement", "label"),
    ]
)
WORDS = st.sampled_from(["string", "number", "enum", "date", "array", "object", "url", "duration", "country", "a"])


@given(st.lists(st.dictionaries(KEYS, WORDS | JSON, max_size=6), max_size=3), st.dictionaries(WORDS, JSON, max_size=4))
def test_no_schema_and_no_value_raises(schema: list[dict[str, Any]], properties: dict[str, Json]) -> None:
    """Whatever a server calls a schema and whatever a row holds, checking ends without an exception."""
    check_properties(schema, properties)


@pytest.mark.parametrize(
    ("entry", "cell", "steps"),
    [
        ({"kind": "number"}, "3", "[number]"),
        ({"kind": "enum", "allowedValues": [1, 2]}, "2", "[number]"),
        ({"kind": "array", "element": {"kind": "number"}}, "1, 2", "[items, number]"),
        ({"kind": "date"}, "31.01.2024", "[date]"),
        ({"kind": "object"}, '{"a": 1}', "[json]"),
        ({"kind": "string", "format": "country"}, "Russia", "[country]"),
        ({"kind": "number"}, "many", ""),
        ({"kind": "enum", "allowedValues": ["low"]}, "2", ""),
    ],
)
def test_a_cell_that_another_reading_would_mend_is_told_the_line_for_it(
    entry: dict[str, Any], cell: str, steps: str
) -> None:
    """Cells are text: where a transform makes of one what the schema asks for, its line of a mapping is told."""
    header = Header("a.csv", "csv", ("Name", "level: x"), ("A", "B"))
    row = RowRef(Table.of_rows(header, [("X", cell)], [2]), 0)
    line = f'in the mapping: `properties.k: {{column: "level: x", transforms: {steps}}}`' if steps else ""
    assert how_to_read({"key": "k", **entry}, cell, row, "level: x") == line
