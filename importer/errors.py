"""The errors a user can cause, as one tree. Each class is one exit code of the command line.

    ImporterError
    |-- UsageError            2  a flag, an argument or a setting is wrong
    |   |-- MappingError      2  a mapping file is wrong (file, line, column)
    |   `-- JobError          2  a job file is wrong (file, line, column)
    |-- SourceError           3  a source cannot be read; nothing was attempted
    |-- AccessRefused         4  the token, or one of its permissions, was refused
    |-- SafetyLimit           5  a safety limit stopped the plan before anything was attempted
    |-- StoppedEarly          6  stopped before the end; the run can be resumed
    |-- LockHeld              7  another run holds the lock for this account or this token
    `-- ProgramFault         70  a fault of the program itself

An error says what is wrong, where, why, what to do about it, and the command to type next. None of them ever carries
a token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final, NamedTuple


class ExitCode(IntEnum):
    """Every exit code of the command line."""

    DONE = 0
    """Everything is as the input asks."""
    ROWS_NEED_WORK = 1
    """Finished, but some rows are invalid, in conflict, failed or unknown."""
    USAGE = 2
    """Usage, job file or mapping wrong; nothing attempted."""
    SOURCE = 3
    """A source cannot be read; nothing attempted."""
    ACCESS = 4
    """Token or permission refused."""
    SAFETY_LIMIT = 5
    """A safety limit stopped the plan; nothing attempted."""
    STOPPED_EARLY = 6
    """Stopped early and resumable."""
    LOCKED = 7
    """Another run holds the lock of this account or token."""
    CHANGES_PENDING = 10
    """`plan --detailed-exitcode`: there are changes to apply."""
    PROGRAM_FAULT = 70
    """A fault of the program itself (EX_SOFTWARE)."""


WORST_FIRST: Final = (70, 4, 2, 3, 5, 6, 7, 1, 10, 0)
"""Of many jobs the worst exit code counts: what needs a person before what comes right when it is run again (6, 7)."""


def worst(codes: Iterable[int]) -> int:
    """The exit code of many jobs: the one of theirs that is first in `WORST_FIRST`; 0 for none."""
    return min(codes, key=WORST_FIRST.index, default=0)


class Position(NamedTuple):
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

    exit_code: ExitCode = ExitCode.USAGE
    retry_after: float = 0.0
    """Seconds after which it may come right by itself; 0 where nobody knows."""
    then: str
    """The command to type after an error of this kind; `{again}` is what was typed, `{command}` its first word."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        details: tuple[str, ...] = (),
        then: str = "",
        meant: tuple[str, str] | None = None,
    ) -> None:
        """`message` is one sentence; `hint` says what to do; `details` are further lines, one problem each.

        `then` is the command to type where it is not that of the kind; `meant` is a word that was typed and the one
        that was probably meant: then the next command is the same with that word.
        """
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details
        self.meant = meant
        self.run = ""
        """The run that it ended."""
        if then or meant:
            self.then = then or "{again}"


class UsageError(ImporterError):
    """A flag, an argument or a setting is wrong; nothing was attempted."""

    then = "tag-importer {command} --help"


@contextmanager
def os_errors(cannot: str, hint: str = "") -> Iterator[None]:
    """What the system refuses inside is a UsageError: `os_errors("a.csv cannot be read")` adds why."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{cannot}: {error.strerror or error}", hint=hint, then="{again}") from error


class MappingError(UsageError):
    """A mapping file is wrong; `details` hold one line a problem, each with file, line and column."""

    then = "{again}"


class JobError(UsageError):
    """A job file is wrong; `details` hold one line a problem, each with file, line and column."""

    then = "{again}"


class SourceError(ImporterError):
    """A source cannot be read, or is not an actor list; nothing was attempted."""

    exit_code = ExitCode.SOURCE
    then = "{again}"


class AccessRefused(ImporterError):
    """The API refused the token (401) or a permission it lacks (403)."""

    exit_code = ExitCode.ACCESS
    then = "tag-importer doctor"


class SafetyLimit(ImporterError):
    """The plan is larger than a safety limit allows; the hint is the exact override."""

    exit_code = ExitCode.SAFETY_LIMIT
    then = "{again}"


class StoppedEarly(ImporterError):
    """The run stopped before its end and can be resumed."""

    exit_code = ExitCode.STOPPED_EARLY
    then = "{again}"


class LockHeld(ImporterError):
    """Another run holds the lock for this account or this token; the message says who and since when."""

    exit_code = ExitCode.LOCKED
    then = "{again} --wait 600"


class ProgramFault(ImporterError):
    """A fault of the program itself; nothing that a user does should lead here."""

    exit_code = ExitCode.PROGRAM_FAULT
    then = "TAG_IMPORTER_TRACEBACK=1 {again}"
