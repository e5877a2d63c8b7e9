"""A run of the command line, however it ends: what it shows, its exit code, and whoever is to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from importer.cli.console import Messages, show_error, show_record
from importer.cli.observer import observing
from importer.errors import ImporterError, ProgramFault, StoppedEarly
from importer.pipeline.session import Session
from importer.pipeline.watchers import note_failure, notify
from importer.reports.run_record import RunRecord


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
        fault = ProgramFault(f"a fault in the program itself ({type(error).__name__})")
        _tell(session, note_failure(session, fault) + notify(session, fault.exit_code))
        raise
    _tell(session, notify(session, record.exit_code))
    return record.exit_code


def failed(session: Session, error: ImporterError) -> int:
    """Say why the run ended, and return its exit code. A job leaves a folder all the same, which says so too."""
    Messages.of(session.settings, session.folder.run).explain(error)
    if session.settings.format == "json":
        show_error(error)
    _tell(session, note_failure(session, error) + notify(session, error.exit_code))
    return error.exit_code


def _tell(session: Session, problems: Iterable[str]) -> None:
    for problem in problems:
        Messages.of(session.settings, session.folder.run).tell(problem, level="warning", event="not-reported")
