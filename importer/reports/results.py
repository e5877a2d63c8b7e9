"""results.csv: every input row once, in source order, with how it ended. Made for people and their spreadsheets.

Columns: all source columns (those of several tables joined, in source order), then `_source` to `_attempts`. A change
without a row (undo, prune) has its tag's name under `value`, a column that is added only then.
A source column that is itself called `_status` and so on (results.csv read again) gives way to this run's.

A cell that a spreadsheet would run as a formula (first character `=`, `+`, `-`, `@`, also behind blanks, or a tab or
line break) gets an apostrophe in front: spreadsheets show it as text. failed.csv has the cells exactly as they were.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from importer.atomic import atomic_text
from importer.model import Change, Header, Outcome, Plan
from importer.reports.run_record import RunRecord
from importer.reports.text import row_code, row_message

OWN_COLUMNS: Final = (
    "_source",
    "_sheet",
    "_row",
    "_action",
    "_status",
    "_code",
    "_message",
    "_uuid",
    "_attempts",
)
NAME_COLUMN: Final = "value"

_FORMULA: Final = frozenset("=+-@")
_SUSPECT: Final = frozenset("=+-@\t\r\n \xa0＝＋－＠")  # noqa: RUF001  full-width forms count as operators too


def write_results(path: Path, record: RunRecord) -> None:
    """Write results.csv for `record` at `path`, atomically, mode 0600. Memory does not grow with the rows."""
    columns = source_columns(record.plan)
    layouts = _Layouts(columns)
    name_at = columns.index(NAME_COLUMN) if NAME_COLUMN in columns else -1
    with atomic_text(path) as stream:
        writer = csv.writer(stream)
        writer.writerow(_guarded([*columns, *OWN_COLUMNS]))
        for change, outcome in record.ended():
            row = change.row
            if row is None:
                cells = [""] * len(columns)
                cells[name_at] = change.name
            else:
                cells = layouts.cells(row.header, row.cells)
            cells += _own(change, outcome)
            writer.writerow(_guarded(cells))


def source_columns(plan: Plan) -> tuple[str, ...]:
    """The columns of all tables of a plan, each once, in source order; `value` too where a change has no row."""
    columns: dict[str, None] = {}
    seen: set[int] = set()
    without_row = False
    for change in plan.changes:
        if change.row is None:
            without_row = True
            continue
        header = change.row.header
        if id(header) not in seen:
            seen.add(id(header))
            columns.update(dict.fromkeys(header.columns))
    if without_row:
        columns.setdefault(NAME_COLUMN)
    return tuple(column for column in columns if column not in OWN_COLUMNS)


class _Layouts:
    """Spreads the cells of a table over the columns of all tables; a table's layout is worked out once."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._at = {column: at for at, column in enumerate(columns)}
        self._known: dict[int, list[int] | None] = {}

    def cells(self, header: Header, cells: Sequence[str]) -> list[str]:
        key = id(header)
        if key not in self._known:
            same = header.columns == self._columns
            self._known[key] = None if same else [self._at.get(column, -1) for column in header.columns]
        places = self._known[key]
        if places is None and len(cells) == len(self._columns):
            return list(cells)
        spread = [""] * len(self._columns)
        for at, cell in zip(places if places is not None else range(len(self._columns)), cells, strict=False):
            if at >= 0:
                spread[at] = cell
        return spread


def _own(change: Change, outcome: Outcome) -> list[str]:
    row = change.row
    return [
        row.header.file if row else "",
        row.header.sheet if row else "",
        str(row.number) if row else "",
        change.action.value,
        outcome.status.value,
        row_code(change, outcome),
        row_message(change, outcome) if outcome.message or change.message or change.issues else "",
        outcome.uuid or change.uuid,
        str(outcome.attempts),
    ]


def _guarded(cells: list[str]) -> list[str]:
    # isspace: blanks of any kind before the sign, U+001F among them
    return [f"'{cell}" if (cell[:1] in _SUSPECT or cell[:1].isspace()) and is_formula(cell) else cell for cell in cells]


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet that opens `cell` from a CSV file might take it for a formula."""
    if cell[:1] in ("\t", "\r", "\n"):
        return True
    first = cell.lstrip()[:1]
    return first in _FORMULA or first in ("＝", "＋", "－", "＠")  # noqa: RUF001
