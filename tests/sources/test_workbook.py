"""Workbooks: sheets, headers and cells as a person sees them, with exact references."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from importer.errors import SourceError
from importer.model import Severity
from importer.sources.options import Limits
from importer.sources.workbook_child import _guarded

from .reading import got, written


def workbook(path: Path, fill: Callable[[Any], None]) -> Path:
    """A workbook that `fill` has filled."""
    import openpyxl

    book = openpyxl.Workbook()
    fill(book)
    book.save(path)
    return path


def changed(path: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    """The same workbook with one member's bytes changed."""
    out = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name.endswith(member) else data)
    return out


def test_cells_are_what_a_person_sees(tmp_path: Path) -> None:
    """Whole numbers without `.0`, TRUE, ISO dates, error words; each with its reference, wherever the table stands."""

    def fill(book: Any) -> None:
        sheet = book.active
        sheet.title = "Actors"
        values = [
            5.0,
            0.1 + 0.2,
            True,
            dt.date(2024, 1, 2),
            dt.datetime.fromisoformat("2024-01-02T03:04:05"),
            dt.time(1, 2, 3),
            "#N/A",
            "007",
        ]
        sheet["C5"], sheet["D5"] = "Name", "Value"
        for row, value in enumerate(values, 6):
            sheet.cell(row, 3, f"A{row}")
            sheet.cell(row, 4, value)

    read = got(workbook(tmp_path / "a.xlsx", fill))
    assert read.column("Value") == ["5", "0.3", "TRUE", "2024-01-02", "2024-01-02 03:04:05", "01:02:03", "#N/A", "007"]
    assert read.rows[0].place("Value").cell == "Actors!D6"
    assert [(issue.code, issue.place.cell) for issue in read.row_issues()] == [("error-cell", "Actors!D12")]


def test_each_sheet_has_its_own_header(tmp_path: Path) -> None:
    """Sheets of actors are read with titles above and columns of their own; others are left out with a word."""

    def fill(book: Any) -> None:
        china = book.active
        china.title = "China"
        for row in (["China"], ["Common Name", "Other Name 1"], ["APT1", "Comment Crew"]):
            china.append(row)
        russia = book.create_sheet("Russia")
        for row in (["Common Name", "Toolset", "Targets"], ["APT28", "X", "Y"]):
            russia.append(row)
        notes = book.create_sheet("README")
        notes.append(["Topic", "Comment"])
        notes.append(["a", "b"])
        tools = book.create_sheet("_Malware")
        tools.append(["Name", "Family"])
        tools.append(["Gh0st", "RAT"])
        book.create_sheet("Empty")

    path = workbook(tmp_path / "a.xlsx", fill)
    read = got(path)
    assert [(table.header.sheet, table.header.columns) for table in read.tables] == [
        ("China", ("Common Name", "Other Name 1")),
        ("Russia", ("Common Name", "Toolset", "Targets")),
    ]
    left_out = {issue.place.sheet: issue.code for issue in read.notes if issue.code != "above-header"}
    assert left_out == {"README": "left-out-sheet", "_Malware": "left-out-sheet", "Empty": "empty-sheet"}
    assert got(path, sheets=("_malware",)).cells == [("Gh0st", "RAT")]
    with pytest.raises(SourceError, match="no sheet called Iran"):
        got(path, sheets=("Iran",))


def test_a_formula_that_was_never_calculated_is_told(tmp_path: Path) -> None:
    """A formula without a stored value is not a blank cell: it is told, wherever it stands; an empty result is one."""

    def fill(book: Any) -> None:
        rows = (["Name", "Alias", "Note"], ["A", "=A2", "x"], ["B", "=A3", "=A3"], ["=A2", None, None], ["=A3"])
        for row in rows:
            book.active.append(row)

    def empty(data: bytes) -> bytes:
        assert b'<c r="B2"><f>A2</f><v' in data
        data = re.sub(rb'<c r="B2"><f>A2</f><v ?/>', b'<c r="B2" t="str"><f>A2</f><v></v>', data)
        return re.sub(rb'<c r="C3"><f>A3</f><v ?/>', b'<c r="C3"><f>A3&gt;1</f>', data)

    read = got(changed(workbook(tmp_path / "a.xlsx", fill), "sheet1.xml", empty))
    assert read.cells == [("A", "", "x"), ("B", "", "")]
    told = [(issue.code, issue.place.cell) for issue in [*read.row_issues(), *read.notes]]
    assert told == [("formula-without-value", f"Sheet!{cell}") for cell in ("B3", "C3", "A4", "A5")]


