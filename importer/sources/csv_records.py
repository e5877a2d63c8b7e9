"""How a text separates and quotes its cells, and its records with the line each begins on.

Regular lines are read by pandas' own reader, all others carefully: regular are those that hold one row each, of the
header's width, in which every quote opens or closes a whole cell. Of these there is one reading only. In the others
broken quoting costs one line, never the rest.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from importer.errors import SourceError
from importer.sources.options import Limits
from importer.text.header_words import known_count

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CANDIDATES = (",", ";", "\t", "|", "/", ":", "^", "~", "\x1f", "\x01", "\x1e")
_RARE = frozenset("/:")
_SAMPLE_ROWS = 200
_SEP_LINE = re.compile(r'\A"?sep=(.)"?\r?\n?\Z', re.IGNORECASE)


class Dialect(Struct, frozen=True):
    """What the csv module is told."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    """A backslash where quotes within cells are written with one, else nothing: they are doubled."""
    skip_blanks: bool = False
    """Blanks between a delimiter and a quote do not count, on either side of a cell."""
    single_column: bool = False
    """No delimiter was found; the text is one column."""

    @property
    def shown(self) -> str:
        if self.single_column:
            return "none (one column)"
        return {"\t": "tab", "\x1f": "unit separator", "\x01": "SOH", "\x1e": "record separator"}.get(
            self.delimiter, self.delimiter
        )

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """A csv reader that reports broken quoting instead of guessing."""
        if self.skip_blanks:
            behind = re.compile(rf'"[ \t]+(?={re.escape(self.delimiter)}|\r?\n?\Z)')
            lines = (behind.sub('"', line) for line in lines)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            doublequote=not self.escape,
            escapechar=self.escape or None,
            skipinitialspace=self.skip_blanks,
            strict=True,
        )


def sep_line(line: str) -> str:
    """The delimiter that Excel's first line `sep=;` announces, else nothing."""
    match = _SEP_LINE.match(line)
    return match[1] if match else ""


def detect_dialect(lines: list[str], delimiter: str = "") -> Dialect:
    """The dialect in which the sample falls into the most even rows.

    `lines` keep their ends; the last one may be cut off and is better left out by the caller. Known header words
    weigh as much as evenness, and the plain dialect wins where another is not clearly better.
    """
    text = "".join(lines)
    best, best_score = Dialect(delimiter or ",", single_column=not delimiter), 0.0
    for candidate in (delimiter,) if delimiter else CANDIDATES:
        if candidate not in text:
            continue
        for dialect, penalty in _variants(candidate, text):
            score = _score(dialect, lines) - penalty
            if score > best_score + 1e-9:
                best, best_score = dialect, score
    return best


def _variants(delimiter: str, text: str) -> Iterator[tuple[Dialect, float]]:
    mark = re.escape(delimiter)
    # A whole cell in quotes behind a blank: its quotes are none of its text, whether or not a delimiter is in it.
    whole = bool(re.search(rf'{mark}[ ]+"[^"\n]*"[ ]*(?={mark}|\r?$)', text, re.MULTILINE))
    yield Dialect(delimiter), 0.01 if whole else 0.0
    if whole or re.search(rf'(?:{mark}|^)[ ]+"|"[ ]+{mark}', text, re.MULTILINE):
        yield Dialect(delimiter, skip_blanks=True), 0.0 if whole else 0.02
    # A doubled quote in the middle of a cell shows how quotes are written: a backslash before one is then JSON's.
    if '\\"' in text and not re.search(rf'[^\\{mark}\n"]""[^{mark}\r\n"]', text):
        yield Dialect(delimiter, escape="\\"), 0.02
    if len(re.findall(rf"(?:^|{mark})'[^'\n]*'(?={mark}|\r?$)", text, re.MULTILINE)) >= 4:
        yield Dialect(delimiter, quote="'"), 0.1


