"""The page of a run, a plan or a check: one file that needs nothing else, safe to open whatever the rows hold.

What is written for people is escaped by the template engine, the rows are JSON that the script reads as data, and the
page's Content-Security-Policy admits its own style and script by hash and nothing from anywhere. Errors are never cut;
of what only informs the page shows the first ones and says how many more there are.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import msgspec
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from importer.atomic import atomic_text
from importer.engine.journal_state import moments
from importer.errors import UsageError
from importer.fields.countries import resolve
from importer.fields.country_names import shown_country
from importer.fields.table import Visibility
from importer.fields.vocabulary import load_vocabulary
from importer.masking import Mask, MaskedStream
from importer.model import ACCOUNT, Action, Change, Issue, Outcome, Pair, Plan, Reading, Severity, Side, Status
from importer.planning.collisions import speaks_for
from importer.planning.decisions import (
    AskedValue,
    Decision,
    DecisionsFile,
    PairDecision,
    ValueDecision,
    undecided_values,
)
from importer.planning.exposure import Exposure, exposure
from importer.planning.review import Review, words_of
from importer.reports.failed import failed_files, retry_command
from importer.reports.issue_groups import by_kind, by_value
from importer.reports.pairs import others
from importer.reports.run_record import RunRecord, issues_of
from importer.reports.terminal import stop_text
from importer.reports.text import (
    allowed_words,
    cost_text,
    count,
    difference_text,
    duration,
    row_code,
    row_messages,
    shortened,
    sides,
    visible,
)

if TYPE_CHECKING:
    from importer.reports.formats import PlanResult

Ended = Sequence[tuple[Change, Outcome]]


class Todo(NamedTuple):
    """Something for a person to do, in this order: a text, a link, in brackets what it is about, and the command."""

    text: str
    link: str = ""
    name: str = ""
    about: str = ""
    then: str = ""
    code: str = ""


ROWS: Final = 200_000
"""Rows that one page holds; of more, those that need work come first."""
_FIRST_ROWS: Final = 25
_GROUPS: Final = 50
"""Groups of warnings of one kind; errors are not cut."""
_FIRST_GROUPS: Final = 6
_CHANGES: Final = 200
_CELLS: Final = 6
_FACTS: Final = 20
_CELL: Final = 240
_BINS: Final = 120
_BARS: Final = 7
_WORDS: Final[Mapping[str, Mapping[Status, str]]] = {
    "run": {},
    "plan": {Status.CREATED: "to create", Status.UPDATED: "to update", Status.DELETED: "to delete"},
    "check": {Status.CREATED: "ready"},
}
"""What a row that ended so is called where nothing has been sent yet."""
_OURS: Final = ("results", "summary", "plan", "journal")
_UNDECIDED: Final = (Status.UNKNOWN, Status.NOT_ATTEMPTED)


def write_run_page(path: Path, record: RunRecord) -> None:
    """Write report.html of a run at `path`, atomically, mode 0600."""
    with record.file(path) as stream:
        stream.write(run_page(record))


def write_page(path: Path, text: str, mask: Mask) -> None:
    """Write any other page, atomically, mode 0600, without secrets. Raises UsageError where it cannot be written."""
    try:
        with atomic_text(path) as stream:
            MaskedStream(stream, mask).write(text)
    except OSError as error:
        raise UsageError(f"the page {path} cannot be written: {error.strerror or error}") from error


def run_page(record: RunRecord) -> str:
    """The page of a run that has ended, or stopped."""
    plan, ended = record.plan, list(record.ended())
    stopped = stop_text(record) if record.stopped else ""
    todo = [Todo(visible(record.hint))] if record.hint else []
    if any(outcome.status in _UNDECIDED for _, outcome in ended) and "tag-importer resume" not in record.hint:
        todo.append(Todo("Continue with", code=visible(record.resume_command)))
    failed = [path.name for path in failed_files(record.folder)]
    files = [(name, "the rows that need work, ready to be mended and imported again") for name in failed]
    files += [
        ("results.csv", "every row and how it ended"),
        ("summary.json", "the run in numbers"),
        ("plan.json", "what was to be done"),
        ("journal.jsonl", "what was done, and when"),
    ]
    about = [
        ("Run", visible(record.run)),
        ("Command", record.command),
        ("Account", visible(plan.account) + (" (sandbox)" if record.sandbox else "")),
        ("Time", f"{_minute(record.started)} to {_minute(record.finished)} UTC"
                 + (f", {duration(record.seconds)}" if record.seconds else "")),
        ("Exit code", str(int(record.exit_code))),
    ]  # fmt: skip
    return _page(
        plan, ended, "run", _run_sentence(record, ended), todo=todo, files=files, about=about,
        said=f"{stopped[:1].upper()}{stopped[1:]}.".replace("..", ".") if stopped else "",
        review=shlex.quote(str(record.folder)), retry=retry_command(record), seen=record.exposed(),
        time=_time_line(record), traffic=list(_traffic(record)),
    )  # fmt: skip


def plan_page(result: PlanResult) -> str:
    """The page of a plan: what `apply` would do."""
    plan = result.plan
    about = [("Account", visible(plan.account)), ("Plan", visible(result.out) or "not kept: --out DIR keeps it")]
    cost = [f"Carrying it out takes {cost_text(result.cost)}."] if result.cost is not None else []
    ended = _foreseen(plan)
    counts = Counter(outcome.status for _, outcome in ended)
    todo = [Todo("Look at what would be deleted: the", "#rows", count(counts[Status.DELETED], "tag"))] * bool(
        counts[Status.DELETED]
    )
    if any(change.action.calls for change in plan.changes):
        path = shlex.quote(str(Path(result.out, "plan.json"))) if result.out else "SOURCE"
        todo.append(Todo("Carry it out with", code=visible(f"tag-importer apply {path}")))
    return _page(plan, ended, "plan", _plan_sentence(plan, ended), todo=todo, about=about, seen=result.exposure,
                 said=f"Made elsewhere: {visible(result.origin)}" if result.origin else "",
                 review=shlex.quote(result.out), traffic=cost)  # fmt: skip


def check_page(plan: Plan, annotated: str = "") -> str:
    """The page of `validate`, of the plan against an account that holds nothing.

    `annotated` is where the annotated list is, seen from the page.
    """
    ended = _foreseen(plan)
    files = [(annotated, "your list, with each issue at its cell")] if annotated else []
    ready = any(change.action.calls for change in plan.changes)
    todo = [Todo("See what would become of the account with", code="tag-importer plan SOURCE")] if ready else []
    return _page(plan, ended, "check", _check_sentence(plan, ended), todo=todo, files=files, seen=exposure(plan))


def review_page(plan: Plan, review: Review, path: str) -> tuple[str, str]:
    """The page on which pairs and values are decided, and its policy; answers go to `path`."""
    pairs = sum(isinstance(asked, Pair) for asked in review.asked)
    values = len(review.asked) - pairs
    what = _counted((pairs, "pair"), (values, "value"))
    question = f"{what} {'waits' if pairs + values == 1 else 'wait'} for your decision."
    text = _page(plan, _foreseen(plan), "plan" if plan.account else "check",
                 question if what else "Nothing is left to decide.",
                 seen=exposure(plan), asked=_asked(plan, review, path))  # fmt: skip
    return text, _policy(review=True)


def _foreseen(plan: Plan) -> list[tuple[Change, Outcome]]:
    return [
        (change, Outcome(change.key, change.action.status, change.uuid, 0, change.code, change.message))
        for change in plan.changes
    ]


def _page(
    plan: Plan,
    ended: Ended,
    kind: str,
    sentence: str,
    *,
    said: str = "",
    todo: Sequence[Todo] = (),
    review: str = "",
    retry: str = "",
    files: Sequence[tuple[str, str]] = (),
    about: Sequence[tuple[str, str]] = (),
    seen: Sequence[Exposure] = (),
    time: dict[str, Any] | None = None,
    traffic: Sequence[str] = (),
    asked: Mapping[str, Any] | None = None,
) -> str:
    css, js, review_js = map(_part, ("page.css", "page.js", "review.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_part("page.html.j2"))
    words = {status: _WORDS[kind].get(status, status.value.replace("_", " ")) for status in Status}
    different = [change for change, _ in ended if change.differences]
    counts = Counter(outcome.status for _, outcome in ended)
    issues = others(issues_of(plan))
    kinds = [_kind(*found) for found in by_kind(issues)]
    data = _data(plan, ended, words)
    pairs = [pair for pair in plan.pairs if pair.open] if asked is None else []
    to_decide = _counted((len(pairs), "pair"), (len(undecided_values(issues, DecisionsFile())), "value"))
    mending = list(_todo(ended, kinds, files, to_decide, review or "SOURCE", retry))
    return template.render(
        csp=_policy(review=asked is not None),
        # Ours, not a stranger's: the files beside the template, and JSON that holds no markup.
        css=Markup(css),  # noqa: S704
        js=Markup(js),  # noqa: S704
        review_js=Markup(review_js),  # noqa: S704
        data=Markup(_embedded(data)),  # noqa: S704
        asked=Markup(_embedded(asked)) if asked is not None else "",  # noqa: S704
        kind=kind,
        title={"run": "Tag import", "plan": "Plan of a tag import", "check": "Check of a list of actors"}[kind],
        sentence=sentence,
        mode=plan.mode,
        said=said,
        segments=_segments(counts, words),
        total=_total(plan, ended),
        charts=_charts(data["rows"], data),
        seen=_seen(seen),
        time=time,
        traffic=traffic,
        todo=[*todo, *mending] if kind == "run" else [*mending, *todo],
        unsettled=_unsettled(ended, words),
        **{f"{name}s": [kind for kind in kinds if kind["severity"] == name] for name in ("error", "warning", "info")},
        pairs=[_pair(pair) for pair in pairs[:_CHANGES]],
        pairs_total=len(pairs),
        changes=list(map(_changed, different[:_CHANGES])),
        changes_total=len(different),
        changed_fields=Counter(item.field for change in different for item in change.differences).most_common(),
        readings=[_reading(reading) for reading in plan.readings[:20]],
        readings_more=max(0, len(plan.readings) - 20),
        rows=data["rows"][:_FIRST_ROWS],
        **{name: data[name] for name in ("places", "states", "countries", "motives")},
        all_rows=len(ended),
        cut=f"{len(data['rows']):,} of {len(ended):,} rows are on this page, those that need work first; "
        "results.csv has all of them." if len(data["rows"]) < len(ended) else "",
        files=[(_link(name), visible(name), what) for name, what in files],
        about=[*about, *_about(plan)],
    )  # fmt: skip


def _link(path: str) -> str:
    """A link to a file, seen from the page: never one with a scheme."""
    return quote(f"./{PurePath(path).as_posix()}", safe="/")


def _part(name: str) -> str:
    return Path(__file__).with_name("page").joinpath(name).read_text("utf-8")


def _policy(*, review: bool) -> str:
    """The Content-Security-Policy: its own style and scripts and nothing else; a review may answer its server."""
    css, js, review_js = (
        f"'sha256-{base64.b64encode(hashlib.sha256(_part(name).encode()).digest()).decode()}'"
        for name in ("page.css", "page.js", "review.js")
    )
    scripts = f"{js} {review_js}; connect-src 'self'" if review else js
    return f"default-src 'none'; style-src {css}; script-src {scripts}; base-uri 'none'; form-action 'none'"


def _embedded(value: Any) -> str:
    """JSON that ends no script element and no line of JavaScript, whatever is in it."""
    text = msgspec.json.encode(value).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


# The first screen: a sentence, the bar of outcomes, three charts, what others see, the time line.


def _run_sentence(record: RunRecord, ended: Ended) -> str:
    counts = Counter(outcome.status for _, outcome in ended)
    rows = [outcome for change, outcome in ended if change.row is not None]
    there = sum(
        outcome.status in (Status.CREATED, Status.UPDATED, Status.UNCHANGED)
        or (outcome.status is Status.SKIPPED and bool(outcome.uuid))
        for outcome in rows
    )
    said = []
    if rows:
        of = f"All {len(rows):,}" if there == len(rows) else f"{there:,} of {len(rows):,}"
        said.append(
            f"{of} {'actor is a tag' if len(rows) == 1 else 'actors is a tag' if there == 1 else 'actors are tags'} now"
        )
    if counts[Status.DELETED]:
        said.append(f"{count(counts[Status.DELETED], 'tag was', 'tags were')} deleted")
    if not rows and counts[Status.UPDATED]:
        said.append(f"{count(counts[Status.UPDATED], 'tag was', 'tags were')} restored")
    if waiting := sum(counts[status] for status in _UNDECIDED):
        said.append(f"{waiting:,} {'waits' if waiting == 1 else 'wait'} to be resumed")
    said.append(_yours(record.plan, counts))
    text = "; ".join(said)
    return f"Stopped early: {text[:1].lower()}{text[1:]}." if record.stopped else f"{text[:1].upper()}{text[1:]}."


def _plan_sentence(plan: Plan, ended: Ended) -> str:
    counts = Counter(outcome.status for _, outcome in ended)
    words = ((Status.CREATED, "create"), (Status.UPDATED, "update"), (Status.DELETED, "delete"))
    parts = [f"{word} {count(counts[status], 'tag')}" for status, word in words if counts[status]]
    what = f"Apply would {_listed(parts)}" if parts else "Nothing to do: no tag would change"
    yours = _yours(plan, counts, f" of {len(ended):,}")
    return (
        f"{what}; {yours}{'' if yours.startswith('no') else ' first'}." if ended else "Nothing to do: there is no row."
    )


def _check_sentence(plan: Plan, ended: Ended) -> str:
    counts = Counter(outcome.status for _, outcome in ended)
    ready, rows = counts[Status.CREATED], len(ended)
    of = f"All {rows:,}" if ready == rows else f"{ready:,} of {rows:,}"
    are = "row is" if rows == 1 else "rows is" if ready == 1 else "rows are"
    return f"{of} {are} ready to be sent; {_yours(plan, counts)}."


def _needs_mending(status: Status) -> bool:
    return status.needs_work and status not in _UNDECIDED


def _yours(plan: Plan, counts: Mapping[Status, int], of: str = "") -> str:
    rows = sum(number for status, number in counts.items() if _needs_mending(status))
    pairs = sum(pair.open for pair in plan.pairs)
    told = [f"{rows:,}{of} {'rows' if rows > 1 or of else 'row'}"] * bool(rows) + [count(pairs, "pair")] * bool(pairs)
    return f"{_listed(told)} need{'s' if rows + pairs == 1 else ''} you" if told else "no row needs you"


def _counted(*numbers: tuple[int, str]) -> str:
    """`2 pairs and 1 value`, without what there is none of."""
    return _listed([count(number, what) for number, what in numbers if number])


def _listed(parts: Sequence[str]) -> str:
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def _total(plan: Plan, ended: Ended) -> str:
    rows = sum(change.row is not None for change in plan.changes)
    extra = f" and {count(len(ended) - rows, 'tag')} without a row" if len(ended) != rows else ""
    return f"{count(rows, 'row')}{extra}"


def _todo(
    ended: Ended, kinds: Sequence[Mapping[str, Any]], files: Sequence[tuple[str, str]], asked: str, review: str,
    retry: str,
) -> Iterator[Todo]:  # fmt: skip
    """What is wrong or doubtful, with the file or the command to settle it."""
    mended = [(change, outcome) for change, outcome in ended if _needs_mending(outcome.status)]
    file = next((name for name, _ in files if name.startswith("failed") or not name.startswith(_OURS)), "")
    if mended:
        reasons = Counter(row_code(change, outcome) for change, outcome in mended)
        about = _top((number, code) for code, number in reasons.items() if code)
        where = (_link(file), visible(file)) if file else ("#needs", "below")
        text, then = f"Mend {count(len(mended), 'row')}{' in' if file else ''}", ", then" if retry else ""
        yield Todo(text, *where, about, then, visible(retry))
    if asked:
        yield Todo("Decide", "#needs", asked, then=" with", code=visible(f"tag-importer review {review} --page"))
    found = [(kind["number"], kind["code"]) for kind in kinds if kind["severity"] == "warning"]
    if found:
        yield Todo(f"Look at {count(sum(number for number, _ in found), 'warning')}", "#needs", "below", _top(found))


def _top(kinds: Iterable[tuple[int, str]]) -> str:
    """`unclear motive 813, unknown country 105 and 2 more kinds`."""
    found = sorted(kinds, reverse=True)
    told = ", ".join(f"{visible(code).replace('-', ' ')} {number:,}" for number, code in found[:3])
    return told + (f" and {count(len(found) - 3, 'more kind')}" if len(found) > 3 else "")


def _segments(counts: Mapping[Status, int], words: Mapping[Status, str]) -> list[dict[str, Any]]:
    """The pieces of the bar, in percent of its width; none so narrow that it cannot be seen."""
    shown = [status for status in Status if counts[status]]
    total = sum(counts.values()) or 1
    widths = [max(100 * counts[status] / total, 0.8) for status in shown]
    scale, x, found = 100 / (sum(widths) or 1), 0.0, []
    for status, width in zip(shown, widths, strict=True):
        found.append({"status": status.value, "name": words[status], "count": f"{counts[status]:,}",
                      "x": round(x, 3), "width": round(max(width * scale - 0.2, 0.3), 3)})  # fmt: skip
        x += width * scale
    return found


def _charts(rows: Sequence[list[Any]], data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Actors by country, motive and confidence; a chart of which nothing is known is left out."""
    countries = Counter(data["countries"][row[4]] for row in rows)
    motives = Counter(data["motives"][row[5]] for row in rows)
    scores = Counter(data["scores"][row[6]] for row in rows)
    found = [
        _chart("Country", "country", countries.most_common(), data["countries"]),
        _chart("Motive", "motive", motives.most_common(), data["motives"]),
        _chart("Confidence", "", sorted(scores.items(), key=lambda item: -int(item[0] or 0)), data["scores"], 10),
    ]
    return [chart for chart in found if chart["bars"]]


