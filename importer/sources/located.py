"""A file that was found: its name, how to open it, what its content says it is, and how it is refused."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from msgspec import Struct

from importer.errors import SourceError
from importer.sources.options import Limits
from importer.system import THREAD_SECONDS, open_regular

T = TypeVar("T")


class Located(Struct, frozen=True):
    """A file, a download or standard input, before anything is known of its content."""

    file: str
    """As the user named it, without the credentials of a URL."""
    open: Callable[[], BinaryIO]
    size: int
    path: Path | None = None
    """Where it is on disk, if it is."""
    listed: bool = True
    """The user named it; False for one found in a folder, which may be passed over when it is not a list."""


class Content(Struct, frozen=True):
    """What `open` gives after unpacking."""

    open: Callable[[], BinaryIO]
    length: int
    packed: str = ""
    member: str = ""


_STEPS_AT_ONCE = 32


class Deadline:
    """The processor time that reading one source may take; asked after between two steps, each linear in its input."""

    def __init__(self, file: str, limits: Limits) -> None:
        self._file, self._most = file, limits.seconds
        self.start()

    def start(self) -> None:
        """From now on: other sources may have been looked at meanwhile."""
        self._began = THREAD_SECONDS()

    def check(self) -> None:
        """SourceError when the time is over."""
        if THREAD_SECONDS() - self._began > self._most:
            raise SourceError(
                f"{self._file} was not read: it takes longer than {self._most:g} seconds.", hint=Limits.hint("seconds")
            )

    def each(self, steps: Iterable[T]) -> Iterator[T]:
        """The steps; the time is looked at every few of them, for a look costs as much as a short step."""
        for number, step in enumerate(steps):
            if number % _STEPS_AT_ONCE == 0:
                self.check()
            yield step
        self.check()


class Opened(Struct, frozen=True):
    """A located file whose kind was told by its content; compressed ones are unpacked."""

    file: str
    kind: str
    """csv, workbook, parquet, json or yaml: which reader takes it."""
    open: Callable[[], BinaryIO]
    size: int
    """Bytes of the file as it was found."""
    digest: Callable[[], str]
    """Gives `sha256`."""
    length: int
    """Bytes after unpacking."""
    deadline: Deadline
    path: Path | None = None
    """Set when the file on disk is what `open` gives."""
    listed: bool = True
    packed: str = ""
    """gzip, bzip2, xz or zip, when it was unpacked."""

    @property
    def sha256(self) -> str:
        """Of the file as it was found. May wait, and raises SourceError when the file went away."""
        return self.digest()


def from_bytes(data: bytes) -> Callable[[], BinaryIO]:
    """An opener over bytes in memory."""
    return lambda: io.BytesIO(data)


def from_path(path: Path) -> Callable[[], BinaryIO]:
    """An opener of a regular file on disk."""
    return lambda: open_regular(path)


HINT = "Lists are read from CSV, workbooks (xlsx, xlsm, xlsb, xls, ods), STIX 2, MISP galaxies, JSON and YAML."


class NotAList(SourceError):
    """The file can be read, but is not a list of actors; one found in a folder is passed over."""


def not_a_list(file: str, looks: str, hint: str = HINT) -> NotAList:
    """`looks` completes "it looks like ..."."""
    return NotAList(f"{file} is not a list of actors: it looks like {looks}.", hint=hint)


def unreadable(file: str, error: OSError) -> SourceError:
    """What the system says of a file that is there but cannot be read."""
    reason = (error.strerror or str(error)).lower()
    return SourceError(f"{file} cannot be read: {reason}.")
