"""Reads ODS workbooks: content.xml through expat, each cell as a person sees it.

Repeated rows and cells are counted and shared, never laid out; no entity is expanded.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

from importer.errors import SourceError
from importer.sources.options import Limits
from importer.sources.workbook_cells import Range
from importer.sources.xlsx_parts import Cell, SheetParts

_ERROR = re.compile(r"#[^\W\d_]\S{0,40}|Err:\d{1,9}")
"""Also `#NV` and `Err:502`: LibreOffice writes its error words in the language of its user."""
_TELLING = re.compile(r"0\d|.{0,40}[^\W\d_]")
_EXPONENT = re.compile(r"[-\d.,]{1,40}E[+-]?\d{1,3}")
_PIECE = 256 * 1024


@dataclass(slots=True)
class OdsSheet:
    """A sheet with what calamine's have: rows from the first on, cells from column A on."""

    name: str
    visible: bool = True
    lines: list[tuple[int, list[Any]]] = field(default_factory=list)
    """0-based row and its cells, without the blank ones behind them; rows without any are not there."""
    parts: SheetParts = field(default_factory=SheetParts)
    shown: dict[Cell, str] = field(default_factory=dict)
    """The texts of dates."""
    merged_cell_ranges: list[Range] = field(default_factory=list)
    width: int = 0

    @property
    def height(self) -> int:
        return self.lines[-1][0] + 1 if self.lines else 0

    @property
    def start(self) -> Cell | None:
        return (0, 0) if self.lines else None

    @property
    def end(self) -> Cell | None:
        return (self.height - 1, self.width - 1) if self.lines else None

    def iter_rows(self) -> Iterator[list[Any]]:
        at = 0
        for row, cells in self.lines:
            for _ in range(at, row):
                yield [""] * self.width
            yield cells + [""] * (self.width - len(cells))
            at = row + 1


def read_ods(file: str, stream: IO[bytes], limits: Limits) -> list[OdsSheet]:
    """The sheets of content.xml; SourceError where more is repeated or merged than any list has, or it is damaged."""
    reader = _Reader(file, limits)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        while piece := stream.read(_PIECE):
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise SourceError(f"{file} is damaged: its content is not well-formed XML.") from error
    return reader.sheets


