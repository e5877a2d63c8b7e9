"""The texts on the terminal and on a pipe."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from importer.fields.table import FIELDS
from importer.model import Issue, Place, Severity
from importer.planning.cost import Cost
from importer.reports import terminal
from importer.reports.formats import PlanResult, Validation
from importer.reports.listings import fields_lines, runs_lines, table_lines
from importer.reports.screen import Screen, plain
from importer.reports.terminal import issue_lines
from importer.reports.text import duration

from .records import EXPOSURE, issue, mixed_plan, record, row


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_plan_on_a_pipe() -> None:
    """The plan counts every row, lists what changes with old and new, and shows no hostile character."""
    text = plain(terminal.plan(PlanResult(mixed_plan(), exposure=EXPOSURE, cost=Cost(2, 0, 0, 0, 0.4, 1))))
    assert "  + create           2\n" in text
    assert "    rows             7\n" in text
    assert 'motive: "Fun" -> "Espionage"' in text
    assert (
        "Visible to other accounts: 4 values (aliases 4); perhaps also, undocumented: 2 values (motive 2); "
        "1 entry marked purple, which the API withholds from others\nCost: 2 calls, about 0.4 s\n"
    ) in text
    assert 'B4 (Country) [originCountryISO]: "Freedonia" this is not a country; nearest: France' in text
    assert text.endswith("To do: create 2, update 1.\n")
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_summary_adds_up(tmp_path: Path) -> None:
    """The summary's numbers add up to the rows, and it names the failed file and the resume command."""
    (tmp_path / "failed.csv").touch()
    lines = plain(terminal.run(record(tmp_path, stopped="Ctrl-C"))).splitlines()
    numbers = {line[:16].strip(): int(line[16:]) for line in lines if line[:2] == "  " and line[16:].strip().isdigit()}
    assert numbers.pop("rows") == sum(numbers.values()) == 7
    assert f"Continue with: tag-importer resume {tmp_path}" in lines
    assert f"Rows that need work: {tmp_path}/failed.csv" in lines
    assert any(line.startswith(f"Mend them, then: tag-importer apply {tmp_path}/failed.csv --mode ") for line in lines)


def test_issues_are_grouped_by_kind_and_file() -> None:
    """One heading a kind, errors first; the allowed words once; what is cut is counted."""
    issues = [
        Issue(Severity.WARNING, "odd", "looks odd", Place("b.csv", row=1, letter="A")),
        *(Issue(Severity.ERROR, "unknown-motive", "no motive", Place("a.xlsx", "S", n, "D", "Motive"), "motive",
                f"v{n}", ("Fun", "Fear")) for n in range(2, 6)),
    ]  # fmt: skip
    assert plain(issue_lines(issues, shown=2)).splitlines() == [
        "error unknown-motive (4 times)",
        "  a.xlsx",
        '    S!D2 (Motive) [motive]: "v2" no motive',
        '    S!D3 (Motive) [motive]: "v3" no motive',
        "    ... and 2 more of this kind",
        "  allowed: Fun, Fear",
        "warning odd  b.csv A1: looks odd",
    ]


def test_validation_counts_rows() -> None:
    """validate ends with a line whose parts add up to the rows."""
    bad = row(4, "Duck Soup", "Freedonia", "")
    found = Validation((), (), rows=3, invalid=1, left_out=1, issues=(issue(bad.place("Country")),))
    text = plain(terminal.validation(found))
    assert text.endswith("3 rows: 1 ready, 1 needs work (actors.csv row 4), 1 left out; 1 error\n")
    assert found.errors


def test_a_terminal_gets_colour_and_a_pipe_does_not() -> None:
    """The same lines: coloured on a terminal, without colour under NO_COLOR, bare on a pipe or a dumb terminal."""

    def shown(stream: io.StringIO, **environ: str) -> str:
        Screen.on(stream, {"TERM": "xterm", "COLUMNS": "200", **environ}).show(terminal.plan(PlanResult(mixed_plan())))
        return stream.getvalue()

    assert "\x1b[32m" in shown(Terminal())
    assert "\x1b[32m" not in shown(Terminal(), NO_COLOR="1")
    assert shown(io.StringIO()) == plain(terminal.plan(PlanResult(mixed_plan())))
    assert shown(Terminal(), TERM="dumb") == plain(terminal.plan(PlanResult(mixed_plan())))
    assert "\x1b[31mRed" not in shown(Terminal())


