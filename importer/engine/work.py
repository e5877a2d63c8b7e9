"""A row while it is being worked on, and what its ends look like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from importer.model import Change, Outcome, Status, Tag
from importer.remote.wire import TagAnswer

NEVER: Final = float("-inf")
"""The time at which a tag was seen of which nothing is known."""


class Work:
    """One change that needs a call. Mutable: the only thing in a run that is."""

    __slots__ = (
        "attempts",
        "began",
        "beside",
        "call",
        "change",
        "doubts",
        "due",
        "ended",
        "fault",
        "looks",
        "losses",
        "lost_at",
        "missed_at",
        "name",
        "refusal",
        "refused_before",
        "resent",
        "seen_at",
        "sending",
    )

    def __init__(self, change: Change, attempts: int = 0, seen_at: float = NEVER) -> None:
        self.change = change
        self.call = change.action.value
        self.name = str(change.body.get("value") or change.name)
        """The name that the tag has once the call is done."""
        self.attempts = attempts
        """Requests that may have left."""
        self.began = NEVER
        """Monotonic time at which the last request left."""
        self.lost_at: float | None = None
        """Monotonic time of the last answer that was lost, while nobody knows whether the call was carried out."""
        self.missed_at: float | None = None
        """Monotonic time of the last look-up since then that did not find its tag."""
        self.losses = 0
        """How many answers were lost."""
        self.refusal: tuple[str, str] | None = None
        """Code and sentence of a refusal that came after an answer was lost: it counts only when the tag is absent."""
        self.doubts = 0
        """How often it was refused in a way that may not be its own trouble (`held` in the table of failures)."""
        self.refused_before = False
        """Whether that happened in an earlier part of the run, which stopped."""
        self.due = 0.0
        """When to look it up next."""
        self.fault = ""
        """Why the last answer was lost."""
        self.resent = False
        """Whether it was sent again after an answer was lost."""
        self.sending = False
        self.seen_at = seen_at
        """Monotonic time of what is known of its tag: when the account was asked, before the answer came."""
        self.looks = 0
        """How often its tag was looked at again."""
        self.beside: set[str] = set()
        """uuids of tags of its name that its create is meant to be made beside."""
        self.ended = False
        """Whether it has its outcome while it still waits in the queue."""

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


def after(answer: TagAnswer) -> Mapping[str, Any]:
    """What undo recognises the tag by, out of the answer that wrote it."""
    found: dict[str, Any] = {}
    if answer.version:
        found["version"] = answer.version
    if answer.updated_at:
        found["updatedAt"] = answer.updated_at
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
