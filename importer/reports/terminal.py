"""The texts of the command line's result: a plan, a validation, the summary of a run, the list of sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from importer.model import Action, Change, Plan, Severity, SourceFile, Status
from importer.reports.foresight import cost_text, exposure_text
from importer.reports.issue_lines import issue_lines
from importer.reports.run_record import RunRecord, issue_counts, issues_of
from importer.reports.screen import Line
from importer.reports.validation import Validation
from importer.reports.visible import quoted, shortened, visible
from importer.reports.wording import count, duration, value_text

if TYPE_CHECKING:
    from importer.planning.cost import Cost
    from importer.planning.exposure import Exposure

NAMES_SHOWN = 20
"""Rows of one action that are listed before the rest is only counted."""
_WARNINGS_SHOWN = 10
"""Warnings of one kind that stand above a run's summary."""

_SIGNS: Mapping[Action, tuple[str, str]] = {
    Action.CREATE: ("+", "good"),
    Action.UPDATE: ("~", "warn"),
    Action.DELETE: ("-", "bad"),
    Action.UNCHANGED: ("=", "dim"),
    Action.SKIP: (".", "dim"),
    Action.CONFLICT: ("!", "bad"),
    Action.INVALID: ("x", "bad"),
}
STATUS_STYLE: Mapping[Status, str] = {
    Status.CREATED: "good",
    Status.UPDATED: "good",
    Status.DELETED: "good",
    Status.UNCHANGED: "dim",
    Status.SKIPPED: "dim",
    Status.CONFLICT: "warn",
    Status.INVALID: "bad",
    Status.FAILED: "bad",
    Status.UNKNOWN: "bad",
    Status.NOT_ATTEMPTED: "warn",
}


def source_lines(sources: Sequence[SourceFile], mappings: Sequence[str], *, shown: int = 10) -> Iterator[Line]:
    """What was read, how it was understood, and which mapping was used."""
    for source in sources[:shown]:
        details = ", ".join(f"{visible(key)} {visible(shortened(value, 60))}" for key, value in source.details.items())
        yield (f"source   {visible(source.file)} ", (f"({source.kind}{', ' + details if details else ''})", "dim"))
    if len(sources) > shown:
        yield (f"         ... and {len(sources) - shown:,} more files",)
    if mappings:
        yield (f"mapping  {', '.join(visible(name) for name in mappings)}",)


def plan_lines(
    plan: Plan,
    *,
    exposure: Sequence[Exposure] | None = None,
    cost: Cost | None = None,
    shown: int = NAMES_SHOWN,
) -> Iterator[Line]:
    """The plan: sources, what is to be done, what others will see, what it costs, every issue.

    `exposure` and `cost` are planning's; what is None is not shown.
    """
    yield from source_lines(plan.sources, plan.mappings)
    where = f"account {visible(plan.account)}, {count(plan.account_tags, 'tag')} now, mode {plan.mode}"
    yield (("Plan", "head"), f"     {where}")
    yield ()
    counts = plan.counts()
    for action in Action:
        if counts[action]:
            sign, style = _SIGNS[action]
            yield ((f"  {sign} {action.value:<10}", style), f"{counts[action]:>8,}{_reasons(plan, action)}")
    yield (f"    {'rows' if all(change.row for change in plan.changes) else 'in all':<10}{len(plan.changes):>8,}",)
    yield ()
    for action in (Action.DELETE, Action.UPDATE, Action.CREATE, Action.SKIP, Action.CONFLICT):
        yield from _listed(plan, action, shown)
    if exposure is not None:
        yield (("Visible to other accounts: ", "warn"), exposure_text(exposure))
    if cost is not None:
        yield (f"Cost: {cost_text(cost)}",)
    issues = issues_of(plan)
    if issues:
        yield ()
        yield from issue_lines(issues, rest="all of them: --format json")
    yield (_plan_sentence(counts),)


def _plan_sentence(counts: Mapping[str, int]) -> str:
    calls = {action: counts[action] for action in (Action.CREATE, Action.UPDATE, Action.DELETE) if counts[action]}
    if not calls:
        return "Nothing to do: no tag would change."
    return "To do: " + ", ".join(f"{action.value} {number:,}" for action, number in calls.items()) + "."


def _reasons(plan: Plan, action: Action) -> str:
    if action not in (Action.SKIP, Action.CONFLICT, Action.INVALID):
        return ""
    codes = Counter(change.code for change in plan.changes if change.action is action and change.code)
    return f"  ({', '.join(f'{visible(code)} {number:,}' for code, number in codes.most_common())})" if codes else ""


def _listed(plan: Plan, action: Action, shown: int) -> Iterator[Line]:
    changes = [change for change in plan.changes if change.action is action]
    if action is Action.SKIP:  # a skipped row is worth a line where its tag differs from what the row says
        changes = [change for change in changes if change.differences]
    if not changes:
        return
    sign, style = _SIGNS[action]
    title = "Skipped, but different from the account" if action is Action.SKIP else action.value.capitalize()
    yield ((f"{title} ({len(changes):,})", "head"),)
    for change in changes[:shown]:
        yield ((f"  {sign} {visible(shortened(change.name, 100))}", style), (f"  {_origin(change)}", "dim"))
        if action in (Action.CONFLICT, Action.DELETE) and change.message:
            yield (f"      {visible(change.message)}",)
        for difference in change.differences:
            yield (f"      {visible(difference.field)}: {value_text(difference.old)} -> {value_text(difference.new)}",)
    if len(changes) > shown:
        yield (f"  ... and {len(changes) - shown:,} more",)
    yield ()


