"""Issues put together as a person wants to read them: by kind with equal values as one, or row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from importer.model import Issue, Severity

ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)
Row = tuple[str, str, int]
"""File, sheet and number of a row; 0 for what is about a file or a sheet as a whole."""


def by_kind(issues: Iterable[Issue]) -> list[tuple[Severity, str, list[Issue]]]:
    """(severity, code, issues) for each kind: errors first, kinds in the order in which they first occur."""
    kinds: dict[tuple[Severity, str], list[Issue]] = {}
    for issue in issues:
        kinds.setdefault((issue.severity, issue.code), []).append(issue)
    return [
        (severity, code, found) for wanted in ORDER for (severity, code), found in kinds.items() if severity is wanted
    ]


def by_value(issues: Iterable[Issue]) -> list[list[Issue]]:
    """Issues that say the same of the same value in one column of a file, together; in order of their first ones."""
    groups: dict[tuple[str, ...], list[Issue]] = {}
    for issue in issues:
        place = issue.place
        same = (place.file, place.sheet, place.column, issue.field, issue.value, issue.message, issue.nearest)
        groups.setdefault(same if place.row else (*same, str(len(groups))), []).append(issue)
    return list(groups.values())


def by_row(issues: Iterable[Issue]) -> list[tuple[Row, Sequence[Issue]]]:
    """The issues of each row, errors first; rows with an error before the others, else in the source's order."""
    rows: dict[Row, list[Issue]] = {}
    for issue in issues:
        rows.setdefault((issue.place.file, issue.place.sheet, issue.place.row), []).append(issue)
    held = [(row, sorted(found, key=lambda issue: ORDER.index(issue.severity))) for row, found in rows.items()]
    return sorted(held, key=lambda item: (ORDER.index(item[1][0].severity) > 0, not item[0][2]))
