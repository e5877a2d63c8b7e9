"""How sources are to be read, and how large they may be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

MIB = 1 << 20


class Limits(Struct, frozen=True):
    """What a stranger's file may cost. A file over one of these is refused in one sentence."""

    file_bytes: int = 1024 * MIB
    """A file, or what comes out of a compressed one."""
    json_bytes: int = 400 * MIB
    """A JSON document; it is held in memory while it is read."""
    yaml_bytes: int = 16 * MIB
    """A YAML document: its parser is some fifty times slower than the others."""
    download_bytes: int = 400 * MIB
    download_seconds: float = 120.0
    ratio: int = 300
    """Unpacked size over packed size, looked at beyond 64 MiB unpacked."""
    rows: int = 2_000_000
    """Rows of one table, objects of one list."""
    columns: int = 16_384
    sheet_cells: int = 60_000_000
    """Cells of the rectangle that a sheet spans, the empty ones included."""
    cell_chars: int = 32 * MIB
    quoted_lines: int = 10_000
    """Lines that one quoted cell of a CSV file may span before its quote counts as never closed."""
    depth: int = 100
    """Levels of nesting in JSON and YAML."""
    nodes: int = 20_000_000
    """Values in one YAML document, each use of an anchor counted."""
    folder_files: int = 100_000


class ReadOptions(Struct, frozen=True):
    """What the command line, the job file or the mapping asks of the readers; the defaults find out by themselves."""

    sheets: tuple[str, ...] = ()
    """Only these sheets; may name hidden ones."""
    include_hidden: bool = False
    header_row: int = 0
    """1-based line or row of the header; 0 finds it."""
    per_sheet_header: Mapping[str, int] = MappingProxyType({})
    encoding: str = ""
    delimiter: str = ""
    records: str = ""
    """Where the records are in JSON or YAML: `values`, `data.actors[]`, `$` for the whole document."""
    include_revoked: bool = False
    cache_dir: Path | None = None
    """Where downloads are kept with their ETag; None keeps none."""
    batch: int = 5_000
    """Rows in one table."""
    name_columns: tuple[str, ...] = ()
    """Header words that the mapping takes the name from; like the usual ones, they mark a sheet as a list of actors."""
    limits: Limits = Limits()
