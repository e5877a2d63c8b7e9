"""`--format markdown`: a plan, a validation or a run as a comment for a pull request.

Every value is in a code span: no name becomes a link, a mention, an image or a heading. The text stays below
`LIMIT` characters (a comment on GitHub holds 65,536), and says what was cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from importer.model import Action, Change, FieldChange, Issue, Outcome, Pair, Plan, SourceFile, Status
from importer.planning.collisions import speaks_for
from importer.reports.formats import Listing, PlanResult, Validation
from importer.reports.issue_groups import by_kind
from importer.reports.pairs import others
from importer.reports.run_record import RunRecord, issues_of
from importer.reports.screen import plain
from importer.reports.terminal import stop_text
from importer.reports.text import cost_text, count, exposure_text, row_message, shortened, sides, visible

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


_Section = tuple[str, Iterable[str], int, bool]
"""Title, lines, how many there are, whether it is open."""


def plan(result: PlanResult, *, limit: int = LIMIT) -> str:
    """The plan as GitHub-flavoured Markdown of at most `limit` characters."""
    plan = result.plan
    counts = plan.counts()
    to_do = [f"{action.value} {counts[action]:,}" for action in Action if action.calls and counts[action]]
    facts = [f"**Made elsewhere:** {code(result.origin, 400)}\n"] if result.origin else []
    facts += [
        f"Account {code(plan.account)} ({count(plan.account_tags, 'tag')}), mode `{plan.mode}`, "
        f"mapping {_mappings(plan.mappings)}.\n",
        _sources(plan.sources),
        f"**Visible to other accounts:** {exposure_text(result.exposure)}\n",
    ]
    if result.cost is not None:
        facts.append(f"Cost: {cost_text(result.cost)}.\n")
    sections = [*_change_sections(plan), *_pair_section(plan.pairs), *_issue_sections(others(issues_of(plan)))]
    return _document(f"Tag plan: {', '.join(to_do) or 'nothing to do'}", counts, facts, sections, limit)


def validation(validation: Validation) -> str:
    """What is wrong in the sources."""
    counts = {"valid": validation.valid, "invalid": validation.invalid, "left out": validation.left_out}
    title = f"Validation: {validation.invalid:,} of {count(validation.rows, 'row')} invalid"
    facts = [f"Mapping {_mappings(validation.mappings)}.\n", _sources(validation.sources)]
    sections = [*_issue_sections(others(validation.issues)), *_pair_section(validation.pairs)]
    return _document(title, counts, facts, sections)


def run(record: RunRecord) -> str:
    """How a run ended, with the rows that need work."""
    facts = [f"Run {code(record.run)}, account {code(record.plan.account)}; report in {code(str(record.folder))}.\n"]
    if record.hint:
        facts.append(f"{code(record.hint, 300)}\n")
    work = [(change, outcome) for change, outcome in record.ended() if outcome.status.needs_work]
    sections = [*_issue_sections(record.plan.notes)]
    if work:
        sections.insert(0, ("Rows that need work", (_change(*one) for one in work), len(work), True))
    state = code(stop_text(record), 300) if record.stopped else "finished"
    return _document(f"Tag import: {state}", record.counts(), facts, sections)


def listing(listing: Listing) -> str:
    """The lines in a block of code."""
    text = plain(listing.lines)
    fence = "`" * max(3, 1 + max((len(run) for run in _RUNS.findall(text)), default=0))
    return f"{fence}text\n{text}{fence}\n"


def _document(
    title: str, counts: Mapping[str, int], facts: Iterable[str], sections: Iterable[_Section], limit: int = LIMIT
) -> str:
    """A heading, a table of the counts, what else there is to say; then sections, as far as they fit."""
    table = "".join(f"| {name.replace('_', ' ')} | {number:,} |\n" for name, number in counts.items() if number)
    table = f"| | rows |\n|---|---:|\n{table}| **in all** | **{sum(counts.values()):,}** |\n"
    text = "\n".join([f"### {title}\n", table, *facts])
    cut: list[str] = []
    for name, lines, total, opened in sections:
        room = min(_SECTION_LIMIT, limit - len(text) - 400)
        body, shown = _fitting(lines, room)
        if shown < total:
            cut.append(f"{name.lower()}: {shown:,} of {total:,}")
        if shown:
            tag = "<details open>" if opened else "<details>"
            text += f"\n{tag}<summary>{name} ({total:,})</summary>\n\n{body}\n</details>\n"
    if cut:
        text += f"\n_Cut short to fit a comment: {'; '.join(cut)} shown. `--format json` has everything._\n"
    return text


def _mappings(mappings: Sequence[str]) -> str:
    return ", ".join(map(code, mappings[:10])) or "none"


def _sources(sources: Sequence[SourceFile]) -> str:
    more = f" and {len(sources) - 10:,} more" if len(sources) > 10 else ""
    return f"Sources: {', '.join(code(source.file) for source in sources[:10])}{more}\n"


def code(text: str, limit: int = 120) -> str:
    """`text` as a code span, on one line, whatever backticks it holds."""
    shown = visible(shortened(text, limit))
    if not shown.strip():
        return f"`'{shown}'`"
    fence = "`" * (max((len(run) for run in _RUNS.findall(shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _change_sections(plan: Plan) -> Iterator[_Section]:
    """What deserves a reviewer's eye comes first."""
    for action, title in _TITLES:
        changes = [change for change in plan.changes if change.action is action]
        if changes:
            yield title, map(_change, changes), len(changes), action in (Action.DELETE, Action.UPDATE)
    different = [change for change in plan.changes if change.action is Action.SKIP and change.differences]
    if different:
        yield "Skipped, but different", map(_change, different), len(different), False