def _chart(
    name: str, key: str, counted: Sequence[tuple[str, int]], known: Sequence[str], most: int = _BARS
) -> dict[str, Any]:
    given = [(label, number) for label, number in counted if label]
    missing = sum(number for label, number in counted if not label)
    rest = given[most:]
    top = max((number for _, number in counted), default=1)
    bars = [
        {
            "label": label,
            "value": str(known.index(label)),
            "count": f"{number:,}",
            "width": round(100 * number / top, 2),
        }
        for label, number in given[:most]
    ]
    if given and rest:
        number = sum(number for _, number in rest)
        bars.append({"label": f"{len(rest):,} others", "value": "", "count": f"{number:,}",
                     "width": round(min(100.0, 100 * number / top), 2)})  # fmt: skip
    if given and missing:
        bars.append({"label": "not given", "value": "0", "count": f"{missing:,}",
                     "width": round(100 * missing / top, 2)})  # fmt: skip
    return {"name": name, "key": key, "bars": bars}


def _seen(seen: Sequence[Exposure]) -> list[dict[str, Any]]:
    """What other accounts will see, public fields first."""
    return [
        {
            "title": title,
            "values": count(sum(item.values for item in items), "value"),
            "fields": [
                (
                    "name" if item.field == "value" else item.field,
                    f"{item.values:,}",
                    f"{item.withheld:,}" if item.withheld else "",
                )
                for item in items
            ],
        }
        for visibility, title in (
            (Visibility.PUBLIC, "seen by every account"),
            (Visibility.UNDOCUMENTED, "perhaps seen, the API does not say"),
        )
        if (items := [item for item in seen if item.visibility is visibility])
    ]


