"""Opens what was found: unpacks it, hashes it beside the rest, and tells its kind by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

from importer.errors import SourceError
from importer.sources.content import ARCHIVE_IN_ARCHIVE, HEAD, compression, kind_of
from importer.sources.located import Content, Deadline, Located, Opened, not_a_list, unreadable
from importer.sources.options import MIB, Limits

T = TypeVar("T")


class Background(Generic[T]):
    """A call that has begun, and what came of it. (An executor takes ten times as long to import as this to run.)"""

    def __init__(self, call: Callable[[], T], name: str, *, daemon: bool = True) -> None:
        """A `daemon` dies with the program; what imports C code must not: the interpreter would crash at its end."""
        self._made: list[T] = []
        self._failed: list[BaseException] = []
        self._thread = Thread(target=self._run, args=(call,), name=name, daemon=daemon)
        self._thread.start()

    def _run(self, call: Callable[[], T]) -> None:
        try:
            self._made.append(call())
        except BaseException as error:
            self._failed.append(error)

    def result(self, seconds: float | None = None) -> T:
        """What the call returned, or raises what it raised; TimeoutError when it has not ended after `seconds`."""
        self._thread.join(seconds)
        if self._failed:
            raise self._failed[0]
        if not self._made:
            raise TimeoutError
        return self._made[0]


_LARGE = 4 * MIB
_HASHED_AT_ONCE = 8 * MIB
"""Large, because the interpreter's lock is needed between two chunks, and a decoder may hold it for long."""


def digest_of(located: Located) -> Callable[[], str]:
    """A function that gives the hex digest, and waits for it if it must; it raises SourceError, as reading would."""
    if located.path is None or located.size < _LARGE:
        digest = _hashed(located)
        return lambda: digest
    return Background(lambda: _hashed(located), "sha256").result


def _hashed(located: Located) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(_HASHED_AT_ONCE, located.size + 1)))
    try:
        with located.open() as stream:
            while count := stream.readinto(buffer):  # type: ignore[attr-defined]  # every opener gives a buffered reader
                digest.update(buffer[:count])
    except OSError as error:
        raise unreadable(located.file, error) from error
    return digest.hexdigest()


def open_located(located: Located, limits: Limits, encoding: str = "") -> Opened:
    """The file with its kind, hash and unpacked content; SourceError for what is not a list or over a limit."""
    if located.size > limits.file_bytes:
        raise SourceError(
            f"{located.file} is too large: {located.size / MIB:,.0f} MiB, "
            f"at most {limits.file_bytes / MIB:,.0f} MiB are read.",
            hint=limits.hint("file_bytes"),
        )
    if not located.size:  # also the kernel's files, which have no size and may have no end
        raise not_a_list(located.file, "an empty file")
    deadline = Deadline(located.file, limits)
    try:
        digest = digest_of(located)
        with located.open() as stream:
            head = stream.read(HEAD)
        content, kind = _unpack(located, head, limits, encoding, deadline)
    except OSError as error:
        raise unreadable(located.file, error) from error
    return Opened(
        file=f"{located.file}/{content.member}" if content.member else located.file,
        kind=kind,
        open=content.open,
        size=located.size,
        digest=digest,
        length=content.length,
        deadline=deadline,
        path=None if content.packed else located.path,
        listed=located.listed,
        packed=content.packed,
    )


def _unpack(located: Located, head: bytes, limits: Limits, encoding: str, deadline: Deadline) -> tuple[Content, str]:
    content = Content(located.open, located.size)
    packed = compression(head)
    # Hardly any list is packed, and what unpacks takes long to import.
    if packed:
        from importer.sources.unpack import unpack

        content = unpack(located, limits, deadline, packed)
        with content.open() as stream:
            head = stream.read(HEAD)
    kind, looks = kind_of(located.file, head, encoding)
    if kind == "zip":
        from importer.sources.unpack import look_into_zip

        content, kind, looks = look_into_zip(located, content, limits, encoding, deadline)
    elif packed and compression(head):
        kind, looks = "", ARCHIVE_IN_ARCHIVE
    if not kind:
        raise not_a_list(located.file, looks)
    return content, kind
