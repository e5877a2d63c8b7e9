"""How a row ends: its outcome when the call worked, when the server refused it, and when nobody can tell."""

from __future__ import annotations

from importer.engine.work import Work, after
from importer.model import Action, Outcome, Status
from importer.remote.failures import CallFailed
from importer.remote.wire import TagAnswer


def done(work: Work, answer: TagAnswer | None) -> Outcome:
    """The call was answered as it should be."""
    change = work.change
    if answer is None:
        return Outcome(change.key, change.action.status, change.uuid, work.attempts)
    return Outcome(
        change.key, change.action.status, answer.uuid, work.attempts, after=after(answer)
    )  # fmt: skip


def refused(work: Work, failed: CallFailed) -> Outcome:
    """The server said no."""
    change, code, status, message = work.change, failed.failure.code, Status.FAILED, str(failed)
    if change.action is Action.DELETE and code == "not-found":
        # After a lost answer it is this run that deleted it.
        status = Status.DELETED if work.losses else Status.UNCHANGED
        code, message = "gone", "it was gone already"
    elif code == "exists":
        status, message = Status.CONFLICT, f"{failed}; plan again to see the tag that has this name"
    elif change.action is Action.UPDATE and code == "not-found":
        status, code, message = Status.CONFLICT, "gone", "the tag was deleted since the plan was made; plan again"
    return Outcome(change.key, status, change.uuid, work.attempts, code, message)


def never_answered(work: Work, failed: CallFailed) -> Outcome:
    """An update or delete that was tried as often as allowed."""
    message = f"sent {work.attempts} times and never answered ({failed}); plan again to see what is so"
    return Outcome(
        work.change.key, Status.UNKNOWN, work.change.uuid, work.attempts, failed.failure.code, message
    )  # fmt: skip
