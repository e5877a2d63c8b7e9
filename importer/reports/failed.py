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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from importer.atomic import atomic_path, atomic_text
from importer.errors import SourceError
from importer.mapping.choose import choose
from importer.model import Header, Row
from importer.reports.run_record import RunRecord

WORKBOOKS: Final = frozenset({"xlsx", "xlsm", "xlsb", "xls", "ods"})
_OBJECTS: Final = frozenset({"stix", "misp"})
_LONGEST_CELL: Final = 32_767
_SAMPLE: Final = 300
_OURS: Final = re.compile(r"failed(-[0-9]+)?\.(csv|xlsx)")


@dataclass(slots=True)
class FailedTable:
    """The rows of one table, or of several whose columns can be joined."""

    sheet: str
    columns: dict[str, None]
    rows: list[Row] = field(default_factory=list)

    def spread(self) -> Iterator[list[str]]:
        """The header words, then each row's cells under them."""
        words = list(self.columns)
        yield words
        at = {word: position for position, word in enumerate(words)}
        for row in self.rows:
            columns = row.header.columns
            if len(columns) == len(words) == len(row.cells) and columns == tuple(words):
                yield list(row.cells)
                continue
            cells = [""] * len(words)
            for column, cell in zip(columns, row.cells, strict=False):
                cells[at[column]] = cell
            yield cells


def write_failed(folder: Path, record: RunRecord) -> Path | None:
    """Write what needs work into `folder`, mode 0600; the first file's path, or None where every row is fine.

    Files of an earlier report of the same run are removed first, so that a resumed run leaves none behind.
    """
    for old in failed_files(folder):
        old.unlink(missing_ok=True)
    rows = [change.row for change, outcome in record.ended() if outcome.status.needs_work and change.row is not None]
    written: list[Path] = []
    for group in _groups(rows):
        if group.workbook and not any(len(cell) > _LONGEST_CELL for row in group.rows() for cell in row.cells):
            from importer.planning.workbook import text_workbook

            path = _free(folder, written, ".xlsx")
            with atomic_path(path) as temporary:
                text_workbook([(table.sheet, table.spread()) for table in group.tables]).save(temporary)
            written.append(path)
            continue
        for table in group.tables:
            path = _free(folder, written, ".csv")
            with atomic_text(path) as stream:
                csv.writer(stream).writerows(table.spread())
            written.append(path)
    return written[0] if written else None


def failed_files(folder: Path) -> list[Path]:
    """The files that `write_failed` has left in `folder`, in the order they were numbered."""
    found = [path for path in folder.glob("failed*") if _OURS.fullmatch(path.name)]
    return sorted(found, key=lambda path: (len(path.name), path.name))


@dataclass(slots=True)
class _Group:
    """What goes into one workbook, or into one CSV file a table."""

    workbook: bool
    tables: list[FailedTable] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        for table in self.tables:
            yield from table.rows


def _groups(rows: Sequence[Row]) -> list[_Group]:
    by_header: dict[int, list[Row]] = {}
    for row in rows:
        by_header.setdefault(id(row.header), []).append(row)
    groups: dict[tuple[object, ...], _Group] = {}
    tables: dict[tuple[object, ...], FailedTable] = {}
    for found in by_header.values():
        header = found[0].header
        group_key, table_key = _keys(header, found)
        group = groups.setdefault(group_key, _Group(header.kind in WORKBOOKS))
        table = tables.get(table_key)
        if table is None:
            table = tables[table_key] = FailedTable(header.sheet, {})
            group.tables.append(table)
        table.columns.update(dict.fromkeys(header.columns))
        table.rows.extend(found)
    return list(groups.values())


def _keys(header: Header, rows: Sequence[Row]) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """What identifies the file, and in it the table, that these rows go to."""
    if header.kind in WORKBOOKS:
        book = ("workbook", header.file)
        return book, (*book, header.sheet, header.columns)
    if header.kind in _OBJECTS:
        # Joined only with what the same mapping is for: one column of ATT&CK's would make all others ATT&CK, too.
        objects = ("objects", header.kind, _mapping_of(header, rows))
        return objects, objects
    text = ("text", header.kind, header.columns)
    return text, text


def _mapping_of(header: Header, rows: Sequence[Row]) -> str:
    """The mapping that the rows find when they are read again; empty where they find none."""
    try:
        return choose(header, rows[:_SAMPLE]).name
    except SourceError:
        return ""


def _free(folder: Path, written: list[Path], ending: str) -> Path:
    number = sum(1 for path in written if path.suffix == ending) + 1
    return folder / (f"failed{ending}" if number == 1 else f"failed-{number}{ending}")
