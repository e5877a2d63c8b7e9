"""Standard output carries the result; standard error everything else. Neither ever fails: see `streams`."""

from __future__ import annotations

import os
import re
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from importer.cli.parser import COMMANDS
from importer.cli.streams import hide
from importer.errors import ImporterError, UsageError
from importer.masking import without_user
from importer.reports.formats import Document, Listing, report
from importer.reports.screen import Screen
from importer.reports.text import shortened, visible

if TYPE_CHECKING:
    from importer.model import Json
    from importer.reports.logs import Log
    from importer.reports.run_record import RunRecord
    from importer.settings.settings import Settings

PROGRAM = "tag-importer"
_LONGEST_COMMAND = 1_000


def settings_of(namespace: Namespace, sources: Sequence[str] = ()) -> Settings:
    """The settings of a command; from now on their secrets are masked wherever they would be shown."""
    from importer.settings.merge import merge

    settings = merge(vars(namespace), os.environ, sources)
    hide(settings.secrets())
    return settings


def form_of(namespace: Namespace) -> str:
    """The form that `--format` asks for."""
    return str(getattr(namespace, "format", "text"))


def show(document: Document, *, aside: bool = False) -> None:
    """Print the result, or what is only said `aside`, on standard error: plain on a pipe, styled on a terminal."""
    stream = sys.stderr if aside else sys.stdout
    if isinstance(document, str):
        stream.write(document)
    else:
        Screen.on(stream, os.environ).show(document)


def show_listing(listing: Listing, form: str) -> None:
    """Print a table or a few facts in the form that `--format` asks for."""
    show(report(form).listing(listing))


def show_record(record: RunRecord, settings: Settings) -> None:
    """Print how a run ended: the result of the command, or with --quiet one line when there is trouble."""
    from importer.reports import terminal

    if settings.format != "text" or not settings.quiet:
        show(report(settings.format).run(record))
    elif record.exit_code and settings.output.log_format == "json":
        counts = {status: number for status, number in record.counts().items() if number}
        listed = ", ".join(f"{status.replace('_', ' ')} {number:,}" for status, number in counts.items())
        Messages.of(settings, record.run).tell(
            f"Run {record.run} ended with exit code {record.exit_code}: {record.stopped or listed}.",
            level="error", event="run-needs-attention", counts=counts, exit_code=record.exit_code,
            stopped=record.stopped or None, hint=record.hint or None, folder=str(record.folder),
        )  # fmt: skip
    elif record.exit_code:
        show(terminal.run(record, with_issues=False), aside=True)


def tell(text: str) -> None:
    """One line on standard error. Nothing in it can move the cursor or begin another line."""
    sys.stderr.write(visible(text) + "\n")  # in one piece: several jobs may speak at once
    sys.stderr.flush()


class Messages:
    """Sentences on standard error beside a run's events: as text, or with `--log-format json` one object a line."""

    def __init__(self, style: str = "text", *, secrets: Iterable[str] = (), run: str = "", name: str = "") -> None:
        """`name` stands before each text where several jobs speak."""
        self._log: Log | None = None
        self._name = f"{name}: " if name else ""
        if style == "json":
            from importer.reports.logs import Log

            self._log = Log(tell, lambda: datetime.now(UTC), style="json", secrets=secrets)
            self._log.run = run

    @classmethod
    def of(cls, settings: Settings, run: str = "", name: str = "") -> Messages:
        """Messages as these settings ask for them."""
        return cls(settings.output.log_format, secrets=settings.secrets(), run=run, name=name)

    def tell(self, text: str, *, level: str = "info", event: str = "note", **facts: Json) -> None:
        """One sentence."""
        if self._log is not None:
            self._log.line(level, event, text, **facts)
        else:
            tell(self._name + (text if level == "info" else f"{PROGRAM}: {text}"))

    def explain(self, error: ImporterError, words: Sequence[str]) -> None:
        """An error: what is wrong, each detail, what to do, and what to type; `words` are those that were typed."""
        told = _facts(error, words)
        if self._log is not None:
            event = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
            self._log.run = error.run
            self._log.line("error", event, **told)
            return
        tell(f"{PROGRAM}: {error.message}")
        for line in (*error.details, error.hint):
            if line:
                tell(f"  {line}")
        tell(f"  {'To try again' if error.then == '{again}' and not error.meant else 'Next'}: {told['next']}")


def _facts(error: ImporterError, words: Sequence[str]) -> dict[str, Json]:
    """`words` are those that were typed."""
    given, meant = error.meant or ("", "")
    said = [re.sub(rf"^{re.escape(given)}(?=$|=)", lambda _: meant, word) if given else word for word in words]
    again = " ".join((PROGRAM, *(shlex.quote(without_user(word)) for word in said)))
    command = next((word for word in said if not word.startswith("-")), "")
    typed = error.then.replace("{command} ", f"{command} " if command in COMMANDS else "")
    place = shlex.join(
        word
        for before, word in pairwise(["", *words])
        if word == "--sandbox" or word.startswith("--sandbox-db=") or "--sandbox-db" in (before, word)
    )
    typed = typed.replace("{place}", f" {place}" if place else "")
    typed = visible(shortened(typed.replace("{again}", again), _LONGEST_COMMAND))
    return {"message": error.message, "details": list(error.details), "hint": error.hint or None, "next": typed,
            "exit_code": int(error.exit_code)}  # fmt: skip


def show_error(error: ImporterError, words: Sequence[str]) -> None:
    """With `--format json` an error is the result, on standard output, as well as a line on standard error."""
    from importer.reports.json_text import json_text

    show(json_text({"schema": 1, "error": _facts(error, words)}))


def page_path(namespace: Namespace) -> Path | None:
    """Where `--html` wants the page; UsageError where it cannot be, before anything is read. A page gives way."""
    given = getattr(namespace, "html", None)
    if given is None:
        return None
    path = Path(given)
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--html: {path} does not end in .html")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--html: there is no folder {path.parent}")
    return path


def write_new(path: Path, text: str, *, force: bool) -> None:
    """Write a file for a person; UsageError where there is one already, or it cannot be written."""
    from importer.atomic import atomic_text

    try:
        if not force:
            path.open("x").close()  # fails also where a link to nowhere is in its place
        with atomic_text(path, 0o644) as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} exists already", hint="Choose another name, or overwrite it.", then="{again} --force"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", then="{again}") from error