def _time_line(record: RunRecord) -> dict[str, Any] | None:
    """Calls that change tags over the time of the run, and when none was made; from the journal. None without calls."""
    calls: list[tuple[datetime, bool]] = []
    pauses: set[datetime] = set()
    for at, line in moments(record.folder / "journal.jsonl"):
        if line.event == "intent":
            calls.append((at, line.attempt > 1))
        elif line.event == "resume":
            pauses.add(at)
    if not calls:
        return None
    calls.sort()  # a clock that was set back does not take them out of the picture
    first, last = min(calls[0][0], record.started), max(calls[-1][0], record.finished)
    whole = max((last - first).total_seconds(), 0.001)
    sent, again = [0] * _BINS, [0] * _BINS
    for at, retry in calls:
        slot = min(_BINS - 1, int(_BINS * (at - first).total_seconds() / whole))
        sent[slot] += 1
        again[slot] += retry
    top = max(sent)
    waits = list(_waits([at for at, _ in calls], pauses, max(1.0, whole / 100)))
    step = 100 / _BINS
    return {
        "start": f"{first:%H:%M:%S}",
        "end": f"{last:%H:%M:%S}",
        "top": f"{top:,} calls in {duration(whole / _BINS)}",
        "bars": [
            (
                round(slot * step, 3),
                round(step * 0.85, 3),
                round(100 * number / top, 2),
                round(100 * again[slot] / top, 2),
            )
            for slot, number in enumerate(sent)
            if number
        ],
        "waits": [
            (round(100 * (at - first).total_seconds() / whole, 3), round(100 * length.total_seconds() / whole, 3))
            for at, length, _ in waits
        ],
        "label": f"{len(calls):,} calls between {first:%H:%M:%S} and {last:%H:%M:%S} UTC, "
        f"{sum(again):,} of them retries, {count(len(waits), 'pause')}",
        "told": [f"{at:%H:%M:%S}: {what} for {duration(length.total_seconds())}" for at, length, what in waits[:8]],
        "more": max(0, len(waits) - 8),
    }


