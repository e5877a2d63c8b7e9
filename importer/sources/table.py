"""Rows on their way into a table, as the careful readers find them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from importer.errors import SourceError
from importer.model import Header, Issue, Table


@dataclass(slots=True)
class RowList:
    """Rows with one header, in the order in which they were found."""

    header: Header
    limit: int
    """How many rows a table may have; SourceError for one more."""
    rows: list[Sequence[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    issues: dict[int, tuple[Issue, ...]] = field(default_factory=dict)

    def extend(self, first_number: int, rows: Sequence[Sequence[str]]) -> None:
        """Takes rows without issues that stand on consecutive lines."""
        self.rows.extend(rows)
        self.numbers.extend(range(first_number, first_number + len(rows)))
        self._check()

    def add(self, number: int, cells: Sequence[str], id_: str = "", issues: Sequence[Issue] = ()) -> None:
        """Takes one row, whose cells are as many as the header's columns."""
        if issues:
            self.issues[len(self.rows)] = tuple(issues)
        self.rows.append(cells)
        self.numbers.append(number)
        if id_ or self.ids:
            self.ids.extend([""] * (len(self.rows) - 1 - len(self.ids)))
            self.ids.append(id_)
        self._check()

    def table(self) -> Table:
        """All of them."""
        return Table.of_rows(self.header, self.rows, self.numbers, self.ids, self.issues)

    def _check(self) -> None:
        if len(self.rows) > self.limit:
            sheet = f": the sheet {self.header.sheet}" if self.header.sheet else ""
            raise SourceError(f"{self.header.file}{sheet} has more than {self.limit:,} rows; split it.")
