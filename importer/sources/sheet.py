"""One sheet of a workbook: where its table is, and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from importer.errors import SourceError
from importer.model import Header, Issue, Place, Severity, Table
from importer.sources.header import find_header, letters, lists_actors, make_header
from importer.sources.options import ReadOptions
from importer.sources.table import RowList
from importer.sources.workbook_cells import Merges, cell_text
from importer.sources.workbook_scan import Scan

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_SAMPLE_ROWS = 400
_FAILED = "The cell's formula ended in an error."
_UNSTORED = "The cell's formula has no stored value; open the workbook in Excel or LibreOffice and save it."


@dataclass(slots=True)
class Sheet:
    """A sheet with a table in it."""

    file: str
    name: str
    source: CalamineSheet | None
    header: Header
    columns: tuple[int, ...]
    """Which cells of a row, counted from the first used column, the header's columns are."""
    first: int
    """0-based row at which the data begin."""
    header_row: int
    """1-based."""
    start: int
    """0-based column of a row's first cell."""
    merges: Merges
    errors: Mapping[tuple[int, int], str]
    actors: bool
    tabular: bool
    headline: str
    issues: list[Issue] = field(default_factory=list)

    @property
    def shown(self) -> str:
        return f"{self.name} (header in row {self.header_row})"

    def read(self, options: ReadOptions) -> Iterator[Issue | Table]:
        """The sheet's issues, then its rows; rows of blank cells are no rows."""
        assert self.source is not None
        yield from self.issues
        yield from self._beyond()
        found = RowList(self.header, options.limits.rows)
        whole = self.columns == tuple(range(self.source.width))
        pick = self.columns
        special = {row for row, _ in self.errors} | self.merges.rows
        for index, cells in enumerate(self.source.iter_rows()):
            if index < self.first:
                continue
            row = [cell if cell.__class__ is str else cell_text(cell) for cell in cells]
            issues = self._special(index, row) if index in special else ()
            if not whole:
                row = [row[column] for column in pick]
            if not (row and row[0].strip()) and not "".join(row).strip():
                yield from issues  # formulas were all there was in it
                found.gap()
                continue
            found.add(index + 1, row, issues=issues)
        yield found.table()

    def _special(self, index: int, row: list[str]) -> list[Issue]:
        """Puts in what calamine leaves out: values of cells merged downwards, and error values."""
        issues = []
        blank = not any(row)
        for column, text, origin in self.merges.fill(index):
            position = column - self.start
            if blank or not 0 <= position < len(row) or row[position]:
                continue
            row[position] = text
            issues.append(
                Issue(
                    Severity.INFO,
                    "merged-cell",
                    f"The cell is merged with row {origin + 1}; that row's value was taken.",
                    self._place(index, position),
                    value=text,
                )
            )
        for (at, column), text in self.errors.items() if len(self.errors) < 50 else self._errors_at(index):
            position = column - self.start
            if at != index or not 0 <= position < len(row):
                continue
            row[position] = text or row[position]
            if not row[position] or text:
                issues.append(self._problem(text, at, position))
        return issues

    def _errors_at(self, index: int) -> list[tuple[tuple[int, int], str]]:
        columns = range(self.start, self.start + (self.source.width if self.source else 0))
        return [((index, column), self.errors[index, column]) for column in columns if (index, column) in self.errors]

    def _problem(self, text: str, index: int, position: int) -> Issue:
        code, message = ("error-cell", _FAILED) if text else ("formula-without-value", _UNSTORED)
        return Issue(Severity.WARNING, code, message, self._place(index, position), value=text)

    def _beyond(self) -> Iterator[Issue]:
        """The same in the header and past the last cell with a value, where the parser's rectangle ends."""
        assert self.source is not None
        assert self.source.end is not None
        end_row, end_column = self.source.end
        for (index, column), text in sorted(self.errors.items()):
            inside = self.first <= index <= end_row and self.start <= column <= end_column
            if not inside and index >= self.header_row - 1:
                yield self._problem(text, index, column - self.start)

    def _place(self, index: int, position: int) -> Place:
        if position not in self.columns:
            return Place(self.file, self.name, index + 1, letters(self.start + position))
        at = self.columns.index(position)
        return Place(self.file, self.name, index + 1, self.header.letters[at], self.header.columns[at])


def find_table(
    file: str,
    scan: Scan,
    name: str,
    source: CalamineSheet,
    options: ReadOptions,
) -> Sheet | None:
    """The table of a sheet, None when the sheet is empty."""
    if source.start is None or not source.height or not source.width:
        return None
    start = source.start[1]
    rows = [[cell_text(cell) for cell in cells] for cells in islice(source.iter_rows(), _SAMPLE_ROWS + source.start[0])]
    asked = options.per_sheet_header.get(name, 0) or options.header_row
    position = asked - 1 if asked else find_header(rows, options.name_columns)
    if asked and not (position < len(rows) and any(rows[position])):
        raise SourceError(f"{file}: the sheet {name} has no header in row {asked}, where it was said to be.")
    if position < 0:
        return None
    merges = Merges.of(source.merged_cell_ranges or scan.merges.get(name, ()))
    words, last = merges.header_words(rows, position, start)
    columns = _columns(source, words, last + 1)
    header, issues = make_header(
        file,
        scan.kind,
        [words[column] for column in columns],
        row=position + 1,
        sheet=name,
        positions=[start + column for column in columns],
    )
    above = [" | ".join(cell.strip() for cell in row if cell.strip()) for row in rows[:position]]
    above = [text for text in above if text]
    if above:
        first = next(index for index, row in enumerate(rows) if any(cell.strip() for cell in row))
        issues.insert(0, _titles(file, name, first + 1, above))
    filled = [word for word in words if word.strip()]
    return Sheet(
        file=file,
        name=name,
        source=source,
        header=header,
        columns=columns,
        first=last + 1,
        header_row=position + 1,
        start=start,
        merges=merges.with_values(source, last + 1, start),
        errors=scan.errors.get(name, {}),
        actors=lists_actors(name, above, words, options.name_columns),
        tabular=bool(filled) and source.start[0] + source.height > last + 1,
        headline=", ".join(filled)[:200],
        issues=issues,
    )


def _columns(source: CalamineSheet, words: list[str], first: int) -> tuple[int, ...]:
    """The columns with a header word, and those without one that hold data all the same."""
    blank = [column for column, word in enumerate(words) if not word.strip()]
    used: set[int] = set()
    if blank:
        for index, cells in enumerate(source.iter_rows()):
            if index >= first:
                used.update(column for column in blank if column not in used and cells[column] != "")
                if len(used) == len(blank):
                    break
    return tuple(column for column, word in enumerate(words) if word.strip() or column in used)


def _titles(file: str, sheet: str, first: int, above: list[str]) -> Issue:
    many = len(above) > 1
    return Issue(
        Severity.INFO,
        "above-header",
        f"{len(above)} row{'s' if many else ''} above the header {'are' if many else 'is'} no row of the list.",
        Place(file, sheet, first),
        value=" / ".join(above)[:500],
    )
