"""A DataFrame that a program hands in, as tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from importer.errors import SourceError
from importer.model import Header, Table


def tables_of_frame(frame: pd.DataFrame) -> list[Table]:
    """One table for each file and sheet of the frame's index, where it has one as `read_actors` gives it; else one.

    Cells become text: what is missing (None, NaN, NaT) is blank, a list its JSON text, a whole number that pandas has
    made a float is whole again, a time at midnight a date. Raises SourceError for a frame without rows or with two
    columns of one name.
    """
    columns = tuple(str(column) for column in frame.columns)
    if repeated := [column for column in dict.fromkeys(columns) if columns.count(column) > 1]:
        raise SourceError(f"the frame has several columns {repeated[0]!r}", hint="Give each column a name of its own.")
    if not len(frame):
        raise SourceError("the frame has no rows")
    known = {(told["file"], told["sheet"]): told for told in frame.attrs.get("reading", ())}
    texts = pd.DataFrame({column: _texts(frame.iloc[:, at]) for at, column in enumerate(columns)}, dtype=object)
    places = _places(frame.index)
    groups: dict[tuple[str, str], list[int]] = {}
    for position, (file, sheet, _) in enumerate(places):
        groups.setdefault((file, sheet), []).append(position)
    found = []
    for (file, sheet), positions in groups.items():
        told = known.get((file, sheet), {})
        cells = told.get("cells", {})
        # Without the letters that the list was read with, those of the frame's columns might name other cells.
        letters = tuple(cells.get(column, "") for column in columns) if cells else ()
        header = Header(file, told.get("kind", "csv"), columns, letters, sheet)
        rows = texts.iloc[positions].to_numpy().tolist()
        found.append(Table.of_rows(header, rows, [places[position][2] for position in positions]))
    return found


def _places(index: pd.Index) -> list[tuple[str, str, int]]:
    """File, sheet and row of each row; of a frame that was not read from a file, its row counted from 1."""
    if list(index.names) == ["file", "sheet", "row"]:
        try:
            return [(str(file), str(sheet), int(row)) for file, sheet, row in index]
        except (TypeError, ValueError):
            pass
    return [("frame", "", number) for number in range(1, len(index) + 1)]


def _texts(column: pd.Series[Any]) -> Sequence[str]:
    missing = column.isna()
    if pd.api.types.is_float_dtype(column.dtype) and (column[~missing] % 1 == 0).all():
        column = column.astype("Int64")
    return [
        "" if gone else value if isinstance(value, str) else _text(value)
        for value, gone in zip(column.tolist(), missing.tolist(), strict=True)
    ]


def _text(value: Any) -> str:
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return value.date().isoformat()
    if isinstance(value, list | tuple | set):
        return json.dumps([str(one) for one in value], ensure_ascii=False)
    return str(value)
