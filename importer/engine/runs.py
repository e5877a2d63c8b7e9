"""The runs in a folder of runs: what each is, and how it stands."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from importer.engine.journal_state import JournalState, read_journal
from importer.engine.result import counts_of
from importer.engine.run_folder import RunFolder
from importer.errors import UsageError


class RunState(StrEnum):
    """How a run stands."""

    COMPLETE = "complete"
    RESUMABLE = "resumable"
    UNDONE = "undone"
    PLANNED = "planned"
    """A plan without a journal: nothing was attempted."""
    DAMAGED = "damaged"
    """Its journal cannot be read."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run."""

    run: str
    path: Path
    state: RunState
    mode: str
    account: str
    started: str
    """UTC time, ISO 8601; empty where nothing was attempted."""
    rows: int
    counts: Mapping[str, int]
    """Rows by status, as far as the journal knows them."""
    reason: str = ""
    """Why it stopped, or what is wrong with it."""


def list_runs(base: Path) -> list[RunInfo]:
    """The runs in `base`, oldest first; empty where there is no such folder."""
    if not base.is_dir():
        return []
    folders = [RunFolder(path) for path in sorted(base.iterdir()) if (path / "plan.json").is_file()]
    return [run_info(folder) for folder in folders]


def run_info(folder: RunFolder) -> RunInfo:
    """How one run stands."""
    state: JournalState | None = None
    reason = ""
    if folder.journal_path.exists():
        try:
            state = read_journal(folder.journal_path)
        except UsageError as error:
            return RunInfo(folder.run, folder.path, RunState.DAMAGED, "", "", "", 0, {}, error.message)
    if state is None or not state.header:
        return RunInfo(folder.run, folder.path, RunState.PLANNED, "", "", "", 0, {})
    end = state.ends[-1] if state.ends else {}
    counts = end.get("counts")
    if not isinstance(counts, dict):
        counts = {status: count for status, count in counts_of(state.outcomes).items() if count}
    if state.undone:
        standing = RunState.UNDONE
    elif state.complete:
        standing = RunState.COMPLETE
    else:
        standing, reason = RunState.RESUMABLE, str(end.get("reason") or "it was interrupted")
    header = state.header
    return RunInfo(
        folder.run, folder.path, standing, str(header.get("mode", "")), str(header.get("account", "")),
        str(header.get("started", "")), int(header.get("rows") or 0), counts, reason,
    )  # fmt: skip


def prune_runs(base: Path, keep: int) -> list[RunInfo]:
    """Delete the oldest runs but `keep`, and say which. What can still be resumed stays, whatever its age."""
    runs = list_runs(base)
    done = [info for info in runs if info.state in (RunState.COMPLETE, RunState.UNDONE, RunState.PLANNED)]
    excess = max(0, len(runs) - max(0, keep))
    gone = done[:excess]
    for info in gone:
        shutil.rmtree(info.path)
    return gone
