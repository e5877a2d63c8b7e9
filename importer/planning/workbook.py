"""A workbook of text: every cell is written as text, so that `=1+1`, `007` and `#N/A` stay what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

LONGEST_CELL: Final = 32_767
MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 16_384
_MOST_COMMENTS: Final = 5_000
_LONGEST_COMMENT: Final = 2_000
_LONGEST_TITLE: Final = 31
_NO_TITLE: Final = re.compile(r"[\[\]*?:/\\\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_NO_XML: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")


class Sheet(Struct, frozen=True):
    """One sheet: its title, its rows of text, and comments by 0-based row and column."""

    title: str
    rows: Iterable[Sequence[str]]
    comments: Mapping[tuple[int, int], str] = {}


def write_workbook(target: Path | BinaryIO, sheets: Sequence[Sheet], *, freeze: tuple[int, int] = (0, 0)) -> list[str]:
    """Write the sheets and return their titles. `freeze` says how many rows and columns stay in view.

    Raises ValueError for a cell, a row or a column that no workbook holds, and OSError.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    # Nothing of a text is interpreted, and no row is held in memory.
    book = Workbook(
        target,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    taken: set[str] = set()
    titles: list[str] = []
    for sheet in sheets:
        titles.append(_title(sheet.title, taken))
        page = book.add_worksheet(titles[-1])
        if freeze != (0, 0):
            page.freeze_panes(*freeze)
        for at, row in enumerate(sheet.rows):
            for column, text in enumerate(row):
                if text and page.write_string(at, column, _NO_XML.sub(_escaped, text)):
                    raise ValueError(f"a workbook does not hold row {at + 1:,}, column {column + 1:,}")
        for (at, column), text in sorted(sheet.comments.items())[:_MOST_COMMENTS]:
            page.write_comment(at, column, _NO_XML.sub(_escaped, text[:_LONGEST_COMMENT]), {"x_scale": 2})
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(str(error)) from error
    return titles


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _title(wanted: str, taken: set[str]) -> str:
    """A sheet title that a workbook accepts and that is not taken, ignoring case."""
    title = base = _NO_TITLE.sub("_", wanted).strip("'")[:_LONGEST_TITLE] or "Sheet1"
    number = 1
    while title.casefold() in taken:
        number += 1
        title = f"{base[: _LONGEST_TITLE - 5]} ({number})"
    taken.add(title.casefold())
    return title