def _waits(
    calls: Sequence[datetime], resumed: set[datetime], least: float
) -> Iterator[tuple[datetime, timedelta, str]]:
    for before, after in pairwise(calls):
        if (after - before).total_seconds() >= least:
            stopped = any(before < at <= after for at in resumed)
            yield before, after - before, "stopped, then resumed" if stopped else "no call was made"


def _traffic(record: RunRecord) -> Iterator[str]:
    traffic = record.traffic
    calls = ", ".join(f"{kind} {number:,}" for kind, number in traffic.calls.items() if number)
    yield f"{count(traffic.total, 'call')}{f' ({calls})' if calls else ''}."
    waited = f"{count(traffic.waits, 'wait')} for the rate limit, {duration(traffic.waited)} in all"
    yield f"{waited if traffic.waits else 'No wait for the rate limit'}; {count(traffic.retries, 'retry', 'retries')}."
    if traffic.too_many:
        yield f"{count(traffic.too_many, 'answer')} 429 (over the limit)."
    if traffic.outages:
        yield f"{count(traffic.outages, 'wait')} while the server failed, {duration(traffic.outage_seconds)} in all."


# What needs a person: issues by kind and value, rows that failed, differences, the reading.


def _kind(severity: Severity, code: str, issues: list[Issue]) -> dict[str, Any]:
    groups = by_value(issues)
    groups.sort(key=len, reverse=True)
    shown = groups if severity is Severity.ERROR else groups[:_GROUPS]
    same = len({issue.allowed for issue in issues}) == 1
    more = sum(map(len, groups)) - sum(map(len, shown))
    told = [_group(group, severity, allowed=not same) for group in shown]
    first = len(told) if severity is Severity.ERROR else _FIRST_GROUPS
    return {
        "severity": severity.value,
        "code": visible(code),
        "title": visible(code).replace("-", " ").capitalize(),
        "number": len(issues),
        "total": count(len(issues), "time"),
        "allowed": allowed_words(issues[0], 60) if same else "",
        "groups": told[:first],
        "others": told[first:],
        "more": f"{more:,}" if more else "",
        "files": len({issue.place.file for issue in issues}) > 1,
    }


