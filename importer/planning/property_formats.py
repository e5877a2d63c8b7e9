"""The formats that a category's schema can ask of a text: date, url, duration, country."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

from importer.fields.countries import code_of, resolve

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_DURATION: Final = re.compile(
    r"[+-]?P(?!$)(?:\d+(?:[.,]\d+)?Y)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?W)?(?:\d+(?:[.,]\d+)?D)?"
    r"(?:T(?=\d)(?:\d+(?:[.,]\d+)?H)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?S)?)?"
)
_SPOKEN_DURATION: Final = re.compile(
    r"\d+(?:\.\d+)?\s*(?:ms|s|m|h|d|w|y|sec(?:ond)?s?|min(?:ute)?s?|hours?|days?|weeks?|months?|years?)", re.IGNORECASE
)


def is_date(text: str) -> bool:
    """A day that exists, `2024-02-29`, or a moment in ISO 8601, `2024-02-29T12:00:00Z`."""
    try:
        if _DAY.fullmatch(text):
            date.fromisoformat(text)
        elif _DAY.match(text) and text[10:11] == "T":
            datetime.fromisoformat(text)
        else:
            return False
    except ValueError:
        return False
    return True


def format_problem(wanted: str, text: str) -> tuple[str, str]:
    """What is wrong with `text` as `date`, `url`, `duration` or `country`, and the nearest right one; else two blanks.

    A format this program does not know is not checked.
    """
    if wanted == "date" and not is_date(text):
        return "not a date that exists, written YYYY-MM-DD", ""
    if wanted == "url" and not _is_url(text):
        return "not a web address with http:// or https:// and a host", ""
    if wanted == "duration" and not (_ISO_DURATION.fullmatch(text) or _SPOKEN_DURATION.fullmatch(text.strip())):
        return "not a duration, like P1Y6M, PT12H or 18 months", ""
    if wanted == "country" and not (text.isupper() and code_of(text)):
        match = resolve(text)
        return "not an ISO 3166-1 country code in capitals", match.code
    return "", ""


def _is_url(text: str) -> bool:
    if any(character.isspace() for character in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
