"""Reads CSV and its relatives: every cell as the text that stands in the file."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator

from importer.errors import SourceError, UsageError
from importer.model import Issue, Place, Severity, SourceFile, Table
from importer.sources import delimiter as delimiters
from importer.sources.csv_records import Lines, Record, records
from importer.sources.csv_rows import read_rows
from importer.sources.csv_shape import Shape
from importer.sources.encoding import Encoding, detect
from importer.sources.header_row import find_header
from importer.sources.located import Opened
from importer.sources.options import ReadOptions
from importer.sources.refusal import not_a_list
from importer.sources.stray_bytes import StrayBytes
from importer.text.header_words import known_count

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
        return detect(stream)


def _read(
    opened: Opened, options: ReadOptions, encoding: Encoding, text: Iterator[str]
) -> Iterator[SourceFile | Issue | Table]:
    strays = StrayBytes(opened.file)
    lines = strays.watch(text) if encoding.reason == "mixed" else text
    sample = _sample_lines(lines)
    if sample:
        sample[0] = sample[0].removeprefix("\ufeff")  # an encoding named without its mark leaves it in the text
    first_line, asked = 1, options.delimiter
    announced = delimiters.sep_line(sample[0]) if sample else ""
    if announced:
        first_line, asked = 2, asked or announced
        del sample[0]
    whole = sample[:-1] if len(sample) > 1 and not sample[-1].endswith(("\n", "\r")) else sample
    dialect = delimiters.detect(whole, _delimiter(asked))
    beginning = list(
        itertools.islice(
            records(Lines(iter(sample), options.limits.quoted_lines), dialect, options.limits, first_line),
            _SAMPLE_RECORDS,
        )
    )
    position = _header_position(opened, options, beginning)
    _refuse_prose(opened, dialect, beginning, position)
    shape = Shape.of(opened, options, beginning, position)
    yield _source_file(opened, encoding, dialect, shape)
    yield from _guess_issues(opened, encoding, whole, first_line)
    if dialect.skip_blanks:
        message = "Blanks between a delimiter and the cell after it are left out: some stand before a quote."
        yield Issue(Severity.INFO, "skipped-blanks", message, Place(opened.file))
    yield from _titles(opened, beginning[:position])
    yield from shape.issues
    feed = Lines(itertools.chain(sample[shape.data_line - first_line :], lines), options.limits.quoted_lines)
    yield from read_rows(shape, options, feed, dialect)
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


def _source_file(opened: Opened, encoding: Encoding, dialect: delimiters.Dialect, shape: Shape) -> SourceFile:
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
            f"{len(lines)} line{'s are' if len(lines) > 1 else ' is'} above the header and no row.",
            Place(opened.file, row=lines[0].line),
            value=" / ".join(" | ".join(cell for cell in record.cells if cell.strip()) for record in lines)[:500],
        )
