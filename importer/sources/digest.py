"""The SHA-256 of a source. A large file is hashed beside its reading, which takes as long as splitting its JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from importer.sources.beside import Beside
from importer.sources.located import Located
from importer.sources.options import MIB
from importer.sources.refusal import unreadable

_LARGE = 4 * MIB
_CHUNK = 8 * MIB
"""Large, because the interpreter's lock is needed between two chunks, and a decoder may hold it for long."""


def digest_of(located: Located) -> Callable[[], str]:
    """A function that gives the hex digest, and waits for it if it must; it raises SourceError, as reading would."""
    if located.path is None or located.size < _LARGE:
        digest = _hashed(located)
        return lambda: digest
    return Beside(lambda: _hashed(located), "sha256").result


def _hashed(located: Located) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(_CHUNK, located.size + 1)))
    try:
        with located.open() as stream:
            while count := stream.readinto(buffer):  # type: ignore[attr-defined]  # every opener gives a buffered reader
                digest.update(buffer[:count])
    except OSError as error:
        raise unreadable(located.file, error) from error
    return digest.hexdigest()
