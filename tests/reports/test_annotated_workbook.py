"""The workbook handed back: what must change is changed, everything else is byte for byte the person's own."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.workbook.defined_name import DefinedName
from python_calamine import load_workbook

from importer.errors import SourceError
from importer.model import Issue, Place, Severity
from importer.reports.annotated_workbook import DropDown, annotate
from importer.sources.xlsx_parts import ISSUES_TITLE

BOOK = "actors.xlsx"


def a_book() -> bytes:
    """Two sheets: actors with a chart, a comment, a formula and colours, and one that nothing is wrong with."""
    book = openpyxl.Workbook()
    actors: Any = book.active
    actors.title = "It's <A&B>"
    actors.append(["Actor", "Country", "Motive"])
    actors.append(["Amber Jackal", "Chnia", "Espionage"])
    actors.append(["Tin Weasel", "IR", None])
    actors["A2"].font = Font(bold=True)
    actors["B2"].fill = PatternFill("solid", fgColor="FF00FF00")
    actors["A3"].comment = Comment("seen by Ann", "Ann")
    actors["D2"] = "=1+1"
    chart = BarChart()
    chart.add_data(Reference(actors, min_col=4, min_row=2, max_row=2))
    actors.add_chart(chart, "F2")
    other = book.create_sheet("Other")
    other.append(["nothing here"])
    actors.defined_names["here"] = DefinedName("here", attr_text="'It''s <A&B>'!$A$1")
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def at(cell: str, severity: Severity = Severity.ERROR, message: str = "is not a country", **more: Any) -> Issue:
    found = re.fullmatch(r"([A-Z]+)(\d+)", cell)
    assert found is not None
    return Issue(severity, "code", message, Place(BOOK, "It's <A&B>", int(found[2]), found[1], "Country"), **more)


def annotated(data: bytes, *issues: Issue, drop_downs: Sequence[DropDown] = ()) -> bytes:
    target = io.BytesIO()
    annotate(BOOK, io.BytesIO(data), target, issues, drop_downs)
    return target.getvalue()


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def opened(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


def cells(data: bytes) -> dict[str, list[list[Any]]]:
    book = load_workbook(io.BytesIO(data))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_only_what_must_change_is_changed() -> None:
    """Every part but the sheet, its comments, the styles and the lists of parts is byte for byte what it was."""
    data = a_book()
    before, after = parts(data), parts(annotated(data, at("B2")))
    changed = {name for name, content in before.items() if after[name] != content}
    assert changed == {
        "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels",
        "[Content_Types].xml", "xl/comments/comment1.xml", "xl/drawings/commentsDrawing1.vml",
    }  # fmt: skip
    assert any("chart" in name for name in before)


def test_the_cells_hold_what_they_held() -> None:
    """All cells of all sheets are the same, and the new sheet comes first."""
    data = a_book()
    before, after = cells(data), cells(annotated(data, at("B2"), at("C3"), at("Z9")))
    names = list(after)
    assert names == ["Issues", *before]
    for name, rows in before.items():
        assert [row[: len(rows[0])] for row in after[name][: len(rows)]] == rows


def test_a_faulty_cell_is_tinted_and_keeps_its_format() -> None:
    """The colour goes by severity, the rest of the cell's format stays, and other cells keep theirs."""
    sheet = opened(annotated(a_book(), at("A2"), at("C3", Severity.WARNING), at("Z9", Severity.INFO)))["It's <A&B>"]
    assert (sheet["A2"].fill.fgColor.rgb, sheet["A2"].font.bold) == ("FFFFC7CE", True)
    assert (sheet["C3"].fill.fgColor.rgb, sheet["C3"].font.bold) == ("FFFFEB9C", False)
    assert sheet["Z9"].fill.fgColor.rgb == "FFDDEBF7"
    assert sheet["B2"].fill.fgColor.rgb == "FF00FF00"


def test_a_comment_says_what_is_wrong_and_what_would_be_right() -> None:
    """Each faulty cell carries all its issues, the worst first; a person's own comment stays in front of them."""
    book = annotated(
        a_book(),
        at("B2", Severity.INFO, "is short"),
        at("B2", nearest="China", allowed=("CN", "IR")),
        at("A3", message="is <taken> & {gone}"),
    )
    sheet = opened(book)["It's <A&B>"]
    assert sheet["B2"].comment.text == "is not a country Did you mean China? Allowed: CN, IR.\nis short"
    assert sheet["A3"].comment.text == "seen by Ann\ntag-importer: is <taken> & {gone}"
    assert sheet["A1"].comment is None


