"""The command line as a run's observer: log lines, on a terminal a progress bar, and the question before a change."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from importer.cli.asking import asked, confirm, refuse_to_delete
from importer.cli.console import Messages, tell
from importer.engine.events import Event
from importer.model import Json, Plan
from importer.pipeline.account import Target
from importer.pipeline.session import Session
from importer.reports.logs import Log
from importer.reports.progress import Progress, progress_on
from importer.settings.settings import Settings


class CommandObserver:
    """See `pipeline.session.Observer`."""

    def __init__(self, settings: Settings, log: Log, progress: Progress | None) -> None:
        self._settings = settings
        self._log = log
        self._progress = progress

    def observe(self, event: Event, /) -> None:
        self._log.observe(event)
        if self._progress is not None:
            self._progress.observe(event)

    def phase(self, text: str, /) -> None:
        if self._progress is not None:
            self._progress.phase(text)

    def tell(self, text: str, /, *, level: str = "info", event: str = "note", **facts: Json) -> None:
        Messages.of(self._settings, self._log.run).tell(text, level=level, event=event, **facts)

    def asks(self) -> bool:
        return asked(self._settings)

    def confirm(self, what: str, plan: Plan, target: Target, /, origin: str = "") -> bool:
        with self._paused():
            return confirm(plan, target, self._settings, what, origin)

    def may_delete(self, what: str, /) -> None:
        refuse_to_delete(what, self._settings)

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
def observing(session: Session, *, run: str = "") -> Iterator[None]:
    """While inside, what the session does shows on standard error. The settings' secrets never show in a line."""
    settings, clock = session.settings, session.clock
    json = settings.output.log_format == "json"
    progress = None if json else progress_on(sys.stderr, os.environ, clock.monotonic, quiet=settings.quiet)
    write = progress.write if progress is not None else tell
    log = Log(write, clock.now, style=settings.output.log_format, quiet=settings.quiet, secrets=settings.secrets())
    log.run = run
    session.observer = CommandObserver(settings, log, progress)
    session.signals = True
    if progress is None:
        yield
    else:
        with progress:
            yield
