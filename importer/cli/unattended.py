"""A run of the command line, however it ends: what it shows, its exit code, and whoever is to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from importer.cli.console import Messages, show_record
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
        raise ended(session, error) from error.__cause__
    except KeyboardInterrupt:  # before anything was sent, or while the reports were written
        raise ended(session, StoppedEarly("interrupted", hint="Resume it where it had begun.")) from None
    except Exception as error:
        ended(session, ProgramFault(f"a fault in the program itself ({type(error).__name__})"))
        raise
    _tell(session, notify(session, record.exit_code))
    return record.exit_code


def ended(session: Session, error: ImporterError) -> ImporterError:
    """The error, for `main` to tell. Whoever watches is notified, and a job leaves a folder that says so, too."""
    error.run = session.folder.run
    _tell(session, note_failure(session, error) + notify(session, error.exit_code))
    return error


def _tell(session: Session, problems: Iterable[str]) -> None:
    for problem in problems:
        Messages.of(session.settings, session.folder.run).tell(problem, level="warning", event="not-reported")
