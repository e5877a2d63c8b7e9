"""report.html: the run on one page that needs nothing else, safe to open whatever the rows hold.

Everything is escaped by the template engine; the page's Content-Security-Policy admits its own style and script by
hash and nothing from anywhere. It stays below some 2 MB: of many rows those that need work come first.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from importer.model import Change, FieldChange, Issue, Outcome, Severity, Status
from importer.reports.failed import failed_files
from importer.reports.issue_groups import by_kind
from importer.reports.run_record import RunRecord, issues_of
from importer.reports.summary import stamp
from importer.reports.terminal import STATUS_STYLE, STYLE, stop_text
from importer.reports.text import (
    allowed_words,
    count,
    duration,
    exposure_text,
    row_code,
    row_message,
    shortened,
    value_text,
    visible,
)

ROWS_SHOWN: Final = 2_000
_IDLE_ROWS_SHOWN: Final = 50
_ISSUES_SHOWN: Final = 100
_CELL: Final = 240


class _Tile(Struct, frozen=True):
    status: str
    name: str
    number: int
    shown: str
    style: str


def write_html(path: Path, record: RunRecord) -> None:
    """Write report.html at `path`, atomically, mode 0600."""
    with record.file(path) as stream:
        stream.write(page(record))


def page(record: RunRecord) -> str:
    """The whole page as text."""
    folder = Path(__file__).with_name("page")
    css, js = ((folder / name).read_text("utf-8") for name in ("report.css", "report.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string((folder / "report.html.j2").read_text("utf-8"))
    counts = record.counts()
    tiles = [_tile(status, counts[status]) for status in Status]
    rows, cut = _rows(record)
    return template.render(
        csp=f"default-src 'none'; style-src '{_hash(css)}'; script-src '{_hash(js)}'; base-uri 'none'; "
        "form-action 'none'",
        # Ours, not a stranger's: the two files beside the template.
        css=Markup(css),  # noqa: S704
        js=Markup(js),  # noqa: S704
        run=visible(record.run),
        command=record.command,
        mode=record.plan.mode,
        account=visible(record.plan.account),
        sandbox=record.sandbox,
        state="stopped early" if record.stopped else "needs work" if record.needs_work else "finished",
        state_style="bad" if record.stopped else "warn" if record.needs_work else "good",
        started=stamp(record.started)[:19].replace("T", " "),
        finished=stamp(record.finished)[:19].replace("T", " "),
        took=f", {duration(record.seconds)}" if record.seconds else "",
        exit_code=record.exit_code,
        tiles=[tile for tile in tiles if tile.number or tile.status in ("created", "unchanged", "invalid", "failed")],
        sum=_sum(record, tiles),
        steps=list(_steps(record, counts)),
        facts=list(_facts(record)),
        kinds=[_kind(*kind) for kind in by_kind(issues_of(record.plan))],
        rows=rows,
        cut=cut,
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _tile(status: Status, number: int) -> _Tile:
    return _Tile(status.value, status.value.replace("_", " "), number, f"{number:,}", STATUS_STYLE[status])


def _sum(record: RunRecord, tiles: list[_Tile]) -> str:
    parts = " + ".join(f"{tile.shown} {tile.name}" for tile in tiles if tile.number) or "0"
    rows, changes = record.rows, len(record.plan.changes)
    extra = f" and {count(changes - rows, 'tag')} without a row" if changes != rows else ""
    return f"{parts} = {count(rows, 'row')}{extra}"


def _steps(record: RunRecord, counts: dict[str, int]) -> Iterator[dict[str, str]]:
    if record.stopped:
        text = stop_text(record)
        yield {"text": text[:1].upper() + text[1:], "code": ""}
    if record.hint:
        yield {"text": visible(record.hint), "code": ""}
    if counts[Status.NOT_ATTEMPTED] or counts[Status.UNKNOWN]:
        yield {"text": "Continue with", "code": visible(record.resume_command)}
    for path in failed_files(record.folder):
        yield {"text": "The rows that need work, ready to be corrected and imported again:", "code": path.name}


def _facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    plan, traffic = record.plan, record.traffic
    calls = ", ".join(f"{kind} {number:,}" for kind, number in traffic.calls.items() if number)
    yield "Calls", f"{traffic.total:,}{f' ({calls})' if calls else ''}"
    yield "Retries", f"{traffic.retries:,}"
    waited = f"{traffic.waits:,}, {duration(traffic.waited)} in all" if traffic.waits else "none"
    yield "Waits for the rate limit", f"{waited}; {count(traffic.too_many, 'answer')} 429"
    if traffic.outages:
        yield "Waits while the server failed", f"{traffic.outages:,}, {duration(traffic.outage_seconds)} in all"
    yield "Values that other accounts will see", exposure_text(record.exposed())
    yield "Tags in the account before", f"{plan.account_tags:,}"
    for source in plan.sources[:20]:
        details = "".join(f", {key} {value}" for key, value in source.details.items())
        yield "Source", visible(shortened(f"{source.file} ({source.kind}, {source.size:,} bytes{details})", 400))
    if len(plan.sources) > 20:
        yield "Source", f"... and {len(plan.sources) - 20:,} more; all of them are in summary.json"
    for mapping in plan.mappings:
        yield "Mapping", visible(mapping)


def _kind(severity: Severity, code: str, issues: list[Issue]) -> dict[str, object]:
    return {
        "severity": severity.value,
        "style": STYLE[severity],
        "code": code,
        "total": f"{len(issues):,}",
        "open": severity is Severity.ERROR,
        "allowed": allowed_words(issues[0], 60) if len({issue.allowed for issue in issues}) == 1 else "",
        "issues": [_issue(issue) for issue in issues[:_ISSUES_SHOWN]],
        "more": f"{len(issues) - _ISSUES_SHOWN:,}" if len(issues) > _ISSUES_SHOWN else "",
    }


def _issue(issue: Issue) -> dict[str, str]:
    nearest = f" (nearest: {issue.nearest})" if issue.nearest else ""
    cells = {
        "file": issue.place.file,
        "cell": issue.place.cell,
        "column": issue.place.column,
        "value": issue.value,
        "message": f"{issue.message}{nearest}",
    }
    return {name: visible(shortened(text, _CELL)) for name, text in cells.items()}


def _rows(record: RunRecord) -> tuple[list[dict[str, str]], str]:
    """The rows to show in source order, and what to say where not all are shown."""
    ended = list(record.ended())
    cut = ""
    # Where nothing was to be done, a long table of rows that are as they were says nothing.
    most = ROWS_SHOWN if any(change.action.calls for change, _ in ended) else _IDLE_ROWS_SHOWN
    if len(ended) > most:
        work = [at for at, (_, outcome) in enumerate(ended) if outcome.status.needs_work]
        fine = [at for at, (_, outcome) in enumerate(ended) if not outcome.status.needs_work]
        total = len(ended)
        ended = [ended[at] for at in sorted((work + fine)[: max(most, min(len(work), ROWS_SHOWN))])]
        cut = f"{len(ended):,} of {total:,} rows are shown, those that need work first; results.csv has all of them."
    return [_row(change, outcome) for change, outcome in ended], cut


def _row(change: Change, outcome: Outcome) -> dict[str, str]:
    place = change.row.place() if change.row else None
    message = row_message(change, outcome)
    if change.differences:
        message = f"{message} {'; '.join(map(_difference, change.differences))}".strip()
    return {
        "where": visible(shortened(f"{place.file} {place.sheet}!{place.row}" if place and place.sheet else
                                   f"{place.file} {place.row}" if place else "", _CELL)),
        "name": visible(shortened(change.name, _CELL)),
        "action": change.action.value,
        "status": outcome.status.value,
        "ended": outcome.status.value.replace("_", " "),
        "style": STATUS_STYLE[outcome.status],
        "work": "yes" if outcome.status.needs_work else "no",
        "code": visible(row_code(change, outcome)),
        "message": shortened(message, 600),
        "uuid": visible(shortened(outcome.uuid or change.uuid, 60)),
    }  # fmt: skip


def _difference(difference: FieldChange) -> str:
    return f"{visible(difference.field)}: {value_text(difference.old, 60)} -> {value_text(difference.new, 60)}"
