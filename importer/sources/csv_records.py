"""Records of a CSV text with the line each begins on: regular lines by pandas' own reader, all others carefully.

Regular are lines that hold one row each, of the header's width, in which every quote opens or closes a whole cell. Of
these there is one reading only. In the others broken quoting costs one line, never the rest.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from importer.errors import SourceError
from importer.sources.delimiter import Dialect
from importer.sources.options import Limits

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


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
            io.StringIO(text),
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
