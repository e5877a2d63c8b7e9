"""Rows that are one actor as one draft: lists united, single values by the order of the sources or as decided."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Final

from msgspec.structs import replace

from importer.fields.names import composed, identity_key
from importer.fields.table import ALIAS_FIELDS, FIELDS, Field, field_named
from importer.fields.values import check, same
from importer.model import Draft, Issue, Json, Severity, Tag
from importer.planning.decisions import PARTS
from importer.planning.identity import name_place
from importer.sources.tlp import strictness, word_of

NOTES: Final = "internalDescription"
MERGED: Final = "merged-row"
DROPS: Final = "merge-drops"
_LINKS: Final = ("externalReferenceLinks", "externalReferences")
_SHOWN: Final = 60


Decided = tuple[frozenset[str], frozenset[str]]
"""What of an actor is united (aliases, links, notes), and the fields of which its value counts."""
ALL: Final[Decided] = (frozenset(PARTS), frozenset())
"""Everything is united, and no single value counts before that of the first."""


def merged(
    name: str, parts: Sequence[tuple[Draft, Decided]], tags: Sequence[Tag] = (), decided_in: str = ""
) -> tuple[Draft, list[Issue]]:
    """One draft of several rows, in the place of the first, with what came from each other row and what is dropped.

    The names that are not kept become private other names. The strictest TLP counts.
    """
    first = parts[0][0]
    fields: dict[str, Json] = {**first.fields, "value": name}
    told: list[Issue] = []
    for draft, decided in parts[1:]:
        said = [
            f"{field}: {_short(value)}"
            for field, value in _added(fields, draft.name, draft.fields, *decided, clear=first.clear)
        ]
        gave = "; ".join(said) or "nothing that was not known"
        message = f"{draft.name!r} ({_where(draft)}) gave {gave}, as decided in {decided_in}"
        told.append(Issue(Severity.INFO, MERGED, message, name_place(first), "value", first.name))
    for tag in tags:
        fields = with_lists(fields, tag, first.clear)
    for other in (*(draft.name for draft, _ in parts), *(tag.name for tag in tags)):
        if identity_key(other) != identity_key(name):
            _add_names(fields, "aliasGroupNamesInternal", [other], name)
    for field in ALIAS_FIELDS:  # of other rows the kept name may be an alias
        if field in fields:
            fields[field] = [entry for entry in fields[field] if identity_key(entry_text(entry)) != identity_key(name)]
            if not fields[field]:
                del fields[field]
    for draft, _ in parts:
        for field, value, stays in lost(draft.fields, fields):
            message = f"{value!r} of {draft.name!r} ({_where(draft)}) is dropped{stays}, as decided in {decided_in}"
            told.append(Issue(Severity.INFO, DROPS, message, draft.place(field), field, value))
    return replace(first, fields=fields, origins=_FirstOrigins(first)), told


def _where(draft: Draft) -> str:
    return f"{PurePath(draft.row.header.file).name} {name_place(draft).cell}"


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


def lost(theirs: Mapping[str, Json], made: Mapping[str, Json]) -> Iterator[tuple[str, str, str]]:
    """What one actor had and the merged one has not: the field, the value, and a clause that says what stays."""
    for field in FIELDS:
        for value, kept in _lost(field, theirs.get(field.name), made):
            yield field.name, value, f"; {kept!r} stays" if kept not in (None, "", [], {}) else ""


def _lost(field: Field, held: Json, made: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    now = made.get(field.name)
    if held in (None, "", [], {}) or field.name == "value":
        return
    if isinstance(held, list):
        names = field.name in ALIAS_FIELDS
        there = [entry for name in ALIAS_FIELDS for entry in made.get(name) or ()] if names else now or []
        there = [*there, made["value"]] if names else there
        yield from ((entry_text(entry), None) for entry in united(there, held, names=names)[len(there) :])
        known = {identity_key(entry_text(entry)): entry for entry in reversed(there)}
        for entry in held:
            yield from _lost_parts(entry, known.get(identity_key(entry_text(entry))))
    elif field.name == "properties":
        have = now if isinstance(now, dict) else {}
        for key, value in held.items():
            if not same(field, {key: value}, {key: have.get(key)}):
                yield f"{key}: {value}", have.get(key)
    elif (value := bare(held)) != bare(now) and not same(field, value, bare(now)):
        looser = field.name == "tlp" and 0 <= strictness(word_of(value)) <= strictness(word_of(bare(now)))
        noted = field.name in (NOTES, "description") and str(value) in str(bare(made.get(NOTES)))
        if not (looser or noted):
            yield str(value), bare(now)
    else:
        yield from _lost_parts(held, now)


def _lost_parts(held: Json, now: Json) -> Iterator[tuple[str, Json]]:
    """What was said of a value (its confidence, its TLP) and is not said, or is said otherwise, of the merged one's."""
    said = now if isinstance(now, dict) else {}
    for key, part in held.items() if isinstance(held, dict) and now is not None else ():
        if key not in ("value", "url") and part is not None and said.get(key) != part:
            yield f"{key} {part} of {entry_text(held) or bare(held)}", said.get(key)


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
    key = identity_key if names else composed
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
            key = identity_key if names else composed
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


class _FirstOrigins:
    """The columns of the first row; what came from another row has none in it."""

    def __init__(self, first: Draft) -> None:
        self._first = first

    def column(self, position: int, field: str, entry: str = "") -> str:
        held = self._first.fields.get(field)
        if held is None or (entry and isinstance(held, list) and entry not in map(entry_text, held)):
            return ""
        return self._first.column(field, entry)
