"""The verbs: draft, plan, apply, resume, undo. Each is a function from what is known to what has become of it.

The command line prints their results and turns them into exit codes; `importer.api` makes frames of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from msgspec import structs

from importer.engine.lock import downloads_dir
from importer.engine.origin import check_origin, local_key
from importer.engine.resume import EarlierRun, check_not_undone, left_to_do, read_again
from importer.engine.run_folder import RunFolder
from importer.engine.runs import note_elsewhere
from importer.engine.undo import MODE, UNDOES, check_settled, mark_undoing, mark_undone, undo_plan, undone_run
from importer.engine.work import NEVER
from importer.errors import ExitCode, StoppedEarly, UsageError
from importer.mapping.load import load_mapping
from importer.model import Action, Draft, Plan, Severity, Tag
from importer.pipeline.account import Target, explained, locked, open_target, read_account
from importer.pipeline.drafting import Inputs, collect, tables, who_is_who
from importer.pipeline.execution import Execution
from importer.pipeline.remembered import JOB, LIST, absolute, drift_of, list_key
from importer.pipeline.saved import Saved, read_saved
from importer.pipeline.session import Session
from importer.planning.build import build_plan
from importer.planning.categories import resolve_category
from importer.planning.cost import cost
from importer.planning.decisions import load_decisions
from importer.planning.doubles import Double, find_doubles, merge_plan
from importer.planning.export import Exported, write_export
from importer.planning.exposure import exposure
from importer.planning.limits import NO_LIMIT, check_limits
from importer.planning.part import choose_part
from importer.planning.plan_file import write_plan
from importer.planning.verify import check_marks, check_plan
from importer.reports.formats import PlanResult
from importer.reports.run_record import RunRecord
from importer.reports.summary import Previous, previous_run
from importer.reports.template import Template, write_template
from importer.sandbox.settings import DEFAULT_ACCOUNT
from importer.settings.settings import Settings

_COUNTED: Final = 50
"""Names of which it is counted how often their tags are used: each tag takes a call."""


def draft(session: Session) -> Inputs:
    """Read the sources of the settings, and draft a tag for each row.

    Raises SourceError for what cannot be read, MappingError and UsageError for what is asked of it wrongly.
    """
    session.observer.phase("reading the sources")
    inputs = collect(tables(session.settings, cache_dir=downloads_dir(), clock=session.clock))
    session.timings.done("read")
    return inputs


async def plan(session: Session, what: Inputs | Path) -> PlanResult:
    """The plan for these drafts, or the saved one, against the account as it is now. Writes nothing to it.

    Whether it keeps to the safety limits is for `check`.
    """
    async with open_target(session) as target:
        made = await _planned(session, what, target, asked=True)
        return structs.replace(plan_result(made.plan, target, session.settings, made.origin), tags=made.tags)


def check(session: Session, plan: Plan, tags: Sequence[Tag] | None = None) -> None:
    """Raise SafetyLimit where the plan goes beyond the limits of the settings.

    `tags` are what the account holds now, for a plan that was not made a moment ago.
    """
    settings = session.settings
    before = _previous(settings, plan)
    drift = drift_of(plan, settings, before).changes
    if before is None:
        check_limits(plan, settings.limits, drift=drift, tags=tags)
    else:
        check_limits(
            plan, settings.limits, previous_rows=before.rows, previous_files=before.files, drift=drift, tags=tags
        )


def _previous(settings: Settings, plan: Plan) -> Previous | None:
    """The last finished run of the same job, or of the same sources."""
    job = settings.job.name if settings.job else ""
    return previous_run(settings.runs_dir, [source.file for source in plan.sources], job)


def write(session: Session, made: PlanResult) -> PlanResult:
    """Keep the plan in a run folder of its own, for `apply` to take up."""
    path = RunFolder.make(session.folder.path).plan_path
    save_plan(path, made.plan)
    return structs.replace(made, out=str(path))


async def apply(session: Session, what: Inputs | Path | Plan) -> RunRecord:
    """Plan, ask, and carry the plan out: drafts, a saved plan, or one that was made a moment ago."""
    async with open_target(session) as target, locked(session, target):
        seen_at = session.clock.monotonic() if not isinstance(what, Plan) else NEVER
        saved = Saved(what) if isinstance(what, Plan) else await _planned(session, what, target)
        made = saved.plan
        if any(change.action is Action.DELETE for change in made.changes) and isinstance(what, Path):
            session.observer.may_delete(f"the plan {what}")
        if made.account != target.account_id:
            raise UsageError(f"the plan is for account {made.account}, not for {target.account_id}")
        check(session, made, saved.tags)
        sends = any(change.action.calls for change in made.changes)
        if sends and session.observer.confirm("Apply", made, target, saved.origin):
            seen_at = NEVER  # others worked while the person read
        folder = _begin(session)
        digest = save_plan(folder.plan_path, made)
        return await _carry_out(session, target, Execution(made, digest, folder, session, seen_at=seen_at))


async def resume(session: Session, earlier: EarlierRun) -> RunRecord:
    """Take a run up where its journal ends."""
    async with _opened(session, earlier) as target:
        earlier = read_again(earlier)
        check_not_undone(earlier)
        left = left_to_do(earlier)
        check_plan(earlier.plan, made_here=earlier.made_here)
        origin = _origin(session, earlier)
        if not earlier.made_here:
            tags = (await read_account(target, categories=False)).tags
            check_marks(left, tags)
            _check_foreign(session, left, tags)
        if any(change.action.calls for change in left.changes):
            session.observer.confirm(f"Resume run {earlier.folder.run}", left, target, origin)
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
    async with _opened(session, earlier) as target:
        made, origin = await _undo_plan(session, earlier, target, asked=True)
        return plan_result(made, target, session.settings, origin)


async def undo(session: Session, earlier: EarlierRun) -> RunRecord:
    """Delete what a run created and restore what it updated, where the tag is still as the run left it."""
    async with _opened(session, earlier) as target:
        made, origin = await _undo_plan(session, earlier, target)
        session.observer.confirm(f"Undo run {earlier.folder.run}", made, target, origin)
        folder = _begin(session)
        digest = save_plan(folder.plan_path, made)
        mark_undoing(earlier.folder, folder, session.clock)
        record = await _carry_out(session, target, Execution(made, digest, folder, session, "undo"))
        if not record.stopped:
            mark_undone(earlier.folder, folder.run, session.clock)
        return record


async def export(session: Session, path: Path, *, force: bool = False) -> Exported:
    """Write the account's tags, of one category where the settings name one, so that they can be imported again."""
    session.observer.phase("reading the account's tags")
    async with open_target(session) as target:
        account = await read_account(target, categories=True)
    tags, categories = account.tags, account.categories or ()
    if session.settings.category:
        category = resolve_category(session.settings.category, categories)
        uuid = category.uuid.lower() if category is not None else ""
        tags = [tag for tag in tags if str(tag.fields.get("categoryUuid") or "").lower() == uuid]
    return write_export(path, tags, categories, force=force)


