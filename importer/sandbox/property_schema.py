"""A category's schema: whether it is one, and whether a tag's `properties` keep to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from importer.sandbox.answers import FieldProblem, Path, Problems
from importer.sandbox.bodies import ANNOTATIONS, has_type, is_date

Kind = Literal["string", "number", "enum", "date", "array", "object"]
Format = Literal["date", "url", "duration", "country"]
_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII)
_COUNTRY = re.compile(r"[A-Za-z]{2,3}", re.ASCII)
_MOST_LEVELS = 20


class _Part(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    pass


class NumberConstraint(_Part, frozen=True):
    """Bounds of a number, both included."""

    min: int | float | None = None
    max: int | float | None = None
    integer: bool = False


class Annotations(_Part, frozen=True):
    """Which annotations a value may have."""

    confidence: bool = False
    tlp: bool = False


class Definition(_Part, frozen=True):
    """One field of a schema, as the API's reference has it."""

    kind: Kind
    key: str = ""
    required: bool = False
    allowed_values: tuple[str, ...] = ()
    deprecated: bool = False
    deprecated_values: tuple[str, ...] = ()
    format: Format | None = None
    max_length: Annotated[int, msgspec.Meta(ge=0)] | None = None
    number_constraint: NumberConstraint = NumberConstraint()
    element: Definition | None = None
    properties: dict[str, Definition] | None = None
    annotations: Annotations = Annotations()
    enforcement: Literal["error", "warn", "off"] = "error"
    label: str = ""


def check_schema(schema: Any) -> Problems:
    """What is wrong with an array of field definitions, at most one problem for each definition."""
    problems: Problems = []
    if not has_type(schema, "array", (list,), ("body", "schema"), problems):
        return problems
    keys: set[str] = set()
    for position, given in enumerate(schema):
        try:
            definition = msgspec.convert(given, Definition)
        except (msgspec.ValidationError, RecursionError) as problem:
            problems.append(FieldProblem(("body", "schema", position), str(problem)))
            continue
        wrong = "Required non-empty string: key" if not definition.key else next(_mistakes(definition), "")
        if definition.key in keys:
            wrong = f"Duplicate key '{definition.key}'"
        keys.add(definition.key)
        if wrong:
            problems.append(FieldProblem(("body", "schema", position), wrong))
    return problems


def _mistakes(definition: Definition, level: int = 0) -> Iterator[str]:
    if level > _MOST_LEVELS:
        yield "Nested too deeply"
        return
    if definition.kind == "enum" and not definition.allowed_values:
        yield "allowedValues is required when kind is 'enum'"
    if definition.kind == "object" and definition.properties is None:
        yield "properties is required when kind is 'object'"
    if definition.element:
        yield from _mistakes(definition.element, level + 1)
    for inner in (definition.properties or {}).values():
        yield from _mistakes(inner, level + 1)


def check_properties(
    schema: Sequence[Mapping[str, Any]] | None,
    properties: Mapping[str, Any],
    *,
    before: Mapping[str, Any] = MappingProxyType({}),
    unknown_allowed: bool = False,
) -> Problems:
    """What is wrong with `properties` by a `schema` that `check_schema` has accepted.

    `before` are the values that the tag has already: a deprecated field or word may stay, but not be written anew.
    """
    problems: Problems = []
    if schema is not None:
        known = {definition.key: definition for definition in msgspec.convert(schema, list[Definition])}
        _check_members(known, properties, ("body", "properties"), problems, before, unknown_allowed)
    return problems


def _check_members(
    known: Mapping[str, Definition],
    values: Mapping[str, Any],
    path: Path,
    problems: Problems,
    before: Any,
    unknown_allowed: bool = False,
) -> None:
    before = before if isinstance(before, Mapping) else {}
    for key, definition in known.items():
        value, old = values.get(key), before.get(key)
        if definition.enforcement != "error":
            continue
        if value is None:
            if definition.required and not definition.deprecated:
                problems.append(FieldProblem((*path, key), "Required"))
        elif definition.deprecated and value != old:
            problems.append(FieldProblem((*path, key), "This field is deprecated and takes no new values"))
        else:
            _check_value(definition, value, (*path, key), problems, old)
    if not unknown_allowed:
        problems.extend(
            FieldProblem((*path, key), "Not in the category's schema") for key in values.keys() - known.keys()
        )


def _check_value(definition: Definition, value: Any, path: Path, problems: Problems, old: Any) -> None:
    allowed = {name for name in ANNOTATIONS if getattr(definition.annotations, name)}
    if type(value) is dict and "value" in value and allowed:
        for key in value.keys() - {"value"}:
            if key in allowed:
                ANNOTATIONS[key](value[key], (*path, key), problems)
            else:
                problems.append(FieldProblem((*path, key), "Unrecognized key"))
        old = old.get("value") if type(old) is dict else old
        value = value["value"]
    if definition.kind == "number":
        if has_type(value, "number", (int, float), path, problems):
            problems.extend(FieldProblem(path, wrong) for wrong in _wrong_number(definition.number_constraint, value))
    elif definition.kind == "array":
        element = definition.element
        if has_type(value, "array", (list,), path, problems) and element and element.enforcement == "error":
            kept = old if type(old) is list else []
            for position, entry in enumerate(value):
                _check_value(element, entry, (*path, position), problems, entry if entry in kept else None)
    elif definition.kind == "object":
        if has_type(value, "object", (dict,), path, problems):
            _check_members(definition.properties or {}, value, path, problems, old)
    elif has_type(value, "string", (str,), path, problems):
        problems.extend(FieldProblem(path, wrong) for wrong in _wrong_text(definition, value, old))


def _wrong_number(constraint: NumberConstraint, value: float) -> Iterator[str]:
    if constraint.min is not None and value < constraint.min:
        yield f"Must be at least {constraint.min}"
    if constraint.max is not None and value > constraint.max:
        yield f"Must be at most {constraint.max}"
    if constraint.integer and value != int(value):
        yield "Must be a whole number"


def _wrong_text(definition: Definition, value: str, old: Any) -> Iterator[str]:
    if definition.kind == "date":
        if not is_date(value):
            yield "Invalid date, expected YYYY-MM-DD"
        return
    if definition.allowed_values and value not in definition.allowed_values:
        yield f"Expected one of {list(definition.allowed_values)}"
    if definition.kind == "enum":
        if value in definition.deprecated_values and value != old:
            yield f"'{value}' is deprecated and takes no new values"
        return
    if definition.max_length is not None and len(value) > definition.max_length:
        yield f"Must be at most {definition.max_length} characters"
    if definition.format and not _FORMATS[definition.format](value):
        yield f"Invalid {definition.format}"


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) and not any(letter.isspace() for letter in value)


_FORMATS: Mapping[Format, Callable[[str], bool]] = MappingProxyType(
    {
        "date": is_date,
        "url": _is_url,
        "duration": lambda value: _DURATION.fullmatch(value) is not None,
        "country": lambda value: _COUNTRY.fullmatch(value) is not None,
    }
)
