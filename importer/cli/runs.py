"""Finding a run by its folder or by the start of its name."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from importer.errors import UsageError


def find_run(words: str, runs_dir: Path) -> Path:
    """The folder of a run. UsageError when none fits, or more than one."""
    given = Path(words)
    with suppress(OSError):  # a name that is too long to be one
        if given.exists():
            return given
    runs = runs_dir.iterdir() if runs_dir.is_dir() else ()
    found = sorted(path for path in runs if path.name.startswith(words) and path.is_dir())
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{words} is the start of {len(found)} runs", details=tuple(path.name for path in found[:10]))
    raise UsageError(f"there is no run {words}", hint="tag-importer runs lists them.")
