"""Unpacks gzip, bzip2, xz and one-member ZIP within bounds, into memory or a temporary file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tempfile
import weakref
import zipfile
import zlib
from typing import IO, Any, BinaryIO, cast

from importer.errors import SourceError
from importer.sources.content import ARCHIVE_IN_ARCHIVE, HEAD, kind_of, zip_content
from importer.sources.located import Content, Deadline, Located
from importer.sources.options import MIB, Limits

_CHUNK = 1 << 20
_IN_MEMORY = 16 * MIB


def look_into_zip(
    located: Located, content: Content, limits: Limits, encoding: str, deadline: Deadline
) -> tuple[Content, str, str]:
    """A workbook as it is, the one member of an archive unpacked: content, kind, and what it is if it is not a list."""
    kind, looks = _zip_kind(located.file, content)
    if kind != "zip":
        return content, kind, looks
    member = looks
    content = unpack(located, limits, deadline, "zip", content, member)
    with content.open() as stream:
        head = stream.read(HEAD)
    kind, looks = kind_of(member, head, encoding)
    if kind == "zip":
        kind, looks = _zip_kind(located.file, content)
        if kind == "zip":
            kind, looks = "", ARCHIVE_IN_ARCHIVE
    return content, kind, looks


def _zip_kind(file: str, content: Content) -> tuple[str, str]:
    try:
        with content.open() as stream:
            return zip_content(stream)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        raise SourceError(
            f"{file} is damaged or cut short: it begins like a workbook or ZIP archive, "
            "but its directory cannot be read."
        ) from error


def unpack(
    located: Located, limits: Limits, deadline: Deadline, packed: str, outer: Content | None = None, member: str = ""
) -> Content:
    """The unpacked content in memory, or in a temporary file when it is large; stops at the limits."""
    target = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as long as the opener
    shared = _Shared(cast(IO[bytes], target))  # closes it, also when this function fails
    length = 0
    try:
        with (outer.open if outer else located.open)() as raw:
            source, packed_size = _unpacker(packed, raw, member, located)
            for chunk in deadline.each(iter(lambda: source.read(_CHUNK), b"")):
                length += len(chunk)
                bomb = length > 64 * MIB and length > limits.ratio * max(packed_size, 1)
                if bomb or length > limits.file_bytes:
                    raise SourceError(
                        f"{located.file} unpacks to more than {length / MIB:,.0f} MiB "
                        f"from {packed_size / 1024:,.0f} KiB, which looks like a decompression bomb; it was not read.",
                        hint=limits.hint("ratio" if bomb else "file_bytes"),
                    )
                target.write(chunk)
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile, NotImplementedError) as error:
        raise SourceError(f"{located.file} is damaged or cut short: its {packed} data cannot be unpacked.") from error
    except RuntimeError as error:  # zipfile's word for a password
        raise SourceError(
            f"{located.file} is protected with a password; remove it, or unpack the file first."
        ) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise SourceError(f"{located.file} is damaged or cut short: its {packed} data cannot be unpacked.") from error
    return Content(shared.open, length, packed, member)


def _unpacker(packed: str, raw: BinaryIO, member: str, located: Located) -> tuple[IO[bytes], int]:
    if packed == "gzip":
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw)), located.size
    if packed == "bzip2":
        return bz2.BZ2File(raw), located.size
    if packed == "xz":
        return lzma.LZMAFile(raw), located.size
    archive = zipfile.ZipFile(raw)
    return archive.open(member), archive.getinfo(member).compress_size


class _Shared:
    """A temporary file that is read several times, from its start each time; closed with its last user."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        weakref.finalize(self, file.close)

    def open(self) -> BinaryIO:
        self._file.seek(0)
        return io.BufferedReader(_View(self._file, self), _CHUNK)


class _View(io.RawIOBase):
    """A reader of a shared file; closing it leaves the file open."""

    def __init__(self, file: IO[bytes], owner: _Shared) -> None:
        self._file = file
        self._owner = owner

    def readinto(self, buffer: Any, /) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._file.seek(offset, whence)
        return self._file.tell()

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