def _issue_sections(issues: Iterable[Issue]) -> Iterator[_Section]:
    for severity, kind, found in by_kind(issues):
        yield f"{severity.value.capitalize()} {_word(kind)}", map(_issue, found), len(found), False


def _pair_section(pairs: Sequence[Pair]) -> Iterator[_Section]:
    """Those that a person has to decide."""
    asked = [pair for pair in pairs if pair.open]
    lines = (
        f"- {code(pair.one.seen_from(''))} | {code(pair.other.seen_from(''))}: {code(speaks_for(pair), 300)}\n"
        for pair in asked
    )
    if asked:
        yield "Pairs of actors that may be one", lines, len(asked), False


def _word(text: str) -> str:
    """A code for a title: letters, digits and hyphens only, since a summary holds HTML and no code span."""
    return re.sub(r"[^A-Za-z0-9-]", "", text)[:60]


def _change(change: Change, outcome: Outcome | None = None) -> str:
    place = change.row.place() if change.row else None
    where = f" ({code(f'{place.file} {place.sheet}!{place.row}' if place.sheet else f'{place.file}:{place.row}')})"\
        if place else ""  # fmt: skip
    if outcome is None and change.issues:
        outcome = Outcome(change.key, Status.INVALID)
    message = row_message(change, outcome) if outcome else change.message
    why = f": {code(message, 300)}" if message else ""
    lines = [f"- {code(change.name)}{where}{why}\n"]
    lines += [f"  - {code(item.field)}: {_difference(item)}\n" for item in change.differences]
    return "".join(lines)


def _difference(change: FieldChange) -> str:
    """Old and new; of a list the entries that go and come."""
    old, new, kept = sides(change)
    if kept or len(old) != 1 or len(new) != 1:
        parts = [*(f"- {code(entry, 300)}" for entry in old), *(f"+ {code(entry, 300)}" for entry in new)]
        return ", ".join(parts) + (f" ({kept:,} kept)" if kept else "")
    return f"{code(old[0], 300)} → {code(new[0], 300)}"


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
