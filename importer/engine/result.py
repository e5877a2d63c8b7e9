"""What an execution hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from importer.errors import ExitCode
from importer.model import Outcome, Status


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """How the run ended. `outcomes` has every change of the plan."""

    outcomes: Mapping[str, Outcome]
    stopped: str
    """Why it stopped early, as a sentence; empty when it came to its end."""
    hint: str
    """What to do about that; empty where there is nothing to say."""
    exit_code: ExitCode
    """0 all is well, 1 some rows need work, 4 the token was refused, 6 stopped early and resumable."""
    seconds: float

    def counts(self) -> dict[str, int]:
        """Rows by status, all statuses named; the sum is the number of changes."""
        return counts_of(self.outcomes)


def counts_of(outcomes: Mapping[str, Outcome]) -> dict[str, int]:
    """Rows by status, all statuses named."""
    counts = dict.fromkeys((status.value for status in Status), 0)
    for outcome in outcomes.values():
        counts[outcome.status.value] += 1
    return counts
