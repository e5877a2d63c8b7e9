"""What is left to do: the plan's rows less those that need no call, and less what an earlier part of the run did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from importer.engine.journal import boot_id
from importer.engine.journal_state import JournalState
from importer.engine.work import NEVER, Work, without_a_call
from importer.model import Action, Outcome, Plan, Status
from importer.remote.failures import FAILURES

_POWER_LOSS: Final = timedelta(seconds=30)
"""How much of a journal a crash of the machine may have taken when nothing was forced to the disk."""
_HELD: Final = frozenset(line.code for line in FAILURES if line.held)
_OPEN: Final = frozenset({Status.UNKNOWN, Status.NOT_ATTEMPTED})


def sort_rows(
    plan: Plan, earlier: JournalState | None, seen_at: float = NEVER
) -> tuple[dict[str, Outcome], list[Work]]:
    """The outcomes that stand already, by key, and the rows to be worked on; both in plan order,
    but for rows over which an earlier part may have stopped: they come last.

    `seen_at` is when the account was as the plan saw it. A delete is never sent on that alone.
    """
    ended = earlier.outcomes if earlier is not None else {}
    outcomes: dict[str, Outcome] = {}
    works: list[Work] = []
    for change in plan.changes:
        outcome = without_a_call(change)
        if outcome is None and (known := ended.get(change.key)) is not None and known.status not in _OPEN:
            outcome = known
        if outcome is not None:
            outcomes[change.key] = outcome
            continue
        begun = earlier.open.get(change.key) if earlier is not None else None
        seen = NEVER if change.action is Action.DELETE else seen_at
        work = Work(change, begun.attempts if begun is not None else 0, seen)
        work.losses = int(begun is not None)
        work.refused_before = earlier is not None and earlier.refused.get(change.key) in _HELD
        works.append(work)
    # What kept a run from going on is not tried first again.
    works.sort(key=lambda work: work.refused_before)
    return outcomes, works


def open_rows(
    works: Iterable[Work], earlier: JournalState, now: datetime, *, longest: float
) -> list[tuple[Work, float]]:
    """The rows whose calls may have been made before, each with how many seconds ago that was at the latest.

    They are looked up before anything is sent for them. A delete is not among them: it may be made twice. `longest`
    is how many seconds a call can take: the journal knows when one began, and the server may have been at work on it
    until the process died, which is not written anywhere.
    """
    # The machine went down, or this is another one: lines after the journal's last may be missing.
    restarted = bool(earlier.boots) and boot_id() not in earlier.boots
    found = []
    for work in works:
        begun = earlier.open.get(work.change.key)
        if (begun is None and not restarted) or work.change.action is Action.DELETE:
            continue
        at = None
        if begun is not None and begun.at is not None:
            at = begun.at + timedelta(seconds=longest)
        elif begun is None and earlier.last is not None:
            at = earlier.last + _POWER_LOSS + timedelta(seconds=longest)
        found.append((work, max(0.0, (now - at).total_seconds()) if at is not None else 0.0))
    return found
