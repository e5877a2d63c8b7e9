"""How an issue and a count are put into words, the same in every report."""

from __future__ import annotations

from importer.model import Change, Issue, Json, Outcome, Severity
from importer.reports.visible import quoted, shortened, visible

_ALLOWED_SHOWN = 12
_MESSAGE_LIMIT = 2_000


def count(number: int, one: str, many: str = "") -> str:
    """`1 row`, `1,041 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def allowed_words(issue: Issue, limit: int = _ALLOWED_SHOWN) -> str:
    """The allowed values as a list; says how many there are where it is cut short. Empty when none are given."""
    if not issue.allowed:
        return ""
    shown = ", ".join(visible(shortened(word, 60)) for word in issue.allowed[:limit])
    return f"{shown}, ... ({len(issue.allowed)} in all)" if len(issue.allowed) > limit else shown


def issue_text(issue: Issue, *, allowed: bool = True) -> str:
    """What is wrong, without the place: `"Freedonia" is no country; nearest: Finland; allowed: ...`.

    A message that begins in lower case goes on from the value as a sentence; one in upper case stands by itself.
    """
    message = visible(shortened(issue.message, _MESSAGE_LIMIT)).rstrip(".")
    joint = " " if message[:1].islower() else ": "
    parts = [f"{quoted(issue.value)}{joint}{message}" if issue.value else message]
    if issue.nearest:
        parts.append(f"nearest: {visible(issue.nearest)}")
    if allowed and issue.allowed:
        parts.append(f"allowed: {allowed_words(issue)}")
    return "; ".join(parts)


def cell_text(issue: Issue) -> str:
    """Where in its file an issue is: `Actors!D17 (Country)`."""
    cell = visible(issue.place.cell)
    column = visible(shortened(issue.place.column, 60))
    if column and column not in cell:
        return f"{cell} ({column})".strip()
    return cell


def row_message(change: Change, outcome: Outcome) -> str:
    """The one message of a row in results.csv: why it ended so, then its errors and warnings with their cells."""
    base = visible(outcome.message or change.message)
    # A plan gives an invalid row its first issue's message; with cell and value beside it, it says more.
    parts = [base] if base and not any(visible(issue.message) == base for issue in change.issues) else []
    for issue in change.issues:
        if issue.severity is Severity.INFO:
            continue
        word = "" if issue.severity is Severity.ERROR else f"{issue.severity.value}: "
        parts.append(f"{word}{cell_text(issue)}: {issue_text(issue)}")
    return shortened(" | ".join(parts), _MESSAGE_LIMIT)


def row_code(change: Change, outcome: Outcome) -> str:
    """The one code of a row: the outcome's, else the plan's, else its first error's."""
    code = outcome.code or change.code
    if code:
        return code
    return next((issue.code for issue in change.issues if issue.severity is Severity.ERROR), "")


def value_text(value: Json, limit: int = 80) -> str:
    """A wire value for a person: text in quotes, lists joined, absent as `(none)`."""
    if value is None:
        return "(none)"
    if isinstance(value, str):
        return quoted(value, limit)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, (list, tuple)):
        return visible(shortened("[" + ", ".join(value_text(item, limit) for item in value) + "]", limit * 3))
    if isinstance(value, dict):
        inner = ", ".join(f"{key}: {value_text(item, limit)}" for key, item in value.items())
        return visible(shortened("{" + inner + "}", limit * 3))
    return visible(shortened(str(value), limit))


def duration(seconds: float) -> str:
    """`0.4 s`, `42 s`, `3 min 20 s`, `1 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
