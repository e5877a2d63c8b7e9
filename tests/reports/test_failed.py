"""The failed rows can be imported again."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import python_calamine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.model import Action, Header, Place, RowRef, Table
from importer.reports.failed import failed_files, write_failed
from importer.sources.options import ReadOptions
from importer.sources.read import read
from importer.text.cell_text import is_formula

from .records import change, issue, plan, record, row

SHEET = Header("list.xlsx", "xlsx", ("Actor", "Alias", "Alias (2)"), ("A", "B", "C"), "Europe & co")
OTHER = Header("list.xlsx", "xlsx", ("Group", "Origin"), ("A", "B"), "Asia")


def invalid(folder: Path, *rows: RowRef) -> Path | None:
    return write_failed(folder, record(folder, plan([change(Action.INVALID, one) for one in rows])))


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def again(path: Path) -> list[tuple[str, ...]]:
    """The cells of each row, as our reader has them."""
    (found,) = (item for item in read([str(path)], ReadOptions()) if isinstance(item, Table))
    return [tuple(line) for line in found.frame.to_numpy().tolist()]


CELLS = st.text(st.sampled_from("'=+-@ \t\r\n\x00\ufeff\u200b\u2800\x1f＝＠a,;\"")) | st.text(  # noqa: RUF001
    st.characters(exclude_categories=["Cs"]), max_size=20
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_reading_undoes_what_writing_did(tmp_path: Path, lines: list[tuple[str, str]]) -> None:
    """Whatever the cells hold, failed.csv has no formula, and the reader gives back the very same text."""
    header = Header("x.csv", "csv", ("Name", "=Country", "Notes"), ("A", "B", "C"))
    # Among ordinary rows: a file of nothing but controls is taken for no text.
    lines = [*lines, *([("Freedonia", "Known for little, and seldom seen.")] * 60)]
    path = invalid(tmp_path, *(row(at, "Actor", *cells, header=header) for at, cells in enumerate(lines, 2)))
    assert path is not None
    assert not any(is_formula(cell) for line in table(path) for cell in line)
    assert [line[:-1] for line in again(path)] == [("Actor", *cells) for cells in lines]


def test_a_wrong_cell_of_a_workbook_has_its_reason_on_it(tmp_path: Path) -> None:
    """In failed.xlsx the reason is beside the row, and as a comment on the cell that it is about."""
    found = issue(Place("list.xlsx", "Asia", 2, "B", "Origin"))
    bad = [change(Action.INVALID, row(number, f"Lotus {number}", "Freedonia", header=OTHER), issues=(found,))
           for number in (2, 3)]  # fmt: skip
    path = write_failed(tmp_path, record(tmp_path, plan(bad)))
    assert path is not None
    sheet = openpyxl.load_workbook(path)["Asia"]
    assert sheet["C1"].value == "_reason"
    for line in ("2", "3"):
        assert "Freedonia" in str(sheet[f"C{line}"].value)
        comment = sheet[f"B{line}"].comment
        assert comment is not None
        assert "Freedonia" in comment.text


def test_only_what_needs_work_and_only_its_cells(tmp_path: Path) -> None:
    """failed.csv has the source's headers and cells, the reason of each row, and no row that is fine."""
    path = write_failed(tmp_path, record(tmp_path))
    assert path == tmp_path / "failed.csv"
    lines = table(path)
    assert [line[:-1] for line in lines] == [
        ["Name", "Country", "Notes"],
        ["Duck Soup", "Freedonia", ""],
        ["APT29", "RU", ""],
        ["\x1b[31mRed\u202eder", "", ""],
    ]
    assert lines[0][-1] == "_reason"
    assert 'B4 (Country): "Freedonia"' in lines[1][-1]
    assert path.stat().st_mode & 0o777 == 0o600


def test_cells_are_exact(tmp_path: Path) -> None:
    """What goes in comes out again: formulas, blanks, line breaks, quotes, NUL; no spreadsheet runs any of it."""
    cells = ("=1+1", ' "a",\r\nb ', "\x00\t=1")
    path = invalid(tmp_path, row(2, *cells))
    assert path is not None
    assert not any(is_formula(cell) for line in table(path) for cell in line)
    assert again(path)[0][:-1] == cells


def test_nothing_failed_leaves_nothing(tmp_path: Path) -> None:
    """No file is written when all is well, and that of an earlier report is taken away."""
    invalid(tmp_path, row(2, "a", "b", "c"))
    made = record(tmp_path, plan([change(Action.UNCHANGED, row(2, "a", "b", "c"))]))
    assert write_failed(tmp_path, made) is None
    assert failed_files(tmp_path) == []


def test_a_workbook_keeps_its_sheets_and_its_text(tmp_path: Path) -> None:
    """failed.xlsx has the source's sheets; formula-looking, numeric-looking and error-looking text stays text."""
    cells = ("=1+1", "007", "#N/A")
    path = invalid(tmp_path, row(5, *cells, header=SHEET), row(6, "Lotus", "CN", header=OTHER),
                   row(7, "a\x07b", "_x000D_", "-", header=SHEET))  # fmt: skip
    assert path == tmp_path / "failed.xlsx"
    assert path.stat().st_mode & 0o777 == 0o600
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Europe & co", "Asia"]
    assert [[cell.data_type for cell in line] for line in book["Europe & co"]][1][:3] == ["s", "s", "s"]
    sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_name("Europe & co").to_python()
    assert [line[:-1] for line in sheet[:2]] == [list(SHEET.columns), list(cells)]
    # Formulas stay out of the file altogether.
    assert [line[0].value for line in book["Asia"]] == ["Group", "Lotus"]


def test_a_cell_that_no_workbook_holds_goes_to_csv(tmp_path: Path) -> None:
    """A text over Excel's limit is not cut: its rows are written as CSV."""
    long = "x" * 40_000
    path = invalid(tmp_path, row(2, "a", long, "", header=SHEET))
    assert path == tmp_path / "failed.csv"
    assert table(path)[1][1] == long


def test_several_shapes_make_several_files(tmp_path: Path) -> None:
    """Tables that cannot share headers go into numbered files; objects of one kind share theirs."""
    two = Header("two.csv", "csv", ("Actor", "Land"), ("A", "B"))
    stix = Header("a.json", "stix", ("name", "country"))
    more = Header("b.json", "stix", ("name", "aliases"))
    invalid(tmp_path, row(2, "a", "b", "c"), row(2, "x", "y", header=two), row(1, "s", "RU", header=stix),
            row(1, "t", '["u"]', header=more), row(2, "w", header=SHEET))  # fmt: skip
    assert [path.name for path in failed_files(tmp_path)] == [
        "failed.csv",
        "failed.xlsx",
        "failed-2.csv",
        "failed-3.csv",
    ]
    assert [line[:-1] for line in table(tmp_path / "failed-3.csv")] == [
        ["name", "country", "aliases"], ["s", "RU", ""], ["t", "", '["u"]']
    ]  # fmt: skip


def test_odd_sheet_names_are_made_fit(tmp_path: Path) -> None:
    """A sheet name that XLSX forbids or that is too long does not stop the report."""
    names = ["a/b:c", "y" * 40, "y" * 45, ""]
    headers = [Header("x.ods", "ods", ("N",), ("A",), name) for name in names]
    path = invalid(tmp_path, *(row(2, "v", header=header) for header in headers))
    assert path is not None
    assert openpyxl.load_workbook(path).sheetnames == ["a_b_c", "y" * 31, "y" * 26 + " (2)", "Sheet1"]
