"""The end of an unattended run, however it came: a summary where there would be none, metrics, the heartbeat."""

from __future__ import annotations

from importer.cli.console import tell
from importer.clock import Clock
from importer.engine.run_folder import RunFolder
from importer.errors import ImporterError
from importer.job.settings import Settings
from importer.reports.metrics import RunEnd, write_metrics
from importer.reports.ping import ping
from importer.reports.run_record import RunRecord
from importer.reports.summary import write_failure


class Ending:
    """Collects what is known of a run, and tells those who watch how it ended."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.started = clock.now()
        self.folder: RunFolder | None = None
        self.record: RunRecord | None = None

    def failed(self, error: ImporterError) -> None:
        """The run ended before there was anything to report. A job leaves a folder all the same, that says so."""
        if self.record is None and (self.folder is not None or self.settings.job is not None):
            try:
                folder = self.folder or RunFolder.create(self.settings.runs_dir, self.started)
                write_failure(folder.path, error, started=self.started, finished=self.clock.now())
            except (OSError, ImporterError) as problem:
                tell(f"tag-importer: the failure could not be noted in a run folder: {problem}")
        self.tell(error.exit_code)

    def tell(self, code: int) -> None:
        """Metrics and heartbeat. They never change how the run ended."""
        settings = self.settings
        problems = []
        if settings.metrics_file is not None:
            end = RunEnd(settings.name, code, self.started, self.clock.now(), self.record)
            problems.append(write_metrics(settings.metrics_file, end))
        try:
            url = settings.heartbeat()
        except ImporterError as error:
            problems.append(error.message)
        else:
            if url:
                problems.append(ping(url, code))
        for problem in filter(None, problems):
            tell(f"tag-importer: {problem}")
