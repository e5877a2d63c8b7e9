"""ODS workbooks: what the parser does not tell of them is found all the same."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from importer.errors import SourceError

from .reading import got


def ods(path: Path, *rows: str) -> Path:
    """An ODS workbook with these rows of content.xml in its sheet `Actors`."""
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "table")
    )
    rows_xml = "".join(f"<table:table-row{row}</table:table-row>" for row in rows)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", kind, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", "<manifest:manifest/>")
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="Actors">{rows_xml}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def cell(text: str, attributes: str = "", kind: str = "string") -> str:
    """A cell of an ODS row; `rows=2` and the like stand for the attributes of spans and repetitions."""
    for short, name in (("rows", "number-rows-spanned"), ("columns", "number-columns-spanned")):
        attributes = re.sub(rf"\b{short}=(\d)", rf'table:{name}="\1"', attributes)
    return (
        f'<table:table-cell office:value-type="{kind}" {attributes}><text:p>{text}</text:p></table:table-cell>'
        if text
        else "<table:table-cell/>"
    )


COVERED = "<table:covered-table-cell/>"


def test_an_ods_is_merged_like_an_xlsx(tmp_path: Path) -> None:
    """In ODS too a header of two rows is one, and a value merged downwards is each row's, with a remark."""
    path = ods(
        tmp_path / "a.ods",
        ' table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="9"/>',
        f">{cell('Group', 'rows=2')}{cell('Vendors', 'columns=2')}{COVERED}{cell('Country', 'rows=2')}",
        f">{COVERED}{cell('Mandiant')}{cell('Kaspersky')}{COVERED}",
        f">{cell('A')}{cell('m1')}{cell('k1')}{cell('China', 'rows=2')}",
        f">{cell('B')}{cell('m2')}{cell('k2')}{COVERED}",
    )
    read = got(path)
    assert read.columns == ("Group", "Mandiant", "Kaspersky", "Country")
    assert read.cells == [("A", "m1", "k1", "China"), ("B", "m2", "k2", "China")]
    assert [(issue.code, issue.place.cell) for issue in read.row_issues()] == [("merged-cell", "Actors!D7")]


def test_error_cells_of_an_ods_are_told(tmp_path: Path) -> None:
    """An error keeps its word, with an issue, as a formula without a value has one; text like `#hash` is no error."""
    undefined, missing = cell("#DIV/0!", 'office:string-value=""'), cell("#N/A", 'office:value="0"', "float")
    path = ods(
        tmp_path / "a.ods",
        f">{cell('Name')}{cell('Alias')}",
        f">{cell('A')}{undefined}",
        f' table:number-rows-repeated="2">{cell("B")}{missing}',
        f">{cell('C')}{cell('#hash')}",
        f">{cell('D')}<table:table-cell table:formula='of:=[.A2]'/>",
    )
    read = got(path)
    assert read.column("Alias") == ["#DIV/0!", "#N/A", "#N/A", "#hash", ""]
    assert [(issue.code, issue.place.cell) for issue in read.row_issues()] == [
        ("error-cell", "Actors!B2"),
        ("error-cell", "Actors!B3"),
        ("error-cell", "Actors!B4"),
        ("formula-without-value", "Actors!B6"),
    ]


def test_repetitions_in_an_ods_are_counted_not_laid_out(tmp_path: Path) -> None:
    """An error repeated over thousands of millions of cells is refused in a sentence."""
    error = cell("#N/A", 'office:value="0" table:number-columns-repeated="16384"', "float")
    path = ods(tmp_path / "a.ods", f">{cell('Name')}", f' table:number-rows-repeated="1048576">{error}')
    with pytest.raises(SourceError, match="more than 500,000"):
        got(path)


def test_an_ods_is_read_as_a_person_sees_it(tmp_path: Path) -> None:
    """Formats, hidden rows, link targets and comments count as they do in an XLSX."""
    link = '<table:table-cell office:value-type="string"><text:p><text:a xlink:href="https://a.example/1">r</text:a>'
    note = "<office:annotation><text:p>disputed</text:p></office:annotation>"
    seven, share = 'office:value="7"', 'office:value="0.8"'
    path = ods(
        tmp_path / "a.ods",
        f">{cell('Actor')}{cell('Confidence')}{cell('Report')}",
        f">{cell('007', seven, 'float')}{cell('80%', share, 'percentage')}{link}</text:p></table:table-cell>",
        f' table:visibility="filter">{cell("Vole")}{cell("7", seven, "float")}',
        f'><table:table-cell office:value-type="string">{note}<text:p>Hare</text:p></table:table-cell>',
    )
    read = got(path)
    assert read.columns == ("Actor", "Confidence", "Report", "Link (Report)", "Comment (Actor)")
    assert read.cells == [("007", "80%", "r", "https://a.example/1", ""), ("Hare", "", "", "", "disputed")]
    assert read.codes() == ["hidden-rows"]
    assert len(got(path, include_hidden=True).rows) == 3


def test_an_attribute_without_end_is_damage(tmp_path: Path) -> None:
    """A name of a million letters costs no more than its length."""
    path = ods(tmp_path / "a.ods", f"><table:table-cell {'a' * 1_000_000}")
    with pytest.raises(SourceError, match="damaged"):
        got(path)
