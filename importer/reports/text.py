"""How values, issues, counts and costs are put into words, the same in every report, and safe to show.

Text from strangers is made visible: nothing in it can move the cursor, recolour or reverse the line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from importer.fields.table import Visibility
from importer.model import Change, ColumnUse, FieldChange, Issue, Json, Outcome, Severity

if TYPE_CHECKING:
    from importer.planning.cost import Cost
    from importer.planning.exposure import Exposure

# Controls (ANSI escapes begin with one), line and paragraph separators, bidi marks, embeddings, overrides and
# isolates, soft hyphens, invisible spaces, tag characters and lone surrogates. ZWNJ and ZWJ stay: Persian and Indic
# names need them.
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_COMMAND: Final = re.compile(r"##(?=\[|vso\[)|^\s{0,1000}::(?=[A-Za-z])")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ALLOWED_SHOWN = 12
_MESSAGE_LIMIT = 2_000


def visible(text: str) -> str:
    """`text` with every character that would not show, or would change how the rest shows, written as an escape.

    One line comes out, whatever goes in: a line break is shown as \\n. The log of a build finds no command in it either
    (`::error::` at its beginning, `##[error]` and `##vso[` anywhere).
    """
    text = _HIDDEN.sub(_escape, text)
    if "##" in text or "::" in text:
        text = _COMMAND.sub(lambda match: f"{match[0][:-1]}\\x{ord(match[0][-1]):02x}", text)
    return text


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters of `text`; an ellipsis and the number of characters say that it was cut."""
    if len(text) <= limit:
        return text
    return f"{text[: max(1, limit)]}… ({len(text):,} characters)"


def quoted(text: str, limit: int = 80) -> str:
    """A value for a sentence: in quotes, on one line, made visible, cut to `limit` characters."""
    return f'"{visible(shortened(text, limit))}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unread_text(use: ColumnUse) -> str:
    """What a column that is not read looks like, and the flag that would take it in."""
    flag = f"; --map {use.could_be}={shlex.quote(visible(use.column))}" if use.could_be else ""
    return f"{count(use.filled, 'cell')} filled{f', {use.looks_like}' if use.looks_like else ''}{flag}"


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
    """What is wrong, without the place: `"Freedonia" is not a country; nearest: Finland; allowed: ...`.

    A message that begins in lower case continues the value as a sentence; one in upper case is a sentence by itself.
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


def row_messages(change: Change, outcome: Outcome) -> list[str]:
    """What there is to say of a row: why it ended so, then its errors and warnings with their cells."""
    base = visible(outcome.message or change.message)
    # A plan gives an invalid row its first issue's message; with cell and value beside it, it says more.
    parts = [base] if base and not any(visible(issue.message) == base for issue in change.issues) else []
    for issue in change.issues:
        if issue.severity is Severity.INFO:
            continue
        word = "" if issue.severity is Severity.ERROR else f"{issue.severity.value}: "
        parts.append(f"{word}{cell_text(issue)}: {issue_text(issue)}")
    return parts


def row_message(change: Change, outcome: Outcome) -> str:
    """The one message of a row in results.csv."""
    return shortened(" | ".join(row_messages(change, outcome)), _MESSAGE_LIMIT)


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


def sides(change: FieldChange) -> tuple[list[str], list[str], int]:
    """What goes, what comes, and how many entries of a list stay."""
    old, new = change.old, change.new
    if isinstance(old, list | tuple) or isinstance(new, list | tuple):
        before, after = list(old or ()), list(new or ())
        gone = [value_text(entry, 120) for entry in before if entry not in after]
        come = [value_text(entry, 120) for entry in after if entry not in before]
        if gone or come:
            return gone, come, len(before) - len(gone)
    return [value_text(old, 200)], [value_text(new, 200)], 0


def difference_text(change: FieldChange) -> str:
    """`motive: old -> new`; of a list the entries that go and come: `aliases: - old, + new (3 kept)`."""
    old, new, kept = sides(change)
    named = f"{'renamed' if change.field == 'value' and change.old and change.new else f'{visible(change.field)}:'} "
    if kept or len(old) != 1 or len(new) != 1:
        parts = [*(f"- {entry}" for entry in old), *(f"+ {entry}" for entry in new)]
        return f"{named}{', '.join(parts)}{f' ({kept:,} kept)' if kept else ''}"
    return f"{named}{old[0]} -> {new[0]}"


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


def exposure_text(exposure: Sequence[Exposure]) -> str:
    """`8 values (value 5, aliases 3); perhaps also, undocumented: 4 values (motive 4)`; `none` for none."""
    parts = []
    for visibility, opening in ((Visibility.PUBLIC, ""), (Visibility.UNDOCUMENTED, "perhaps also, undocumented: ")):
        seen = [item for item in exposure if item.visibility is visibility and item.values]
        if seen:
            listed = ", ".join(f"{item.field} {item.values:,}" for item in seen)
            parts.append(f"{opening}{count(sum(item.values for item in seen), 'value')} ({listed})")
    withheld = sum(item.withheld for item in exposure)
    if withheld:
        parts.append(f"{count(withheld, 'entry', 'entries')} marked purple, which the API withholds from others")
    return "; ".join(parts) or "none"


def cost_text(cost: Cost) -> str:
    """`1,041 calls, about 5 min 12 s (2 windows of the rate limit)`."""
    if not cost.calls:
        return "no call"
    windows = f" ({cost.windows} windows of the rate limit)" if cost.windows > 1 else ""
    return f"{count(cost.calls, 'call')}, about {duration(cost.seconds)}{windows}"
