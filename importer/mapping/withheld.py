"""A row marked TLP amber or stricter puts no text, other name or link into a field that other accounts see.

What a mapping would publish of it goes to the field's private twin, links to the private notes: nothing is lost. A
mapping that says `publish_marked: true` takes that upon itself. The name itself is what a tag is, and stays.
"""

from __future__ import annotations

import re
from typing import Final

from importer.fields.names import identity_key
from importer.model import Json

CLOSED: Final = frozenset(("amber", "amber+strict", "amber-strict", "red"))
MARKED: Final = re.compile(r"\btlp[\s:_-]{0,3}(?:amber(?:\s?[+_-]\s?strict)?|red)\b", re.IGNORECASE)
"""A marking within a text."""
_NOTES: Final = "internalDescription"
_TWINS: Final = {"aliasGroupNames": "aliasGroupNamesInternal", "aliases": "internalAliases"}
_LINKS: Final = {"externalReferenceLinks": "", "externalReferences": "url"}
_PUBLIC: Final = ("description", *_TWINS, *_LINKS)


def marking(fields: dict[str, Json]) -> str:
    """The TLP of a row, where it is one that is not for everybody; else empty."""
    held = fields.get("tlp")
    word = held.get("value") if isinstance(held, dict) else held
    return word if isinstance(word, str) and word in CLOSED else ""


def withhold(fields: dict[str, Json]) -> list[str]:
    """Make what is public of a row private; the names of the fields that were emptied."""
    moved = [public for public in _PUBLIC if fields.get(public)]
    notes: list[str] = []
    if "description" in moved and (text := _text(fields["description"])):
        notes.append(text)
    elif "description" in moved:
        moved.remove("description")
    before = fields.get(_NOTES)
    notes += filter(None, [_text(before)])
    for public, key in _LINKS.items():
        if public in moved:
            links = [str(entry.get(key) if key and isinstance(entry, dict) else entry) for entry in fields[public]]
            notes.append(f"References: {' '.join(links)}")
    if notes:
        whole = "\n\n".join(notes)
        fields[_NOTES] = {**before, "value": whole} if isinstance(before, dict) else whole
    for public, private in _TWINS.items():
        if public in moved:
            fields[private] = _united(fields.get(private) or [], fields[public])
    for public in moved:
        del fields[public]
    return moved


def _text(held: Json) -> str:
    value = held.get("value") if isinstance(held, dict) else held
    return value if isinstance(value, str) else ""


def _united(kept: list[Json], more: list[Json]) -> list[Json]:
    if not kept:
        return more
    seen = {identity_key(_name(entry)) for entry in kept}
    return [*kept, *(entry for entry in more if identity_key(_name(entry)) not in seen)]


def _name(entry: Json) -> str:
    return str(entry.get("value") if isinstance(entry, dict) else entry)
