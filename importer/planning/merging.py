"""Rows that are one actor as one draft: lists united, single values by the order of the sources or as decided."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from importer.fields.names import identity_key
from importer.fields.table import ALIAS_FIELDS, FIELDS, field_named
from importer.fields.values import check
from importer.model import Draft, Json, Tag
from importer.planning.decisions import PARTS
from importer.sources.tlp import strictness, word_of

NOTES: Final = "internalDescription"
_LINKS: Final = ("externalReferenceLinks", "externalReferences")
_SHOWN: Final = 60


class Part(Struct, frozen=True):
    """A row that goes into a merged one, in the order of precedence."""

    draft: Draft
    decided: tuple[frozenset[str], frozenset[str]]
    """What of it is united (aliases, links, notes), and the fields of which its value counts."""


def merged(name: str, parts: Sequence[Part], tags: Sequence[Tag] = ()) -> tuple[Draft, list[str]]:
    """One draft of several rows, in the place of the first, and in words what came from each other row.

    The names that are not kept become private other names. The strictest TLP counts.
    """
    first = parts[0].draft
    fields: dict[str, Json] = {**first.fields, "value": name}
    told: list[str] = []
    for part in parts[1:]:
        source = PurePath(part.draft.row.header.file).name
        said = [
            f"{field}: {_short(value)}"
            for field, value in _added(fields, part.draft.name, part.draft.fields, *part.decided, clear=first.clear)
        ]
        what = "; ".join(said) or "nothing that was not known"
        told.append(f"{part.draft.name!r} ({source} {part.draft.row.place(part.draft.column()).cell}) gave {what}")
    for tag in tags:
        fields = with_lists(fields, tag, first.clear)
    for other in (*(part.draft.name for part in parts), *(tag.name for tag in tags)):
        if identity_key(other) != identity_key(name):
            _add_names(fields, "aliasGroupNamesInternal", [other], name)
    for field in ALIAS_FIELDS:  # of other rows the kept name may be an alias
        if field in fields:
            fields[field] = [entry for entry in fields[field] if identity_key(entry_text(entry)) != identity_key(name)]
            if not fields[field]:
                del fields[field]
    return replace(first, fields=fields, origins=_FirstOrigins(first)), told


Decided = tuple[frozenset[str], frozenset[str]]
ALL: Final[Decided] = (frozenset(PARTS), frozenset())
"""Everything is united, and no single value counts before that of the first."""


def merged_fields(name: str, parts: Sequence[tuple[Tag, Decided]]) -> dict[str, Json]:
    """The fields of several tags as those of one of this name; single values are the first tag's, or as decided."""
    fields: dict[str, Json] = {**_held(parts[0][0]), "value": name}
    for tag, decided in parts[1:]:
        theirs = _held(tag)
        _added(fields, tag.name, theirs, *decided)
        for field, value in theirs.items():
            if field != "properties" and field in fields:
                fields[field] = _with_parts(fields[field], value)
    for tag, _ in parts:
        if identity_key(tag.name) != identity_key(name):
            _add_names(fields, "aliasGroupNamesInternal", [tag.name], name)
    return fields


def _held(tag: Tag) -> dict[str, Json]:
    return {field: held for field, held in tag.fields.items() if held not in (None, "", [], {})}


def _with_parts(ours: Json, theirs: Json) -> Json:
    """A value, or each entry of a list, with the confidence, TLP or description that only the other one has of it."""
    if isinstance(ours, list) and isinstance(theirs, list):
        said = {identity_key(entry_text(entry)): entry for entry in theirs if isinstance(entry, dict)}
        return [_with_parts(entry, said.get(identity_key(entry_text(entry)))) for entry in ours]
    if not isinstance(theirs, dict):
        return ours
    mine = {
        key: part for key, part in (ours if isinstance(ours, dict) else {"value": ours}).items() if part is not None
    }
    alike = all(mine.get(key) == theirs.get(key) for key in ("value", "url"))
    return {**{key: part for key, part in theirs.items() if part is not None}, **mine} if alike else ours


def entry_text(entry: Json) -> str:
    """The text of an entry of a list: itself, an alias's value, a reference's URL."""
    if isinstance(entry, dict):
        entry = entry.get("value") or entry.get("url")
    return entry if isinstance(entry, str) else ""


def united(entries: Sequence[Json], more: Sequence[Json], *, names: bool) -> list[Json]:
    """A list with the entries of another that it does not have."""
    key = identity_key if names else _composed
    seen = {key(entry_text(entry)) for entry in entries}
    found = list(entries)
    for entry in more:
        if (known := key(entry_text(entry))) not in seen:
            seen.add(known)
            found.append(entry)
    return found


