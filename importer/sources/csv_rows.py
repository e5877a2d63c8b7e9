"""Rows of a CSV file in a table: each at the header's width, each oddity an issue with its line."""

from __future__ import annotations

from collections.abc import Iterator

from importer.errors import SourceError
from importer.model import Issue, Table
from importer.sources.csv_issues import blank_rows, long_row, nul_character, quote_issue, short_row, swallowed_lines
from importer.sources.csv_records import Lines, Record, records
from importer.sources.csv_regular import regular_rows
from importer.sources.csv_shape import Shape
from importer.sources.delimiter import Dialect
from importer.sources.options import ReadOptions
from importer.sources.table import RowList

BLOCK = 20_000
"""Lines that are looked at together."""


def read_rows(shape: Shape, options: ReadOptions, feed: Lines, dialect: Dialect) -> Iterator[Issue | Table]:
    """The table of what `feed` holds from the line after the header on; an issue behind it for blank rows.

    Block by block: regular ones by pandas' reader, in the others each record for itself.
    """
    rows, limits = _Rows(shape, options), options.limits
    line, width, misses = shape.data_line, len(shape.header.columns), 0
    while taken := feed.take(BLOCK >> min(misses, 6)):
        cells = regular_rows(taken, dialect, width, limits.cell_chars)
        if cells is not None:
            rows.list.extend(line, cells)
            line, misses = line + len(taken), max(0, misses - 1)
            continue
        misses += 1
        feed.put_back(taken)
        end = line + len(taken)
        for record in records(feed, dialect, limits, line):
            rows.take(record)
            line = record.line + record.span
            if line >= end:
                break
    yield rows.list.table()
    yield from rows.blank()


class _Rows:
    def __init__(self, shape: Shape, options: ReadOptions) -> None:
        self._shape = shape
        self._options = options
        self._width = len(shape.header.columns)
        self.list = RowList(shape.header, options.limits.rows)
        self._blank = 0
        self._first_blank = 0
        self._lines = 0
        """Blank lines, those without any delimiter among them."""

    def take(self, record: Record) -> None:
        if not record.problem and not "".join(record.cells).strip():
            self._lines += 1
            if self._lines > self._options.limits.rows:
                file = self._shape.header.file
                raise SourceError(
                    f"{file} has more than {self._options.limits.rows:,} blank lines; it was not read on."
                )
            if record.cells:
                self._first_blank = self._first_blank or record.line
                self._blank += 1
            return
        cells, issues = self._fitted(record)
        self.list.add(record.line, cells, issues=issues)

    def blank(self) -> Iterator[Issue]:
        """A word on the rows of empty cells."""
        if self._blank:
            yield blank_rows(self._shape.header.file, self._blank, self._first_blank)

    def _fitted(self, record: Record) -> tuple[list[str], list[Issue]]:
        """The cells at the header's width, and an issue for what is missing, too many or broken."""
        header, width = self._shape.header, self._width
        cells, issues = record.cells, []
        if record.problem:
            issues.append(quote_issue(header.file, record))
        if len(cells) < width:
            issues.append(short_row(header, record, usual=self._shape.short_is_usual))
            cells = cells + [""] * (width - len(cells))
        elif len(cells) > width:
            if any(cell.strip() for cell in cells[width:]):
                issues.append(long_row(header, record))
            cells = cells[:width]
        if record.span > 1 and (swallowed := swallowed_lines(header, record)):
            issues.append(swallowed)
        if any("\0" in cell for cell in cells):
            issues.append(nul_character(header, record.line, cells))
        return cells, issues
