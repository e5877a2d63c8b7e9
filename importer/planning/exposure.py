"""How many values others will see once the plan is applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from importer.fields.table import FIELDS, Field, Kind, Visibility
from importer.model import EMPTY, Action, Json, Plan

PURPLE: Final = "purple"


class Exposure(Struct, frozen=True):
    """What the plan newly writes into one field that is not private."""

    field: str
    visibility: Visibility
    """Public, or undocumented: treat as visible."""
    tags: int
    """Tags that get a value in it."""
    values: int
    """Values: entries of a list, keys of `properties`, else one a tag. Those that were there before do not count."""
    withheld: int = 0
    """Entries marked TLP purple, which the API removes for other accounts; not among `values`."""


def exposure(plan: Plan) -> tuple[Exposure, ...]:
    """For each field that others see, or may see, what the plan's creates and updates add; fields without are left out.

    In the field table's order, public ones first. `value` (the name) is among the public ones.
    """
    tags: dict[str, int] = {}
    values: dict[str, int] = {}
    withheld: dict[str, int] = {}
    fields = [field for field in FIELDS if field.visibility is not Visibility.PRIVATE and field.kind is not Kind.UUID]
    texts: dict[str, int] = {}
    named = {field.name: field for field in fields}
    for change in plan.changes:
        if change.action is Action.CREATE:
            before: Mapping[str, Json] = EMPTY
        elif change.action is Action.UPDATE:
            before = {item.field: item.old for item in change.differences}
        else:
            continue
        for name, value in change.body.items():
            if type(value) is str:  # most values
                if value and name in named:
                    texts[name] = texts.get(name, 0) + 1
                continue
            field = named.get(name)
            if field is None:
                continue
            seen, hidden = _added(field, before.get(name), value)
            if hidden:
                withheld[name] = withheld.get(name, 0) + hidden
            if seen:
                tags[name] = tags.get(name, 0) + 1
                values[name] = values.get(name, 0) + seen
    for name, number in texts.items():
        tags[name] = tags.get(name, 0) + number
        values[name] = values.get(name, 0) + number
    found = [
        Exposure(
            field.name,
            field.visibility,
            tags.get(field.name, 0),
            values.get(field.name, 0),
            withheld.get(field.name, 0),
        )
        for field in fields
        if values.get(field.name) or withheld.get(field.name)
    ]
    return tuple(sorted(found, key=lambda item: item.visibility is not Visibility.PUBLIC))


def _added(field: Field, old: Json, new: Json) -> tuple[int, int]:
    """How many values are new and seen, and how many are new and withheld."""
    if field.is_list:
        had = [_core(entry) for entry in old] if isinstance(old, list | tuple) else ()
        fresh = [entry for entry in new if _core(entry) not in had] if had else new or ()
        hidden = sum(type(entry) is dict and entry.get("tlp") == PURPLE for entry in fresh)
        return len(fresh) - hidden, hidden
    if field.kind is Kind.OBJECT:
        return sum(value is not None for value in (new or {}).values()), 0
    return (0, 0) if new in (None, "") else (1, 0)


def _core(entry: Json) -> Json:
    """What of an entry is read by others: an alias or a URL; for a purple alias also that it is purple."""
    if isinstance(entry, Mapping):
        return (entry.get("value") or entry.get("url"), entry.get("tlp") == PURPLE, entry.get("description"))
    return entry
