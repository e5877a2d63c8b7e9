"""results.csv: every input row once, in source order, with how it ended. Made for people and their spreadsheets.

Columns: all source columns (those of several tables joined, in source order), then `_source` to `_attempts`. A change
without a row (undo, prune) has its tag's name under `value`, a column that is added only then.
A source column that is itself called `_status` and so on (results.csv read again) gives way to this run's.

A cell that a spreadsheet would run as a formula gets an apostrophe in front, and reading it again takes the apostrophe
off (`importer/text/csv_text.py`).
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from importer.model import Change, Outcome, Plan
from importer.reports.run_record import RunRecord
from importer.reports.text import row_code, row_message
from importer.text.csv_text import write_rows

if TYPE_CHECKING:
    import pandas as pd

OWN_COLUMNS: Final = (
    "_source", "_sheet", "_row", "_action", "_status", "_code", "_message", "_uuid", "_attempts",
)  # fmt: skip
NAME_COLUMN: Final = "value"


def write_results(path: Path, record: RunRecord) -> None:
    """Write results.csv for `record` at `path`, atomically, mode 0600."""
    frame = results_frame(record)
    columns = [frame.iloc[:, at].tolist() for at in range(frame.shape[1])]
    with record.file(path) as stream:
        write_rows(stream, [[str(word) for word in frame.columns]])
        write_rows(stream, zip(*columns, strict=True))


def results_frame(record: RunRecord) -> pd.DataFrame:
    """The tables of the plan joined with how each row ended, in source order; only text in it."""
    import pandas as pd

    columns = pd.Index(source_columns(record.plan), dtype=object)
    parts: list[pd.DataFrame] = []
    for _, group in groupby(record.ended(), key=lambda ended: ended[0].row and id(ended[0].row.table)):
        ended = list(group)
        first = ended[0][0].row
        if first is None:
            words = [NAME_COLUMN] if NAME_COLUMN in columns else []
            cells = pd.DataFrame([[change.name] for change, _ in ended], columns=words, dtype=object)
        else:
            cells = first.table.frame.take([change.row.position for change, _ in ended if change.row is not None])
        own_cells = [_own(change, outcome) for change, outcome in ended]
        own = pd.DataFrame(own_cells, columns=list(OWN_COLUMNS), dtype=object)
        spread = cells.reindex(columns=columns, fill_value="").reset_index(drop=True)
        parts.append(pd.concat([spread, own], axis=1))
    if not parts:
        return pd.DataFrame(columns=[*columns, *OWN_COLUMNS], dtype=object)
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def source_columns(plan: Plan) -> tuple[str, ...]:
    """The columns of all tables of a plan, each once, in source order; `value` too where a change has no row."""
    tables = {id(change.row.table): change.row.table for change in plan.changes if change.row is not None}
    columns = dict.fromkeys(column for table in tables.values() for column in table.header.columns)
    if any(change.row is None for change in plan.changes):
        columns.setdefault(NAME_COLUMN)
    return tuple(column for column in columns if column not in OWN_COLUMNS)


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