async def template(session: Session, path: Path) -> Template:
    """Write an empty workbook for the mapping of the settings; with the account's categories where one is given."""
    settings = session.settings
    mapping = load_mapping(settings.mapping or "spreadsheet")
    categories, category = None, None
    if settings.sandbox or settings.account:
        async with open_target(session) as target:
            with explained("reading the account's categories", target.api):
                categories = await target.api.list_categories()
        category = resolve_category(settings.category, categories) if settings.category else None
    elif settings.category:
        raise UsageError("--category is of an account, and none is given", hint="Set the account, or add --sandbox.")
    return write_template(path, mapping, settings.mapping, categories, category)


async def duplicates(session: Session) -> tuple[list[Double], PlanResult]:
    """The tags of the account that are one actor's, and the plan that makes one tag of each. Writes nothing to it."""
    settings = session.settings
    decisions = load_decisions(settings.decisions) if settings.decisions else None
    session.observer.phase("reading the account's tags")
    async with open_target(session) as target:
        account = await read_account(target, categories=False)
        found = find_doubles(account.tags, decisions, account.ids)
        with explained("counting the indicators of tags", target.api):
            found = [structs.replace(double, uses=await _uses(target, double)) for double in found[:_COUNTED]] + found[
                _COUNTED:
            ]
        created = session.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        made = merge_plan(account, found, decisions, created=created)
        return found, structs.replace(plan_result(made, target, settings), tags=account.tags)


async def _uses(target: Target, double: Double) -> tuple[int, ...]:
    """How many indicators refer to each of the tags; none where the server does not say."""
    uses: list[int] = []
    for tag in double.tags:
        uses.append(await target.api.count_indicators(tag.uuid))
        if uses[-1] < 0:
            return ()
    return tuple(uses)


async def _planned(session: Session, what: Inputs | Path, target: Target, *, asked: bool = False) -> Saved:
    session.observer.phase("reading the account's tags")
    if isinstance(what, Inputs):
        return Saved(await _make_plan(session, what, target))
    asked = asked or session.observer.asks()
    return await read_saved(what, target, session.settings, session.timings, asked=asked)


async def _undo_plan(session: Session, earlier: EarlierRun, target: Target, *, asked: bool = False) -> tuple[Plan, str]:
    """The undo's plan, and what is to be said of a run that was made elsewhere."""
    earlier = read_again(earlier)
    check_settled(earlier)
    session.observer.phase("reading the account's tags")
    account = await read_account(target, categories=False)
    session.timings.done("account")
    made = undo_plan(earlier, account.tags, created=session.clock.now().isoformat(timespec="seconds"))
    session.timings.done("plan")
    origin = _origin(session, earlier, asked=asked)
    if not earlier.made_here:
        _check_foreign(session, made, account.tags)
    return made, origin