def test_width_is_respected() -> None:
    """No line on a terminal is wider than it."""
    stream = Terminal()
    Screen.on(stream, {"TERM": "xterm", "COLUMNS": "40", "NO_COLOR": "1"}).show([("word " * 50,)])
    assert max(map(len, stream.getvalue().splitlines())) <= 40


def test_wrapped_lines_keep_their_indent() -> None:
    """What does not fit a line continues under its beginning, not at the edge."""
    stream = Terminal()
    Screen.on(stream, {"TERM": "xterm", "COLUMNS": "30", "NO_COLOR": "1"}).show([("    ", ("word " * 12, "dim")), ()])
    lines = stream.getvalue().splitlines()
    assert lines[-1] == ""
    assert len(lines) == 4
    assert all(re.sub("\x1b[^m]*m", "", line).startswith("    word") for line in lines[:-1])


def test_markup_in_names_is_text() -> None:
    """A name like `[bold]x[/]` is printed as it is."""
    stream = Terminal()
    Screen.on(stream, {"TERM": "xterm", "NO_COLOR": "1"}).show([("[bold]x[/bold] :fire:",)])
    assert stream.getvalue() == "[bold]x[/bold] :fire:\n"


def test_tables_line_up() -> None:
    """Columns are padded by the width that a terminal gives wide characters."""
    text = plain(table_lines(("A", "B"), [("海莲", "x"), ("abcd", "y")])).splitlines()
    assert text == ["A     B", "海莲  x", "abcd  y"]


def test_every_field_is_printed() -> None:
    """`fields` prints each field of the table with who sees it."""
    text = plain(fields_lines(FIELDS))
    assert all(field.name in text for field in FIELDS)
    assert "undocumented" in text


def test_runs_are_listed() -> None:
    """`runs` shows id, state and counts, and says so when there are none."""
    assert plain(runs_lines([])) == "No run yet.\n"
    text = plain(runs_lines([{"run": "r1", "command": "apply", "state": "finished", "started": "2026-11-23T17:40:00Z",
                              "rows": 1041, "counts": {"created": 1041, "failed": 0}}]))  # fmt: skip
    assert "r1   apply    finished  2026-11-23 17:40:00  1,041  created 1,041" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (42.4, "42 s"), (200, "3 min 20 s"), (3900, "65 min"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    """Times are shown in the unit a person would use."""
    assert duration(seconds) == text


def test_what_is_said_of_many_rows_is_one_line() -> None:
    """Equal values are told once with their first cells, a kind of warning that comes again and again by an example."""
    same = [
        Issue(Severity.WARNING, "unknown-country", "is not a country", Place("a.csv", "", n, "C", "Country"),
              "originCountryISO", "Chnia") for n in range(2, 106)
    ]  # fmt: skip
    many = [
        Issue(Severity.WARNING, "partial-date", "has no day", Place("a.csv", "", n, "D", "Since"), "", f"{1900 + n}")
        for n in range(2, 60)
    ]
    assert plain(issue_lines([*same, *many], rest="see there")).splitlines() == [
        'warning unknown-country  a.csv 104 rows: C2 (Country), C3, C4, C5 and 100 more [originCountryISO]: "Chnia" is '
        "not a country",
        'warning partial-date (58 times), as  a.csv D2 (Since): "1902" has no day',
        "Of some kinds only one is shown; see there.",
    ]


def test_issues_by_row() -> None:
    """Each row has its issues under its place, errors first, and rows with errors come before the others."""
    issues = [
        Issue(Severity.WARNING, "odd", "looks odd", Place("a.csv", "", 2, "A", "Actor"), "value", "x"),
        Issue(Severity.WARNING, "odd", "looks odd", Place("a.csv", "", 5, "A", "Actor"), "value", "y"),
        Issue(Severity.ERROR, "bad", "is bad", Place("a.csv", "", 5, "B", "Motive"), "motive", "z"),
    ]
    assert plain(issue_lines(issues, rows=True)).splitlines() == [
        "a.csv row 5",
        '  error bad B5 (Motive) [motive]: "z" is bad',
        '  warning odd A5 (Actor) [value]: "y" looks odd',
        "a.csv row 2",
        '  warning odd A2 (Actor) [value]: "x" looks odd',
    ]
