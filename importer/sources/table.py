"""Rows on their way into a table, as the careful readers find them."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.errors import SourceError
from importer.model import Header, Issue, Table, text_array, text_frame
from importer.sources.options import Limits

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(slots=True)
class RowList:
    """Rows with one header, in the order in which they were found."""

    header: Header
    limits: Limits
    """How many rows and cells a table may have; SourceError for one more."""
    rows: list[Sequence[str]] = field(default_factory=list)
    numbers: MutableSequence[int] = field(default_factory=lambda: array("q"))
    ids: list[str] = field(default_factory=list)
    issues: dict[int, tuple[Issue, ...]] = field(default_factory=dict)

    gaps: set[int] = field(default_factory=set)
    """Positions of rows that stand behind blank ones."""

    parts: list[npt.NDArray[np.object_]] = field(default_factory=list)
    """Rows before those in `rows`, as arrays."""

    def extend(self, first_number: int, cells: npt.NDArray[np.object_]) -> None:
        """Takes an array of rows without issues that stand on consecutive lines."""
        self._pack()
        self.parts.append(cells)
        self.numbers.extend(range(first_number, first_number + len(cells)))
        self._check()

    def extend_rows(
        self, numbers: list[int], rows: list[list[str]], issues: Mapping[int, Sequence[Issue]], gaps: list[int]
    ) -> None:
        """Takes several rows; issues and gaps by position among them."""
        at = len(self.numbers)
        self.issues.update({at + position: tuple(found) for position, found in issues.items()})
        self.gaps.update(at + position for position in gaps)
        self.parts.append(text_array(rows, len(self.header.columns)))
        self.numbers.extend(numbers)
        self._check()

    def gap(self) -> None:
        """Notes that a blank row was passed over."""
        if self.numbers:
            self.gaps.add(len(self.numbers))

    def add(self, number: int, cells: Sequence[str], id_: str = "", issues: Sequence[Issue] = ()) -> None:
        """Takes one row, whose cells are as many as the header's columns."""
        if issues:
            self.issues[len(self.numbers)] = tuple(issues)
        self.rows.append(cells)
        self.numbers.append(number)
        if id_ or self.ids:
            self.ids.extend([""] * (len(self.numbers) - 1 - len(self.ids)))
            self.ids.append(id_)
        self._check()

    def table(self) -> Table:
        """All of them, which are not held here any longer: a reader that gives its table is not yet at its end."""
        self._check()
        table = self._table()
        self.rows, self.parts, self.numbers, self.ids = [], [], array("q"), []
        return table

    def _table(self) -> Table:
        if not self.parts:
            cells = text_array(self.rows, len(self.header.columns))
            frame = text_frame(self.header, cells, self.numbers)
            return Table(self.header, frame, self.ids, self.issues, self._gaps())
        import numpy as np

        self._pack()
        # Columns are what is worked on: each is one piece of memory.
        parts = [part.T for part in self.parts]
        cells = np.concatenate(parts, axis=1) if parts[1:] else np.ascontiguousarray(parts[0])
        return Table(self.header, text_frame(self.header, cells.T, self.numbers), self.ids, self.issues, self._gaps())

    def _gaps(self) -> frozenset[int]:
        return frozenset(self.gaps - {len(self.numbers)})

    def _pack(self) -> None:
        if self.rows:
            self.parts.append(text_array(self.rows, len(self.header.columns)))
            self.rows = []

    def _check(self) -> None:
        rows, limits = len(self.numbers), self.limits
        many_cells = rows * len(self.header.columns) > limits.sheet_cells  # short rows are filled up
        if rows > limits.rows or many_cells:
            sheet = f": the sheet {self.header.sheet}" if self.header.sheet else ""
            what = f"{limits.sheet_cells:,} cells" if many_cells else f"{limits.rows:,} rows"
            hint = Limits.hint("sheet_cells" if many_cells else "rows")
            raise SourceError(f"{self.header.file}{sheet} has more than {what}.", hint=hint)