def _origin(session: Session, earlier: EarlierRun, *, asked: bool = False) -> str:
    asked = asked or session.observer.asks()
    what, trusted = f"run {earlier.folder.run}", session.settings.trust_plan
    return check_origin(what, earlier.sha256, made_here=earlier.made_here, trusted=trusted, asked=asked)


def _check_foreign(session: Session, plan: Plan, tags: Sequence[Tag]) -> None:
    """The limits, for the rest of a run or an undo that came from elsewhere: its sources are not at hand."""
    limits = structs.replace(session.settings.limits, allow_empty=True, shrink=NO_LIMIT)
    check_limits(plan, limits, tags=tags)


def _begin(session: Session) -> RunFolder:
    folder = RunFolder.make(session.folder.path)
    session.begun = True
    if session.settings.out is not None:
        note_elsewhere(folder.path)
    return folder


async def _carry_out(session: Session, target: Target, execution: Execution) -> RunRecord:
    record = await execution.run(target)
    session.record = record
    return record


@asynccontextmanager
async def _opened(session: Session, earlier: EarlierRun) -> AsyncIterator[Target]:
    """The account that a run is of, under its locks. UsageError where another one is given."""
    of, given = earlier.plan.account, session.settings
    if of == DEFAULT_ACCOUNT != given.account and not given.sandbox:
        raise UsageError(f"run {earlier.folder.run} was made in the sandbox", then="{again} --sandbox")
    async with open_target(session) as target:
        if of != target.account_id:
            raise UsageError(f"the run is of account {of}, not of {target.account_id}")
        async with locked(session, target):
            yield target


def _note_undone(session: Session, undone: EarlierRun) -> None:
    """The undo has come to its end: the run that it takes back must never be taken up again."""
    run = undone_run(undone)
    if run is None:
        name = undone.plan.options.get(UNDOES)
        said = f"run {name} was undone, and its folder is not there to note it in; do not resume it elsewhere"
        session.observer.tell(said, level="warning", event="undone-not-noted")
    elif run.state is not None and not run.state.undone:
        mark_undone(run.folder, undone.folder.run, session.clock)


async def _make_plan(session: Session, inputs: Inputs, target: Target) -> Plan:
    """The plan for these inputs against the account as it is now. Writes nothing to it."""
    timings = session.timings
    options = who_is_who(session.settings.plan_options(), session.settings, inputs)
    needed = bool(options.category or options.managed_by) or _need_categories(inputs.drafts)
    account = await read_account(target, categories=needed)
    timings.done("account")
    created = session.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    plan = build_plan(inputs.drafts, account, options, inputs.sources, inputs.mappings, inputs.notes,
                      readings=inputs.readings, created=created)  # fmt: skip
    if key := list_key(session.settings, inputs.sources):
        plan = structs.replace(plan, options={**plan.options, LIST: key})
        drift = drift_of(plan, session.settings, _previous(session.settings, plan))
        plan = structs.replace(plan, notes=(*plan.notes, *drift.notes))
    if session.settings.job is not None:
        plan = structs.replace(plan, options={**plan.options, JOB: absolute(session.settings.file)})
    plan = choose_part(plan, session.settings.part, inputs.drafts)
    timings.done("plan")
    return plan


def save_plan(path: Path, plan: Plan) -> str:
    """Write the plan and return its digest. StoppedEarly when the disk does not take it: nothing was sent yet."""
    try:
        return write_plan(path, plan, local_key(make=True))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoppedEarly(
            f"{path} cannot be written: {reason}", hint="Nothing was attempted; run it again."
        ) from error


def plan_code(plan: Plan, settings: Settings) -> ExitCode:
    """1 where applying the plan would leave rows, or a part of a source, that somebody has to look at; 10 for changes
    where that is asked for."""
    counts = plan.counts()
    errors = any(note.severity is Severity.ERROR for note in plan.notes)
    if counts[Action.INVALID] or counts[Action.CONFLICT] or errors:
        return ExitCode.ROWS_NEED_WORK
    pending = settings.detailed_exitcode and any(change.action.calls for change in plan.changes)
    return ExitCode.CHANGES_PENDING if pending else ExitCode.DONE


def _need_categories(drafts: Iterable[Draft]) -> bool:
    """Whether a row names a category or has, or clears, properties, which its category's schema governs."""
    return any(
        "categoryUuid" in draft.fields
        or "properties" in draft.fields
        or any(name.partition(".")[0] in ("categoryUuid", "properties") for name in draft.clear)
        for draft in drafts
    )


def plan_result(plan: Plan, target: Target, settings: Settings, origin: str = "") -> PlanResult:
    """The plan with what it shows to others and what it costs, for showing; `origin` is what to say of its origin."""
    return PlanResult(
        plan,
        exposure(plan),
        cost(plan, target.budget(settings), concurrency=settings.pacing.concurrency),
        origin=origin,
    )
