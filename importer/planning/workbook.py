"""A workbook of text: every cell is written as text, so that `=1+1`, `007` and `#N/A` stay what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from msgspec import Struct

from importer.sources.xlsx_parts import ANNOTATOR, WORDS_SHEET

LONGEST_CELL: Final = 32_767
MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 16_384
_MOST_COMMENTS: Final = 5_000
_LONGEST_COMMENT: Final = 2_000
_LONGEST_TITLE: Final = 31
_LONGEST_LIST: Final = 255
"""Characters of a drop-down's words that stand in the sheet itself; longer ones are cells of a hidden sheet."""
_MEASURED: Final = 200
"""Rows whose cells say how wide a column is."""
_WIDTHS: Final = (8, 50)
_NO_TITLE: Final = re.compile(r"[\[\]*?:/\\\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_NO_XML: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")


class Sheet(Struct, frozen=True):
    """One sheet: its title, its rows of text, the header first, and what goes with cells and columns, from 0."""

    title: str
    rows: Iterable[Sequence[str]]
    comments: Mapping[tuple[int, int], str] = {}
    drop_downs: Mapping[int, Sequence[str]] = {}
    """By column, the words that its cells offer. Another word may be typed, after a warning."""
    faint: frozenset[int] = frozenset()
    """Rows that are shown as an example."""


def write_workbook(target: Path | BinaryIO, sheets: Sequence[Sheet]) -> list[str]:
    """Write the sheets, each with its header in view, and return their titles.

    Raises ValueError for a cell, a row or a column that no workbook holds, and OSError.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    # Nothing of a text is interpreted, and no row is held in memory.
    book = Workbook(
        target,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    head, faint = book.add_format({"bold": True}), book.add_format({"italic": True, "font_color": "#808080"})
    taken: set[str] = {WORDS_SHEET.casefold()}
    titles: list[str] = []
    long: list[Sequence[str]] = []
    for sheet in sheets:
        titles.append(_title(sheet.title, taken))
        page = book.add_worksheet(titles[-1])
        page.freeze_panes(1, 0)
        rows = iter(sheet.rows)
        measured = list(islice(rows, _MEASURED))
        for column in range(max(map(len, measured), default=0)):
            widest = max(_width(row[column]) for row in measured if column < len(row))
            page.set_column(column, column, min(max(widest + 2, _WIDTHS[0]), _WIDTHS[1]))
        said: dict[int, list[tuple[int, str]]] = {}
        for (at, column), text in sorted(sheet.comments.items())[:_MOST_COMMENTS]:
            said.setdefault(at, []).append((column, _NO_XML.sub(_escaped, text[:_LONGEST_COMMENT])))
        for at, row in enumerate(chain(measured, rows)):
            style = head if not at else faint if at in sheet.faint else None
            for column, text in enumerate(row):
                if text and page.write_string(at, column, _NO_XML.sub(_escaped, text), style):
                    raise ValueError(f"a workbook does not hold row {at + 1:,}, column {column + 1:,}")
            for column, text in said.get(at, ()):  # with its row: what comes later is refused, without an error
                page.write_comment(at, column, text, {"x_scale": 2, "author": ANNOTATOR})
        for column, words in sheet.drop_downs.items():
            source: Any = list(words)
            if len(",".join(words)) > _LONGEST_LIST or any("," in word for word in words):
                long.append(words)
                source = f"={WORDS_SHEET}!${_letters(len(long) - 1)}$1:${_letters(len(long) - 1)}${len(words)}"
            page.data_validation(1, column, MOST_ROWS - 1, column,
                                 {"validate": "list", "source": source, "error_type": "warning"})  # fmt: skip
    if long:
        page = book.add_worksheet(WORDS_SHEET)
        page.very_hidden()
        for at in range(max(map(len, long))):
            for column, words in enumerate(long):
                if at < len(words):
                    page.write_string(at, column, words[at])
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(str(error)) from error
    return titles


def _letters(column: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(column))


def _width(text: str) -> int:
    return max(map(len, text[: 2 * _WIDTHS[1]].splitlines()), default=0)


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
