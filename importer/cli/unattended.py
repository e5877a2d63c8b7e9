"""A run that perhaps nobody watches: however it ends, metrics, the heartbeat and a run folder say so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from importer.cli.console import Messages, show_error, show_record
from importer.cli.observer import observing
from importer.engine.run_folder import RunFolder
from importer.engine.runs import prune_runs
from importer.errors import ImporterError, ProgramFault, StoppedEarly
from importer.masking import Mask
from importer.pipeline.session import Session
from importer.reports.metrics import RunEnd, write_metrics
from importer.reports.ping import ping
from importer.reports.run_record import RunRecord
from importer.reports.summary import write_failure


def carry_out(session: Session, work: Callable[[], Coroutine[Any, Any, RunRecord]]) -> int:
    """Do the work of a run, show how it ended, and notify whoever watches. Returns the exit code."""
    try:
        with observing(session, run=session.folder.run):
            record = asyncio.run(work())
        show_record(record, session.settings)
    except ImporterError as error:
        return failed(session, error)
    except KeyboardInterrupt:  # before anything was sent, or while the reports were written
        return failed(session, StoppedEarly("interrupted", hint="Run it again, or resume it where it had begun."))
    except Exception as error:
        _note(session, ProgramFault(f"a fault in the program itself ({type(error).__name__})"))
        _notify(session, ProgramFault.exit_code)
        raise
    _notify(session, record.exit_code)
    return record.exit_code


def failed(session: Session, error: ImporterError) -> int:
    """Say why the run ended, and return its exit code. A job leaves a folder all the same, which says so too."""
    Messages.of(session.settings, session.folder.run).explain(error)
    if session.settings.format == "json":
        show_error(error)
    _note(session, error)
    _notify(session, error.exit_code)
    return error.exit_code


def _notify(session: Session, code: int) -> None:
    """Metrics, the heartbeat, old runs' folders. None of it ever changes how the run ended."""
    settings, output = session.settings, session.settings.output
    problems = []
    if output.metrics_file:
        end = RunEnd(settings.name, code, session.clock.now(), session.timings.whole(), session.record)
        problems.append(write_metrics(Path(output.metrics_file), end))
    try:
        if url := settings.heartbeat():
            problems.append(ping(url, code))
    except ImporterError as error:
        problems.append(error.message)
    if output.keep_runs is not None and settings.out is None:
        try:
            prune_runs(settings.runs_dir, output.keep_runs)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            problems.append(f"old runs in {settings.runs_dir} cannot be deleted: {reason}")
    for problem in filter(None, problems):
        Messages.of(settings, session.folder.run).tell(problem, level="warning", event="not-reported")


def _note(session: Session, error: ImporterError) -> None:
    """A summary in the run folder where a run would have left one."""
    settings = session.settings
    if session.record is not None or not (session.begun or settings.job):
        return
    try:
        folder = session.folder if session.begun else RunFolder.make(session.folder.path)
        write_failure(folder.path, error, started=session.started, finished=session.clock.now(),
                      job=settings.job.name if settings.job else "", mask=Mask(settings.secrets()))  # fmt: skip
    except (OSError, ImporterError) as problem:
        said = f"the failure could not be noted in a run folder: {problem}"
        Messages.of(settings, session.folder.run).tell(said, level="warning", event="not-reported")
