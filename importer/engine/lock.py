"""One run at a time for an account, and for a token: lock files in the state directory, freed with their process."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from importer.atomic import atomic_path, private_folder
from importer.errors import LockHeld, UsageError

STATE_DIR: Final = "TAG_IMPORTER_STATE_DIR"


def state_dir(environment: Mapping[str, str] | None = None) -> Path:
    """TAG_IMPORTER_STATE_DIR, else XDG_STATE_HOME/tag-importer, else ~/.local/state/tag-importer.

    UsageError where there is no home directory (no HOME, a user without an entry in passwd).
    """
    env = os.environ if environment is None else environment
    chosen, base = env.get(STATE_DIR, ""), env.get("XDG_STATE_HOME", "")
    try:
        if chosen:
            return Path(chosen).expanduser()
        # The specification says that a relative path is to be ignored.
        root = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
        if not root.is_absolute():
            raise RuntimeError
    except RuntimeError:
        raise UsageError(
            f"the state directory {chosen or '~/.local/state/tag-importer'} is not there: no such home directory",
            hint=f"Set {STATE_DIR} to a folder that can be written.",
        ) from None
    return root / "tag-importer"


def downloads_dir() -> Path | None:
    """Where downloads are kept to be asked about again; None where nothing can be kept."""
    try:
        return state_dir() / "downloads"
    except UsageError:
        return None


@contextmanager
def account_lock(
    account: str,
    folder: Path | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    command: str = "",
    run: str = "",
    what: str = "account",
    wait: float = 0,
) -> Iterator[None]:
    """Hold the lock of an account while inside; with another `what`, of something else that runs have in common.

    `command` and `run` are what others are told; it is waited for `wait` seconds. Raises LockHeld (exit 7), which names
    who holds it and since when, and UsageError when the state directory cannot be used.
    """
    from filelock import FileLock, Timeout

    place = (folder or state_dir()) / "locks"
    name = hashlib.sha256(account.encode()).hexdigest()[:16]
    try:
        private_folder(place)
        lock = FileLock(place / f"{name}.lock", timeout=wait)
        lock.acquire()
    except Timeout:
        raise _held(place / f"{name}.json", what) from None
    except OSError as error:
        raise UsageError(
            f"the state directory {place} cannot be used: {error.strerror or error}",
            hint=f"Set {STATE_DIR} to a folder that can be written.",
            then="{again}",
        ) from error
    about = place / f"{name}.json"
    try:
        with contextlib.suppress(OSError):
            since = now().astimezone(UTC).isoformat(timespec="seconds")
            text = command or " ".join(["tag-importer", *sys.argv[1:2]])
            who = {"pid": os.getpid(), "command": text, "run": run, "since": since}
            with atomic_path(about) as temporary:
                temporary.write_text(json.dumps(who), "utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            about.unlink()
        lock.release()


def _held(about: Path, what: str) -> LockHeld:
    try:
        who = json.loads(about.read_text("utf-8"))
        told = f"process {int(who['pid'])}, `{who['command']}`, since {who['since']}"
        if who.get("run"):
            told += f", run {who['run']}"
    except (OSError, ValueError, KeyError, TypeError):
        told = "a process that has not said who it is"
    return LockHeld(
        f"another run holds the lock for this {what}: {told}",
        hint="Wait for it, ten minutes as here, or stop it first.",
    )
