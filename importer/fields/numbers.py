"""Numbers and scores out of text: nothing is guessed, `1,000` has two readings and is a problem until told."""

from __future__ import annotations

import re
import unicodedata

from msgspec import Struct

from importer.fields.vocabulary import load_vocabulary

EXACT = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""
LEAST, MOST = 1, 10
"""The range of a score on the wire."""
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?")
_COMMA = re.compile(r"[+-]?\d+,(?:\d{1,2}|\d{4,})")
_SHARE = re.compile(
    r"(?P<part>[^/%]+?)\s*(?:(?:/|of|out of)\s*(?P<whole>[1-9]\d{0,2})|(?P<percent>[%\u066a\ufe6a]))", re.IGNORECASE
)
_MAX_DIGITS = 400
_LONGEST_SHARE = 60
"""Characters of `80 %` or `8 out of 10`: among many blanks the pattern would search for long."""


class NumberMatch(Struct, frozen=True):
    """A number, or why there is none."""

    value: int | float | None
    reason: str
    """`found`, `blank`, `ambiguous` (see `readings`), `too-large`, `out-of-range` (a score), `unknown`."""
    readings: tuple[str, ...] = ()
    nearest: str = ""


class ScoreMatch(Struct, frozen=True):
    """A whole number from 1 to 10, or why there is none."""

    value: int | None
    reason: str
    """`found`, `blank`, `none` (`unknown`, `n/a`), `unclear`, `out-of-range`, `ambiguous`, `too-large`, `unknown`."""
    nearest: str = ""
    """The word or number that comes closest, where one does."""


def parse_number(text: str, decimal: str = "") -> NumberMatch:
    """The number that `text` is: `7`, `-1.5`, `1e5`, `1,000,000`. Whole numbers come as int.

    `decimal` tells the decimal sign: `,` reads `1.000,5` as 1000.5, `.` reads `1,000` as 1000. Untold, a point is the
    decimal sign and so is a comma before one or two digits (`1,5`); `1,000` alone is ambiguous. `inf` is not a number.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-").strip()
    if not plain:
        return NumberMatch(None, "blank")
    if len(plain) > _MAX_DIGITS or not plain.isascii():
        return NumberMatch(None, "unknown")
    if decimal == ",":
        plain = plain.translate(str.maketrans(",.", ".,"))
    if _PLAIN.fullmatch(plain):
        return _number(plain)
    if _GROUPED.fullmatch(plain):
        joined = re.sub("[,' ]", "", plain)
        if not decimal and plain.count(",") == 1 and "." not in plain and "'" not in plain and " " not in plain:
            return NumberMatch(None, "ambiguous", (joined, plain.replace(",", ".")))
        return _number(joined)
    if not decimal and _COMMA.fullmatch(plain):
        return _number(plain.replace(",", "."))
    return NumberMatch(None, "unknown")


def plain_score(text: str) -> float | None:
    """The number of a cell that says nothing of its scale; None for `80 %`, `8/10` and words."""
    return parse_number(text).value


def parse_score(text: str, scale: str = "10", *, mixed: bool = False) -> ScoreMatch:
    """The 1-10 score that `text` is: a number on the given scale, `80 %`, `8/10`, or a word of `confidence`.

    `scale` is the highest value, `?` where that is not known: then a bare number is `unclear`, as one below 1 is among
    numbers on another scale (`mixed`). Numbers are rounded half up, as STIX 2.1 tabulates its 0-10 scale; 0 is `none`.
    """
    whole = scale
    plain = unicodedata.normalize("NFKC", text).strip()
    share = _SHARE.fullmatch(plain) if len(plain) <= _LONGEST_SHARE else None
    if share:
        plain, whole = share["part"], share["whole"] or "100"
    number = parse_number(plain)
    if number.value is None and number.reason == "unknown":
        words = load_vocabulary("confidence")
        word = words.lookup(text)
        near = words.word_for(word.nearest, text) if word.nearest else ""  # `high`, not 9, for `hgih`
        return ScoreMatch(int(word.value) if word.value else None, word.reason, near)
    if number.value is None:
        return ScoreMatch(None, number.reason)
    if number.value == 0:
        return ScoreMatch(None, "none")
    if whole == "?" or (mixed and whole == scale and abs(number.value) < 1):
        return ScoreMatch(None, "unclear")
    found = _score(number.value, whole)
    if share and found.reason == "out-of-range":
        end = "%" if share["percent"] else f"/{whole}"
        return ScoreMatch(None, found.reason, f"{whole}{end}")
    return found


def _score(number: int | float, scale: str) -> ScoreMatch:
    from fractions import Fraction  # takes longer to import than most lists to read

    tenths = Fraction(number) * 10 / int(scale)
    if not (LEAST if scale == "10" else 0) <= tenths <= MOST:
        return ScoreMatch(None, "out-of-range", str(LEAST if tenths < LEAST else MOST))
    return ScoreMatch(max(int(tenths + Fraction(1, 2)), LEAST), "found")


def _number(text: str) -> NumberMatch:
    value: int | float
    try:
        value = int(text)
    except ValueError:
        value = float(text)
    if abs(value) > EXACT:
        return NumberMatch(None, "too-large")
    return NumberMatch(int(value) if value == int(value) else value, "found")
