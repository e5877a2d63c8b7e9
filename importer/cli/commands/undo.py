"""`tag-importer undo`: take a run back, as a run of its own."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace

from importer.cli.asking import confirm, refuse_to_delete
from importer.cli.console import show
from importer.cli.ending import Ending
from importer.cli.execution import Execution, show_record
from importer.cli.locking import locked
from importer.cli.planned import Timings, plan_result, save_plan
from importer.cli.runs import find_run
from importer.cli.target import open_target, read_account
from importer.cli.watch import watching
from importer.clock import Clock, SystemClock
from importer.engine.resume import open_run, read_again
from importer.engine.run_folder import RunFolder
from importer.engine.undo import check_settled, mark_undoing, mark_undone, undo_plan
from importer.errors import ExitCode, UsageError
from importer.reports.formats import report
from importer.settings.merge import merge
from importer.settings.settings import Settings


def run(namespace: Namespace) -> int:
    """Delete what the run created and restore what it updated, where the tag is still as the run left it."""
    clock = SystemClock()
    settings = merge(vars(namespace), os.environ)
    ending = Ending(settings, clock)
    if settings.dry_run:
        return asyncio.run(_undo(namespace.run, settings, clock, ending))
    return ending.of(lambda: _undo(namespace.run, settings, clock, ending))


async def _undo(words: str, settings: Settings, clock: Clock, ending: Ending) -> int:
    earlier = open_run(find_run(words, settings.runs_dir))
    if not settings.dry_run:
        refuse_to_delete("undo", settings)
    timings = Timings(clock)
    with watching(settings, clock, run=ending.run) as watch:
        async with open_target(settings, clock, watch.observe) as target:
            if earlier.plan.account != target.account_id:
                raise UsageError(f"the run is of account {earlier.plan.account}, not of {target.account_id}")
            async with locked(settings, target, run=ending.run):
                earlier = read_again(earlier)
                check_settled(earlier)
                watch.phase("reading the account's tags")
                account = await read_account(target, categories=False)
                timings.done("account")
                plan = undo_plan(earlier, account.tags, created=clock.now().isoformat(timespec="seconds"))
                timings.done("plan")
                if settings.dry_run:
                    show(report(settings.format).plan(plan_result(plan, target, settings)))
                    return ExitCode.DONE
                with watch.paused():
                    confirm(plan, target, settings, f"Undo run {earlier.folder.run}")
                folder = ending.folder = RunFolder.make(ending.path)
                digest = save_plan(folder.plan_path, plan)
                mark_undoing(earlier.folder, folder, clock)
                execution = Execution(plan, digest, folder, settings, clock, ending.started, "undo")
                record = ending.record = await execution.run(target, watch, timings)
                if not record.stopped:
                    mark_undone(earlier.folder, folder.run, clock)
    show_record(record, settings)
    return record.exit_code
