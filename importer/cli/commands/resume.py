"""`tag-importer resume`: finish a run that stopped early."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace

from importer.cli.ending import Ending
from importer.cli.execution import Execution, show_record
from importer.cli.locking import locked
from importer.cli.planned import Timings
from importer.cli.runs import find_run
from importer.cli.target import open_target
from importer.cli.watch import watching
from importer.clock import Clock, SystemClock
from importer.engine.resume import EarlierRun, open_resumable
from importer.errors import ImporterError, UsageError
from importer.job.merge import merge
from importer.job.settings import Settings


def run(namespace: Namespace) -> int:
    """Take the run up where its journal ends."""
    clock = SystemClock()
    settings = merge(vars(namespace), os.environ)
    ending = Ending(settings, clock)
    try:
        earlier = open_resumable(find_run(namespace.run, settings.runs_dir))
        code = asyncio.run(_resume(earlier, settings, clock, ending))
    except ImporterError as error:
        ending.tell(error.exit_code)
        raise
    ending.tell(code)
    return code


async def _resume(earlier: EarlierRun, settings: Settings, clock: Clock, ending: Ending) -> int:
    timings = Timings(clock)
    plan = earlier.plan
    command = "apply" if plan.mode != "undo" else "undo"
    with watching(settings, clock) as watch:
        async with open_target(settings, clock, watch.observe) as target:
            if plan.account != target.account_id:
                raise UsageError(f"the run is of account {plan.account}, not of {target.account_id}")
            with locked(settings, target):
                execution = Execution(
                    plan, earlier.sha256, earlier.folder, settings, clock, ending.started, command, earlier.state
                )
                record = ending.record = await execution.run(target, watch, timings)
    show_record(record, settings)
    return record.exit_code
