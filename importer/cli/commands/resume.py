"""`tag-importer resume`: finish a run that stopped early."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from importer.cli.asking import confirm
from importer.cli.ending import Ending
from importer.cli.execution import Execution, show_record
from importer.cli.locking import locked
from importer.cli.planned import Timings
from importer.cli.runs import find_run
from importer.cli.target import open_target
from importer.cli.voice import PROGRAM, Voice
from importer.cli.watch import watching
from importer.clock import Clock, SystemClock
from importer.engine.resume import EarlierRun, check_not_undone, left_to_do, open_resumable, read_again
from importer.engine.undo import UNDOES, mark_undone, undone_run
from importer.errors import ImporterError, UsageError
from importer.settings.merge import merge
from importer.settings.settings import Settings


def run(namespace: Namespace) -> int:
    """Take the run up where its journal ends."""
    clock = SystemClock()
    settings = merge(vars(namespace), os.environ)
    ending = Ending(settings, clock, path=Path(namespace.run))
    try:
        found = find_run(namespace.run, settings.runs_dir)
    except ImporterError as error:
        return ending.failed(error)
    ending = Ending(settings, clock, path=found if found.is_dir() else found.parent)
    return ending.of(lambda: _resume(found, settings, clock, ending))


async def _resume(path: Path, settings: Settings, clock: Clock, ending: Ending) -> int:
    earlier = open_resumable(path)
    timings = Timings(clock)
    plan = earlier.plan
    command = "apply" if plan.mode != "undo" else "undo"
    with watching(settings, clock, run=ending.run) as watch:
        async with open_target(settings, clock, watch.observe) as target:
            if plan.account != target.account_id:
                raise UsageError(f"the run is of account {plan.account}, not of {target.account_id}")
            async with locked(settings, target, run=ending.run):
                earlier = read_again(earlier)
                check_not_undone(earlier)
                left = left_to_do(earlier)
                if any(change.action.calls for change in left.changes):
                    with watch.paused():
                        confirm(left, target, settings, f"Resume run {earlier.folder.run}")
                execution = Execution(
                    plan, earlier.sha256, earlier.folder, settings, clock, ending.started, command, earlier.state
                )
                record = ending.record = await execution.run(target, watch, timings)
                if command == "undo" and not record.stopped:
                    _mark_undone(earlier, settings, clock)
    show_record(record, settings)
    return record.exit_code


def _mark_undone(undo: EarlierRun, settings: Settings, clock: Clock) -> None:
    """The undo has come to its end: the run that it takes back must never be taken up again."""
    run = undone_run(undo)
    if run is None:
        name = undo.plan.options.get(UNDOES)
        said = (
            f"{PROGRAM}: run {name} was undone, and its folder is not there to note it in; do not resume it elsewhere"
        )
        Voice.of(settings, undo.folder.run).tell(said, level="warning", event="undone-not-noted")
    elif run.state is not None and not run.state.undone:
        mark_undone(run.folder, undo.folder.run, clock)
