"""What was read of a list, in numbers: how many rows gave each field, and digests of the values of a few actors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import Final
from zlib import crc32

from importer.fields.table import FIELDS, Kind
from importer.model import Contents, Draft, FieldUse, Issue, Json
from importer.planning.canonical import canonical_bytes

ACTORS: Final = 64
"""Actors whose values are kept. Of a longer list those whose names have the smallest digests, so that two runs keep
the same ones whatever the order of rows."""
_CONVENTIONS: Final = frozenset(("scale-of-100", "scale-of-1", "date-order"))
_COMPOUND: Final = frozenset(
    field.name for field in FIELDS if field.is_list or field.annotated or field.kind is Kind.OBJECT
)
_DECISION: Final = re.compile(r"' (was [^,:;]+)")
_MAIN: Final = ("value", "url", "name")
ID: Final = "id"
"""Stands for a field: the id by which the source knows the actor."""


def contents_of(drafts: Sequence[Draft], notes: Sequence[Issue]) -> Contents:
    """What the drafts of one table hold; `notes` are what was decided of its columns."""
    rows: Counter[str] = Counter()
    for names, many in Counter(tuple(draft.fields) for draft in drafts).items():
        rows.update(dict.fromkeys(names, many))
    several: Counter[str] = Counter()
    for name in list(rows):
        values = [draft.fields[name] for draft in drafts if name in draft.fields] if name in _COMPOUND else ()
        kinds = set(map(type, values))
        several[name] = sum(type(value) is list and len(value) > 1 for value in values) if list in kinds else 0
        for value in values if dict in kinds else ():
            if type(value) is dict:
                rows.update(f"{name}.{part}" for part in value if part != "value")
    by_actor = {_digest(draft.fields["value"]): draft for draft in reversed(drafts) if "value" in draft.fields}
    actors = tuple(nsmallest(ACTORS, by_actor))
    kept = [dict(_values(by_actor[actor].fields)) for actor in actors]
    if drafts and drafts[0].row.table.ids:
        rows[ID] = len(drafts)
        kept = [{**values, ID: _digest(by_actor[actor].row.id)} for actor, values in zip(actors, kept, strict=True)]
    how = {note.field: _decision(note.message) for note in notes if note.code in _CONVENTIONS}
    return Contents(
        tuple(
            FieldUse(name, rows[name], several[name], how.get(name, ""),
                     tuple(values.get(name, 0) for values in kept))
            for name in sorted(rows)
        ),
        actors,
    )  # fmt: skip


def together(found: Sequence[Contents]) -> Contents:
    """The contents of several lists that are read alike."""
    kept: dict[int, dict[str, int]] = {}
    uses: dict[str, FieldUse] = {}
    for one in found:
        for at, actor in enumerate(one.actors):
            kept.setdefault(actor, {use.field: use.values[at] for use in one.fields})
        for use in one.fields:
            before = uses.get(use.field, FieldUse(use.field, 0))
            uses[use.field] = FieldUse(
                use.field, before.rows + use.rows, before.several + use.several, before.how or use.how
            )
    actors = tuple(nsmallest(ACTORS, kept))
    fields = (uses[name] for name in sorted(uses))
    return Contents(
        tuple(
            FieldUse(
                use.field, use.rows, use.several, use.how, tuple(kept[actor].get(use.field, 0) for actor in actors)
            )
            for use in fields
        ),
        actors,
    )


def _values(fields: Mapping[str, Json]) -> Iterator[tuple[str, int]]:
    for name, value in fields.items():
        if type(value) is dict:
            yield from ((f"{name}.{part}", _digest(inner)) for part, inner in value.items() if part != "value")
        yield name, crc32(str(value).encode("utf-8", "surrogatepass")) or 1 if name == "value" else _digest(value)


def _digest(value: Json) -> int:
    """Equal for values that say the same, in whichever field they are; never 0, which is for none."""
    text = value.casefold() if isinstance(value, str) else _text(value)
    return crc32(text.encode("utf-8", "surrogatepass")) or 1


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, Mapping):
        main = next((value[key] for key in _MAIN if key in value), None)
        return _text(main) if main is not None else canonical_bytes(value).decode("utf-8", "surrogatepass")
    if isinstance(value, Sequence):
        return "\n".join(sorted(map(_text, value)))
    return str(value)


def _decision(message: str) -> str:
    """`was read day first`, without the column before it and the examples after it."""
    found = _DECISION.search(message)
    return found[1] if found else ""
