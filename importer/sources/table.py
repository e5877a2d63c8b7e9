"""A batch of rows as the sources hand it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from importer.model import Header, Issue, Row

if TYPE_CHECKING:
    import pandas as pd

_NO_ISSUES: Mapping[int, tuple[Issue, ...]] = MappingProxyType({})


class Table(Struct, frozen=True):
    """Rows with one header: cells of text, none of them ever a number or NaN."""

    header: Header
    cells: Sequence[Sequence[str]]
    """Row by row, each at the header's width."""
    numbers: Sequence[int]
    """Row.number of each row."""
    ids: Sequence[str] = ()
    """Row.id of each row; empty where rows have none."""
    issues: Mapping[int, tuple[Issue, ...]] = _NO_ISSUES
    """What the reader found, by position in this table."""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def frame(self) -> pd.DataFrame:
        """The cells for work on whole columns: dtype object, only str, the header's columns, a RangeIndex.

        Built when asked for: importing pandas takes as long as reading some ten thousand rows.
        """
        import pandas as pd

        # dtype=object keeps pandas from turning text into its own strings
        columns = pd.Index(list(self.header.columns), dtype=object)
        return pd.DataFrame(list(self.cells), columns=columns, dtype=object)

    def rows(self) -> list[Row]:
        """The same cells as rows of the model."""
        header, ids = self.header, self.ids or repeat("")
        cells = map(tuple, self.cells)
        if not self.issues:
            return [Row(header, number, row, id_) for number, row, id_ in zip(self.numbers, cells, ids, strict=False)]
        none: tuple[Issue, ...] = ()
        return [
            Row(header, number, row, id_, self.issues.get(position, none))
            for position, (number, row, id_) in enumerate(zip(self.numbers, cells, ids, strict=False))
        ]


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

    def add(self, number: int, cells: Sequence[str], id_: str = "", issues: Sequence[Issue] = ()) -> bool:
        """Takes one row; True when the batch is full."""
        if issues:
            self.issues[len(self.rows)] = tuple(issues)
        self.rows.append(cells)
        self.numbers.append(number)
        if id_ or self.ids:
            self.ids.extend([""] * (len(self.rows) - 1 - len(self.ids)))
            self.ids.append(id_)
        return len(self.rows) >= self.size

    def take(self) -> Table:
        """The rows so far as a table; the batch is empty afterwards."""
        table = Table(self.header, self.rows, self.numbers, self.ids, self.issues)
        self.rows, self.numbers, self.ids, self.issues = [], [], [], {}
        return table
