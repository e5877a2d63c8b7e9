"""Rows of a Parquet file, read in the child that reads workbooks: pyarrow is C++ too, and a small file can claim much.

Nested columns become dotted ones and lists their JSON text, as in JSON files; each value is the text that a person
expects: `5` for a float that holds a whole number, `2024-03-01` for a moment without a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from importer.errors import SourceError
from importer.model import Header, Issue, Place, Severity
from importer.sources.flatten import cell
from importer.sources.header import numbered
from importer.sources.located import not_a_list
from importer.sources.options import MIB, Limits
from importer.sources.sheet import Rows
from importer.sources.workbook_child import End, Found, Frame, Head, Request, Told
from importer.system import open_regular

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS: Final = 1000
_DEEPEST: Final = 6
_WHOLE: Final = 1e15
"""Up to here a float tells whole numbers apart."""


def frames(request: Request, data: bytes) -> Iterator[Frame]:
    """What the file is, its header, and its rows. SourceError for one that is damaged, or over a limit."""
    file = request.file
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        hint = "It comes with an extra: pip install 'tag-importer[parquet]'"
        raise SourceError(
            f"{file} is a Parquet file, and pyarrow, which reads them, is not installed.", hint=hint
        ) from None
    limits = request.read_options().limits
    try:
        source = open_regular(request.path) if request.path else pa.BufferReader(data)
        about = parquet.read_metadata(source)
        _check(file, about, limits)
        # Texts stay encoded, each distinct one in memory once, however often the file repeats it.
        texts = [about.schema.column(at).path for at in range(about.num_columns)
                 if about.schema.column(at).physical_type == "BYTE_ARRAY"]  # fmt: skip
        source.seek(0)
        book = parquet.ParquetFile(source, read_dictionary=texts)
        if not about.num_rows:
            raise not_a_list(file, "a table without rows")
        yield Found("parquet", {"rows": f"{about.num_rows:,}", "by": about.created_by or "unknown"})
        yield from _rows(file, book, limits)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).strip().partition("\n")[0][:200].rstrip(".") or type(error).__name__
        raise SourceError(f"{file} cannot be read: it is damaged, cut short, or not Parquet ({reason}).") from error


def _check(file: str, about: Any, limits: Limits) -> None:
    for number, name, what in (
        (about.num_rows, "rows", "rows"), (about.num_columns, "columns", "columns"),
        (about.num_rows * about.num_columns, "sheet_cells", "cells"),
    ):  # fmt: skip
        if number > getattr(limits, name):
            raise SourceError(f"{file} has more than {getattr(limits, name):,} {what}.", hint=limits.hint(name))


def _rows(file: str, book: Any, limits: Limits) -> Iterator[Frame]:
    header: tuple[str, ...] = ()
    row, chars = 1, 0
    for batch in book.iter_batches(_ROWS, use_threads=False):
        names, columns = _flat(batch)
        if not header:
            header, repeated = _unique(names)
            yield Head(Header(file, "parquet", header))
            for name in repeated:
                said = "Two columns have this name; the later one got a number."
                yield Told(Issue(Severity.WARNING, "repeated-header", said, Place(file, column=name), value=name))
        texts = [_texts(column) for column in columns]
        chars += sum(len(text) for column in texts for text in column)
        if chars > limits.file_bytes:
            raise SourceError(f"{file} holds more than {limits.file_bytes / MIB:,.0f} MiB of text.",
                              hint=limits.hint("file_bytes"))  # fmt: skip
        yield Rows(list(range(row, row + batch.num_rows)), [list(cells) for cells in zip(*texts, strict=True)], {}, [])
        row += batch.num_rows
    yield End()


def _flat(batch: pa.RecordBatch) -> tuple[list[str], list[pa.Array]]:
    """Names and columns, with those of objects in place of the objects."""
    import pyarrow as pa

    table = pa.Table.from_batches([batch])
    for _ in range(_DEEPEST):
        table = table.flatten()
    return table.column_names, [column.combine_chunks() for column in table.columns]


def _unique(names: list[str]) -> tuple[tuple[str, ...], list[str]]:
    found: dict[str, None] = {}
    repeated = []
    for name in names:
        free = numbered(name, found)[0] if name in found else name
        found[free] = None
        repeated += [name] if free != name else []
    return tuple(found), repeated


def _texts(column: pa.Array) -> list[str]:
    import pyarrow as pa

    if isinstance(column, pa.DictionaryArray):
        words = _texts(column.dictionary)
        return ["" if at is None else words[at] for at in column.indices.to_pylist()]
    if pa.types.is_float16(column.type) or pa.types.is_float32(column.type):
        import numpy as np

        short = np.float16 if pa.types.is_float16(column.type) else np.float32
        # 0.1 is 0.1, and not the 0.10000000149011612 that it is as a longer number
        return ["" if value is None else _float(float(str(short(value)))) for value in column.to_pylist()]
    return [cell(_plain(value)) for value in column.to_pylist()]


def _plain(value: Any) -> Any:
    """A value as texts, lists and objects of texts."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) for item in value):  # a map
            return {str(_plain(key)): _plain(item) for key, item in value}
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, dt.datetime):
        text = value.isoformat()
        return text.removesuffix("T00:00:00") if value.tzinfo is None else text.replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)


def _float(value: float) -> str:
    if value != value:
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)
