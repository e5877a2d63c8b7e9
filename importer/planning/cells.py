"""How the place of a row is told where another row is spoken of."""

from __future__ import annotations

from importer.model import Draft, Place


def name_place(draft: Draft) -> Place:
    """The cell that holds a row's name; of an object, the object."""
    return draft.place() if draft.row.header.letters else draft.row.place()


def told_place(place: Place, file: str) -> str:
    """A place as a row of `file` is told of it: `Actors!A17`, and before it the file where that is another one."""
    return place.cell if place.file == file else str(place)