def _group(group: Sequence[Issue], severity: Severity, *, allowed: bool) -> dict[str, Any]:
    issue = group[0]
    cells = [visible(one.place.cell) for one in (group if severity is Severity.ERROR else group[:500])]
    column = issue.place.column
    field = f" → {issue.field}" if issue.field and issue.field != column else ""
    message = visible(shortened(issue.message, 2_000))
    return {
        "value": visible(shortened(issue.value, _CELL)),
        "find": visible(issue.value or issue.place.cell)[:200],
        "file": visible(issue.place.file),
        "column": visible(shortened(column, 80)) + visible(field),
        "rows": count(len(group), "row") if issue.place.row else "the list",
        "cells": ", ".join(cells[:_CELLS]),
        "rest": ", ".join(cells[_CELLS:]),
        "left": f"{len(group) - _CELLS:,}",
        "message": message if issue.value else message[:1].upper() + message[1:],
        "nearest": visible(issue.nearest),
        "allowed": allowed_words(issue, 60) if allowed else "",
    }


def _unsettled(ended: Ended, words: Mapping[Status, str]) -> list[dict[str, Any]]:
    """Rows that no issue explains: failed, unknown, in conflict, not attempted; by what was said of them."""
    found: dict[tuple[Status, str, str], list[tuple[str, str]]] = {}
    for change, outcome in ended:
        status = outcome.status
        if status.needs_work and (status not in (Status.INVALID, Status.CONFLICT) or not change.issues):
            message = visible(shortened(outcome.message or change.message, 600))
            names = found.setdefault((status, row_code(change, outcome), message), [])
            names.append((visible(shortened(change.name, 80)), _where(change)))
    order = (Status.FAILED, Status.UNKNOWN, Status.CONFLICT, Status.INVALID, Status.NOT_ATTEMPTED)
    return [
        {
            "status": status.value,
            "title": words[status],
            "code": visible(code),
            "rows": count(len(names), "row"),
            "message": message,
            "names": names[:_CELLS],
            "left": len(names) - _CELLS,
        }
        for wanted in order
        for (status, code, message), names in found.items()
        if status is wanted
    ]


