"""The CSV files that this program writes: one writer, one guard against formulas, and its exact undoing.

A file of ours says so by its last column (`OURS`). Its reader takes the guard off again, so that what was written is
what is read, whatever the cells hold.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from importer.text.cell_text import guarded

OURS: Final = ("_attempts", "_reason", "_other")
"""The last columns of results.csv, failed.csv and an exported CSV."""


class Writable(Protocol):
    """A text stream."""

    def write(self, text: str, /) -> object: ...


def write_rows(stream: Writable, rows: Iterable[Sequence[str]]) -> None:
    """Write rows of cells, the header first. What a spreadsheet would run as a formula has an apostrophe before it."""
    csv.writer(stream).writerows([guarded(cell) for cell in row] for row in rows)


def is_ours(header: Sequence[str]) -> bool:
    """Whether cells of this header were written by `write_rows`."""
    return bool(header) and header[-1] in OURS
