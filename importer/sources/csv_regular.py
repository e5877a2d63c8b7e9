"""Lines of a CSV file that pandas' own reader reads as they stand, and the exact tests that tell them from all others.

Regular are lines that hold one row each, of the header's width, in which every quote opens or closes a whole cell. Of
these there is one reading only; whatever else a file may hold goes to the careful reader of csv_records.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from importer.sources.delimiter import Dialect

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


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
