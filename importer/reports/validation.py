"""What `validate` found: every issue of every row, and how many rows could be sent."""

from __future__ import annotations

from msgspec import Struct

from importer.model import Issue, Severity, SourceFile


class Validation(Struct, frozen=True):
    """The result of an offline check."""

    sources: tuple[SourceFile, ...]
    mappings: tuple[str, ...]
    rows: int
    invalid: int
    """Rows with at least one error."""
    left_out: int
    """Rows that the mapping's `when:` leaves out."""
    issues: tuple[Issue, ...]
    """In source order, those on files and sheets among them."""

    @property
    def valid(self) -> int:
        """Rows that could be sent."""
        return self.rows - self.invalid - self.left_out

    @property
    def errors(self) -> bool:
        """Whether anything is wrong enough for exit code 1."""
        return self.invalid > 0 or any(issue.severity is Severity.ERROR for issue in self.issues)
