"""The bodies of tags: each field checked by the reference's rules, one message for each mistake.

Of the importer only the list of fields is used, which is data. The checks are written from the API's description alone:
a mistake of the importer's must show here. A checked body is the *stored form*: bare values, or `{value, confidence?,
tlp?}` where an annotation was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any

from importer.fields.table import FIELDS as TABLE
from importer.fields.table import Kind
from importer.sandbox.answers import FieldProblem, Path, Problems

Check = Callable[[Any, Path, Problems], Any]
"""Gives the stored form of a value; what is wrong with the value goes to the problems."""

TLP = ("amber", "amber+strict", "amber-strict", "clear", "green", "purple", "red")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_COUNTRY = re.compile(r"[A-Za-z]{2,3}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_KINDS = MappingProxyType({bool: "boolean", int: "number", float: "number", str: "string", list: "array"})


def has_type(value: Any, expected: str, types: tuple[type, ...], path: Path, problems: Problems) -> bool:
    """Whether the value has exactly one of the types; a bool is not an int."""
    if type(value) in types:
        return True
    received = "null" if value is None else _KINDS.get(type(value), "object")
    problems.append(FieldProblem(path, f"Expected {expected}, received {received}"))
    return False


def text(value: Any, path: Path, problems: Problems) -> Any:
    has_type(value, "string", (str,), path, problems)
    return value


def name(value: Any, path: Path, problems: Problems) -> Any:
    if has_type(value, "string", (str,), path, problems) and not value.strip():
        problems.append(FieldProblem(path, "String must not be empty"))
    return value


def number(value: Any, path: Path, problems: Problems) -> Any:
    has_type(value, "number", (int, float), path, problems)
    return value


def score(value: Any, path: Path, problems: Problems) -> Any:
    """A whole number from 1 to 10; 5.0 is 5, as everywhere in JSON."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if has_type(value, "integer", (int,), path, problems) and not 1 <= value <= 10:
        problems.append(FieldProblem(path, "Number must be between 1 and 10"))
    return value


def tlp(value: Any, path: Path, problems: Problems) -> Any:
    if has_type(value, "string", (str,), path, problems) and value not in TLP:
        problems.append(FieldProblem(path, f"Invalid enum value. Expected one of {list(TLP)}, received '{value}'"))
    return value


def is_date(value: str) -> bool:
    """Whether this is a day of the calendar, written YYYY-MM-DD."""
    try:
        return bool(_DATE.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False


def day(value: Any, path: Path, problems: Problems) -> Any:
    if has_type(value, "string", (str,), path, problems) and not is_date(value):
        problems.append(FieldProblem(path, "Invalid date, expected YYYY-MM-DD"))
    return value


def uuid(value: Any, path: Path, problems: Problems) -> Any:
    if not has_type(value, "string", (str,), path, problems):
        return value
    if not _UUID.fullmatch(value):
        problems.append(FieldProblem(path, "Invalid uuid"))
    return value.lower()


def country(value: Any, path: Path, problems: Problems) -> Any:
    """Alpha-2 or alpha-3 in any case, or blank."""
    if not has_type(value, "string", (str,), path, problems):
        return value
    if value.strip() and not _COUNTRY.fullmatch(value.strip()):
        problems.append(FieldProblem(path, "Invalid country, expected ISO 3166 alpha-2 or alpha-3"))
    return value.strip().upper()


def free_object(value: Any, path: Path, problems: Problems) -> Any:
    has_type(value, "object", (dict,), path, problems)
    return value


def list_of(element: Check, value: Any, path: Path, problems: Problems) -> Any:
    if not has_type(value, "array", (list,), path, problems):
        return value
    return [element(entry, (*path, position), problems) for position, entry in enumerate(value)]


def entry(
    required: Mapping[str, Check],
    optional: Mapping[str, Check],
    value: Any,
    path: Path,
    problems: Problems,
    *,
    nulls: bool = False,
) -> Any:
    """An object with these keys and no others; `nulls` says that an optional one may be null, which is as missing."""
    if not has_type(value, "object", (dict,), path, problems):
        return value
    problems.extend(FieldProblem((*path, key), "Required") for key in required if key not in value)
    checked: dict[str, Any] = {}
    for key, content in value.items():
        check = required.get(key) or optional.get(key)
        if check is None:
            problems.append(FieldProblem((*path, key), "Unrecognized key"))
        elif content is not None or key in required or not nulls:
            checked[key] = check(content, (*path, key), problems)
    return checked


ANNOTATIONS: Mapping[str, Check] = MappingProxyType({"confidence": score, "tlp": tlp})


def annotated(bare: Check, value: Any, path: Path, problems: Problems) -> Any:
    """The bare value, or `{value, confidence?, tlp?}`."""
    if type(value) is dict:
        return entry({"value": bare}, ANNOTATIONS, value, path, problems)
    return bare(value, path, problems)


_texts = partial(list_of, text)
_aliases = partial(list_of, partial(entry, {"value": name}, ANNOTATIONS, nulls=True))
_CHECKS: Mapping[Kind, Check] = MappingProxyType(
    {
        Kind.TEXT: text,
        Kind.NUMBER: number,
        Kind.SCORE: score,
        Kind.DATE: day,
        Kind.UUID: uuid,
        Kind.TLP: tlp,
        Kind.COUNTRY: country,
        Kind.TEXT_LIST: _texts,
        Kind.ALIAS_LIST: _aliases,
        Kind.REFERENCE_LIST: partial(list_of, partial(entry, {"url": name}, {"description": text}, nulls=True)),
        Kind.OBJECT: free_object,
    }
)
ANNOTATED: Mapping[str, Check] = MappingProxyType(
    {field.name: _CHECKS[field.kind] for field in TABLE if field.annotated}
)
"""The fields that may be annotated, with the check of the bare value."""
FIELDS: Mapping[str, Check] = MappingProxyType(
    {
        **{field.name: _CHECKS[field.kind] for field in TABLE},
        **{field: partial(annotated, bare) for field, bare in ANNOTATED.items()},
        "value": name,
    }
)
"""Every field of every generation of the API that a body may hold."""
_READ_ONLY = frozenset({"uuid", "version", "createdAt", "updatedAt", "categoryName"})
_NOT_CLEARABLE = frozenset(field.name for field in TABLE if not field.clearable)


def check_create(body: Mapping[str, Any]) -> tuple[dict[str, Any], Problems]:
    """A create's body in the stored form, and what is wrong with it. Read-only fields are passed over."""
    fields, problems = _check(body, nulls=False)
    if "value" not in body:
        problems.append(FieldProblem(("body", "value"), "Required"))
    return fields, problems


def check_update(body: Mapping[str, Any]) -> tuple[dict[str, Any], Problems]:
    """A PATCH's body in the stored form, None for a field that is to be emptied; and what is wrong with it."""
    return _check(body, nulls=True)


def _check(body: Mapping[str, Any], *, nulls: bool) -> tuple[dict[str, Any], Problems]:
    problems: Problems = []
    fields: dict[str, Any] = {}
    for key, value in body.items():
        check = FIELDS.get(key)
        if check is None:
            if key not in _READ_ONLY and not key.endswith("_annotated"):
                problems.append(FieldProblem(("body", key), "Unrecognized key"))
        elif value is not None or not nulls:
            fields[key] = check(value, ("body", key), problems)
        elif key in _NOT_CLEARABLE:
            problems.append(FieldProblem(("body", key), "Cannot be cleared to null"))
        else:
            fields[key] = None
    return fields, problems
