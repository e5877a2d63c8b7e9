"""The pages of a run, a plan, a check and a review: one file each that needs nothing else, safe whatever the rows hold.

Here is what they say: the sentence, and what a person has to do. What is written for people is made visible and escaped
by the template engine, the rows are JSON that the script reads as data, and the page's Content-Security-Policy admits
its own style and script by hash and nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import msgspec
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from importer.atomic import atomic_text
from importer.errors import SafetyLimit, os_errors
from importer.fields.table import Visibility
from importer.masking import Mask, MaskedStream
from importer.model import Change, Outcome, Pair, Plan, Status
from importer.planning.collisions import speaks_for
from importer.planning.decisions import DecisionsFile, undecided_values
from importer.planning.exposure import Exposure, exposure
from importer.planning.review import Review
from importer.reports import page_data
from importer.reports.failed import failed_files, retry_command
from importer.reports.page_data import Ended, Kind
from importer.reports.pairs import others
from importer.reports.run_record import RunRecord, issues_of
from importer.reports.terminal import stop_text
from importer.reports.text import allowed_words, cost_text, count, duration, row_code, shortened, sides

if TYPE_CHECKING:
    from importer.reports.formats import PlanResult


class Todo(NamedTuple):
    """Something for a person to do, in this order: a text, a link, in brackets what it is about, and the command."""

    text: str
    link: str = ""
    name: str = ""
    about: str = ""
    then: str = ""
    code: str = ""


_CHANGES: Final = 200
"""Differences, and pairs, that are shown before the rest is only counted."""
_FIRST_ROWS: Final = 25
"""Rows that a page without JavaScript has."""
_SOURCES: Final = 20
"""Lists, and files, of which there is more than a number."""
_WORDS: Final[Mapping[str, Mapping[Status, str]]] = {
    "run": {},
    "plan": {Status.CREATED: "to create", Status.UPDATED: "to update", Status.DELETED: "to delete"},
    "check": {Status.CREATED: "ready"},
}
"""What a row that ended so is called where nothing has been sent yet."""
_SEEN: Final = {
    Visibility.PUBLIC: "seen by every account", Visibility.UNDOCUMENTED: "perhaps seen, the API does not say"
}  # fmt: skip
_OURS: Final = ("results", "summary", "plan", "journal")
_UNDECIDED: Final = (Status.UNKNOWN, Status.NOT_ATTEMPTED)


def write_run_page(path: Path, record: RunRecord) -> None:
    """Write report.html of a run at `path`, atomically, mode 0600."""
    with record.file(path) as stream:
        stream.write(run_page(record))


def write_page(path: Path, text: str, mask: Mask) -> None:
    """Write any other page, atomically, mode 0600, without secrets. Raises UsageError where it cannot be written."""
    with os_errors(f"the page {path} cannot be written"), atomic_text(path) as stream:
        MaskedStream(stream, mask).write(text)


def run_page(record: RunRecord) -> str:
    """The page of a run that has ended, or stopped."""
    plan, ended = record.plan, list(record.ended())
    stopped = stop_text(record) if record.stopped else ""
    todo = [Todo(record.hint)] if record.hint else []
    if any(outcome.status in _UNDECIDED for _, outcome in ended) and "tag-importer resume" not in record.hint:
        todo.append(Todo("Continue with", code=record.resume_command))
    failed = [path.name for path in failed_files(record.folder)]
    files = [(name, "the rows that need work, ready to be mended and imported again") for name in failed]
    files += [
        ("results.csv", "every row and how it ended"),
        ("summary.json", "the run in numbers"),
        ("plan.json", "what was to be done"),
        ("journal.jsonl", "what was done, and when"),
    ]
    time = page_data.time_line(record)
    about = [
        ("Run", record.run),
        ("Command", record.command),
        ("Account", plan.account + (" (sandbox)" if record.sandbox else "")),
        ("Time", f"{_minute(record.started)} to {_minute(record.finished)} UTC"
                 + (f", {duration(record.seconds)}" if record.seconds else "")
                 + (" since it was resumed" if record.seconds and time and time["resumed"] else "")),
        ("Exit code", str(int(record.exit_code))),
    ]  # fmt: skip
    return _page(
        plan, ended, "run", _run_sentence(record, ended), todo=todo, files=files, about=about,
        said=f"{stopped[:1].upper()}{stopped[1:]}.".replace("..", ".") if stopped else "",
        review=shlex.quote(str(record.folder)), retry=retry_command(record), seen=record.exposed(),
        time=time, traffic=list(page_data.traffic_told(record)),
    )  # fmt: skip


def plan_page(result: PlanResult, limit: SafetyLimit | None = None) -> str:
    """The page of a plan: what `apply` would do, or which limit keeps it from that."""
    plan = result.plan
    about = [("Account", plan.account), ("Plan", result.out or "not kept: --out DIR keeps it")]
    cost = [f"Carrying it out takes {cost_text(result.cost)}."] if result.cost is not None else []
    ended = _foreseen(plan)
    gone = sum(outcome.status is Status.DELETED for _, outcome in ended)
    todo = [Todo("Look at what would be deleted: the", "#rows", count(gone, "tag"))] if gone else []
    if limit is None and any(change.action.calls for change in plan.changes):
        path = shlex.quote(str(Path(result.out, "plan.json"))) if result.out else "SOURCE"
        todo.append(Todo("Carry it out with", code=f"tag-importer apply {path}"))
    return _page(plan, ended, "plan", _plan_sentence(plan, ended, limit), todo=todo, about=about, seen=result.exposure,
                 said=f"{limit.message}." if limit else f"Made elsewhere: {result.origin}" if result.origin else "",
                 review=shlex.quote(result.out) if result.out else "", traffic=cost)  # fmt: skip


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
                 seen=exposure(plan), asked=page_data.questions(plan, review, path))  # fmt: skip
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
    words = {status: _WORDS[kind].get(status, status.value.replace("_", " ")) for status in Status}
    counts = Counter(outcome.status for _, outcome in ended)
    issues = others(issues_of(plan))
    kinds = page_data.kinds(issues)
    data = page_data.row_data(plan, ended, words)
    pairs = [pair for pair in plan.pairs if pair.open] if asked is None else []
    to_decide = _counted((len(pairs), "pair"), (len(undecided_values(issues, DecisionsFile())), "value"))
    mending = list(_todo(ended, kinds, files, to_decide, review or "SOURCE", retry))
    return _template().render(
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
        words=words,
        segments=page_data.segments(counts, words),
        total=_total(plan, ended),
        charts=list(page_data.charts(data)),
        seen=[(title, [item for item in seen if item.visibility is visibility]) for visibility, title in _SEEN.items()],
        time=time,
        traffic=traffic,
        todo=[*todo, *mending] if kind == "run" else [*mending, *todo],
        unsettled=page_data.unsettled(ended),
        kinds=kinds,
        pairs=pairs,
        changes=(changes := [change for change, _ in ended if change.differences]),
        changed=Counter(item.field for change in changes for item in change.differences).most_common(),
        most=_CHANGES,
        readings=plan.readings[:_SOURCES],
        readings_more=max(0, len(plan.readings) - _SOURCES),
        rows=data["rows"][:_FIRST_ROWS],
        **{name: data[name] for name in ("places", "states", "countries", "motives")},
        all_rows=len(ended),
        cut=f"{len(data['rows']):,} of {len(ended):,} rows are on this page, those that need work first; "
        "results.csv has all of them." if len(data["rows"]) < len(ended) else "",
        files=[(_link(name), name, what) for name, what in files],
        about=[*about, *_about(plan)],
    )  # fmt: skip


def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    environment.filters.update(
        short=shortened, sides=sides, allowed=allowed_words, where=page_data.where, columns=page_data.columns,
        pair_sides=page_data.pair_sides, speaks_for=speaks_for,
    )  # fmt: skip
    return environment.from_string(_part("page.html.j2"))


def _shown(value: Any) -> Any:
    """Whatever the template writes: a stranger's text with nothing hidden in it, a number with its commas."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return page_data.readable(value)
    return f"{value:,}" if isinstance(value, int) else value


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
        said.append(f"{_share(there, len(rows), 'actor')} {'a tag' if there == 1 else 'tags'} now")
    if counts[Status.DELETED]:
        said.append(f"{count(counts[Status.DELETED], 'tag was', 'tags were')} deleted")
    if not rows and counts[Status.UPDATED]:
        said.append(f"{count(counts[Status.UPDATED], 'tag was', 'tags were')} restored")
    if waiting := sum(counts[status] for status in _UNDECIDED):
        said.append(f"{waiting:,} {'waits' if waiting == 1 else 'wait'} to be resumed")
    said += _skipped(sum(outcome.status is Status.SKIPPED and not outcome.uuid for outcome in rows))
    said.append(_yours(record.plan, counts))
    text = "; ".join(said)
    return f"Stopped early: {text[:1].lower()}{text[1:]}." if record.stopped else f"{text[:1].upper()}{text[1:]}."


