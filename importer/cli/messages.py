"""Sentences on standard error beside a run's own events: as text, or with `--log-format json` one object a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from importer.cli.console import show, tell
from importer.errors import ImporterError
from importer.model import Json
from importer.reports import terminal
from importer.reports.formats import report
from importer.reports.logs import Log
from importer.reports.run_record import RunRecord
from importer.settings.settings import Settings

PROGRAM = "tag-importer"


class Messages:
    """What a command says on standard error."""

    def __init__(self, style: str = "text", *, secrets: Iterable[str] = (), run: str = "") -> None:
        self._json = style == "json"
        self._log = Log(tell, lambda: datetime.now(UTC), style="json", secrets=secrets)
        self._log.run = run

    @classmethod
    def of(cls, settings: Settings, run: str = "") -> Messages:
        """Messages as these settings ask for them."""
        return cls(settings.output.log_format, secrets=settings.secrets(), run=run)

    def tell(self, text: str, *, level: str = "info", event: str = "note", **facts: Json) -> None:
        """One sentence."""
        if self._json:
            self._log.line(level, event, text, **facts)
        else:
            tell(text if level == "info" else f"{PROGRAM}: {text}")

    def explain(self, error: ImporterError) -> None:
        """An error: what is wrong, each detail, and what to do."""
        if self._json:
            self._log.line("error", event_of(error), error.message, details=list(error.details),
                           hint=error.hint or None, exit_code=error.exit_code)  # fmt: skip
            return
        tell(f"{PROGRAM}: {error.message}")
        for line in (*error.details, error.hint):
            if line:
                tell(f"  {line}")


def event_of(error: ImporterError) -> str:
    """The error's kind as the log has it: `safety-limit`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()


def show_record(record: RunRecord, settings: Settings) -> None:
    """Print how it ended: the result of the command, or with --quiet one line when there is trouble."""
    if settings.format != "text" or not settings.quiet:
        show(report(settings.format).run(record))
    elif record.exit_code and settings.output.log_format == "json":
        counts = {status: number for status, number in record.counts().items() if number}
        listed = ", ".join(f"{status.replace('_', ' ')} {number:,}" for status, number in counts.items())
        said = f"Run {record.run} ended with exit code {record.exit_code}: {record.stopped or listed}."
        Messages.of(settings, record.run).tell(said, level="error", event="run-needs-attention", counts=counts,
                                            exit_code=record.exit_code, stopped=record.stopped or None,
                                            hint=record.hint or None, folder=str(record.folder))  # fmt: skip
    elif record.exit_code:
        show(terminal.run(record, with_issues=False), aside=True)
