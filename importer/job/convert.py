"""A setting's value from what was written: in a job file, an environment variable or a flag. One reading for all."""

from __future__ import annotations

import re
from typing import Final

from importer.errors import UsageError
from importer.job.options import Option, Shape
from importer.model import Json
from importer.planning.limits import parse_limit
from importer.text.nearest_word import nearest

_SECONDS: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|seconds?|m|min|minutes?|h|hours?|)", re.IGNORECASE)
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0", "")
_TOO_LARGE: Final = 1e9


class NotThat(Exception):
    """The value is not what the setting takes; the message says what it takes."""


def convert(option: Option, value: Json) -> Json:
    """The value of `option` that `value` stands for. NotThat where it is none.

    TEXT and PATH give str, TEXTS a tuple of str, FLAG bool, COUNT int, SECONDS float, SHARE float (a share below 1) or
    int (calls), LIMIT planning's Limit, WORD str.
    """
    shape = option.shape
    if shape is Shape.FLAG:
        return _flag(value)
    if shape is Shape.TEXTS:
        values = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_text(item) for item in values)
    if shape is Shape.COUNT:
        return _count(value, option.least)
    if shape is Shape.SECONDS:
        return _seconds(value)
    if shape is Shape.SHARE:
        return _share(value)
    if shape is Shape.LIMIT:
        if value is None or isinstance(value, (bool, list, dict)):
            raise NotThat("expected a number, a per cent like 30%, or none")
        try:
            return parse_limit(value)
        except UsageError as error:
            raise NotThat(f"{error.message}; {error.hint}") from None
    text = _text(value)
    if shape is Shape.WORD and text not in option.words:
        near = nearest(text, option.words)
        also = f"did you mean '{near}'? " if near else ""
        raise NotThat(f"'{text[:60]}' is none of the words allowed; {also}allowed: {', '.join(option.words)}")
    if not text.strip():
        raise NotThat("expected a text here, not nothing")
    return text


def _text(value: Json) -> str:
    if isinstance(value, (list, dict)) or value is None or isinstance(value, bool):
        raise NotThat(f"expected a text here, not {_kind(value)}")
    return str(value)


def _flag(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if isinstance(value, str) and word in _TRUE:
        return True
    if isinstance(value, str) and word in _FALSE:
        return False
    raise NotThat(f"expected true or false here, not {_kind(value)}")


def _count(value: Json, least: int) -> int:
    text = str(value).strip()
    if isinstance(value, (bool, float, list, dict)) or not re.fullmatch(r"[0-9]{1,12}", text):
        raise NotThat(f"expected a whole number here, not {_kind(value)}")
    if int(text) < least:
        raise NotThat(f"expected {least} or more, not {text}")
    return int(text)


def _seconds(value: Json) -> float:
    match = _SECONDS.fullmatch(str(value).strip()) if isinstance(value, (int, float, str)) else None
    if isinstance(value, bool) or match is None:
        raise NotThat(f"expected seconds here, or a time like `15 min`, not {_kind(value)}")
    seconds = float(match[1]) * _UNITS[match[2][:1].casefold()]
    if seconds > _TOO_LARGE:
        raise NotThat("that is longer than 30 years")
    return seconds


def _share(value: Json) -> float | int:
    text = str(value).strip()
    match = _SHARE.fullmatch(text)
    if match and not isinstance(value, (list, dict)):
        share = float(match[1]) / 100
        if share > 0.9:
            raise NotThat("at most 90% can be left to others")
        return share
    try:
        return _count(value, 0)
    except NotThat:
        raise NotThat(f"expected a per cent like 10%, or a number of calls, not {_kind(value)}") from None


def _kind(value: Json) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a table of lines"
    if value is None:
        return "nothing"
    return f"'{str(value)[:60]}'"
