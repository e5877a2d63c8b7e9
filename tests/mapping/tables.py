"""Small tables for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from importer.mapping.draft import Drafter
from importer.mapping.load import mapping_from_bytes
from importer.mapping.spec import Mapping
from importer.model import Draft, Header, Row


@dataclass(frozen=True)
class SmallTable:
    """A table as the sources would hand it on."""

    header: Header
    cells: Sequence[Sequence[str]]

    @property
    def frame(self) -> pd.DataFrame:
        return pd.DataFrame([list(row) for row in self.cells], columns=list(self.header.columns), dtype=object)

    def rows(self) -> list[Row]:
        return [Row(self.header, number, tuple(row)) for number, row in enumerate(self.cells, start=2)]


def table(columns: Sequence[str], *cells: Sequence[str], sheet: str = "", file: str = "actors.csv") -> SmallTable:
    """A table with lettered columns; its first row stands in line 2."""
    letters = tuple(chr(ord("A") + at) for at in range(len(columns)))
    return SmallTable(Header(file, "csv", tuple(columns), letters, sheet), cells)


def mapping(text: str) -> Mapping:
    """A mapping from YAML."""
    return mapping_from_bytes(text.encode(), "test.yaml")


def drafts(rules: str | Mapping, *args: Sequence[str], sheet: str = "") -> list[Draft]:
    """The drafts of a table: columns, then rows."""
    held = mapping(rules) if isinstance(rules, str) else rules
    return Drafter(held).draft(table(args[0], *args[1:], sheet=sheet))


def codes(draft: Draft) -> list[str]:
    """The codes of a draft's issues."""
    return [issue.code for issue in draft.issues]
