"""CSV: every cell as it stands, every oddity with its line."""

# ruff: noqa: RUF001
from __future__ import annotations

import bz2
import gzip
import zipfile
from pathlib import Path

import pytest

from importer.errors import SourceError, UsageError
from importer.model import Severity
from importer.sources.csv_records import UNCLOSED, Dialect, Lines, records
from importer.sources.options import Limits

from .reading import got, written


def test_text_is_never_interpreted(tmp_path: Path) -> None:
    """NA, None, 007, 1e5, inf and blanks arrive as the text that stands in the file."""
    path = written(tmp_path, "a.csv", "name,a,b,c,d,e\nNA,None,007,1e5,inf, x \nnull,n/a,,nan,-0,1.0\n")
    assert got(path).cells == [("NA", "None", "007", "1e5", "inf", " x "), ("null", "n/a", "", "nan", "-0", "1.0")]


def test_json_in_a_cell_is_one_cell(tmp_path: Path) -> None:
    """Where quotes are doubled, a backslash before one is text: it does not turn commas of JSON into delimiters."""
    cell = '{"value": "\x87", "properties": {"\\"\x80": "0"}, "externalReferences": [{"url": "]\x7f"}, {"url": "0"}]}'
    doubled = cell.replace('"', '""')
    path = written(tmp_path, "a.csv", f'value,id,extra\r\nA,1,"{doubled}"\r\n')
    assert got(path).cells == [("A", "1", cell)]
    escaped = written(tmp_path, "b.csv", 'value,extra\nRed Fox,"the \\"old\\", one"\nBlue Owl,"\\""\n')
    assert got(escaped).cells == [("Red Fox", 'the "old", one'), ("Blue Owl", '"')]


def test_rows_carry_the_line_in_the_file(tmp_path: Path) -> None:
    """A cell with line breaks moves the numbers of the rows after it, as an editor shows them."""
    path = written(tmp_path, "a.csv", 'name,desc\r\n"A","1\r\n2\r\n3"\r\n\r\nB,x\r\n')
    read = got(path)
    assert [(row.number, row.cells) for row in read.rows] == [(2, ("A", "1\r\n2\r\n3")), (6, ("B", "x"))]
    assert str(read.rows[1].place("desc").cell) == "B6"


def test_cells_are_plain_objects(tmp_path: Path) -> None:
    """The frame holds Python text in object columns, whatever pandas would rather have."""
    frame = got(written(tmp_path, "a.csv", "name,n\nA,1\n")).tables[0].frame
    assert [str(kind) for kind in frame.dtypes] == ["object", "object"]
    assert all(type(cell) is str for cell in frame.to_numpy().ravel())


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with byte order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16-LE"),
        ("utf-16-be", "UTF-16-BE"),
        ("utf-32", "UTF-32"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, encoding: str, shown: str) -> None:
    """Marks, the pattern of UTF-16, valid UTF-8, else Windows-1252 with a warning that says so."""
    path = written(tmp_path, "a.csv", "name,country\nÉquipe Müller,France\n".encode(encoding))
    read = got(path)
    assert read.cells == [("Équipe Müller", "France")]
    assert read.files[0].details["encoding"] == shown
    guessed = [issue for issue in read.notes if issue.code == "encoding-guessed"]
    assert bool(guessed) == (encoding == "cp1252")
    if guessed:
        assert (guessed[0].severity, guessed[0].place.row, guessed[0].value) == (Severity.WARNING, 2, "Équipe")


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    """A named encoding is used as it is, and one that does not fit is refused."""
    path = written(tmp_path, "a.csv", "name\nЖЩ\n".encode("cp1251"))
    assert got(path, encoding="cp1251").cells == [("ЖЩ",)]
    marked = written(tmp_path, "b.csv", "name,c\nÄ,1\n".encode("utf-8-sig"))
    assert got(marked, encoding="utf-8").columns == ("name", "c")
    with pytest.raises(SourceError, match="not valid UTF-8"):
        got(path, encoding="utf-8")
    with pytest.raises(UsageError, match="no text encoding called"):
        got(path, encoding="klingon")