def test_unknown_headers_are_left_to_the_mapping(tmp_path: Path) -> None:
    """Where no sheet has a usual word for the name, all tables are handed on; the mapping's own word decides else."""

    def fill(book: Any) -> None:
        for row in (["Zwer", "Zwoher"], ["APT1", "CN"]):
            book.active.append(row)
        other = book.create_sheet("Other")
        for row in (["Was", "Wo"], ["x", "y"]):
            other.append(row)

    path = workbook(tmp_path / "a.xlsx", fill)
    assert [table.header.sheet for table in got(path).tables] == ["Sheet", "Other"]
    assert [table.header.sheet for table in got(path, name_columns=("zwer",)).tables] == ["Sheet"]


def test_every_usual_word_for_the_name_counts(tmp_path: Path) -> None:
    """Sheets headed `Actor`, `Threat Group Name`, `Attacker`, `ThreatActor` are all read; one above more is a title."""

    def fill(book: Any) -> None:
        for number, word in enumerate(("Actor", "Threat Group Name", "Attacker", "ThreatActor", "Actor group (main)")):
            sheet = book.create_sheet(f"List {number}")
            for row in ([word, "Country"], [f"Zed{number}", "Iran"]):
                sheet.append(row)
        sheet = book.create_sheet("Titled")
        for row in (
            ["Actors", "x", "y"],
            ["Threat Group Name", "Also Known As", "Suspected Country"],
            ["Z", "q", "CN"],
        ):
            sheet.append(row)

    read = got(workbook(tmp_path / "a.xlsx", fill))
    assert [row.cells[0] for row in read.rows] == ["Zed0", "Zed1", "Zed2", "Zed3", "Zed4", "Z"]
    assert read.tables[-1].header.columns[0] == "Threat Group Name"


def test_a_sheet_that_may_list_actors_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """Rows under `Groupage` or `Aliases` may be lost actors; a sheet of tools or of prose is no loss."""

    def fill(book: Any) -> None:
        book.active.title = "Actors"
        for title, *rows in (
            ("Actors", ["Actor"], ["A"]),
            ("New", ["Groupage", "Zwhere"], ["B", "Iran"]),
            ("Old", ["Zwho", "Aliases"], ["C", "D"]),
            ("Werkzeuge", ["Name", "Typ"], ["Mimikatz", "Tool"]),
            ("Plain", ["Was", "Wo"], ["x", "y"]),
        ):
            sheet = book.active if title == "Actors" else book.create_sheet(title)
            for row in rows:
                sheet.append(row)

    read = got(workbook(tmp_path / "a.xlsx", fill))
    assert {issue.place.sheet: issue.severity for issue in read.notes if issue.code == "left-out-sheet"} == {
        "New": Severity.WARNING,
        "Old": Severity.WARNING,
        "Werkzeuge": Severity.INFO,
        "Plain": Severity.INFO,
    }


def test_a_sheet_with_usual_columns_is_handed_on_without_a_known_name(tmp_path: Path) -> None:
    """A sheet of aliases, countries and motives goes to the mapping beside one headed `Name`; statistics do not."""

    def fill(book: Any) -> None:
        book.active.title = "Misc"
        for row in (["Name"], ["A"]):
            book.active.append(row)
        for title in ("Stand 2024", "Statistics"):
            sheet = book.create_sheet(title)
            for row in (["Deckwort", "Aliases", "Country", "Motivation"], ["Red Fox", "x", "CN", "Espionage"]):
                sheet.append(row)

    assert [table.header.sheet for table in got(workbook(tmp_path / "a.xlsx", fill)).tables] == ["Misc", "Stand 2024"]


def test_hidden_sheets_are_read_only_on_request(tmp_path: Path) -> None:
    """A hidden sheet is left out with a word, and read when it is named or all are asked for."""

    def fill(book: Any) -> None:
        book.active.append(["Name", "Country"])
        book.active.append(["A", "CN"])
        hidden = book.create_sheet("Old list")
        hidden.append(["Name"])
        hidden.append(["B"])
        hidden.sheet_state = "hidden"

    path = workbook(tmp_path / "a.xlsx", fill)
    read = got(path)
    assert [row.cells[0] for row in read.rows] == ["A"]
    assert [(issue.code, issue.severity, issue.place.sheet) for issue in read.notes] == [
        ("hidden-sheet", Severity.INFO, "Old list")
    ]
    assert [row.cells[0] for row in got(path, include_hidden=True).rows] == ["A", "B"]
    assert [row.cells[0] for row in got(path, sheets=("Old list",)).rows] == ["B"]