def _changed(change: Change) -> dict[str, Any]:
    return {
        "name": visible(shortened(change.name, 120)),
        "where": _where(change),
        "sent": change.action is Action.UPDATE,
        "fields": [
            {"field": visible(item.field), "old": old, "new": new, "kept": kept}
            for item in change.differences
            for old, new, kept in [sides(item)]
        ],
    }


def _where(change: Change) -> str:
    if change.row is None:
        return visible(change.uuid)
    place = change.row.place()
    return visible(f"{place.sheet}!{place.row}" if place.sheet else f"row {place.row:,}")


def _pair(pair: Pair) -> dict[str, Any]:
    """Two actors that may be one, side by side, and what speaks for it."""
    return {"why": visible(shortened(speaks_for(pair), 2 * _CELL)), "sides": [_side(pair.one), _side(pair.other)]}


def _side(side: Side) -> dict[str, Any]:
    where = f"the tag {side.id} in the account" if side.source == ACCOUNT else f"{side.source} {side.place.cell}"
    return {"name": visible(shortened(side.name, 120)), "where": visible(where), "country": visible(side.country)}


def _asked(plan: Plan, review: Review, path: str) -> dict[str, Any]:
    """What the script asks: each pair with all that its rows say, each value, and what was answered."""
    rows = {(row.header.file, row.header.sheet, row.number): row for change in plan.changes if (row := change.row)}
    questions: list[dict[str, Any]] = []
    for pair in review.asked:
        if isinstance(pair, AskedValue):
            questions.append(_asked_value(pair))
            continue
        asked = _pair(pair)
        for side, shown in zip((pair.one, pair.other), asked["sides"], strict=True):
            row = rows.get((side.place.file, side.place.sheet, side.place.row))
            cells = zip(row.header.columns, row.cells, strict=False) if row is not None else ()
            filled = [(name, text) for name, text in cells if text.strip()][:_FACTS]
            shown["facts"] = [(visible(shortened(name, 80)), visible(shortened(text, 600))) for name, text in filled]
        questions.append({**asked, "shared": [visible(item.label) for item in pair.shared]})
    answers = {str(number): _answered(decision) for number, decision in review.decided.items()}
    return {"path": path, "edition": review.edition, "file": visible(str(review.path)), "questions": questions,
            "answers": answers}  # fmt: skip


