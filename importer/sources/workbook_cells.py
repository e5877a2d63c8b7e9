"""The text that a person sees in a workbook's cell."""

from __future__ import annotations

import datetime as dt
from typing import Any

_INFINITE = float("inf")


def cell_text(value: Any) -> str:
    """A cell as calamine gives it, as text: 5.0 is `5`, True is `TRUE`, dates are ISO 8601, durations `255:10:10`."""
    kind = value.__class__
    if kind is str:
        return str(value)
    if kind is float:
        return _number(value)
    if value is None:
        return ""
    if kind is bool:
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        if value.time() == dt.time():
            return value.date().isoformat()
        return value.isoformat(" ", "milliseconds" if value.microsecond else "seconds")
    if isinstance(value, dt.timedelta):
        return _duration(value)
    if isinstance(value, dt.time):
        return value.isoformat("milliseconds" if value.microsecond else "seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def _number(value: float) -> str:
    """As Excel shows it: no `.0`, at most 15 significant digits."""
    if -1e21 < value < 1e21:
        whole = int(value)
        return str(whole) if whole == value else f"{value:.15g}".upper()
    return f"{value:.15g}".upper() if -_INFINITE < value < _INFINITE else "#NUM!"


def _duration(value: dt.timedelta) -> str:
    seconds = value.total_seconds()
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{rest:02}"