def with_lists(wanted: Mapping[str, Json], tag: Tag, clear: Collection[str] = ()) -> dict[str, Json]:
    """What is wanted of a tag, its lists with what the tag has in them already."""
    found = dict(wanted)
    for field in FIELDS:
        held = tag.fields.get(field.name)
        if field.is_list and field.name in wanted and field.name not in clear and isinstance(held, list):
            names, ours = field.name in ALIAS_FIELDS, wanted[field.name]
            key = identity_key if names else _composed
            known = {key(entry_text(entry)): entry for entry in ours}
            before = [entry if entry in ours else _as_told(entry, known.get(key(entry_text(entry)))) for entry in held]
            found[field.name] = united(before, ours, names=names)
    return found


def _as_told(held: Json, told: Json) -> Json:
    """An entry in the tag's spelling, with the confidence, TLP or description that the row gives it."""
    if not (isinstance(held, dict) and isinstance(told, dict)):
        return held
    return {**told, **{key: held[key] for key in ("value", "url") if key in held}}


def _added(
    fields: dict[str, Json],
    given_by: str,
    theirs: Mapping[str, Json],
    unites: Collection[str],
    counts: Collection[str],
    *,
    clear: Collection[str] = (),
) -> list[tuple[str, Json]]:
    """Take over what a further actor gives; the fields and what was new or replaced in each."""
    found: list[tuple[str, Json]] = []
    for field in FIELDS:
        name = field.name
        if name == "value" or name not in theirs or name in clear:
            continue
        value, before = theirs[name], fields.get(name)
        if name in ALIAS_FIELDS:
            new = _add_names(fields, name, value, str(fields["value"])) if "aliases" in unites else []
        elif name in _LINKS:
            new = []
            if "links" in unites:
                fields[name] = united(before or [], value, names=False)
                new = fields[name][len(before or []) :]
        elif name == NOTES:
            new = _note(fields, value) if "notes" in unites else []
        elif name == "tlp":
            new = [value] if before is None or _stricter(value, before) else []
            fields[name] = value if new else before
        elif name == "properties" and isinstance(value, dict):
            new = [{key: held for key, held in value.items() if name in counts or key not in (before or {})}]
            fields[name] = {**(before or {}), **new[0]}
            new = new if new[0] else []
        elif before is None or (name in counts and before != value):
            fields[name], new = value, [value]
        else:
            new = []
            if name == "description" and before != value and "notes" in unites:
                new = _note(fields, f"{given_by}: {entry_text(value) or value}")
                name = NOTES
        if new:
            found.append((name, new))
    return found


def _add_names(fields: dict[str, Json], field: str, entries: Sequence[Json], name: str) -> list[Json]:
    """Add other names that no list has yet: a private one does not become public by being given twice."""
    if field == "aliasGroupNamesInternal" and "internalAliases" in fields and field not in fields:
        field = "internalAliases"
    known = {identity_key(entry_text(entry)) for held in ALIAS_FIELDS for entry in fields.get(held) or ()}
    new = [
        {"value": entry} if field in ("aliases", "internalAliases") and isinstance(entry, str) else entry
        for entry in entries
        if identity_key(entry_text(entry)) not in {*known, identity_key(name)}
    ]
    if new:
        fields[field] = [*(fields.get(field) or ()), *new]
    return new


def _note(fields: dict[str, Json], value: Json) -> list[Json]:
    before, text = fields.get(NOTES), entry_text(value) or (value if isinstance(value, str) else "")
    said = entry_text(before) or (before if isinstance(before, str) else "")
    if not text or text in said:
        return []
    whole = f"{said}\n\n{text}" if said else text
    field = field_named(NOTES)
    if field is None or check(field, whole).problem is not None:
        return []
    fields[NOTES] = {**before, "value": whole} if isinstance(before, dict) else whole
    return [text]


def _stricter(one: Json, other: Json) -> bool:
    return strictness(word_of(bare(one))) > strictness(word_of(bare(other)))


def bare(value: Json) -> Json:
    """A value without its confidence and TLP."""
    return value.get("value") if isinstance(value, dict) else value


def _short(values: Sequence[Json]) -> str:
    said = [repr(entry_text(value) or bare(value)) for value in values]
    return ", ".join(one if len(one) <= _SHOWN else f"{one[:_SHOWN]}…" for one in said)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


class _FirstOrigins:
    """The columns of the first row; what came from another row has none in it."""

    def __init__(self, first: Draft) -> None:
        self._first = first

    def column(self, position: int, field: str, entry: str = "") -> str:
        held = self._first.fields.get(field)
        if held is None or (entry and isinstance(held, list) and entry not in map(entry_text, held)):
            return ""
        return self._first.column(field, entry)
