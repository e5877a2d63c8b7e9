"""The command line as a run's observer: log lines, on a terminal a progress bar, and the question before a change.

What nobody was asked about is not deleted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from importer.cli.console import Messages, tell
from importer.engine.events import Event, RunFinished
from importer.errors import StoppedEarly, UsageError
from importer.fields.table import Visibility
from importer.model import Action, Json, Plan
from importer.pipeline.account import Target
from importer.pipeline.session import Session
from importer.pipeline.verbs import plan_result
from importer.planning.exposure import Exposure
from importer.remote.settings import PRODUCTION
from importer.reports import terminal
from importer.reports.logs import Log
from importer.reports.progress import Progress, ProgressState, progress_on
from importer.reports.screen import Line, Screen
from importer.reports.text import count, visible
from importer.settings.settings import Settings
from importer.system import open_terminal


class CommandObserver:
    """See `pipeline.session.Observer`."""

    def __init__(
        self, settings: Settings, log: Log, progress: Progress | None, state: ProgressState | None = None,
        messages: Messages | None = None,
    ) -> None:  # fmt: skip
        """`progress` is what makes room for a question; `state` what is told of the run, its own without one."""
        self._settings = settings
        self._log = log
        self._progress = progress
        self._state = progress.state if progress is not None and state is None else state
        self._messages = messages

    def observe(self, event: Event, /) -> None:
        # The end is the command's result, in text on standard output: it is said once.
        if not (isinstance(event, RunFinished) and (self._settings.format, self._log.style) == ("text", "text")):
            self._log.observe(event)
        if self._state is not None:
            self._state.observe(event)

    def phase(self, text: str, /) -> None:
        if self._state is not None:
            self._state.phase = text

    def tell(self, text: str, /, *, level: str = "info", event: str = "note", **facts: Json) -> None:
        messages = self._messages or Messages.of(self._settings, self._log.run)
        messages.tell(text, level=level, event=event, **facts)

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
    progress = (
        None if json else progress_on(sys.stderr, os.environ, clock.monotonic, now=clock.now, quiet=settings.quiet)
    )
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


def confirm(plan: Plan, target: Target, settings: Settings, what: str, origin: str = "") -> bool:
    """Show the plan and ask whether to do `what` ("Apply", "Undo run R"). Returns, if it may, whether it asked.

    `origin` is what is to be said before of a plan that was made elsewhere.

    Without a terminal on standard input nobody can be asked, and it may. Raises StoppedEarly for every answer but yes.
    """
    if not asked(settings):
        return False
    result = plan_result(plan, target, settings, origin)
    question = f"{what} {place(target, settings)}: {_changes(plan)}; {_seen(result.exposure)}. Go on?"
    ask(question, terminal.plan(result))
    return True


def refuse_to_delete(what: str, settings: Settings) -> None:
    """UsageError where `what` would delete tags, and neither --yes nor anybody at a terminal says that it may."""
    if not settings.yes and not person():
        raise UsageError(
            f"{what} deletes tags, and there is no terminal to ask at; nothing was attempted",
            hint="Look at it first; then add --yes.",
            then="{again} --dry-run",
        )


def place(target: Target, settings: Settings) -> str:
    """Whose tags would change: `in account 0123 at https://other.example/v4`."""
    if target.sandbox:
        return f"in the sandbox {visible(str(settings.database))}"
    base_url = target.api.settings.base_url
    return f"in account {target.account_id}" + (f" at {visible(base_url)}" if base_url != PRODUCTION else "")


def asked(settings: Settings) -> bool:
    """Whether the question is asked: somebody can be, and --yes has not answered it."""
    return not settings.yes and person()


def person() -> bool:
    """Whether somebody can be asked: a terminal on standard input, wherever the outputs go."""
    return sys.stdin.isatty()


def ask(question: str, lines: Iterable[Line] = ()) -> None:
    """Show the lines and ask, on the terminal. Returns for y or yes; StoppedEarly says what else came."""
    try:
        with terminal_to_ask_on() as opened:
            Screen.on(opened, os.environ).show(lines)
            opened.write(f"{question} [y/N] ")
            opened.flush()
            answer = sys.stdin.readline()
            if not answer.endswith("\n"):
                opened.write("\n")
    except KeyboardInterrupt:
        raise StoppedEarly("interrupted at the question: nothing was attempted") from None
    except OSError:  # the terminal went away
        answer = ""
    if not answer:
        raise StoppedEarly("there was no answer: nothing was attempted", then="{again} --yes")
    if answer.strip().casefold() not in ("y", "yes"):
        raise StoppedEarly("the answer was no: nothing was attempted")


@contextmanager
def terminal_to_ask_on() -> Iterator[TextIO]:
    """Where a person reads: the stream that is a terminal, else the one that the process has."""
    for stream in (sys.stderr, sys.stdout):
        if stream.isatty():
            yield stream
            return
    opened = open_terminal()
    if opened is None:
        raise UsageError("there is a terminal to answer at, but none to ask on", then="{again} --yes")
    with opened:
        yield opened


def _changes(plan: Plan) -> str:
    counts = plan.counts()
    parts = [count(counts[action], action.value) for action in (Action.CREATE, Action.UPDATE, Action.DELETE)]
    in_error = counts[Action.INVALID] + counts[Action.CONFLICT]
    return ", ".join(parts) + (f"; {count(in_error, 'row')} in error left out" if in_error else "; no row in error")


def _seen(exposure: Iterable[Exposure]) -> str:
    values = dict.fromkeys(Visibility, 0)
    for item in exposure:
        values[item.visibility] += item.values
    perhaps = values[Visibility.UNDOCUMENTED]
    seen = f"others will see {count(values[Visibility.PUBLIC], 'value')}"
    return seen + (f", and perhaps {perhaps:,} more" if perhaps else "")
