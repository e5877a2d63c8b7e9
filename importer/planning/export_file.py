"""An export on disk: the table as CSV, XLSX or JSON, and its mapping beside it."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from importer.atomic import atomic_path
from importer.errors import UsageError
from importer.fields.table import Kind, field_named
from importer.model import Category, Json, Tag
from importer.planning.export import ExportTable, export_mapping, export_table
from importer.planning.workbook import LONGEST_CELL, MOST_ROWS, Sheet, write_workbook
from importer.sources.locate import MAPPING_ENDING
from importer.text.csv_text import write_rows

SHEET: Final = "Tags"
ENDINGS: Final = (".csv", ".xlsx", ".json")


class Exported(Struct, frozen=True):
    """What was written."""

    path: Path
    mapping: Path
    tags: int
    unread: tuple[str, ...]
    """Sentences on what an import of the file would not bring back; it is in the file's `_other` column."""


def check_target(path: Path, *, force: bool = False, endings: Sequence[str] = ENDINGS) -> None:
    """Raise UsageError, before the account is read, where nothing could be written to `path`."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder")
    if path.suffix.lower() not in endings:
        meant = (str(path), str(path.with_suffix(endings[0])))
        raise UsageError(f"{path} does not end in {' or '.join(endings)}", meant=meant)
    if path.exists() and not force:
        raise UsageError(f"{path} exists already", hint="Choose another name, or overwrite it.", then="{again} --force")
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} does not exist")


def write_export(
    path: Path, tags: Iterable[Tag], categories: Iterable[Category] = (), *, force: bool = False
) -> Exported:
    """Write the tags, and beside them the mapping that imports the file again as unchanged. Mode 0600, whole or not.

    Raises UsageError as `check_target` does, and where the folder cannot be written.
    """
    check_target(path, force=force)
    kind = path.suffix.lower()
    tags = list(tags)
    if kind == ".xlsx" and len(tags) >= MOST_ROWS:
        raise UsageError(f"a workbook holds {MOST_ROWS:,} rows, and there are {len(tags):,} tags", hint="export a CSV")
    table = export_table(tags, categories, longest=LONGEST_CELL if kind == ".xlsx" else 0,
                         words=kind != ".json")  # fmt: skip
    beside = Path(f"{path}{MAPPING_ENDING}")
    try:
        _put(path, _WRITERS[kind](table))
        _put(beside, export_mapping(table, path.name).encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
    return Exported(path, beside, len(table.rows), table.unread)


def _csv(table: ExportTable) -> bytes:
    text = io.StringIO(newline="")
    write_rows(text, (table.columns, *table.rows))
    # With a BOM: without it Excel reads UTF-8 as the code page of its country.
    return text.getvalue().encode("utf-8-sig")


def _xlsx(table: ExportTable) -> bytes:
    # `_other`, the last column, may be longer than a cell: it goes on in columns of its own.
    longest = max((len(row[-1]) for row in table.rows), default=0)
    starts = range(0, max(1, longest), LONGEST_CELL)
    head = (*table.columns, *(f"{table.columns[-1]} ({number})" for number in range(2, len(starts) + 1)))
    rows = ((*row[:-1], *(row[-1][start : start + LONGEST_CELL] for start in starts)) for row in table.rows)
    stream = io.BytesIO()
    write_workbook(stream, [Sheet(SHEET, itertools.chain([head], rows))])
    return stream.getvalue()


def _json(table: ExportTable) -> bytes:
    # The first record has every column, blank or not, so that a reader knows them all.
    records = [
        {column: _value(column, text) for column, text in zip(table.columns, row, strict=True) if text or not number}
        for number, row in enumerate(table.rows)
    ]
    return json.dumps({"tags": records}, ensure_ascii=False, indent=1).encode() + b"\n"


def _value(column: str, text: str) -> Json:
    """Lists and numbers as such. `properties` stay text: a reader of flat tables would lose the types inside."""
    if not text:
        return ""
    field = field_named(column)
    if column.endswith(" confidence") or (
        field is not None and (field.is_list or field.kind in (Kind.NUMBER, Kind.SCORE))
    ):
        return json.loads(text)
    return text


def _put(path: Path, data: bytes) -> None:
    """A backup is whole, or it is the one before."""
    with atomic_path(path, forced=True) as temporary:
        temporary.write_bytes(data)


_WRITERS: Final = dict(zip(ENDINGS, (_csv, _xlsx, _json), strict=True))
