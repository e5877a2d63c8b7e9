"""Where in a row a value came from, found again by its text."""

from __future__ import annotations

from importer.fields.names import clean
from importer.model import Draft, Place, Row


def name_place(draft: Draft) -> Place:
    """The cell that holds a row's name; of an object, the object."""
    row = draft.row
    return row.place(find_cell(row, draft.name)) if row.header.letters else row.place()


def told_place(place: Place, file: str) -> str:
    """A place as a row of `file` is told of it: `Actors!A17`, and before it the file where that is another one."""
    return place.cell if place.file == file else str(place)


def find_cell(row: Row, text: str) -> str:
    """The column whose cell is `text`, else the first that contains it; empty where none does.

    Drafts hold values, not where each came from. This is only asked for the few values that are reported.
    """
    if not text:
        return ""
    holding = ""
    for column, cell in zip(row.header.columns, row.cells, strict=False):
        cleaned = clean(cell)
        if text in cleaned:
            if cleaned == text:
                return column
            holding = holding or column
    return holding
