"""failed.csv, failed.xlsx: the rows that need work, under the same headers, ready to be imported again.

Behind the source's columns comes `_reason`, what is wrong with the row; no mapping reads it. In a workbook each cell
that is wrong has a comment as well. Cells are exactly the source's (in a CSV file with our guard against formulas,
which the reader takes off again); header words are the unique ones of `Header.columns` (a repeated `Alias` is
`Alias (2)`), which the reader turns into the very same columns. Rows of

- text tables (CSV, and JSON or YAML lists) go into one file for each set of columns: failed.csv, failed-2.csv, ...
- STIX and MISP objects go into one CSV for each preset that they are for, columns joined: an absent key is an empty
  cell
- a workbook go into a workbook of their own, with its sheets: failed.xlsx, failed-2.xlsx, ...; into CSV files where
  a workbook cannot hold them (a cell of more than 32,767 characters).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from importer.atomic import atomic_path
from importer.errors import SourceError
from importer.mapping.choose import choose
from importer.masking import Mask
from importer.model import Change, Outcome, Severity, Table
from importer.planning.workbook import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, Sheet, write_workbook
from importer.reports.run_record import RunRecord
from importer.reports.text import issue_text, row_message
from importer.text.csv_text import write_rows

if TYPE_CHECKING:
    import pandas as pd

WORKBOOKS: Final = frozenset({"xlsx", "xlsm", "xlsb", "xls", "ods"})
_OBJECTS: Final = frozenset({"stix", "misp"})
REASON: Final = "_reason"
_OURS: Final = re.compile(r"failed(-[0-9]+)?\.(csv|xlsx)")


def write_failed(folder: Path, record: RunRecord) -> Path | None:
    """Write what needs work into `folder`, mode 0600; the first file's path, or None where every row is fine.

    Files of an earlier report of the same run are removed first, so that a resumed run leaves none behind.
    """
    for old in failed_files(folder):
        old.unlink(missing_ok=True)
    found: dict[int, list[tuple[Change, Outcome]]] = {}
    for change, outcome in record.ended():
        if outcome.status.needs_work and change.row is not None:
            found.setdefault(id(change.row.table), []).append((change, outcome))
    written: list[Path] = []
    for kind, sheets in _groups(list(found.values())):
        if kind in WORKBOOKS and not any(_too_large(sheet.frame) for sheet in sheets):
            path = _free(folder, written, ".xlsx")
            pages = [
                Sheet(sheet.title, _masked_lines(sheet.frame, record.mask), _comments(sheet, record.mask))
                for sheet in sheets
            ]
            with atomic_path(path) as temporary:
                write_workbook(temporary, pages)
            written.append(path)
            continue
        for sheet in sheets:
            path = _free(folder, written, ".csv")
            with record.file(path) as stream:
                write_rows(stream, _lines(sheet.frame))
            written.append(path)
    return written[0] if written else None


def retry_command(record: RunRecord) -> str:
    """The command that imports the mended rows; empty where there are none, or where it was an undo."""
    failed = failed_files(record.folder)
    if not failed or record.plan.mode == "undo":
        return ""
    mode = f"--mode {record.plan.mode}"
    return " ".join(filter(None, ("tag-importer apply", shlex.quote(str(failed[0])), mode, record.again)))


def failed_files(folder: Path) -> list[Path]:
    """The files that `write_failed` has left in `folder`, in the order they were numbered."""
    found = [path for path in folder.glob("failed*") if _OURS.fullmatch(path.name)]
    return sorted(found, key=lambda path: (len(path.name), path.name))


class _Rows(Struct, frozen=True):
    """The rows of one sheet or file, and of what changes they are."""

    title: str
    frame: pd.DataFrame
    changes: list[Change]


def _groups(found: Sequence[list[tuple[Change, Outcome]]]) -> Iterator[tuple[str, list[_Rows]]]:
    """For each file, or workbook: its kind, and each sheet's rows. Tables whose columns can be joined are."""
    import pandas as pd

    files: dict[tuple[object, ...], dict[tuple[object, ...], list[_Rows]]] = {}
    kinds: dict[tuple[object, ...], str] = {}
    for ended in found:
        first = ended[0][0].row
        assert first is not None
        table, positions = first.table, [change.row.position for change, _ in ended if change.row is not None]
        file, sheet = _keys(table, positions)
        kinds.setdefault(file, table.header.kind)
        frame = table.frame.take(positions).drop(columns=REASON, errors="ignore")
        frame[REASON] = pd.Series([row_message(*one) for one in ended], index=frame.index, dtype=object)
        rows = _Rows(table.header.sheet, frame, [change for change, _ in ended])
        files.setdefault(file, {}).setdefault(sheet, []).append(rows)
    for file, sheets in files.items():
        yield kinds[file], [_joined(parts) for parts in sheets.values()]


def _joined(parts: list[_Rows]) -> _Rows:
    import pandas as pd

    if len(parts) == 1:
        return parts[0]
    frame = pd.concat([part.frame for part in parts]).fillna("")
    frame[REASON] = frame.pop(REASON)  # behind the columns that a later table added
    return _Rows(parts[0].title, frame, [change for part in parts for change in part.changes])


def _comments(sheet: _Rows, mask: Mask) -> dict[tuple[int, int], str]:
    """What is wrong with single cells, by row and column of the sheet."""
    column_of = {str(word): at for at, word in enumerate(sheet.frame.columns)}
    found: dict[tuple[int, int], str] = {}
    for at, change in enumerate(sheet.changes, 1):
        for issue in change.issues:
            column = column_of.get(issue.place.column)
            if column is not None and issue.severity is not Severity.INFO:
                text = mask.text(issue_text(issue))
                found[at, column] = f"{found[at, column]}\n{text}" if (at, column) in found else text
    return found


def _keys(table: Table, positions: list[int]) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """What identifies the file, and in it the table, that these rows go to."""
    header = table.header
    if header.kind in WORKBOOKS:
        book = ("workbook", header.file)
        return book, (*book, header.sheet, header.columns)
    if header.kind in _OBJECTS:
        # Joined only with what the same mapping is for: one column of ATT&CK's would make all others ATT&CK, too.
        objects = ("objects", header.kind, _mapping_of(Table(header, table.frame.take(positions))))
        return objects, objects
    text = ("text", header.kind, header.columns)
    return text, text


def _mapping_of(table: Table) -> str:
    """The mapping that the rows find when they are read again; empty where they find none."""
    try:
        return choose(table).name
    except SourceError:
        return ""


def _lines(frame: pd.DataFrame) -> Iterator[Sequence[str]]:
    """The header words, then the cells of each row."""
    yield [str(word) for word in frame.columns]
    yield from zip(*(frame.iloc[:, at].tolist() for at in range(frame.shape[1])), strict=True)


def _masked_lines(frame: pd.DataFrame, mask: Mask) -> Iterator[Sequence[str]]:
    return (list(map(mask.text, line)) for line in _lines(frame))


def _too_large(frame: pd.DataFrame) -> bool:
    """Whether a cell, or the whole, is more than a workbook can hold."""
    if frame.shape[0] >= MOST_ROWS or frame.shape[1] > MOST_COLUMNS:
        return True
    return any(len(cell) > LONGEST_CELL for row in frame.to_numpy().tolist() for cell in row)


def _free(folder: Path, written: list[Path], ending: str) -> Path:
    number = sum(1 for path in written if path.suffix == ending) + 1
    return folder / (f"failed{ending}" if number == 1 else f"failed-{number}{ending}")
