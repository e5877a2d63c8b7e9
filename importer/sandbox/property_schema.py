"""A category's schema: whether it is one, and whether a tag's `properties` keep to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from importer.sandbox.answers import FieldProblem
from importer.sandbox.tag_body import Path, Problems, is_date, score, tlp

KINDS = ("string", "number", "enum", "date", "array", "object")
FORMATS = ("date", "url", "duration", "country")
ENFORCEMENTS = ("error", "warn", "off")
_KEYS = frozenset(
    {
        "key",
        "kind",
        "required",
        "allowedValues",
        "deprecated",
        "deprecatedValues",
        "format",
        "maxLength",
        "numberConstraint",
        "element",
        "properties",
        "annotations",
        "enforcement",
        "label",
    }
)
_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII)
_COUNTRY = re.compile(r"[A-Za-z]{2,3}", re.ASCII)
_MISSING: Mapping[str, Any] = MappingProxyType({})
_DEPTH = 20
Definition = Mapping[str, Any]


def check_schema(schema: Any) -> Problems:
    """What is wrong with an array of field definitions, each with its path in the body."""
    problems: Problems = []
    if type(schema) is not list:
        problems.append(FieldProblem(("body", "schema"), "Expected array"))
        return problems
    keys: set[str] = set()
    for position, definition in enumerate(schema):
        path: Path = ("body", "schema", position)
        _check_definition(definition, path, problems, needs_key=True, depth=0)
        key = definition.get("key") if type(definition) is dict else None
        if type(key) is str and key in keys:
            problems.append(FieldProblem((*path, "key"), f"Duplicate key '{key}'"))
        elif type(key) is str:
            keys.add(key)
    return problems


def _check_definition(definition: Any, path: Path, problems: Problems, *, needs_key: bool, depth: int) -> None:
    def wrong(key: str, message: str) -> None:
        problems.append(FieldProblem((*path, key), message))

    if type(definition) is not dict or depth > _DEPTH:
        problems.append(FieldProblem(path, "Expected object" if depth <= _DEPTH else "Nested too deeply"))
        return
    for key in definition.keys() - _KEYS:
        wrong(key, "Unrecognized key")
    key = definition.get("key")
    if (needs_key or key is not None) and (type(key) is not str or not key):
        wrong("key", "Required non-empty string")
    kind = definition.get("kind")
    if kind not in KINDS:
        wrong("kind", f"Expected one of {list(KINDS)}")
    for flag in ("required", "deprecated"):
        if flag in definition and type(definition[flag]) is not bool:
            wrong(flag, "Expected boolean")
    for words in ("allowedValues", "deprecatedValues"):
        if words in definition and not _is_texts(definition[words]):
            wrong(words, "Expected array of string")
    if kind == "enum" and not definition.get("allowedValues"):
        wrong("allowedValues", "Required when kind is 'enum'")
    if "format" in definition and definition["format"] not in FORMATS:
        wrong("format", f"Expected one of {list(FORMATS)}")
    if "enforcement" in definition and definition["enforcement"] not in ENFORCEMENTS:
        wrong("enforcement", f"Expected one of {list(ENFORCEMENTS)}")
    if "label" in definition and type(definition["label"]) is not str:
        wrong("label", "Expected string")
    if "maxLength" in definition and (type(definition["maxLength"]) is not int or definition["maxLength"] < 0):
        wrong("maxLength", "Expected non-negative integer")
    _check_flags(definition, "annotations", {"confidence": (bool,), "tlp": (bool,)}, wrong)
    _check_flags(definition, "numberConstraint", {"min": (int, float), "max": (int, float), "integer": (bool,)}, wrong)
    if "element" in definition:
        _check_definition(definition["element"], (*path, "element"), problems, needs_key=False, depth=depth + 1)
    inner = definition.get("properties")
    if kind == "object" and inner is None:
        wrong("properties", "Required when kind is 'object'")
    elif inner is not None and type(inner) is not dict:
        wrong("properties", "Expected object")
    elif inner is not None:
        for name, nested in inner.items():
            _check_definition(nested, (*path, "properties", name), problems, needs_key=False, depth=depth + 1)


def _check_flags(definition: Definition, key: str, allowed: Mapping[str, tuple[type, ...]], wrong: Any) -> None:
    part = definition.get(key)
    if part is None:
        return
    if type(part) is not dict or any(name not in allowed or type(part[name]) not in allowed[name] for name in part):
        wrong(key, f"Expected object of {sorted(allowed)}")


def _is_texts(value: Any) -> bool:
    return type(value) is list and all(type(entry) is str for entry in value)


def check_properties(
    schema: Sequence[Definition] | None,
    properties: Mapping[str, Any],
    *,
    before: Mapping[str, Any] = _MISSING,
    unknown_allowed: bool = False,
) -> Problems:
    """What is wrong with `properties` by `schema`.

    `before` are the values that the tag has already: a deprecated field or word may stay, but not be written anew.
    """
    if schema is None:
        return []
    known = {definition["key"]: definition for definition in schema}
    problems: Problems = []
    _check_members(known, properties, ("body", "properties"), problems, before, unknown_allowed)
    return problems


def _check_members(
    known: Mapping[str, Definition],
    values: Mapping[str, Any],
    path: Path,
    problems: Problems,
    before: Mapping[str, Any],
    unknown_allowed: bool,
) -> None:
    for key, definition in known.items():
        if definition.get("enforcement", "error") != "error":
            continue
        value = values.get(key)
        if value is None:
            if definition.get("required") and not definition.get("deprecated"):
                problems.append(FieldProblem((*path, key), "Required"))
            continue
        old = before.get(key)
        if definition.get("deprecated") and value != old:
            problems.append(FieldProblem((*path, key), "This field is deprecated and takes no new values"))
            continue
        _check_value(definition, value, (*path, key), problems, old)
    if not unknown_allowed:
        for key in values.keys() - known.keys():
            problems.append(FieldProblem((*path, key), "Not in the category's schema"))


def _check_value(definition: Definition, value: Any, path: Path, problems: Problems, old: Any) -> None:
    def wrong(message: str) -> None:
        problems.append(FieldProblem(path, message))

    annotations = definition.get("annotations") or {}
    kind = definition["kind"]
    if type(value) is dict and "value" in value and any(annotations.values()):
        for key in value.keys() - {"value"}:
            if not annotations.get(key):
                problems.append(FieldProblem((*path, key), "Unrecognized key"))
            else:
                (score if key == "confidence" else tlp)(value[key], (*path, key), problems)
        old = old.get("value") if type(old) is dict else old
        value = value["value"]
    if kind == "number":
        if type(value) not in (int, float):
            wrong("Expected number")
        else:
            _check_number(definition.get("numberConstraint") or {}, value, wrong)
    elif kind == "array":
        element = definition.get("element")
        if type(value) is not list:
            wrong("Expected array")
        elif element is not None and element.get("enforcement", "error") == "error":
            kept = old if type(old) is list else []
            for position, entry in enumerate(value):
                _check_value(element, entry, (*path, position), problems, entry if entry in kept else None)
    elif kind == "object":
        if type(value) is not dict:
            wrong("Expected object")
        else:
            _check_members(
                definition["properties"],
                value,
                path,
                problems,
                old if type(old) is dict else _MISSING,
                unknown_allowed=False,
            )
    elif type(value) is not str:
        wrong("Expected string")
    elif kind == "enum":
        if value not in definition["allowedValues"]:
            wrong(f"Expected one of {definition['allowedValues']}")
        elif value in definition.get("deprecatedValues", ()) and value != old:
            wrong(f"'{value}' is deprecated and takes no new values")
    elif kind == "date" and not is_date(value):
        wrong("Invalid date, expected YYYY-MM-DD")
    if type(value) is str and kind == "string":
        _check_text(definition, value, wrong)


def _check_number(constraint: Mapping[str, Any], value: float, wrong: Any) -> None:
    if "min" in constraint and value < constraint["min"]:
        wrong(f"Must be at least {constraint['min']}")
    if "max" in constraint and value > constraint["max"]:
        wrong(f"Must be at most {constraint['max']}")
    if constraint.get("integer") and value != int(value):
        wrong("Must be a whole number")


def _check_text(definition: Definition, value: str, wrong: Any) -> None:
    if "maxLength" in definition and len(value) > definition["maxLength"]:
        wrong(f"Must be at most {definition['maxLength']} characters")
    if "allowedValues" in definition and definition["allowedValues"] and value not in definition["allowedValues"]:
        wrong(f"Expected one of {definition['allowedValues']}")
    form = definition.get("format")
    right = {
        "date": lambda: is_date(value),
        "url": lambda: _is_url(value),
        "duration": lambda: _DURATION.fullmatch(value) is not None,
        "country": lambda: _COUNTRY.fullmatch(value) is not None,
    }
    if form in right and not right[form]():
        wrong(f"Invalid {form}")


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) and not any(letter.isspace() for letter in value)
