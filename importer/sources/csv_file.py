"""Reads CSV and its relatives: every cell as the text that stands in the file."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from importer.errors import SourceError, UsageError
from importer.model import Header, Issue, Place, Severity, SourceFile
from importer.sources import delimiter as delimiters
from importer.sources.columns import letters, make_header
from importer.sources.csv_records import STRAY, UNCLOSED, Record, records
from importer.sources.encoding import Encoding, detect, stray_bytes
from importer.sources.header_row import find_header
from importer.sources.header_words import known_count
from importer.sources.located import Opened
from importer.sources.options import ReadOptions
from importer.sources.refusal import not_a_list
from importer.sources.table import Batch, Table

_SAMPLE_CHARS = 256 * 1024
_SAMPLE_RECORDS = 200


def read_csv(opened: Opened, options: ReadOptions) -> Iterator[SourceFile | Issue | Table]:
    """SourceFile, issues of the file, then its rows in tables of `options.batch`."""
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
        return detect(stream)


def _read(
    opened: Opened, options: ReadOptions, encoding: Encoding, text: Iterator[str]
) -> Iterator[SourceFile | Issue | Table]:
    strays = _Strays(opened.file)
    lines = strays.watch(text) if encoding.reason == "mixed" else text
    sample = _sample_lines(lines)
    first_line, asked = 1, options.delimiter
    announced = delimiters.sep_line(sample[0]) if sample else ""
    if announced:
        first_line, asked = 2, asked or announced
        del sample[0]
    whole = sample[:-1] if len(sample) > 1 and not sample[-1].endswith(("\n", "\r")) else sample
    dialect = delimiters.detect(whole, _delimiter(asked))
    beginning = list(itertools.islice(records(iter(sample), dialect, options.limits, first_line), _SAMPLE_RECORDS))
    position = _header_position(opened, options, beginning)
    _refuse_prose(opened, dialect, beginning, position)
    shape = _Shape.of(opened, options, beginning, position)
    yield _source_file(opened, encoding, dialect, shape)
    yield from _guess_issues(opened, encoding, whole, first_line)
    yield from _titles(opened, beginning[:position])
    yield from shape.issues
    everything = records(itertools.chain(sample, lines), dialect, options.limits, first_line)
    yield from _rows(shape, options, itertools.islice(everything, position + 1, None))
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
    if not any(record.cells for record in beginning):
        raise not_a_list(opened.file, "a file of nothing but blanks")
    if not options.header_row:
        return find_header([record.cells for record in beginning], options.name_columns)
    for position, record in enumerate(beginning):
        if record.line <= options.header_row < record.line + record.span and record.cells:
            return position
    raise SourceError(f"{opened.file} has no header in line {options.header_row}, where it was said to be.")


def _refuse_prose(opened: Opened, dialect: delimiters.Dialect, beginning: list[Record], position: int) -> None:
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


@dataclass(slots=True)
class _Shape:
    """What the beginning of the file told of its columns."""

    header: Header
    line: int
    issues: list[Issue] = field(default_factory=list)
    short_is_usual: bool = False
    """The writer leaves out empty cells at the end of rows."""

    @classmethod
    def of(cls, opened: Opened, options: ReadOptions, beginning: list[Record], position: int) -> _Shape:
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
        if len(cells) > options.limits.columns:
            raise SourceError(
                f"{opened.file} has {len(cells):,} columns in line {found.line}; at most {options.limits.columns:,} are read."
            )
        used = (
            [any(index < len(row) and row[index] for row in data) for index in range(len(cells))] if "" in cells else []
        )
        header, issues = make_header(opened.file, "csv", cells, row=found.line, used=used)
        if found.problem:
            issues.append(_quote_issue(opened.file, found))
        short = sum(1 for row in data if len(row) < len(cells))
        return cls(header, found.line, issues, short >= 3 and short * 10 >= len(data))


def _filled_width(row: Sequence[str]) -> int:
    return max((index + 1 for index, cell in enumerate(row) if cell), default=0)


def _source_file(opened: Opened, encoding: Encoding, dialect: delimiters.Dialect, shape: _Shape) -> SourceFile:
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
            f"{len(lines)} line{'s' if len(lines) > 1 else ''} above the header {'are' if len(lines) > 1 else 'is'} no row.",
            Place(opened.file, row=lines[0].line),
            value=" / ".join(" | ".join(cell for cell in record.cells if cell.strip()) for record in lines)[:500],
        )


def _rows(shape: _Shape, options: ReadOptions, found: Iterator[Record]) -> Iterator[Issue | Table]:
    header = shape.header
    width = len(header.columns)
    batch = Batch(header, options.batch)
    blank, first_blank, total = 0, 0, 0
    add_row, add_number = batch.rows.append, batch.numbers.append
    for line, cells, span, problem, raw in found:
        if len(cells) == width and span == 1 and not problem and cells[0] and "\0" not in cells[0]:
            add_row(cells)  # the usual case, kept short: it runs for each of 100,000 rows
            add_number(line)
        else:
            record = Record(line, cells, span, problem, raw)
            if not problem and not "".join(cells).strip():
                if cells and not first_blank:
                    first_blank = line
                blank += bool(cells)
                continue
            fitted, issues = _fit(shape, record)
            batch.add(line, fitted, issues=issues)
        if len(batch.rows) >= options.batch:
            total += len(batch.rows)
            _check_rows(header.file, total, options)
            yield _finished(batch)
            add_row, add_number = batch.rows.append, batch.numbers.append
    if batch.rows or not total:
        yield _finished(batch)
    if blank:
        yield Issue(
            Severity.INFO,
            "blank-rows",
            f"{blank:,} row{'s' if blank > 1 else ''} of empty cells {'were' if blank > 1 else 'was'} left out.",
            Place(header.file, row=first_blank),
        )


def _check_rows(file: str, total: int, options: ReadOptions) -> None:
    if total > options.limits.rows:
        raise SourceError(f"{file} has more than {options.limits.rows:,} rows; split it.")


def _finished(batch: Batch) -> Table:
    """The batch as a table, NUL characters looked for in all of its cells at once."""
    for position, row in enumerate(batch.rows):
        if "\0" in "".join(row):
            header, number = batch.header, batch.numbers[position]
            index = next(index for index, cell in enumerate(row) if "\0" in cell)
            issue = Issue(
                Severity.ERROR,
                "nul-character",
                "The cell holds a NUL character; the file is damaged there, or is no text.",
                Place(header.file, row=number, letter=header.letters[index], column=header.columns[index]),
                value=row[index][:200],
            )
            batch.issues[position] = (*batch.issues.get(position, ()), issue)
    return batch.take()


def _fit(shape: _Shape, record: Record) -> tuple[list[str], list[Issue]]:
    """The cells at the header's width, and an issue for what was missing or too many."""
    header = shape.header
    width = len(header.columns)
    cells, issues = record.cells, []
    if record.problem:
        issues.append(_quote_issue(header.file, record))
    if len(cells) < width:
        issues.append(
            Issue(
                Severity.WARNING if shape.short_is_usual and not record.problem else Severity.ERROR,
                "short-row",
                f"The row has {len(cells)} cell{'s' if len(cells) != 1 else ''}, the header has {width}; "
                f"`{header.columns[len(cells)]}` and what follows it are missing.",
                Place(header.file, row=record.line),
                value=" | ".join(cells)[:500],
            )
        )
        cells = cells + [""] * (width - len(cells))
    elif len(cells) > width:
        extra = cells[width:]
        if any(cell.strip() for cell in extra):
            issues.append(
                Issue(
                    Severity.ERROR,
                    "long-row",
                    f"The row has {len(cells)} cells, the header has {width}; what stands in the others belongs to no column.",
                    Place(header.file, row=record.line, letter=letters(width)),
                    value=" | ".join(extra)[:500],
                )
            )
        cells = cells[:width]
    if record.span > 3 and width > 2:
        suspicious = _swallowed(cells, width)
        if suspicious:
            issues.append(
                Issue(
                    Severity.WARNING,
                    "swallowed-lines",
                    f"A quoted cell holds {suspicious} lines that look like rows; is a quote in line {record.line} not closed?",
                    Place(header.file, row=record.line),
                )
            )
    return cells, issues


