"""A batch of rows as the sources hand it on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from importer.model import Header, Issue, Row

if TYPE_CHECKING:
    import pandas as pd

_NO_ISSUES: Mapping[int, tuple[Issue, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with one header: cells of text, none of them ever a number or NaN."""

    header: Header
    frame: pd.DataFrame
    """dtype object, only str cells, the header's columns, a RangeIndex."""
    numbers: Sequence[int]
    """Row.number of each row."""
    ids: Sequence[str] = ()
    """Row.id of each row; empty where rows have none."""
    issues: Mapping[int, tuple[Issue, ...]] = field(default_factory=lambda: _NO_ISSUES)
    """What the reader found, by position in this table."""

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self) -> list[Row]:
        """The same cells as rows of the model."""
        none: tuple[Issue, ...] = ()
        ids = self.ids or [""] * len(self.numbers)
        cells = zip(*(self.frame.iloc[:, column].tolist() for column in range(self.frame.shape[1])), strict=True)
        return [
            Row(self.header, number, row, id_, self.issues.get(position, none))
            for position, (number, row, id_) in enumerate(zip(self.numbers, cells, ids, strict=True))
        ]


def make_table(
    header: Header,
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int],
    ids: Sequence[str] = (),
    issues: Mapping[int, tuple[Issue, ...]] = _NO_ISSUES,
) -> Table:
    """A table from rows that all have exactly the header's width."""
    import numpy as np
    import pandas as pd

    width = len(header.columns)
    # column by column in memory, where it is read; dtype=object keeps pandas from turning text into its own strings
    by_column = chain.from_iterable(zip(*rows, strict=True)) if rows else ()
    cells = np.fromiter(by_column, dtype=object, count=len(rows) * width).reshape(width, len(rows)).T
    columns = pd.Index(list(header.columns), dtype=object)
    return Table(header, pd.DataFrame(cells, columns=columns, dtype=object, copy=False), numbers, ids, issues)


@dataclass(slots=True)
class Batch:
    """Rows on their way into tables."""

    header: Header
    size: int
    rows: list[Sequence[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    issues: dict[int, tuple[Issue, ...]] = field(default_factory=dict)

    def extend(self, first_number: int, rows: Sequence[Sequence[str]]) -> None:
        """Takes rows without issues that stand on consecutive lines."""
        self.rows.extend(rows)
        self.numbers.extend(range(first_number, first_number + len(rows)))

    def add(self, number: int, cells: Sequence[str], id_: str = "", issues: Iterable[Issue] = ()) -> bool:
        """Takes one row; True when the batch is full."""
        found = tuple(issues)
        if found:
            self.issues[len(self.rows)] = found
        self.rows.append(cells)
        self.numbers.append(number)
        if id_ or self.ids:
            self.ids.extend([""] * (len(self.rows) - 1 - len(self.ids)))
            self.ids.append(id_)
        return len(self.rows) >= self.size

    def take(self) -> Table:
        """The rows so far as a table; the batch is empty afterwards."""
        table = make_table(self.header, self.rows, self.numbers, self.ids, self.issues)
        self.rows, self.numbers, self.ids, self.issues = [], [], [], {}
        return table
