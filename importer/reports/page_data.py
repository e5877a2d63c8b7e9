"""What a page shows, taken from plan, outcomes and journal: rows, bars, time line, issues, columns, questions.

Texts are as they came: the template makes them visible. What the page's scripts read is made visible here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from importer.engine.journal_state import moments
from importer.fields.countries import resolve
from importer.fields.country_names import shown_country
from importer.fields.vocabulary import load_vocabulary
from importer.model import (
    ACCOUNT,
    Action,
    Change,
    ColumnUse,
    Issue,
    Outcome,
    Pair,
    Plan,
    Reading,
    Severity,
    Side,
    Status,
)
from importer.planning.collisions import speaks_for
from importer.planning.decisions import AskedValue, Decision, PairDecision, ValueDecision
from importer.planning.review import Review, words_of
from importer.reports.families import families
from importer.reports.issue_groups import by_kind, by_value
from importer.reports.run_record import RunRecord
from importer.reports.text import count, difference_text, duration, row_code, row_messages, shortened, visible

Ended = Sequence[tuple[Change, Outcome]]
ROWS: Final = 200_000
"""Rows that one page holds; of more, those that need work come first."""
_GROUPS: Final = 50
"""Groups of warnings of one kind; errors are not cut."""
_FACTS: Final = 20
_CELL: Final = 240
_BINS: Final = 120
_BARS: Final = 7
# What is quoted, where it is written from the right: what comes behind it would go to its other side.
_FROM_THE_RIGHT: Final = re.compile(
    "(?<=['\"(“])[^'\"()“”]{0,500}[\u0590-\u08ff\ufb1d-\ufefc][^'\"()“”]{0,500}(?=['\")”])"
)


def readable(text: str) -> str:
    """`text` with nothing hidden in it, and in the order in which it is meant to be read."""
    text = visible(text)
    return text if text.isascii() else _FROM_THE_RIGHT.sub("\u2068\\g<0>\u2069", text)


def segments(counts: Mapping[Status, int], words: Mapping[Status, str]) -> list[dict[str, Any]]:
    """The pieces of the bar, in percent of its width; none so narrow that it cannot be seen."""
    shown = [status for status in Status if counts[status]]
    total = sum(counts.values())
    widths = [max(100 * counts[status] / total, 0.8) for status in shown]
    scale, x, found = 100 / (sum(widths) or 1), 0.0, []
    for status, width in zip(shown, widths, strict=True):
        found.append({"status": status.value, "name": words[status], "count": counts[status],
                      "x": round(x, 3), "width": round(max(width * scale - 0.2, 0.3), 3)})  # fmt: skip
        x += width * scale
    return found


class Chart(NamedTuple):
    """Bars of (label, number of the filter's value or "", count), and the filter they lead to."""

    name: str
    key: str
    bars: Sequence[tuple[str, str, int]]

    @property
    def top(self) -> int:
        """The longest bar."""
        return max(number for _, _, number in self.bars)


def charts(data: Mapping[str, Any]) -> Iterator[Chart]:
    """Actors by country, motive and confidence; a chart of which nothing is known is left out."""
    for name, key, names, at in (("Country", "country", "countries", 4), ("Motive", "motive", "motives", 5),
                                 ("Confidence", "", "scores", 6)):  # fmt: skip
        known = data[names]
        numbers = Counter(row[at] for row in data["rows"])
        missing = numbers.pop(0, 0)
        given = numbers.most_common() if key else sorted(numbers.items(), key=lambda item: -int(known[item[0]]))
        most = _BARS if key else len(given)
        bars = [(known[value], str(value), number) for value, number in given[:most]]
        if rest := given[most:]:
            bars.append((f"{len(rest):,} others", "", sum(number for _, number in rest)))
        if bars:
            yield Chart(name, key, [*bars, ("not given", "0", missing)] if missing else bars)


def time_line(record: RunRecord) -> dict[str, Any] | None:
    """Calls that change tags over the time of the run, and when none was made; from the journal. None without calls."""
    calls: list[tuple[datetime, bool]] = []
    resumed: list[datetime] = []
    for at, line in moments(record.folder / "journal.jsonl"):
        if line.event == "intent":
            calls.append((at, line.attempt > 1))
        elif line.event == "resume":
            resumed.append(at)
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
    waits = list(_waits([at for at, _ in calls], resumed, max(1.0, whole / 100)))

    def share(length: timedelta) -> float:
        return round(100 * length.total_seconds() / whole, 3)

    return {
        "start": f"{first:%H:%M:%S}",
        "end": f"{last:%H:%M:%S}",
        "top": max(sent),
        "slot": duration(whole / _BINS) if whole > _BINS / 10 else f"{1000 * whole / _BINS:.0f} ms",
        "step": 100 / _BINS,
        "bars": [(slot, number, again[slot]) for slot, number in enumerate(sent) if number],
        "waits": [(share(at - first), share(length)) for at, length, _ in waits],
        "label": f"{len(calls):,} calls between {first:%H:%M:%S} and {last:%H:%M:%S} UTC, "
        f"{sum(again):,} of them sent again, {count(len(waits), 'pause')}",
        "resumed": bool(resumed),
        "told": [f"{at:%H:%M:%S}: {what} for {duration(length.total_seconds())}" for at, length, what in waits],
    }


def _waits(
    calls: Sequence[datetime], resumed: Sequence[datetime], least: float
) -> Iterator[tuple[datetime, timedelta, str]]:
    for before, after in pairwise(calls):
        if (after - before).total_seconds() >= least:
            stopped = any(before < at <= after for at in resumed)
            yield before, after - before, "stopped, then resumed" if stopped else "no call was made"


def traffic_told(record: RunRecord) -> Iterator[str]:
    """What was asked of the API, in sentences."""
    traffic = record.traffic
    calls = ", ".join(f"{kind} {number:,}" for kind, number in traffic.calls.items() if number)
    yield f"{count(traffic.total, 'call')}{f' ({calls})' if calls else ''}."
    waited = f"{count(traffic.waits, 'wait')} for the rate limit, {duration(traffic.waited)} in all"
    retried = f"; {count(traffic.retries, 'retry', 'retries')}" if traffic.retries else ""
    yield f"{waited if traffic.waits else 'No wait for the rate limit'}{retried}."
    if traffic.too_many:
        yield f"{count(traffic.too_many, 'answer')} 429 (over the limit)."
    if traffic.outages:
        yield f"{count(traffic.outages, 'wait')} while the server failed, {duration(traffic.outage_seconds)} in all."


class Kind(NamedTuple):
    """Issues of one kind, those that say the same of the same value as one group, the largest first."""

    severity: str
    code: str
    number: int
    groups: Sequence[Sequence[Issue]]
    more: int
    """Issues that are in no group, as the list was cut."""
    same: bool
    """Whether the allowed words are the same for all."""
    several: bool
    """Whether they are of several files."""

    @property
    def title(self) -> str:
        """The code as words."""
        return self.code.replace("-", " ").capitalize()


def kinds(issues: Iterable[Issue]) -> list[Kind]:
    """Errors first, and all of them; of what warns or informs the largest groups."""
    made = []
    for severity, code, found in by_kind(issues):
        groups = sorted(by_value(found), key=len, reverse=True)
        shown = groups if severity is Severity.ERROR else groups[:_GROUPS]
        more = sum(map(len, groups[len(shown) :]))
        same = len({issue.allowed for issue in found}) == 1
        files = {issue.place.file for issue in found}
        made.append(Kind(severity.value, code, len(found), shown, more, same, len(files) > 1))
    return made


def unsettled(ended: Ended) -> list[tuple[Status, str, str, list[tuple[str, str]]]]:
    """Rows that no issue explains: failed, unknown, in conflict, not attempted; by what was said of them."""
    found: dict[tuple[Status, str, str], list[tuple[str, str]]] = {}
    for change, outcome in ended:
        status = outcome.status
        if status.needs_work and (status not in (Status.INVALID, Status.CONFLICT) or not change.issues):
            reason = (status, row_code(change, outcome), outcome.message or change.message)
            found.setdefault(reason, []).append((change.name, where(change)))
    order = (Status.FAILED, Status.UNKNOWN, Status.CONFLICT, Status.INVALID, Status.NOT_ATTEMPTED)
    return [(*reason, names) for status in order for reason, names in found.items() if reason[0] is status]


def where(change: Change) -> str:
    """The row a change is about, else the tag."""
    if change.row is None:
        return change.uuid
    place = change.row.place()
    return f"{place.sheet}!{place.row}" if place.sheet else f"row {place.row:,}"


def columns(reading: Reading) -> list[tuple[str, Sequence[ColumnUse]]]:
    """The columns of a list: those that are read, then those that are not, families of these as one."""
    uses = reading.columns
    unread, alone = (
        families([use for use in uses if not use.field and use.unread is wanted]) for wanted in (True, False)
    )
    return [*((use.column, (use,)) for use in uses if use.field), *unread, *alone]


def pair_sides(pair: Pair) -> list[dict[str, Any]]:
    """Two actors that may be one."""
    return [_side(pair.one), _side(pair.other)]


def _side(side: Side) -> dict[str, Any]:
    at = f"the tag {side.id} in the account" if side.source == ACCOUNT else f"{side.source} {side.place.cell}"
    return {"name": visible(shortened(side.name, 120)), "where": visible(at), "country": visible(side.country)}


def questions(plan: Plan, review: Review, path: str) -> dict[str, Any]:
    """What the script asks: each pair with all that its rows say, each value, and what was answered."""
    rows = {(row.header.file, row.header.sheet, row.number): row for change in plan.changes if (row := change.row)}
    asked: list[dict[str, Any]] = []
    for one in review.asked:
        if isinstance(one, AskedValue):
            asked.append(_asked_value(one))
            continue
        shown = pair_sides(one)
        for side, told in zip((one.one, one.other), shown, strict=True):
            row = rows.get((side.place.file, side.place.sheet, side.place.row))
            cells = zip(row.header.columns, row.cells, strict=False) if row is not None else ()
            filled = [(name, text) for name, text in cells if text.strip()][:_FACTS]
            told["facts"] = [(visible(shortened(name, 80)), visible(shortened(text, 600))) for name, text in filled]
        why = visible(shortened(speaks_for(one), 2 * _CELL))
        asked.append({"why": why, "sides": shown, "shared": [visible(item.label) for item in one.shared]})
    answers = {str(number): _answered(decision) for number, decision in review.decided.items()}
    return {"path": path, "edition": review.edition, "file": visible(str(review.path)), "questions": asked,
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


def row_data(plan: Plan, ended: Ended, words: Mapping[Status, str]) -> dict[str, Any]:
    """The rows as [place, number, name, state, country, motive, score, why, code, uuid, differences]; texts that occur
    often are numbers of an entry in a list beside them."""
    states = list(Status)
    places: dict[str, int] = {}
    countries, motives, scores = {"": 0}, {"": 0}, {"": 0}
    of = {field: _values(plan, field, read) for field, read in _READ.items()}
    if len(ended) > ROWS:
        ended = sorted(ended, key=lambda item: not item[1].status.needs_work)[:ROWS]
    rows = []
    for change, outcome in ended:
        row = change.row
        file = "" if row is None else " ".join(filter(None, (row.header.file, row.header.sheet)))
        rows.append([
            places.setdefault(visible(file), len(places)),
            row.number if row else 0,
            visible(shortened(change.name, _CELL)),
            states.index(outcome.status),
            countries.setdefault(of["originCountryISO"](change), len(countries)),
            motives.setdefault(of["motive"](change), len(motives)),
            scores.setdefault(of["confidence"](change), len(scores)),
            [readable(text) for text in row_messages(change, outcome)]
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
    return load_vocabulary("motive").lookup(text).value


def _score(text: str) -> str:
    return text if text.isdecimal() and text.isascii() and 1 <= int(text) <= 10 else ""


_READ: Final[Mapping[str, Callable[[str], str]]] = {
    "originCountryISO": _country, "motive": _motive, "confidence": _score
}  # fmt: skip


def _values(plan: Plan, field: str, read: Callable[[str], str]) -> Callable[[Change], str]:
    """What a row says in one field: what is sent, else (nothing is, as the tag is there) its cell, as it is read."""
    names = [use.column for reading in plan.readings for use in reading.columns if field in use.field.split(", ")]
    held: dict[int, Sequence[str]] = {}

    def value_of(change: Change) -> str:
        value = change.body.get(field)
        if isinstance(value, Mapping):
            value = value.get("value")
        row = change.row
        if value is None and row is not None and change.action is not Action.CREATE:
            table = row.table
            if id(table) not in held:
                column = next((column for column in names if column in table.header.columns), "")
                held[id(table)] = table.texts(column) if column else ()
            cells = held[id(table)]
            value = cells[row.position] if cells else ""
        text = str(value) if value not in (None, "") else ""
        return visible(read(text)) if 0 < len(text) <= 200 else ""

    return value_of
