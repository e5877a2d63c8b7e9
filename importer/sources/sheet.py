"""One sheet of a workbook: where its table is, and its rows as a person sees them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from msgspec import Struct

from importer.errors import SourceError
from importer.model import Header, Issue, Place, Severity
from importer.sources.header import find_header, letters, lists_actors, make_header
from importer.sources.number_format import shown, shown_date, shown_text
from importer.sources.options import ReadOptions
from importer.sources.workbook_cells import Grid, Merges, cell_text
from importer.sources.xlsx_parts import Cell, SheetParts

_SAMPLE_ROWS = 400
_BLOCK = 5_000
_LAST_COLUMN = 16_383
_DATES = frozenset((dt.date, dt.datetime, dt.time))
_TEXT = {str}
_FAILED = "The cell's formula ended in an error."
_UNSTORED = "The cell's formula has no stored value; open the workbook in Excel or LibreOffice and save it."
_STRUCK = "The cell is struck through in the workbook; the row was read all the same."
_PARTLY_STRUCK = "A part of the cell's text is struck through in the workbook; all of it was read."


Formats = Mapping[int, Sequence[tuple[int, str]]]
"""By 0-based row: columns and the formats of their cells."""


class Rows(Struct, tag=True):
    """Some rows of a table, each at the header's width; positions are counted from the first of them."""

    numbers: list[int]
    cells: list[list[str]]
    issues: dict[int, list[Issue]]
    gaps: list[int]
    """Positions of rows behind blank ones."""


class Shown(Struct, tag=True):
    """What date cells among texts show in the workbook: position in the table, column, text (empty if unknown)."""

    dates: list[tuple[int, str, str]]


class _Beside(Struct, frozen=True):
    """A column of what stands behind the cells of another: link targets, comments."""

    of: int
    """Position of that column in a row."""
    texts: Mapping[Cell, str]


