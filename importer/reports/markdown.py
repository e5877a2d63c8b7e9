"""`plan --format markdown`: the plan as a comment for a pull request.

Every value stands in a code span: no name becomes a link, a mention, an image or a heading. The text stays below
`LIMIT` characters (a comment on GitHub holds 65,536), and says what was cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from importer.model import Action, Change, Issue, Outcome, Plan, Status
from importer.planning.cost import Cost
from importer.planning.exposure import Exposure
from importer.reports.foresight import cost_text, exposure_text
from importer.reports.issue_lines import grouped
from importer.reports.run_record import issues_of
from importer.reports.visible import shortened, visible
from importer.reports.wording import count, row_message, value_text

LIMIT: Final = 60_000
_SECTION_LIMIT: Final = 12_000
_RUNS: Final = re.compile("`+")
_TITLES: Final = (
    (Action.DELETE, "Delete"),
    (Action.UPDATE, "Update"),
    (Action.CREATE, "Create"),
    (Action.CONFLICT, "In conflict"),
    (Action.INVALID, "Invalid"),
)


def plan_markdown(
    plan: Plan, *, exposure: Sequence[Exposure] = (), cost: Cost | None = None, limit: int = LIMIT
) -> str:
    """The plan as GitHub-flavoured Markdown of at most `limit` characters."""
    counts = plan.counts()
    to_do = [f"{action.value} {counts[action]:,}" for action in Action if action.calls and counts[action]]
    parts = [
        f"### Tag plan: {', '.join(to_do) or 'nothing to do'}\n",
        "| | rows |\n|---|---:|\n"
        + "".join(f"| {action.value} | {counts[action]:,} |\n" for action in Action if counts[action])
        + f"| **in all** | **{len(plan.changes):,}** |\n",
        f"Account {code(plan.account)} ({count(plan.account_tags, 'tag')}), mode `{plan.mode}`, "
        f"mapping {', '.join(map(code, plan.mappings[:10])) or 'none'}.\n",
        "Sources: " + ", ".join(code(source.file) for source in plan.sources[:10])
        + (f" and {len(plan.sources) - 10:,} more" if len(plan.sources) > 10 else "") + "\n",
        f"**Visible to other accounts:** {exposure_text(exposure)}\n",
    ]  # fmt: skip
    if cost is not None:
        parts.append(f"Cost: {cost_text(cost)}.\n")
    text = "\n".join(parts)
    cut: list[str] = []
    for title, lines, total, opened in _sections(plan):
        room = min(_SECTION_LIMIT, limit - len(text) - 400)
        body, shown = _fitting(lines, room)
        if shown < total:
            cut.append(f"{title.lower()}: {shown:,} of {total:,}")
        if shown:
            tag = "<details open>" if opened else "<details>"
            text += f"\n{tag}<summary>{title} ({total:,})</summary>\n\n{body}\n</details>\n"
    if cut:
        text += f"\n_Cut short to fit a comment: {'; '.join(cut)} shown. `plan.json` has everything._\n"
    return text


def code(text: str, limit: int = 120) -> str:
    """`text` as a code span, on one line, whatever backticks it holds."""
    shown = visible(shortened(text, limit))
    if not shown.strip():
        return f"`'{shown}'`"
    fence = "`" * (max((len(run) for run in _RUNS.findall(shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _sections(plan: Plan) -> Iterator[tuple[str, Iterable[str], int, bool]]:
    """(title, lines, how many there are, whether it is open); what deserves a reviewer's eye comes first."""
    for action, title in _TITLES:
        changes = [change for change in plan.changes if change.action is action]
        if changes:
            yield title, map(_change, changes), len(changes), action in (Action.DELETE, Action.UPDATE)
    different = [change for change in plan.changes if change.action is Action.SKIP and change.differences]
    if different:
        yield "Skipped, but different", map(_change, different), len(different), False
    for severity, kind, issues in grouped(issues_of(plan)):
        yield f"{severity.value.capitalize()} {_word(kind)}", map(_issue, issues), len(issues), False


def _word(text: str) -> str:
    """A code for a title: letters, digits and hyphens only, since a summary holds HTML and no code span."""
    return re.sub(r"[^A-Za-z0-9-]", "", text)[:60]


def _change(change: Change) -> str:
    place = change.row.place() if change.row else None
    where = f" ({code(f'{place.file} {place.sheet}!{place.row}' if place.sheet else f'{place.file}:{place.row}')})"\
        if place else ""  # fmt: skip
    message = row_message(change, Outcome(change.key, Status.INVALID)) if change.issues else change.message
    why = f": {code(message, 300)}" if message else ""
    lines = [f"- {code(change.name)}{where}{why}\n"]
    lines += [
        f"  - {code(item.field)}: {code(value_text(item.old), 300)} → {code(value_text(item.new), 300)}\n"
        for item in change.differences
    ]
    return "".join(lines)


def _issue(issue: Issue) -> str:
    where = code(str(issue.place))
    value = f" {code(issue.value)}" if issue.value else ""
    near = f", nearest {code(issue.nearest)}" if issue.nearest else ""
    return f"- {where}{value}: {code(issue.message, 300)}{near}\n"


def _fitting(lines: Iterable[str], room: int) -> tuple[str, int]:
    """As many whole lines as fit into `room` characters, and how many these are."""
    taken: list[str] = []
    for line in lines:
        room -= len(line)
        if room < 0:
            break
        taken.append(line)
    return "".join(taken), len(taken)