def test_merged_cells_count_for_each_of_their_rows(tmp_path: Path) -> None:
    """A value merged downwards is each row's, with a remark; a header merged over columns names each of them."""

    def fill(book: Any) -> None:
        sheet = book.active
        for row in (
            ["Name", "Aliases", "", "Country"],
            ["A", "x", "y", "CN"],
            ["B", "z", "", ""],
            ["C", "q", "", "RU"],
        ):
            sheet.append([cell or None for cell in row])
        sheet.merge_cells("B1:C1")
        sheet.merge_cells("D2:D3")

    read = got(workbook(tmp_path / "a.xlsx", fill))
    assert read.columns == ("Name", "Aliases", "Aliases (2)", "Country")
    assert read.cells == [("A", "x", "y", "CN"), ("B", "z", "", "CN"), ("C", "q", "", "RU")]
    assert [(issue.code, issue.place.cell, issue.value) for issue in read.row_issues()] == [
        ("merged-cell", "Sheet!D3", "CN")
    ]


def test_a_header_of_two_rows(tmp_path: Path) -> None:
    """Where the header is merged over two rows, the lower word of a column is its name."""

    def fill(book: Any) -> None:
        sheet = book.active
        for row in (["Group", "Names", None], [None, "Primary", "Other"], ["G1", "A", "B"]):
            sheet.append(row)
        sheet.merge_cells("A1:A2")
        sheet.merge_cells("B1:C1")

    read = got(workbook(tmp_path / "a.xlsx", fill))
    assert (read.columns, read.cells) == (("Group", "Primary", "Other"), [("G1", "A", "B")])


def test_a_column_without_header_is_kept_when_it_holds_data(tmp_path: Path) -> None:
    """Data under a blank header are not lost; a blank column between others is not a column, letters stay exact."""

    def fill(book: Any) -> None:
        sheet = book.active
        for row in (["Name", None, "Country", None], ["A", None, "CN", None], ["B", None, "RU", "note"]):
            sheet.append(row)

    read = got(workbook(tmp_path / "a.xlsx", fill))
    assert (read.columns, read.tables[0].header.letters) == (("Name", "Country", "column D"), ("A", "C", "D"))
    assert read.cells[1] == ("B", "RU", "note")


def test_a_stray_cell_at_the_far_end_is_refused(tmp_path: Path) -> None:
    """Two cells in opposite corners would be laid out as 17 thousand million: one sentence, no crash."""

    def fill(book: Any) -> None:
        book.active["A1"], book.active["XFD1048576"] = "Name", "x"

    with pytest.raises(SourceError, match="spans A1:XFD1048576"):
        got(workbook(tmp_path / "a.xlsx", fill))


