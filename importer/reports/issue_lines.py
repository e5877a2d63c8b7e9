"""Issues for a person: grouped by kind, then by file, each with its cell, value, what is allowed and the nearest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from importer.model import Issue, Severity
from importer.reports.screen import Line
from importer.reports.visible import visible
from importer.reports.wording import allowed_words, cell_text, count, issue_text

SHOWN = 20
"""Issues of one kind that are shown before the rest is only counted."""

_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)
STYLE: Mapping[Severity, str] = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.INFO: "dim"}


def grouped(issues: Iterable[Issue]) -> list[tuple[Severity, str, list[Issue]]]:
    """(severity, code, issues) for each kind: errors first, kinds in the order in which they first occur."""
    kinds: dict[tuple[Severity, str], list[Issue]] = {}
    for issue in issues:
        kinds.setdefault((issue.severity, issue.code), []).append(issue)
    return [
        (severity, code, found)
        for wanted in _ORDER
        for (severity, code), found in kinds.items()
        if severity is wanted
    ]  # fmt: skip


def issue_lines(issues: Iterable[Issue], *, shown: int = SHOWN, rest: str = "") -> Iterator[Line]:
    """Lines for all kinds; of each kind at most `shown` issues, `rest` says where the others can be read."""
    for severity, code, found in grouped(issues):
        yield ((f"{severity.value} {code}", STYLE[severity]), f" ({count(len(found), 'time')})")
        # What is allowed is said once where it is the same for all; a list of countries in each line helps nobody.
        common = len({issue.allowed for issue in found}) == 1
        yield from _files(found[:shown], allowed=not common)
        if len(found) > shown:
            yield (f"    ... and {len(found) - shown:,} more of this kind{'; ' + rest if rest else ''}",)
        if common and found[0].allowed:
            yield (("  allowed: ", "dim"), allowed_words(found[0], 40))


def _files(issues: Sequence[Issue], *, allowed: bool) -> Iterator[Line]:
    current = ""
    for issue in issues:
        if issue.place.file != current:
            current = issue.place.file
            yield (f"  {visible(current)}",) if current else ()
        cell = cell_text(issue)
        text = issue_text(issue, allowed=allowed)
        field = f" [{issue.field}]" if issue.field and issue.field != issue.place.column else ""
        yield (f"    {cell}{field}: {text}" if cell else f"    {text}",)
