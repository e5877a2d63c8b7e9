"""Whether a plan was made here: a key in the state directory seals each plan that this program writes."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from importer.atomic import PRIVATE, private_folder
from importer.engine.lock import state_dir
from importer.errors import UsageError
from importer.system import BINARY, NO_LINK

_BYTES: Final = 32


def local_key(folder: Path | None = None, *, make: bool = False) -> bytes:
    """The key of this user on this machine, 32 bytes; empty where there is none, and where none can be made.

    A file that is a link, or that others may write, is not a key.
    """
    try:
        place = (folder or state_dir()) / "plan-seal.key"
    except UsageError:
        return b""
    if make and not place.exists():
        with suppress(OSError):
            private_folder(place.parent)
            file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, PRIVATE)
            try:
                place.chmod(PRIVATE)  # the umask may have taken something away
                os.write(file, secrets.token_bytes(_BYTES))
            finally:
                os.close(file)
    try:
        file = os.open(place, os.O_RDONLY | BINARY | NO_LINK)
    except OSError:
        return b""
    try:
        about = os.fstat(file)
        ours = stat.S_ISREG(about.st_mode) and (os.name == "nt" or not about.st_mode & 0o022)
        key = os.read(file, _BYTES + 1) if ours else b""
    finally:
        os.close(file)
    return key if len(key) == _BYTES else b""


def check_origin(what: str, sha256: str, *, made_here: bool, trusted: str, asked: bool) -> str:
    """What is to be said, before the question, of a plan that was made elsewhere; empty for one made here or trusted.

    `trusted` is the sha256, or 12 digits of it or more, that --trust-plan names. Raises UsageError where it names
    another plan, and where nobody can be asked (`asked`) and it names none.
    """
    if trusted and not (len(trusted) >= 12 and sha256.startswith(trusted.lower())):
        raise UsageError(
            f"--trust-plan {trusted[:64]} is not the plan of {what}, whose sha256 is {sha256}",
            hint="Ask whoever made the plan for its sha256, and compare.",
        )
    if made_here or trusted:
        return ""
    said = f"{what} was not made here: no key of this user on this machine has sealed it"
    if not asked:
        raise UsageError(
            f"{said}, and nobody is asked; nothing was attempted",
            hint=f"Look at it first; if its maker names the same sha256, add --trust-plan {sha256[:12]}",
        )
    return f"{said}. It may ask for anything; whoever made it should name the same sha256: {sha256}"