def _plan_sentence(plan: Plan, ended: Ended, limit: SafetyLimit | None) -> str:
    counts = Counter(outcome.status for _, outcome in ended)
    words = ((Status.CREATED, "create"), (Status.UPDATED, "update"), (Status.DELETED, "delete"))
    parts = [f"{word} {count(counts[status], 'tag')}" for status, word in words if counts[status]]
    if not ended:
        return "Nothing to do: there is no row."
    if limit:
        what = f"A safety limit stops this: apply would {_listed(parts)}" if parts else "A safety limit stops this"
    else:
        what = f"Apply would {_listed(parts)}" if parts else "Nothing to do: no tag would change"
    yours = _yours(plan, counts, f" of {len(ended):,}")
    return f"{what}; {yours}{'' if yours.startswith('no') else ' first'}."


def _check_sentence(plan: Plan, ended: Ended) -> str:
    counts = Counter(outcome.status for _, outcome in ended)
    if not ended:
        return "There is no row to be checked."
    ready = f"{_share(counts[Status.CREATED], len(ended), 'row')} ready to be sent"
    return f"{'; '.join([ready, *_skipped(counts[Status.SKIPPED]), _yours(plan, counts)])}."


def _share(part: int, whole: int, what: str) -> str:
    """`All 3 rows are`, `1 of 3 rows is`, `The one row is`."""
    if part == whole:
        return f"The one {what} is" if whole == 1 else f"All {whole:,} {what}s are"
    return f"{part:,} of {count(whole, what)} {'is' if part == 1 else 'are'}"