@dataclass(slots=True)
class Sheet:
    """A sheet with a table in it."""

    file: str
    name: str
    source: Grid | None
    header: Header
    columns: tuple[int, ...]
    """Which cells of a row, counted from the first used column, the header's columns are."""
    beside: tuple[_Beside, ...]
    """The columns of the header behind those."""
    first: int
    """0-based row at which the data begin."""
    header_row: int
    """1-based."""
    start: int
    """0-based column of a row's first cell."""
    merges: Merges
    parts: SheetParts
    date_columns: frozenset[int]
    """Those in which dates are usual."""
    actors: bool
    tabular: bool
    headline: str
    issues: list[Issue] = field(default_factory=list)
    _noted: set[int] = field(default_factory=set)
    """Rows with errors or struck cells."""
    _at: dict[int, int] = field(init=False)
    """Position in a row -> position in the header."""

    def __post_init__(self) -> None:
        self._at = {column: at for at, column in enumerate(self.columns)}

    @property
    def shown(self) -> str:
        return f"{self.name} (header in row {self.header_row})"

    def read(self, options: ReadOptions, date_formats: Callable[[], Formats]) -> Iterator[Issue | Rows | Shown]:
        """The sheet's issues, then its rows; rows of blank cells are no rows."""
        source = self.source
        assert source is not None
        yield from self.issues
        yield from self._beyond()
        yield from self._comments_elsewhere()
        parts, pick = self.parts, self.columns
        whole = pick == tuple(range(source.width)) and not self.beside
        self._noted = {row for cells in (parts.errors, parts.struck) for row, _ in cells}
        special = self._noted | self.merges.rows | parts.formats.keys()
        hidden = frozenset() if options.include_hidden else parts.hidden_rows
        passed: list[tuple[int, str]] = []
        dates: list[tuple[int, int, int]] = []
        count, gap = 0, False
        block = Rows([], [], {}, [])
        for index, cells in enumerate(source.iter_rows()):
            if index < self.first:
                continue
            kinds = set(map(type, cells))
            row = (
                list(cells)
                if kinds == _TEXT
                else [cell if cell.__class__ is str else cell_text(cell) for cell in cells]
            )
            if index in hidden:
                if text := next((cell.strip() for cell in row if cell.strip()), ""):
                    passed.append((index + 1, text))
                continue
            issues = self._special(index, row, cells) if index in special else ()
            if not _DATES.isdisjoint(kinds):
                dates += [
                    (count, index, at) for at, cell in enumerate(cells)
                    if cell.__class__ in _DATES and at not in self.date_columns
                ]  # fmt: skip
            if not whole:
                row = [row[column] for column in pick] + [
                    one.texts.get((index, self.start + one.of), "") for one in self.beside
                ]
            if not (row and row[0].strip()) and not "".join(row).strip():
                yield from issues  # formulas were all there was in it
                gap = True
                continue
            at = len(block.numbers)
            if issues:
                block.issues[at] = issues
            if gap and count:
                block.gaps.append(at)
            gap = False
            block.numbers.append(index + 1)
            block.cells.append(row)
            count += 1
            if at + 1 == _BLOCK:
                yield block
                block = Rows([], [], {}, [])
            if count > options.limits.rows:
                break  # the parent says so
        yield block
        if dates:
            yield self._shown_dates(dates, date_formats())
        if passed:
            yield self._hidden_rows(passed)

    def _special(self, index: int, row: list[str], cells: Sequence[Any]) -> list[Issue]:
        """Puts in what calamine leaves out: formats, values of cells merged downwards, and error values."""
        issues, parts = [], self.parts
        blank = not any(row)
        for column, code in parts.formats.get(index, ()):
            position = column - self.start
            if not 0 <= position < len(cells) or cells[position] == "":
                continue
            cell = cells[position]
            text = shown_text(cell, code) if cell.__class__ is str else None
            if cell.__class__ in (float, int):
                text = shown(cell, code)
            row[position] = row[position] if text is None else text
        for column, text, origin in self.merges.fill(index):
            position = column - self.start
            if blank or not 0 <= position < len(row) or row[position]:
                continue
            row[position] = text
            message = f"The cell is merged with row {origin + 1}; that row's value was taken."
            issues.append(Issue(Severity.INFO, "merged-cell", message, self._place(index, position), value=text))
        struck: list[tuple[int, bool]] = []
        for position in range(len(row)) if index in self._noted else ():
            at = (index, self.start + position)
            error = parts.errors.get(at)
            if error is not None:
                row[position] = error or row[position]
                if error or not row[position]:
                    issues.append(self._problem(error, index, position))
            if row[position] and at in parts.struck and position in self._at:
                struck.append((position, parts.struck[at]))
        if struck:
            position, all_of_it = struck[0]
            issues.append(
                Issue(
                    Severity.WARNING,
                    "struck-through",
                    _STRUCK if all_of_it else _PARTLY_STRUCK,
                    self._place(index, position),
                    value=row[position],
                )
            )
        return issues

    def _problem(self, text: str, index: int, position: int) -> Issue:
        code, message = ("error-cell", _FAILED) if text else ("formula-without-value", _UNSTORED)
        return Issue(Severity.WARNING, code, message, self._place(index, position), value=text)

    def _beyond(self) -> Iterator[Issue]:
        """The same in the header and past the last cell with a value, where the parser's rectangle ends."""
        assert self.source is not None
        assert self.source.end is not None
        end_row, end_column = self.source.end
        for (index, column), text in sorted(self.parts.errors.items()):
            inside = self.first <= index <= end_row and self.start <= column <= end_column
            if not inside and index >= self.header_row - 1:
                yield self._problem(text, index, column - self.start)

    def _comments_elsewhere(self) -> Iterator[Issue]:
        """Comments on the header, on titles, and on cells of no column."""
        read = {self.start + one.of for one in self.beside if one.texts is self.parts.comments}
        for (index, column), text in sorted(self.parts.comments.items()):
            if index < self.first or column not in read:
                message = "The cell has a comment, which belongs to no row; it was not read."
                yield Issue(
                    Severity.INFO, "comment", message, self._place(index, column - self.start), value=text[:500]
                )

    def _shown_dates(self, dates: list[tuple[int, int, int]], formats: Formats) -> Shown:
        wanted = {(index, at) for _, index, at in dates}
        assert self.source is not None
        found: dict[Cell, str] = {}
        for index, cells in enumerate(self.source.iter_rows()):
            for column, code in formats.get(index, ()):
                if (index, column - self.start) in wanted:
                    found[index, column - self.start] = shown_date(cells[column - self.start], code)
        return Shown([
            (position, self.header.columns[self._at[at]], found.get((index, at), ""))
            for position, index, at in dates
            if at in self._at
        ])  # fmt: skip

    def _hidden_rows(self, passed: list[tuple[int, str]]) -> Issue:
        many = len(passed) > 1
        numbers = ", ".join(str(number) for number, _ in passed[:20]) + (", ..." if len(passed) > 20 else "")
        return Issue(
            Severity.WARNING,
            "hidden-rows",
            f"{len(passed):,} row{'s are' if many else ' is'} hidden or filtered out in the workbook and "
            f"{'were' if many else 'was'} left out ({'rows' if many else 'row'} {numbers}); --include-hidden reads "
            f"{'them' if many else 'it'}.",
            Place(self.file, self.name, passed[0][0]),
            value=", ".join(text[:60] for _, text in passed[:10]),
        )

    def _place(self, index: int, position: int) -> Place:
        at = self._at.get(position, -1)
        if at < 0:
            return Place(self.file, self.name, index + 1, letters(self.start + position))
        return Place(self.file, self.name, index + 1, self.header.letters[at], self.header.columns[at])


