"""The errors a user can cause, as one tree. Each class is one exit code of the command line.

    ImporterError
    |-- UsageError            2  a flag, an argument or a setting is wrong
    |   |-- MappingError      2  a mapping file is wrong (file, line, column)
    |   `-- JobError          2  a job file is wrong (file, line, column)
    |-- SourceError           3  a source cannot be read; nothing was attempted
    |-- AccessRefused         4  the token, or one of its permissions, was refused
    |-- SafetyLimit           5  a safety limit stopped the plan before anything was attempted
    |-- StoppedEarly          6  stopped before the end; the run can be resumed
    `-- LockHeld              7  another run holds the lock for this account or this token

An error says what is wrong, where, why, and what to do about it. None of them ever carries a token.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class Spot(NamedTuple):
    """A place in a text file that a person wrote: 1-based line and column, 0 where not known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


class ImporterError(Exception):
    """Base of everything that ends a command with a sentence instead of a traceback."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "", details: tuple[str, ...] = ()) -> None:
        """`message` is one sentence; `hint` says what to do; `details` are further lines, one problem each."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(ImporterError):
    """A flag, an argument or a setting is wrong; nothing was attempted."""

    exit_code = 2


class MappingError(UsageError):
    """A mapping file is wrong; `details` hold one line a problem, each with file, line and column."""


class JobError(UsageError):
    """A job file is wrong; `details` hold one line a problem, each with file, line and column."""


class SourceError(ImporterError):
    """A source cannot be read, or is no actor list; nothing was attempted."""

    exit_code = 3


class AccessRefused(ImporterError):
    """The API refused the token (401) or a permission it lacks (403)."""

    exit_code = 4


class SafetyLimit(ImporterError):
    """The plan is larger than a safety limit allows; the hint is the exact override."""

    exit_code = 5


class StoppedEarly(ImporterError):
    """The run stopped before its end and can be resumed."""

    exit_code = 6


class LockHeld(ImporterError):
    """Another run holds the lock for this account or this token; the message says who and since when."""

    exit_code = 7
