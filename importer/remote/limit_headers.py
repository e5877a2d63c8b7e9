"""The `Ratelimit`, `Ratelimit-Policy` and `Retry-After` headers. They come from outside: what is odd is ignored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

_MAX_HEADER: Final = 1_000
_MAX_ITEMS: Final = 4
MAX_QUOTA: Final = 10_000_000
MAX_WINDOW: Final = 86_400.0
MAX_RETRY_AFTER: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Policy:
    """`quota` calls in `window` seconds."""

    name: str
    quota: int
    window: float


@dataclass(frozen=True, slots=True)
class Remaining:
    """Calls left under the policy of that name, and seconds until it is reset (-1 where not said)."""

    name: str
    calls: int
    reset: float


def parse_policies(header: str) -> tuple[Policy, ...]:
    """`"default";q=1200;w=300`, a list. Items without a sane quota and window are left out."""
    found = []
    for name, values in _items(header):
        quota, window = values.get("q", -1), values.get("w", -1)
        if 1 <= quota <= MAX_QUOTA and 0 < window <= MAX_WINDOW:
            found.append(Policy(name, int(quota), float(window)))
    return tuple(found)


def parse_remaining(header: str) -> tuple[Remaining, ...]:
    """`"default";r=50;t=30`, a list. Items without a sane number of calls are left out."""
    found = []
    for name, values in _items(header):
        calls, reset = values.get("r", -1), values.get("t", -1)
        if 0 <= calls <= MAX_QUOTA:
            found.append(Remaining(name, int(calls), float(reset) if 0 <= reset <= MAX_WINDOW else -1.0))
    return tuple(found)


def parse_retry_after(header: str, now: datetime) -> float:
    """Seconds, from whole seconds or a date; 0 where there is nothing sane. Only the absurd is made shorter."""
    text = header.strip()[:64]
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(float(text), MAX_RETRY_AFTER)
    if not text or text.startswith("-"):
        return 0.0
    try:
        seconds = (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(0.0, seconds), MAX_RETRY_AFTER)


def _items(header: str) -> list[tuple[str, dict[str, float]]]:
    items: list[tuple[str, dict[str, float]]] = []
    if len(header) > _MAX_HEADER:
        return items
    for item in header.split(","):
        name, _, rest = item.partition(";")
        values: dict[str, float] = {}
        for parameter in rest.split(";"):
            key, _, text = parameter.strip().partition("=")
            if len(text) <= 12 and text.isascii() and text.replace(".", "", 1).isdigit():
                values.setdefault(key, float(text))
        if values:
            items.append((name.strip().strip('"'), values))
    return items[:_MAX_ITEMS]
