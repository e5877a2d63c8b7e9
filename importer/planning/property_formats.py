"""The formats that a category's schema can ask of a text, and the transforms that make of a cell what it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

from importer.fields.countries import code_of, resolve
from importer.model import Json, RowRef

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_DURATION: Final = re.compile(
    r"[+-]?P(?!$)(?:\d+(?:[.,]\d+)?Y)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?W)?(?:\d+(?:[.,]\d+)?D)?"
    r"(?:T(?=\d)(?:\d+(?:[.,]\d+)?H)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?S)?)?"
)
_SPOKEN_DURATION: Final = re.compile(r"(\d+)\s*(h|hour|d|day|w|week|month|y|year)s?", re.IGNORECASE)

READABLE: Final = frozenset({"property-kind", "property-format", "property-value"})
"""Codes of problems that another reading of the cell may solve."""


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


def how_to_read(entry: Mapping[str, Any], value: Json, row: RowRef, column: str) -> str:
    """The line of a mapping that makes of a cell's text what the schema's `entry` asks for; empty where none does.

    Cells are text, so that a sheet fills a number, a list or an object only where its mapping says so.
    """
    steps = _steps(entry, value)
    if not steps:
        return ""
    key = entry["key"]
    listed = f"[{', '.join(steps)}]"
    held = row.text(column).strip()
    own = held and (column in (f"properties.{key}", key) or held == value)
    if not own:
        return f"the mapping's rule for properties.{key} makes it one with `transforms: {listed}`"
    from importer.mapping.write import scalar  # only where there is a problem to tell

    return f"in the mapping: `{scalar(f'properties.{key}')}: {{column: {scalar(column)}, transforms: {listed}}}`"


def _steps(entry: Mapping[str, Any], value: Json) -> list[str]:
    """The transforms by which a text could be what `entry` asks for."""
    kind, wanted = entry.get("kind"), entry.get("format")
    if kind == "array":
        element = entry.get("element")
        inner = {"kind": element} if isinstance(element, str) else element if isinstance(element, Mapping) else {}
        if isinstance(value, str):
            return ["json"] if inner.get("kind") == "object" else ["items", *_steps(inner, value)]
        found = [_steps(inner, item) for item in value] if isinstance(value, list) else []
        return next((["items", *steps] for steps in found if steps), [])
    if not isinstance(value, str):
        return []
    number = any(character.isdigit() for character in value)
    allowed = entry.get("allowedValues")
    counted = isinstance(allowed, list) and any(str(word) == value for word in allowed if not isinstance(word, str))
    if number and (kind == "number" or (kind == "enum" and counted)):
        return ["number"]
    if number and (kind == "date" or (kind == "string" and wanted == "date")) and not is_date(value):
        return ["date"]
    if kind == "object" and value.lstrip().startswith("{"):
        return ["json"]
    return ["country"] if kind == "string" and wanted == "country" and resolve(value).code not in ("", value) else []


def _as_duration(text: str) -> str:
    """`18 months` as `P18M`; empty for what is not a plain number of hours, days, weeks, months or years."""
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
