"""The workers of a run. The path of a row whose call works is written by hand; everything else is beside it."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from importer.clock import Clock
from importer.engine.backlog import after_its_forerunner, hold_back, open_rows, sort_rows, stays_of
from importer.engine.breaker import Breaker
from importer.engine.call import Caller
from importer.engine.duplicates import find_duplicates, made_twice
from importer.engine.events import AnswerLost, Observe, Retrying, RowDone, Settled, Stopping
from importer.engine.journal import Journal
from importer.engine.journal_state import JournalState
from importer.engine.read_lag import ReadLag
from importer.engine.reconcile import Outdated, Reconciler
from importer.engine.settings import ExecuteSettings
from importer.engine.settle import Settler
from importer.engine.stop import StopSignal, unless_stopped
from importer.engine.work import NEVER, Work, done, left_open, never_answered, refused
from importer.errors import ExitCode, ImporterError, StoppedEarly, UsageError
from importer.model import Action, Outcome, Plan, Status, Tag
from importer.planning.binding import BESIDE
from importer.planning.returned import Returned
from importer.remote.api import Api
from importer.remote.failures import CallFailed, Meaning
from importer.remote.lookup import Lookup
from importer.remote.retry import again, pause
from importer.remote.wire import TagAnswer

_UNBOUNDED: Final = 1_000_000
_PERHAPS_THERE: Final = frozenset({400, 409, 422})
"""Statuses of a refused create that can mean that a tag of the name exists; which one does is not documented."""
_TRIED_AGAIN: Final = 2
_AFTER_REFUSAL: Final = 0.5
"""How often, and after how many seconds (twice as many the second time), a row is sent again after a 403."""


class Pool:
    """Works through a plan's changes. Used once."""

    def __init__(
        self,
        plan: Plan,
        api: Api,
        journal: Journal,
        settings: ExecuteSettings,
        clock: Clock,
        observe: Observe,
        stop: StopSignal,
        earlier: JournalState | None,
        seen_at: float,
        returned: Returned,
    ) -> None:
        self._plan = plan
        self._api = api
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._observe = observe
        self._stop = stop
        self._earlier = earlier
        self._chance = random.Random()  # noqa: S311 - jitter, not a secret
        self._outcomes, works = sort_rows(plan, earlier, seen_at)
        free, self._behind = hold_back(plan, self._outcomes, works)
        self._works = {work.change.key: work for work in works if work.change.key not in self._outcomes}
        self.todo = deque(free)
        self._held: list[tuple[Work, CallFailed, float]] = []
        """Rows that were refused in a way that may meet every row, with when."""
        self._worked_at = NEVER
        self._idle: deque[asyncio.Future[None]] = deque()
        self._active = 0
        self._tasks: dict[asyncio.Task[None], Work | None] = {}
        self._breaker = Breaker(
            stop, clock, observe, max_consecutive=settings.max_consecutive,
            max_failed_share=settings.max_failed_share, min_rows=settings.min_rows,
        )  # fmt: skip
        there = (
            Tag(change.uuid, change.name)
            for change in plan.changes
            if change.uuid and change.action in (Action.UNCHANGED, Action.SKIP, Action.UPDATE)
        )
        self.lookup = Lookup(api, there, plan.account_tags)
        self._lag = ReadLag(settings.grace, self._chance)
        self._settler = Settler(
            self.lookup, clock, observe, stop, grace=settings.grace, max_attempts=settings.max_attempts,
            done=self._settled, again=self._requeue, returned=returned, lag=self._lag, pause=self._between_looks,
        )  # fmt: skip
        self._reconciler = Reconciler(
            self.lookup, clock, stop, plan.options, fresh=settings.fresh, done=self._finish, stays=stays_of(plan)
        )
        self._outdated = self._reconciler.outdated
        self._call = Caller(api, journal, self._breaker, clock, stop, self._outdated, returned).call

    def use(self, plan: Plan) -> None:
        """Go on with the same plan, its bodies completed."""
        if plan is not self._plan:
            bodies = {change.key: change for change in plan.changes}
            for work in self.todo:
                work.change = bodies[work.change.key]

    def tell_settled_rows(self) -> None:
        """RowDone for every row that needs no call any more."""
        for change in self._plan.changes:
            outcome = self._outcomes.get(change.key)
            if outcome is not None:
                self._observe(RowDone(change.key, change.name, change.action, outcome))

    def _park_open_rows(self) -> None:
        if self._earlier is None:
            return
        now = self._clock.monotonic()
        longest = self._api.settings.total_timeout
        for work, ago in open_rows(self.todo, self._earlier, self._clock.now(), longest=longest):
            self._settler.queue(work, "the run was interrupted", lost_at=now - ago)
        self.todo = deque(work for work in self.todo if work.change.key not in self._settler.parked)

    # -- the pool

    async def run(self) -> None:
        """Work until every row has ended or the run stops. Raises nothing that stops a run in a foreseen way."""
        self._park_open_rows()
        self._api.pacer.ahead = lambda: len(self.todo)
        settler = asyncio.ensure_future(self._settler.run())
        watcher = asyncio.ensure_future(self._stop.wait())
        count = min(self._settings.concurrency, max(1, len(self.todo) + len(self._settler.parked)))
        try:
            self._tasks = {asyncio.ensure_future(self._worker()): None for _ in range(count)}
            waiting: set[asyncio.Future[object]] = {watcher, settler, *self._tasks}  # type: ignore[arg-type]
            while any(not task.done() for task in self._tasks) and not self._stop:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if task is not watcher:
                        self._check(task)
            if self._stop:
                await self._wind_down(settler)
        finally:
            for other in (settler, watcher, *self._tasks):
                other.cancel()
            await asyncio.gather(settler, watcher, *self._tasks, return_exceptions=True)
            self._api.pacer.abort(None)
            self._api.pacer.ahead = None

    def _check(self, task: asyncio.Future[object]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, ImporterError) and not isinstance(error, UsageError):
            self._stop.request(error.message, exit_code=error.exit_code, hint=error.hint, retry_after=error.retry_after)
        else:
            raise error

    async def _wind_down(self, settler: asyncio.Future[None]) -> None:
        """Let the requests under way finish, bounded; wake everybody else with nothing done."""
        self._observe(Stopping(self._stop.reason, self._settings.stop_grace))
        settler.cancel()
        self._api.pacer.abort(StoppedEarly(self._stop.reason))
        for task, work in self._tasks.items():
            if work is None or not work.sending:
                task.cancel()
        if busy := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(busy, timeout=self._settings.stop_grace)

    async def _worker(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        todo = self.todo
        while not self._stop:
            if todo:
                if self._outdated(todo[0]) and not todo[0].ended:
                    await self._reconciler.look_again(todo)
                    continue
                work = todo.popleft()
                if work.ended:
                    continue
            else:
                if not self._active and not self._settler.parked:
                    if self._held:
                        self._end_of_doubt()
                        continue
                    self._wake_all()
                    return
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._idle.append(turn)
                await turn
                continue
            self._tasks[task] = work
            self._active += 1
            try:
                await self._do(work)
            finally:
                self._active -= 1
                self._tasks[task] = None
                if not self._active and not todo and not self._settler.parked:
                    self._wake_all()

    def _wake_one(self) -> None:
        while self._idle:
            turn = self._idle.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _wake_all(self) -> None:
        while self._idle:
            self._wake_one()

    # -- one row

    async def _do(self, work: Work) -> None:
        if work.doubts:
            await self._clock.sleep(_AFTER_REFUSAL * work.doubts)
        try:
            try:
                answer = await self._call(work)
            except CallFailed as failed:
                await self._recover(work, failed)
                return
        except Outdated:
            self.todo.appendleft(work)
            self._wake_one()
            return
        self._worked(work, answer)

    def _worked(self, work: Work, answer: TagAnswer | None) -> None:
        if answer is not None and work.change.action is Action.CREATE:
            self._lag.made(work.name, answer.uuid, self._clock.monotonic())
        self._finish(work, done(work, answer))
        self._breaker.row_done(failed=False)
        if self._held:
            self._worked_at = self._clock.monotonic()
            self._release(work.began)

    def _release(self, since: float) -> None:
        """A write that began at this moment has worked: what was refused before it is the rows' own trouble, or was a
        single 403, and is tried again."""
        held, self._held = self._held, [item for item in self._held if item[2] > since]
        for work, failed, at in held:
            if at > since:
                continue
            if failed.failure.access and work.doubts <= _TRIED_AGAIN:
                seconds = _AFTER_REFUSAL * work.doubts
                self._observe(Retrying(work.call, work.change.key, work.attempts, failed.failure.code, seconds))
                self._requeue(work)
            else:
                self._refused(work, failed)

    def _end_of_doubt(self) -> None:
        """No other row is left that could show whether it is the rows that are held."""
        work, failed, _ = next((item for item in self._held if item[1].failure.access), self._held[-1])
        access = failed.failure.access
        since = sum(at > self._worked_at for _, _, at in self._held)
        if not self._breaker.written if access else since >= self._breaker.most_refused(failed):
            self._breaker.refused_all(work.name, len(self._held), failed)
        else:
            self._release(self._clock.monotonic())

    async def _recover(self, work: Work, failed: CallFailed) -> None:
        """A call failed: certain failures are tried again here, lost creates wait to be looked up."""
        create = work.change.action is Action.CREATE

        def wanted(error: CallFailed) -> bool:
            meaning = error.failure.meaning
            if self._stop or meaning is Meaning.REFUSED:
                return False
            return meaning is not Meaning.AMBIGUOUS or (not create and work.losses < self._settings.max_attempts)

        if wanted(failed):
            try:
                answer = await again(
                    lambda: self._call(work),
                    failed,
                    attempts=_UNBOUNDED,  # the breaker and max_wait end what does not end by itself
                    wanted=wanted,
                    clock=self._clock,
                    chance=self._chance,
                    observe=self._observe,
                    what=(work.change.action.value, work.change.key),
                    longest=self._api.pacer.settings.max_wait,
                )
            except CallFailed as last:
                failed = last
            else:
                self._worked(work, answer)
                return
        if failed.failure.stops:
            self._stop.request(
                str(failed), exit_code=failed.exit_code,
                hint="Check the token and its permission (Cloudforce One Write)." if failed.failure.access else "",
            )  # fmt: skip
        elif failed.failure.held:
            work.doubts += 1
            self._held.append((work, failed, self._clock.monotonic()))
        elif failed.failure.meaning is Meaning.REFUSED:
            self._refused(work, failed)
        elif failed.failure.meaning is Meaning.AMBIGUOUS and create:
            self._observe(AnswerLost(work.change.key, work.name, failed.failure.code))
            patience = min(pause(failed, 1, self._chance), self._api.pacer.settings.max_wait)
            self._settler.queue(work, failed.failure.code, patience=patience)
        elif failed.failure.meaning is Meaning.AMBIGUOUS and not self._stop:
            self._finish(work, never_answered(work, failed))

    def _refused(self, work: Work, failed: CallFailed) -> None:
        lost = work.lost_at is not None or work.resent
        if work.change.action is Action.CREATE and not work.refusal and (lost or failed.status in _PERHAPS_THERE):
            # The server says no to something that an earlier request, or somebody else, may have done: look before
            # believing it. Its words are not asked.
            work.refusal = (failed.failure.code, str(failed))
            if not lost:
                self._journal.unsent(work.change.key, failed.failure.code)
                self._breaker.row_done(failed=True)
            self._settler.queue(work, work.fault)
            return
        outcome = refused(work, failed)
        self._finish(work, outcome)
        self._breaker.row_done(failed=outcome.status.needs_work)

    def _finish(self, work: Work, outcome: Outcome) -> None:
        """The row has ended: first into the journal, then everywhere else.

        A journal that cannot take the line says so when the next row wants to leave, or at the run's end.
        """
        self._journal.outcome(outcome)
        work.lost_at = None
        change = work.change
        del self._works[change.key]
        self._outcomes[change.key] = outcome
        self._observe(RowDone(change.key, change.name, change.action, outcome))
        for follower in self._behind.pop(change.key, ()):
            withheld = after_its_forerunner(follower, outcome)
            if withheld is None:
                self._requeue(follower)
            else:
                self._finish(follower, withheld)
        if self._idle and not self._active and not self.todo and not self._settler.parked:
            self._wake_all()

    def _between_looks(self, calls: int) -> float:
        """Seconds from a look-up of so many calls to the next: while rows wait for the limit, it has a tenth of it."""
        pacer = self._api.pacer
        if len(self.todo) < pacer.left():
            return 1.0
        quota, span = pacer.limit()
        return max(1.0, 10 * calls * span / quota)

    def _settled(self, work: Work, outcome: Outcome) -> None:
        """A look-up has decided. One that finds the tag proves that the server carries calls out and answers reads."""
        if outcome.adopted:
            self._breaker.worked()
        self._finish(work, outcome)

    def _requeue(self, work: Work) -> None:
        self.todo.append(work)
        self._wake_one()

    @property
    def _reads_fail(self) -> bool:
        return self._settler.failures > 0 or self._reconciler.failed

    async def look_for_duplicates(self) -> str:
        """List what the run made, and make rows whose name another tag has as well conflicts with both uuids.

        Returns why that could not be done; empty where it was. A run that stopped is asked once and for a short time:
        its resume looks at all that it made.
        """
        earlier = self._earlier.outcomes if self._earlier is not None else {}
        beside: Mapping[str, Any] = self._plan.options.get(BESIDE) or {}
        rows = {
            outcome.uuid: change
            for change in self._plan.changes
            if (outcome := self._outcomes.get(change.key)) is not None
            and change.key not in beside
            and outcome.status is Status.CREATED
            and outcome.uuid
        }
        if not rows:
            return ""
        if self._stop and (
            self._stop.exit_code is not ExitCode.STOPPED_EARLY or self._breaker.closed or self._reads_fail
        ):
            return "what was made could not be listed again"
        just_made = [uuid for uuid, change in rows.items() if change.key not in earlier]
        asking = asyncio.ensure_future(find_duplicates(
            {uuid: str(change.body.get("value") or change.name) for uuid, change in rows.items()}, just_made,
            self.lookup, self._clock, self._observe,
            patience=lambda missing, now: 0.0 if self._stop else self._lag.patience(missing, now),
        ))  # fmt: skip
        try:
            if self._stop:
                await asyncio.wait({asking}, timeout=self._settings.stop_grace)
            else:
                await unless_stopped(asyncio.wait({asking}), self._stop)
            found = asking.result() if asking.done() else {}
        except (CallFailed, ImporterError) as error:
            return str(error)
        finally:
            asking.cancel()
        for uuid, tags in found.items():
            change = rows[uuid]
            old = self._outcomes[change.key]
            outcome = Outcome(
                old.key, Status.CONFLICT, uuid, old.attempts, "duplicates", made_twice(change.name, uuid, tags)
            )
            self._outcomes[old.key] = outcome
            self._journal.outcome(outcome)
            self._observe(Settled(old.key, change.name, "duplicates"))
        return "" if asking.done() else "there was no time to list again what was made"

    # -- the end

    @property
    def unfinished(self) -> int:
        """Rows without an outcome."""
        return len(self._works)

    def outcomes_of_all(self) -> dict[str, Outcome]:
        """Every change's outcome, in plan order; those that have not ended are unknown or not attempted."""
        why = f"the run stopped before this row: {self._stop.reason}" if self._stop else "not attempted"
        held = {work.change.key: f"{failed}; the run stopped before another row's write worked"
                for work, failed, _ in self._held}  # fmt: skip
        found: dict[str, Outcome] = {}
        for change in self._plan.changes:
            outcome = self._outcomes.get(change.key)
            if outcome is None:
                outcome = left_open(self._works[change.key], held.get(change.key, why))
                self._observe(RowDone(change.key, change.name, change.action, outcome))
            found[change.key] = outcome
        return found
