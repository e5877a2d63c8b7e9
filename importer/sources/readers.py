"""The kinds of sources, one line each: a new kind is a file with its reader, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from importer.model import Issue, SourceFile, Table

if TYPE_CHECKING:
    from importer.sources.located import Opened
    from importer.sources.options import ReadOptions

Found = SourceFile | Issue | Table
Read = Callable[["Opened", "ReadOptions"], Iterator[Found]]


class Reader(Struct, frozen=True):
    """How one kind of file is known, and what reads it."""

    kind: str
    read: str
    """`module:function`, a `Read`; imported when the first file of the kind is read. Empty for JSON and YAML, which
    are looked at together: STIX files speak of each other's actors."""
    endings: tuple[str, ...] = ()
    """Of file names, by which such files are found in a folder."""
    begins: tuple[bytes, ...] = ()
    """With what such files begin, where that tells it; `content.kind_of` tells workbooks and texts apart by more."""

    def function(self) -> Read:
        """What reads it."""
        module, _, name = self.read.partition(":")
        found: Read = getattr(import_module(module), name)
        return found


READERS: Final = (
    Reader("csv", "importer.sources.csv_file:read_csv", ("csv", "tsv", "tab", "psv", "txt")),
    Reader("workbook", "importer.sources.workbook_file:read_workbook",
           ("xlsx", "xlsm", "xlsb", "xls", "ods", "xltx", "xltm")),
    Reader("parquet", "importer.sources.workbook_file:read_workbook", ("parquet", "pq"), (b"PAR1\x15",)),
    Reader("json", "", ("json", "jsonl", "ndjson", "stix", "stix2")),
    Reader("yaml", "", ("yaml", "yml")),
)  # fmt: skip


def reader_of(kind: str) -> Reader:
    """The reader of a kind that `content.kind_of` gave."""
    return next(reader for reader in READERS if reader.kind == kind)


def kind_beginning(head: bytes) -> str:
    """The kind of a file that begins so; empty where its beginning alone does not tell."""
    return next((reader.kind for reader in READERS if reader.begins and head.startswith(reader.begins)), "")
