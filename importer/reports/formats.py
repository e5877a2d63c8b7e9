"""`--format`: the results of commands, and the formats that show them.

A new format is one module here with the functions of `Report`, and one line in FORMATS (importer/reports/__init__.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from msgspec import Struct

from importer.model import Issue, Json, Pair, Plan, Reading, Severity, SourceFile, Tag
from importer.reports import FORMATS
from importer.reports.screen import Line

if TYPE_CHECKING:
    from importer.planning.cost import Cost
    from importer.planning.exposure import Exposure
    from importer.reports.run_record import RunRecord

Document = str | Iterable[Line]
"""A text that is printed as it is, or lines that a terminal may style and wrap."""


class PlanResult(Struct, frozen=True):
    """What `plan` found out, and `apply` shows before it asks."""

    plan: Plan
    exposure: Sequence[Exposure] = ()
    """How many values of each field other accounts will see."""
    cost: Cost | None = None
    out: str = ""
    """Where the plan was written, if anywhere."""
    origin: str = ""
    """What is to be said of a plan that was made elsewhere; empty for others."""
    tags: Sequence[Tag] | None = None
    """What the account holds now; of saved plans only, whose limits are taken against it."""


class Validation(Struct, frozen=True):
    """What `validate` found: every issue of every row, and how many rows could be sent."""

    sources: tuple[SourceFile, ...]
    mappings: tuple[str, ...]
    rows: int
    invalid: int
    """Rows with at least one error."""
    left_out: int
    """Rows that the mapping's `when:` leaves out."""
    issues: tuple[Issue, ...]
    """In source order, those on files and sheets among them."""
    readings: tuple[Reading, ...] = ()
    pairs: tuple[Pair, ...] = ()
    by: str = "kind"
    """How a person is shown them: by `kind`, or by `row`."""

    @property
    def valid(self) -> int:
        """Rows that could be sent."""
        return self.rows - self.invalid - self.left_out

    @property
    def errors(self) -> bool:
        """Whether anything is wrong enough for exit code 1."""
        return self.invalid > 0 or any(issue.severity is Severity.ERROR for issue in self.issues)


class Listing(Struct, frozen=True):
    """A table or a few facts: as lines for a person, and as the value that a script reads."""

    lines: Iterable[Line]
    value: Json


class Report(Protocol):
    """What a format's module can show."""

    def plan(self, result: PlanResult, /) -> Document: ...

    def validation(self, validation: Validation, /) -> Document: ...

    def run(self, record: RunRecord, /) -> Document: ...

    def listing(self, listing: Listing, /) -> Document: ...


def report(name: str) -> Report:
    """The format of that name, a key of FORMATS. Only the one that is asked for is imported."""
    return cast("Report", import_module(f"importer.reports.{FORMATS[name]}"))
