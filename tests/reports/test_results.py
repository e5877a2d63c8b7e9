"""results.csv accounts for every row."""

from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.model import Action, Header, Plan, Status, Table
from importer.reports.results import OWN_COLUMNS, write_results
from importer.text.cell_text import guarded, is_formula

from .records import HEADER, change, issue, mixed_plan, outcomes, plan, record, row


def written(folder: Path, planned: Plan | None = None) -> list[list[str]]:
    write_results(folder / "results.csv", record(folder, planned))
    with (folder / "results.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_every_row_stands_once_in_source_order(tmp_path: Path) -> None:
    """Each input row has exactly one line, in source order, with all source columns before ours."""
    table = written(tmp_path)
    assert table[0] == [*HEADER.columns, *OWN_COLUMNS]
    assert [line[5] for line in table[1:]] == ["2", "3", "4", "5", "6", "7", "8"]
    assert [line[7] for line in table[1:]] == [
        "created", "created", "invalid", "unchanged", "skipped", "not_attempted", "conflict",
    ]  # fmt: skip
    assert table[1][2] == 'say "hi", twice\nand again'
    assert table[1][10] == "11111111-2222-4333-8444-555555555555"


def test_messages_say_where_and_what(tmp_path: Path) -> None:
    """The message of an invalid row names the cell, the value and the nearest allowed word."""
    line = written(tmp_path)[3]
    assert line[8] == "unknown-country"
    assert line[9] == 'B4 (Country): "Freedonia" this is not a country; nearest: France'


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """A spreadsheet that opens results.csv finds nothing to execute, in cells, headers or messages."""
    header = Header("x.csv", "csv", ("=Name", "Note"), ("A", "B"))
    bad = row(2, "=1+1", "  @SUM(1)", header=header)
    rows = [
        change(Action.INVALID, bad, message="=HYPERLINK()"),
        change(Action.SKIP, row(3, "\t=1", "-", header=header)),
    ]
    for line in written(tmp_path, plan(rows)):
        assert not any(is_formula(cell) for cell in line)
    assert written(tmp_path, plan(rows))[1][0] == "'=1+1"


@pytest.mark.parametrize(
    "cell",
    ["=1", "+1", "-1", "@x", "\t=1", "\tx", "\rx", "\nx", " =1", "\u00a0=1", "\x1f=1", "＝1", "－1", "＋1", "＠x"],  # noqa: RUF001
)
def test_a_cell_that_may_run_gets_an_apostrophe(tmp_path: Path, cell: str) -> None:
    """Each beginning that a spreadsheet may take for a formula: a sign, behind blanks too, a tab, a line break."""
    assert written(tmp_path, plan([change(Action.CREATE, row(2, "A", cell))]))[1][1] == f"'{cell}"


@pytest.mark.parametrize("cell", ["1=1", "a\t=1", " x", "'1", "", "x\n=1"])
def test_a_cell_that_runs_nothing_stays_as_it_is(tmp_path: Path, cell: str) -> None:
    """An apostrophe comes before nothing else."""
    assert written(tmp_path, plan([change(Action.CREATE, row(2, "A", cell))]))[1][1] == cell


def test_tables_with_different_columns_share_the_file(tmp_path: Path) -> None:
    """Columns of several tables are joined, each cell stays under its own header word."""
    other = Header("two.xlsx", "xlsx", ("Actor", "Country"), ("A", "B"), "Sheet2")
    table = written(tmp_path, plan([change(Action.CREATE, row(2, "A", "RU", "n")),
                                    change(Action.CREATE, row(9, "B", "CN", header=other))]))  # fmt: skip
    assert table[0][:4] == ["Name", "Country", "Notes", "Actor"]
    assert table[1][:4] == ["A", "RU", "n", ""]
    assert table[2][:4] == ["", "CN", "", "B"]
    assert table[2][4:7] == ["two.xlsx", "Sheet2", "9"]


def test_tags_without_a_row_are_named(tmp_path: Path) -> None:
    """A tag that undo or prune deletes has a line too, with its name under `value`."""
    table = written(tmp_path, plan([change(Action.DELETE, None, "Gone", uuid="u-1")]))
    assert table[0] == ["value", *OWN_COLUMNS]
    assert table[1] == ["Gone", "", "", "", "delete", "not_attempted", "not-attempted", "Not attempted.", "u-1", "0"]


def test_older_results_give_way(tmp_path: Path) -> None:
    """results.csv read as a source does not end in two columns called `_status`."""
    header = Header("results.csv", "csv", ("Name", *OWN_COLUMNS), ())
    table = written(tmp_path, plan([change(Action.SKIP, row(2, "A", *"abcdefghi", header=header))]))
    assert table[0] == ["Name", *OWN_COLUMNS]
    assert table[1][0] == "A"
    assert table[1][5] == "skipped"


def test_the_file_is_private_and_whole(tmp_path: Path) -> None:
    """Nobody else may read the file, and no half-written file is left beside it."""
    written(tmp_path)
    assert (tmp_path / "results.csv").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=3, max_size=3))
def test_cells_come_back_as_they_were(tmp_path: Path, cells: list[str]) -> None:
    """Any text survives the file; only a formula gains its apostrophe."""
    line = written(tmp_path, plan([change(Action.CREATE, row(2, *cells))]))[1]
    assert line[:3] == list(map(guarded, cells))


def test_a_row_takes_little_memory(tmp_path: Path) -> None:
    """Writing 20,000 rows takes less than a kilobyte for each, beyond the plan."""
    table = Table.of_rows(HEADER, [(f"A{number}", "RU", "n") for number in range(20_000)], range(20_000))
    rows = [change(Action.CREATE, one, f"A{one.position}") for one in table.rows()]
    made = record(tmp_path, plan(rows), outcomes(*((one.key, Status.CREATED) for one in rows)))
    tracemalloc.start()
    write_results(tmp_path / "results.csv", made)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_counts_add_up() -> None:
    """Whatever became of the rows, their statuses add up to their number."""
    made = record(Path())
    assert sum(made.counts().values()) == made.plan.rows == len(mixed_plan().changes)
    assert issue(row(1, "").place("Country")).place.cell == "B1"
