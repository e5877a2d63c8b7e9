"""Many jobs: those of one token in turn, tokens side by side.

One process, with a thread for each token that calls the verbs as they are. A process for each would have to be told to
stop, and to tell its progress and results, in a language of their own; one event loop for all would stand still, with
calls of others under way, while a job's lists are read. Within a token nothing is gained side by side: the limit is the
token's. What a job has used of it is handed on to the next as from one process to another (`engine.shared_budget`),
and the token's lock is held from the first job to the last, so that no other run comes in between.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from importer.clock import Clock
from importer.engine.resume import open_resumable
from importer.errors import ExitCode, ImporterError, ProgramFault, StoppedEarly, UsageError, os_errors
from importer.masking import Mask
from importer.model import Plan
from importer.pipeline import verbs
from importer.pipeline.account import held, token_lock
from importer.pipeline.execution import sandbox_flags
from importer.pipeline.remembered import absolute
from importer.pipeline.session import Observer, Session
from importer.pipeline.watchers import note_failure, notify
from importer.reports.failed import failed_files
from importer.reports.fleet import Fleet, JobResult, fleet_of, write_fleet
from importer.reports.run_record import RunRecord, resume_command
from importer.reports.summary import stamp
from importer.settings.settings import Settings

_LOOK: Final = 0.2
"""Seconds between two looks at whether all has ended."""

_UNREAD: Final = "unread"


class Job(Struct, frozen=True):
    """A job of a fleet."""

    file: str
    settings: Settings
    """As far as they can be read, where there is an error."""
    group: str = ""
    account: str = ""
    error: ImporterError | None = None
    """Why it cannot be attempted."""
    saved: Path | None = None
    """The plan.json that is to be carried out."""
    plan: Plan | None = None
    """What a person has said yes to."""
    run: Path | None = None
    """The folder of its run that is to be taken up again."""


def job_of(file: str, settings: Settings, error: ImporterError | None = None) -> Job:
    """A job with its token's group; `error` is why its settings are not whole."""
    from importer.remote.settings import token_key

    settings = replace(settings, out=None)
    if error is None and settings.sandbox:
        return Job(file, settings, token_key("sandbox:", str(settings.database.resolve())), "sandbox")
    try:
        known = settings.credentials() if error is None else None
    except ImporterError as missing:
        error, known = missing, None
    if known is None:
        return Job(file, settings, error=error)
    return Job(file, settings, token_key(known.base_url, known.token), known.account)


def _folder_name(jobs: Sequence[Job], at: int) -> str:
    """The name of the folder of a job's plan: the job's, with a number where another one's is the same."""
    names = ["".join(char if char.isalnum() or char in "-_" else "-" for char in job.settings.name) for job in jobs]
    first = [name.casefold() for name in names].index(names[at].casefold())
    return names[at] if first == at else f"{names[at]}.{at + 1}"


_OVERRIDES: Final = (("account", "CLOUDFLARE_ACCOUNT_ID"), ("token_file", "CLOUDFLARE_API_TOKEN"),
                     ("token_file", "CLOUDFLARE_API_TOKEN_FILE"))  # fmt: skip


def check_apart(jobs: Sequence[Job]) -> None:
    """UsageError for two jobs that would take each other's earlier runs, or overwrite each other's metrics, and for a
    variable that would send the lists of several accounts to one."""
    for key, variable in _OVERRIDES:
        own = {getattr(job.settings.job, key) for job in jobs if job.settings.job and not job.settings.sandbox} - {""}
        if len(own) > 1 and jobs[0].settings.environ.get(variable, "").strip():
            raise UsageError(f"{variable} is set and would count for all jobs, whose files say `{key}:` each",
                             hint=f"Unset it: env -u {variable} tag-importer ...")  # fmt: skip
    names = Counter((job.settings.name, job.settings.runs_dir.resolve()) for job in jobs)
    twice = [job.file for job in jobs if names[job.settings.name, job.settings.runs_dir.resolve()] > 1]
    if twice:
        raise UsageError(f"{' and '.join(twice)} have one name and one folder of runs",
                         hint="Give each a `name:` of its own.")  # fmt: skip
    files = Counter(job.settings.output.metrics_file for job in jobs if job.settings.output.metrics_file)
    if shared := next((file for file, number in files.items() if number > 1), ""):
        raise UsageError(f"several jobs write their metrics to {shared}, and the last one alone would be seen",
                         hint="Give each job a `metrics_file:` of its own.")  # fmt: skip


def groups_of(jobs: Sequence[Job]) -> dict[str, list[int]]:
    """The jobs of each token, by their places; those that cannot be read are a group of their own, the last one."""
    groups: dict[str, list[int]] = defaultdict(list)
    for at, job in sorted(enumerate(jobs), key=lambda item: not item[1].group):
        groups[job.group or _UNREAD].append(at)
    return dict(groups)


