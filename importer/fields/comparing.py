"""Canonical values: one form for all spellings of one meaning, so that a diff shows only what differs."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping

from importer.fields.table import Field, Kind
from importer.model import Json

Token = tuple[object, ...]
_DEEPEST = 100
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)?")


def canonical_value(field: Field, value: Json) -> Json:
    """The canonical form that `values.canonical` promises."""
    if field.annotated and isinstance(value, Mapping):
        inner = _plain(field.kind, value.get("value"))
        if inner is None:
            return None
        entry = _annotations({"value": inner}, value)
        return inner if len(entry) == 1 and not isinstance(inner, Mapping) else entry
    return _plain(field.kind, value)


def token(value: Json, depth: int = 0) -> Token:
    """A value as nested tuples that compare and sort with one another whatever they hold."""
    if value is None:
        return ("0",)
    if isinstance(value, bool):
        return ("b", value)
    if isinstance(value, int | float):
        return ("nan",) if isinstance(value, float) and math.isnan(value) else ("n", value)
    if isinstance(value, str):
        return ("s", value)
    if depth > _DEEPEST:
        return ("z",)
    if isinstance(value, Mapping):
        return ("o", tuple(sorted((str(key), token(item, depth + 1)) for key, item in value.items())))
    if isinstance(value, list | tuple):
        return ("l", tuple(token(item, depth + 1) for item in value))
    return ("z", str(type(value)))


def _plain(kind: Kind, value: Json) -> Json:
    """The canonical form of a bare value; of one that has the wrong type, a settled form of what it is."""
    if isinstance(value, str):
        value = _text(value)
        if value is None or kind in _BARE:
            return value if value is None else _spelling(kind, value)
    if isinstance(value, list | tuple) and kind in _LISTS:
        entries = [entry for entry in (_entry(kind, item) for item in value) if entry is not None]
        return _sorted(entries)
    if kind is Kind.OBJECT:
        return _json(value, 0, top=True)
    return _json(value, 0)


_BARE = frozenset({Kind.TEXT, Kind.DATE, Kind.UUID, Kind.TLP, Kind.COUNTRY})
_LISTS = frozenset({Kind.TEXT_LIST, Kind.ALIAS_LIST, Kind.REFERENCE_LIST})
_MAIN = {Kind.ALIAS_LIST: "value", Kind.REFERENCE_LIST: "url"}


def _text(text: str) -> str | None:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    return text or None


def _spelling(kind: Kind, text: str) -> str:
    if kind is Kind.COUNTRY:
        from importer.fields.countries import code_of

        return code_of(text) or text.upper()
    if kind is Kind.TLP:
        from importer.fields.vocabulary import load_vocabulary

        word = load_vocabulary("tlp").lookup(text.lower()).value or text.lower()
        return "amber+strict" if word == "amber-strict" else word
    if kind is Kind.UUID:
        return text.lower()
    if kind is Kind.DATE and (found := _MIDNIGHT.fullmatch(text)):
        return found[1]
    return text


def _entry(kind: Kind, value: Json) -> Json:
    """An entry of a list: text where nothing but its main key is filled, else an object."""
    if isinstance(value, str):
        return _text(value)
    main = _MAIN.get(kind, "")
    if not main or not isinstance(value, Mapping):
        return _json(value, 0)
    inner = value.get(main)
    inner = _text(inner) if isinstance(inner, str) else _json(inner, 0)
    if inner is None:
        return None
    entry = _annotations({main: inner}, value)
    return inner if len(entry) == 1 and isinstance(inner, str) else entry


def _annotations(entry: dict[str, Json], value: Mapping[str, Json]) -> dict[str, Json]:
    main = next(iter(entry))
    for key in sorted(map(str, value)):
        if key == main:
            continue
        item = value.get(key)
        kind = Kind.TLP if key == "tlp" else Kind.TEXT
        if (plain := _plain(kind, item)) is not None:
            entry[key] = plain
    return entry


def _sorted(entries: list[Json]) -> Json:
    """Without repetitions and in an order of their own; None for an empty list."""
    unique = {token(entry): entry for entry in entries}
    return [unique[key] for key in sorted(unique)] or None


def _json(value: Json, depth: int, *, top: bool = False) -> Json:
    """Any JSON: whole floats as int, text in NFC, keys sorted, nulls and (at the top) blanks left out of objects."""
    if value is None or isinstance(value, bool) or depth > _DEEPEST:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value) if depth else _text(value)
    if isinstance(value, Mapping):
        keys = sorted(value, key=str)
        items = ((str(key), _json(value[key], depth + 1)) for key in keys)
        kept = {key: item for key, item in items if item is not None and not (top and item in ("", [], {}))}
        return kept or (None if depth == 0 else {})
    if isinstance(value, list | tuple):
        return [_json(item, depth + 1) for item in value] or (None if depth == 0 else [])
    return value
