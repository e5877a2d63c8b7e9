"""`plan` and `apply` of many jobs, and `report` of what became of them: one question, one progress line, one table."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from shlex import quote

from msgspec.structs import replace

from importer.cli.console import Messages, form_of, settings_of, show_listing, tell
from importer.cli.observer import CommandObserver, ask, asked, refuse_to_delete
from importer.cli.streams import hide
from importer.clock import SystemClock
from importer.engine.run_folder import name_run
from importer.errors import ExitCode, ImporterError, UsageError
from importer.model import Json
from importer.pipeline.fleet import FleetRun, Job, check_apart, groups_of, job_of, of_group
from importer.pipeline.remembered import absolute
from importer.pipeline.saved import refuse_what_a_plan_settles
from importer.reports import fleet as reports
from importer.reports.formats import Listing
from importer.reports.listings import table_lines
from importer.reports.logs import Log
from importer.reports.progress import FleetProgress, ProgressState, progress_on
from importer.reports.text import count
from importer.settings.job_file import is_job_file, load_job
from importer.settings.merge import glimpse
from importer.system import on_stop_signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from signal import Signals

    from importer.settings.settings import Settings


_UNPLANNED = "it was not planned"


def saved_fleet(words: Sequence[str]) -> Path | None:
    """The folder of a fleet that the command is given instead of jobs; None where it is given something else."""
    path = Path(words[0])
    with suppress(UsageError):  # a list may be called fleet.json, too
        if len(words) == 1 and reports.is_fleet(path) and reports.read_fleet(path):
            return path if path.is_dir() else path.parent
    return None


def fleet(namespace: Namespace, files: Sequence[str], before: Path | None, *, dry: bool) -> int:
    """Plan or apply many jobs, or those of the fleet that is in the folder `before`, with the plans that it saved;
    returns the worst of their exit codes."""
    if getattr(namespace, "html", None):
        raise UsageError("--html is for one plan, and several jobs were named")
    known = {job.file: job for job in reports.read_fleet(before).jobs} if before else {}
    jobs = [_job(namespace, file, dry=dry) for file in (known or files)]
    hide(secret for job in jobs for secret in job.settings.secrets())
    check_apart(jobs)
    if wanted := getattr(namespace, "group", ""):
        jobs = [jobs[at] for at in of_group(jobs, wanted)]
    if getattr(namespace, "groups", False):
        show_listing(_groups(jobs), form_of(namespace))
        return ExitCode.DONE
    settings, clock = jobs[0].settings, SystemClock()
    folder = Path(namespace.out) if getattr(namespace, "out", None) else None
    if folder is None and not dry:
        folder = before or Path(getattr(namespace, "runs_dir", "tag-importer-runs")) / name_run(clock.now())
    earlier = _earlier(folder, jobs, before, resume=bool(getattr(namespace, "resume", False)), dry=dry)
    known |= earlier
    if any(result.plan for result in known.values()):
        jobs = [_saved(job, known.get(absolute(job.file))) for job in jobs]
    jobs = [replace(job, run=_begun(earlier.get(absolute(job.file)))) for job in jobs]
    if asked(settings) and not dry:
        jobs = _asked(jobs, earlier)
        jobs = [replace(job, settings=replace(job.settings, yes=True)) for job in jobs]
    done = _carried_out(jobs, dry=dry, folder=folder, earlier=earlier)
    if settings.format != "text" or not settings.quiet or done.exit_code:
        show_listing(reports.listing(done, folder), settings.format)
    assert done.exit_code is not None
    return done.exit_code


def report(paths: Sequence[str], form: str) -> int:
    """Show what fleets came to, several as one; returns the worst exit code, 6 where one has not ended."""
    found = reports.gathered([reports.read_fleet(Path(path)) for path in paths])
    show_listing(reports.listing(found), form)
    return ExitCode.STOPPED_EARLY if found.exit_code is None else found.exit_code


def _job(namespace: Namespace, file: str, *, dry: bool) -> Job:
    try:
        if not is_job_file(file):
            load_job(Path(file))  # says what is wrong with it
            raise UsageError(f"{file} is not a job file, and was named beside job files")
        settings = settings_of(namespace, [file])
        if not dry and settings.plan_options().prune and not (settings.job and settings.job.marking.prune):
            refuse_to_delete("--prune", settings)
    except ImporterError as error:
        known = glimpse(vars(namespace), os.environ, [file])
        return job_of(file, known if known.job else replace(known, name=Path(file).stem), error)
    return job_of(file, settings)


def _groups(jobs: Sequence[Job]) -> Listing:
    groups = groups_of(jobs)
    values: list[Json] = [
        {"group": group, "jobs": [
            {"job": jobs[at].settings.name, "file": absolute(jobs[at].file), "account": jobs[at].account}
            for at in places
        ]}
        for group, places in groups.items()
    ]  # fmt: skip
    rows = [
        (group, jobs[at].settings.name, jobs[at].account, jobs[at].file) for group in groups for at in groups[group]
    ]
    lines = table_lines(("GROUP", "JOB", "ACCOUNT", "FILE"), rows)
    return Listing(lines, {"schema": 1, "command": "groups", "groups": values})


def _earlier(
    folder: Path | None, jobs: Sequence[Job], planned: Path | None, *, resume: bool, dry: bool
) -> dict[str, reports.JobResult]:
    """What an earlier fleet in this folder came to, by job file. UsageError where it would be lost."""
    if folder is None or not reports.is_fleet(folder):
        return {}
    before = reports.read_fleet(folder)
    if dry and before.command == "plan":
        return {}
    if before.command == "plan" and folder != planned:
        raise UsageError(f"{folder} holds the plans of a fleet", hint="Take another folder, or carry them out.",
                         then=f"tag-importer apply {quote(str(folder))}")  # fmt: skip
    if dry or not (resume or before.command == "plan"):
        raise UsageError(f"{folder} holds a fleet already", hint="Take another folder, or go on with it: --resume")
    if gone := {result.file for result in before.jobs} - {absolute(job.file) for job in jobs}:
        raise UsageError(
            f"{folder} holds the results of {len(gone)} other jobs, which would be lost",
            hint="Name all of its jobs, or take another folder.",
            details=tuple(sorted(gone)[:5]),
        )
    return {} if before.command == "plan" else {result.file: result for result in before.jobs}


def _saved(job: Job, result: reports.JobResult | None) -> Job:
    """A job with the plan that was saved of it: nothing but that is carried out."""
    refuse_what_a_plan_settles(job.settings)
    if job.error is not None or (result and result.plan):
        return replace(job, saved=Path(result.plan) if result and result.plan else None)
    why = f": {result.message.removeprefix(f'{_UNPLANNED}: ')}" if result else ""
    error = ImporterError(f"{_UNPLANNED}{why}", hint=result.hint if result else "Plan all jobs again.")
    error.exit_code = ExitCode((result and result.exit_code) or ExitCode.USAGE)
    return replace(job, error=error)


def _begun(result: reports.JobResult | None) -> Path | None:
    """The run folder to take up, where a job had begun and not finished."""
    if result is None or result.finished or not result.run:
        return None
    folder = Path(result.run)
    return folder if (folder / "plan.json").is_file() else None


def _asked(jobs: Sequence[Job], earlier: dict[str, reports.JobResult]) -> list[Job]:
    """The jobs with the plans that a person has seen, added up, and said yes to."""
    new = [job for job in jobs if job.run is None and absolute(job.file) not in earlier]
    run = FleetRun(new, SystemClock(), lambda job: _observer(job.settings, None), dry=True)
    planned = _with_signals(run)
    if planned.exit_code == ExitCode.STOPPED_EARLY:
        show_listing(reports.listing(planned), "text")
    changes = planned.totals.counts
    todo = ", ".join(count(changes.get(word, 0), word) for word in ("create", "update", "delete"))
    failed = [job for job in planned.jobs if not job.finished]
    left_out = f"; {count(len(failed), 'job')} cannot be planned" if failed else ""
    again = f"; {count(len(jobs) - len(new), 'job')} of before" if len(new) < len(jobs) else ""
    groups = count(planned.totals.groups, "token")
    ask(f"Apply {count(len(run.plans), 'job')} on {groups}: {todo}{left_out}{again}. Go on?",
        reports.listing(planned).lines)  # fmt: skip
    return [replace(job, plan=run.plans.get(job.file)) for job in jobs]


def _carried_out(
    jobs: Sequence[Job], *, dry: bool, folder: Path | None, earlier: dict[str, reports.JobResult]
) -> reports.Fleet:
    clock, settings = SystemClock(), jobs[0].settings
    json = settings.output.log_format == "json"
    progress = (
        None
        if json
        else progress_on(
            sys.stderr, os.environ, clock.monotonic, now=clock.now, quiet=settings.quiet, kind=FleetProgress
        )
    )
    ended = {file: result for file, result in earlier.items() if result.finished}

    def observer(job: Job) -> CommandObserver:
        return _observer(job.settings, progress, progress.begin(job.group, job.settings.name) if progress else None)

    run = FleetRun(jobs, clock, observer, dry=dry, folder=folder, earlier=ended)
    with progress or nullcontext():
        return _with_signals(run, folder)


def _with_signals(run: FleetRun, folder: Path | None = None) -> reports.Fleet:
    """The first signal that asks to end lets requests under way finish; the second one leaves at once."""
    asked_before: list[Signals] = []

    def received(number: Signals) -> None:
        if asked_before:
            again = f"the same command with --resume --out {quote(str(folder))}" if folder else "the same command"
            tell(f"left at once, and the journals are whole. Go on with {again}")
            os._exit(ExitCode.STOPPED_EARLY)
        asked_before.append(number)
        run.stop(f"stopped by {number.name}")

    with on_stop_signals(received):
        return run.carry_out()


def _observer(
    settings: Settings, progress: FleetProgress | None, state: ProgressState | None = None
) -> CommandObserver:
    style, name = settings.output.log_format, settings.name
    write = progress.write if progress is not None else tell
    log = Log(
        write if style == "json" else lambda line: write(f"{name}: {line}"),
        SystemClock().now, style=style, quiet=settings.quiet, secrets=settings.secrets(),
    )  # fmt: skip
    return CommandObserver(settings, log, None, state, Messages.of(settings, name=name))
