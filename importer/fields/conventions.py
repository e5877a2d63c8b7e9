"""How a column writes its values, judged over all its cells as a person would: one decision for the column.

The scale of scores, the order of dates, serial numbers for dates, codes of countries, what parts the entries of a list.
Where the cells disagree nothing is decided: the doubtful ones are left out, and that is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from importer.fields.country_names import code_of
from importer.fields.dates import epoch_date, parse_date, serial_date
from importer.fields.numbers import parse_number, parse_score, plain_score
from importer.fields.table import Field, Kind
from importer.fields.words import says_nothing


class Convention(Struct, frozen=True):
    """What was decided for a column; empty where nothing had to be."""

    scale: str = ""
    """The highest value of scores: `10`, `100`, `1`; `?` where it cannot be told."""
    mixed: bool = False
    """Some scores are written on another scale than the rest."""
    decimal: str = ""
    order: str = ""
    """`dmy`, `mdy` or `ymd`."""
    serial: bool = False
    """Dates are the numbers of days that spreadsheets count."""
    codes: bool = False
    """Countries are ISO codes, so that NA is Namibia."""
    separator: str = ""
    """What parts the entries of lists, where it is none of the usual signs."""


class Judged(Struct, frozen=True):
    """A convention, and what there is to say of it."""

    convention: Convention = Convention()
    code: str = ""
    message: str = ""
    """A sentence that goes on from the column's name; empty where everything is as usual."""
    doubtful: bool = False
    """Whether cells disagree, so that a person should look."""


USUAL = Judged()


def judge(field: Field, texts: Sequence[str]) -> Judged:
    """The convention of the cells of a column (of all of them, blank ones too) that feeds a field."""
    if field.kind is Kind.SCORE:
        return _scores(texts)
    if field.kind is Kind.NUMBER:
        return _numbers(texts)
    if field.kind is Kind.DATE or field.name == "lastSeen":
        return _dates(texts)
    if field.kind is Kind.COUNTRY:
        return _countries(texts)
    if field.is_list and field.kind is not Kind.REFERENCE_LIST and field.name != "externalReferenceLinks":
        return _lists(texts)
    return USUAL


def _counted(texts: Iterable[str]) -> Counter[str]:
    counts = Counter(texts)
    return Counter({text: counts[text] for text in counts if text and not text.isspace() and not says_nothing(text)})


_LEAST_OF_100 = 20
"""A column that goes no higher may hold slips among scores up to 10."""