def of_group(jobs: Sequence[Job], wanted: str) -> list[int]:
    """The jobs of one token, by its group or the group's place: with the first one go those that cannot be read, so
    that an engine that counts tokens passes over none. UsageError where there is no such group."""
    groups = groups_of(jobs)
    if wanted in groups:
        return groups[wanted]
    unread = groups.pop(_UNREAD, [])
    listed = [*groups.values()] or [[]]
    listed[0] = unread + listed[0]
    if wanted not in map(str, range(len(listed))):
        raise UsageError(f"none of these jobs is of group {wanted}", hint=f"There is {', '.join(groups)}.")
    return listed[int(wanted)]


class FleetRun:
    """Carries jobs out, or plans them. `fleet.json` in `folder` follows each change of a job's state."""

    def __init__(
        self, jobs: Sequence[Job], clock: Clock, observer: Callable[[Job], Observer], *, dry: bool = False,
        folder: Path | None = None, earlier: Mapping[str, JobResult] | None = None,
    ) -> None:  # fmt: skip
        """`earlier` are results, by file, of jobs that came to their end before: they stay as they are. `dry` saves
        its plans in `folder`, one for each job, or without one keeps them in `plans`."""
        self.plans: dict[str, Plan] = {}
        """By job file."""
        self._jobs, self._clock, self._observer, self._dry, self._folder = jobs, clock, observer, dry, folder
        self._started = stamp(clock.now())
        self._lock = threading.RLock()
        self._accounts: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._reason = ""
        self._stops: dict[str, Callable[[str], object]] = {}
        """By group: what ends what is under way."""
        self._mask = Mask(secret for job in jobs for secret in job.settings.secrets())
        self._results = [(earlier or {}).get(absolute(job.file)) or self._blank(job) for job in jobs]

    def carry_out(self) -> Fleet:
        """Each job to its end, or to where `stop` or its token ended it. UsageError where the folder cannot be made."""
        with os_errors(f"{self._folder} cannot be used"):
            self._save(self._fleet())
        threads = [threading.Thread(target=self._group, args=(places,), name=f"token {group}", daemon=True)
                   for group, places in groups_of(self._jobs).items()]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # in short steps: a signal is heard between two of them, on every system
                thread.join(_LOOK)
        done = self._fleet(over=True)
        with suppress(OSError):  # the end is told all the same
            self._save(done)
        return done

    def stop(self, reason: str) -> None:
        """Ask every run to end so that it can be resumed; jobs that have not begun are not attempted."""
        with self._lock:
            self._reason = self._reason or reason
            for stop in self._stops.values():
                with suppress(RuntimeError):  # it has ended just now
                    stop(self._reason)

    def _group(self, places: Sequence[int]) -> None:
        if waiting := [at for at in places if not self._results[at].finished]:
            asyncio.run(self._in_turn(waiting))

    async def _in_turn(self, waiting: Sequence[int]) -> None:
        """The jobs of one token, its lock held from the first to the last."""
        loop, task, first = asyncio.get_running_loop(), asyncio.current_task(), self._jobs[waiting[0]]
        assert task is not None
        running: list[Session] = []

        def end(reason: str) -> None:
            if running and running[-1].sending:
                running[-1].stop.request(reason)
            else:
                task.cancel()

        with self._lock:
            self._stops[first.group] = lambda reason: loop.call_soon_threadsafe(end, reason)
            if self._reason:
                task.cancel()
        alone = not first.group or first.settings.sandbox or self._dry
        names = {} if alone else {"token": token_lock(first.group)}
        try:
            async with held(Session(first.settings, self._clock, self._observer(first)), names):
                refused = ""
                for at in waiting:
                    if refused:
                        error: ImporterError = ImporterError(f"not attempted: the token was refused in {refused}")
                        self._not_attempted(at, error, ExitCode.ACCESS)
                    elif await self._job(at, running):
                        refused = f"job {self._jobs[at].settings.name}"
        except (Exception, asyncio.CancelledError) as error:
            told = self._told(error)
            for at in waiting:
                if self._results[at].exit_code is None:
                    self._not_attempted(at, told, told.exit_code)

    def _told(self, error: BaseException) -> ImporterError:
        if isinstance(error, ImporterError):
            return error
        if isinstance(error, asyncio.CancelledError):
            return StoppedEarly(f"{self._reason}: nothing was attempted")
        return ProgramFault(f"a fault in the program itself ({type(error).__name__}: {error})")

    async def _job(self, at: int, running: list[Session]) -> bool:
        """One job, whose session is added to those that ran; returns whether its token was refused."""
        job = self._jobs[at]
        with self._accounts[job.account or job.file]:  # two tokens of one account take turns
            path = self._folder / _folder_name(self._jobs, at) if self._dry and self._folder else job.run
            session = Session(job.settings, self._clock, self._observer(job), path, token_held=not self._dry)
            running.append(session)
            try:
                if self._reason:
                    raise StoppedEarly(self._reason)
                if job.error is not None:
                    raise job.error
                self._set(at, replace(self._blank(job), state="running", run="" if self._dry else str(session.path)))
                result = await self._ended(job, session)
            except (Exception, asyncio.CancelledError) as error:
                # A fault in one job is no reason to leave the others undone.
                told = self._told(error)
                if self._reason and not session.begun and told is error:
                    self._not_attempted(at, told, ExitCode.STOPPED_EARLY)
                    return False
                result = self._failed(job, session, told)
            self._set(at, result)
            assert result.exit_code is not None
            self._tell(session, notify(session, result.exit_code) if not self._dry else [])
        return session.traffic.token_refused and result.exit_code == ExitCode.ACCESS

    async def _ended(self, job: Job, session: Session) -> JobResult:
        if self._dry:
            return await self._planned(job, session)
        if job.run is not None:
            record = await verbs.resume(session, open_resumable(job.run))
        else:
            record = await verbs.apply(session, job.plan or job.saved or verbs.draft(session))
        return self._carried_out(job, session, record)

    async def _planned(self, job: Job, session: Session) -> JobResult:
        made = await verbs.plan(session, job.saved or verbs.draft(session))
        verbs.check(session, made.plan, made.tags)
        if self._folder is None:
            self.plans[job.file] = made.plan
        else:
            made = verbs.write(session, made)
        return replace(
            self._traffic(job, session), exit_code=verbs.plan_code(made.plan, job.settings), rows=made.plan.rows,
            counts=_some(made.plan.counts()), message=made.origin, plan=absolute(made.out) if made.out else "",
        )  # fmt: skip

    def _carried_out(self, job: Job, session: Session, record: RunRecord) -> JobResult:
        again = "" if record.exit_code in (ExitCode.DONE, ExitCode.ROWS_NEED_WORK) else self._again(job, record.folder)
        failed = [str(path) for path in failed_files(record.folder)] if record.exit_code else []
        return replace(
            self._traffic(job, session), exit_code=record.exit_code, run=str(record.folder.absolute()),
            rows=record.plan.rows, counts=_some(record.counts()), calls=record.traffic.total,
            retries=record.traffic.retries, answers_429=record.traffic.too_many, hint=record.hint,
            message=record.stopped or (f"rows need work: {', '.join(failed)}" if failed else ""), command=again,
            retry_after=session.stop.retry_after,
        )  # fmt: skip

    def _failed(self, job: Job, session: Session, error: ImporterError) -> JobResult:
        """A job that an error ended."""
        session.observer.tell(_sentence(error), level="error", event="job-failed", job=job.settings.name,
                              hint=error.hint or None)  # fmt: skip
        self._tell(session, [] if self._dry else note_failure(session, error))
        folder = session.folder
        begun = folder.path if job.run or (session.begun and folder.plan_path.exists()) else None
        return replace(
            self._traffic(job, session), exit_code=error.exit_code, message=_sentence(error), hint=error.hint,
            run=absolute(str(folder.path)) if not self._dry and folder.path.is_dir() else "",
            command=self._again(job, begun), retry_after=error.retry_after,
        )  # fmt: skip

    def _traffic(self, job: Job, session: Session) -> JobResult:
        traffic = session.traffic.traffic()
        return replace(self._blank(job), state="ended", calls=traffic.total, retries=traffic.retries,
                       answers_429=traffic.too_many, seconds=round(session.timings.whole(), 3))  # fmt: skip

    def _not_attempted(self, at: int, error: ImporterError, code: int) -> None:
        job = self._jobs[at]
        self._set(at, replace(self._blank(job), state="not-attempted", exit_code=code, message=_sentence(error),
                              hint=error.hint, command=self._again(job, job.run)))  # fmt: skip
        session = Session(job.settings, self._clock, self._observer(job))
        self._tell(session, notify(session, code) if not self._dry else [])

    def _again(self, job: Job, run: Path | None) -> str:
        """The command that takes a job up again; a saved plan with the others of its folder."""
        words = sandbox_flags(job.settings)
        if run or self._dry:
            return resume_command(run.absolute(), words) if run else ""
        if job.saved:
            return f"tag-importer apply {quote(str(self._folder))} --resume {words}".rstrip()
        verb = "plan" if any(other.saved for other in self._jobs) else "apply"  # what was not planned is not applied
        return f"tag-importer {verb} {quote(job.file)} {words}".rstrip()

    def _blank(self, job: Job) -> JobResult:
        return JobResult(job=job.settings.name, file=absolute(job.file), group=job.group, account=job.account,
                         run=str(job.run.absolute()) if job.run else "",
                         plan=str(job.saved.absolute()) if job.saved else "")  # fmt: skip

    def _tell(self, session: Session, problems: Sequence[str]) -> None:
        for problem in problems:
            session.observer.tell(problem, level="warning", event="not-reported", job=session.settings.name)

    def _set(self, at: int, result: JobResult) -> None:
        with self._lock:
            self._results[at] = result
            with suppress(OSError):
                self._save(self._fleet())

    def _save(self, fleet: Fleet) -> None:
        if self._folder is not None:
            write_fleet(self._folder, fleet, self._mask)

    def _fleet(self, *, over: bool = False) -> Fleet:
        finished = stamp(self._clock.now()) if over else None
        return fleet_of("plan" if self._dry else "apply", self._results, self._started, finished)


def _sentence(error: ImporterError) -> str:
    return "; ".join((error.message, *error.details[:3]))


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {word: number for word, number in counts.items() if number}
