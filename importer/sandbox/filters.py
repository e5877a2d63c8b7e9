"""The `filters` of the list call: both encodings in which they arrive, and what they match."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import msgspec

from importer.sandbox.answers import FieldProblem, encode
from importer.sandbox.country_lookup import country_code
from importer.sandbox.settings import Filtering
from importer.sandbox.store import TagQuery

FIELDS = frozenset(
    {
        "uuid",
        "value",
        "categoryName",
        "description",
        "dateOfDiscovery",
        "tlp",
        "confidence",
        "actorCategory",
        "motive",
        "attributionOrganization",
        "originCountryISO",
        "aliases",
        "externalReferences",
        "opsecLevel",
        "sophisticationLevel",
        "activeDuration",
        "priority",
        "lastSeen",
        "aliasGroupNames",
    }
)
OPERATORS = frozenset(
    {
        "equals",
        "not",
        "contains",
        "startsWith",
        "endsWith",
        "gt",
        "lt",
        "gte",
        "lte",
        "like",
        "in",
        "find",
    }
)
_COMPARISONS = MappingProxyType({"gt": operator.gt, "lt": operator.lt, "gte": operator.ge, "lte": operator.le})
MOST_FILTERS, MOST_VALUES = 10, 100


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. `value` is text, a number, or for `in` a list of them."""

    field: str
    op: str
    value: Any


def read_filters(query: Sequence[tuple[str, str]], understood: Filtering, problems: list[FieldProblem]) -> list[Filter]:
    """The conditions of a list call, of the encodings that the server understands; mistakes go to `problems`."""
    given: list[Any] = []
    if understood in (Filtering.BOTH, Filtering.JSON):
        for text in (value for key, value in query if key == "filters"):
            try:
                decoded = msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError):
                decoded = None
            if type(decoded) is not list:
                problems.append(FieldProblem(("query", "filters"), "Expected a JSON array of {field, op, value}"))
            else:
                given.extend(decoded)
    if understood in (Filtering.BOTH, Filtering.DOTTED):
        given.extend(_dotted(query, problems))
    if len(given) > MOST_FILTERS:
        problems.append(FieldProblem(("query", "filters"), f"At most {MOST_FILTERS} filters"))
        return []
    return [checked for position, entry in enumerate(given) if (checked := _checked(entry, position, problems))]


def _dotted(query: Sequence[tuple[str, str]], problems: list[FieldProblem]) -> list[dict[str, Any]]:
    """The SDK's encoding: all fields, then all operators, then all values, a list being several values.

    Which values belong to which filter is not in the address; one `in` among several filters takes what the others
    leave over, more than one is ambiguous unless each has a single value.
    """
    parts: dict[str, list[str]] = {"field": [], "op": [], "value": []}
    for key, text in query:
        if key.startswith("filters.") and key.removeprefix("filters.") in parts:
            parts[key.removeprefix("filters.")].append(text)
    fields, ops, values = parts["field"], parts["op"], parts["value"]
    surplus = len(values) - len(fields)
    if len(ops) != len(fields) or surplus < 0 or (surplus and ops.count("in") != 1):
        problems.append(FieldProblem(("query", "filters"), "Expected a field, an operator and a value for each filter"))
        return []
    found: list[dict[str, Any]] = []
    start = 0
    for field, op in zip(fields, ops, strict=True):
        end = start + 1 + (surplus if op == "in" else 0)
        found.append({"field": field, "op": op, "value": values[start:end] if op == "in" else values[start]})
        start = end
    return found


