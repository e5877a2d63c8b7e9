"""Rows of a CSV file in tables: each at the header's width, each oddity an issue with its line."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from importer.errors import SourceError
from importer.model import Issue
from importer.sources.csv_issues import blank_rows, long_row, nul_character, quote_issue, short_row, swallowed_lines
from importer.sources.csv_records import Block, Record
from importer.sources.csv_shape import Shape
from importer.sources.options import ReadOptions
from importer.sources.table import Batch, Table


def row_tables(shape: Shape, options: ReadOptions, found: Iterator[Block | Record]) -> Iterator[Issue | Table]:
    """Tables of at most `options.batch` rows, one at least; an issue at the end for blank rows."""
    rows = _Rows(shape, options)
    for item in found:
        if isinstance(item, Record):
            yield from rows.take(item)
        elif rows.plain(item):
            yield from rows.take_block(item)
        else:
            for line, cells in enumerate(item.rows, item.line):
                yield from rows.take(Record(line, cells))
    yield from rows.rest()


class _Rows:
    def __init__(self, shape: Shape, options: ReadOptions) -> None:
        self._shape = shape
        self._options = options
        self._width = len(shape.header.columns)
        self._batch = Batch(shape.header, options.batch)
        self._blank = 0
        self._first_blank = 0
        self._lines = 0
        """Blank lines, those without any delimiter among them."""
        self._total = 0

    def plain(self, block: Block) -> bool:
        """Whether all rows of a block have the header's width, a first cell, and no NUL."""
        return (
            not block.nul
            and set(map(len, block.rows)) == {self._width}
            and all(map(str.strip, map(itemgetter(0), block.rows)))
        )

    def take_block(self, block: Block) -> Iterator[Table]:
        if len(self._batch.rows) + len(block.rows) > self._options.batch and self._batch.rows:
            yield self._table()
        self._batch.extend(block.line, block.rows)
        if len(self._batch.rows) >= self._options.batch:
            yield self._table()

    def take(self, record: Record) -> Iterator[Table]:
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
        if self._batch.add(record.line, cells, issues=issues):
            yield self._table()

    def rest(self) -> Iterator[Issue | Table]:
        if self._batch.rows or not self._total:
            yield self._table()
        if self._blank:
            yield blank_rows(self._shape.header.file, self._blank, self._first_blank)

    def _table(self) -> Table:
        self._total += len(self._batch.rows)
        if self._total > self._options.limits.rows:
            file = self._shape.header.file
            raise SourceError(f"{file} has more than {self._options.limits.rows:,} rows; split it.")
        return self._batch.take()

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
