"""Wire values: what may be sent, and when two mean the same."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from importer.fields.table import FIELDS, Field, Kind, field_named
from importer.fields.values import Checked, canonical, check, same

UUID = "5A5D0B0C-5a5d-0b0c-5a5d-0b0c5a5d0b0c"


def field(name: str) -> Field:
    found = field_named(name)
    assert found
    return found


GOOD: list[tuple[str, Any, Any]] = [
    ("value", "APT28", "APT28"),
    ("value", "???", "???"),
    ("categoryUuid", UUID, UUID.lower()),
    ("priority", 5, 5),
    ("priority", 5.0, 5),
    ("priority", 2.5, 2.5),
    ("priority", {"value": 5, "confidence": 7.0, "tlp": "Amber"}, {"value": 5, "confidence": 7, "tlp": "amber"}),
    ("confidence", 10.0, 10),
    ("originCountryISO", "ru", "RU"),
    ("originCountryISO", "RUS", "RUS"),
    ("originCountryISO", "XK", "XK"),
    ("originCountryISO", "NA", "NA"),
    ("originCountryISO", {"value": "cn", "confidence": None}, {"value": "CN"}),
    ("dateOfDiscovery", "2016-02-29", "2016-02-29"),
    ("tlp", "Amber+Strict", "amber+strict"),
    ("tlp", "amber-strict", "amber-strict"),
    ("description", "two\nlines\tand a tab", "two\nlines\tand a tab"),
    ("aliasGroupNames", ["Sofacy", "$$$"], ["Sofacy", "$$$"]),
    (
        "aliases",
        [{"value": "Sofacy", "confidence": 3, "tlp": "purple"}],
        [{"value": "Sofacy", "confidence": 3, "tlp": "purple"}],
    ),
    (
        "externalReferences",
        [{"url": "https://a.example/", "description": "x"}],
        [{"url": "https://a.example/", "description": "x"}],
    ),
    ("properties", {"a": [1, {"b": None}], "c": True}, {"a": [1, {"b": None}], "c": True}),
    ("motive", None, None),
    ("aliases", [], []),
]
BAD: list[tuple[str, Any, str]] = [
    ("value", "", "blank"),
    ("value", " \n", "blank"),
    ("value", 7, "not-text"),
    ("value", None, "not-clearable"),
    ("value", "two\nlines", "control-character"),
    ("value", "x" * 1001, "too-long"),
    ("value", "half \ud83d", "not-encodable"),
    ("value", {"value": "APT28"}, "not-text"),
    ("description", "nul\x00", "control-character"),
    ("description", "\udc80", "not-encodable"),
    ("priority", True, "not-a-number"),
    ("priority", "5", "not-a-number"),
    ("priority", float("nan"), "not-finite"),
    ("priority", float("inf"), "not-finite"),
    ("priority", 10**400, "too-large"),
    ("priority", {"value": 5, "confidence": 11}, "out-of-range"),
    ("priority", {"value": 5, "sure": 1}, "unknown-key"),
    ("priority", {"confidence": 5}, "missing-key"),
    ("confidence", 0, "out-of-range"),
    ("confidence", 7.5, "out-of-range"),
    ("confidence", {"value": 5}, "not-a-number"),
    ("categoryUuid", "not one", "not-a-uuid"),
    ("originCountryISO", "Russia", "unknown-country"),
    ("originCountryISO", "ZZ", "unknown-country"),
    ("dateOfDiscovery", "2015-02-30", "not-a-date"),
    ("dateOfDiscovery", "2015", "not-a-date"),
    ("tlp", "white", "unknown-tlp"),
    ("tlp", None, "not-clearable"),
    ("aliasGroupNames", "Sofacy", "not-a-list"),
    ("aliasGroupNames", ["Sofacy", ""], "blank"),
    ("aliasGroupNames", ["x"] * 6000, "too-many"),
    ("aliases", ["Sofacy"], "not-an-object"),
    ("aliases", [{"value": "Sofacy", "tlp": "white"}], "unknown-tlp"),
    ("externalReferences", [{"url": "javascript:alert(1)"}], "unsafe-url"),
    ("externalReferences", [{"link": "https://a.example/"}], "missing-key"),
    ("externalReferenceLinks", [" JavaScript:alert(1)"], "unsafe-url"),
    ("properties", [1], "not-an-object"),
    ("properties", {"a": float("nan")}, "not-finite"),
    ("properties", {"a\ud800": 1}, "not-encodable"),
]


@pytest.mark.parametrize(("name", "value", "wire"), GOOD)
def test_what_may_be_sent(name: str, value: Any, wire: Any) -> None:
    """A value of the right type passes, in its wire form."""
    assert check(field(name), value) == Checked(wire)


@pytest.mark.parametrize(("name", "value", "code"), BAD)
def test_what_may_not(name: str, value: Any, code: str) -> None:
    """A value of the wrong type, or one that JSON or UTF-8 cannot carry, is a problem with a code."""
    checked = check(field(name), value)
    assert checked.problem
    assert checked.problem.code == code
    assert checked.problem.message


def test_problems_teach() -> None:
    """A problem names what is allowed and what comes nearest."""
    problem = check(field("tlp"), "white").problem
    assert problem
    assert "clear" in problem.allowed
    assert problem.nearest == "clear"
    problem = check(field("originCountryISO"), "Russia").problem
    assert problem
    assert problem.nearest == "RU"


def test_deep_and_wide_properties() -> None:
    """An object nested beyond reason, or of too many values, is a problem and no crash."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    for value in (deep, {"a": [0] * 60_000}):
        problem = check(field("properties"), value).problem
        assert problem
        assert problem.code == "too-deep"
    assert same(field("properties"), deep, deep)


