"""What `validate` found: every issue of every row, counted while the rows go by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from importer.model import Draft, Issue, Severity, SourceFile


@dataclass(frozen=True, slots=True)
class Validation:
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


@dataclass(slots=True)
class Tally:
    """Collects a Validation from a stream of drafts; keeps the issues, not the rows."""

    sources: list[SourceFile] = field(default_factory=list)
    mappings: dict[str, None] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    rows: int = 0
    invalid: int = 0
    left_out: int = 0

    def source(self, source: SourceFile) -> None:
        """A file that was read."""
        self.sources.append(source)

    def mapping(self, name: str) -> None:
        """A mapping that was used, as `attack@1f2e3d4c`; once each."""
        self.mappings.setdefault(name)

    def note(self, issue: Issue) -> None:
        """An issue of a file or a sheet."""
        self.issues.append(issue)

    def drafts(self, drafts: Iterable[Draft]) -> None:
        """The rows of one table. A row that is left out counts as that, whatever else is wrong with it."""
        for draft in drafts:
            self.rows += 1
            if draft.left_out:
                self.left_out += 1
                continue
            if draft.issues:
                self.issues.extend(draft.issues)
                self.invalid += draft.invalid

    def result(self) -> Validation:
        """What was found up to now."""
        return Validation(
            tuple(self.sources), tuple(self.mappings), self.rows, self.invalid, self.left_out, tuple(self.issues)
        )