def _checked(entry: Any, position: int, problems: list[FieldProblem]) -> Filter | None:
    def wrong(part: str, message: str) -> None:
        problems.append(FieldProblem(("query", "filters", position, part), message))

    if type(entry) is not dict:
        problems.append(FieldProblem(("query", "filters", position), "Expected object"))
        return None
    before = len(problems)
    field, op, value = entry.get("field"), entry.get("op"), entry.get("value")
    if type(field) is not str or not (field in FIELDS or re.fullmatch(r"properties\..+", field)):
        wrong("field", f"Unknown field {field!r}")
    if type(op) is not str or op not in OPERATORS:
        wrong("op", f"Unknown operator {op!r}")
    elif field == "uuid" and op not in ("equals", "in"):
        wrong("op", "uuid accepts only 'equals' and 'in'")
    if op == "in":
        if type(value) is not list or any(type(one) not in (str, int, float) for one in value):
            wrong("value", "Expected an array of strings or numbers")
        elif len(value) > MOST_VALUES:
            wrong("value", f"At most {MOST_VALUES} values")
    elif type(value) not in (str, int, float):
        wrong("value", "Expected a string or a number")
    return Filter(str(field), str(op), value) if len(problems) == before else None


def narrowed(filters: Sequence[Filter], query: TagQuery) -> TagQuery:
    """The query with what an index can answer of the filters; the matcher still checks all of them."""
    for condition in filters:
        if condition.op not in ("equals", "in") or condition.field not in ("value", "uuid"):
            continue
        values = condition.value if condition.op == "in" else [condition.value]
        folded = [str(value).casefold() for value in values]
        query = replace(query, names=folded) if condition.field == "value" else replace(query, uuids=folded)
    return query


def matcher(filters: Sequence[Filter]) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a tag, as it is answered, meets all the filters."""
    tests = [(condition.field, _test(condition)) for condition in filters]
    return lambda tag: all(test(_content(tag, field)) for field, test in tests)


def _content(tag: Mapping[str, Any], field: str) -> Any:
    """What a filter compares: text, a number or None. Lists and objects are their JSON text."""
    if field.startswith("properties."):
        return _property(tag.get("properties") or {}, field.removeprefix("properties."))
    if field == "originCountryISO":
        return country_code(tag.get(field) or "")
    value = tag.get(field)
    return encode(value).decode() if isinstance(value, (list, dict)) else value


def _property(properties: Mapping[str, Any], path: str) -> Any:
    value = properties.get(path)
    if value is None and path.endswith((".tlp", ".confidence")):
        key, _, part = path.rpartition(".")
        holder = properties.get(key)
        return holder.get(part) if isinstance(holder, dict) else None
    if isinstance(value, dict) and "value" in value:
        value = value["value"]
    return encode(value).decode() if isinstance(value, (list, dict)) else value


def _test(condition: Filter) -> Callable[[Any], bool]:
    wanted = condition.value
    if condition.field == "originCountryISO":
        wanted = [country_code(str(one)) for one in wanted] if condition.op == "in" else country_code(str(wanted))
    if condition.op == "in":
        return lambda content: any(_same(content, one) for one in wanted)
    if condition.op == "equals":
        return lambda content: _same(content, wanted)
    if condition.op == "not":
        return lambda content: not _same(content, wanted)
    if condition.op in _COMPARISONS:
        return _ordered(condition.op, wanted)
    text = str(wanted).casefold()
    if condition.op == "like":
        parts = (".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in text)
        pattern = re.compile("".join(parts), re.DOTALL)
        return lambda content: content is not None and pattern.fullmatch(_text(content)) is not None
    if condition.op == "startsWith":
        return lambda content: content is not None and _text(content).startswith(text)
    if condition.op == "endsWith":
        return lambda content: content is not None and _text(content).endswith(text)
    return lambda content: content is not None and text in _text(content)


def _text(content: Any) -> str:
    return str(content).casefold()


def _number(value: Any) -> float | None:
    if type(value) in (int, float):
        return float(value)
    try:
        return float(value) if type(value) is str else None
    except ValueError:
        return None


def _same(content: Any, wanted: Any) -> bool:
    if content is None:
        return False
    if type(content) in (int, float):
        return bool(_number(wanted) == content)
    return _text(content) == _text(wanted)


def _ordered(op: str, wanted: Any) -> Callable[[Any], bool]:
    compare = _COMPARISONS[op]

    def test(content: Any) -> bool:
        if content is None:
            return False
        left, right = _number(content), _number(wanted)
        if left is None or right is None:
            return bool(compare(_text(content), _text(wanted)))
        return bool(compare(left, right))

    return test
