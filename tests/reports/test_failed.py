"""The failed rows can be imported again."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import python_calamine

from importer.model import Action, Header, RowRef
from importer.reports.failed import failed_files, write_failed

from .records import change, plan, record, row

SHEET = Header("list.xlsx", "xlsx", ("Actor", "Alias", "Alias (2)"), ("A", "B", "C"), "Europe & co")
OTHER = Header("list.xlsx", "xlsx", ("Group", "Origin"), ("A", "B"), "Asia")


def invalid(folder: Path, *rows: RowRef) -> Path | None:
    return write_failed(folder, record(folder, plan([change(Action.INVALID, one) for one in rows])))


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_only_what_needs_work_and_only_its_cells(tmp_path: Path) -> None:
    """failed.csv has the source's headers and exact cells, formulas unguarded, and no row that is fine."""
    path = write_failed(tmp_path, record(tmp_path))
    assert path == tmp_path / "failed.csv"
    assert table(path) == [
        ["Name", "Country", "Notes"],
        ["Duck Soup", "Freedonia", ""],
        ["APT29", "RU", ""],
        ["\x1b[31mRed\u202eder", "", ""],
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_cells_are_exact(tmp_path: Path) -> None:
    """What goes in comes out again: formulas, blanks, line breaks, quotes, NUL."""
    cells = ("=1+1", ' "a",\r\nb ', "\x00\t")
    path = invalid(tmp_path, row(2, *cells))
    assert path is not None
    assert table(path)[1] == list(cells)


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
    assert [[cell.data_type for cell in line] for line in book["Europe & co"]][1] == ["s", "s", "s"]
    sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_name("Europe & co").to_python()
    assert sheet[:2] == [list(SHEET.columns), list(cells)]
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
    assert table(tmp_path / "failed-3.csv") == [["name", "country", "aliases"], ["s", "RU", ""], ["t", "", '["u"]']]


def test_odd_sheet_names_are_made_fit(tmp_path: Path) -> None:
    """A sheet name that XLSX forbids or that is too long does not stop the report."""
    names = ["a/b:c", "y" * 40, "y" * 45, ""]
    headers = [Header("x.ods", "ods", ("N",), ("A",), name) for name in names]
    path = invalid(tmp_path, *(row(2, "v", header=header) for header in headers))
    assert path is not None
    assert openpyxl.load_workbook(path).sheetnames == ["a_b_c", "y" * 31, "y" * 26 + " (2)", "Sheet1"]
