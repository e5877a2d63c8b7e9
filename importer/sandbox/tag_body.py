"""The bodies of tags: each field checked by the reference's rules, one message a mistake.

Written from the API's description alone and on purpose without the importer's own checks: a mistake there must show
here. A checked body is the *stored form*: bare values, or `{value, confidence?, tlp?}` where an annotation was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any

from importer.sandbox.answers import FieldProblem

Path = tuple[str | int, ...]
Problems = list[FieldProblem]
Check = Callable[[Any, Path, Problems], Any]

TLP = frozenset({"red", "amber", "amber-strict", "green", "clear", "purple", "amber+strict"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_COUNTRY = re.compile(r"[A-Za-z]{2,3}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def _seen(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return "null" if value is None else kinds.get(type(value), type(value).__name__)


def _wrong(value: Any, expected: str, path: Path, problems: Problems) -> None:
    problems.append(FieldProblem(path, f"Expected {expected}, received {_seen(value)}"))


def text(value: Any, path: Path, problems: Problems) -> Any:
    if type(value) is not str:
        _wrong(value, "string", path, problems)
    return value


def name(value: Any, path: Path, problems: Problems) -> Any:
    if type(value) is str and not value.strip():
        problems.append(FieldProblem(path, "String must not be empty"))
        return value
    return text(value, path, problems)


def number(value: Any, path: Path, problems: Problems) -> Any:
    if type(value) not in (int, float):
        _wrong(value, "number", path, problems)
    return value


def score(value: Any, path: Path, problems: Problems) -> Any:
    """A whole number from 1 to 10; 5.0 is 5, as everywhere in JSON."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        _wrong(value, "integer", path, problems)
    elif not 1 <= value <= 10:
        problems.append(FieldProblem(path, "Number must be between 1 and 10"))
    return value


def tlp(value: Any, path: Path, problems: Problems) -> Any:
    if type(value) is not str or value not in TLP:
        received = f"'{value}'" if type(value) is str else _seen(value)
        problems.append(FieldProblem(path, f"Invalid enum value. Expected one of {sorted(TLP)}, received {received}"))
    return value


def is_date(value: str) -> bool:
    """Whether this is a day of the calendar, written YYYY-MM-DD."""
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def day(value: Any, path: Path, problems: Problems) -> Any:
    if type(value) is not str:
        _wrong(value, "string", path, problems)
    elif not is_date(value):
        problems.append(FieldProblem(path, "Invalid date, expected YYYY-MM-DD"))
    return value


def uuid(value: Any, path: Path, problems: Problems) -> Any:
    if type(value) is not str:
        _wrong(value, "string", path, problems)
    elif not _UUID.fullmatch(value):
        problems.append(FieldProblem(path, "Invalid uuid"))
    else:
        return value.lower()
    return value


def country(value: Any, path: Path, problems: Problems) -> Any:
    """Alpha-2 or alpha-3 in any case, or blank."""
    if type(value) is not str:
        _wrong(value, "string", path, problems)
    elif value.strip() and not _COUNTRY.fullmatch(value.strip()):
        problems.append(FieldProblem(path, "Invalid country, expected ISO 3166 alpha-2 or alpha-3"))
    else:
        return value.strip().upper()
    return value


def listed(element: Check, value: Any, path: Path, problems: Problems) -> Any:
    if type(value) is not list:
        _wrong(value, "array", path, problems)
        return value
    return [element(entry, (*path, position), problems) for position, entry in enumerate(value)]


def entry(
    required: Mapping[str, Check],
    optional: Mapping[str, Check],
    nullable: bool,
    value: Any,
    path: Path,
    problems: Problems,
) -> Any:
    """An object of known keys; a null in an optional one means that it is absent, where nulls are allowed."""
    if type(value) is not dict:
        _wrong(value, "object", path, problems)
        return value
    checked: dict[str, Any] = {}
    for key, check in required.items():
        if key in value:
            checked[key] = check(value[key], (*path, key), problems)
        else:
            problems.append(FieldProblem((*path, key), "Required"))
    for key, content in value.items():
        if key in required or (content is None and nullable and key in optional):
            continue
        if key in optional:
            checked[key] = optional[key](content, (*path, key), problems)
        else:
            problems.append(FieldProblem((*path, key), "Unrecognized key"))
    return checked


