"""`plan`, `apply`, `resume` and `undo`: what reads an account, shows what it would do, asks, and does it."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from pathlib import Path

from importer.cli.console import page_path, settings_of, show
from importer.cli.observer import observing, refuse_to_delete
from importer.cli.unattended import carry_out, ended
from importer.clock import SystemClock
from importer.engine.resume import open_resumable, open_run
from importer.engine.runs import find_run
from importer.errors import ExitCode, ImporterError, SafetyLimit, UsageError
from importer.masking import Mask
from importer.pipeline import verbs
from importer.pipeline.remembered import job_file_of
from importer.pipeline.saved import refuse_what_a_plan_settles, saved_plan
from importer.pipeline.session import Session
from importer.reports.fleet import is_fleet
from importer.reports.formats import PlanResult, report
from importer.reports.run_record import RunRecord
from importer.settings.job_file import job_files
from importer.settings.merge import glimpse


def plan(namespace: Namespace) -> int:
    """Print what apply would do; write it to --out where that is given. It is `apply --dry-run`."""
    return _plan_or_apply(namespace, dry=True)


def apply(namespace: Namespace) -> int:
    """Apply the sources, the job or the saved plan that is named."""
    return _plan_or_apply(namespace, dry=bool(getattr(namespace, "dry_run", False)))


def _plan_or_apply(namespace: Namespace, *, dry: bool) -> int:
    if (files := _fleet_files(namespace)) or is_fleet(Path(namespace.sources[0])):
        from importer.cli.fleet import fleet, saved_fleet

        before = None if files else saved_fleet(namespace.sources)
        if files or before is not None:
            return fleet(namespace, files, before, dry=dry)
    clock = SystemClock()
    saved = saved_plan(namespace.sources)
    sources = () if saved else namespace.sources
    try:
        settings = settings_of(namespace, sources)
        if saved is not None:
            refuse_what_a_plan_settles(settings)
        elif not dry and settings.plan_options().prune and not (settings.job and settings.job.marking.prune):
            refuse_to_delete("--prune", settings)
    except UsageError as error:
        if dry:
            raise
        raise ended(Session(glimpse(vars(namespace), os.environ, sources), clock), error) from None
    # A saved plan is carried out in its folder, unless --out says otherwise.
    folder = saved.parent if saved is not None and saved.name == "plan.json" else None
    session = Session(settings, clock, path=settings.out or folder)
    if dry:
        return _plan(session, saved, page_path(namespace))

    async def work() -> RunRecord:
        return await verbs.apply(session, saved or verbs.draft(session))

    return carry_out(session, work)


def _fleet_files(namespace: Namespace) -> list[str]:
    """The job files, where the command is given several, a folder or a glob of them, or asked about groups."""
    files = job_files(namespace.sources)
    of_fleets = [flag for flag in ("groups", "group", "resume") if getattr(namespace, flag, None)]
    if of_fleets and not files and not is_fleet(Path(namespace.sources[0])):
        raise UsageError(f"--{of_fleets[0]} is for job files, and none is named")
    return files if of_fleets or files != namespace.sources or len(files) > 1 else []


def _plan(session: Session, saved: Path | None, page: Path | None) -> int:
    async def work() -> PlanResult:
        return await verbs.plan(session, saved or verbs.draft(session))

    with observing(session):
        result = asyncio.run(work())
    return keep_and_show(session, result, page)


def keep_and_show(session: Session, result: PlanResult, page: Path | None = None) -> int:
    """Check a plan, keep it where `--out` says, and show it; its exit code. SafetyLimit after it was shown."""
    settings = session.settings

    def tell(result: PlanResult, limit: SafetyLimit | None = None) -> None:
        if page is not None:
            from importer.reports.html import plan_page, write_page

            write_page(page, plan_page(result, limit), Mask(settings.secrets()))
        if limit is None or settings.format != "json":  # else the error is the one document
            show(report(settings.format).plan(result))

    try:
        verbs.check(session, result.plan, result.tags)
    except SafetyLimit as limit:
        # Shown, but not written: a plan on disk is one that may be applied.
        tell(result, limit)
        raise
    if settings.out is not None:
        result = verbs.write(session, result)
    tell(result)
    return verbs.plan_code(result.plan, settings)


def resume(namespace: Namespace) -> int:
    """Take a run up where its journal ends, with the account, metrics and heartbeat of its job."""
    settings = settings_of(namespace)
    clock, path = SystemClock(), Path(namespace.run)
    try:
        found = find_run(namespace.run, settings.runs_dir)
        path = found if found.is_dir() else found.parent
        earlier = open_resumable(found)
        if file := job_file_of(earlier):
            settings = settings_of(namespace, [file])
    except ImporterError as error:
        raise ended(Session(settings, clock, path=path), error) from None
    session = Session(settings, clock, path=path)
    return carry_out(session, lambda: verbs.resume(session, earlier))


def undo(namespace: Namespace) -> int:
    """Delete what a run created and restore what it updated, as a run of its own."""
    settings = settings_of(namespace)
    session = Session(settings, SystemClock())
    if settings.dry_run:
        earlier = open_run(find_run(namespace.run, settings.runs_dir))
        with observing(session):
            result = asyncio.run(verbs.plan_undo(session, earlier))
        show(report(settings.format).plan(result))
        return ExitCode.DONE

    async def work() -> RunRecord:
        earlier = open_run(find_run(namespace.run, settings.runs_dir))
        refuse_to_delete("undo", settings)
        return await verbs.undo(session, earlier)

    return carry_out(session, work)