def _asked_value(asked: AskedValue) -> dict[str, Any]:
    more = asked.count - len(asked.cells)
    return {
        "value": visible(shortened(asked.value, 600)),
        "field": visible(asked.field),
        "rows": count(asked.count, "row"),
        "cells": visible(", ".join(asked.cells)) + (f" and {more:,} more" if more else ""),
        "why": visible(shortened(asked.issue.message, 600)),
        "nearest": asked.nearest,
        "allowed": words_of(asked)[:300],
    }


def _answered(decision: Decision) -> str:
    if isinstance(decision, PairDecision):
        return decision.are
    return f"means {visible(decision.means)}" if isinstance(decision, ValueDecision) else "left as it is"


def _reading(reading: Reading) -> dict[str, Any]:
    where = f"{visible(reading.file)}{f', sheet {visible(reading.sheet)}' if reading.sheet else ''}"
    more = f" and {count(reading.like_it, 'list')} like it" if reading.like_it else ""
    return {
        "where": f"{where}{more}: {count(reading.rows, 'row')}, mapping {visible(reading.mapping)}",
        "columns": [
            {
                "column": visible(shortened(use.column, 80)),
                "field": visible(use.field),
                "filled": f"{use.filled:,}",
                "why": visible(shortened(use.why, _CELL)),
                "looks": visible(shortened(use.looks_like, _CELL)),
                "map": visible(f"--map {use.could_be}={use.column}") if use.could_be else "",
                "alone": use.left_alone or not use.filled,
            }
            for use in reading.columns
        ],
    }


