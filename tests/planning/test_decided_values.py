"""Decisions about values in decisions.yaml: their mistakes, what is asked, what is written."""

from __future__ import annotations

import pytest

from importer.errors import UsageError
from importer.model import Issue, Place, Severity
from importer.planning.decisions import (
    left_as_it_is,
    parse,
    undecided_values,
    value_decision_of,
    with_decisions,
)


def issue(row: int, value: str, *, field: str = "motive", code: str = "unknown-motive", file: str = "in/a.csv",
          nearest: str = "") -> Issue:  # fmt: skip
    place = Place(file, row=row, letter="C", column="Motive")
    return Issue(Severity.WARNING, code, "is not a word", place, field, value, (), nearest)


ISSUES = (
    issue(2, "spyng", nearest="Espionage"),
    issue(3, "odd", field="motive", code="unknown-tlp"),
    issue(4, "Spyng ", nearest="Espionage"),
    issue(5, "Chnia", field="originCountryISO", code="unknown-country", file="in/b.csv"),
    issue(6, "loot", code="repeated-alias"),
)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{value: Chnia, field: originCountryISO, means: Chnai}", ":2:52: 'Chnai' is not a country; nearest is 'China"),
        ("{value: x, field: dateOfDiscovery, means: spring}", ":2:47: 'spring' is not a date"),
        ("{value: x, field: tlp, means: beige}", ":2:35: 'beige' is not a word of 'tlp'"),
        ("{value: x, field: originCountryISO, means: '?'}", ":2:48: '?' says that nothing is known"),
        ("{value: x, field: aliases, means: y}", ":2:23: unknown field with values that can be decided 'aliases'"),
        ("{value: x, field: motiv, means: y}", "did you mean 'motive'?"),
        ("{value: x, field: motive}", ":2:5: `means:` is missing"),
        ("{value: x, field: motive, means: fun}\n  - {value: X, field: motive, means: fear}",
         "'x' means 'fun' (d.yaml:2:5) and 'fear' (d.yaml:3:5): take one out"),
    ],
)  # fmt: skip
def test_mistakes_have_their_line_and_column(line: str, said: str) -> None:
    """What a field cannot take, or that is no field with values to decide, is an error of the file."""
    with pytest.raises(UsageError) as error:
        parse(f"values:\n  - {line}\n", "d.yaml")
    assert any(said in detail for detail in error.value.details), error.value.details


@pytest.mark.parametrize("word", ["same", "different", "overlaps", "unsure"])
def test_a_verdict_on_top_is_answered_with_an_example(word: str) -> None:
    """The example that the error shows is a decision that can be read."""
    with pytest.raises(UsageError) as error:
        parse(f"{word}: [A, B]\n")
    example = error.value.details[0].partition(f"`{word}` is what two actors are: ")[2]
    assert parse(example).pairs[0].are == word


def test_each_text_is_asked_once_the_most_frequent_first() -> None:
    """With its count, cells and nearest word, and the field that a decision names; not what is no value."""
    first, *others = undecided_values(ISSUES, parse(""))
    assert (first.value, first.field, first.count, first.nearest) == ("spyng", "motive", 2, "Espionage")
    assert first.cells == ("in/a.csv C2", "in/a.csv C4")
    assert [(asked.value, asked.field) for asked in others] == [("odd", "tlp"), ("Chnia", "originCountryISO")]


def test_what_is_answered_is_kept_and_not_asked_again() -> None:
    """What a text means, or that it is left; for its own source, and the rest of the file is as it was."""
    spying, odd, chnia = undecided_values(ISSUES, parse(""))
    text = "# mine\nvalues:\n  - {value: old, field: motive, means: fun}   # keep\n\naliases: []\n"
    text = with_decisions(text, [value_decision_of(spying, "espionage", by="jane", on="2026-11-26")])
    text = with_decisions(text, [left_as_it_is(odd)])
    text = with_decisions(text, [value_decision_of(chnia, "CN", everywhere=True)])
    assert text.startswith("# mine\nvalues:\n  - {value: old, field: motive, means: fun}   # keep\n")
    held = parse(text)
    assert [(one.value, one.means, one.source) for one in held.values[1:]] == [
        ("spyng", "espionage", "a.csv"),
        ("Chnia", "CN", ""),
    ]
    assert undecided_values(ISSUES, held) == []
    again = with_decisions(text, [value_decision_of(spying, "fear")])
    assert [one.means for one in parse(again).values] == ["fun", "CN", "fear"]
    assert with_decisions(again, []) == again
