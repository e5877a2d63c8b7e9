"""What a transform answers when it has something to say: a value, and a note about the text it came from."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from importer.mapping.spec import Value


class About(StrEnum):
    """What a note is about; the rule's settings give each its severity."""

    UNKNOWN = "unknown"
    """A word, date or number that cannot be read: `unknown:` decides."""
    SEVERAL = "several"
    """More than one answer, or only a vague one (a region): `several:` decides."""
    NOTHING = "nothing"
    """The text says itself that nothing is known (`Unknown`, `?`): told as information."""
    CHANGED = "changed"
    """The value goes on, but not as it was written: a warning."""
    DOUBTFUL = "doubtful"
    """The value goes on as it is, though it may not be what it looks like: a warning."""
    READ = "read"
    """The value goes on, read out of something else (HTML, a link): told as information."""
    REFUSED = "refused"
    """The API would refuse it: an error unless `unknown:` says otherwise; one entry of a list is left out."""


class Note(Struct, frozen=True):
    """Why a text did not become a value as it stood."""

    about: About
    code: str
    message: str
    text: str = ""
    """The part of the cell the note is about."""
    allowed: tuple[str, ...] = ()
    nearest: str = ""


class Found(Struct, frozen=True):
    """A value with a note; transforms without anything to say return the bare value."""

    value: Value
    note: Note | None = None