# All rows, as data.


def _data(plan: Plan, ended: Ended, words: Mapping[Status, str]) -> dict[str, Any]:
    """The rows as [place, number, name, state, country, motive, score, why, code, uuid, differences]; texts that occur
    often are numbers of an entry in a list beside them."""
    states = list(Status)
    places: dict[str, int] = {}
    countries, motives, scores = {"": 0}, {"": 0}, {"": 0}
    of = {field: _Values(plan, field, read) for field, read in _READ.items()}
    if len(ended) > ROWS:
        ended = sorted(ended, key=lambda item: not item[1].status.needs_work)[:ROWS]
    rows = []
    for change, outcome in ended:
        row = change.row
        where = "" if row is None else " ".join(filter(None, (row.header.file, row.header.sheet)))
        rows.append([
            places.setdefault(visible(where), len(places)),
            row.number if row else 0,
            visible(shortened(change.name, _CELL)),
            states.index(outcome.status),
            countries.setdefault(of["originCountryISO"](change), len(countries)),
            motives.setdefault(of["motive"](change), len(motives)),
            scores.setdefault(of["confidence"](change), len(scores)),
            [visible(text) for text in row_messages(change, outcome)]
            if change.issues or change.message or outcome.message else [],
            visible(row_code(change, outcome)),
            visible(shortened(outcome.uuid or change.uuid, 60)),
            list(map(difference_text, change.differences)),
        ])  # fmt: skip
    return {
        "places": list(places),
        "states": [(status.value, words[status], status.needs_work) for status in states],
        "countries": list(countries),
        "motives": list(motives),
        "scores": list(scores),
        "rows": rows,
    }


@lru_cache(10_000)
def _country(text: str) -> str:
    code = resolve(text).code
    return shown_country(code).removesuffix(f" ({code})")


@lru_cache(10_000)
def _motive(text: str) -> str:
    match = load_vocabulary("motive").lookup(text)
    return match.value


def _score(text: str) -> str:
    return text if text.isdecimal() and text.isascii() and 1 <= int(text) <= 10 else ""


_READ: Final[Mapping[str, Callable[[str], str]]] = {
    "originCountryISO": _country, "motive": _motive, "confidence": _score
}  # fmt: skip


class _Values:
    """What a row says in one field: what is sent, else (nothing is, as the tag is there) its cell, as it is read."""

    def __init__(self, plan: Plan, field: str, read: Callable[[str], str]) -> None:
        self.field, self.read = field, read
        self.columns = [
            use.column for reading in plan.readings for use in reading.columns if field in use.field.split(", ")
        ]
        self.cells: dict[int, Sequence[str]] = {}

    def __call__(self, change: Change) -> str:
        value = change.body.get(self.field)
        if isinstance(value, Mapping):
            value = value.get("value")
        row = change.row
        if value is None and row is not None and change.action is not Action.CREATE:
            table = row.table
            if id(table) not in self.cells:
                column = next((column for column in self.columns if column in table.header.columns), "")
                self.cells[id(table)] = table.texts(column) if column else ()
            cells = self.cells[id(table)]
            value = cells[row.position] if cells else ""
        text = str(value) if value not in (None, "") else ""
        return visible(self.read(text)) if 0 < len(text) <= 200 else ""


def _about(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.account:
        yield "Tags in the account before", f"{plan.account_tags:,}"
        yield "Mode", plan.mode
    for source in plan.sources[:20]:
        details = "".join(f", {key} {value}" for key, value in source.details.items())
        yield "Source", visible(shortened(f"{source.file} ({source.kind}, {source.size:,} bytes{details})", 400))
    if len(plan.sources) > 20:
        yield "Source", f"... and {len(plan.sources) - 20:,} more"
    for mapping in plan.mappings:
        yield "Mapping", visible(mapping)


def _minute(moment: datetime) -> str:
    return f"{moment:%d %b %Y %H:%M:%S}"
