"""Many jobs as one result: fleet.json, its schema, and the table. All totals are the sums of the jobs'."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from importer.atomic import atomic_text, own_folder
from importer.errors import ExitCode, UsageError, worst
from importer.masking import NO_MASK, Mask
from importer.model import Json
from importer.reports.formats import Listing
from importer.reports.json_text import json_text
from importer.reports.listings import table_lines
from importer.reports.screen import Line
from importer.reports.text import count, duration

NAME: Final = "fleet.json"
SCHEMA: Final = 1
_LARGEST: Final = 64 * 1024 * 1024

Count = Annotated[int, Meta(ge=0)]


class JobResult(Struct, frozen=True, kw_only=True):
    """One job, as far as it has come."""

    job: str
    """Its name."""
    file: str
    """The job file, an absolute path."""
    group: str
    """The jobs of one token have the same: 16 digits of a hash of it. Empty for a job that cannot be read."""
    account: str = ""
    state: Literal["waiting", "running", "ended", "not-attempted"] = "waiting"
    exit_code: int | None = None
    """None while it has not ended; of a job that was not attempted, the one of what kept it from it."""
    run: str = ""
    """Its run folder, an absolute path."""
    plan: str = ""
    """The plan.json that `plan` saved for it, an absolute path: `apply` of the fleet's folder carries it out."""
    rows: Count = 0
    counts: dict[str, Count] = field(default_factory=dict)
    """Changes by status; of `plan`, by action."""
    calls: Count = 0
    retries: Count = 0
    answers_429: Count = 0
    seconds: Annotated[float, Meta(ge=0)] = 0.0
    message: str = ""
    """Why it did not come to its end."""
    hint: str = ""
    retry_after: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds after which it is worth another try; 0 where nobody knows."""
    command: str = ""
    """What takes it up again; empty where nothing is left to do."""

    @property
    def finished(self) -> bool:
        """Whether it came to its end, however its rows did."""
        return self.exit_code in (ExitCode.DONE, ExitCode.ROWS_NEED_WORK, ExitCode.CHANGES_PENDING)


class Totals(Struct, frozen=True, kw_only=True):
    """The jobs added up."""

    jobs: Count
    groups: Count
    exit_codes: dict[str, Count]
    """Jobs by exit code; those that have not ended are not among them."""
    rows: Count
    counts: dict[str, Count]
    calls: Count
    retries: Count
    answers_429: Count


class Fleet(Struct, frozen=True, kw_only=True):
    """fleet.json. `schema` rises when a key changes its meaning or goes."""

    schema: Literal[1] = SCHEMA
    command: Literal["apply", "plan"]
    started: str
    finished: str | None = None
    exit_code: int | None = None
    """The worst of the jobs' (`errors.WORST_FIRST`), when all have ended."""
    totals: Totals
    jobs: tuple[JobResult, ...]


def fleet_of(command: str, jobs: Iterable[JobResult], started: str, finished: str | None = None) -> Fleet:
    """The jobs, added up."""
    jobs = tuple(jobs)
    ended = [job.exit_code for job in jobs if job.exit_code is not None]
    counts: Counter[str] = Counter()
    for job in jobs:
        counts.update(job.counts)
    totals = Totals(
        jobs=len(jobs), groups=len({job.group for job in jobs if job.group}),
        exit_codes={str(code): number for code, number in sorted(Counter(ended).items())},
        rows=sum(job.rows for job in jobs), counts=dict(counts), calls=sum(job.calls for job in jobs),
        retries=sum(job.retries for job in jobs), answers_429=sum(job.answers_429 for job in jobs),
    )  # fmt: skip
    over = finished is not None and len(ended) == len(jobs)
    word: Literal["apply", "plan"] = "plan" if command == "plan" else "apply"
    return Fleet(command=word, started=started, finished=finished, exit_code=worst(ended) if over else None,
                 totals=totals, jobs=jobs)  # fmt: skip


def gathered(fleets: Sequence[Fleet]) -> Fleet:
    """Several fleets as one: of a job that is in more than one, what the later one says."""
    latest = {(job.file, job.job): job for fleet in fleets for job in fleet.jobs}
    finished = [fleet.finished for fleet in fleets]
    return fleet_of(
        fleets[-1].command, latest.values(), min(fleet.started for fleet in fleets),
        None if None in finished else max(filter(None, finished)),
    )  # fmt: skip


def fleet_schema() -> dict[str, Json]:
    """The JSON Schema of fleet.json."""
    made: dict[str, Json] = msgspec.json.schema(Fleet)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "fleet.json of tag-importer", **made}


def fleet_json(fleet: Fleet) -> Json:
    """As JSON values."""
    return msgspec.to_builtins(fleet)


def write_fleet(folder: Path, fleet: Fleet, mask: Mask = NO_MASK) -> None:
    """Write fleet.json, atomically, mode 0600. Raises OSError."""
    own_folder(folder)
    with atomic_text(folder / NAME) as stream:
        stream.write(json_text(mask.value(fleet_json(fleet))))


def is_fleet(path: Path) -> bool:
    """Whether this is a fleet.json, or a folder that holds one."""
    with suppress(OSError):  # a name that is too long to be one
        return (path / NAME).is_file() or (path.name == NAME and path.is_file())
    return False


def read_fleet(path: Path) -> Fleet:
    """A fleet.json, or the one in a folder. UsageError where it cannot be read."""
    path = path / NAME if path.is_dir() else path
    try:
        with path.open("rb") as stream:
            return msgspec.json.decode(stream.read(_LARGEST), type=Fleet)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not a fleet.json of this version: {error}") from None


def listing(fleet: Fleet, folder: Path | None = None) -> Listing:
    """The table: a line for each job, the sums, and what is to be done about those that did not come to their end."""
    return Listing(list(_lines(fleet, folder)), fleet_json(fleet))


def _lines(fleet: Fleet, folder: Path | None) -> Iterator[Line]:
    rows = [
        (job.job, job.group[:8], "" if job.exit_code is None else str(job.exit_code), f"{job.rows:,}", f"{job.calls:,}",
         duration(job.seconds) if job.seconds else "", _counts(job.counts) or _word(job))
        for job in fleet.jobs
    ]  # fmt: skip
    totals = fleet.totals
    code = "" if fleet.exit_code is None else str(fleet.exit_code)
    rows.append((count(totals.jobs, "job"), count(totals.groups, "token"), code, f"{totals.rows:,}",
                 f"{totals.calls:,}", "", _counts(totals.counts)))  # fmt: skip
    yield from table_lines(("JOB", "TOKEN", "EXIT", "ROWS", "CALLS", "TIME", "RESULT"), rows)
    for job in fleet.jobs:
        if job.message or job.command:
            yield ()
            yield ((job.job, "head"), f": {job.message}" if job.message else "")
            if job.hint:
                yield (f"  {job.hint}",)
            if job.command:
                yield (f"  Go on with: {job.command}",)
    if folder is not None:
        yield ()
        yield (f"{folder / NAME}",)
        quoted = shlex.quote(str(folder))
        if fleet.command == "plan":
            yield (f"Carry out what was planned, with the same flags: tag-importer apply {quoted}",)
        elif any(not job.finished for job in fleet.jobs):
            yield (f"All that is left, with the same flags: tag-importer apply {quoted} --resume",)


def _word(job: JobResult) -> str:
    return "failed" if job.state == "ended" and job.message else job.state.replace("-", " ")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{word.replace('_', ' ')} {number:,}" for word, number in counts.items() if number)
