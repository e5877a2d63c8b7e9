"""Small tables for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence

from importer.mapping.draft import Drafter
from importer.mapping.load import mapping_from_bytes
from importer.mapping.spec import Mapping
from importer.model import Draft, Header, Table


def table(columns: Sequence[str], *cells: Sequence[str], sheet: str = "", file: str = "actors.csv") -> Table:
    """A table with lettered columns; its first row stands in line 2."""
    letters = tuple(chr(ord("A") + at) for at in range(len(columns)))
    header = Header(file, "csv", tuple(columns), letters, sheet)
    return Table.of_rows(header, cells, range(2, 2 + len(cells)))


def mapping(text: str) -> Mapping:
    """A mapping from YAML."""
    return mapping_from_bytes(text.encode(), "test.yaml")


def drafts(rules: str | Mapping, *args: Sequence[str], sheet: str = "") -> list[Draft]:
    """The drafts of a table: columns, then rows."""
    held = mapping(rules) if isinstance(rules, str) else rules
    return Drafter(held).draft(table(args[0], *args[1:], sheet=sheet))


def codes(draft: Draft) -> list[str]:
    """The codes of a draft's issues."""
    return [issue.code for issue in draft.issues]
