"""The end of an unattended run, however it came: a summary where there would be none, metrics, the heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from importer.cli.messages import Messages
from importer.clock import Clock
from importer.engine.run_folder import RunFolder, name_run
from importer.engine.runs import prune_runs
from importer.errors import ImporterError, ProgramFault, StoppedEarly
from importer.masking import Mask
from importer.reports.metrics import RunEnd, write_metrics
from importer.reports.ping import ping
from importer.reports.run_record import RunRecord
from importer.reports.summary import write_failure
from importer.settings.settings import Settings


class Notifier:
    """Collects what is known of a run, and tells those who watch how it ended."""

    def __init__(self, settings: Settings, clock: Clock, *, path: Path | None = None) -> None:
        """`path` is the run folder where it is not a new one."""
        self.settings = settings
        self.clock = clock
        self.started = clock.now()
        self._began = clock.monotonic()
        self.path = path or settings.out or settings.runs_dir / name_run(self.started)
        """Where the run's folder is, or will be: its name is in every log line from the first one on."""
        self.folder: RunFolder | None = None
        self.record: RunRecord | None = None
        self.messages = Messages.of(settings, self.run)

    @property
    def run(self) -> str:
        """The run's id."""
        return RunFolder(self.path).run

    def of(self, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
        """Do the work, whose result is the exit code, and tell how it ended, however that is."""
        try:
            code = asyncio.run(work())
        except ImporterError as error:
            return self.failed(error)
        except KeyboardInterrupt:
            return self.interrupted()
        except Exception as error:
            self.broke(error)
            raise
        self.tell(code)
        return code

    def failed(self, error: ImporterError) -> int:
        """Say why the run ended, and return its exit code. A job leaves a folder all the same, that says so too."""
        self.messages.explain(error)
        self._note(error)
        self.tell(error.exit_code)
        return error.exit_code

    def interrupted(self) -> int:
        """The run was ended by a signal before it sent anything, or while it wrote its reports."""
        return self.failed(StoppedEarly("interrupted", hint="Run it again, or resume it where it had begun."))

    def broke(self, error: Exception) -> None:
        """A fault of the program: whoever watches is told of that as well."""
        self._note(ProgramFault(f"a fault in the program itself ({type(error).__name__})"))
        self.tell(ProgramFault.exit_code)

    def tell(self, code: int) -> None:
        """Metrics, the heartbeat, old runs' folders. None of it ever changes how the run ended."""
        settings = self.settings
        problems = []
        if settings.output.metrics_file:
            end = RunEnd(settings.name, code, self.clock.now(), self.clock.monotonic() - self._began, self.record)
            problems.append(write_metrics(Path(settings.output.metrics_file), end))
        try:
            url = settings.heartbeat()
        except ImporterError as error:
            problems.append(error.message)
        else:
            if url:
                problems.append(ping(url, code))
        if settings.output.keep_runs is not None and settings.out is None:
            problems.append(_prune(settings.runs_dir, settings.output.keep_runs))
        for problem in filter(None, problems):
            self.messages.tell(problem, level="warning", event="not-told")

    def _note(self, error: ImporterError) -> None:
        if self.record is not None or (self.folder is None and self.settings.job is None):
            return
        try:
            folder = self.folder or RunFolder.make(self.path)
            job = self.settings.job.name if self.settings.job else ""
            write_failure(folder.path, error, started=self.started, finished=self.clock.now(), job=job,
                          mask=Mask(self.settings.secrets()))  # fmt: skip
        except (OSError, ImporterError) as problem:
            said = f"the failure could not be noted in a run folder: {problem}"
            self.messages.tell(said, level="warning", event="not-told")


def _prune(base: Path, keep: int) -> str:
    try:
        prune_runs(base, keep)
    except OSError as error:
        return f"old runs in {base} cannot be deleted: {error.strerror or type(error).__name__}"
    return ""
