"""What a run tells the world. Observers get frozen facts: `observe: Callable[[Event], None]`.

The order for a run: RunStarted, then the others in any order, RunFinished last. A row has exactly one RowDone,
rows that need no call included (those come at once, before the first call). Observers are called on the event loop
and must be quick; what they raise ends the run.
"""

from __future__ import annotations

from collections.abc import Mapping

from importer.model import Action, Outcome
from importer.remote.events import CallFinished, Event, LimitLearned, Observe, Remark, Retrying, Waiting, ignore


class RunStarted(Event, frozen=True):
    """The run begins, or goes on."""

    run: str
    rows: int
    """All changes of the plan."""
    to_do: int
    """Changes that need a call now (what earlier parts of a resumed run did is not among them)."""
    resumed: bool = False


class RowDone(Event, frozen=True):
    """A row has its outcome. `outcome.status` may be unknown or not_attempted when the run stops early."""

    key: str
    name: str
    action: Action
    outcome: Outcome


class AnswerLost(Event, frozen=True):
    """A call's answer was lost after the request went out; the row waits to be settled while others go on."""

    key: str
    name: str
    failure: str


class Settled(Event, frozen=True):
    """A look-up decided about a lost answer."""

    key: str
    name: str
    verdict: str
    """adopted (it is there, as we sent it), absent (will be sent again), different, duplicates, unknown, or exists (the
    create was refused, and a tag of the name is there that it did not make)."""


class Stopping(Event, frozen=True):
    """The run stops early; requests under way are let finish for at most `seconds`."""

    reason: str
    """One sentence for a person."""
    seconds: float


class RunFinished(Event, frozen=True):
    """The run is over."""

    run: str
    counts: Mapping[str, int]
    """Rows by status; the sum is the number of rows."""
    seconds: float
    stopped: str = ""
    """Why it stopped early; empty when it came to its end."""


__all__ = [
    "AnswerLost", "CallFinished", "Event", "LimitLearned", "Observe", "Remark", "Retrying", "RowDone", "RunFinished",
    "RunStarted", "Settled", "Stopping", "Waiting", "ignore",
]  # fmt: skip
