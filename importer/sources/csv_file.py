"""Reads CSV and its relatives: every cell as the text that stands in the file, each oddity an issue with its line."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from importer.errors import SourceError, UsageError
from importer.model import Header, Issue, Place, Severity, SourceFile, Table
from importer.sources.csv_records import (
    STRAY,
    UNCLOSED,
    Dialect,
    Lines,
    Record,
    detect_dialect,
    records,
    regular_rows,
    sep_line,
)
from importer.sources.encoding import Encoding, StrayBytes, candidates, detect, shown
from importer.sources.header import find_header, letters, make_header
from importer.sources.located import Deadline, Opened, not_a_list
from importer.sources.options import Limits, ReadOptions
from importer.sources.table import RowList
from importer.text.cell_text import unguarded
from importer.text.csv_text import is_ours
from importer.text.header_words import known_count


def quote_issue(file: str, record: Record, limits: Limits) -> Issue:
    if record.problem == STRAY:
        message = "There is a quote where none can be; the row was read as most programs would."
        return Issue(Severity.WARNING, STRAY, message, Place(file, row=record.line), value=record.raw[:500])
    closed = "never closed"
    if record.over:
        what = "lines" if record.over == "quoted_lines" else "characters"
        closed = f"not closed within {getattr(limits, record.over):,} {what}"
    message = f"A quote is opened here and {closed}; the line was read by itself, and reading went on with the next."
    if record.over:
        message += f" {limits.hint(record.over)}"
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
        "The cell holds a NUL character; the file is damaged there, or is not text.",
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


@dataclass(slots=True)
class Shape:
    """What the beginning of the file told of its columns."""

    header: Header
    line: int
    """The line of the header."""
    data_line: int
    """The line after the header, where the rows begin."""
    issues: list[Issue] = field(default_factory=list)
    short_is_usual: bool = False
    """The writer leaves out empty cells at the end of rows."""

    @classmethod
    def of(cls, opened: Opened, options: ReadOptions, beginning: list[Record], position: int) -> Shape:
        found = beginning[position]
        cells = list(found.cells)
        data = [record.cells for record in beginning[position + 1 :] if any(record.cells)]
        while (
            cells and not cells[-1].strip() and not any(len(row) >= len(cells) and row[len(cells) - 1] for row in data)
        ):
            cells.pop()
        wider = [row for row in data if any(row[len(cells) :])]
        if data and len(wider) * 2 > len(data):
            cells += [""] * (max(_filled_width(row) for row in wider) - len(cells))
        if not cells:
            raise not_a_list(opened.file, "a file without a row that could be a header")
        if len(cells) > options.limits.columns:
            raise SourceError(
                f"{opened.file} has {len(cells):,} columns in line {found.line}; "
                f"at most {options.limits.columns:,} are read.",
                hint=options.limits.hint("columns"),
            )
        used = (
            [any(index < len(row) and row[index] for row in data) for index in range(len(cells))] if "" in cells else []
        )
        if is_ours(cells):
            cells = [unguarded(cell) for cell in cells]
        header, issues = make_header(opened.file, "csv", cells, row=found.line, used=used)
        if found.problem:
            issues.append(quote_issue(opened.file, found, options.limits))
        short = sum(1 for row in data if len(row) < len(cells))
        return cls(header, found.line, found.line + found.span, issues, short >= 3 and short * 10 >= len(data))


def _filled_width(row: Sequence[str]) -> int:
    return max((index + 1 for index, cell in enumerate(row) if cell), default=0)


BLOCK = 20_000
"""Lines that are looked at together."""


def read_rows(
    shape: Shape, options: ReadOptions, feed: Lines, dialect: Dialect, deadline: Deadline
) -> Iterator[Issue | Table]:
    """The table of what `feed` holds from the line after the header on; an issue behind it for blank rows.

    Block by block: regular ones by pandas' reader, in the others each record for itself.
    """
    rows, limits = _Rows(shape, options), options.limits
    line, width, misses = shape.data_line, len(shape.header.columns), 0
    while taken := feed.take(BLOCK >> min(misses, 6)):
        deadline.check()
        cells = regular_rows(taken, dialect, width, limits.cell_chars)
        if cells is not None:
            rows.list.extend(line, cells)
            line, misses = line + len(taken), max(0, misses - 1)
            continue
        misses += 1
        feed.put_back(taken)
        end = line + len(taken)
        for record in records(feed, dialect, limits, shape.header.file, line):
            rows.take(record)
            line = record.line + record.span
            if line >= end:
                break
    table = rows.list.table()
    yield _without_guard(table) if is_ours(shape.header.columns) else table
    yield from rows.blank()


def _without_guard(table: Table) -> Table:
    """A table that this program wrote, without its guard against formulas."""
    guarded = [at for at in range(table.frame.shape[1]) if any(cell[:1] == "'" for cell in table.frame.iloc[:, at])]
    for at in guarded:
        table.frame.isetitem(at, [unguarded(cell) for cell in table.frame.iloc[:, at].tolist()])
    return table


class _Rows:
    def __init__(self, shape: Shape, options: ReadOptions) -> None:
        self._shape = shape
        self._options = options
        self._width = len(shape.header.columns)
        self.list = RowList(shape.header, options.limits)
        self._blank = 0
        self._first_blank = 0
        self._lines = 0
        """Blank lines, those without any delimiter among them."""

    def take(self, record: Record) -> None:
        if not record.problem and not "".join(record.cells).strip():
            self.list.gap()
            self._lines += 1
            if self._lines > self._options.limits.rows:
                file = self._shape.header.file
                raise SourceError(
                    f"{file} has more than {self._options.limits.rows:,} blank lines; it was not read on.",
                    hint=self._options.limits.hint("rows"),
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
            issues.append(quote_issue(header.file, record, self._options.limits))
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


_SAMPLE_CHARS = 256 * 1024
_SAMPLE_RECORDS = 200


def read_csv(opened: Opened, options: ReadOptions) -> Iterator[SourceFile | Issue | Table]:
    """SourceFile, issues of the file, then its table."""
    encoding = _encoding(opened, options)
    with opened.open() as stream:
        text = io.TextIOWrapper(stream, encoding.codec, encoding.errors, newline="")
        try:
            yield from _read(opened, options, encoding, text)
        except UnicodeError as error:
            raise SourceError(
                f"{opened.file} is not valid {encoding.shown}, the encoding it was read with.",
                hint="Name the right one with --encoding, or save the file as UTF-8.",
            ) from error


def _encoding(opened: Opened, options: ReadOptions) -> Encoding:
    if options.encoding:
        try:
            "".encode(options.encoding)
            b"".decode(options.encoding)
        except (LookupError, ValueError) as error:
            raise UsageError(f"There is no text encoding called {options.encoding!r}.") from error
        return Encoding(options.encoding, reason="asked")
    with opened.open() as stream:
        found = detect(stream)
    if found.reason == "unknown":
        with opened.open() as stream:
            text = next((piece for piece in iter(lambda: stream.read(1 << 20), b"") if not piece.isascii()), b"")
        raise SourceError(
            f"{opened.file} is neither UTF-8 nor a Western European text, and which encoding it is in cannot be told "
            "for sure.",
            hint=f"Name it with --encoding, or save the file as UTF-8. It may be {shown(candidates(text))}.",
        )
    return found


def _read(
    opened: Opened, options: ReadOptions, encoding: Encoding, text: Iterator[str]
) -> Iterator[SourceFile | Issue | Table]:
    strays = StrayBytes(opened.file)
    lines = strays.watch(text) if encoding.reason == "mixed" else text
    sample = _sample_lines(lines)
    if sample:
        sample[0] = sample[0].removeprefix("\ufeff")  # an encoding named without its mark leaves it in the text
    first_line, asked = 1, options.delimiter
    announced = sep_line(sample[0]) if sample else ""
    if announced:
        first_line, asked = 2, asked or announced
        del sample[0]
    whole = sample[:-1] if len(sample) > 1 and not sample[-1].endswith(("\n", "\r")) else sample
    dialect = detect_dialect(whole, _delimiter(asked))
    beginning = list(
        itertools.islice(
            records(Lines(iter(sample), options.limits.quoted_lines), dialect, options.limits, opened.file, first_line),
            _SAMPLE_RECORDS,
        )
    )
    position = _header_position(opened, options, beginning)
    _refuse_prose(opened, dialect, beginning, position)
    shape = Shape.of(opened, options, beginning, position)
    yield _source_file(opened, encoding, dialect, shape)
    yield from _guess_issues(opened, encoding, whole, first_line)
    if dialect.skip_blanks:
        message = "Blanks between delimiters and cells are left out: some stand before or behind a quote."
        yield Issue(Severity.INFO, "skipped-blanks", message, Place(opened.file))
    yield from _titles(opened, beginning[:position])
    yield from shape.issues
    feed = Lines(itertools.chain(sample[shape.data_line - first_line :], lines), options.limits.quoted_lines)
    yield from read_rows(shape, options, feed, dialect, opened.deadline)
    yield from strays.issues()


def _delimiter(asked: str) -> str:
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
    found = named.get(asked.lower(), asked)
    if len(found) > 1 or found in ("\n", "\r", '"'):
        raise UsageError(f"{asked!r} cannot be a delimiter: it is one character, or `tab`.")
    return found


def _sample_lines(text: Iterator[str]) -> list[str]:
    sample, chars = [], 0
    for line in text:
        sample.append(line)
        chars += len(line)
        if chars > _SAMPLE_CHARS and len(sample) > 20:
            break
    return sample


def _header_position(opened: Opened, options: ReadOptions, beginning: list[Record]) -> int:
    if not any("".join(record.cells).strip() for record in beginning):
        raise not_a_list(opened.file, "a file of nothing but blanks")
    if not options.header_row:
        return find_header([record.cells for record in beginning], options.name_columns)
    for position, record in enumerate(beginning):
        if record.line <= options.header_row < record.line + record.span and record.cells:
            return position
    raise SourceError(f"{opened.file} has no header in line {options.header_row}, where it was said to be.")


def _refuse_prose(opened: Opened, dialect: Dialect, beginning: list[Record], position: int) -> None:
    """Running text has commas too: no usual header word, and rows of all widths."""
    rows = [record.cells for record in beginning if any(record.cells)]
    header = beginning[position].cells
    if known_count(header) or len(rows) < 4:
        return
    if dialect.single_column:
        long = sum(1 for row in rows if len(row[0]) > 120)
        prose = long * 4 > len(rows) or (not opened.listed and " " in header[0].strip())
    else:
        prose = sum(1 for row in rows if len(row) == len(header)) * 2 < len(rows)
    if prose:
        raise not_a_list(opened.file, "running text or fixed-width columns, not a table of cells")


def _source_file(opened: Opened, encoding: Encoding, dialect: Dialect, shape: Shape) -> SourceFile:
    details = {"encoding": encoding.shown, "delimiter": dialect.shown, "header row": str(shape.line)}
    details["columns"] = str(len(shape.header.columns))
    if dialect.quote != '"':
        details["quote"] = dialect.quote
    if dialect.escape:
        details["escape"] = dialect.escape
    if opened.packed:
        details["packed"] = opened.packed
    return SourceFile(opened.file, "csv", opened.sha256, opened.size, details)


def _guess_issues(opened: Opened, encoding: Encoding, sample: list[str], first_line: int) -> Iterator[Issue]:
    if encoding.reason != "guessed":
        return
    place, value = Place(opened.file), ""
    for number, line in enumerate(sample, first_line):
        if not line.isascii():
            match = re.search(r"\S*[^\x00-\x7f]\S*", line)
            place, value = Place(opened.file, row=number), match[0] if match else ""
            break
    yield Issue(
        Severity.WARNING,
        "encoding-guessed",
        f"The file is not UTF-8; it was read as {encoding.shown}. Check that its letters are right, or name the "
        "encoding with --encoding.",
        place,
        value=value[:200],
    )


def _titles(opened: Opened, above: list[Record]) -> Iterator[Issue]:
    lines = [record for record in above if any(cell.strip() for cell in record.cells)]
    if lines:
        yield Issue(
            Severity.INFO,
            "above-header",
            f"{len(lines)} line{'s are' if len(lines) > 1 else ' is'} above the header and not part of the list.",
            Place(opened.file, row=lines[0].line),
            value=" / ".join(" | ".join(cell for cell in record.cells if cell.strip()) for record in lines)[:500],
        )
