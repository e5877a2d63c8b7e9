"""From settings to a plan: sources, account, changes, limits. `plan` and `apply` both come through here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from importer.clock import Clock
from importer.engine.origin import local_key
from importer.errors import StoppedEarly
from importer.model import Action, Draft, Plan, Severity
from importer.pipeline.account import Target, read_account
from importer.pipeline.drafting import Inputs
from importer.pipeline.session import Timings
from importer.planning.build import build_plan
from importer.planning.cost import cost
from importer.planning.exposure import exposure
from importer.planning.plan_file import write_plan
from importer.reports.formats import PlanResult
from importer.settings.settings import Settings


async def make_plan(settings: Settings, inputs: Inputs, target: Target, clock: Clock, timings: Timings) -> Plan:
    """The plan for these inputs against the account as it is now. Writes nothing to it."""
    options = settings.plan_options()
    minded = bool(options.category or options.managed_by) or _mind_categories(inputs.drafts)
    account = await read_account(target, categories=minded)
    timings.done("account")
    created = clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    plan = build_plan(inputs.drafts, account, options, inputs.sources, inputs.mappings, inputs.notes,
                      readings=inputs.readings, created=created)  # fmt: skip
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


def needs_work(plan: Plan) -> bool:
    """Whether applying the plan would leave rows, or a part of a source, that somebody has to look at: exit code 1."""
    bad = (Action.INVALID, Action.CONFLICT)
    return any(change.action in bad for change in plan.changes) or any(
        note.severity is Severity.ERROR for note in plan.notes
    )


def _mind_categories(drafts: Iterable[Draft]) -> bool:
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