def _origin(change: Change) -> str:
    if change.row is None:
        return visible(change.uuid)
    place = change.row.place()
    where = f"{place.sheet}!{place.row}" if place.sheet else f"row {place.row}"
    return visible(f"{place.file} {where}")


def validation_lines(validation: Validation, *, shown: int = 50) -> Iterator[Line]:
    """Every issue, grouped by kind, then how many rows are fine."""
    yield from source_lines(validation.sources, validation.mappings)
    if validation.issues:
        yield ()
        yield from issue_lines(validation.issues, shown=shown, rest="all of them: --format json")
        yield ()
    counts = issue_counts(list(validation.issues))
    parts = [f"{validation.valid:,} valid", f"{validation.invalid:,} invalid"]
    if validation.left_out:
        parts.append(f"{validation.left_out:,} left out")
    found = ", ".join(count(number, severity) for severity, number in counts.items() if number and severity != "info")
    yield (
        (f"{count(validation.rows, 'row')}: {' + '.join(parts)}", "bad" if validation.errors else "good"),
        f"; {found or 'no issue'}",
    )


def summary_lines(record: RunRecord, *, with_issues: bool = False) -> Iterator[Line]:
    """How the run ended: counts that add up, what it took, where the files are, what to do next."""
    notes = len(record.plan.notes)  # of files and sheets: what was left out stands there, so all of them count
    every = issues_of(record.plan) if with_issues else []
    issues = every[:notes] + [issue for issue in every[notes:] if issue.severity is not Severity.INFO]
    if issues:  # first, so that the counts are what stands above the prompt
        rest = "all of them are in results.csv"
        yield from issue_lines([issue for issue in issues if issue.severity is Severity.ERROR], rest=rest)
        others = [issue for issue in issues if issue.severity is not Severity.ERROR]
        yield from issue_lines(others, shown=_WARNINGS_SHOWN, rest=rest)
        yield ()
    counts = record.counts()
    state = stop_text(record) or "finished"
    style = "bad" if record.stopped else "good"
    took = f" after {duration(record.seconds)}" if record.seconds else ""
    yield (("Run ", "head"), f"{visible(record.run)} ", (state, style), took)
    for status in Status:
        if counts[status]:
            yield ((f"  {status.value.replace('_', ' '):<14}", STATUS_STYLE[status]), f"{counts[status]:>8,}")
    rows, changes = record.rows, len(record.plan.changes)
    yield (f"  {'rows' if rows == changes else 'rows and tags':<14}{sum(counts.values()):>8,}",)
    if rows != changes:
        yield (f"  ({count(rows, 'row')} of the input, {count(changes - rows, 'tag')} that no row stands for)",)
    traffic = record.traffic
    parts = [count(traffic.total, "call")]
    if traffic.retries:
        parts.append(count(traffic.retries, "retry", "retries"))
    if traffic.waits:
        parts.append(f"{count(traffic.waits, 'wait')} of {duration(traffic.waited)} in all for the rate limit")
    if traffic.outages:
        parts.append(f"{count(traffic.outages, 'wait')} of {duration(traffic.outage_seconds)} while the server failed")
    if traffic.too_many:
        parts.append(f"{count(traffic.too_many, 'answer')} 429")
    yield (f"  {', '.join(parts)}",)
    yield from _unsettled(record)
    yield (f"Report: {record.folder}",)
    from importer.reports.failed import failed_files

    for path in failed_files(record.folder):
        yield (f"Rows that need work: {path}",)
    if record.hint:
        yield (visible(record.hint),)
    if (counts[Status.NOT_ATTEMPTED] or counts[Status.UNKNOWN]) and "tag-importer resume" not in record.hint:
        yield (("Go on with: ", "head"), record.resume_command)


def stop_text(record: RunRecord) -> str:
    """`stopped: the API was down`; empty where the run came to its end."""
    reason = visible(record.stopped)
    return reason if not reason or reason.casefold().startswith("stopped") else f"stopped: {reason}"


def _unsettled(record: RunRecord, shown: int = 10) -> Iterator[Line]:
    """Rows that failed, of which nobody knows, or in a conflict that no issue tells: the first few, with why."""
    changes = [
        (change, outcome)
        for change, outcome in record.ended()
        if outcome.status in (Status.FAILED, Status.UNKNOWN)
        or (outcome.status is Status.CONFLICT and not change.issues)
    ]
    for change, outcome in changes[:shown]:
        name = quoted(change.name)
        message = visible(shortened(outcome.message, 300))
        yield ((f"  {outcome.status.value} ", "bad"), f"{name} {_origin(change)}: {message}")
    if len(changes) > shown:
        yield (f"  ... and {len(changes) - shown:,} more; all of them are in results.csv",)
