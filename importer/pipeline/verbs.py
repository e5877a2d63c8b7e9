"""The verbs: draft, plan, apply, resume, undo. Each is a function from what is known to what has become of it.

The command line prints their results and turns them into exit codes; `importer.api` makes frames of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from importer.engine.lock import downloads_dir
from importer.engine.resume import EarlierRun, check_not_undone, left_to_do, open_resumable, open_run, read_again
from importer.engine.run_folder import RunFolder
from importer.engine.undo import MODE, UNDOES, check_settled, mark_undoing, mark_undone, undo_plan, undone_run
from importer.engine.work import NEVER
from importer.errors import UsageError
from importer.model import Action, Plan
from importer.pipeline.account import Target, open_target, read_account
from importer.pipeline.drafting import Inputs, collect
from importer.pipeline.execution import Execution
from importer.pipeline.locking import locked
from importer.pipeline.planning import make_plan, plan_result, save_plan
from importer.pipeline.saved import read_saved
from importer.pipeline.session import Session
from importer.planning.limits import check_limits
from importer.reports.formats import PlanResult
from importer.reports.run_record import RunRecord
from importer.reports.summary import previous_run


def draft(session: Session) -> Inputs:
    """Read the sources of the settings, and draft a tag for each row.

    Raises SourceError for what cannot be read, MappingError and UsageError for what is asked of it wrongly.
    """
    session.observer.phase("reading the sources")
    inputs = collect(session.settings, cache_dir=downloads_dir())
    session.timings.done("read")
    return inputs


async def plan(session: Session, what: Inputs | Path) -> PlanResult:
    """The plan for these drafts, or the saved one, against the account as it is now. Writes nothing to it.

    Whether it keeps to the safety limits is for `check`.
    """
    async with _account(session) as target:
        made = await _planned(session, what, target)
        return plan_result(made, target, session.settings)


def check(session: Session, plan: Plan, *, saved: bool = False) -> None:
    """Raise SafetyLimit where the plan goes beyond the limits of the settings.

    A saved plan was looked at by a person: only what is said beside it still holds.
    """
    settings = session.settings
    if saved:
        check_limits(plan, settings.limits_told)
        return
    job = settings.job.name if settings.job else ""
    before = previous_run(settings.runs_dir, [source.file for source in plan.sources], job)
    if before is None:
        check_limits(plan, settings.limits)
    else:
        check_limits(plan, settings.limits, previous_rows=before.rows, previous_files=before.files)


def write(session: Session, made: PlanResult) -> PlanResult:
    """Keep the plan in a run folder of its own, for `apply` to take up."""
    from msgspec.structs import replace

    path = RunFolder.make(session.folder.path).plan_path
    save_plan(path, made.plan)
    return replace(made, out=str(path))


async def apply(session: Session, what: Inputs | Path | Plan) -> RunRecord:
    """Plan, ask, and carry the plan out: drafts, a saved plan, or one that was made a moment ago."""
    async with _account(session) as target, _locked(session, target):
        seen_at = session.clock.monotonic() if not isinstance(what, Plan) else NEVER
        made = what if isinstance(what, Plan) else await _planned(session, what, target)
        if made.account != target.account_id:
            raise UsageError(f"the plan is for account {made.account}, not for {target.account_id}")
        check(session, made, saved=isinstance(what, Path))
        sends = any(change.action.calls for change in made.changes)
        if sends and session.observer.confirm("Apply", made, target):
            seen_at = NEVER  # others worked while the person read
        folder = _begin(session)
        digest = save_plan(folder.plan_path, made)
        return await _carry_out(session, target, Execution(made, digest, folder, session, seen_at=seen_at))


async def resume(session: Session, path: Path) -> RunRecord:
    """Take a run up where its journal ends."""
    earlier = open_resumable(path)
    async with _account(session) as target:
        _check_account(earlier, target)
        async with _locked(session, target):
            earlier = read_again(earlier)
            check_not_undone(earlier)
            left = left_to_do(earlier)
            if any(change.action.calls for change in left.changes):
                session.observer.confirm(f"Resume run {earlier.folder.run}", left, target)
            undoes = earlier.plan.mode == MODE
            execution = Execution(
                earlier.plan, earlier.sha256, earlier.folder, session, "undo" if undoes else "apply", earlier.state
            )
            record = await _carry_out(session, target, execution)
            if undoes and not record.stopped:
                _note_undone(session, earlier)
            return record


async def plan_undo(session: Session, earlier: EarlierRun) -> PlanResult:
    """What an undo of the run would do to the account as it is now."""
    async with _account(session) as target:
        _check_account(earlier, target)
        async with _locked(session, target):
            return plan_result(await _undo_plan(session, earlier, target), target, session.settings)


async def undo(session: Session, earlier: EarlierRun) -> RunRecord:
    """Delete what a run created and restore what it updated, where the tag is still as the run left it."""
    async with _account(session) as target:
        _check_account(earlier, target)
        async with _locked(session, target):
            made = await _undo_plan(session, earlier, target)
            session.observer.confirm(f"Undo run {earlier.folder.run}", made, target)
            folder = _begin(session)
            digest = save_plan(folder.plan_path, made)
            mark_undoing(earlier.folder, folder, session.clock)
            record = await _carry_out(session, target, Execution(made, digest, folder, session, "undo"))
            if not record.stopped:
                mark_undone(earlier.folder, folder.run, session.clock)
            return record


@asynccontextmanager
async def _account(session: Session) -> AsyncIterator[Target]:
    async with open_target(session.settings, session.clock, session.observe) as target:
        yield target


@asynccontextmanager
async def _locked(session: Session, target: Target) -> AsyncIterator[None]:
    async with locked(session.settings, target, session.observer.tell, run=session.folder.run, clock=session.clock):
        yield


async def _planned(session: Session, what: Inputs | Path, target: Target) -> Plan:
    session.observer.phase("reading the account's tags")
    if isinstance(what, Inputs):
        return await make_plan(session.settings, what, target, session.clock, session.timings)
    made = await read_saved(what, target, session.timings)
    if any(change.action is Action.DELETE for change in made.changes):
        session.observer.may_delete(f"the plan {what}")
    return made


async def _undo_plan(session: Session, earlier: EarlierRun, target: Target) -> Plan:
    earlier = read_again(earlier)
    check_settled(earlier)
    session.observer.phase("reading the account's tags")
    account = await read_account(target, categories=False)
    session.timings.done("account")
    made = undo_plan(earlier, account.tags, created=session.clock.now().isoformat(timespec="seconds"))
    session.timings.done("plan")
    return made


def _begin(session: Session) -> RunFolder:
    folder = RunFolder.make(session.folder.path)
    session.observer.began(folder)
    return folder


async def _carry_out(session: Session, target: Target, execution: Execution) -> RunRecord:
    record = await execution.run(target)
    session.observer.ended(record)
    return record


def _check_account(earlier: EarlierRun, target: Target) -> None:
    if earlier.plan.account != target.account_id:
        raise UsageError(f"the run is of account {earlier.plan.account}, not of {target.account_id}")


def _note_undone(session: Session, undone: EarlierRun) -> None:
    """The undo has come to its end: the run that it takes back must never be taken up again."""
    run = undone_run(undone)
    if run is None:
        name = undone.plan.options.get(UNDOES)
        said = f"run {name} was undone, and its folder is not there to note it in; do not resume it elsewhere"
        session.observer.tell(said, level="warning", event="undone-not-noted")
    elif run.state is not None and not run.state.undone:
        mark_undone(run.folder, undone.folder.run, session.clock)


__all__ = ["apply", "check", "draft", "open_run", "plan", "plan_undo", "resume", "undo", "write"]
