"""How time, memory and what is written grow with the rows, and with the tags of the account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tests.benchmarks.measure import importer, python, took

ROWS = (1_000, 10_000, 100_000, 300_000, 1_000_000)
PLANNED = 100_000
"""So many rows at most are planned too: a sandbox holds what was made."""


class Grown(Struct, frozen=True):
    """What one size costs; a figure that was not taken is 0."""

    rows: int
    seconds: float
    megabytes: float
    plan_seconds: float = 0.0
    plan_megabytes: float = 0.0
    plan_bytes: int = 0
    """Of plan.json, a row."""

    def line(self) -> str:
        """A row of the page's table."""
        plan = f"{self.plan_seconds:.1f} s | {self.plan_megabytes:,.0f} MB | {self.plan_bytes}"
        return (
            f"| {self.rows:,} | {self.seconds:.1f} s | {self.seconds / self.rows * 1e6:,.0f} us | "
            f"{self.megabytes:,.0f} MB | {plan if self.plan_seconds else '| |'} |"
        )


HEAD = (
    "| rows | `validate` | a row | peak | `plan` | peak | bytes of plan.json a row |",
    "|---|---|---|---|---|---|---|",
)


def growth(folder: Path, most: int) -> Iterator[Grown]:
    """Whole processes: `validate`, and `plan` against an empty account, of a CSV list of 15 columns."""
    for rows in (count for count in ROWS if count <= most):
        path = folder / f"grown-{rows}.csv"
        took(python(Path(__file__).with_name("readers.py"), "csv", path, str(rows)))
        checked = took(importer("validate", path, "--quiet"))
        if rows > PLANNED:
            yield Grown(rows, checked.seconds, checked.megabytes)
            continue
        out = folder / f"run-{rows}"
        database = folder / f"grown-{rows}.sqlite3"
        planned = took(importer("plan", path, "--sandbox", "--sandbox-db", database, "--quiet", "--out", out))
        size = (out / "plan.json").stat().st_size // rows
        yield Grown(rows, checked.seconds, checked.megabytes, planned.seconds, planned.megabytes, size)