class _Reader:
    def __init__(self, file: str, limits: Limits) -> None:
        self.sheets: list[OdsSheet] = []
        self._file, self._limits = file, limits
        self._style, self._hidden, self._struck = "", set[str](), set[str]()
        self._tables = 0
        self._row = self._column = self._rows_repeated = 0
        self._cells: list[Any] = []
        self._given: dict[str, str] = {}
        self._depth = 0
        """Elements that are open within a cell; 0 outside of one."""
        self._aside = 0
        """The depth at which a comment or drawing began."""
        self._pieces: list[str] = []
        self._comment: list[str] = []
        self._link = ""
        self._parts_struck = False
        self._hidden_row = False
        self._cell_count = self._noted = 0

    def start(self, tag: str, given: dict[str, str]) -> None:
        if self._depth:
            self._depth += 1
            self._inside(tag, given)
        elif tag in ("table:table-cell", "table:covered-table-cell") and self._tables == 1:
            self._depth, self._given = 1, given
            self._pieces, self._comment, self._link, self._parts_struck = [], [], "", False
        elif tag == "table:table-row" and self._tables == 1:
            self._column, self._cells, self._rows_repeated = 0, [], _count(given, "table:number-rows-repeated")
            self._hidden_row = given.get("table:visibility", "visible") != "visible"
        elif tag == "table:table":
            self._tables += 1
            if self._tables == 1:
                self._row = self._column = 0
                # A table without a name is the copy of another file's, which is not a sheet.
                self.sheets.append(
                    OdsSheet(given.get("table:name", ""), given.get("table:style-name") not in self._hidden)
                )
        elif tag == "table:table-column" and self._tables == 1:
            many = _count(given, "table:number-columns-repeated")
            if given.get("table:visibility", "visible") != "visible":
                self.sheets[-1].parts.hidden_columns.append((self._column, self._column + many - 1))
            self._column += many
        elif tag == "style:style":
            self._style = given.get("style:name", "")
        elif tag == "style:table-properties" and given.get("table:display") == "false":
            self._hidden.add(self._style)
        elif tag == "style:text-properties" and given.get("style:text-line-through-style", "none") != "none":
            self._struck.add(self._style)

    def _inside(self, tag: str, given: dict[str, str]) -> None:
        if self._aside:
            if tag == "text:p" and self._comment:
                self._comment.append("\n")
        elif tag == "office:annotation" or tag.startswith("draw:"):
            self._aside = self._depth
        elif tag == "text:p" and self._pieces:
            self._pieces.append("\n")
        elif tag == "text:s":
            self._pieces.append(" " * min(_count(given, "text:c"), 1000))
        elif tag in ("text:tab", "text:line-break"):
            self._pieces.append("\t" if tag == "text:tab" else "\n")
        elif tag == "text:a":
            self._link = self._link or given.get("xlink:href", "")
        elif tag == "text:span" and given.get("text:style-name") in self._struck:
            self._parts_struck = True

    def text(self, data: str) -> None:
        if self._aside:
            self._comment.append(data)
        elif self._depth > 1:
            self._pieces.append(data)

    def end(self, tag: str) -> None:
        if self._depth:
            if self._depth == self._aside:
                self._aside = 0
            self._depth -= 1
            if not self._depth:
                self._cell_ends(tag == "table:covered-table-cell")
        elif tag == "table:table-row" and self._tables == 1:
            self._row_ends()
        elif tag == "table:table":
            self._tables -= 1
            if not self._tables and not self.sheets[-1].name:
                self.sheets.pop()

    def _cell_ends(self, covered: bool) -> None:
        given, sheet = self._given, self.sheets[-1]
        many = _count(given, "table:number-columns-repeated")
        cell = (self._row, self._column)
        text = "" if covered else "".join(self._pieces)
        value = "" if covered else _value(given, text)
        down, across = _count(given, "table:number-rows-spanned"), _count(given, "table:number-columns-spanned")
        if (down > 1 or across > 1) and not covered:
            sheet.merged_cell_ranges.append((cell, (self._row + down - 1, self._column + across - 1)))
            self._bound(len(sheet.merged_cell_ranges), self._limits.noted_cells, "merged cells", "noted_cells")
        error = None if covered else _error(given, text)
        if error is not None:
            value = ""
            self._note(sheet.parts.errors, many, error)
        if isinstance(value, (dt.date, dt.time)):
            self._note(sheet.shown, many, text)
        if self._link:
            self._note(sheet.parts.links, many, self._link)
        if said := "".join(self._comment).strip():
            self._note(sheet.parts.comments, many, said)
        if value != "" and (given.get("table:style-name") in self._struck or self._parts_struck):
            self._note(sheet.parts.struck, many, given.get("table:style-name") in self._struck)
        if value != "":
            self._cell_count += (self._column + many) * self._rows_repeated
            self._bound(self._column + many, self._limits.columns, "columns", "columns")
            self._bound(self._cell_count, self._limits.sheet_cells, "cells", "sheet_cells")
            self._cells += [""] * (self._column - len(self._cells))
            self._cells += [value] * many
        self._column += many

    def _row_ends(self) -> None:
        sheet, many = self.sheets[-1], self._rows_repeated
        if self._cells:
            self._bound(len(sheet.lines) + many, self._limits.rows, "rows", "rows")
            sheet.lines.extend((row, self._cells) for row in range(self._row, self._row + many))
            sheet.width = max(sheet.width, len(self._cells))
            self._bound(sheet.height * sheet.width, self._limits.sheet_cells, "cells", "sheet_cells")
            if self._hidden_row:
                sheet.parts.hidden_rows.update(range(self._row, self._row + many))
        self._row += many

    def _note(self, notes: dict[Cell, Any], many: int, what: Any) -> None:
        self._noted += many * self._rows_repeated
        self._bound(self._noted, self._limits.noted_cells, "cells with errors, links, comments or dates", "noted_cells")
        for row in range(self._row, self._row + self._rows_repeated):
            for column in range(self._column, self._column + many):
                notes[row, column] = what

    def _bound(self, count: int, most: int, what: str, limit: str) -> None:
        if count > most:
            hint = self._limits.hint(limit)
            raise SourceError(f"{self._file} has more than {most:,} {what}; it was not read.", hint=hint)


def _value(given: dict[str, str], text: str) -> Any:
    kind = given.get("calcext:value-type") or given.get("office:value-type", "")
    if kind == "percentage" and text:
        return text
    if kind in ("float", "currency", "percentage"):
        if kind == "float" and _TELLING.match(text) and not _EXPONENT.fullmatch(text):
            return text
        with suppress(ValueError):
            return float(given.get("office:value", ""))
    if kind == "date":
        said = given.get("office:date-value", "")
        for read in (dt.date.fromisoformat, dt.datetime.fromisoformat):
            with suppress(ValueError):
                return read(said)
    if kind == "boolean":
        return given.get("office:boolean-value", text).upper()
    return text or given.get("office:string-value", "")


def _error(given: dict[str, str], text: str) -> str | None:
    """The word that stands in a cell in error, "" for a formula that was never calculated, None for other cells."""
    kind = given.get("office:value-type")
    if kind is None and not text and "table:formula" in given:
        return ""
    marked = given.get("calcext:value-type") == "error"
    if not marked and (kind is None or (kind == "string" and given.get("office:string-value") != "")):
        return None  # its text is its value
    return text.strip() if text.strip() and (marked or _ERROR.fullmatch(text.strip())) else None


def _count(given: dict[str, str], key: str) -> int:
    """A count; what is none counts as one."""
    value = given.get(key, "1")
    return max(1, int(value[:10])) if value.isascii() and value.isdigit() else 1