def _scores(texts: Sequence[str]) -> Judged:
    found: dict[str, float] = {}
    shares = 0
    counts = _counted(texts)
    for text in counts:
        number = plain_score(text)
        if number is not None and number > 0:
            found[text] = number
        elif "%" in text and parse_score(text).value is not None:
            shares += counts[text]
    small = sum(counts[text] for text, number in found.items() if number < 1)
    usual = sum(counts[text] for text, number in found.items() if 1 < number <= 10)
    large = sum(counts[text] for text, number in found.items() if number > 10)
    most = max(found.values(), default=0.0)
    settle = "`score: {out_of: 100}` in the mapping (or 10, or 1) says which"
    if (10 if most > _LEAST_OF_100 else 5) * large <= usual:  # a slip among many, which is out of range
        large, most = 0, 10.0
        found = {text: number for text, number in found.items() if number <= 10}
    if large:
        if 3 * large < large + usual or most <= _LEAST_OF_100:
            above = ", ".join(text.strip() for text, number in found.items() if number > 10)
            message = f"holds numbers up to 10 and some above it ({above[:60]}), so that the scale is not "
            message += f"clear: mend those, or {settle}"
            return Judged(Convention(scale="?"), "mixed-scale", message, True)
        shown = "; ".join(f"{text.strip()} is {parse_score(text, '100').value}" for text in _examples(found, 1, 100))
        message = f"was read on a scale of 0 to 100, rounded to tenths: {shown}"
        if small:
            message += f"; {_first(found, below=1)} looks like another scale and was left out; {settle}"
        elif most > 100:
            message += "; numbers above 100 were left out"
        return Judged(Convention(scale="100", mixed=bool(small)), "scale-of-100", message, bool(small) or most > 100)
    if small and not usual:
        if shares:
            return Judged(Convention(scale="?"), "mixed-scale", f"holds shares and per cents; {settle}", True)
        shown = "; ".join(f"{text.strip()} is {parse_score(text, '1').value}" for text in _examples(found, 0, 1))
        return Judged(Convention(scale="1"), "scale-of-1", f"was read on a scale of 0 to 1: {shown}")
    if small and 5 * small <= usual and not shares:  # a slip among many
        message = f"was read on a scale of 1 to 10; {_first(found, below=1)} looks like another scale and was left "
        return Judged(Convention(scale="10", mixed=True), "mixed-scale", f"{message}out; {settle}", True)
    if small or (shares and usual):
        other = "numbers below 1" if small else "per cents"
        message = f"holds {other} and numbers up to 10, so that the scale is not clear; {settle}"
        return Judged(Convention(scale="?"), "mixed-scale", message, True)
    rounded = [text for text, number in found.items() if number != int(number)]
    if rounded:
        value = parse_score(rounded[0], "10").value
        message = f"was read on a scale of 1 to 10 and rounded: {rounded[0].strip()} is {value}"
        return Judged(USUAL.convention, "rounded-scores", message)
    if 0 < most <= 5 and usual >= 8 and len(found) > 3:
        message = "holds no number above 5 and was read on a scale of 1 to 10; `score: {out_of: 5}` reads it to 5"
        return Judged(USUAL.convention, "scale-of-5", message, True)
    return USUAL


def _examples(found: dict[str, float], least: float, most: float) -> list[str]:
    held = sorted((text for text, number in found.items() if least <= number <= most), key=lambda text: -found[text])
    return held[:1] + held[-1:] if len(held) > 1 else held


def _first(found: dict[str, float], below: float) -> str:
    return next(text.strip() for text, number in found.items() if number < below)


def _numbers(texts: Sequence[str]) -> Judged:
    """Whether 1,234 is a thousand and more: other cells of the column show what the comma is for."""
    commas = [text for text in set(texts) if "," in text]
    if not commas:
        return USUAL
    unclear = [text for text in commas if parse_number(text).reason == "ambiguous"]
    ways = [
        sign
        for sign in (".", ",")
        if all(parse_number(text, sign).value is not None for text in set(texts) if text.strip(" -+,.0123456789") == "")
    ]
    if unclear and len(ways) == 1:
        value = parse_number(unclear[0], ways[0]).value
        what = "a decimal sign" if ways[0] == "," else "between thousands"
        return Judged(Convention(decimal=ways[0]), "decimal-sign", f"has its commas as {what}: {unclear[0]} is {value}")
    return USUAL


def _dates(texts: Sequence[str]) -> Judged:
    counts = _counted(texts)
    serials = {text: day for text in counts if (day := serial_date(text))}
    if serials and 2 * sum(counts[text] for text in serials) >= sum(counts.values()):
        text, day = next(iter(serials.items()))
        message = f"holds numbers of days, as spreadsheets count them: {text.strip()} was read as {day}"
        return Judged(Convention(serial=True, order=_order(counts)[0]), "serial-dates", message)
    order, decisive, unclear = _order(counts)
    if order and unclear:
        words = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}
        message = (
            f"was read {words[order]}, as '{decisive}' can only be: '{unclear}' is {parse_date(unclear, order).date}; "
            "`date: {order: ...}` in the mapping reads it otherwise"
        )
        return Judged(Convention(order=order), "date-order", message)
    if decisive and unclear:
        message = (
            f"holds dates with the day first and dates with the month first ('{decisive}'), so that '{unclear}' and "
            "its like were left out; `date: {order: dmy}` or `mdy` in the mapping says which"
        )
        return Judged(USUAL.convention, "mixed-date-order", message, True)
    if moments := [text for text in counts if epoch_date(text)]:
        message = f"holds seconds since 1970: {moments[0].strip()} was read as {epoch_date(moments[0])}"
        return Judged(USUAL.convention, "epoch-dates", message)
    return USUAL


