"""Executing a plan: a pool of workers, a journal line on either side of each call, every row with an outcome.

The same function carries out a fresh run, the rest of an old one (`earlier`) and an undo.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace

from importer.clock import Clock, SystemClock
from importer.engine.events import Observe, RunFinished, RunStarted, ignore
from importer.engine.journal import Journal, boot_id
from importer.engine.journal_state import JournalState
from importer.engine.pool import Pool
from importer.engine.result import ExecutionResult, counts_of
from importer.engine.settings import ExecuteSettings
from importer.engine.stop import StopSignal, unless_stopped
from importer.engine.work import NEVER
from importer.errors import AccessRefused, ExitCode, ImporterError, UsageError
from importer.model import Action, Outcome, Plan
from importer.planning.build import CREATE_CATEGORY, with_category
from importer.planning.categories import find_category
from importer.planning.returned import Returned
from importer.remote.api import Api
from importer.remote.failures import CallFailed

_RARELY: Final = 50_000


async def execute(
    plan: Plan,
    api: Api,
    journal: Journal,
    settings: ExecuteSettings | None = None,
    *,
    run: str = "",
    plan_sha256: str = "",
    clock: Clock | None = None,
    observe: Observe = ignore,
    stop: StopSignal | None = None,
    earlier: JournalState | None = None,
    seen_at: float = NEVER,
    returned: Returned | None = None,
    about: Mapping[str, str] | None = None,
) -> ExecutionResult:
    """Do what the plan says and return how each change ended; whatever happens is in the journal.

    `run` and `plan_sha256` go into the journal's first line, with what `about` adds to it (the command, a version);
    `earlier` is the journal's state when the run is taken up again; `seen_at` is when, on the clock, the account was as
    the plan saw it: where nobody knows, it is looked at again before anything is sent. `returned` learns what the
    server does not give back. Stops come back as a result, not
    as errors; an error that is not foreseen leaves the journal whole and is raised.
    """
    if plan.account != api.settings.account_id:
        raise UsageError(
            f"the plan is for account {plan.account}, the settings name {api.settings.account_id}",
            hint="Set CLOUDFLARE_ACCOUNT_ID to the plan's account, or plan again.",
        )
    settings, clock = settings or ExecuteSettings(), clock or SystemClock()
    stop = StopSignal() if stop is None else stop
    began = clock.monotonic()
    pool = Pool(plan, api, journal, settings, clock, observe, stop, earlier, seen_at, returned or Returned())
    observe(RunStarted(run, len(plan.changes), pool.unfinished, earlier is not None))
    pool.tell_settled_rows()
    unlisted = ""
    try:
        if earlier is None:
            journal.event(
                "run", run=run, plan=plan_sha256, account=plan.account, mode=plan.mode, rows=len(plan.changes),
                boot=boot_id(), **(about or {}),
            )  # fmt: skip
        else:
            journal.event("resume", boot=boot_id())
        complete = (
            await unless_stopped(_with_category(plan, api, journal, earlier, settings.grace), stop)
            if pool.todo
            else None
        )
        with _rare_collection():
            if complete is not None:
                pool.use(complete)
                await pool.run()
            unlisted = await pool.look_for_duplicates()
    except ImporterError as error:
        stop.request(
            error.message, exit_code=_resumable(error.exit_code), hint=error.hint, retry_after=error.retry_after
        )
    except CallFailed as failed:
        stop.request(str(failed), exit_code=failed.exit_code)
    outcomes = pool.outcomes_of_all()
    unfinished = pool.unfinished
    stopped = stop.reason if stop and unfinished else ""
    if unfinished and not stopped:
        stopped = "the run ended before all rows did"  # cannot happen; said rather than hidden if it does
    needs_work = any(outcome.status.needs_work for outcome in outcomes.values())
    finished = ExitCode.ROWS_NEED_WORK if needs_work else ExitCode.DONE
    code = (stop.exit_code or ExitCode.STOPPED_EARLY) if stopped else finished
    _write_end(journal, stopped, code, outcomes)
    seconds = clock.monotonic() - began
    hint = stop.hint if stopped else ""
    if unlisted and not stopped:
        hint = (
            "What was made could not be listed again to see whether others made the same names meanwhile "
            f"({unlisted}); a plan of the same source tells of them."
        )
    result = ExecutionResult(outcomes, stopped, hint, code, seconds)
    observe(RunFinished(run, result.counts(), seconds, stopped))
    return result


@contextmanager
def _rare_collection() -> Iterator[None]:
    """While rows are worked on almost nothing is garbage in a cycle, and searching for it would cost a tenth."""
    before = gc.get_threshold()
    gc.set_threshold(_RARELY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _write_end(journal: Journal, stopped: str, code: ExitCode, outcomes: Mapping[str, Outcome]) -> None:
    state = "stopped" if stopped else "complete"
    counts = {status: count for status, count in counts_of(outcomes).items() if count}
    try:
        journal.event("end", state=state, reason=stopped, exit_code=int(code), counts=counts)
    except ImporterError:
        if not stopped:
            raise


async def _with_category(plan: Plan, api: Api, journal: Journal, earlier: JournalState | None, grace: float) -> Plan:
    """The plan with the category that it has to make first; made once, whatever was lost or killed in between."""
    name = str(plan.options.get(CREATE_CATEGORY) or "")
    if not name or not any(change.action is Action.CREATE for change in plan.changes):
        return plan
    uuid = earlier.categories.get(name, "") if earlier is not None else ""
    if not uuid:
        try:
            category = held = find_category(name, await api.list_categories())
            if category is None:
                asked = earlier is not None and name in earlier.categories_asked
                journal.event("category-intent", name=name)
                category = await api.create_category(name, grace=grace, perhaps_made=asked)
        except CallFailed as failed:
            if failed.failure.access:
                raise AccessRefused(str(failed)) from failed
            raise
        uuid = category.uuid
        journal.event("category", name=name, uuid=uuid, created=held is None)
    return replace(with_category(plan, uuid), options=plan.options)


def _resumable(code: ExitCode) -> ExitCode:
    """The exit code of a run that an error ended: whatever happened, what was begun can be resumed."""
    return code if code is ExitCode.ACCESS else ExitCode.STOPPED_EARLY
