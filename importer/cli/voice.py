"""Sentences on standard error beside a run's own events: as text, or with `--log-format json` one object a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from importer.cli.console import tell
from importer.errors import ImporterError
from importer.model import Json
from importer.reports.logs import Log
from importer.settings.settings import Settings

PROGRAM = "tag-importer"


class Voice:
    """How a command speaks to whoever reads its standard error."""

    def __init__(self, style: str = "text", *, secrets: Iterable[str] = (), run: str = "") -> None:
        self._json = style == "json"
        self._log = Log(tell, lambda: datetime.now(UTC), style="json", secrets=secrets)
        self._log.run = run

    @classmethod
    def of(cls, settings: Settings, run: str = "") -> Voice:
        """The voice that these settings ask for."""
        return cls(settings.output.log_format, secrets=settings.secrets(), run=run)

    def tell(self, text: str, *, level: str = "info", event: str = "note", **facts: Json) -> None:
        """One sentence."""
        if self._json:
            self._log.line(level, event, text.removeprefix(f"{PROGRAM}: "), **facts)
        else:
            tell(text)

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
