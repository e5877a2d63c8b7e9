"""Number formats of workbooks, as far as they decide what a person reads in a cell: `100%`, `007`, `UNC0052`, `Mar-24`.

Decimals, thousands, currencies and exponents change how precisely a number is shown, not what it says: they are left.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

BUILT_IN = {9: "0%", 10: "0.00%", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 22: "m/d/yyyy h:mm"}
"""Formats that a workbook names by number alone; those of times and plain numbers are of no interest."""
_LONGEST = 255
_MOST_DIGITS = 1e15
_TOKEN = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[[^\]]*\]|([^"\\_*\[]+|.)', re.DOTALL)
_DATE_PART = re.compile(r"y+|m+|d+|h+|s+|am/pm|a/p|[^ymdhsa]+|a", re.IGNORECASE)
_PLACES = re.compile(r"[0#?]+(?:[0#?,]*)(?:\.[0#?]*)?")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


def tells(code: str) -> bool:
    """Whether a number in this format reads as something else than the bare number."""
    if len(code) > _LONGEST or code.casefold() == "general" or is_date(code):
        return False
    return any(_tells(section) for section in _sections(code))


def is_date(code: str) -> bool:
    """Whether a number in this format is a date or a time."""
    return len(code) <= _LONGEST and any(set(bare.casefold()) & set("ymdhs") for _, bare in _parts(code))


@lru_cache(maxsize=4096)
def shown(value: float, code: str) -> str | None:
    """A number as the format shows it; None where the bare number says the same."""
    sections = _sections(code)
    section = sections[0]
    if len(sections) > 1 and value < 0:
        section, value = sections[1], -value
    elif len(sections) > 2 and value == 0:
        section = sections[2]
    if not section:
        return ""  # `;;;` hides the cell
    if not abs(value) < _MOST_DIGITS:
        return None
    return _filled(value, section) if _tells(section) else None


def shown_text(value: str, code: str) -> str | None:
    """A text as the format shows it: `"UNC"@`."""
    sections = _sections(code)
    section = sections[3] if len(sections) > 3 else sections[0] if "@" in sections[0] else ""
    if len(sections) > 3 and not section:
        return ""
    if "@" not in section:
        return None
    return "".join(literal or bare.replace("@", value) for literal, bare in _parts(section))


def shown_date(value: dt.date | dt.datetime | dt.time, code: str) -> str:
    """A date as the format shows it, in English; its ISO text where the format has no parts of dates."""
    if code.casefold() in ("", "general"):
        return value.isoformat()
    parts: list[str] = []
    previous = ""
    for literal, bare in _parts(_sections(code)[0]):
        if literal:
            parts.append(literal)
            continue
        for part in _DATE_PART.findall(bare):
            parts.append(_date_part(value, part.casefold(), previous))
            previous = part[0].casefold() if part[0].isalpha() else previous
    text = "".join(parts).strip(" ;@")
    return text if any(char.isdigit() for char in text) or len(text) > 2 else value.isoformat()


def _date_part(value: dt.date | dt.datetime | dt.time, part: str, previous: str) -> str:
    kind, long = part[0], len(part) > 1
    if kind in "hsa" or (kind == "m" and previous in ("h", "s")):
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            value = dt.datetime.combine(value, dt.time())
        if kind == "a":
            return ("AM", "PM")[value.hour >= 12] if "/" in part else part
        number = {"h": "hour", "m": "minute", "s": "second"}[kind]
        return f"{getattr(value, number):02}" if long else str(getattr(value, number))
    if isinstance(value, dt.time):
        return part if kind not in "ymd" else ""
    if kind == "y":
        return f"{value.year:04}" if len(part) > 2 else f"{value.year % 100:02}"
    if kind == "m":
        month = _MONTHS[value.month - 1]
        return {1: str(value.month), 2: f"{value.month:02}", 3: month[:3], 4: month}.get(len(part), month[:1])
    if kind == "d":
        return {1: str(value.day), 2: f"{value.day:02}", 3: f"{value:%a}"}.get(len(part), f"{value:%A}")
    return part


def _sections(code: str) -> Sequence[str]:
    """What stands between the semicolons outside quotes: positive, negative, zero, text."""
    sections, start, quoted, escaped = [], 0, False, False
    for at, char in enumerate(code):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == ";" and not quoted:
            sections.append(code[start:at])
            start = at + 1
    return [*sections, code[start:]]


def _parts(section: str) -> list[tuple[str, str]]:
    """(literal text, "") or ("", what the format means), in order."""
    return [(quoted or escaped, bare) for quoted, escaped, bare in _TOKEN.findall(section)]


def _tells(section: str) -> bool:
    bare = "".join(bare for _, bare in _parts(section))
    if "@" in section:
        return any(literal.strip() for literal, _ in _parts(section))
    literal = "".join(literal for literal, _ in _parts(section))
    padded = re.match(r"[#?,]*0[0,]*0", bare.lstrip("$ (-+"))
    return not section or "%" in bare or bool(padded) or any(char.isalpha() or char in "-/#" for char in literal)


def _filled(value: float, section: str) -> str:
    parts = _parts(section)
    bare = "".join(bare for _, bare in parts)
    number = Decimal(repr(value)) * 100 ** bare.count("%")
    places = _PLACES.findall(bare)
    if not places:
        return "".join(literal or bare for literal, bare in parts).strip()
    decimals = min(len(places[0].partition(".")[2]), 15)
    optional = len(places[0].partition(".")[2].rstrip("#?")) if decimals else 0
    digits = f"{number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}"
    whole, _, fraction = digits.lstrip("-").partition(".")
    if decimals:
        fraction = fraction[:optional] + fraction[optional:].rstrip("0")
    slots = [sum(place.partition(".")[0].count(sign) for sign in "0#?") for place in places]
    zeros = sum(place.partition(".")[0].count("0") for place in places)
    whole = whole.rjust(zeros, "0")
    written, left = "-" * (value < 0), whole
    for literal, text in parts:
        if literal:
            written += literal
            continue
        at = 0
        for match in _PLACES.finditer(text):
            written += text[at : match.start()]
            # `000-00`: the last places take the last digits, the first ones all that are over.
            slots.pop(0)
            rest = sum(slots)
            taken = left[: max(0, len(left) - rest)]
            left = left[len(taken) :]
            written += taken
            at = match.end()
        written += text[at:]
    return (
        (written + (f".{fraction}" if fraction and "%" not in bare else "")).strip()
        if "%" not in bare
        else (("-" if value < 0 else "") + whole + (f".{fraction}" if fraction else "") + "%")
    )