SAME: list[tuple[str, Any, Any]] = [
    ("aliasGroupNames", ["a", "b"], ["b", "a", "a", ""]),
    (
        "aliases",
        [{"value": "a"}, {"value": "b", "confidence": 5}],
        [{"confidence": 5.0, "value": "b", "tlp": None}, {"value": "a"}],
    ),
    ("aliases", ["a"], [{"value": "a"}]),
    ("externalReferences", [{"url": "u", "description": ""}], [{"url": "u"}]),
    ("originCountryISO", "RU", "rus"),
    ("originCountryISO", {"value": "RUS"}, "ru"),
    ("motive", {"value": "Fun", "confidence": None, "tlp": ""}, "Fun"),
    ("motive", {"value": "Fun", "tlp": "AMBER-STRICT"}, {"tlp": "amber+strict", "value": "Fun"}),
    ("motive", {"value": ""}, None),
    ("motive", " ", None),
    ("motive", {"value": None, "confidence": 5}, ""),
    ("priority", 5, 5.0),
    ("priority", {"value": 5.0}, 5),
    ("description", "Mu\u0308ller\r\nx ", "Müller\nx"),
    ("categoryUuid", UUID, UUID.lower()),
    ("tlp", "TLP:WHITE", "clear"),
    ("dateOfDiscovery", "2015-03-03T00:00:00.000Z", "2015-03-03"),
    ("aliases", [], None),
    ("properties", {}, None),
    ("properties", {"a": {"x": 1, "y": 2}, "b": None}, {"a": {"y": 2.0, "x": 1}}),
]
DIFFERENT: list[tuple[str, Any, Any]] = [
    ("motive", "Fun", "fun"),
    ("motive", {"value": "Fun", "confidence": 5}, "Fun"),
    ("motive", {"value": "Fun", "confidence": 5}, {"value": "Fun", "confidence": 6}),
    ("priority", 1, True),
    ("priority", 0, None),
    ("aliasGroupNames", ["a"], ["A"]),
    ("aliases", [{"value": "a", "tlp": "red"}], [{"value": "a"}]),
    ("properties", {"a": [1, 2]}, {"a": [2, 1]}),
    ("properties", {"a": True}, {"a": 1}),
    ("properties", {"a": False}, {}),
    ("description", "a  b", "a b"),
    ("dateOfDiscovery", "2015-03-03T10:00:00Z", "2015-03-03"),
    ("originCountryISO", "RU", "UA"),
]


@pytest.mark.parametrize(("name", "a", "b"), SAME)
def test_spellings_of_one_meaning(name: str, a: Any, b: Any) -> None:
    """Order, case of codes, blanks, forms and NFC make no difference in a diff."""
    assert same(field(name), a, b)
    assert canonical(field(name), a) == canonical(field(name), b)


@pytest.mark.parametrize(("name", "a", "b"), DIFFERENT)
def test_different_meanings(name: str, a: Any, b: Any) -> None:
    """What a reader of the tag would see as different is different."""
    assert not same(field(name), a, b)


def test_every_kind_is_checked() -> None:
    """Each field of the table refuses a value that no field takes, and takes none for an answer where it can."""
    for each in FIELDS:
        assert check(each, object()).problem
        assert (check(each, None).problem is None) == each.clearable
    assert {each.kind for each in FIELDS} == set(Kind)


def test_the_table_is_cheap_to_import() -> None:
    """Importing the table of fields loads no YAML, no pycountry, no rapidfuzz."""
    heavy = {"yaml", "pycountry", "rapidfuzz", "pandas"}
    code = f"import sys, importer.fields.table; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
