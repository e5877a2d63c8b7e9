"""What a verb works with: the settings, the clock, and whoever follows it and is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from importer.clock import Clock
from importer.engine.events import Event
from importer.engine.run_folder import RunFolder, name_run
from importer.engine.stop import StopSignal
from importer.model import Json, Plan
from importer.reports.run_record import RunRecord, TrafficCounter
from importer.settings.settings import Settings

if TYPE_CHECKING:
    from importer.pipeline.account import Target


@dataclass(slots=True)
class Timings:
    """Seconds of each phase, in order."""

    clock: Clock
    seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(init=False)
    last: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.last = self.clock.monotonic()

    def whole(self) -> float:
        """Seconds since the beginning."""
        return self.clock.monotonic() - self.began

    def done(self, phase: str) -> None:
        """The phase ends now."""
        now = self.clock.monotonic()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self.last
        self.last = now


class Observer(Protocol):
    """Follows a verb while it works, and answers for the person. The command line is one; `Silent` another."""

    def observe(self, event: Event, /) -> None:
        """A call, a wait, a row."""

    def phase(self, text: str, /) -> None:
        """What is going on before rows are sent."""

    def tell(self, text: str, /, *, level: str = "info", event: str = "note", **facts: Json) -> None:
        """One sentence beside the result."""

    def asks(self) -> bool:
        """Whether `confirm` will ask somebody."""

    def confirm(self, what: str, plan: Plan, target: Target, /, origin: str = "") -> bool:
        """Whether somebody was asked, and said yes; False where nobody can be. StoppedEarly for any other answer.

        `origin` is what is to be said before of a plan that was made elsewhere.
        """

    def may_delete(self, what: str, /) -> None:
        """UsageError where nobody has said, or can say, that `what` may delete tags."""


class Silent:
    """Follows nothing. Whoever calls a verb from a program has decided already."""

    def observe(self, event: Event, /) -> None: ...

    def phase(self, text: str, /) -> None: ...

    def tell(self, text: str, /, *, level: str = "info", event: str = "note", **facts: Json) -> None: ...

    def asks(self) -> bool:
        return False

    def confirm(self, what: str, plan: Plan, target: Target, /, origin: str = "") -> bool:
        return False

    def may_delete(self, what: str, /) -> None: ...


@dataclass(slots=True)
class Session:
    """One command's, or one program's, way through the pipeline."""

    settings: Settings
    clock: Clock
    observer: Observer = field(default_factory=Silent)
    path: Path | None = None
    """The run folder, made when the run begins; one that is named after the time where it is None."""
    signals: bool = False
    """Whether signals that ask the process to end stop the run: the command line's process is its own."""
    stop: StopSignal = field(default_factory=StopSignal)
    """Asks the run to stop, resumable."""
    token_held: bool = False
    """Whether the lock of the token is held already, for several runs in turn."""
    begun: bool = False
    """Whether the run folder has been made."""
    sending: bool = False
    """Whether rows are being sent: from now on `stop` ends the run, and what is left can be resumed."""
    record: RunRecord | None = None
    """How the run ended, as soon as its reports are written."""
    started: datetime = field(init=False)
    timings: Timings = field(init=False)
    traffic: TrafficCounter = field(default_factory=TrafficCounter)

    def __post_init__(self) -> None:
        self.started = self.clock.now()
        self.timings = Timings(self.clock)
        self.path = self.path or self.settings.out or self.settings.runs_dir / name_run(self.started)

    @property
    def folder(self) -> RunFolder:
        """The run's folder, whether it is there yet or not: its name is in every log line from the first one on."""
        assert self.path is not None
        return RunFolder(self.path)

    def observe(self, event: Event) -> None:
        """Hand one event to the counter and to whoever follows."""
        self.traffic.observe(event)
        self.observer.observe(event)
