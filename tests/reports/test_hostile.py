"""Whatever strangers wrote into a list, no report obeys it."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.model import (
    Action,
    Change,
    FieldChange,
    Header,
    Issue,
    Outcome,
    Place,
    Plan,
    RowRef,
    Severity,
    SourceFile,
    Table,
)
from importer.reports import json_text, markdown, terminal
from importer.reports.formats import PlanResult
from importer.reports.html import run_page
from importer.reports.markdown import LIMIT
from importer.reports.run_record import RunRecord
from importer.reports.screen import plain
from importer.reports.write import write_reports
from importer.text.cell_text import is_formula

from .records import record
from .test_html import Tags

# Any text at all, lone surrogates included, and what breaks terminals, spreadsheets and pages in particular.
TEXT = st.one_of(
    st.text(max_size=30),
    st.text(alphabet=st.characters(), max_size=10),
    st.sampled_from(
        ["\x1b[2J", "=cmd()", "\u202e", "\n", "`", "</script><script>x", "{{x}}", "\ud800", "", " @x", "'"]
    ),
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A plan in which every text came from a stranger."""

    def t() -> str:
        return draw(TEXT)

    header = Header(t(), draw(st.sampled_from(["csv", "xlsx", "stix", "json"])), tuple({t(): None, t(): None}), (), t())
    place = Place(t(), t(), 3, "B", t(), t())
    issue = Issue(draw(st.sampled_from(list(Severity))), t(), t(), place, t(), t(), (t(), t()), t())
    changes = tuple(
        Change(str(at), action, t(), one_row(header, at + 2, [t() for _ in header.columns], t()) if at % 3 else None,
               t(), {}, (FieldChange(t(), t(), [t(), {t(): t()}]),), t(), t(), (issue,))
        for at, action in enumerate(draw(st.lists(st.sampled_from(list(Action)), min_size=1, max_size=6)))
    )  # fmt: skip
    return Plan(t(), "create", changes, (SourceFile(t(), "csv", "0", 1, {t(): t()}),), (t(),), (issue,), account_tags=1)


def one_row(header: Header, number: int, cells: list[str], identifier: str) -> RowRef:
    return RowRef(Table.of_rows(header, [cells], [number], [identifier]), 0)


def made(folder: Path, planned: Plan, words: str) -> RunRecord:
    ended = {"0": Outcome("0", next(iter(record(folder).outcomes.values())).status, words, 1, words, words)}
    return record(folder, planned, ended, stopped=words, hint=words)


@settings(max_examples=150, deadline=None)
@given(plans(), TEXT)
def test_the_terminal_shows_and_does_not_obey(planned: Plan, words: str) -> None:
    """No control character reaches the terminal or a comment: no line can be moved, recoloured or forged."""
    run = made(Path("run"), planned, words)
    result = PlanResult(planned)
    shown = plain(terminal.plan(result)) + plain(terminal.run(run)) + markdown.plan(result) + markdown.run(run)
    bad = {char for char in shown if unicodedata.category(char) in ("Cc", "Cs") and char != "\n"}
    assert not bad
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\u2029]", shown)
    assert len(markdown.plan(result)) <= LIMIT
    text = json_text.plan(result)
    assert [change["name"] for change in json.loads(text)["changes"]] == [change.name for change in planned.changes]
    assert not any(unicodedata.category(char) in ("Cc", "Cs") and char != "\n" for char in text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans(), TEXT)
def test_the_files_stay_what_they_are(tmp_path: Path, planned: Plan, words: str) -> None:
    """results.csv has a line a row and no formula, the page no element of theirs, each JSON one document."""
    run = made(tmp_path, planned, words)
    write_reports(run)
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.reader(stream))
    assert len(table) == 1 + len(planned.changes)
    assert len({len(line) for line in table}) == 1
    assert not any(is_formula(cell) for line in table for cell in line)
    tags = Tags(run_page(run)).tags
    assert not {tag for tag, _ in tags} & {"img", "iframe", "form", "object", "link"}
    assert sum(tag == "script" for tag, _ in tags) == 2  # the rows as data, and what shows them
    assert all(str(attrs["href"]).startswith(("#", "./")) for tag, attrs in tags if tag == "a")
    assert json.loads((tmp_path / "summary.json").read_text("utf-8"))["totals"]["agree"]
    assert json.loads(json_text.plan(PlanResult(planned)))["rows"] == sum(
        change.row is not None for change in planned.changes
    )
    assert len(json.loads(json_text.run(run))["results"]) == len(planned.changes)