def find_table(
    file: str,
    kind: str,
    name: str,
    source: Grid,
    options: ReadOptions,
    parts: SheetParts,
) -> Sheet | None:
    """The table of a sheet, None when the sheet is empty."""
    if source.start is None or not source.height or not source.width:
        return None
    start = source.start[1]
    sample = [list(cells) for cells in islice(source.iter_rows(), _SAMPLE_ROWS + source.start[0])]
    rows = [[cell_text(cell) for cell in cells] for cells in sample]
    asked = options.per_sheet_header.get(name, 0) or options.header_row
    position = asked - 1 if asked else find_header(rows, options.name_columns)
    if asked and not (position < len(rows) and any(rows[position])):
        raise SourceError(f"{file}: the sheet {name} has no header in row {asked}, where it was said to be.")
    if position < 0:
        return None
    merges = Merges.of(source.merged_cell_ranges or ())
    words, last = merges.header_words(rows, position, start)
    used = _columns(source, words, last + 1)
    hidden = _hidden(parts, start, used) if not options.include_hidden else frozenset[int]()
    columns = tuple(column for column in used if column not in hidden)
    beside = _beside(source, parts, start, last + 1, columns)
    header, issues = make_header(
        file,
        kind,
        [words[column] for column in columns],
        row=position + 1,
        sheet=name,
        positions=[start + column for column in columns],
    )
    header = _with_beside(header, columns, beside, parts)
    issues += [
        _hidden_column(file, name, position + 1, letters(start + column), words[column]) for column in sorted(hidden)
    ]
    above = [" | ".join(cell.strip() for cell in row if cell.strip()) for row in rows[:position]]
    above = [text for text in above if text]
    if above:
        first = next(index for index, row in enumerate(rows) if any(cell.strip() for cell in row))
        issues.insert(0, _titles(file, name, first + 1, above))
    filled = [words[column] for column in columns if words[column].strip()]
    return Sheet(
        file=file,
        name=name,
        source=source,
        header=header,
        columns=columns,
        beside=beside,
        first=last + 1,
        header_row=position + 1,
        start=start,
        merges=merges.with_values(source, last + 1, start),
        parts=parts,
        date_columns=_date_columns(sample[last + 1 :], source.width),
        actors=lists_actors(name, above, words, options.name_columns),
        tabular=bool(filled) and source.start[0] + source.height > last + 1,
        headline=", ".join(filled)[:200],
        issues=issues,
    )


def _columns(source: Grid, words: list[str], first: int) -> tuple[int, ...]:
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


def _hidden(parts: SheetParts, start: int, columns: Sequence[int]) -> frozenset[int]:
    hidden, reach = set[int](), -1
    for first, last in sorted(parts.hidden_columns):
        hidden.update(range(max(first, reach + 1), min(last, _LAST_COLUMN) + 1))
        reach = max(reach, last)
    return frozenset(column for column in columns if start + column in hidden)


def _hidden_column(file: str, sheet: str, row: int, letter: str, word: str) -> Issue:
    return Issue(
        Severity.WARNING,
        "hidden-column",
        f"The column {letter} is hidden in the workbook and was left out; --include-hidden reads it.",
        Place(file, sheet, row, letter, word.strip()),
        value=word.strip(),
    )


def _beside(source: Grid, parts: SheetParts, start: int, first: int, columns: Sequence[int]) -> tuple[_Beside, ...]:
    """A column for each that has link targets behind other texts, or comments."""
    behind: dict[int, list[tuple[int, str]]] = {}
    for (row, column), target in parts.links.items():
        if row >= first and target[:8].casefold().startswith(("http://", "https://", "ftp://")):
            behind.setdefault(row, []).append((column, target))
    links: dict[Cell, str] = {}
    for index, cells in enumerate(source.iter_rows()) if behind else ():
        for column, target in behind.get(index, ()):
            at = column - start
            if not 0 <= at < len(cells) or target.rstrip("/") not in str(cells[at]):
                links[index, column] = target
    commented = {column - start for row, column in parts.comments if row >= first}
    linked = {column - start for _, column in links}
    return (
        *(_Beside(column, links) for column in columns if column in linked),
        *(_Beside(column, parts.comments) for column in columns if column in commented),
    )


def _with_beside(header: Header, columns: Sequence[int], beside: Sequence[_Beside], parts: SheetParts) -> Header:
    names, places = dict.fromkeys(header.columns), list(header.letters)
    positions = {column: at for at, column in enumerate(columns)}
    for one in beside:
        at = positions[one.of]
        name = f"{'Comment' if one.texts is parts.comments else 'Link'} ({header.columns[at]})"
        while name in names:
            name += " +"
        names[name] = None
        places.append(header.letters[at])
    return Header(header.file, header.kind, tuple(names), tuple(places), header.sheet)


def _date_columns(sample: Sequence[Sequence[Any]], width: int) -> frozenset[int]:
    """Columns in which at least half of what is filled are dates."""
    found = set()
    for at in range(width):
        filled = [cell for row in sample if (cell := row[at]) != ""]
        if filled and sum(cell.__class__ in _DATES for cell in filled) * 2 >= len(filled):
            found.add(at)
    return frozenset(found)


def _titles(file: str, sheet: str, first: int, above: list[str]) -> Issue:
    many = len(above) > 1
    return Issue(
        Severity.INFO,
        "above-header",
        f"{len(above)} row{'s' if many else ''} above the header {'are' if many else 'is'} not part of the list.",
        Place(file, sheet, first),
        value=" / ".join(above)[:500],
    )
