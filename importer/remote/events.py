"""What a call tells the world: frozen facts, turned into progress, logs and metrics by whoever observes.

No event carries a token, a header or a body. `importer.engine.events` adds those of the run.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class Event(Struct, frozen=True):
    """Base of all events."""


class CallFinished(Event, frozen=True):
    """One HTTP request came to its end, with an answer or without."""

    call: str
    """create, update, delete, list, find (a look-up by name), categories, category-create or category-update."""
    status: int
    """HTTP status; 0 when no answer came."""
    seconds: float
    failure: str = ""
    """Code of the failure table (`server-error`, `answer-lost`); empty when all is well."""
    key: str = ""
    """The change that the call was for, where there is one."""
    remaining: int = -1
    """Calls that the server says are left in its window; -1 when it does not say."""


class Retrying(Event, frozen=True):
    """A failed call will be made again."""

    call: str
    key: str
    attempt: int
    """Number of the attempt that failed, from 1."""
    failure: str
    seconds: float
    """How long until the next attempt."""


class Waiting(Event, frozen=True):
    """Calls wait for the limit. Sent once when a wait of note begins, not for every worker."""

    seconds: float
    why: str
    """quota (our own window is full), shared (others use the token), blocked (429), outage (the server fails), lag
    (what was written does not show yet)."""


class LimitLearned(Event, frozen=True):
    """The server announced a limit that differs from the one assumed so far."""

    quota: int
    window: float


class Remark(Event, frozen=True):
    """Something about the account's settings that a person should know."""

    text: str


Observe = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The observer that does nothing."""