def test_the_sheet_in_front_links_to_the_cells() -> None:
    """A line for each issue, errors first, with a link that finds a sheet whose name needs quotes."""
    issues = [
        at("B2", Severity.WARNING, "is odd"),
        at("C3", value="Spying"),
        Issue(Severity.INFO, "c", "m", Place(BOOK)),
    ]
    sheet = opened(annotated(a_book(), *issues))["Issues"]
    assert sheet["A1"].value == ISSUES_TITLE
    assert [cell.value for cell in sheet[3]][:5] == ["error", "It's <A&B>!C3", "Country", "Spying", "is not a country"]
    assert [sheet.cell(row, 1).value for row in (3, 4, 5)] == ["error", "warning", "info"]
    assert sheet["B3"].hyperlink.location == "'It''s <A&B>'!C3"
    assert sheet["B5"].hyperlink is None


def test_what_counts_sheets_by_position_counts_one_more() -> None:
    """A name that belongs to one sheet belongs to the same one afterwards, and one sheet alone is selected."""
    book = opened(annotated(a_book(), at("B2")))
    assert "here" in book["It's <A&B>"].defined_names
    assert "here" not in book["Issues"].defined_names
    assert book.active.title == "Issues"
    assert not book["It's <A&B>"].sheet_view.tabSelected
    calm = opened(annotated(a_book()))
    assert calm.active.title == "It's <A&B>", "a sheet that is not touched stays the selected one"


def test_a_second_time_replaces_the_sheet_in_front() -> None:
    """A workbook that has been annotated before gets no second sheet of issues."""
    once = annotated(a_book(), at("B2"), at("C3"))
    twice = opened(annotated(once, at("C3")))
    assert twice.sheetnames == ["Issues", "It's <A&B>", "Other"]
    assert twice["Issues"].max_row == 3


def test_a_column_offers_the_words_it_may_hold() -> None:
    """A drop-down lies on the column, warns only, and leaves a person's own one alone."""
    down = DropDown("It's <A&B>", "C", 2, 3, ('Say "so"', "Espionage"))
    data = annotated(a_book(), drop_downs=[down])
    (rule,) = opened(data)["It's <A&B>"].data_validations.dataValidation
    assert (rule.formula1, str(rule.sqref), rule.errorStyle) == ('"Say ""so"",Espionage"', "C2:C3", "warning")
    again = opened(annotated(data, drop_downs=[down, DropDown("It's <A&B>", "B", 2, 3, ("a", "b"))]))
    assert len(again["It's <A&B>"].data_validations.dataValidation) == 2


def test_a_merged_cell_is_marked_where_it_is_seen() -> None:
    """Of merged cells only the first is visible: it takes the colour and the comment."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "It's <A&B>"
    sheet["A1"], sheet["A2"] = "Actor", "Tin Weasel"
    sheet.merge_cells("A2:B3")
    stream = io.BytesIO()
    book.save(stream)
    shown = opened(annotated(stream.getvalue(), at("B3")))["It's <A&B>"]
    assert shown["A2"].fill.fgColor.rgb == "FFFFC7CE"
    assert shown["A2"].comment.text == "is not a country"


def test_what_is_no_workbook_is_refused_with_a_way_out() -> None:
    """An archive that is not a workbook's ends in one sentence and a hint, and nothing is left behind."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    with pytest.raises(SourceError, match=r"actors\.xlsx was not annotated"):
        annotated(stream.getvalue(), at("B2"))


def test_strangers_workbooks_keep_their_cells_and_parts(catalogs: Path) -> None:
    """Whatever a stranger's workbook holds is in the annotated one, cell by cell and part by part."""
    tried = 0
    for path in sorted(catalogs.rglob("*.xls[xm]")):
        data = path.read_bytes()
        try:
            before = cells(data)
        except BaseException:
            continue
        issue = Issue(Severity.ERROR, "code", "is odd", Place(BOOK, next(iter(before)), 2, "B"))
        try:
            made = annotated(data, issue)
        except SourceError:
            continue
        tried += 1
        after = cells(made)
        assert list(after)[1:] == list(before), path
        left = parts(data)
        kept = [name for name, content in parts(made).items() if left.get(name) == content]
        touched = set(left) - set(kept)
        assert len(touched) <= 8, path
    assert tried > 80
