"""A row marked TLP amber or stricter puts no text, other name or link into a field that other accounts see.

What a mapping would publish of it goes to the field's private twin, links to the private notes: nothing is lost. A
mapping that says `publish_marked: true` takes that upon itself. The name itself is what a tag is, and stays.
"""

from __future__ import annotations

from typing import Final

from importer.fields.names import identity_key
from importer.model import Json

CLOSED: Final = frozenset(("amber", "amber+strict", "amber-strict", "red"))
_NOTES: Final = "internalDescription"
_TWINS: Final = {"aliasGroupNames": "aliasGroupNamesInternal", "aliases": "internalAliases"}
_LINKS: Final = {"externalReferenceLinks": "", "externalReferences": "url"}


def marking(fields: dict[str, Json]) -> str:
    """The TLP of a row, where it is one that is not for everybody; else empty."""
    held = fields.get("tlp")
    word = held.get("value") if isinstance(held, dict) else held
    return word if isinstance(word, str) and word in CLOSED else ""


def withhold(fields: dict[str, Json]) -> list[str]:
    """Make what is public of a row private; the names of the fields that were emptied."""
    moved = []
    if text := _text(fields.get("description")):
        moved.append("description")
        _note(fields, text, first=True)
    for public, private in _TWINS.items():
        if entries := fields.get(public):
            moved.append(public)
            fields[private] = _united(fields.get(private) or [], entries)
    for public, key in _LINKS.items():
        if entries := fields.get(public):
            moved.append(public)
            links = [str(entry.get(key) if key and isinstance(entry, dict) else entry) for entry in entries]
            _note(fields, f"References: {' '.join(links)}")
    for public in moved:
        del fields[public]
    return moved


def _text(held: Json) -> str:
    value = held.get("value") if isinstance(held, dict) else held
    return value if isinstance(value, str) else ""


def _note(fields: dict[str, Json], text: str, *, first: bool = False) -> None:
    before = fields.get(_NOTES)
    said = _text(before)
    whole = text if not said else f"{text}\n\n{said}" if first else f"{said}\n\n{text}"
    fields[_NOTES] = {**before, "value": whole} if isinstance(before, dict) else whole


def _united(kept: list[Json], more: list[Json]) -> list[Json]:
    seen = {identity_key(_name(entry)) for entry in kept}
    return [*kept, *(entry for entry in more if identity_key(_name(entry)) not in seen)]


def _name(entry: Json) -> str:
    return str(entry.get("value") if isinstance(entry, dict) else entry)
