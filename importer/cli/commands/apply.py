"""`tag-importer apply`: plan, show, ask, carry out, report. A dry run is the same up to the plan."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from pathlib import Path

from msgspec import structs

from importer.cli.asking import confirm, refuse_to_delete
from importer.cli.console import show
from importer.cli.drafting import Inputs, collect
from importer.cli.ending import Ending
from importer.cli.execution import Execution, show_record
from importer.cli.locking import locked
from importer.cli.planned import (
    Timings,
    make_plan,
    needs_work,
    plan_result,
    save_plan,
)
from importer.cli.saved import read_saved, refuse_what_a_plan_settles, saved_plan
from importer.cli.target import Target, open_target
from importer.cli.watch import Watch, watching
from importer.clock import Clock, SystemClock
from importer.engine.lock import downloads_dir
from importer.engine.run_folder import RunFolder
from importer.engine.work import NEVER
from importer.errors import ExitCode, SafetyLimit, UsageError
from importer.model import Action, Plan
from importer.planning.limits import check_limits
from importer.reports.formats import report
from importer.reports.summary import previous_run
from importer.settings.merge import glimpse, merge
from importer.settings.settings import Settings


def run(namespace: Namespace) -> int:
    """Apply the sources, the job or the saved plan that is named."""
    return carry_out(namespace, dry=bool(getattr(namespace, "dry_run", False)))


def carry_out(namespace: Namespace, *, dry: bool) -> int:
    """`plan` (dry) and `apply`: one path up to the plan, and there the dry run ends."""
    clock = SystemClock()
    saved = saved_plan(namespace.sources)
    sources = () if saved else namespace.sources
    try:
        settings = merge(vars(namespace), os.environ, sources)
        if saved is not None:
            refuse_what_a_plan_settles(settings)
        elif not dry and settings.plan_options().prune and not (settings.job and settings.job.marking.prune):
            refuse_to_delete("--prune", settings)
    except UsageError as error:
        if dry:
            raise
        return Ending(glimpse(vars(namespace), os.environ, sources), clock).failed(error)
    ending = Ending(settings, clock, path=_folder_of(saved, settings))
    work = _Work(settings, saved, clock, ending)
    if dry:
        return asyncio.run(work.plan())
    return ending.of(work.apply)


def _folder_of(saved: Path | None, settings: Settings) -> Path | None:
    """A saved plan is carried out where it lies, unless --out says otherwise."""
    return saved.parent if saved is not None and saved.name == "plan.json" and settings.out is None else None


class _Work:
    """One plan or apply."""

    def __init__(self, settings: Settings, saved: Path | None, clock: Clock, ending: Ending) -> None:
        self.settings = settings
        self.saved = saved
        self.clock = clock
        self.ending = ending
        self.timings = Timings(clock)

    async def plan(self) -> int:
        """Print the plan and stop."""
        settings = self.settings
        with watching(settings, self.clock) as watch:
            inputs = self._inputs(watch)
            async with open_target(settings, self.clock, watch.observe) as target:
                plan = await self._planned(inputs, target, watch)
                result = plan_result(plan, target, settings)
        try:
            self._check(plan)
        except SafetyLimit:
            # Shown, but not written: a plan on disk is one that may be applied.
            show(report(settings.format).plan(result))
            raise
        if settings.out is not None:
            written = RunFolder.make(settings.out).plan_path
            save_plan(written, plan)
            result = structs.replace(result, out=str(written))
        show(report(settings.format).plan(result))
        if needs_work(plan):
            return ExitCode.ROWS_NEED_WORK
        pending = any(change.action.calls for change in plan.changes)
        return ExitCode.CHANGES_PENDING if pending and settings.detailed_exitcode else ExitCode.DONE

    async def apply(self) -> int:
        """Plan, and carry the plan out."""
        settings = self.settings
        with watching(settings, self.clock, run=self.ending.run) as watch:
            inputs = self._inputs(watch)
            async with (
                open_target(settings, self.clock, watch.observe) as target,
                locked(settings, target, run=self.ending.run),
            ):
                seen_at = self.clock.monotonic()
                plan = await self._planned(inputs, target, watch)
                self._check(plan)
                if any(change.action.calls for change in plan.changes):
                    with watch.paused():
                        if confirm(plan, target, settings, "Apply"):
                            seen_at = NEVER  # others worked while the person read
                folder = self.ending.folder = RunFolder.make(self.ending.path)
                digest = save_plan(folder.plan_path, plan)
                execution = Execution(
                    plan, digest, folder, settings, self.clock, self.ending.started, seen_at=seen_at
                )  # fmt: skip
                record = self.ending.record = await execution.run(target, watch, self.timings)
        show_record(record, settings)
        return record.exit_code

    def _inputs(self, watch: Watch) -> Inputs | None:
        """What the sources hold, read before the account is asked anything; None for a saved plan."""
        if self.saved is not None:
            return None
        watch.phase("reading the sources")
        inputs = collect(self.settings, cache_dir=downloads_dir())
        self.timings.done("read")
        return inputs

    async def _planned(self, inputs: Inputs | None, target: Target, watch: Watch) -> Plan:
        watch.phase("reading the account's tags")
        if inputs is None:
            assert self.saved is not None
            plan = await read_saved(self.saved, target, self.timings)
            if any(change.action is Action.DELETE for change in plan.changes):
                refuse_to_delete(f"the plan {self.saved}", self.settings)
            return plan
        return await make_plan(self.settings, inputs, target, self.clock, self.timings)

    def _check(self, plan: Plan) -> None:
        """The safety limits. A saved plan was looked at by a person: only what is said beside it still holds."""
        settings = self.settings
        if self.saved is not None:
            check_limits(plan, settings.limits_told)
            return
        job = settings.job.name if settings.job else ""
        before = previous_run(settings.runs_dir, [source.file for source in plan.sources], job)
        if before is None:
            check_limits(plan, settings.limits)
        else:
            check_limits(plan, settings.limits, previous_rows=before.rows, previous_files=before.files)
