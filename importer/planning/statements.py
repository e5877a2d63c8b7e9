"""Who states that two actors are one: edges between the objects of a source, ATT&CK's groups, files of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from importer.fields.names import identity_key
from importer.model import Draft, SourceFile
from importer.sources.stix_graph import SAME_ACTOR

RELATED: Final = "related"
"""The column with an object's edges to others, as MISP's clusters have it: `[{"dest-uuid": ..., "type": ...}]`."""


class _Edge(msgspec.Struct, rename="kebab"):
    dest_uuid: str = ""
    type: str = ""


_edges = msgspec.json.Decoder(list[_Edge]).decode


class Evidence:
    """What files that a person gave as evidence say: each of their rows names one actor, in all its names."""

    def __init__(self, rows: Iterable[tuple[str, Iterable[str]]] = (), files: Sequence[SourceFile] = ()) -> None:
        """`rows` are (place of the row, all its names)."""
        self.files = tuple(files)
        self._places: list[str] = []
        self._rows: dict[str, set[int]] = {}
        for place, names in rows:
            for key in map(identity_key, names):
                self._rows.setdefault(key, set()).add(len(self._places))
            self._places.append(place)

    def about(self, one: str, other: str) -> Iterator[str]:
        """Where both names are said to be one actor's."""
        both = self._rows.get(identity_key(one), set()) & self._rows.get(identity_key(other), set())
        for row in sorted(both)[:3]:
            yield f"{self._places[row]} names both"


NO_EVIDENCE: Final = Evidence()


def stated_edges(drafts: Sequence[Draft], rows: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """(row, row, in words) for each edge of a row to another that says that they are one."""
    edges = [(row, edge) for row in rows for edge in _edges_of(drafts[row]) if edge.type.lower() in SAME_ACTOR]
    if not edges:
        return
    ids = {_uuid(id_): row for row in rows if (id_ := drafts[row].row.id)}
    for row, edge in edges:
        other = ids.get(_uuid(edge.dest_uuid))
        if other is not None and other != row:
            yield row, other, f"{drafts[row].row.place(RELATED)} says {edge.type}"


def _edges_of(draft: Draft) -> Sequence[_Edge]:
    if RELATED not in draft.row.header.columns or not (text := draft.row.text(RELATED)):
        return ()
    try:
        return _edges(text)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return ()


def _uuid(id_: str) -> str:
    """The uuid of an id: MISP's edges name the objects of ATT&CK without `intrusion-set--`."""
    return id_.rpartition("--")[2].lower()


def states_names(draft: Draft) -> bool:
    """Whether a row is a group of ATT&CK, whose other names are groups that it takes for the same."""
    return any(column.startswith("x_mitre_") for column in draft.row.header.columns)
