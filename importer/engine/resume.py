"""Taking a run up again: what it planned, what its journal proves, and whether both still fit together.

The rest is `execute` with `earlier`: rows that have ended stay as they are, open intents are looked up first.
"""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from importer.engine.backlog import sort_rows
from importer.engine.journal_state import JournalState, read_journal
from importer.engine.origin import local_key
from importer.engine.run_folder import RunFolder
from importer.errors import UsageError
from importer.model import Plan, SourceFile
from importer.planning.plan_file import read_plan


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run as its folder tells it."""

    folder: RunFolder
    plan: Plan
    sha256: str
    """Digest of the plan."""
    state: JournalState | None
    """None when the run was killed before its journal's first line: then nothing was sent."""
    made_here: bool = False
    """Whether its plan was made on this machine, by this user."""


def open_run(path: Path) -> EarlierRun:
    """Read a run's folder, for undo or a report.

    Raises UsageError when it is not a run, or when its plan is not the one that its journal is about.
    """
    folder = RunFolder.open(path)
    saved = read_plan(folder.plan_path)
    made_here = saved.made_with(local_key())
    return EarlierRun(folder, saved.plan, saved.sha256, _state_of(folder, saved.sha256), made_here)


def read_again(earlier: EarlierRun) -> EarlierRun:
    """The same run as its journal tells it now. To be called under the account's lock, before anything is sent:
    whoever held the lock until now may have gone on with this very run. Raises UsageError as `open_run` does.
    """
    return replace(earlier, state=_state_of(earlier.folder, earlier.sha256))


def check_not_undone(earlier: EarlierRun) -> None:
    """Raise UsageError for a run that was undone, or is being undone: its journal tells of tags that are gone."""
    state = earlier.state
    if state is not None and state.undone:
        raise UsageError(f"run {earlier.folder.run} was undone", hint="Apply its source again instead.")
    if state is not None and state.undoing:
        raise UsageError(
            f"an undo of run {earlier.folder.run} was begun and has not ended: {state.undoing}",
            hint="Finish the undo.",
            then=f"tag-importer resume {shlex.quote(state.undoing)}{{place}}",
        )


def left_to_do(earlier: EarlierRun) -> Plan:
    """What a resume still has to see to: the plan without the rows that have ended, for a person to look at."""
    _, works = sort_rows(earlier.plan, earlier.state)
    left = {work.change.key for work in works}
    kept = [change for change in earlier.plan.changes if not change.action.calls or change.key in left]
    return msgspec.structs.replace(earlier.plan, changes=tuple(kept))


def open_resumable(path: Path) -> EarlierRun:
    """Read a run's folder for resume.

    Raises UsageError as `open_run` does, when the run was undone or is being undone, or when a source that is still at
    its place has changed; the message says which. A source that is not there (a copied folder) is no hindrance: the
    plan holds everything.
    """
    earlier = open_run(path)
    check_not_undone(earlier)
    if changed := changed_sources(earlier.plan, earlier.state.cwd if earlier.state is not None else ""):
        raise UsageError(
            "a source changed since the plan was made: " + ", ".join(source.file for source in changed),
            hint="Put the old file back, or plan and apply the new one: what exists already is skipped.",
            details=tuple(f"{source.file}: sha256 was {source.sha256[:12]}" for source in changed),
        )
    return earlier


def _state_of(folder: RunFolder, digest: str) -> JournalState | None:
    state = read_journal(folder.journal_path) if folder.journal_path.exists() else None
    if state is None or not state.header:
        return None
    if state.plan and state.plan != digest:
        raise UsageError(
            f"{folder.plan_path} is not the plan that this run carried out "
            f"(sha256 {digest[:12]}, the journal says {state.plan[:12]})",
            hint="Put the run's own plan.json back, or plan and apply anew.",
        )
    return state


def changed_sources(plan: Plan, cwd: str = "") -> list[SourceFile]:
    """The sources that are still where they were and hold something else now.

    `cwd` is where the run was started: its relative names are meant from there.
    """
    changed = []
    for source in plan.sources:
        try:
            path = file_of(source, cwd)
            if path is None:
                continue
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != source.sha256:
                    changed.append(source)
        except (OSError, ValueError):
            continue  # it cannot be read from here: the plan is what counts
    return changed


def file_of(source: SourceFile, cwd: str = "") -> Path | None:
    """The file that was hashed, as seen from `cwd`: the source itself, or the archive that it is a member of."""
    if not source.sha256 or "://" in source.file:
        return None
    path = Path(cwd, source.file)
    return next((place for place in (path, *path.parents) if place.is_file()), None)
