"""Where in a row a value came from, found again by its text."""

from __future__ import annotations

from importer.model import Draft, Place, Row


def name_place(draft: Draft) -> Place:
    """The cell that holds a row's name, as other rows are told of it."""
    return draft.row.place(find_cell(draft.row, draft.name))


def find_cell(row: Row, text: str) -> str:
    """The column whose cell is `text`, else the first that contains it; empty where none does.

    Drafts hold values, not where each came from. This is only asked for the few values that are reported.
    """
    if not text:
        return ""
    holding = ""
    for column, cell in zip(row.header.columns, row.cells, strict=False):
        if text in cell:
            if cell.strip() == text:
                return column
            holding = holding or column
    return holding
