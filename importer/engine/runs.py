"""The runs in a folder of runs: what each is, and how it stands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from importer.atomic import atomic_text, private_folder
from importer.engine.journal_state import JournalState, finished_journal, read_journal
from importer.engine.lock import state_dir
from importer.engine.result import counts_of
from importer.engine.run_folder import RunFolder
from importer.errors import UsageError
from importer.planning.plan_file import is_plan_file

_SUMMARY: Final = "summary.json"
_ELSEWHERE: Final = "runs-elsewhere.txt"
_STAMP: Final = len("20261123T174000Z")


class RunState(StrEnum):
    """How a run stands."""

    COMPLETE = "complete"
    RESUMABLE = "resumable"
    UNDONE = "undone"
    PLANNED = "planned"
    """A plan without a journal: nothing was attempted."""
    STOPPED = "stopped"
    """It ended before there was anything to resume; its summary says why."""
    DAMAGED = "damaged"
    """Its journal cannot be read."""


_DONE: Final = (RunState.COMPLETE, RunState.UNDONE, RunState.PLANNED, RunState.STOPPED)


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
    command: str = ""
    exit_code: int | None = None
    """As its summary has it; None where it has none."""
    job: str = ""
    """Name of the job, where it was one."""


def list_runs(base: Path) -> list[RunInfo]:
    """The runs in `base`, oldest first; empty where there is no such folder."""
    if not base.is_dir():
        return []
    folders = [path for path in base.iterdir() if _planned(path) or _ended_early(path)]
    return [run_info(RunFolder(path)) for path in sorted(folders, key=_age)]


def note_elsewhere(folder: Path) -> None:
    """Remember a run whose folder was named with --out, so that `runs` finds it. No run fails over this."""
    with suppress(OSError, UsageError):
        place = state_dir()
        private_folder(place)
        path = str(folder.resolve())
        known = [line for line in _elsewhere() if Path(line).is_dir()]
        if "\n" not in path and path not in known:
            with atomic_text(place / _ELSEWHERE) as stream:
                stream.write("".join(f"{line}\n" for line in (*known, path)))


def runs_elsewhere(base: Path) -> list[RunInfo]:
    """The runs whose folders were named with --out and are still there, but for those in `base`."""
    found = [Path(line) for line in _elsewhere()]
    there = [path for path in found if path.parent != base.resolve() and (_planned(path) or _ended_early(path))]
    return [run_info(RunFolder(path)) for path in there]


def _elsewhere() -> list[str]:
    with suppress(OSError, UsageError, UnicodeDecodeError):
        return (state_dir() / _ELSEWHERE).read_text("utf-8").splitlines()
    return []


def _planned(path: Path) -> bool:
    """Whether this is the folder of a run: other programs call a file plan.json, too, and pruning deletes folders."""
    folder = RunFolder(path)
    try:
        return is_plan_file(folder.plan_path) or folder.journal_path.is_file()
    except OSError:
        return False


def _ended_early(path: Path) -> bool:
    """Whether this is the folder of a run that ended before it had a plan; another program's summary is none."""
    return path.is_dir() and _summary(path).get("run") == path.name


def _age(path: Path) -> tuple[str, int, str]:
    """By the time in the name; of two in one second that which ended later is the later one."""
    name = path.name
    begun = name[:_STAMP] if name[_STAMP : _STAMP + 1] == "-" else name
    try:
        return begun, (path / _SUMMARY).stat().st_mtime_ns, name
    except OSError:
        return begun, 0, name


def run_info(folder: RunFolder) -> RunInfo:
    """How one run stands."""
    told = _summary(folder.path)
    code = told.get("exit_code")
    code = code if isinstance(code, int) else None
    if not folder.journal_path.exists() and told:
        return RunInfo(
            folder.run, folder.path, RunState.STOPPED, str(told.get("mode") or ""), str(told.get("account") or ""),
            str(told.get("started") or ""), 0, {}, str(told.get("stopped") or ""), str(told.get("command") or ""), code,
            str(told.get("job") or ""),
        )  # fmt: skip
    return replace(_by_journal(folder), exit_code=code, job=str(told.get("job") or ""))


def _by_journal(folder: RunFolder) -> RunInfo:
    state: JournalState | None = None
    reason = ""
    if folder.journal_path.exists():
        try:
            state = finished_journal(folder.journal_path) or read_journal(folder.journal_path)
        except UsageError as error:
            return RunInfo(folder.run, folder.path, RunState.DAMAGED, "", "", "", 0, {}, error.message)
    if state is None or not state.header:
        return RunInfo(folder.run, folder.path, RunState.PLANNED, "", "", "", 0, {})
    end = state.ends[-1] if state.ends else {}
    counts = end.get("counts")
    if not isinstance(counts, dict):
        counts = {status: count for status, count in counts_of(state.standing()).items() if count}
    if state.undone:
        standing = RunState.UNDONE
    elif state.complete:
        standing = RunState.COMPLETE
    else:
        standing, reason = RunState.RESUMABLE, str(end.get("reason") or "it was interrupted")
    if state.undoing:
        reason = f"its undo is not finished: {state.undoing}"
    header = state.header
    return RunInfo(
        folder.run, folder.path, standing, str(header.get("mode", "")), str(header.get("account", "")),
        str(header.get("started", "")), int(header.get("rows") or 0), counts, reason, str(header.get("command", "")),
    )  # fmt: skip


def _summary(path: Path) -> dict[str, Any]:
    try:
        told = json.loads((path / _SUMMARY).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


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
    raise UsageError(f"there is no run {words}", then="tag-importer runs")


def prune_runs(base: Path, keep: int) -> list[RunInfo]:
    """Delete the oldest runs but `keep`, and say which. What can still be resumed stays, whatever its age.

    So does the last run of each job that came to its end: it knows how many rows its sources had, and after thirty bad
    nights that is what tells a list from half a list.
    """
    runs = list_runs(base)
    done = [info for info in runs if info.state in _DONE and not info.path.is_symlink()]
    excess = max(0, len(runs) - max(0, keep))
    last = {info.job: info.path for info in runs if info.state is RunState.COMPLETE and info.command == "apply"}
    gone = [info for info in done[:excess] if last.get(info.job) != info.path]
    for info in gone:
        shutil.rmtree(info.path)
    return gone
