"""Finding a run by its folder or by the start of its name."""

from __future__ import annotations

from pathlib import Path

from importer.errors import UsageError


def find_run(words: str, runs_dir: Path) -> Path:
    """The folder of a run. UsageError when none fits, or more than one."""
    given = Path(words)
    if given.exists():
        return given
    found = sorted(path for path in runs_dir.glob(f"{words}*") if path.is_dir()) if words.isprintable() else []
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{words} is the start of {len(found)} runs", details=tuple(path.name for path in found[:10]))
    raise UsageError(f"there is no run {words}", hint="tag-importer runs lists them.")