def test_what_the_reader_aborts_on_is_contained(tmp_path: Path) -> None:
    """A reference that makes the parser ask for all memory ends in a sentence, not with the process."""

    def fill(book: Any) -> None:
        for row in (["Name"], ["A"], ["B"]):
            book.active.append(row)

    path = changed(
        workbook(tmp_path / "a.xlsx", fill), "sheet1.xml", lambda data: data.replace(b'r="A3"', b"r='XFD1048576'")
    )
    with pytest.raises(SourceError, match=r"not read|spans"):
        got(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("part", ["sheet1.xml", "workbook.xml.rels"])
def test_a_workbook_that_declares_entities_is_refused(tmp_path: Path, part: str, encoding: str) -> None:
    """Entities, which bombs are made of, are named as the reason before the workbook is parsed, wherever declared."""

    def declared(data: bytes) -> bytes:
        start, _, rest = data.decode().rpartition("?>")
        return f'{start}{"?>" if start else ""}<!DOCTYPE x [<!ENTITY a "b">]>{rest}'.encode(encoding)

    path = changed(workbook(tmp_path / "a.xlsx", lambda book: book.active.append(["Name"])), part, declared)
    with pytest.raises(SourceError, match="XML entities"):
        got(path)


class Panic(BaseException):
    """What a panic in the reader's Rust code is in Python: not an Exception."""


def test_a_panic_of_the_reader_is_one_sentence_and_ctrl_c_is_not() -> None:
    """The reader's panic is a damaged workbook; Ctrl-C and what is wrong in this program stay what they are."""

    def raising(error: BaseException) -> None:
        raise error

    with pytest.raises(SourceError, match="damaged"):
        _guarded("a.xlsx", lambda: raising(Panic()))
    for error in (KeyboardInterrupt(), SystemExit(), TypeError()):
        with pytest.raises(type(error)):
            _guarded("a.xlsx", lambda error=error: raising(error))  # type: ignore[misc]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_workbook_is_refused(tmp_path: Path, part: float) -> None:
    """A file cut short is named as damaged in one sentence."""
    path = workbook(tmp_path / "a.xlsx", lambda book: book.active.append(["Name"]))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(SourceError, match="damaged"):
        got(path)


def test_other_office_files_are_named(tmp_path: Path) -> None:
    """A Word document and an empty workbook are refused for what they are."""
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("word/document.xml", "x")
    with pytest.raises(SourceError, match="a Word document"):
        got(tmp_path / "a.docx")
    with pytest.raises(SourceError, match="without a table"):
        got(workbook(tmp_path / "a.xlsx", lambda book: None))
    with pytest.raises(SourceError, match="no workbook"):
        got(written(tmp_path, "b.xlsx", b"\x01\x02nonsense"))


def test_real_workbooks(catalogs: Path) -> None:
    """The analysts' workbook gives its nine sheets; protected, strict and odd ones are read or refused right."""
    read = got(catalogs / "APT Groups and Operations (2020-10).xlsx")
    assert len(read.rows) == 218
    assert {table.header.sheet for table in read.tables} == {
        "China", "Russia", "North Korea", "Iran", "Israel", "NATO", "Middle East", "Others", "Unknown",
    }  # fmt: skip
    books = catalogs / "workbooks"
    assert got(books / "poi/SampleSS.strict.xlsx").rows
    assert got(books / "calamine/issue_174.xlsx").rows
    for name in (
        "calamine/pass_protected.xlsx",
        "poi/password.xls",
        "poi/protected_passtika.xlsb",
        "calamine/pass_protected.ods",
    ):
        with pytest.raises(SourceError, match="protected with a password"):
            got(books / name)
    with pytest.raises(SourceError, match="XML entities"):
        got(books / "poi/poc-xmlbomb.xlsx")


def actors(path: Path, *rows: tuple[Any, ...], more: Callable[[Any], None] = lambda sheet: None) -> Path:
    """A workbook with one sheet of these rows, which `more` works on."""

    def fill(book: Any) -> None:
        for row in rows:
            book.active.append(row)
        more(book.active)

    return workbook(path, fill)


def test_number_formats_are_what_a_person_sees(tmp_path: Path) -> None:
    """Per cent, leading zeros and letters of a format are read; decimals and thousands stay the number itself."""
    formats = {"A2": "000", "A3": '"UNC"0000', "A4": '"TA"000;"-TA"0', "B2": "0%", "B3": "0.0%", "B4": "#,##0.00"}

    def more(sheet: Any) -> None:
        for cell, code in formats.items():
            sheet[cell].number_format = code

    read = got(actors(tmp_path / "a.xlsx", ("Actor", "Confidence"), (7, 1), (52, 0.555), (5, 1234.5), more=more))
    assert read.cells == [("007", "100%"), ("UNC0052", "55.5%"), ("TA005", "1234.5")]


def test_dates_among_texts_are_handed_on_with_what_is_seen(tmp_path: Path) -> None:
    """`MAR1` that became a date is known to be one, and a column of dates is not suspected."""
    day = dt.date(2024, 3, 1)

    def more(sheet: Any) -> None:
        sheet["A2"].number_format = "d-mmm"

    rows = ((day, day), ("Wren", day), ("Vole", day))
    read = got(actors(tmp_path / "a.xlsx", ("Actor", "First seen"), *rows, more=more))
    assert read.column("Actor") == ["2024-03-01", "Wren", "Vole"]
    assert read.tables[0].dates == {(0, "Actor"): "1-Mar"}


def test_hidden_rows_and_columns_are_read_only_on_request(tmp_path: Path) -> None:
    """What a person has hidden or filtered out is left out with its place, and read with --include-hidden."""

    def more(sheet: Any) -> None:
        sheet.column_dimensions["B"].hidden = True
        sheet.row_dimensions[3].hidden = True

    path = actors(tmp_path / "a.xlsx", ("Actor", "Notes"), ("Wren", "x"), ("Vole", "y"), ("Hare", "z"), more=more)
    read = got(path)
    assert (read.columns, read.cells) == (("Actor",), [("Wren",), ("Hare",)])
    assert [(note.code, note.place.row, note.value) for note in read.notes] == [
        ("hidden-column", 1, "Notes"),
        ("hidden-rows", 3, "Vole"),
    ]
    assert all(note.severity is Severity.WARNING for note in read.notes)
    assert got(path, include_hidden=True).cells == [("Wren", "x"), ("Vole", "y"), ("Hare", "z")]


def test_links_and_comments_behind_cells_are_columns(tmp_path: Path) -> None:
    """A target that the text does not say, also one of a formula, and a comment come with the cell's letter."""

    def more(sheet: Any) -> None:
        from openpyxl.comments import Comment

        sheet["B2"].hyperlink = "https://a.example/1"
        sheet["B3"].hyperlink = "https://a.example/2"
        sheet["B5"].hyperlink = "mailto:x@a.example"
        sheet["A3"].comment = Comment("disputed", "T")
        sheet["A1"].comment = Comment("ask first", "T")

    rows = (("Wren", "report"), ("Vole", "https://a.example/2"), ("Hare", '=HYPERLINK("https://a.example/3","r")'))
    read = got(actors(tmp_path / "a.xlsx", ("Actor", "Report"), *rows, ("Newt", "mail"), more=more))
    assert read.columns == ("Actor", "Report", "Link (Report)", "Comment (Actor)")
    assert read.tables[0].header.letters == ("A", "B", "B", "A")
    assert read.column("Link (Report)") == ["https://a.example/1", "", "https://a.example/3", ""]
    assert read.column("Comment (Actor)") == ["", "disputed", "", ""]
    assert [(note.code, note.place.cell, note.value) for note in read.notes] == [("comment", "Sheet!A1", "ask first")]


def test_struck_names_are_told(tmp_path: Path) -> None:
    """A row whose cells are struck through is read with a warning at the first of them."""

    def more(sheet: Any) -> None:
        from openpyxl.cell.rich_text import CellRichText, TextBlock
        from openpyxl.cell.text import InlineFont
        from openpyxl.styles import Font

        sheet["A3"].font = sheet["B3"].font = Font(strike=True)
        sheet["A4"] = CellRichText("Hare ", TextBlock(InlineFont(strike=True), "of old"))

    read = got(actors(tmp_path / "a.xlsx", ("Actor", "Notes"), ("Wren", "x"), ("Vole", "y"), ("", "z"), more=more))
    assert [(issue.code, issue.place.cell, issue.value) for issue in read.row_issues()] == [
        ("struck-through", "Sheet!A3", "Vole"),
        ("struck-through", "Sheet!A4", "Hare of old"),
    ]
    assert "part" in read.row_issues()[1].message


def test_the_child_gets_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What parses a stranger's workbook has no token to give away."""
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "marked")
    seen: list[Any] = []

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **given: Any) -> None:
            seen.append(given["env"])
            super().__init__(*args, **given)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    got(actors(tmp_path / "a.xlsx", ("Actor",), ("Wren",)))
    assert seen
    assert "CLOUDFLARE_API_TOKEN" not in seen[0]


@pytest.mark.parametrize(
    "content",
    [
        b'<c r="A1" t="e">' * 60_000,
        b"<c><f>" * 60_000,
        b"<c " + b'r="A1" ' * 60_000,
        b'<row r="1"' + b" " * 400_000,
        b'<c s="' * 60_000,
        b"<hyperlink" + b" x='" * 60_000,
    ],
)
def test_a_sheet_of_broken_tags_is_read_in_linear_time(tmp_path: Path, content: bytes) -> None:
    """Tags that are never closed are given up at once; a search that began anew at each would take minutes."""
    path = actors(tmp_path / "a.xlsx", ("Actor",), ("Wren",))
    broken = changed(path, "sheet1.xml", lambda data: data.replace(b"</sheetData>", content + b"</sheetData>"))
    assert "longer" not in refusal(broken)


def refusal(path: Path) -> str:
    """With what message a workbook is refused; empty where it is read."""
    try:
        got(path, limits=Limits(workbook_seconds=20))
    except SourceError as error:
        return error.message
    return ""