def _swallowed(cells: list[str], width: int) -> int:
    """How many lines within one cell have as many delimiters as a row."""
    for cell in cells:
        inner = cell.splitlines()[1:-1]
        if len(inner) >= 2:
            for delimiter in (",", ";", "\t", "|"):
                count = sum(1 for line in inner if line.count(delimiter) == width - 1)
                if count == len(inner):
                    return count
    return 0


def _quote_issue(file: str, record: Record) -> Issue:
    if record.problem == STRAY:
        message = "A quote stands where none can be; the row was read as most programs would."
        return Issue(Severity.WARNING, STRAY, message, Place(file, row=record.line), value=record.raw[:500])
    message = "A quote is opened here and never closed; the line was read by itself, and reading went on with the next."
    return Issue(Severity.ERROR, UNCLOSED, message, Place(file, row=record.line), value=record.raw[:500])


class _Strays:
    """Bytes that are not UTF-8 in a text that otherwise is."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: list[int] = []
        self._example = ""

    def watch(self, text: Iterator[str]) -> Iterator[str]:
        for number, line in enumerate(text, 1):
            if not line.isascii() and any("\udc80" <= char <= "\udcff" for char in line):
                fixed = stray_bytes(line)
                self._lines.append(number)
                self._example = self._example or fixed.strip()[:200]
                yield fixed
            else:
                yield line

    def issues(self) -> Iterator[Issue]:
        if self._lines:
            shown = ", ".join(str(number) for number in self._lines[:20])
            more = f" and {len(self._lines) - 20:,} more" if len(self._lines) > 20 else ""
            yield Issue(
                Severity.WARNING,
                "encoding-mixed",
                f"The file is UTF-8, but bytes in line {shown}{more} are not; they were read as Windows-1252.",
                Place(self._file, row=self._lines[0]),
                value=self._example,
            )