def _skipped(number: int) -> list[str]:
    return [f"{count(number, 'row is', 'rows are')} skipped"] if number else []


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
    ended: Ended, kinds: Sequence[Kind], files: Sequence[tuple[str, str]], asked: str, review: str,
    retry: str,
) -> Iterator[Todo]:  # fmt: skip
    """What is wrong or doubtful, with the file or the command to settle it."""
    mended = [(change, outcome) for change, outcome in ended if _needs_mending(outcome.status)]
    file = next((name for name, _ in files if name.startswith("failed") or not name.startswith(_OURS)), "")
    if mended:
        reasons = Counter(row_code(change, outcome) for change, outcome in mended)
        about = _top((number, code) for code, number in reasons.items() if code)
        where = (_link(file), file) if file else ("#needs", "below")
        text, then = f"Mend {count(len(mended), 'row')}{' in' if file else ''}", ", then" if retry else ""
        yield Todo(text, *where, about, then, retry)
    if asked:
        yield Todo("Decide", "#needs", asked, then=" with", code=f"tag-importer review {review} --page")
    found = [(kind.number, kind.code) for kind in kinds if kind.severity == "warning"]
    if found:
        yield Todo(f"Look at {count(sum(number for number, _ in found), 'warning')}", "#needs", "below", _top(found))


def _top(kinds: Iterable[tuple[int, str]]) -> str:
    """`unclear motive 813, unknown country 105 and 2 more kinds`."""
    found = sorted(kinds, reverse=True)
    told = ", ".join(f"{code.replace('-', ' ')} {number:,}" for number, code in found[:3])
    return told + (f" and {count(len(found) - 3, 'more kind')}" if len(found) > 3 else "")


def _about(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.account:
        yield "Tags in the account before", f"{plan.account_tags:,}"
        yield "Mode", plan.mode
    for source in plan.sources[:_SOURCES]:
        details = "".join(f"; {key} {value}" for key, value in source.details.items())
        yield "Source", shortened(f"{source.file} ({source.kind}, {source.size:,} bytes{details})", 400)
    if len(plan.sources) > _SOURCES:
        yield "Source", f"... and {len(plan.sources) - _SOURCES:,} more"
    for mapping in plan.mappings:
        yield "Mapping", mapping


def _minute(moment: datetime) -> str:
    return f"{moment:%d %b %Y %H:%M:%S}"
