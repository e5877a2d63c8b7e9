"""What is remembered of an account from run to run, in a state file of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from importer.atomic import atomic_path, private_folder

T = TypeVar("T")


class Memory(Generic[T]):
    """One state file: read when it is first needed, written by `save`. Without a path it lasts for this run alone."""

    def __init__(self, path: Path | None, kind: type[T]) -> None:
        """`kind()` is what a file that is not there holds; one that is damaged or cannot be read is as good as none."""
        self._path = path
        self._kind = kind
        self._read: T | None = None
        self.changed = False
        """To be set by whoever changes `state`."""

    @property
    def state(self) -> T:
        if self._read is None:
            self._read = self._kind()
            if self._path is not None:
                with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
                    self._read = msgspec.json.decode(self._path.read_bytes(), type=self._kind)
        return self._read

    def save(self) -> None:
        """Write the file, where anything changed. Raises OSError."""
        if self._path is None or not self.changed:
            return
        private_folder(self._path.parent)
        with atomic_path(self._path) as temporary:
            temporary.write_bytes(msgspec.json.encode(self._read))
        self.changed = False
