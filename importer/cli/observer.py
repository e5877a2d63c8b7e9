"""The command line as a run's observer: log lines, on a terminal a progress bar, and the question before a change."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from importer.cli.asking import confirm, refuse_to_delete
from importer.cli.console import tell
from importer.cli.messages import Messages
from importer.cli.notifier import Notifier
from importer.clock import Clock
from importer.engine.events import Event
from importer.engine.run_folder import RunFolder
from importer.model import Json, Plan
from importer.pipeline.account import Target
from importer.reports.logs import Log
from importer.reports.progress import Progress, progress_on
from importer.reports.run_record import RunRecord
from importer.settings.settings import Settings


class CommandObserver:
    """See `pipeline.session.Observer`."""

    def __init__(self, settings: Settings, log: Log, progress: Progress | None, notifier: Notifier | None) -> None:
        self._settings = settings
        self._log = log
        self._progress = progress
        self._notifier = notifier

    def observe(self, event: Event, /) -> None:
        self._log.observe(event)
        if self._progress is not None:
            self._progress.observe(event)

    def phase(self, text: str, /) -> None:
        if self._progress is not None:
            self._progress.phase(text)

    def tell(self, text: str, /, *, level: str = "info", event: str = "note", **facts: Json) -> None:
        Messages.of(self._settings, self._log.run).tell(text, level=level, event=event, **facts)

    def confirm(self, what: str, plan: Plan, target: Target, /) -> bool:
        with self._paused():
            return confirm(plan, target, self._settings, what)

    def may_delete(self, what: str, /) -> None:
        refuse_to_delete(what, self._settings)

    def began(self, folder: RunFolder, /) -> None:
        if self._notifier is not None:
            self._notifier.folder = folder

    def ended(self, record: RunRecord, /) -> None:
        if self._notifier is not None:
            self._notifier.record = record

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """No bar while a person is asked."""
        if self._progress is None:
            yield
            return
        self._progress.__exit__(None, None, None)
        try:
            yield
        finally:
            self._progress.__enter__()


@contextmanager
def observing(
    settings: Settings, clock: Clock, notifier: Notifier | None = None, *, run: str = ""
) -> Iterator[CommandObserver]:
    """An observer on standard error, for as long as the block lasts. The settings' secrets never show in a line."""
    json = settings.output.log_format == "json"
    progress = None if json else progress_on(sys.stderr, os.environ, clock.monotonic, quiet=settings.quiet)

    def write(line: str) -> None:
        if progress is not None:
            progress.write(line)
        else:
            tell(line)

    log = Log(write, clock.now, style=settings.output.log_format, quiet=settings.quiet, secrets=settings.secrets())
    log.run = run
    observer = CommandObserver(settings, log, progress, notifier)
    if progress is None:
        yield observer
    else:
        with progress:
            yield observer
