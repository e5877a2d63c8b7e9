"""A row while it is being worked on, and how it ends: well, refused, or so that nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from importer.model import Action, Change, Outcome, Status, Tag
from importer.remote.failures import CallFailed
from importer.remote.wire import TagAnswer

NEVER: Final = float("-inf")
"""The time at which a tag was seen of which nothing is known."""


@dataclass(slots=True, eq=False)
class Work:
    """One change that needs a call. Mutable: the only thing in a run that is."""

    change: Change
    attempts: int = 0
    """Requests that may have left."""
    seen_at: float = NEVER
    """Monotonic time of what is known of its tag: when the account was asked, before the answer came."""
    began: float = NEVER
    """Monotonic time at which the last request left."""
    lost_at: float | None = None
    """Monotonic time of the last answer that was lost, while nobody knows whether the call was carried out."""
    missed_at: float | None = None
    """Monotonic time of the last look-up since then that did not find its tag."""
    losses: int = 0
    """How many answers were lost."""
    refusal: tuple[str, str] | None = None
    """Code and sentence of a refusal that came after an answer was lost: it counts only when the tag is absent."""
    doubts: int = 0
    """How often it was refused in a way that may not be its own trouble (`held` in the table of failures)."""
    refused_before: bool = False
    """Whether that happened in an earlier part of the run, which stopped."""
    due: float = 0.0
    """When to look it up next."""
    fault: str = ""
    """Why the last answer was lost."""
    resent: bool = False
    """Whether it was sent again after an answer was lost."""
    sending: bool = False
    looks: int = 0
    """How often its tag was looked at again."""
    beside: set[str] = field(default_factory=set)
    """uuids of tags of its name that its create is meant to be made beside."""
    ended: bool = False
    """Whether it has its outcome while it still waits in the queue."""
    call: str = field(init=False)
    name: str = field(init=False)
    """The name that the tag has once the call is done."""

    def __post_init__(self) -> None:
        self.call = self.change.action.value
        self.name = str(self.change.body.get("value") or self.change.name)

    @property
    def open(self) -> bool:
        """Whether a call may have been carried out without our knowing."""
        return self.lost_at is not None or self.sending


def own(work: Work, tags: Iterable[Tag]) -> tuple[Tag, ...]:
    """Of the tags of a row's name those that it may have made."""
    return tuple(tag for tag in tags if tag.uuid not in work.beside)


def without_a_call(change: Change) -> Outcome | None:
    """The outcome of a change that sends nothing; None for one that does."""
    if change.action.calls:
        return None
    return Outcome(change.key, change.action.status, change.uuid, 0, change.code, change.message)


def after(tag: TagAnswer | Tag) -> Mapping[str, Any]:
    """What undo recognises the tag by, as it was answered or found."""
    found: dict[str, Any] = {}
    if tag.version:
        found["version"] = tag.version
    if tag.updated_at:
        found["updatedAt"] = tag.updated_at
    return found


def left_open(work: Work, why: str) -> Outcome:
    """How a row is shown when the run stops before it has ended."""
    change = work.change
    if work.refusal and not work.losses:
        return Outcome(change.key, Status.FAILED, change.uuid, work.attempts, *work.refusal)
    if work.open:
        lost = f"its answer was lost ({work.fault})" if work.fault else "its answer was lost"
        advice = "and the run stopped before it was looked up; resume the run, it looks first and sends nothing twice"
        return Outcome(change.key, Status.UNKNOWN, change.uuid, work.attempts, "answer-lost", f"{lost} {advice}")
    return Outcome(change.key, Status.NOT_ATTEMPTED, change.uuid, work.attempts, "not-attempted", why)


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