def _order(texts: Iterable[str]) -> tuple[str, str, str]:
    """The order that all numeric dates allow; a text that decides it; one that is unclear by itself.

    Without an order, but with both texts: the cells contradict one another.
    """
    unclear = [text for text in texts if any(map(str.isdigit, text)) and parse_date(text).reason == "ambiguous"]
    if not unclear:
        return "", "", ""
    days = [text for text in texts if _NUMERIC.match(text.strip())]
    orders = ("dmy", "mdy", "ymd")
    days = [text for text in days if any(parse_date(text, order).date for order in orders)]  # 31/11 says nothing
    fits = {order: [bool(parse_date(text, order).date) for text in days] for order in orders}
    possible = [order for order, fit in fits.items() if all(fit)]
    if not any(_SHORT.match(text.strip()) for text in days):
        possible = [order for order in possible if order != "ymd"]
    decisive = next((text.strip() for text in days if parse_date(text).reason == "found"), "")
    if len(possible) == 1:
        return possible[0], decisive or unclear[0].strip(), unclear[0].strip()
    return ("", decisive, unclear[0].strip()) if not possible else ("", "", "")


_NUMERIC = re.compile(r"\d{1,2}([-/ ])\d{1,2}\1(?:\d{4}|\d{2})(?!\d)|\d{1,2}\.\d{1,2}\.\d{2}(?!\d)")
_SHORT = re.compile(r"\d{1,2}([-/. ])\d{1,2}\1\d{2}(?!\d)")
_LEAST_CODES = 3


def _countries(texts: Sequence[str]) -> Judged:
    if "NA" not in texts:
        return USUAL
    words = {text.strip() for text in texts if text.strip()} - {"NA"}
    if len(words) < _LEAST_CODES or not all(len(word) == 2 and word.isupper() and code_of(word) for word in words):
        return USUAL
    message = "holds nothing but ISO codes, so that NA was read as Namibia"
    return Judged(Convention(codes=True), "namibia", message, True)


_RARE = ("\u2022", "\u00b7", "\u2027", "\u2219", "\\n", "\t", "\u00b6", "\u2016", "~", "^", "\u2028")
"""Signs that part entries and stand in no name."""


def _lists(texts: Sequence[str]) -> Judged:
    whole = "\n".join(texts)
    for sign in _RARE:
        if sign in whole:
            holding = [text for text in texts if sign in text.strip(sign + " ")]
            if holding and not any(usual in text for text in holding for usual in ",;|"):
                shown = " and ".join(f"'{part.strip()}'" for part in holding[0].split(sign)[:2] if part.strip())
                name = {"\\n": "\\n", "\t": "tabulators"}.get(sign, sign)
                return Judged(Convention(separator=sign), "separator", f"was cut at {name}: {shown}")
    if "/" in whole:
        filled = [text for text in texts if text.strip()]
        slashed = [
            text for text in filled if "/" in text and re.search(r"\w/\w", text) and not re.search("://|[,;|]", text)
        ]
        usual = not any(sign in whole for sign in ",;|") and len(slashed) > 1 and 2 * len(slashed) >= len(filled)
        slashed = slashed if usual else [text for text in slashed if re.fullmatch(r"[^/]{2,}(?:/[^/]{2,}){2,}", text)]
        if slashed:
            message = (
                f"looks as if `/` parts its entries ('{slashed[0].strip()[:60]}'), which were not cut; "
                "`separators: /` in the mapping cuts them"
            )
            return Judged(USUAL.convention, "uncut-lists", message, True)
    return USUAL
