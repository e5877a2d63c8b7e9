"""What a column holds: how many cells are filled, how many differ, and what a few of them say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from importer.model import Table

if TYPE_CHECKING:
    import pandas as pd

SAMPLES = 4
LONGEST_SAMPLE = 40
LOOKED_AT = 2_000
"""Distinct values of a column that are looked at; the rest is not needed to tell what it holds."""


class Profile(Struct, frozen=True):
    """One column of one or more tables that share its name."""

    column: str
    letter: str
    rows: int
    filled: int
    distinct: int
    values: tuple[str, ...]
    """Distinct filled values, the most frequent first, at most LOOKED_AT."""

    @property
    def samples(self) -> str:
        """A few values, shortened, on one line."""
        shown = [" ".join("".join(c if c.isprintable() else " " for c in value).split()) for value in self.values]
        cut = [text if len(text) <= LONGEST_SAMPLE else text[: LONGEST_SAMPLE - 3] + "..." for text in shown[:SAMPLES]]
        return " | ".join(cut)

    @property
    def summary(self) -> str:
        """`column B, 118 of 120 filled, 40 different: Russia | China`."""
        where = f"column {self.letter}, " if self.letter else ""
        if not self.filled:
            return f"{where}always blank"
        return f"{where}{self.filled} of {self.rows} filled, {self.distinct} different: {self.samples}"


def profiles(tables: Sequence[Table]) -> dict[str, Profile]:
    """The profile of every column, in the order of their first table; columns of ours (`_row`) left out."""
    import pandas as pd

    found: dict[str, list[pd.Series[str]]] = {}
    letters: dict[str, str] = {}
    for table in tables:
        for position, column in enumerate(table.header.columns):
            if column.startswith("_"):
                continue
            found.setdefault(column, []).append(table.frame.iloc[:, position])
            if table.header.letters:
                letters.setdefault(column, table.header.letters[position])
    made = {}
    for column, series in found.items():
        texts = pd.concat(series, ignore_index=True).astype(object).map(str.strip)
        counts = texts[texts != ""].value_counts()
        made[column] = Profile(
            column, letters.get(column, ""), len(texts), int(counts.sum()), len(counts),
            tuple(str(value) for value in counts.index[:LOOKED_AT]),
        )  # fmt: skip
    return made
