"""Opens what was found, unpacks what is packed, and tells each file's kind by its content."""

from __future__ import annotations

from importer.errors import SourceError
from importer.sources.content import ARCHIVE_IN_ARCHIVE, HEAD, compression, kind_of
from importer.sources.digest import digest_of
from importer.sources.located import Content, Located, Opened
from importer.sources.options import MIB, Limits
from importer.sources.refusal import not_a_list, unreadable


def open_located(located: Located, limits: Limits, encoding: str = "") -> Opened:
    """The file with its kind, hash and unpacked content; SourceError for what is no list or over a limit."""
    if located.size > limits.file_bytes:
        raise SourceError(
            f"{located.file} is too large: {located.size / MIB:,.0f} MiB, "
            f"at most {limits.file_bytes / MIB:,.0f} MiB are read."
        )
    try:
        digest = digest_of(located)
        with located.open() as stream:
            head = stream.read(HEAD)
        content, kind = _unpack(located, head, limits, encoding)
    except OSError as error:
        raise unreadable(located.file, error) from error
    return Opened(
        file=f"{located.file}/{content.member}" if content.member else located.file,
        kind=kind,
        open=content.open,
        size=located.size,
        digest=digest,
        length=content.length,
        path=None if content.packed else located.path,
        listed=located.listed,
        packed=content.packed,
    )


def _unpack(located: Located, head: bytes, limits: Limits, encoding: str) -> tuple[Content, str]:
    content = Content(located.open, located.size)
    packed = compression(head)
    # Hardly any list is packed, and what unpacks takes long to import.
    if packed:
        from importer.sources.unpack import unpack

        content = unpack(located, limits, packed)
        with content.open() as stream:
            head = stream.read(HEAD)
    kind, looks = kind_of(located.file, head, encoding)
    if kind == "zip":
        from importer.sources.unpack import look_into_zip

        content, kind, looks = look_into_zip(located, content, limits, encoding)
    elif packed and compression(head):
        kind, looks = "", ARCHIVE_IN_ARCHIVE
    if not kind:
        raise not_a_list(located.file, looks)
    return content, kind
