"""Files that are there whole or not at all: written beside their place, then renamed into it."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TextIO

from importer.system import user_id

PRIVATE = 0o600
"""Mode of what holds an organisation's actors: for its owner alone."""


def private_folder(path: Path) -> None:
    """Make a folder, and those that it is in, for their owner alone, whatever the umask. What exists stays as it is.

    Raises OSError.
    """
    missing = [place for place in (path, *path.parents) if not place.exists()]
    for place in reversed(missing):
        try:
            place.mkdir(mode=0o700)
        except FileExistsError:  # another process was faster, or it is a link to nowhere
            if not place.is_dir():
                raise
        else:
            place.chmod(0o700)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def own_folder(path: Path) -> None:
    """`private_folder` for a path that a person named: nothing is written through a link, or into another's folder.

    Raises OSError for a link, for a folder of another user, and for one behind a link that another user has laid.
    """
    me = user_id()
    users = {0, me} if me is not None else None
    for place in path.absolute().parents:
        if users is not None and place.is_symlink() and place.lstat().st_uid not in users:
            raise PermissionError(errno.EPERM, f"{place} is a link of another user", str(path))
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link", str(path))
    private_folder(path)
    if users is not None and path.lstat().st_uid != me:
        raise PermissionError(errno.EPERM, "it belongs to another user", str(path))


@contextmanager
def atomic_path(path: Path, mode: int = PRIVATE, *, forced: bool = False) -> Iterator[Path]:
    """A temporary path beside `path`, created with `mode`; it becomes `path` when the block ends without an error.

    `forced` has it on the disk before that: what others rely on must outlive a power loss. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        temporary.chmod(mode)  # the umask may have taken something away
        yield temporary
        if forced:
            _force(temporary)
        temporary.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


@contextmanager
def atomic_text(path: Path, mode: int = PRIVATE) -> Iterator[TextIO]:
    """A UTF-8 text file that becomes `path` at the end. Line ends are written as they are given.

    A lone surrogate, which UTF-8 cannot hold, is written as its escape.
    """
    with atomic_path(path, mode) as temporary:
        stream: IO[str]
        with temporary.open("w", encoding="utf-8", newline="", errors="backslashreplace", buffering=1 << 18) as stream:
            yield stream


def _force(path: Path) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)
