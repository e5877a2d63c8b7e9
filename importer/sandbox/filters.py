"""The `filters` of the list call: both encodings in which they arrive, and what they match."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from importer.sandbox.answers import FieldProblem, Problems, decode, encode
from importer.sandbox.settings import Filtering
from importer.sandbox.store import TagQuery

Query = Sequence[tuple[str, str]]
"""A query string's pairs in their order, on which the SDK's filters depend."""

FIELDS = frozenset({
    "uuid", "value", "categoryName", "description", "dateOfDiscovery", "tlp", "confidence", "actorCategory", "motive",
    "attributionOrganization", "originCountryISO", "aliases", "externalReferences", "opsecLevel",
    "sophisticationLevel", "activeDuration", "priority", "lastSeen", "aliasGroupNames",
})  # fmt: skip
_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {"gt": operator.gt, "lt": operator.lt, "gte": operator.ge, "lte": operator.le}
)
_TEXTUAL: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "contains": operator.contains,
        "find": operator.contains,
        "startsWith": str.startswith,
        "endsWith": str.endswith,
        "like": lambda content, wanted: re.fullmatch(_pattern(wanted), content, re.DOTALL) is not None,
    }
)
OPERATORS = frozenset({"equals", "not", "in", *_ORDERED, *_TEXTUAL})
MOST_FILTERS, MOST_VALUES = 10, 100


class Filter(NamedTuple):
    """One condition. `value` is text, a number, or for `in` a list of them."""

    field: str
    op: str
    value: Any


def read_filters(query: Query, understood: Filtering, problems: Problems) -> list[Filter]:
    """The conditions of a list call, in the encodings that the server understands; mistakes go to `problems`."""
    given: list[Any] = []
    if understood in ("both", "json"):
        for text in (value for key, value in query if key == "filters"):
            try:
                decoded = decode(text)
            except (msgspec.DecodeError, RecursionError):
                decoded = None
            if type(decoded) is not list:
                problems.append(FieldProblem(("query", "filters"), "Expected a JSON array of {field, op, value}"))
            else:
                given.extend(decoded)
    if understood in ("both", "dotted"):
        given.extend(_dotted(query, problems))
    if len(given) > MOST_FILTERS:
        problems.append(FieldProblem(("query", "filters"), f"At most {MOST_FILTERS} filters"))
        return []
    return [checked for position, entry in enumerate(given) if (checked := _checked(entry, position, problems))]


def _dotted(query: Query, problems: Problems) -> list[dict[str, Any]]:
    """The SDK's encoding: all fields, then all operators, then all values, a list being several values.

    Which values belong to which filter is not in the address; one `in` among several filters takes what the others
    leave over, more than one is ambiguous unless each has a single value.
    """
    fields, ops, values = (
        [text for key, text in query if key == f"filters.{part}"] for part in ("field", "op", "value")
    )
    surplus = len(values) - len(fields)
    if len(ops) != len(fields) or surplus < 0 or (surplus and ops.count("in") != 1):
        problems.append(FieldProblem(("query", "filters"), "Expected a field, an operator and a value for each filter"))
        return []
    found: list[dict[str, Any]] = []
    for field, op in zip(fields, ops, strict=True):
        taken = 1 + (surplus if op == "in" else 0)
        found.append({"field": field, "op": op, "value": values[:taken] if op == "in" else values[0]})
        values = values[taken:]
    return found


def _checked(entry: Any, position: int, problems: Problems) -> Filter | None:
    wrong: list[tuple[str, str]] = []
    if type(entry) is not dict:
        problems.append(FieldProblem(("query", "filters", position), "Expected object"))
        return None
    field, op, value = entry.get("field"), entry.get("op"), entry.get("value")
    if type(field) is not str or not (field in FIELDS or re.fullmatch(r"properties\..+", field)):
        wrong.append(("field", f"Unknown field {field!r}"))
    if type(op) is not str or op not in OPERATORS:
        wrong.append(("op", f"Unknown operator {op!r}"))
    elif field == "uuid" and op not in ("equals", "in"):
        wrong.append(("op", "uuid accepts only 'equals' and 'in'"))
    values = value if op == "in" else [value]
    if type(values) is not list or any(type(one) not in (str, int, float) for one in values):
        wrong.append(("value", f"Expected {'an array of strings' if op == 'in' else 'a string'} or a number"))
    elif len(values) > MOST_VALUES:
        wrong.append(("value", f"At most {MOST_VALUES} values"))
    problems.extend(FieldProblem(("query", "filters", position, part), message) for part, message in wrong)
    return None if wrong else Filter(str(field), str(op), value)


def narrowed(filters: Sequence[Filter], query: TagQuery) -> TagQuery:
    """The query with what an index can answer of the filters; the matcher still checks all of them."""
    for field, op, value in filters:
        if op in ("equals", "in") and field in ("value", "uuid"):
            folded = [str(one).casefold() for one in (value if op == "in" else [value])]
            query = query._replace(names=folded) if field == "value" else query._replace(uuids=folded)
    return query


def matcher(filters: Sequence[Filter]) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a tag, as it is answered, meets all the filters."""
    tests = [(condition.field, _test(condition)) for condition in filters]
    return lambda tag: all(test(_content(tag, field)) for field, test in tests)


def _content(tag: Mapping[str, Any], field: str) -> Any:
    """What a filter compares: text, a number or None. Lists and objects are their JSON text."""
    value = tag.get(field)
    if field == "originCountryISO":
        return country_code(value or "")
    if field.startswith("properties."):
        properties, path = tag.get("properties") or {}, field.removeprefix("properties.")
        value = properties.get(path)
        if value is None and path.endswith((".tlp", ".confidence")):
            key, _, part = path.rpartition(".")
            holder = properties.get(key)
            value = holder.get(part) if isinstance(holder, dict) else None
        elif isinstance(value, dict) and "value" in value:
            value = value["value"]
    return encode(value).decode() if isinstance(value, (list, dict)) else value


def _test(condition: Filter) -> Callable[[Any], bool]:
    op, wanted = condition.op, condition.value if condition.op == "in" else [condition.value]
    if condition.field == "originCountryISO":
        wanted = [country_code(str(one)) for one in wanted]
    if op in ("equals", "in"):
        return lambda content: any(_same(content, one) for one in wanted)
    if op == "not":
        return lambda content: not _same(content, wanted[0])
    if op in _ORDERED:
        return lambda content: content is not None and _ORDERED[op](*_comparable(content, wanted[0]))
    return lambda content: content is not None and _TEXTUAL[op](_text(content), _text(wanted[0]))


def _same(content: Any, wanted: Any) -> bool:
    if type(content) in (int, float):
        return bool(_number(wanted) == content)
    return content is not None and _text(content) == _text(wanted)


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Both as numbers, or else both as text."""
    numbers = _number(left), _number(right)
    return (_text(left), _text(right)) if None in numbers else numbers


def _text(content: Any) -> str:
    return str(content).casefold()


def _number(value: Any) -> float | None:
    try:
        return float(value) if type(value) in (str, int, float) else None
    except (ValueError, OverflowError):
        return None


def _pattern(like: str) -> str:
    return "".join(".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in like)


@lru_cache(maxsize=1024)
def country_code(text: str) -> str | None:
    """Alpha-2 of an alpha-2, alpha-3 or name; else the text in upper case; None for blank."""
    import pycountry  # only a filter by country pays for it

    word = text.strip()
    try:
        return str(pycountry.countries.lookup(word).alpha_2) if word else None
    except LookupError:
        return word.upper()
