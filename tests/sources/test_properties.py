"""What a conforming writer wrote is read back the same, for any cells."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from importer.sources.csv_records import Dialect, Lines, records, regular_rows
from importer.sources.json_text import documents
from importer.sources.options import Limits
from importer.sources.read import ReadOptions, read

from .reading import got, sort

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
_SPECIAL = st.sampled_from(
    ["NA", "None", "007", "1e5", "a,b", 'say "x"', "l1\nl2", "l1\r\nl2", " x ", "", "=1+1", ";", "\t"]
)
_ROWS = st.lists(st.lists(_TEXT | _SPECIAL, min_size=3, max_size=3), min_size=1, max_size=12)


@given(rows=_ROWS, delimiter=st.sampled_from(",;\t|"), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_csv_gives_back_the_cells(rows: list[list[str]], delimiter: str, quoting: int) -> None:
    """Any cells, any of the usual dialects: the same cells, nothing shifted; blank rows alone are left out."""
    header = ["Threat Actor", "Aliases", "Country"]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(header)
    writer.writerows(rows)
    text = buffer.getvalue().encode("utf-8-sig")
    result = sort(read(["-"], ReadOptions(delimiter=delimiter), stdin=io.BytesIO(text)))
    assert result.columns == tuple(header)
    assert result.cells == [tuple(row) for row in rows if "".join(row).strip()]
    assert not result.row_issues()


_PIECES = st.lists(
    st.sampled_from(['"', '""', ",", ",", ";", "\n", "\r\n", "\r", "a", "b c", " ", "NA", "1e5", "'", "\ufeff", "\x00",
                     "\x1a", "\u2028", "\x85", "\ud83d", '"x"', ',"y",', '"u,v"', "\\"]),
    max_size=40,
)  # fmt: skip


@given(pieces=_PIECES, width=st.integers(1, 4), quote=st.sampled_from("\"'"), delimiter=st.sampled_from(",;"))
@settings(max_examples=600, deadline=None)
@example(pieces=[',"a,"b",c",\n'], width=4, quote='"', delimiter=",")
@example(pieces=["\ufeffa,b\n"], width=2, quote='"', delimiter=",")
def test_both_readers_of_csv_give_the_same_wherever_both_apply(
    pieces: list[str], width: int, quote: str, delimiter: str
) -> None:
    """What pandas reads as regular, the careful reader reads as the same cells without a problem."""
    lines = list(io.StringIO("".join(pieces), newline=""))
    dialect = Dialect(delimiter, quote)
    cells = regular_rows(lines, dialect, width, 1000) if lines else None
    if cells is not None:
        careful = list(records(Lines(iter(lines), 1000), dialect, Limits(), "a.csv"))
        assert cells.tolist() == [record.cells for record in careful]
        assert not any(record.problem for record in careful)
        assert [record.line for record in careful] == list(range(1, 1 + len(lines)))
        assert {type(cell) for cell in cells.ravel()} == {str}


@given(rows=st.lists(st.lists(_TEXT.filter(lambda text: not {"\n", "\r"} & {*text}), min_size=3, max_size=3),
                     min_size=1, max_size=8), end=st.sampled_from(["\n", "\r\n"]))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_what_a_program_wrote_is_regular(rows: list[list[str]], end: str) -> None:
    """The quick reader takes every file of whole rows without line breaks in a cell: few go the careful way."""
    buffer = io.StringIO(newline="")
    named = [["x" + row[0], *row[1:]] for row in rows]
    csv.writer(buffer, lineterminator=end).writerows(named)
    found = regular_rows(list(io.StringIO(buffer.getvalue(), newline="")), Dialect(), 3, 1000)
    assert found is not None
    assert found.tolist() == named


_CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="_\ufffe\uffff"), max_size=12
).filter(lambda text: not text.startswith(("=", "#")))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(['"', '\\"{', "}]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    values=st.lists(_JSON, max_size=5),
    space=st.sampled_from(["\n", "\r\n", " ", "\n\n"]),
    indent=st.sampled_from([None, 1]),
    escaped=st.booleans(),
)
@settings(deadline=None)
def test_json_documents_behind_one_another_are_found(
    values: list[object], space: str, indent: int | None, escaped: bool
) -> None:
    """One a line, over several lines, or several in one: each document is found, whatever brackets its texts hold."""
    texts = [json.dumps(value, indent=indent, ensure_ascii=escaped) for value in values]
    found = documents("a.json", space.join(["", *texts, ""]).encode("utf-8", "surrogatepass"), Limits())
    assert [json.loads(bytes(raw)) for raw in found] == values


@given(
    rows=st.lists(st.lists(_CELL, min_size=2, max_size=2), min_size=1, max_size=6),
    top=st.integers(0, 4),
    left=st.integers(0, 30),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_workbooks_give_back_the_cells(rows: list[list[str]], top: int, left: int) -> None:
    """Wherever a table stands in a sheet, its cells come back with their exact references."""
    import openpyxl
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for down, row in enumerate([["Name", "Aliases"], *rows]):
        for right, text in enumerate(row):
            if text:
                cell = sheet.cell(top + down + 1, left + right + 1, text)
                cell.data_type = "s"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        book.save(path)
        result = got(path)
    expected = [(top + down + 2, tuple(row)) for down, row in enumerate(rows) if "".join(row).strip()]
    assert [(row.number, row.cells) for row in result.rows] == expected
    assert result.tables[0].header.letters == (
        get_column_letter(left + 1),
        get_column_letter(left + 2),
    )
