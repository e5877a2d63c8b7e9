"""Everything that the reports tell of one execution, as one value."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import add
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import astuple

from importer.atomic import atomic_text
from importer.engine.events import CallFinished, Event, Retrying, Waiting
from importer.masking import NO_MASK, Mask, MaskedStream
from importer.model import Change, Issue, Outcome, Plan, Severity, Status
from importer.planning.exposure import Exposure, exposure


class Traffic(Struct, frozen=True):
    """What was asked of the API."""

    calls: Mapping[str, int] = field(default_factory=dict)
    """Requests sent, by kind: list, create, update, delete, look-up, categories... Retries are among them."""
    retries: int = 0
    waits: int = 0
    """How often the rate limit made everybody wait."""
    waited: float = 0.0
    """Seconds spent in those waits."""
    too_many: int = 0
    """Answers with status 429."""
    outages: int = 0
    """How often the circuit breaker made everybody wait because the server failed."""
    outage_seconds: float = 0.0

    @property
    def total(self) -> int:
        """All requests that were sent."""
        return sum(self.calls.values())

    def __add__(self, other: Traffic) -> Traffic:
        """Both together: a run and what its resume asked for."""
        calls = {call: self.calls.get(call, 0) + other.calls.get(call, 0) for call in (*self.calls, *other.calls)}
        return Traffic(calls, *map(add, astuple(self)[1:], astuple(other)[1:]))


class TrafficCounter:
    """An observer that adds up what was asked of the API."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._retries = 0
        self._waits = 0
        self._waited = 0.0
        self._too_many = 0
        self._outages = 0
        self._outage_seconds = 0.0
        self.token_refused = False

    def observe(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, CallFinished):
            self._calls[event.call] += 1
            self._too_many += event.status == 429
            self.token_refused = self.token_refused or event.failure == "unauthorized"
        elif isinstance(event, Retrying):
            self._retries += 1
        elif isinstance(event, Waiting) and event.why == "outage":
            self._outages += 1
            self._outage_seconds += event.seconds
        elif isinstance(event, Waiting) and event.why != "lag":
            self._waits += 1
            self._waited += event.seconds

    def traffic(self) -> Traffic:
        """What has been counted up to now."""
        return Traffic(
            dict(self._calls), self._retries, self._waits, self._waited, self._too_many, self._outages,
            self._outage_seconds,
        )  # fmt: skip


class RunRecord(Struct, frozen=True):
    """One execution: its plan, how each change ended, and what it took."""

    run: str
    """The run's id: the name of its folder."""
    folder: Path
    plan: Plan
    outcomes: Mapping[str, Outcome]
    """By `Change.key`. A change that is not in here takes its status from its action (see `outcome`)."""
    started: datetime
    finished: datetime
    seconds: float = 0.0
    """How long it took, by a clock that nobody sets; 0 where that is not known. The two moments are for showing."""
    exit_code: int = 0
    traffic: Traffic = Traffic()
    stopped: str = ""
    """Why the run ended before its plan did, as a sentence; empty when it did not."""
    hint: str = ""
    """What to do about that, where there is something to say."""
    command: str = "apply"
    plan_sha256: str = ""
    exposure: Sequence[Exposure] | None = None
    """What the plan shows to other accounts, where it has been worked out already; see `exposed`."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds by phase, in order: read, account, plan, execute, report."""
    sandbox: bool = False
    job: str = ""
    """Name of the job, where it was one."""
    mask: Mask = NO_MASK
    """Hides the token in all that is written for people."""
    again: str = ""
    """Flags that lead a resume to the same account: `--sandbox`."""

    @contextmanager
    def file(self, path: Path) -> Iterator[MaskedStream]:
        """A report to write to: atomic, mode 0600, without secrets."""
        with atomic_text(path) as stream:
            yield MaskedStream(stream, self.mask)

    def exposed(self) -> Sequence[Exposure]:
        """How many values of each field other accounts see, or may see, after this plan."""
        return exposure(self.plan) if self.exposure is None else self.exposure

    @property
    def resume_command(self) -> str:
        """The command that continues this run, for a shell."""
        return resume_command(self.folder, self.again)

    def outcome(self, change: Change) -> Outcome:
        """How `change` ended. One that needs a call and has no outcome was not attempted."""
        found = self.outcomes.get(change.key)
        if found is not None:
            return found
        status = Status.NOT_ATTEMPTED if change.action.calls else change.action.status
        message = change.message
        if status is Status.NOT_ATTEMPTED:
            message = f"The run stopped before this row: {self.stopped}" if self.stopped else "Not attempted."
        code = change.code or ("not-attempted" if status is Status.NOT_ATTEMPTED else "")
        return Outcome(change.key, status, change.uuid, 0, code, message)

    def ended(self) -> Iterator[tuple[Change, Outcome]]:
        """Every change of the plan, in its order, with how it ended."""
        for change in self.plan.changes:
            yield change, self.outcome(change)

    def counts(self) -> dict[str, int]:
        """Changes by status, all statuses named; the sum is the number of changes."""
        counts = dict.fromkeys((status.value for status in Status), 0)
        for _, outcome in self.ended():
            counts[outcome.status.value] += 1
        return counts


def resume_command(folder: Path, again: str = "") -> str:
    """The command that continues the run in `folder`; `again` are flags that lead to the same account."""
    return " ".join(filter(None, ("tag-importer resume", shlex.quote(str(folder)), again)))


def issues_of(plan: Plan) -> list[Issue]:
    """All issues of a plan in source order: the notes on files and sheets first, then each row's."""
    found = list(plan.notes)
    for change in plan.changes:
        found.extend(change.issues)
    return found


def issue_counts(issues: list[Issue]) -> dict[str, int]:
    """Issues by severity, all severities named; those that a person has accepted do not count."""
    counts = dict.fromkeys((severity.value for severity in Severity), 0)
    for issue in issues:
        if issue.accepted:
            continue
        counts[issue.severity.value] += 1
    return counts
