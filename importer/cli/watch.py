"""What a command shows while it works: log lines and, on a terminal, a progress bar; and the count of its calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from importer.cli.console import tell
from importer.clock import Clock
from importer.engine.events import Event
from importer.reports.logs import Log
from importer.reports.progress import Progress, progress_on
from importer.reports.run_record import TrafficCounter
from importer.settings.settings import Settings


class Watch:
    """The observer of a command's calls and rows."""

    def __init__(self, log: Log, progress: Progress | None) -> None:
        self.log = log
        self.progress = progress
        self.counter = TrafficCounter()

    def observe(self, event: Event) -> None:
        """Hand one event to everybody who listens."""
        self.counter.observe(event)
        self.log.observe(event)
        if self.progress is not None:
            self.progress.observe(event)

    def phase(self, text: str) -> None:
        """What is going on before rows are sent."""
        if self.progress is not None:
            self.progress.phase(text)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No bar while a person is asked."""
        if self.progress is None:
            yield
            return
        self.progress.__exit__(None, None, None)
        try:
            yield
        finally:
            self.progress.__enter__()


@contextmanager
def watching(settings: Settings, clock: Clock, *, run: str = "") -> Iterator[Watch]:
    """A Watch on standard error, for as long as the block lasts. The settings' secrets never show in a line."""
    json = settings.output.log_format == "json"
    progress = None if json else progress_on(sys.stderr, os.environ, clock.monotonic, quiet=settings.quiet)

    def write(line: str) -> None:
        if progress is not None:
            progress.write(line)
        else:
            tell(line)

    log = Log(write, clock.now, style=settings.output.log_format, quiet=settings.quiet, secrets=settings.secrets())
    log.run = run
    watch = Watch(log, progress)
    if progress is None:
        yield watch
    else:
        with progress:
            yield watch
