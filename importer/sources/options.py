"""How sources are to be read, and how large they may be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from importer.sources.logins import Login

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
    sheets: int = 2_000
    """Sheets of a workbook."""
    sheet_cells: int = 60_000_000
    """Cells of the rectangle that a sheet spans, the empty ones included."""
    noted_cells: int = 500_000
    """Cells of an ODS workbook with an error, a link, a comment or a date, and merged ones."""
    cell_chars: int = 32 * MIB
    """Characters of one cell of a CSV file."""
    quoted_lines: int = 10_000
    """Lines that one quoted cell of a CSV file may span before its quote counts as never closed."""
    depth: int = 100
    """Levels of nesting in JSON and YAML."""
    nodes: int = 20_000_000
    """Values in a JSON or YAML file, each use of an anchor counted."""
    folder_files: int = 100_000
    seconds: float = 600.0
    """Processor time for one source, from its rows to the table."""
    workbook_seconds: float = 120.0
    """Processor time for one workbook, and the wait for each piece of it."""
    workbook_memory: int = 768 * MIB
    """Address space of the process that reads a workbook."""

    @staticmethod
    def hint(name: str) -> str:
        """How a limit is raised."""
        most = f", to {_MOST[name]:,} at most" if name in _MOST else ""
        return f"--limit {name}=N raises that limit{most}."

    def changed(self, words: Sequence[str]) -> Limits:
        """These limits with others set: `rows=5000000`, `file_bytes=2GiB`. ValueError for what is none of them."""
        found: dict[str, int | float] = {}
        for word in words:
            name, _, text = word.partition("=")
            amount = _AMOUNT.fullmatch(text.strip())
            if "=" not in word:
                raise ValueError(f"expected a number of rows, 1 or more, or NAME=N for another limit, not {word!r}")
            if name.strip() not in self.__struct_fields__:
                raise ValueError(f"there is no limit {name.strip()!r}; there are {', '.join(self.__struct_fields__)}")
            if amount is None:
                raise ValueError(f"expected a number like 5000000 or 2GiB for the limit {name.strip()}, not {text!r}")
            value = float(amount[1]) * _UNITS[amount[2].casefold()]
            if value > _MOST.get(name.strip(), value):
                raise ValueError(f"the limit {name.strip()} can be {_MOST[name.strip()]:,} at most, not {text}")
            found[name.strip()] = value if isinstance(getattr(self, name.strip()), float) else int(value)
        return replace(self, **found)


_MOST: Final = MappingProxyType({"depth": 300})
"""How far a limit can be raised: what is nested deeper than this does not fit the interpreter's own stack."""
_AMOUNT: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s?(|k|m|g|kib|mib|gib|kb|mb|gb|s)", re.IGNORECASE)
_UNITS: Final = MappingProxyType({
    "": 1, "s": 1, "k": 1 << 10, "kib": 1 << 10, "kb": 1000, "m": MIB, "mib": MIB, "mb": 10**6, "g": 1 << 30,
    "gib": 1 << 30, "gb": 10**9,
})  # fmt: skip
_DELIMITERS: Final = MappingProxyType({"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "})


def _delimiter(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected one character here, or a word like `tab`")
    return _DELIMITERS.get(value.casefold(), value)


Sheets = Annotated[
    tuple[str, ...],
    Meta(
        description="Only these sheets of a workbook; may name hidden ones.", extra={"name": "sheet", "metavar": "NAME"}
    ),
]
IncludeHidden = Annotated[bool, Meta(description="Read hidden sheets, rows and columns too.")]
IncludeRevoked = Annotated[
    bool, Meta(description="Read entries too that their list marks as revoked, deprecated or deleted.")
]
HeaderRow = Annotated[
    int, Meta(ge=1, description="The row of the header, 1 is the first; found by itself when it is left out.")
]
Encoding = Annotated[
    str,
    Meta(min_length=1, description="Encoding of text files; found by itself when it is left out.", examples=["utf-8"],
         extra={"metavar": "NAME"}),
]  # fmt: skip
Delimiter = Annotated[
    str,
    Meta(
        description="Delimiter of text files; `tab` is a word for it; found by itself when it is left out.",
        examples=[";"],
        extra={"read": _delimiter, "metavar": "CHAR"},
        extra_json_schema={"type": "string", "minLength": 1},
    ),
]
Records = Annotated[
    str,
    Meta(min_length=1, description="Where the list is in JSON or YAML: `values`, `data.actors[]`, `$` for the whole "
         "document.", examples=["data.actors[]"], extra={"metavar": "PATH"}),
]  # fmt: skip


LimitWords = Annotated[
    tuple[str, ...],
    Meta(
        description="A number: plan the first N rows of those that are chosen. NAME=N: a limit on what a source may "
        "cost; the message of a source that is over one names it.",
        examples=["rows=5000000", "file_bytes=2GiB"],
        extra={"name": "limit", "metavar": "N|NAME=N"},
    ),
]


Fresh = Annotated[bool, Meta(description="Read URLs from the beginning, not from what earlier runs have kept of them.")]


class Reading(Struct, frozen=True):
    """How the sources are read."""

    sheets: Sheets = ()
    include_hidden: IncludeHidden = False
    include_revoked: IncludeRevoked = False
    header_row: HeaderRow = 0
    encoding: Encoding = ""
    delimiter: Delimiter = ""
    records: Records = ""
    limit: LimitWords = ()
    fresh: Fresh = False


class ReadOptions(Reading, frozen=True, kw_only=True):
    """That, and what the program itself asks of the readers."""

    per_sheet_header: Mapping[str, int] = MappingProxyType({})
    cache_dir: Path | None = None
    """Where downloads are kept with their ETag; None keeps none."""
    name_columns: tuple[str, ...] = ()
    """Header words that the mapping takes the name from; like the usual ones, they mark a sheet as a list of actors."""
    limits: Limits = Limits()
    logins: Mapping[str, Login] = MappingProxyType({})
    """Host, or host:port, of a feed -> what it is shown."""

    def login(self, host: str) -> Login | None:
        """What a server, `host` or `host:port`, is shown."""
        return self.logins.get(host.lower()) or self.logins.get(host.lower().rpartition(":")[0])
