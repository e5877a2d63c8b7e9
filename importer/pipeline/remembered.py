"""How each list was read when it was last applied: in the state folder, and where that is lost, in the last run."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from importer.engine.lock import state_dir
from importer.engine.resume import EarlierRun
from importer.engine.run_folder import RunFolder
from importer.errors import ImporterError, UsageError
from importer.model import Plan, Reading, SourceFile
from importer.planning.drift import Drift, find_drift
from importer.planning.memory import Memory
from importer.planning.options import Mode
from importer.planning.plan_file import read_plan
from importer.reports.summary import Previous
from importer.settings.settings import Settings

LIST: Final = "list"
"""Key of `Plan.options`: by what the readings of these sources are remembered; absent where they are not."""


JOB: Final = "job"
"""Key of `Plan.options`: the job file, which a resume takes up again; absent for a run without one."""


def job_file_of(earlier: EarlierRun) -> str:
    """The job file of an earlier run, where it is still there; empty for a run that was made elsewhere."""
    file = str(earlier.plan.options.get(JOB) or "")
    return file if earlier.made_here and file and Path(file).is_file() else ""


def absolute(file: str) -> str:
    """The path of a file, whatever the working directory."""
    return str(Path(file).absolute())


class _State(msgspec.Struct):
    run: str = ""
    """The run that applied it."""
    readings: tuple[Reading, ...] = ()
    sources: tuple[SourceFile, ...] = ()


def list_key(settings: Settings, sources: tuple[SourceFile, ...]) -> str:
    """By what the sources are known again: the job, or without one what was named on the command line, be it a glob.
    Empty for what has no name of its own."""
    named = [source.path for source in settings.sources]
    if settings.job is not None:
        known = f"{Path(settings.file).resolve()} {settings.job.name}"
    elif named and "-" not in named and all(source.sha256 for source in sources):
        known = "\n".join(sorted(path if "://" in path else str(Path(path).resolve()) for path in named))
    else:
        return ""
    return hashlib.sha256(known.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def drift_of(plan: Plan, settings: Settings, previous: Previous | None) -> Drift:
    """How the readings of a plan differ from those that were last applied; `previous` is the last run as its
    folder has it."""
    memory = _memory(plan, settings)
    if memory is None:
        return Drift()
    then: _State | Plan = memory.state
    if not then.readings and previous is not None:
        with suppress(ImporterError):
            then = read_plan(RunFolder(previous.folder).plan_path).plan
    return find_drift(
        then.readings, plan.readings, syncs=plan.mode != Mode.CREATE, sources=(then.sources, plan.sources)
    )


def remember(plan: Plan, settings: Settings, run: str) -> None:
    """Take the readings of a plan that was applied for those to hold the next ones against. Raises OSError."""
    memory = _memory(plan, settings)
    if memory is not None and (memory.state.readings, memory.state.sources) != (plan.readings, plan.sources):
        memory.state.run, memory.state.readings, memory.state.sources = run, plan.readings, plan.sources
        memory.changed = True
        memory.save()


def _memory(plan: Plan, settings: Settings) -> Memory[_State] | None:
    key = plan.options.get(LIST)
    if not isinstance(key, str) or not key:
        return None
    whole = f"{settings.account_name(plan.account)} {key}"
    try:
        return Memory(state_dir() / "readings" / f"{hashlib.sha256(whole.encode()).hexdigest()[:16]}.json", _State)
    except UsageError:
        return None
