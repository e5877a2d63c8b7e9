"""`--format text`: a plan, a validation, the end of a run and issues, as lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from importer.model import Action, Change, ColumnUse, Issue, Place, Plan, Reading, Severity, SourceFile, Status
from importer.reports.families import families
from importer.reports.formats import Listing, PlanResult, Validation
from importer.reports.issue_groups import ORDER, by_kind, by_row, by_value
from importer.reports.pairs import others, pair_lines
from importer.reports.run_record import RunRecord, issue_counts, issues_of
from importer.reports.screen import Line
from importer.reports.text import (
    allowed_words,
    cell_text,
    cost_text,
    count,
    difference_text,
    duration,
    exposure_text,
    issue_text,
    quoted,
    shortened,
    unread_text,
    visible,
)

ISSUES_SHOWN = 20
"""Issues of one kind that are shown before the rest is only counted."""

STYLE: Mapping[Severity, str] = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.INFO: "dim"}
NAMES_SHOWN = 20
"""Rows of one action that are listed before the rest is only counted."""

SIGNS: Mapping[Action, tuple[str, str]] = {
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


def reading_lines(readings: Sequence[Reading], *, why: bool) -> Iterator[Line]:
    """Which column feeds which field, and what is not read; with `why` a line for each column, with the reason."""
    for reading in readings[:_READINGS_SHOWN]:
        where = f"{visible(reading.file)}{f' ({visible(reading.sheet)})' if reading.sheet else ''}"
        more = f" and {count(reading.like_it, 'list')} like it" if reading.like_it else ""
        if why:
            yield ()
        yield (("Columns", "head"), f"  of {where}{more}, {count(reading.rows, 'row')}")
        fed = [(_cut(use.column), use) for use in reading.columns if use.field]
        width = max((len(name) for name, _ in fed), default=0)
        for name, use in fed if why else ():
            reason = f": {visible(shortened(use.why, 80))}" if use.why else ""
            yield (f"  {name:<{width}} -> {visible(use.field)}", (f"  {use.filled:,} filled{reason}", "dim"))
        if not why:
            yield (f"  {', '.join(f'{name} -> {visible(use.field)}' for name, use in fed)}",)
        yield from _unread(reading.columns, width if why else 0)
        alone = [use for use in reading.columns if not use.field and not use.unread]
        if alone and why:
            names = ", ".join(_cut(use.column) for use in alone[:12])
            rest = f" and {len(alone) - 12:,} more" if len(alone) > 12 else ""
            yield ((f"  left alone: {names}{rest}", "dim"),)
    if len(readings) > _READINGS_SHOWN:
        yield (f"  ... and {len(readings) - _READINGS_SHOWN:,} more lists: --format json",)


def _beside_readings(issues: Iterable[Issue], readings: Sequence[Reading]) -> list[Issue]:
    """The issues that are shown one by one, without those that `reading_lines` tells of."""
    told = {(one.file, one.sheet) for reading in readings[:_READINGS_SHOWN] for one in reading.lists or (reading,)}
    return [
        issue
        for issue in others(issues)
        if issue.code != "unread-columns" or (issue.place.file, issue.place.sheet) not in told
    ]


def _unread(columns: Sequence[ColumnUse], width: int) -> Iterator[Line]:
    """The columns with content that feed nothing, those of one family as one line.

    Without a `width` only those that look like a field have a line of their own.
    """
    lines: list[tuple[str, int, str]] = []
    for name, uses in families([use for use in columns if use.unread]):
        filled = sum(use.filled for use in uses)
        told = unread_text(uses[0])
        if len(uses) > 1:
            looks = Counter(use.looks_like for use in uses).most_common(1)[0][0]
            told = f"{len(uses):,} columns, {count(filled, 'cell')} filled{f', {looks}' if looks else ''}"
        lines.append((name, filled, told))
    first = [line for line in lines if "--map" in line[2]]
    rest = sorted((line for line in lines if "--map" not in line[2]), key=lambda line: -line[1])
    ranked, shown = [*first, *rest], min(_UNREAD_SHOWN, len(lines) if width else len(first))
    for name, _, told in ranked[:shown]:
        yield ((f"  {_cut(name):<{width}}    not read", "warn"), (f"  {told}", "dim"))
    if left := ranked[shown:]:
        names = ", ".join(f"{_cut(name)} ({filled:,})" for name, filled, _ in left[:_NAMED])
        more = f" and {len(left) - _NAMED:,} more: --format json" if len(left) > _NAMED else ""
        yield (("  not read", "warn"), (f"  {names}{more}", "dim"))


_READINGS_SHOWN = 8
_UNREAD_SHOWN = 8
_NAMED = 12
"""Columns that are named, with their filled cells, where they have no line each."""


def _only_file(sources: Sequence[SourceFile]) -> str:
    return sources[0].file if len(sources) == 1 else ""


def _cut(column: str) -> str:
    text = visible(column)
    return text if len(text) <= 36 else f"{text[:35]}…"


def plan(result: PlanResult) -> Iterator[Line]:
    """The plan: sources, what is to be done, what others will see, what it costs, every issue."""
    plan = result.plan
    if result.origin:
        yield (("Made elsewhere: ", "bad"), visible(result.origin))
    yield from source_lines(plan.sources, plan.mappings)
    yield from reading_lines(plan.readings, why=False)
    where = f"account {visible(plan.account)}, {count(plan.account_tags, 'tag')} now, mode {plan.mode}"
    yield (("Plan", "head"), f"     {where}")
    if made_first := plan.options.get("create_category"):
        yield (f"category {quoted(str(made_first))} is created first",)
    yield ()
    counts = plan.counts()
    for action in Action:
        if counts[action]:
            sign, style = SIGNS[action]
            yield ((f"  {sign} {action.value:<10}", style), f"{counts[action]:>8,}{_reasons(plan, action)}")
    if sum(map(bool, counts.values())) != 1:
        yield (f"    {'rows' if all(change.row for change in plan.changes) else 'in all':<10}{len(plan.changes):>8,}",)
    yield ()
    for action in (Action.CREATE, Action.SKIP, Action.UPDATE, Action.DELETE, Action.CONFLICT):
        yield from _listed(plan, action)  # the worst last: a question may follow
    yield (("Visible to other accounts: ", "warn"), exposure_text(result.exposure))
    if result.cost is not None:
        yield (f"Cost: {cost_text(result.cost)}",)
    if plan.pairs:
        yield ()
        yield from pair_lines(plan.pairs)
    if issues := _beside_readings(issues_of(plan), plan.readings):
        yield ()
        yield from issue_lines(issues, rest=_ALL, file=_only_file(plan.sources), worst_last=True)
    yield ()
    if where := _to_mend(issues, _only_file(plan.sources)):
        yield (("To mend: ", "bad"), where)
    yield from _how(issues)
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


def _listed(plan: Plan, action: Action, shown: int = NAMES_SHOWN) -> Iterator[Line]:
    changes = [change for change in plan.changes if change.action is action]
    if action is Action.SKIP:  # a skipped row is worth a line where its tag differs from what the row says
        changes = [change for change in changes if change.differences]
    if not changes:
        return
    sign, style, file = *SIGNS[action], _only_file(plan.sources)
    if action is Action.SKIP:
        yield (("Skipped, but different from the account", "head"),)
    for change in changes[:shown]:
        yield ((f"  {sign} {visible(shortened(change.name, 100))}", style), (f"  {_origin(change, file)}", "dim"))
        if action in (Action.CONFLICT, Action.DELETE) and change.message:
            yield (f"      {visible(change.message)}",)
        for difference in change.differences:
            yield (f"      {difference_text(difference)}",)
    if len(changes) > shown:
        yield (f"  ... and {len(changes) - shown:,} more",)
    yield ()


def _origin(change: Change, file: str = "") -> str:
    return visible(change.uuid) if change.row is None else _row_text(change.row.place(), file)


def _row_text(place: Place, file: str = "") -> str:
    """`file` need not be named."""
    where = f"{place.sheet}!{place.row}" if place.sheet else f"row {place.row}"
    return visible(where if place.file == file else f"{place.file} {where}")


def validation(validation: Validation, *, shown: int = 50) -> Iterator[Line]:
    """Every issue, grouped by kind, then how many rows are fine."""
    yield from source_lines(validation.sources, validation.mappings)
    yield from reading_lines(validation.readings, why=len(validation.readings) <= _EACH_COLUMN)
    file = _only_file(validation.sources)
    if issues := _beside_readings(validation.issues, validation.readings):
        yield ()
        yield from issue_lines(issues, shown=shown, rest=_ALL, rows=validation.by == "row", file=file)
    if validation.pairs:
        yield ()
        yield from pair_lines(validation.pairs)
    yield ()
    yield from _how(validation.issues)
    counts = issue_counts(list(validation.issues))
    left_out = f", {validation.left_out:,} left out" if validation.left_out else ""
    where = _to_mend(validation.issues, file)
    ready = (f"{count(validation.rows, 'row')}: {validation.valid:,} ready", "good" if validation.valid else "")
    work = f"{validation.invalid:,} need{'s' if validation.invalid == 1 else ''} work{f' ({where})' if where else ''}"
    found = ", ".join(count(number, severity) for severity, number in counts.items() if number and severity != "info")
    yield (ready, ", ", (work, "bad" if validation.errors else ""), f"{left_out}; {found or 'no issue'}")


_ALL = "all of them: --format json"
_EACH_COLUMN = 2
"""Lists of which `validate` gives each column a line."""


def _to_mend(issues: Iterable[Issue], file: str, shown: int = 8) -> str:
    """Where the rows are that need work."""
    wrong = (issue for issue in issues if issue.severity is Severity.ERROR)
    places = list(dict.fromkeys(_row_text(issue.place, file) for issue in wrong if issue.place.row))
    more = f" and {len(places) - shown:,} more" if len(places) > shown else ""
    return f"{', '.join(places[:shown])}{more}"


def _how(issues: Iterable[Issue]) -> Iterator[Line]:
    """What to type next."""
    codes = list(dict.fromkeys(issue.code for issue in issues if issue.severity is Severity.ERROR))
    if codes:
        yield (("How: ", "head"), "; ".join(f"tag-importer explain {visible(code)}" for code in codes[:3]))


def run(record: RunRecord, *, with_issues: bool = True) -> Iterator[Line]:
    """How the run ended: counts that add up, what it took, where the files are, what to do next."""
    notes = len(record.plan.notes)  # of files and sheets: they say what was left out, so all of them are shown
    every = others(issues_of(record.plan)) if with_issues else []
    issues = every[:notes] + [issue for issue in every[notes:] if issue.severity is not Severity.INFO]
    if issues:  # first, so that the counts are the last thing above the prompt
        yield from issue_lines(issues, rest="all of them are in results.csv")
        yield ()
    if with_issues and record.plan.pairs:
        yield from pair_lines(record.plan.pairs)
        yield ()
    counts = record.counts()
    state = stop_text(record) or "finished"
    style = "bad" if record.stopped else "good"
    took = f" after {duration(record.seconds)}" if record.seconds else ""
    yield (("Run ", "head"), f"{visible(record.run)} ", (state, style), took)
    for status in Status:
        if counts[status]:
            yield ((f"  {status.value.replace('_', ' '):<14}", STATUS_STYLE[status]), f"{counts[status]:>8,}")
    rows, changes = record.plan.rows, len(record.plan.changes)
    yield (f"  {'rows' if rows == changes else 'rows and tags':<14}{sum(counts.values()):>8,}",)
    if rows != changes:
        yield (f"  ({count(rows, 'row')} of the input, {count(changes - rows, 'tag')} without a row)",)
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
    from importer.reports.failed import failed_files, retry_command

    for path in failed_files(record.folder):
        yield (f"Rows that need work: {path}",)
    if command := retry_command(record):
        yield (("Mend them, then: ", "head"), visible(command))
    if record.hint:
        yield (visible(record.hint),)
    if (counts[Status.NOT_ATTEMPTED] or counts[Status.UNKNOWN]) and "tag-importer resume" not in record.hint:
        yield (("Continue with: ", "head"), record.resume_command)


def listing(listing: Listing) -> Iterable[Line]:
    """Its lines as they are."""
    return listing.lines


def stop_text(record: RunRecord) -> str:
    """`stopped: the API was down`; empty where the run came to its end."""
    reason = visible(record.stopped)
    return reason if not reason or reason.casefold().startswith("stopped") else f"stopped: {reason}"


def _unsettled(record: RunRecord, shown: int = 10) -> Iterator[Line]:
    """Rows that failed, are unknown, or are in a conflict that no issue explains: the first few, with the reason."""
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


def issue_lines(
    issues: Iterable[Issue],
    *,
    shown: int = ISSUES_SHOWN,
    rest: str = "",
    rows: bool = False,
    file: str = "",
    worst_last: bool = False,
) -> Iterator[Line]:
    """Lines for all kinds, or for all rows; of each kind at most `shown`, `rest` says where the others can be read.

    What is said of many rows is one line: of a value its first cells; where there are many warnings, of each kind one
    example. `file` need not be named: the reader knows it.
    """
    if rows:
        yield from _by_row(issues, shown)
        return
    kinds = [(severity, code, by_value(found)) for severity, code, found in by_kind(issues)]
    if worst_last:
        kinds.sort(key=lambda kind: -ORDER.index(kind[0]))
    many = sum(len(groups) for severity, _, groups in kinds if severity is not Severity.ERROR) > _MANY
    cut = False
    for severity, code, groups in kinds:
        kind, number = (f"{severity.value} {code}", STYLE[severity]), sum(map(len, groups))
        most = shown if severity is Severity.ERROR else min(shown, 1 if many else _SHOWN[severity])
        told, left = groups[:most], sum(map(len, groups[most:]))
        # What is allowed is said once where it is the same for all; a list of countries in each line helps nobody.
        allowed = groups[0][0].allowed if len({issue.allowed for group in groups for issue in group}) == 1 else ()
        lines = list(_groups(told, allowed=not allowed, file=file, many=most > 1 < len(told)))
        if len(told) == 1:
            times = f" ({count(number, 'time')}), as" if left else ""
            yield (kind, f"{times}  {lines[0][0].strip()}")
            cut |= bool(left)
        else:
            yield (kind, f" ({count(number, 'time')})")
            yield from lines
            if left:
                yield (f"    ... and {left:,} more of this kind{'; ' + rest if rest else ''}",)
        if allowed and not (many and severity is not Severity.ERROR):
            yield (("  allowed: ", "dim"), allowed_words(groups[0][0], 40))
    if cut and rest:
        yield ((f"Of some kinds only one is shown; {rest}.", "dim"),)


_MANY = 20
"""Different warnings from which on one example of each kind is enough."""
_SHOWN: Mapping[Severity, int] = {Severity.WARNING: 8, Severity.INFO: 3}
_CELLS_SHOWN = 4


def _groups(groups: Sequence[Sequence[Issue]], *, allowed: bool, file: str, many: bool) -> Iterator[tuple[str]]:
    current = file
    for group in groups:
        issue, where = group[0], ""
        if issue.place.file != current and issue.place.file:
            where = visible(issue.place.file)
            if many:
                current = issue.place.file
                yield (f"  {where}",)
        text = issue_text(issue, allowed=allowed)
        field = f" [{issue.field}]" if issue.field and issue.field != issue.place.column else ""
        cell = cell_text(issue)
        if len(group) > 1:
            others = ", ".join(visible(one.place.cell) for one in group[1:_CELLS_SHOWN])
            more = f" and {len(group) - _CELLS_SHOWN:,} more" if len(group) > _CELLS_SHOWN else ""
            cell = f"{count(len(group), 'row')}: {cell}, {others}{more}"
        place = " ".join(filter(None, ("" if many else where, f"{cell}{field}")))
        yield (f"    {place}: {text}" if place else f"    {text}",)


def _by_row(issues: Iterable[Issue], shown: int) -> Iterator[Line]:
    """The issues of each row under its place; rows with errors first."""
    held = by_row(issues)
    for (file, sheet, number), found in held[:shown]:
        where = " ".join(visible(part) for part in (file, sheet, f"row {number:,}" if number else "") if part)
        yield ((where or "the run", "head"),)
        for issue in found:
            field = f" [{issue.field}]" if issue.field and issue.field != issue.place.column else ""
            told = f" {cell_text(issue)}{field}: {issue_text(issue)}"
            yield ((f"  {issue.severity.value} {issue.code}", STYLE[issue.severity]), told)
    if len(held) > shown:
        yield (f"... and {len(held) - shown:,} more rows; all of them: --format json",)
