# ruff: noqa: RUF001 - look-alike characters are what is tested
"""Numbers and scores out of text."""

from __future__ import annotations

import pytest

from importer.fields.numbers import NumberMatch, ScoreMatch, parse_number, parse_score

NUMBERS = {
    "7": 7, "-1.5": -1.5, "1e5": 100000, "007": 7, "+3": 3, "1,000,000": 1000000, "1 000 000": 1000000, "5.0": 5,
    "1,000.5": 1000.5, ".5": 0.5, "1'000": 1000, "\u22123": -3, "１２": 12, " 4 ": 4,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_numbers(text: str, value: float) -> None:
    """What is written as a number is that number, whole ones as int."""
    match = parse_number(text)
    assert match == NumberMatch(value, "found")
    assert isinstance(match.value, int) == float(value).is_integer()


def test_nothing_is_guessed_about_commas() -> None:
    """A comma before one or two digits is a decimal sign, and `1,000` has two readings until told."""
    assert parse_number("1,000") == NumberMatch(None, "ambiguous", ("1000", "1.000"))
    assert parse_number("1,000", decimal=".").value == 1000
    assert parse_number("1,000", decimal=",").value == 1
    assert parse_number("1.000,5", decimal=",").value == 1000.5
    assert parse_number("1,5", decimal=",").value == 1.5
    assert parse_number("1,5").value == 1.5
    assert parse_number("1,0").value == 1
    assert parse_number("1,5,0").value is None


@pytest.mark.parametrize(
    "text", ["inf", "-inf", "nan", "Infinity", "0x10", "1_000", "12abc", "true", "1e", "1,,0", "٣", "1" * 500]
)
def test_what_is_no_number(text: str) -> None:
    """Infinity, hexadecimal, words and endless digits are no numbers."""
    assert parse_number(text).value is None


def test_numbers_that_json_cannot_keep() -> None:
    """A number beyond what every JSON reader keeps exactly is refused, not rounded."""
    assert parse_number("9007199254740993").reason == "too-large"
    assert parse_number("1e999").reason == "too-large"
    assert parse_number("").reason == "blank"


@pytest.mark.parametrize(
    ("text", "scale", "value"),
    [
        ("7", "10", 7), ("7.5", "10", 8), ("7,5", "10", 8), ("1,0", "10", 1), ("4/5", "10", 8), ("4 of 5", "?", 8),
        ("3", "5", 6), ("80%", "?", 8), ("10", "10", 10), ("5.0", "10", 5), ("8/10", "10", 8), ("75/100", "10", 8),
        ("80%", "10", 8),
        ("50", "100", 5), ("75", "100", 8), ("100", "100", 10), ("10", "100", 1), ("25", "100", 3), ("1", "100", 1),
        ("0.5", "1", 5), ("high", "10", 9), ("Medium", "100", 5), ("LOW", "10", 2), ("Almost Certain", "10", 10),
        ("B2", "10", 7), ("1 - Confirmed by other sources", "10", 9), ("usually-confident", "10", 8),
        ('misp:confidence-level="fairly-confident"', "10", 5), ("even chance", "100", 5),
        ("moderate confidence", "10", 5),
    ],
)  # fmt: skip
def test_scores(text: str, scale: str, value: int) -> None:
    """A number on its scale, a share, an Admiralty code or a word of confidence is a score from 1 to 10."""
    assert parse_score(text, scale) == ScoreMatch(value, "found")


@pytest.mark.parametrize(
    ("text", "scale", "reason", "nearest"),
    [
        ("0", "10", "none", ""), ("50", "10", "out-of-range", "10"), ("0.5", "10", "out-of-range", "1"),
        ("0", "100", "none", ""), ("7", "?", "unclear", ""),
        ("101", "100", "out-of-range", "10"), ("", "10", "blank", ""),
        ("unknown", "10", "none", ""), ("B6", "10", "none", ""), ("usually reliable", "10", "unclear", ""),
        ("hihg", "10", "unknown", "high"), ("purple", "10", "unknown", ""), ("-3", "10", "out-of-range", "1"),
    ],
)  # fmt: skip
def test_no_score(text: str, scale: str, reason: str, nearest: str) -> None:
    """What is off the scale or no confidence is a problem, with the nearest score where there is one."""
    assert parse_score(text, scale) == ScoreMatch(None, reason, nearest)


def test_a_share_above_the_whole_is_told_as_a_share() -> None:
    """Beside 150% the nearest is 100%, not 10, which would be another scale."""
    assert parse_score("150%") == ScoreMatch(None, "out-of-range", "100%")
    assert parse_score("12/10") == ScoreMatch(None, "out-of-range", "10/10")
