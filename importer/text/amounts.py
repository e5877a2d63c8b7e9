"""Durations, shares and counts: written the same way in a job file, an environment variable, a flag or a fault plan.

Each reader takes the text or the number as it was written, and raises ValueError with the sentence that a person needs.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from msgspec import Meta

from importer.masking import guarded

_DURATION: Final = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)\s*([a-z]*)", re.IGNORECASE)
_SECONDS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_LONG: Final = {"second": "s", "sec": "s", "minute": "min", "min": "min", "hour": "h", "day": "d"}
_SHARE: Final = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?)\s*(?:%|per ?cent)", re.IGNORECASE)
_COUNT: Final = re.compile(r"\d{1,12}")
_LONGEST: Final = 1e9


def seconds(value: Any) -> float:
    """Seconds from `90`, `"90 s"`, `"15 min"`, `"1.5 h"`, `"500 ms"` or `"2 d"`."""
    match = _DURATION.fullmatch(str(value).strip()) if _is_amount(value) else None
    unit = match[2].casefold() if match else ""
    unit = _LONG.get(unit.removesuffix("s"), unit)
    if match is None or unit not in _SECONDS:
        raise ValueError(f"expected seconds here, or a time like `15 min`, not {shown(value)}")
    amount = float(match[1]) * _SECONDS[unit]
    if amount > _LONGEST:
        raise ValueError("that is longer than 30 years")
    return amount


def per_cent(value: Any) -> float:
    """The number in `"30%"`, `"12.5 %"` or `"10 per cent"`."""
    match = _SHARE.fullmatch(str(value).strip()) if _is_amount(value) else None
    if match is None:
        raise ValueError(f"expected a per cent like 10%, not {shown(value)}")
    return float(match[1].replace(",", "."))


def share(value: Any) -> float:
    """A share of one, 0 to 1, from a per cent."""
    amount = per_cent(value) / 100
    if amount > 1:
        raise ValueError(f"{shown(value)} is more than all of it; at most 100%")
    return amount


def count(value: Any) -> int:
    """A whole number of 0 or more."""
    if not _is_amount(value) or isinstance(value, float) or not _COUNT.fullmatch(str(value).strip()):
        raise ValueError(f"expected a whole number here, not {shown(value)}")
    return int(value)


def count_or_share(value: Any) -> int | float:
    """An int where a number is written, a float (`10%` is 0.1) where a per cent is."""
    try:
        return per_cent(value) / 100 if is_per_cent(value) else count(value)
    except ValueError:
        raise ValueError(f"expected a number, or a per cent like 10%, not {shown(value)}") from None


def is_per_cent(value: Any) -> bool:
    """Whether a per cent was written, or was meant."""
    return isinstance(value, str) and ("%" in value or "cent" in value.casefold())


def shown(value: Any) -> str:
    """A value as a message about a refused file shows it."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "nothing" if value is None or value == "" else f"'{guarded(str(value))}'"


def _is_amount(value: Any) -> bool:
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)


DURATION_PATTERN: Final = r"^\d+(\.\d+)?\s*(ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)?$"
SHARE_PATTERN: Final = r"^\d+([.,]\d+)?\s*(%|per ?cent)$"

Seconds = Annotated[
    float,
    Meta(
        extra={"read": seconds},
        extra_json_schema={"type": ["number", "string"], "minimum": 0, "pattern": DURATION_PATTERN},
    ),
]
Share = Annotated[float, Meta(extra={"read": share}, extra_json_schema={"type": "string", "pattern": SHARE_PATTERN})]
