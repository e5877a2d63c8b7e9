"""What happens, on standard error: a line for a person, or with `--log-format json` one object a line.

Each object has `time` (ISO 8601, UTC), `level`, `event` (stable, kebab-case), `run` and `message`; then the facts.
Lines are ASCII in JSON and made visible in text: a name cannot forge a line. What was handed in as secret is masked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from importer.engine.events import (
    AnswerLost,
    CallFinished,
    Event,
    LimitLearned,
    Remark,
    Retrying,
    RowDone,
    RunFinished,
    RunStarted,
    Settled,
    Stopping,
    Waiting,
)
from importer.masking import Mask
from importer.model import Json, Status
from importer.reports.summary import stamp
from importer.reports.text import duration, quoted, shortened, visible

_LEVELS: Final = ("debug", "info", "warning", "error")
_TROUBLE: Final = (Status.FAILED, Status.UNKNOWN)
_LONGEST: Final = 2_000
_PROGRESS_EVERY: Final = 30.0


class Log:
    """Writes lines. `write` gets each without its line break; it must not raise."""

    def __init__(
        self,
        write: Callable[[str], None],
        now: Callable[[], datetime],
        *,
        style: str = "text",
        quiet: bool = False,
        verbose: bool = False,
        secrets: Iterable[str] = (),
    ) -> None:
        """`style` is text or json. Quiet keeps errors alone; verbose adds a line for every row."""
        self._write = write
        self._now = now
        self.style = style
        self._json = style == "json"
        self._least = _LEVELS.index("error" if quiet else "debug" if verbose else "info")
        self._mask = Mask(secrets)
        self._to_do = self._done = 0
        self._told = now()
        self.run = ""
        """The run's id; in every line as soon as it is known."""

    def line(self, level: str, event: str, message: str, **facts: Json) -> None:
        """One line, where `level` (debug, info, warning, error) is wanted."""
        if _LEVELS.index(level) < self._least:
            return
        moment = stamp(self._now())
        message = shortened(self._mask.text(message), _LONGEST)
        if self._json:
            found = {"time": moment, "level": level, "event": event, "run": self.run, "message": message, **facts}
            text = json.dumps(self._mask.value(found), default=str).replace("##", "#\\u0023")
        else:
            word = "" if level == "info" else f"{level}: "
            text = visible(f"{moment[11:19]} {word}{message}")
        self._write(text)

    def observe(self, event: Event) -> None:
        """Turn one event of a run into a line, or into none."""
        if isinstance(event, CallFinished):
            return
        if isinstance(event, RowDone):
            self._row(event)
        elif isinstance(event, RunStarted):
            self.run, self._to_do, self._done, self._told = event.run, event.to_do, 0, self._now()
            verb = "continues" if event.resumed else "begins"
            self.line("info", "run-started", f"Run {event.run} {verb}: {event.rows:,} rows, {event.to_do:,} to send.",
                      rows=event.rows, to_do=event.to_do, resumed=event.resumed)  # fmt: skip
        elif isinstance(event, Waiting):
            self.line("info", "waiting", f"Waiting {duration(event.seconds)} ({event.why}).",
                      seconds=round(event.seconds, 3), why=event.why)  # fmt: skip
        elif isinstance(event, Retrying):
            when = f"in {duration(event.seconds)}" if event.seconds else "when the limit allows"
            self.line("info", "retrying", f"{event.call} failed ({event.failure}), attempt {event.attempt + 1} {when}.",
                      call=event.call, key=event.key, attempt=event.attempt,
                      failure=event.failure, seconds=round(event.seconds, 3))  # fmt: skip
        elif isinstance(event, AnswerLost):
            self.line("warning", "answer-lost", f"The answer for {quoted(event.name)} was lost ({event.failure}); "
                      "a look-up will tell.", key=event.key, name=event.name, failure=event.failure)  # fmt: skip
        elif isinstance(event, Settled):
            self.line("info", "settled", f"{quoted(event.name)} is settled: {event.verdict}.", key=event.key,
                      name=event.name, verdict=event.verdict)  # fmt: skip
        elif isinstance(event, LimitLearned):
            self.line("debug", "limit-learned", f"The server's limit is {event.quota:,} calls in "
                      f"{duration(event.window)}.", quota=event.quota, window=event.window)  # fmt: skip
        elif isinstance(event, Remark):
            self.line("warning", "remark", event.text)
        elif isinstance(event, Stopping):
            self.line("warning", "stopping", f"Stopping: {event.reason}", reason=event.reason, seconds=event.seconds)
        elif isinstance(event, RunFinished):
            self._finished(event)

    def _row(self, event: RowDone) -> None:
        outcome = event.outcome
        if event.action.calls:
            self._progress()
        level = "warning" if outcome.status in _TROUBLE else "debug"
        if _LEVELS.index(level) < self._least:
            return  # before the words are put together: there may be a hundred thousand rows
        self.line(level, "row", f"{quoted(event.name)} {outcome.status.value}: {outcome.message}".rstrip(": "),
                  key=event.key, name=event.name, action=event.action.value, status=outcome.status.value,
                  uuid=outcome.uuid, code=outcome.code, attempts=outcome.attempts)  # fmt: skip

    def _progress(self) -> None:
        """A line every half a minute, for those who have no bar to look at."""
        self._done += 1
        if self._done % 32 == 0 and (self._now() - self._told).total_seconds() >= _PROGRESS_EVERY:
            self._told = self._now()
            self.line(
                "info", "progress", f"{self._done:,} of {self._to_do:,} sent.", done=self._done, to_do=self._to_do
            )

    def _finished(self, event: RunFinished) -> None:
        counts = {status: number for status, number in event.counts.items() if number}
        listed = ", ".join(f"{status.replace('_', ' ')} {number:,}" for status, number in counts.items()) or "no row"
        state = f"stopped early ({event.stopped})" if event.stopped else "finished"
        self.line("warning" if event.stopped else "info", "run-finished",
                  f"Run {event.run} {state} after {duration(event.seconds)}: {listed}.", counts=dict(event.counts),
                  seconds=round(event.seconds, 3), stopped=event.stopped or None)  # fmt: skip
