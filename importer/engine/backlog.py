"""What is left to do: the plan's rows less those that need no call, and less what an earlier part of the run did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from importer.engine.journal import boot_id
from importer.engine.journal_state import JournalState
from importer.engine.work import NEVER, Work, without_a_call
from importer.model import Action, Outcome, Plan, Status
from importer.planning.binding import AFTER, BESIDE
from importer.planning.options import MERGE
from importer.remote.failures import FAILURES

_POWER_LOSS: Final = timedelta(seconds=30)
"""How much of a journal a crash of the machine may have taken when nothing was forced to the disk."""
_HELD: Final = frozenset(line.code for line in FAILURES if line.held)
_MADE: Final = frozenset({Status.CREATED, Status.UPDATED, Status.DELETED, Status.UNCHANGED})
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
    beside = plan.options.get(BESIDE) or {}
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
        work.beside = set(beside.get(change.key, ()))
        work.refused_before = earlier is not None and earlier.refused.get(change.key) in _HELD
        works.append(work)
    # What kept a run from going on is not tried first again.
    works.sort(key=lambda work: work.refused_before)
    return outcomes, works


def hold_back(plan: Plan, outcomes: dict[str, Outcome], works: list[Work]) -> tuple[list[Work], dict[str, list[Work]]]:
    """The rows that may be worked on at once, and by key of a row those that wait for it to be made.

    Rows whose forerunner has ended already get their outcome where it was not made.
    """
    after: Mapping[str, str] = plan.options.get(AFTER) or {}
    behind: dict[str, list[Work]] = {}
    free: list[Work] = []
    for work in works:
        first = after.get(work.change.key, "")
        if not first:
            free.append(work)
        elif (before := outcomes.get(first)) is None:
            behind.setdefault(first, []).append(work)
        elif (withheld := after_its_forerunner(work, before)) is None:
            free.append(work)
        else:
            outcomes[work.change.key] = withheld
    return free, behind


def stays_of(plan: Plan) -> dict[str, str]:
    """By key of a delete the uuid of the tag into which its tag is merged: it must be there when the other one goes."""
    if plan.mode != MERGE:
        return {}
    uuids = {change.key: change.uuid for change in plan.changes}
    return {key: uuids[first] for key, first in (plan.options.get(AFTER) or {}).items()}


def after_its_forerunner(work: Work, before: Outcome) -> Outcome | None:
    """How a row ends whose forerunner was not made; None where it was, and the row may be worked on."""
    if before.status in _MADE:
        work.beside |= {before.uuid}
        return None
    status = Status.NOT_ATTEMPTED if before.status in _OPEN else Status.CONFLICT
    message = f"it may be made only after another change, which ended as {before.status}: {before.message}"
    return Outcome(work.change.key, status, work.change.uuid, work.attempts, "forerunner-not-made", message)


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
