"""A workbook of text: every cell is typed as text, so that `=1+1`, `007` and `#N/A` stay what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell

_LONGEST_TITLE: Final = 31
_NO_TITLE: Final = re.compile(r"[\[\]*?:/\\\x00-\x1f]")
# XML cannot hold these; `_x0007_` is how a workbook spells them, so a text that looks like such a spelling is escaped.
_NO_XML: Final = re.compile("[\x00-\x08\x0b-\x0d\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def text_workbook(sheets: Sequence[tuple[str, Iterable[Sequence[str]]]], *, freeze: str = "") -> Workbook:
    """A workbook of `sheets` (title, rows of text), to be saved once; rows are streamed. `freeze` is a cell, `B2`."""
    book = Workbook(write_only=True)
    titles: set[str] = set()
    for title, rows in sheets:
        sheet = book.create_sheet(_title(title, titles))
        if freeze:
            sheet.freeze_panes = freeze
        for row in rows:
            sheet.append([_cell(sheet, text) for text in row])
    return book


def _cell(sheet: Any, text: str) -> Cell | None:
    if not text:
        return None
    cell: Cell = WriteOnlyCell(sheet, value=_NO_XML.sub(_spelled, text))
    cell.data_type = "s"
    return cell


def _spelled(match: re.Match[str]) -> str:
    return f"_x{ord(match[0]):04X}_"


def _title(wanted: str, taken: set[str]) -> str:
    """A sheet title that a workbook accepts and that is not taken, ignoring case."""
    title = base = _NO_TITLE.sub("_", wanted).strip("'")[:_LONGEST_TITLE] or "Sheet1"
    number = 1
    while title.casefold() in taken:
        number += 1
        title = f"{base[: _LONGEST_TITLE - 5]} ({number})"
    taken.add(title.casefold())
    return title
