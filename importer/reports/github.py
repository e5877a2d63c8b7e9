"""`--format github`: issues as annotations of a build, at the lines of the files that a pull request changes.

A build shows ten annotations of each severity, so errors come first and equal ones are one. What else is printed is the
same in text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from importer.model import Action, Change, Issue, Place, Severity, SourceFile
from importer.reports import terminal
from importer.reports.formats import Document, Listing, PlanResult, Validation
from importer.reports.issue_groups import by_kind, by_value
from importer.reports.run_record import RunRecord, issues_of
from importer.reports.screen import plain
from importer.reports.text import cell_text, count, issue_text, shortened, visible

_WORDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_LONGEST: Final = 4_000


def validation(validation: Validation) -> str:
    """An annotation for each issue, then how many rows are ready."""
    lines = _annotations(validation.issues, validation.sources)
    said = f"{count(validation.valid, 'row')} ready, {validation.invalid:,} to mend, of {validation.rows:,}"
    return "".join([*lines, _line("notice", {"title": "Validation"}, said)])


def plan(result: PlanResult) -> str:
    """An annotation for each issue and each conflict, then what is to be done."""
    plan = result.plan
    lines = list(_annotations([*issues_of(plan), *conflicts(plan.changes)], plan.sources))
    counts = plan.counts()
    said = ", ".join(f"{action.value} {counts[action]:,}" for action in Action if counts[action]) or "no row"
    return "".join([*lines, _line("notice", {"title": "Tag plan"}, said)])


def run(record: RunRecord) -> Document:
    """How the run ended, as text."""
    return terminal.run(record)


def listing(listing: Listing) -> str:
    """Its lines."""
    return plain(listing.lines)


def conflicts(changes: Iterable[Change]) -> Iterator[Issue]:
    """Rows in conflict of which no issue says so."""
    for change in changes:
        if change.action is Action.CONFLICT and not any(one.severity is Severity.ERROR for one in change.issues):
            yield Issue(Severity.ERROR, change.code, change.message, change.place or Place(""), "value", change.name)


def _annotations(issues: Sequence[Issue], sources: Sequence[SourceFile]) -> Iterator[str]:
    text_files = {source.file for source in sources if source.kind == "csv"}
    for severity, code, found in by_kind(issue for issue in issues if not issue.accepted):
        for group in by_value(found):
            issue, place = group[0], group[0].place
            where = {"file": place.file, "line": str(place.row) if place.file in text_files and place.row else ""}
            also = f" (and {count(len(group) - 1, 'more row')})" if len(group) > 1 else ""
            said = f"{cell_text(issue)}: {issue_text(issue)}{also}" if cell_text(issue) else issue_text(issue)
            yield _line(_WORDS[severity], {**where, "title": code}, said)


def _line(word: str, properties: dict[str, str], message: str) -> str:
    """A command of the build's log. Nothing in a value can end it or begin another one."""
    given = ",".join(f"{name}={_property(visible(value))}" for name, value in properties.items() if value)
    return f"::{word} {given}::{_data(visible(shortened(message, _LONGEST)))}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
