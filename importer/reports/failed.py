"""failed.csv, failed.xlsx: the rows that need work, under the same headers, ready to be imported again.

Cells are exactly the source's; header words are the unique ones of `Header.columns` (a repeated `Alias` is
`Alias (2)`), which the reader turns into the very same columns. Rows of

- text tables (CSV, and JSON or YAML lists) go into one file for each set of columns: failed.csv, failed-2.csv, ...
- STIX and MISP objects go into one CSV for each preset that they are for, columns joined: an absent key is an empty
  cell
- a workbook go into a workbook of their own, with its sheets: failed.xlsx, failed-2.xlsx, ...; into CSV files where
  a workbook cannot hold them (a cell of more than 32,767 characters).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from importer.atomic import atomic_path
from importer.errors import SourceError
from importer.mapping.choose import choose
from importer.masking import Mask
from importer.model import Header, Table
from importer.reports.run_record import RunRecord

if TYPE_CHECKING:
    import pandas as pd

WORKBOOKS: Final = frozenset({"xlsx", "xlsm", "xlsb", "xls", "ods"})
_OBJECTS: Final = frozenset({"stix", "misp"})
_LONGEST_CELL: Final = 32_767
_OURS: Final = re.compile(r"failed(-[0-9]+)?\.(csv|xlsx)")


def write_failed(folder: Path, record: RunRecord) -> Path | None:
    """Write what needs work into `folder`, mode 0600; the first file's path, or None where every row is fine.

    Files of an earlier report of the same run are removed first, so that a resumed run leaves none behind.
    """
    for old in failed_files(folder):
        old.unlink(missing_ok=True)
    positions: dict[int, list[int]] = {}
    tables: dict[int, Table] = {}
    for change, outcome in record.ended():
        if outcome.status.needs_work and change.row is not None:
            tables[id(change.row.table)] = change.row.table
            positions.setdefault(id(change.row.table), []).append(change.row.position)
    written: list[Path] = []
    for kind, sheets in _groups([(table, positions[key]) for key, table in tables.items()]):
        if kind in WORKBOOKS and not any(_too_long(frame) for _, frame in sheets):
            from importer.planning.workbook import text_workbook

            path = _free(folder, written, ".xlsx")
            with atomic_path(path) as temporary:
                text_workbook([(sheet, _masked_lines(frame, record.mask)) for sheet, frame in sheets]).save(temporary)
            written.append(path)
            continue
        for _, frame in sheets:
            path = _free(folder, written, ".csv")
            with record.file(path) as stream:
                csv.writer(stream).writerows(_lines(frame))
            written.append(path)
    return written[0] if written else None


def failed_files(folder: Path) -> list[Path]:
    """The files that `write_failed` has left in `folder`, in the order they were numbered."""
    found = [path for path in folder.glob("failed*") if _OURS.fullmatch(path.name)]
    return sorted(found, key=lambda path: (len(path.name), path.name))


def _groups(found: Sequence[tuple[Table, list[int]]]) -> Iterator[tuple[str, list[tuple[str, pd.DataFrame]]]]:
    """For each file, or workbook: its kind, and each sheet's name and rows. Tables whose columns can be joined are."""
    import pandas as pd

    files: dict[tuple[object, ...], dict[tuple[object, ...], list[pd.DataFrame]]] = {}
    headers: dict[tuple[object, ...], Header] = {}
    for table, positions in found:
        file, sheet = _keys(table, positions)
        headers.setdefault(sheet, table.header)
        files.setdefault(file, {}).setdefault(sheet, []).append(table.frame.take(positions))
    for sheets in files.values():
        joined = [
            (headers[key].sheet, pd.concat(frames).fillna("") if len(frames) > 1 else frames[0])
            for key, frames in sheets.items()
        ]
        yield headers[next(iter(sheets))].kind, joined


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


def _too_long(frame: pd.DataFrame) -> bool:
    """Whether a cell is more than a workbook's can hold."""
    return any(len(cell) > _LONGEST_CELL for row in frame.to_numpy().tolist() for cell in row)


def _free(folder: Path, written: list[Path], ending: str) -> Path:
    number = sum(1 for path in written if path.suffix == ending) + 1
    return folder / (f"failed{ending}" if number == 1 else f"failed-{number}{ending}")
