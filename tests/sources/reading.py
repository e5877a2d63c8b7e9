"""What the tests of the sources share: read something and sort what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from importer.model import Issue, RowRef, SourceFile, Table
from importer.sources.read import ReadOptions, read


@dataclass(slots=True)
class Got:
    """Everything that `read` gave, sorted."""

    files: list[SourceFile] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[Issue] = field(default_factory=list)

    @property
    def rows(self) -> list[RowRef]:
        return [row for table in self.tables for row in table.rows()]

    @property
    def cells(self) -> list[tuple[str, ...]]:
        return [row.cells for row in self.rows]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.tables[0].header.columns

    def codes(self) -> list[str]:
        """Codes of the issues of files and sheets."""
        return [issue.code for issue in self.notes]

    def row_issues(self) -> list[Issue]:
        return [issue for row in self.rows for issue in row.issues]

    def column(self, name: str) -> list[str]:
        at = self.columns.index(name)
        return [row.cells[at] for row in self.rows]


def got(*specs: Path | str, stdin: bytes | None = None, **options: Any) -> Got:
    """Reads the specs and sorts what comes out."""
    return sort(read([str(spec) for spec in specs], ReadOptions(**options), stdin=BytesIO(stdin) if stdin else None))


def sort(items: Any) -> Got:
    result = Got()
    for item in items:
        if isinstance(item, SourceFile):
            result.files.append(item)
        elif isinstance(item, Table):
            result.tables.append(item)
        else:
            result.notes.append(item)
    return result


def written(folder: Path, name: str, content: bytes | str | Sequence[str]) -> Path:
    """A file with this content."""
    path = folder / name
    text = content if isinstance(content, bytes | str) else "\n".join(content) + "\n"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
