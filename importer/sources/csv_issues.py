"""What can be wrong with a row of a CSV file, as issues with the line it begins on."""

from __future__ import annotations

from collections.abc import Sequence

from importer.model import Header, Issue, Place, Severity
from importer.sources.columns import letters
from importer.sources.csv_records import STRAY, UNCLOSED, Record


def quote_issue(file: str, record: Record) -> Issue:
    if record.problem == STRAY:
        message = "A quote stands where none can be; the row was read as most programs would."
        return Issue(Severity.WARNING, STRAY, message, Place(file, row=record.line), value=record.raw[:500])
    message = "A quote is opened here and never closed; the line was read by itself, and reading went on with the next."
    return Issue(Severity.ERROR, UNCLOSED, message, Place(file, row=record.line), value=record.raw[:500])


def short_row(header: Header, record: Record, *, usual: bool) -> Issue:
    """Cells are missing at the end: an error, for the line may have been cut, unless the writer always does so."""
    count, width = len(record.cells), len(header.columns)
    return Issue(
        Severity.WARNING if usual and not record.problem else Severity.ERROR,
        "short-row",
        f"The row has {count} cell{'s' if count != 1 else ''}, the header has {width}; "
        f"`{header.columns[count]}` and what follows it are missing.",
        Place(header.file, row=record.line),
        value=" | ".join(record.cells)[:500],
    )


def long_row(header: Header, record: Record) -> Issue:
    """Cells stand behind the last column; blank ones do not count."""
    count, width = len(record.cells), len(header.columns)
    return Issue(
        Severity.ERROR,
        "long-row",
        f"The row has {count} cells, the header has {width}; what stands in the others belongs to no column.",
        Place(header.file, row=record.line, letter=letters(width)),
        value=" | ".join(record.cells[width:])[:500],
    )


def nul_character(header: Header, line: int, cells: Sequence[str]) -> Issue:
    """A NUL among the cells of a row."""
    index = next(index for index, cell in enumerate(cells) if "\0" in cell)
    return Issue(
        Severity.ERROR,
        "nul-character",
        "The cell holds a NUL character; the file is damaged there, or is no text.",
        Place(header.file, row=line, letter=header.letters[index], column=header.columns[index]),
        value=cells[index][:200],
    )


def swallowed_lines(header: Header, record: Record) -> Issue | None:
    """A quoted cell whose lines look like rows: its quote may be one that was not closed."""
    width = len(header.columns)
    if record.span < 4 or width < 3:
        return None
    count = max((_like_rows(cell, width) for cell in record.cells), default=0)
    if not count:
        return None
    return Issue(
        Severity.WARNING,
        "swallowed-lines",
        f"A quoted cell holds {count} lines that look like rows; is a quote in line {record.line} not closed?",
        Place(header.file, row=record.line),
    )


def _like_rows(cell: str, width: int) -> int:
    """How many lines within a cell have as many delimiters as a row, if all inner ones have."""
    inner = cell.splitlines()[1:-1]
    if len(inner) < 2:
        return 0
    for delimiter in (",", ";", "\t", "|"):
        if all(line.count(delimiter) == width - 1 for line in inner):
            return len(inner)
    return 0


def blank_rows(file: str, count: int, first: int) -> Issue:
    """Rows of empty cells, which are no rows."""
    many = count > 1
    return Issue(
        Severity.INFO,
        "blank-rows",
        f"{count:,} row{'s' if many else ''} of empty cells {'were' if many else 'was'} left out.",
        Place(file, row=first),
    )