def _score(dialect: Dialect, lines: list[str]) -> float:
    rows: list[list[str]] = []
    broken = 0
    source = iter(lines)
    reader = dialect.reader(source)
    while len(rows) < _SAMPLE_ROWS:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            broken += 1
            continue
        if row:
            rows.append(row)
    if not rows:
        return 0.0
    width, times = max(Counter(len(row) for row in rows).items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    if width < 2:
        return 0.0
    even = times / (len(rows) + broken)
    words = max(known_count(row) for row in rows[:20])
    if dialect.delimiter in _RARE and (even < 0.9 or not words):
        return 0.0
    return even + min(words, 4) * 0.5 + min(width, 20) * 0.01 - (0.05 if dialect.delimiter in _RARE else 0)


UNCLOSED = "unclosed-quote"
STRAY = "stray-quote"


class Record(NamedTuple):
    """One record: where it begins, its cells, how many lines it spans, and what is wrong with its quoting."""

    line: int
    cells: list[str]
    span: int = 1
    problem: str = ""
    raw: str = ""
    """The line itself, where there is a problem."""
    over: str = ""
    """The limit within which its quote is not closed, where it is not the file's end."""


class Lines:
    """Feeds lines to the csv reader and remembers those of the record under way, so that they can be read again."""

    def __init__(self, lines: Iterator[str], most: int, reread: int = 5_000_000) -> None:
        """At most `most` lines are one record; only 2 when more than `reread` have been read again."""
        self._lines = lines
        self._most = most
        self._reread_most = reread
        self._again: list[str] = []
        self._reread = 0
        self.held: list[str] = []

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if len(self.held) >= self._most:
            raise csv.Error("too many lines in one cell")
        line = self._again.pop() if self._again else next(self._lines)
        self.held.append(line)
        return line

    def take(self, count: int) -> list[str]:
        """The next lines at once; fewer at the end, or where some are to be read again."""
        if self._again:
            taken = self._again[-count:][::-1]
            del self._again[-count:]
            return taken
        return list(islice(self._lines, count))

    def put_back(self, lines: list[str]) -> None:
        self._again.extend(reversed(lines))

    def give_back(self) -> str:
        """Takes the first held line out and puts the others back; returns the first."""
        first = self.held[0]
        self.put_back(self.held[1:])
        self._reread += len(self.held) - 1
        if self._reread > self._reread_most:
            self._most = 2
        self.held.clear()
        return first


def records(feed: Lines, dialect: Dialect, limits: Limits, file: str, first_line: int = 1) -> Iterator[Record]:
    """All records, blank ones as empty lists.

    A record whose quote is not closed before the end, within `limits.quoted_lines`, or before a character that cannot
    follow a closing quote, is given up: its first line is one record with a problem, reading goes on with the next.
    Raises SourceError for a line with a cell over `limits.cell_chars`.
    """
    csv.field_size_limit(limits.cell_chars)
    reader = dialect.reader(feed)
    held = feed.held
    line = first_line
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if not held:
                return
            if len(held[0]) > limits.cell_chars:
                raise SourceError(
                    f"{file} has a cell of more than {limits.cell_chars:,} characters in line {line}, or a quote there "
                    "that is not closed.",
                    hint=limits.hint("cell_chars"),
                ) from None
            problem = UNCLOSED if len(held) > 1 or _open_at_end(held[0], dialect) else STRAY
            over = "cell_chars" if sum(map(len, held)) > limits.cell_chars else ""
            over = "quoted_lines" if len(held) >= limits.quoted_lines else over
            raw = feed.give_back()
            yield Record(line, _lenient(raw, dialect), 1, problem, raw.rstrip("\r\n"), over)
            line += 1
            continue
        span = len(held)
        held.clear()
        yield Record(line, cells, span)
        line += span


def _open_at_end(line: str, dialect: Dialect) -> bool:
    """Whether a single line is wrong because its quote stays open, not because something follows a closing one."""
    try:
        list(dialect.reader(iter([line, dialect.quote])))
    except csv.Error:
        return False
    return True


def _lenient(line: str, dialect: Dialect) -> list[str]:
    """The cells of one line with broken quoting, as most programs show them."""
    try:
        return next(
            csv.reader(
                [line.rstrip("\r\n")],
                delimiter=dialect.delimiter,
                quotechar=dialect.quote,
                doublequote=not dialect.escape,
                escapechar=dialect.escape or None,
                skipinitialspace=dialect.skip_blanks,
            ),
            [],
        )
    except csv.Error:
        return [line[:1000]]


def regular_rows(lines: Sequence[str], dialect: Dialect, width: int, cell_chars: int) -> npt.NDArray[np.object_] | None:
    """The cells of lines (with their ends) as an array of rows, all text; None where they are not regular.

    Rows whose first cell is blank are none of the regular ones: they may be blank as a whole, and are no rows then.
    """
    text = "".join(lines)
    if not _is_regular(lines, text, dialect, width, cell_chars):
        return None
    import pandas as pd

    try:
        frame = pd.read_csv(
            io.BytesIO(text.encode()),  # of a text it would encode a piece at a time
            sep=dialect.delimiter,
            header=None,
            names=range(width),
            index_col=False,
            dtype=object,
            keep_default_na=False,
            na_filter=False,
            skip_blank_lines=False,
            quotechar=dialect.quote,
            quoting=csv.QUOTE_MINIMAL if dialect.quote in text else csv.QUOTE_NONE,
            engine="c",
            low_memory=False,
        )
    except (UnicodeError, pd.errors.ParserError):  # half of a surrogate pair, say
        return None
    cells: npt.NDArray[np.object_] = frame.to_numpy()
    return cells if len(cells) == len(lines) and all(map(str.strip, cells[:, 0].tolist())) else None


def _is_regular(lines: Sequence[str], text: str, dialect: Dialect, width: int, cell_chars: int) -> bool:
    if dialect.escape or dialect.skip_blanks or dialect.single_column or not dialect.delimiter.isascii():
        return False
    returns = text.count("\r")
    if returns and not returns == text.count("\r\n") == text.count("\n"):
        return False
    if "\0" in text or text.startswith("\ufeff") or max(map(len, lines)) > cell_chars:
        return False
    if dialect.quote in text:
        outside = _outside_quotes(text, dialect)
        if outside is None:
            return False
        lines = outside.removesuffix("\n").split("\n")
    delimiter, inner = dialect.delimiter, width - 1
    return all(line.count(delimiter) == inner for line in lines)


def _outside_quotes(text: str, dialect: Dialect) -> str | None:
    """What is not in quotes; None where a quote is anywhere but at the border of a cell, or a cell goes over lines."""
    parts = text.split(dialect.quote)
    before, behind = (dialect.delimiter, "\n"), (dialect.delimiter, "\n", "\r")
    first, last, between = parts[0], parts[-1], parts[2:-1:2]
    if len(parts) % 2 == 0 or (first and first[-1] not in before) or (last and last[0] not in behind):
        return None
    # Nothing between two quotes within a cell is one quote, written twice.
    if not all(part[0] in behind and part[-1] in before for part in between if part):
        return None
    quoted = "".join(parts[1::2])
    return None if "\n" in quoted or "\r" in quoted else "".join(parts[::2])