def annotated(bare: Check, value: Any, path: Path, problems: Problems) -> Any:
    """The bare value, or `{value, confidence?, tlp?}`."""
    if type(value) is dict:
        return entry({"value": bare}, _ANNOTATIONS, False, value, path, problems)
    return bare(value, path, problems)


def free_object(value: Any, path: Path, problems: Problems) -> Any:
    if type(value) is not dict:
        _wrong(value, "object", path, problems)
    return value


_ANNOTATIONS: Mapping[str, Check] = MappingProxyType({"confidence": score, "tlp": tlp})
_annotated_text = partial(annotated, text)
_texts = partial(listed, text)
_aliases = partial(listed, partial(entry, {"value": name}, _ANNOTATIONS, True))
_references = partial(listed, partial(entry, {"url": name}, {"description": text}, True))

FIELDS: Mapping[str, Check] = MappingProxyType(
    {
        "value": name,
        "categoryUuid": uuid,
        "activeDuration": _annotated_text,
        "actorCategory": _annotated_text,
        "actorCategoryConfidence": score,
        "aliasGroupNames": _texts,
        "aliasGroupNamesInternal": _texts,
        "aliases": _aliases,
        "analyticPriority": number,
        "attributionConfidence": text,
        "attributionConfidenceScore": score,
        "attributionOrganization": _annotated_text,
        "confidence": score,
        "dateOfDiscovery": day,
        "description": text,
        "externalReferenceLinks": _texts,
        "externalReferences": _references,
        "internalAliases": _aliases,
        "internalDescription": text,
        "lastSeen": text,
        "motive": _annotated_text,
        "motiveConfidence": score,
        "opsecLevel": _annotated_text,
        "originCountryConfidence": score,
        "originCountryISO": partial(annotated, country),
        "originCountryTlp": tlp,
        "priority": partial(annotated, number),
        "properties": free_object,
        "sophisticationLevel": _annotated_text,
        "tlp": tlp,
    }
)
"""Every field of every generation of the API that a body may hold."""

ANNOTATED = (
    "activeDuration",
    "actorCategory",
    "attributionOrganization",
    "motive",
    "opsecLevel",
    "originCountryISO",
    "priority",
    "sophisticationLevel",
)
_READ_ONLY = frozenset({"uuid", "version", "createdAt", "updatedAt", "categoryName"})
_NOT_CLEARABLE = frozenset({"value", "tlp"})


def check_create(body: Any) -> tuple[dict[str, Any], Problems]:
    """A create's body in the stored form, and what is wrong with it. Read-only fields are passed over."""
    fields, problems = _check(body, nulls=False)
    if type(body) is dict and "value" not in body:
        problems.append(FieldProblem(("body", "value"), "Required"))
    return fields, problems


def check_update(body: Any) -> tuple[dict[str, Any], Problems]:
    """A PATCH's body in the stored form, None for a field that is to be emptied; and what is wrong with it."""
    return _check(body, nulls=True)


def _check(body: Any, *, nulls: bool) -> tuple[dict[str, Any], Problems]:
    problems: Problems = []
    fields: dict[str, Any] = {}
    if type(body) is not dict:
        _wrong(body, "object", ("body",), problems)
        return fields, problems
    for key, value in body.items():
        check = FIELDS.get(key)
        if check is None:
            if key not in _READ_ONLY and not key.endswith("_annotated"):
                problems.append(FieldProblem(("body", key), "Unrecognized key"))
        elif value is None and nulls and key not in _NOT_CLEARABLE:
            fields[key] = None
        elif value is None and nulls:
            problems.append(FieldProblem(("body", key), "Cannot be cleared to null"))
        else:
            fields[key] = check(value, ("body", key), problems)
    return fields, problems
