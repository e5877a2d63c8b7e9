"""Wire values by field: `check` says whether one may be sent, `canonical` and `same` compare two for the diff."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from importer.fields.comparing import canonical_value, token
from importer.fields.dates import is_date
from importer.fields.numbers import EXACT, LEAST, MOST
from importer.fields.table import Field, Kind
from importer.model import Json

LONGEST_NAME = 1_000
LONGEST_TEXT = 100_000
LONGEST_URL = 8_000
MOST_ENTRIES = 5_000
DEEPEST = 32
MOST_NODES = 50_000

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ANY_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNSAFE_URL = re.compile(r"\s*(?:javascript|data|vbscript|file):", re.IGNORECASE)


class Problem(Struct, frozen=True):
    """Why a value may not be sent."""

    code: str
    """Stable kebab-case identifier."""
    message: str
    allowed: tuple[str, ...] = ()
    nearest: str = ""


class Checked(Struct, frozen=True):
    """A value as it may be sent, or the problem with it (then `value` is what was given)."""

    value: Json
    problem: Problem | None = None


class _Bad(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def check(field: Field, value: Json) -> Checked:
    """Whether `value` may stand in a request as `field`. Never raises.

    The value comes back in its wire form: UUIDs lower case, countries upper case, TLP words and whole numbers plain.
    None asks to empty the field, and is a problem where the API cannot.
    """
    if value is None:
        if field.clearable:
            return Checked(None)
        return Checked(None, Problem("not-clearable", f"{field.name} cannot be emptied"))
    try:
        if field.annotated and isinstance(value, Mapping):
            return Checked(_entry(value, "value", _CHECKS[field.kind], ("confidence", "tlp")))
        if special := _SPECIAL.get(field.name):
            return Checked(special(value))
        return Checked(_CHECKS[field.kind](value))
    except _Bad as bad:
        return Checked(value, bad.problem)


def text_problem(text: str, longest: int = LONGEST_TEXT, *, one_line: bool = False) -> Problem | None:
    """Why `text` cannot be sent: too long, not encodable in UTF-8, or with control characters; None where it can."""
    if len(text) > longest:
        return Problem("too-long", f"text of {len(text):,} characters; at most {longest:,} are sent")
    if text.isprintable() or (not one_line and text.replace("\n", "").isprintable()):
        return None
    if _SURROGATE.search(text):
        return Problem("not-encodable", "text with half a character (a lone surrogate), which UTF-8 cannot hold")
    if found := (_ANY_CONTROL if one_line else _CONTROL).search(text):
        kind = "a line break or control" if one_line else "a control"
        return Problem("control-character", f"text with {kind} character (U+{ord(found.group()):04X})")
    return None


def _fail(code: str, message: str, allowed: tuple[str, ...] = (), nearest: str = "") -> _Bad:
    return _Bad(Problem(code, message, allowed, nearest))


def _kind_of(value: Json) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", tuple: "a list"}
    if value is None:
        return "nothing"
    return names.get(type(value), "an object" if isinstance(value, Mapping) else type(value).__name__)


def _text(value: Json, longest: int = LONGEST_TEXT, *, one_line: bool = False) -> str:
    if not isinstance(value, str):
        raise _fail("not-text", f"{_kind_of(value)} where text is needed")
    if not value.strip():
        raise _fail("blank", "blank text")
    if problem := text_problem(value, longest, one_line=one_line):
        raise _Bad(problem)
    return value


def _name(value: Json) -> str:
    return _text(value, LONGEST_NAME, one_line=True)


def _url(value: Json) -> str:
    url = _text(value, LONGEST_URL)
    if _UNSAFE_URL.match(url):
        raise _fail("unsafe-url", "a link that would run code or open a local file", ("https://...", "http://..."))
    return url


def _number(value: Json) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _fail("not-a-number", f"{_kind_of(value)} where a number is needed")
    if isinstance(value, float) and not math.isfinite(value):
        raise _fail("not-finite", "infinite, or not a number")
    if abs(value) > EXACT:
        raise _fail("too-large", f"a number beyond {EXACT:,} is not kept exactly")
    return int(value) if value == int(value) else value


def _score(value: Json) -> int:
    number = _number(value)
    if not isinstance(number, int) or not LEAST <= number <= MOST:
        nearest = str(min(max(round(number), LEAST), MOST))
        raise _fail("out-of-range", f"a score is a whole number from {LEAST} to {MOST}", (), nearest)
    return number


def _date(value: Json) -> str:
    text = _text(value, 40)
    if not is_date(text):
        raise _fail("not-a-date", "not a real day written YYYY-MM-DD", ("YYYY-MM-DD",))
    return text


def _uuid(value: Json) -> str:
    text = _text(value, 80).strip().lower()
    if not _UUID.fullmatch(text):
        message = "not a UUID; `tag-importer categories list` shows each category's"
        raise _fail("not-a-uuid", message, ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",))
    return text


def _tlp(value: Json) -> str:
    from importer.fields.vocabulary import load_vocabulary

    vocabulary = load_vocabulary("tlp")
    word = _text(value, 80).strip().lower()
    if word not in vocabulary.exact:
        match = vocabulary.lookup(word)
        raise _fail("unknown-tlp", "not a TLP word", vocabulary.allowed, match.value or match.nearest)
    return word


def _country(value: Json) -> str:
    from importer.fields.countries import code_of, resolve

    text = _text(value, 200).strip()
    if code_of(text):
        return text.upper()
    match = resolve(text)
    raise _fail("unknown-country", "not an ISO 3166-1 code", ("alpha-2", "alpha-3"), match.code or match.nearest)


def _entries(value: Json, one: Callable[[Json], Json]) -> list[Json]:
    if not isinstance(value, list | tuple):
        raise _fail("not-a-list", f"{_kind_of(value)} where a list is needed")
    if len(value) > MOST_ENTRIES:
        raise _fail("too-many", f"{len(value):,} entries; at most {MOST_ENTRIES:,} are sent")
    return [one(entry) for entry in value]


def _entry(value: Json, main: str, check_main: Callable[[Any], Json], others: tuple[str, ...]) -> dict[str, Json]:
    """An object with one main key and optional ones, each checked; an absent or null optional key is left out."""
    if not isinstance(value, Mapping):
        raise _fail("not-an-object", f"{_kind_of(value)} where an object with `{main}` is needed", (main, *others))
    if value.get(main) is None:
        raise _fail("missing-key", f"an object without `{main}`", (main, *others))
    entry: dict[str, Json] = {main: check_main(value[main])}
    for key, item in value.items():
        if key == main or item is None:
            continue
        if key not in others:
            raise _fail("unknown-key", f"key {str(key)[:60]!a} is not known here", (main, *others))
        entry[key] = _PARTS[key](item)
    return entry


def _alias(value: Json) -> dict[str, Json]:
    return _entry(value, "value", _name, ("confidence", "tlp"))


def _reference(value: Json) -> dict[str, Json]:
    return _entry(value, "url", _url, ("description",))


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, Mapping):
        raise _fail("not-an-object", f"{_kind_of(value)} where an object is needed")
    nodes = 0
    stack: list[tuple[Json, int]] = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        nodes += 1
        if depth > DEEPEST or nodes > MOST_NODES:
            raise _fail("too-deep", f"nested deeper than {DEEPEST} levels, or of more than {MOST_NODES:,} values")
        if isinstance(item, Mapping):
            for key, inner in item.items():
                _text(key, LONGEST_NAME)
                stack.append((inner, depth + 1))
        elif isinstance(item, list | tuple):
            stack.extend((inner, depth + 1) for inner in item)
        elif isinstance(item, str):
            if problem := text_problem(item):
                raise _Bad(problem)
        elif item is not None and not isinstance(item, bool):
            _number(item)
    return dict(value)


_PARTS: Mapping[str, Callable[[Json], Json]] = {"confidence": _score, "tlp": _tlp, "description": _text}
_CHECKS: Mapping[Kind, Callable[[Json], Json]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.SCORE: _score,
    Kind.DATE: _date,
    Kind.UUID: _uuid,
    Kind.TLP: _tlp,
    Kind.COUNTRY: _country,
    Kind.TEXT_LIST: lambda value: _entries(value, _name),
    Kind.ALIAS_LIST: lambda value: _entries(value, _alias),
    Kind.REFERENCE_LIST: lambda value: _entries(value, _reference),
    Kind.OBJECT: _object,
}
_SPECIAL: Mapping[str, Callable[[Json], Json]] = {
    "value": _name,
    "externalReferenceLinks": lambda value: _entries(value, _url),
}


def is_link(field: Field) -> bool:
    """Whether the texts of a field are links: however ordinary one looks, it may be one that runs code."""
    return field.name == "externalReferenceLinks"


def canonical(field: Field, value: Json) -> Json:
    """What `value` means, in one form for all its spellings; None where it is blank. Never raises, idempotent.

    The order of entries and keys, the case and length of country codes, text against NFC, `5` against `5.0`, and bare
    against annotated without annotations make no difference. An annotated value that carries any stays an object.
    """
    return canonical_value(field, value)


def same(field: Field, a: Json, b: Json) -> bool:
    """Whether two wire values of a field mean the same: their canonical forms are equal, `true` never equal to 1."""
    if (type(a) is str and a == b) or token(a) == token(b):  # most fields of an unchanged tag end here
        return True
    return token(canonical_value(field, a)) == token(canonical_value(field, b))
