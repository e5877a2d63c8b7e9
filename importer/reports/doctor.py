"""`doctor`: what was looked at, how it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from importer.errors import ExitCode
from importer.reports.formats import Listing
from importer.reports.screen import Line


class State(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Check(Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    state: State
    said: str
    todo: str = ""
    """What to do; empty where all is well."""
    exit_code: ExitCode = ExitCode.DONE
    """What a command would end with because of it."""


_STYLES: Final = {State.OK: "good", State.WARNING: "warn", State.FAILED: "bad"}


def doctor(checks: Sequence[Check]) -> Listing:
    """The checks, a line each and one more for what to do."""
    values = [
        {"name": one.name, "state": one.state.value, "said": one.said, "todo": one.todo or None} for one in checks
    ]
    return Listing(_lines(checks), {"schema": 1, "command": "doctor", "checks": values})


def _lines(checks: Sequence[Check]) -> Iterator[Line]:
    for one in checks:
        yield ((f"{one.state.value:<8}", _STYLES[one.state]), f"{one.name:<12} {one.said}")
        if one.todo:
            yield (f"{'':<21} {one.todo}",)
    failed = sum(one.state is State.FAILED for one in checks)
    warned = sum(one.state is State.WARNING for one in checks)
    if failed or warned:
        yield ((f"{failed} failed, {warned} to look at, of {len(checks)} checks", "bad" if failed else "warn"),)
    else:
        yield (("Everything is as it should be.", "good"),)
