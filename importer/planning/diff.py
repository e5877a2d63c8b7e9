"""What an update of a tag has to say: field by field, old -> new, on canonical values.

A blank cell leaves its field alone. What the row does not say about a value (its confidence, its TLP, a reference's
description) is kept from the account, so that a bare value never strips an annotation; `#CLEAR` in its own cell does.

What a row may empty, and what is sent for it: `""` for texts and the country, `[]` for lists, null for numbers, scores,
dates and the category, a null for each key of `properties`. The API refuses to empty `value` and `tlp`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from importer.fields.names import clean, composed, identity_key
from importer.fields.table import FIELDS, Field, Kind
from importer.fields.values import same
from importer.model import EMPTY, FieldChange, Json, Tag
from importer.planning.marking import properties_of

_ANNOTATION: Final = frozenset({"value", "confidence", "tlp"})
_ENTRY_KEY: Final = {Kind.ALIAS_LIST: "value", Kind.REFERENCE_LIST: "url"}
_PARTS: Final = ("confidence", "tlp", "description")
_LINKS: Final = ("externalReferenceLinks",)
_PROPERTIES: Final = "properties"


def differences(wanted: Mapping[str, Json], tag: Tag, clear: Collection[str] = ()) -> tuple[FieldChange, ...]:
    """The fields in which `tag` is not as `wanted` and `clear` ask, in the field table's order.

    `clear` holds wire names, `properties.key` for one key, or `motive.confidence` for one part of a field's value.
    For `properties` both sides hold the differing keys alone, null where a key is absent.
    """
    found: list[FieldChange] = []
    for field in FIELDS:
        name = field.name
        if name == _PROPERTIES:
            change = _property_change(field, wanted.get(name) or EMPTY, properties_of(tag), clear)
            if change is not None:
                found.append(change)
        elif name in wanted:
            old = tag.name if name == "value" else tag.fields.get(name)
            new = wanted[name]
            dropped = _dropped(field, clear)
            if old == new and not dropped:
                continue
            new = _keep_annotations(field, old, new, dropped)
            if not _same(field, old, new, str(wanted.get("value", tag.name))):
                found.append(FieldChange(name, old, new))
        elif name in clear and field.clearable:
            old = tag.fields.get(name)
            if not _blank(old) and not same(field, old, None):
                found.append(FieldChange(name, old, cleared(field)))
        elif clear and (dropped := _dropped(field, clear)):
            # A blank value leaves the field alone, but for the parts that the row takes off.
            old = tag.fields.get(name)
            new = _without(old, dropped)
            if not _blank(old) and not same(field, old, new):
                found.append(FieldChange(name, old, new))
    return tuple(found)


def update_body(changes: Collection[FieldChange]) -> dict[str, Json]:
    """The PATCH body for these differences: nothing but them."""
    return {change.field: change.new for change in changes}


def cleared(field: Field) -> Json:
    """What is sent to empty a field."""
    if field.is_list:
        return []
    return "" if field.kind in (Kind.TEXT, Kind.COUNTRY) else None


def _same(field: Field, old: Json, new: Json, name: str) -> bool:
    if field.name == "value":
        # A name is shown trimmed and on one line; how the account spaces it is no difference.
        return clean(str(old)) == clean(str(new))
    if not (field.is_list and isinstance(old, list) and isinstance(new, list)):
        return same(field, old, new)
    key = _ENTRY_KEY.get(field.kind)
    # The common case, entries in another order, without the cost of canonical forms.
    if key and _by_key(old, key) == (_by_key(new, key) or 0):
        return True
    return same(field, old, new) or same(field, _tidied(field, old, name), _tidied(field, new, name))


def _tidied(field: Field, entries: list[Json], name: str) -> list[Json]:
    """A list as a mapping tidies it: no entry twice, no actor's own name among its other names.

    What only tidying tells apart is no difference: it would be sent on every run and change nothing that matters.
    """
    main = _ENTRY_KEY.get(field.kind, "")
    named = field.kind is Kind.ALIAS_LIST or (field.kind is Kind.TEXT_LIST and field.name not in _LINKS)
    seen = {identity_key(name)} if named else set()
    kept: list[Json] = []
    for entry in entries:
        text = str(entry.get(main)) if isinstance(entry, Mapping) else str(entry)
        key = identity_key(text) if named else composed(text)
        if key in seen:
            continue
        seen.add(key)
        text = clean(text) if named else text
        kept.append({**entry, main: text} if isinstance(entry, Mapping) else text)
    return kept


def _by_key(entries: Json, key: str) -> dict[str, Json] | None:
    """Entries by their text; None where that does not tell them apart."""
    try:
        found = {entry[key]: entry for entry in entries}
    except (TypeError, KeyError):
        return None
    return found if len(found) == len(entries) else None


def _dropped(field: Field, clear: Collection[str]) -> frozenset[str]:
    """The parts of a field's value that `clear` takes off."""
    if not clear or not (field.annotated or field.kind in _ENTRY_KEY):
        return frozenset()
    return frozenset(part for part in _PARTS if f"{field.name}.{part}" in clear)


def _without(value: Json, dropped: Collection[str]) -> Json:
    if isinstance(value, Mapping):
        return {key: item for key, item in value.items() if key not in dropped and item is not None}
    return [_without(entry, dropped) for entry in value] if isinstance(value, list | tuple) else value


def _keep_annotations(field: Field, old: Json, new: Json, dropped: Collection[str] = ()) -> Json:
    if old is None:
        return new
    if field.annotated and isinstance(old, Mapping):
        given: Mapping[str, Json] = new if isinstance(new, Mapping) else {"value": new}
        if same(field, old.get("value"), given.get("value")):
            return {**_said(_without(old, dropped)), **_said(given)}
        return new
    key = _ENTRY_KEY.get(field.kind)
    if key and isinstance(old, list | tuple) and isinstance(new, list | tuple):
        known = {
            composed(str(entry[key])): entry for entry in reversed(old) if isinstance(entry, Mapping) and entry.get(key)
        }
        merged: list[Json] = []
        for entry in new:
            kept = known.get(composed(str(entry[key]))) if isinstance(entry, Mapping) and entry.get(key) else None
            merged.append({**_said(_without(kept, dropped)), **_said(entry)} if kept is not None else entry)
        return merged
    return new


def _property_change(
    field: Field, wanted: Mapping[str, Json], held: Mapping[str, Json], clear: Collection[str]
) -> FieldChange | None:
    old: dict[str, Json] = {}
    new: dict[str, Json] = {}
    for key, value in wanted.items():
        have = held.get(key)
        if have == value and type(have) is type(value):
            continue
        if (
            isinstance(have, Mapping)
            and "value" in have
            and have.keys() <= _ANNOTATION
            and not isinstance(value, Mapping)
        ):
            have = have["value"]
        if not same(field, {key: have}, {key: value}):
            old[key], new[key] = held.get(key), value
    for key, have in held.items():
        asked = key not in wanted and (_PROPERTIES in clear or f"{_PROPERTIES}.{key}" in clear)
        if asked and not same(field, {key: have}, {key: None}):  # an empty list is as good as none
            old[key], new[key] = have, None
    return FieldChange(_PROPERTIES, old, new) if new else None


def _said(value: Mapping[str, Json] | None) -> dict[str, Json]:
    return {key: item for key, item in (value or EMPTY).items() if item is not None}


def _blank(value: Json) -> bool:
    return value is None or value in ("", [], {}, ())
