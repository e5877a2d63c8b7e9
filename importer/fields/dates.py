"""Dates out of text. A date that can be read two ways, or lacks its day, is a problem and never a guess."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

from msgspec import Struct

from importer.fields.words import load_data, says_nothing

FIRST_YEAR, LAST_YEAR = 1900, 2099
ALLOWED = ("YYYY-MM-DD", "3 March 2015", "March 3, 2015", "2015-03-03T10:00:00Z")
"""Forms that need no telling, for messages."""

_TIME = re.compile(
    r"(?:T| +)(?:\d{1,2}(?:[:.]\d{2}){1,2}(?:[.,]\d+)?|\d{4,6}|\d{1,2}(?= ?[ap]))"
    r" ?(?:[ap]\.?m\.?)? ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{0,2})?$",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(
    r"(?P<y>\d{4})(?P<s>[-/. ]|[\u5e74\ub144] ?)(?P<m>\d{1,2})(?:(?P=s)|[\u6708\uc6d4] ?)(?P<d>\d{1,2})[\u65e5\uc77c]?"
)
_COMPACT = re.compile(r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})")
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})(?P<s>[-/. ])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4})")
_SHORT_YEAR = re.compile(r"(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})(?P=s)(?P<c>\d{2})")
_YEAR = re.compile("(?P<y>\\d{4})[\u5e74\ub144]?")
_YEAR_MONTH = re.compile(
    r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})|(?P<m2>\d{1,2})[-/.](?P<y2>\d{4})"
    "|(?P<y3>\\d{4})[\u5e74\ub144] ?(?P<m3>\\d{1,2})[\u6708\uc6d4]"
)
_SERIAL = re.compile(r"[2-5]\d{4}(?:\.\d+)?")
_FIRST_SERIAL, _LAST_SERIAL = 21_916, 62_000
"""1960 and 2069, in days since the end of 1899."""
_EPOCH = re.compile(r"(?P<seconds>\d{9,10})(?P<parts>\d{3}|\d{6}|\d{9})?(?:\.\d+)?")
_FIRST_MOMENT, _LAST_MOMENT = 631_152_000, 4_102_444_800
"""1990 and 2100, in seconds since 1970."""
_REMARK = re.compile(r"(?P<date>[^()\[\]]+?)\s*[(\[](?P<remark>[^()\[\]]{1,60})[)\]]")
_MONTH_AND_NUMBER = re.compile(r"(?P<month>[^\W\d_]{3,12})[- '\u2019.]{1,2}(?P<number>\d{2})")
_WORDS = re.compile(r"\d+|[^\W\d_]+")
_ORDINAL = re.compile(r"(\d)(?:st|nd|rd|th|er|\u00ba|\u00aa)\b", re.IGNORECASE)
_DOUBT = re.compile("[?~<>=*\u2248]")
_VAGUE = re.compile(
    r"(?<![^\W\d_])(?:c\.|ca\.?|circa|about|approx(?:imately)?\.?|around|early|mid|late|since|before|after|at least|"
    r"from|until|to|in|around|likely|possibly|probably|prior|present|now|today|ongoing|spring|summer|autumn|fall|winter|"
    r"beginning|end|first half|second half|of|half|seit|ab|um|anfang|mitte|ende|fr\u00fch|depuis|vers|d\u00e9but|"
    r"fin|desde|hacia|dal|q[1-4]|[1-4]q|h[12])(?![^\W\d_])|[~<>=\u2248,()/-]"
)
_CENTURY = re.compile(r"(?:19|20)\d{2}s?")
_LONGEST = 60


class DateMatch(Struct, frozen=True):
    """A date, or why there is none."""

    date: str
    """YYYY-MM-DD; empty where there is none."""
    reason: str
    """`found`, `blank`, `none`, `ambiguous` (see `readings`), `partial` (no day), `impossible`, `unknown`.

    `placeholder`: what programs write where they have no date, 1970-01-01 and the like.
    """
    readings: tuple[str, ...] = ()
    """What it could be: for an ambiguous date each full date, for a partial one its year or year and month."""


def parse_date(text: str, order: str = "", fill: str = "", *, serial: bool = False) -> DateMatch:
    """The date that `text` is.

    `order` (`dmy`, `mdy`, `ymd`) settles 03/04/2015, which is ambiguous without it. `fill` (`start`, `end`) completes
    a year or a month with its first or last day; without it they are `partial`. `serial` takes 42064 for the number of
    days that a spreadsheet counts. Seconds since 1970 are a date by themselves. The time of a datetime is dropped.
    """
    plain = _plain(text)
    if not plain:
        return DateMatch("", "blank")
    if len(plain) > _LONGEST:
        return DateMatch("", "unknown")
    if says_nothing(text) or plain.casefold() in load_data("months")["nothing"]:
        return DateMatch("", "none")
    if plain[:10] in _placeholders() and not plain[10:11].isdigit():
        return DateMatch("", "placeholder")
    match = _parsed(plain, order, fill)
    if match.date in _placeholders():
        return DateMatch("", "placeholder")
    if match.reason == "unknown" and serial and match.readings:
        return DateMatch(match.readings[0], "found")
    return match


def epoch_date(text: str) -> str:
    """The day of a number of seconds since 1970 (or thousandths, or millionths); empty for any other text."""
    found = _EPOCH.fullmatch(text.strip())
    if not found or not _FIRST_MOMENT <= int(found["seconds"]) <= _LAST_MOMENT:
        return ""
    return (date(1970, 1, 1) + timedelta(seconds=int(found["seconds"]))).isoformat()


def serial_date(text: str) -> str:
    """The day of a number of days as spreadsheets count them; empty for any other text."""
    plain = text.strip()
    if not _SERIAL.fullmatch(plain) or not _FIRST_SERIAL <= float(plain) <= _LAST_SERIAL:
        return ""
    return (date(1899, 12, 30) + timedelta(days=int(float(plain)))).isoformat()


@cache
def _placeholders() -> frozenset[str]:
    return frozenset(load_data("months")["placeholders"])


def _parsed(plain: str, order: str, fill: str) -> DateMatch:
    if match := _numeric(plain, order, fill) or _worded(plain, fill):
        return match
    if timed := _TIME.search(plain):
        match = _numeric(plain[: timed.start()], order, "") or _worded(plain[: timed.start()], "")
        if match and match.reason != "partial":
            return match
    if day := epoch_date(plain):
        return DateMatch(day, "found")
    if about := _about(plain):
        return about
    remark = _REMARK.fullmatch(plain)  # `2014 (first report)`
    if remark and not _DOUBT.search(plain) and not _VAGUE.search(remark["remark"].casefold()):
        return _parsed(remark["date"], order, "")
    if (short := _MONTH_AND_NUMBER.fullmatch(plain)) and (month := _months().get(short["month"].casefold())):
        year = int(short["number"]) + (2000 if int(short["number"]) < 70 else 1900)
        whole = f"{year}-{month:02}"
        if not 1 <= int(short["number"]) <= 31:
            return DateMatch("", "partial", (whole,))
        return DateMatch("", "ambiguous", (whole, f"day {int(short['number'])} of month {month}"))
    return DateMatch("", "unknown", (day,) if (day := serial_date(plain)) else ())


def _about(text: str) -> DateMatch | None:
    """`c. 2015`, `early 2015`, `Q1 2015`, `2009-2012`, `since 2012?`: a year or two in words of time, and no day."""
    words = re.sub(_VAGUE, " ", text.casefold()).replace("?", " ").split()
    month = _worded(" ".join(words), "")
    if month and month.reason == "partial":
        return month
    if not 0 < len(words) <= 2 or not all(_CENTURY.fullmatch(word) for word in words):
        return None
    return DateMatch("", "partial", tuple(word.rstrip("s") for word in words))


def is_date(text: str) -> bool:
    """Whether `text` is a real day written YYYY-MM-DD."""
    if len(text) != 10 or not text.isascii() or text[4] != "-" or text[7] != "-":
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).strip().strip("'\"").strip()
    text = re.sub("[\u2010-\u2015\u2212]", "-", text)
    return re.sub(r"\s+", " ", text)


def _numeric(text: str, order: str, fill: str) -> DateMatch | None:
    if not text[:1].isdigit():
        return None
    if found := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return _day(int(found["y"]), int(found["m"]), int(found["d"]))
    if found := _YEAR_LAST.fullmatch(text):
        return _either(int(found["y"]), int(found["a"]), int(found["b"]), order, pointed=found["s"] == ".")
    if found := _SHORT_YEAR.fullmatch(text):
        return _short(int(found["a"]), int(found["b"]), int(found["c"]), order)
    if found := _YEAR.fullmatch(text):
        return _partial(int(found["y"]), 0, fill)
    if found := _YEAR_MONTH.fullmatch(text):
        year, month = found["y"] or found["y2"] or found["y3"], found["m"] or found["m2"] or found["m3"]
        return _partial(int(year), int(month), fill)
    return None


def _either(year: int, first: int, second: int, order: str, *, pointed: bool) -> DateMatch:
    """Day and month before a year: told, or only one way possible, or ambiguous. Points mean day first everywhere."""
    if order == "mdy":
        return _day(year, first, second)
    if order == "dmy" or pointed:
        return _day(year, second, first)
    readings = {match.date for match in (_day(year, second, first), _day(year, first, second)) if match.date}
    if len(readings) == 1:
        return DateMatch(readings.pop(), "found")
    return DateMatch("", "ambiguous" if readings else "impossible", tuple(sorted(readings)))


def _short(first: int, second: int, third: int, order: str) -> DateMatch:
    """A year of two digits: told, or only one way possible; 00-69 is 20xx."""
    ways = {"dmy": (third, second, first), "mdy": (third, first, second), "ymd": (first, second, third)}
    days = {name: _day(y + (2000 if y < 70 else 1900), m, d) for name, (y, m, d) in ways.items()}
    if order in days:
        return days[order]
    readings = sorted({match.date for match in days.values() if match.date})
    if len(readings) == 1:
        return DateMatch(readings[0], "found")
    return DateMatch("", "ambiguous" if readings else "impossible", tuple(readings))


@cache
def _months() -> Mapping[str, int]:
    return {str(word): number for number, words in load_data("months")["months"].items() for word in words}


def _worded(text: str, fill: str) -> DateMatch | None:
    """`3 March 2015`, `March 3rd, 2015`, `Mar-15-2015`, `Tuesday, 3 March 2015`, `Mar 2015`."""
    if _DOUBT.search(text):
        return None
    months = _months()
    filler = load_data("months")["filler"]
    words = [word for word in _WORDS.findall(_ORDINAL.sub(r"\1", text.casefold())) if word not in filler]
    named = [months[word] for word in words if word in months]
    numbers = [word for word in words if word.isascii() and word.isdigit()]
    if len(named) != 1 or len(named) + len(numbers) != len(words) or not 1 <= len(numbers) <= 2:
        return None
    years = [number for number in numbers if len(number) == 4]
    if not years and len(numbers) == 2 and len(numbers[0]) <= 2 and len(numbers[1]) == 2 and int(numbers[0]) <= 31:
        year = int(numbers[1])  # `15-Mar-20`, as spreadsheets show it
        return _day(year + (2000 if year < 70 else 1900), named[0], int(numbers[0]))
    if len(years) != 1:
        return None
    if len(numbers) == 1:
        return _partial(int(years[0]), named[0], fill)
    day = next(number for number in numbers if number is not years[0])
    return _day(int(years[0]), named[0], int(day)) if len(day) <= 2 else None


def _day(year: int, month: int, day: int) -> DateMatch:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return DateMatch("", "impossible")
    try:
        return DateMatch(date(year, month, day).isoformat(), "found")
    except ValueError:
        return DateMatch("", "impossible")


def _partial(year: int, month: int, fill: str) -> DateMatch:
    if not FIRST_YEAR <= year <= LAST_YEAR or not 0 <= month <= 12:
        return DateMatch("", "impossible")
    if fill == "start":
        return DateMatch(date(year, month or 1, 1).isoformat(), "found")
    if fill == "end":
        last = month or 12
        return DateMatch(date(year, last, calendar.monthrange(year, last)[1]).isoformat(), "found")
    return DateMatch("", "partial", (f"{year:04}-{month:02}" if month else f"{year:04}",))