def test_stray_bytes_in_utf8_do_not_spoil_the_rest(tmp_path: Path) -> None:
    """A few bytes of another encoding are read as Windows-1252, with their line; the UTF-8 stays right."""
    path = written(tmp_path, "a.csv", "name,x\nMüllör,Ünäl\n".encode() + b"X\xe9,1\n")
    read = got(path)
    assert read.cells == [("Müllör", "Ünäl"), ("Xé", "1")]
    assert [issue.place.row for issue in read.notes if issue.code == "encoding-mixed"] == [3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", ":"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    """Usual and unusual delimiters are told by how even the rows become."""
    rows = [["Threat Actor", "Aliases", "Country"], ["APT1", "Comment Crew", "CN"], ["A/B", "x y", "RU"]]
    assert got(written(tmp_path, "a.csv", [delimiter.join(row) for row in rows])).cells == [
        tuple(row) for row in rows[1:]
    ]


def test_a_slash_within_names_is_no_delimiter(tmp_path: Path) -> None:
    """A list of one column stays one column."""
    path = written(tmp_path, "a.csv", "name\nSapphire Mushroom/Blue Mushroom\nVault 7/8\n")
    assert got(path).cells == [("Sapphire Mushroom/Blue Mushroom",), ("Vault 7/8",)]


def test_excels_sep_line_is_obeyed(tmp_path: Path) -> None:
    """`sep=;` names the delimiter, is not a row, and the lines below keep their numbers."""
    read = got(written(tmp_path, "a.csv", "sep=;\nname;x\nA, B;1\n"))
    assert [(row.number, row.cells) for row in read.rows] == [(3, ("A, B", "1"))]


def test_short_and_long_rows_are_issues_with_their_line(tmp_path: Path) -> None:
    """A row of another width is an error with its line, its cells stay in their columns, other rows go on."""
    read = got(written(tmp_path, "a.csv", "name,x,y\nA,1\nB,1,2\nC,1,2,3,4\nD,1,2,\n"))
    assert read.cells == [("A", "1", ""), ("B", "1", "2"), ("C", "1", "2"), ("D", "1", "2")]
    found = [(issue.code, issue.severity, issue.place.row, issue.value) for issue in read.row_issues()]
    assert found == [("short-row", Severity.ERROR, 2, "A | 1"), ("long-row", Severity.ERROR, 4, "3 | 4")]


@pytest.mark.parametrize("end", ["", '"fine"\nE,US,y\n'])
def test_an_unclosed_quote_costs_one_line(tmp_path: Path, end: str) -> None:
    """The line with the quote is an error; the lines after it are rows, whether another quote follows or not."""
    read = got(written(tmp_path, "a.csv", 'name,c,d\nA,CN,x\nB,RU,"never closed\nC,IR,x\nD,KP,' + (end or "z\n")))
    assert [row.cells[0] for row in read.rows][:4] == ["A", "B", "C", "D"]
    assert [(issue.code, issue.place.row) for issue in read.row_issues()] == [("unclosed-quote", 3)]


def test_a_quote_in_the_wrong_place_is_a_warning(tmp_path: Path) -> None:
    """Text after a closing quote is read as most programs do, and said."""
    read = got(written(tmp_path, "a.csv", 'name,c\n"A"x,CN\nB,RU\n'))
    assert read.cells == [("Ax", "CN"), ("B", "RU")]
    assert [(issue.code, issue.place.row, issue.value) for issue in read.row_issues()] == [
        ("stray-quote", 2, '"A"x,CN')
    ]


def test_nul_is_an_error_of_its_cell(tmp_path: Path) -> None:
    """A NUL character makes its row wrong and no other."""
    read = got(written(tmp_path, "a.csv", b"name,c\nA,C\x00N\nB,RU\n"))
    assert [(issue.code, issue.place.cell) for issue in read.row_issues()] == [("nul-character", "B2")]


def test_repeated_and_blank_headers_get_names(tmp_path: Path) -> None:
    """Columns have unique names, each invented one with an issue at its cell."""
    read = got(written(tmp_path, "a.csv", "name,Link,,Link,Link (2)\nA,1,2,3,4\n"))
    assert read.columns == ("name", "Link", "column C", "Link (3)", "Link (2)")
    assert [(issue.code, issue.place.cell) for issue in read.notes] == [
        ("blank-header", "C1"),
        ("repeated-header", "D1"),
    ]


def test_titles_above_the_header_are_told(tmp_path: Path) -> None:
    """Lines above the header are passed over with a word; the header may also be named."""
    path = written(tmp_path, "a.csv", "My actors,,\nas of 2024,,\n\nName,Aliases,Country\nAPT1,x,CN\n")
    read = got(path)
    assert read.columns == ("Name", "Aliases", "Country")
    assert [(issue.code, issue.value) for issue in read.notes] == [("above-header", "My actors / as of 2024")]
    assert got(path, header_row=5).columns == ("APT1", "x", "CN")
    with pytest.raises(SourceError, match="no header in line 3"):
        got(path, header_row=3)


def test_a_header_word_among_the_values_is_no_header(tmp_path: Path) -> None:
    """A cell that says `Group` in the second row does not make that row the header."""
    read = got(written(tmp_path, "a.csv", "Codename,Kind\nAPT1,Group\nGroup,Group\n"))
    assert read.columns == ("Codename", "Kind")
    assert len(read.rows) == 2


def test_numbers_may_be_headers(tmp_path: Path) -> None:
    """A header of years is a header."""
    assert got(written(tmp_path, "a.csv", "id,2019,2020\nx,1,2\ny,3,4\n")).columns == ("id", "2019", "2020")


def test_blank_rows_are_counted(tmp_path: Path) -> None:
    """Rows of empty cells are no rows, and it is said how many there were."""
    read = got(written(tmp_path, "a.csv", "name,c\n,\nA,1\n , \n"))
    assert [row.number for row in read.rows] == [3]
    assert [(issue.code, issue.place.row) for issue in read.notes] == [("blank-rows", 2)]


def test_carriage_returns_alone_end_lines(tmp_path: Path) -> None:
    """A file of an old Mac is read line by line."""
    assert [row.number for row in got(written(tmp_path, "a.csv", "name,c\rA,1\rB,2\r")).rows] == [2, 3]


def test_compressed_files_are_opened(tmp_path: Path) -> None:
    """gzip, bzip2 and a ZIP with one member hold the same list."""
    text = b"name,c\nA,1\n"
    written(tmp_path, "a.csv.gz", gzip.compress(text))
    written(tmp_path, "a.csv.bz2", bz2.compress(text))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("lists/actors.csv", text)
    for name in ("a.csv.gz", "a.csv.bz2", "a.zip"):
        assert got(tmp_path / name).cells == [("A", "1")]
    assert got(tmp_path / "a.zip").files[0].file == f"{tmp_path / 'a.zip'}/lists/actors.csv"


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    """What grows a thousandfold is not unpacked to its end."""
    path = written(tmp_path, "a.csv.gz", gzip.compress(b"\0" * (100 << 20)))
    with pytest.raises(SourceError, match="decompression bomb"):
        got(path)


def test_thousands_of_columns(tmp_path: Path) -> None:
    """A table of 9,000 equal headers is read, each column with a name of its own."""
    read = got(written(tmp_path, "a.csv", ",".join(["x"] * 9000) + "\n" + ",".join(["1"] * 9000) + "\n"))
    assert len(set(read.columns)) == 9000
    assert read.tables[0].header.letters[-1] == "MHD"


def test_a_list_is_one_table_that_knows_where_each_row_stands(tmp_path: Path) -> None:
    """However long the file, its rows are one frame of text, indexed by file, sheet and line."""
    lines = ["name,c", *(f"A{number},{number}" for number in range(997))]
    lines[500] = '"A499\nx",499'
    read = got(written(tmp_path, "a.csv", lines))
    (table,) = read.tables
    assert table.frame.index[-1] == (str(tmp_path / "a.csv"), "", 999)
    assert list(table.frame.columns) == ["name", "c"]
    assert {type(cell) for cell in table.frame.to_numpy().ravel()} == {str}
    assert [row.cells[1] for row in read.rows] == [str(number) for number in range(997)]
    assert read.rows[-1].number == 999


def test_a_flood_of_blank_lines_ends(tmp_path: Path) -> None:
    """A file that unpacks to blank lines without end costs no more than one with too many rows."""
    path = written(tmp_path, "a.csv", "name,country\nA,CN\n" + "\n" * 5_000)
    with pytest.raises(SourceError, match="blank lines"):
        got(path, limits=Limits(rows=1_000))


def test_what_is_read_again_is_bounded() -> None:
    """A quote left open on every line, each of which seems to go on for ever, costs a bounded number of lines."""
    lines, handed_out = ['a","b\n'] * 400, 0

    class Counted(Lines):
        def __next__(self) -> str:
            nonlocal handed_out
            handed_out += 1
            return super().__next__()

    found = list(records(Counted(iter(lines), 100, reread=2_000), Dialect(), Limits(), "a.csv"))
    assert [(record.line, record.problem) for record in found] == [(line, UNCLOSED) for line in range(1, 401)]
    assert handed_out <= 2_000 + 100 + 3 * 400


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("gb18030", "黑鸦组织"),
        ("gb18030", "王"),
        ("big5", "黑客組織"),
        ("shift_jis", "ヒドゥン"),
        ("euc-kr", "라자루스"),
        ("cp1251", "Медведь"),
        ("cp1254", "Yıldız Takımı"),
        ("cp1255", "חתול מדבר"),
        ("cp1250", "Dvořák"),
        ("cp1253", "Ομάδα"),
    ],
)
def test_an_encoding_that_cannot_be_told_is_asked_for(tmp_path: Path, encoding: str, name: str) -> None:
    """A legacy encoding is never read as nonsense: the candidates are named, and the right one reads the file."""
    path = written(tmp_path, "a.csv", f"name,country\nDark {name},Iran\n".encode(encoding))
    with pytest.raises(SourceError, match="neither UTF-8") as error:
        got(path)
    assert f"{encoding} (" in error.value.hint
    assert got(path, encoding=encoding).column("name") == [f"Dark {name}"]


@pytest.mark.parametrize(
    "name", ["Größe", "“Élan” – dash…", "São João", "l’équipe", "Ñandú", "Smörgåsbord", "5° Žižkov"]
)
def test_western_words_need_no_encoding(tmp_path: Path, name: str) -> None:
    """What can only be Western European is read as Windows-1252, with a warning."""
    read = got(written(tmp_path, "a.csv", f"name,country\n{name},Iran\n".encode("cp1252")))
    assert read.column("name") == [name]
    assert read.codes() == ["encoding-guessed"]


def test_two_foreign_bytes_in_utf8_are_no_letter_of_ours(tmp_path: Path) -> None:
    """A pasted piece of another encoding is not made up into letters."""
    path = written(tmp_path, "a.csv", "name,x\nMüllör,Ünäl\nPère,Ärö\n".encode() + "Z,黑".encode("gb18030"))
    with pytest.raises(SourceError, match="neither UTF-8"):
        got(path)


def test_a_header_without_rows_is_told(tmp_path: Path) -> None:
    """An empty list is not passed over as if it had been read."""
    read = got(written(tmp_path, "a.csv", "name,country\n"))
    assert (read.rows, read.codes()) == ([], ["no-rows"])


def test_a_sheet_of_a_text_file_is_refused(tmp_path: Path) -> None:
    """--sheet says something about workbooks only."""
    with pytest.raises(UsageError, match="not a workbook"):
        got(written(tmp_path, "a.csv", "name\nWren\n"), sheets=("Actors",))


def test_blanks_around_quoted_cells_do_not_count(tmp_path: Path) -> None:
    """`"IR", "Wren" ,"a, b"` is three cells without quotes or blanks around them."""
    read = got(written(tmp_path, "a.csv", ['country, name ,"notes"', '"IR", "Wren" ,"a, b"', '"PE" ,"Vole", "c"']))
    assert read.cells == [("IR", "Wren", "a, b"), ("PE", "Vole", "c")]


def test_quotes_behind_a_blank_are_no_part_of_the_text(tmp_path: Path) -> None:
    """A cell that is quoted behind a blank is what stands in the quotes, also where no cell holds a delimiter."""
    path = tmp_path / "a.csv"
    path.write_text('country, name, note\n"CN", "Tin Weasel", "Spies."\n"IR", "Lead Stoat", "Steals."\n')
    assert [row[1] for row in got(path).cells] == ["Tin Weasel", "Lead Stoat"]
