"""The cells of a workbook: the text that a person sees in one, and what merged ones give to headers and rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

_INFINITE = float("inf")


def cell_text(value: Any) -> str:
    """A cell as calamine gives it, as text: 5.0 is `5`, True is `TRUE`, dates are ISO 8601, durations `255:10:10`."""
    kind = value.__class__
    if kind is str:
        return str(value)
    if kind is float:
        return _number(value)
    if value is None:
        return ""
    if kind is bool:
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        if value.time() == dt.time():
            return value.date().isoformat()
        return value.isoformat(" ", "milliseconds" if value.microsecond else "seconds")
    if isinstance(value, dt.timedelta):
        return _duration(value)
    if isinstance(value, dt.time):
        return value.isoformat("milliseconds" if value.microsecond else "seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def _number(value: float) -> str:
    """As Excel shows it: no `.0`, at most 15 significant digits."""
    if -1e21 < value < 1e21:
        whole = int(value)
        return str(whole) if whole == value else f"{value:.15g}".upper()
    return f"{value:.15g}".upper() if -_INFINITE < value < _INFINITE else "#NUM!"


def _duration(value: dt.timedelta) -> str:
    seconds = value.total_seconds()
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{rest:02}"


Range = tuple[tuple[int, int], tuple[int, int]]


class Grid(Protocol):
    """The values of a sheet, as calamine gives them: all rows from the first, cells from the first used column."""

    @property
    def start(self) -> tuple[int, int] | None: ...
    @property
    def end(self) -> tuple[int, int] | None: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def merged_cell_ranges(self) -> Sequence[Range] | None: ...
    def iter_rows(self) -> Iterator[Sequence[Any]]: ...


class Merges(Struct, frozen=True):
    """The merged ranges of one sheet: 0-based (row, column) of both corners."""

    ranges: tuple[Range, ...]
    by_row: dict[int, list[tuple[int, str, int]]] = field(default_factory=dict)
    """Row -> (column, value, row the value stands in), for the rows below the first of each range."""

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Merges:
        return cls(tuple(((top, left), (bottom, right)) for (top, left), (bottom, right) in ranges if bottom >= top))

    @property
    def rows(self) -> set[int]:
        """Rows in which a value is to be put."""
        return set(self.by_row)

    def fill(self, row: int) -> Sequence[tuple[int, str, int]]:
        return self.by_row.get(row, ())

    def header_words(self, rows: list[list[str]], position: int, start: int) -> tuple[list[str], int]:
        """The words of the header at `position`, and the last row it reaches down to.

        A word merged over columns counts for each; where the header is merged over rows, the lowest word of a column
        counts, so that `Aliases` over `Kaspersky`, `Mandiant` gives the latter two.
        """
        words = list(rows[position])
        width = len(words)
        last = position
        for (top, left), (bottom, right) in self.ranges:
            if not top <= position <= bottom or top >= len(rows) or not 0 <= left - start < width:
                continue
            word = rows[top][left - start]
            if word and (right > left or bottom > top) and not (top < position and right - left + 1 >= width):
                for column in range(left - start, min(right - start + 1, width)):
                    words[column] = words[column] or word
                if bottom - position <= 20:
                    last = max(last, bottom)
        last = min(last, len(rows) - 1)
        for below in rows[position + 1 : last + 1]:
            words = [lower or upper for lower, upper in zip(below, words, strict=True)]
        return words, last

    def with_values(self, source: Grid, first: int, start: int) -> Merges:
        """The same with the values of ranges that go down over several rows of data, from row `first` on."""
        assert source.end is not None
        end_row, end_column = source.end
        tall = {
            (top, left): min(bottom, end_row)
            for (top, left), (bottom, _) in self.ranges
            if top >= first and bottom > top and start <= left <= end_column
        }
        tall = _apart(tall)
        by_row: dict[int, list[tuple[int, str, int]]] = {}
        tops = {top for top, _ in tall}
        columns = sorted({left for _, left in tall})
        if not tall:
            return Merges(self.ranges)
        for index, cells in enumerate(source.iter_rows()):
            if index in tops:
                for left in columns:
                    bottom = tall.get((index, left), 0)
                    text = cell_text(cells[left - start]) if bottom else ""
                    for row in range(index + 1, bottom + 1 if text else 0):
                        by_row.setdefault(row, []).append((left, text, index))
        return Merges(self.ranges, by_row)


def _apart(tall: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Ranges that overlap, as only a made-up file has them, end above the next: each cell is put in once."""
    ordered = sorted(tall, key=lambda corner: (corner[1], corner[0]))
    apart = {}
    for position, (top, left) in enumerate(ordered):
        below = ordered[position + 1] if position + 1 < len(ordered) else (0, -1)
        apart[top, left] = min(tall[top, left], below[0] - 1) if below[1] == left else tall[top, left]
    return apart
