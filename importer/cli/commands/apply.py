"""`tag-importer apply`: plan, show, ask, carry out, report. A dry run is the same up to the plan."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from pathlib import Path

from importer.cli.asking import refuse_to_delete
from importer.cli.console import show
from importer.cli.messages import show_record
from importer.cli.notifier import Notifier
from importer.cli.observer import observing
from importer.clock import Clock, SystemClock
from importer.errors import ExitCode, SafetyLimit, UsageError
from importer.pipeline import verbs
from importer.pipeline.planning import needs_work
from importer.pipeline.saved import refuse_what_a_plan_settles, saved_plan
from importer.pipeline.session import Session
from importer.reports.formats import report
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
        return Notifier(glimpse(vars(namespace), os.environ, sources), clock).failed(error)
    if dry:
        return asyncio.run(_plan(settings, saved, clock))
    notifier = Notifier(settings, clock, path=_folder_of(saved, settings))
    return notifier.of(lambda: _apply(settings, saved, clock, notifier))


def _folder_of(saved: Path | None, settings: Settings) -> Path | None:
    """A saved plan is carried out where it lies, unless --out says otherwise."""
    return saved.parent if saved is not None and saved.name == "plan.json" and settings.out is None else None


async def _plan(settings: Settings, saved: Path | None, clock: Clock) -> int:
    """Print the plan and stop."""
    with observing(settings, clock) as observer:
        session = Session(settings, clock, observer)
        result = await verbs.plan(session, saved or verbs.draft(session))
    try:
        verbs.check(session, result.plan, saved=saved is not None)
    except SafetyLimit:
        # Shown, but not written: a plan on disk is one that may be applied.
        show(report(settings.format).plan(result))
        raise
    if settings.out is not None:
        result = verbs.write(session, result)
    show(report(settings.format).plan(result))
    if needs_work(result.plan):
        return ExitCode.ROWS_NEED_WORK
    pending = any(change.action.calls for change in result.plan.changes)
    return ExitCode.CHANGES_PENDING if pending and settings.detailed_exitcode else ExitCode.DONE


async def _apply(settings: Settings, saved: Path | None, clock: Clock, notifier: Notifier) -> int:
    with observing(settings, clock, notifier, run=notifier.run) as observer:
        session = Session(settings, clock, observer, notifier.path)
        record = await verbs.apply(session, saved or verbs.draft(session))
    show_record(record, settings)
    return record.exit_code
