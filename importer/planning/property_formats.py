"""The formats that a category's schema can ask of a text: date, url, duration, country."""

from __future__ import annotations

import re
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from importer.fields.countries import code_of, resolve

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_DURATION: Final = re.compile(
    r"[+-]?P(?!$)(?:\d+(?:[.,]\d+)?Y)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?W)?(?:\d+(?:[.,]\d+)?D)?"
    r"(?:T(?=\d)(?:\d+(?:[.,]\d+)?H)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?S)?)?"
)
_SPOKEN_DURATION: Final = re.compile(r"(\d+)\s*(h|hour|d|day|w|week|month|y|year)s?", re.IGNORECASE)


def is_date(text: str) -> bool:
    """A day that exists, `2024-02-29`."""
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def format_problem(wanted: str, text: str) -> tuple[str, str]:
    """What is wrong with `text` as `date`, `url`, `duration` or `country`, and the nearest right one; else two blanks.

    A format this program does not know is not checked.
    """
    if wanted == "date" and not is_date(text):
        return "not a date that exists, written YYYY-MM-DD", ""
    if wanted == "url" and not _is_url(text):
        return "not a web address with http:// or https:// and a host", ""
    if wanted == "duration" and not _ISO_DURATION.fullmatch(text):
        return "not a duration as ISO 8601 writes it, P1Y6M or PT12H", _as_duration(text)
    if wanted == "country" and not (text.isupper() and code_of(text)):
        match = resolve(text)
        return "not an ISO 3166-1 country code in capitals", match.code
    return "", ""


def _as_duration(text: str) -> str:
    """`18 months` as `P18M`; empty for what is no plain number of hours, days, weeks, months or years."""
    found = _SPOKEN_DURATION.fullmatch(text.strip())
    if found is None:
        return ""
    unit = found[2][0].upper()
    return f"PT{found[1]}H" if unit == "H" else f"P{found[1]}{unit}"


def _is_url(text: str) -> bool:
    if any(character.isspace() for character in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
