"""Rows and cells that are no actors or names, and shapes of lists that strangers write."""

from __future__ import annotations

import pytest

from importer.errors import SourceError
from importer.mapping.choose import choose
from importer.mapping.draft import Drafter
from importer.mapping.load import load_mapping
from importer.model import Issue, Place, Severity, Table
from tests.mapping.tables import codes, drafts, table

SPREADSHEET = load_mapping("spreadsheet")


@pytest.mark.parametrize(
    "row",
    [
        ("Total", "2", ""),
        ("Total: 2 actors", "", ""),
        ("Actor", "Aliases", "Country"),
        ("---", "---", "--"),
        ("-----", "-----", "-----"),
        ("Threat Group", "Also known as", "Origin"),
        ("Source: the team's wiki", "", ""),
        ("Quelle: Lagebericht", "", ""),
        ("Generated on 2024-03-01 by a tool", "", ""),
        ("Обновлено 01.03.2024", "", ""),
        ("Strictly confidential - not for partners", "", ""),
        ("Page 2 of 9", "", ""),
    ],
)
def test_rows_of_totals_headers_and_lines_are_left_out_and_told(row: tuple[str, ...]) -> None:
    """What a person sees is not an actor makes no tag, and is not passed over in silence."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Aliases", "Country"), row)
    assert draft.left_out
    assert "no-actor" in codes(draft)


def test_a_total_behind_a_running_number_is_no_actor() -> None:
    """A number that counts the rows does not make an actor of `Total`; a name behind one stays, whatever it is like."""
    columns = ("ID", "Actor", "Country", "Motive")
    listed = (("1", "Pewter Wren", "China", ""), ("2", "Total", "", ""), ("3", "Total Eclipse", "", ""))
    assert [draft.left_out != "" for draft in drafts(SPREADSHEET, columns, *listed)] == [False, True, False]


def test_what_a_person_typed_wrongly_in_a_row_is_told_at_its_cell() -> None:
    """A day first seen behind the day last seen, and a sentence for a name; a formula only where its column is read."""
    columns = ("Actor", "First seen", "Last seen", "Rank")
    row = ("Pewter Wren", "2022-05-05", "2018-05-05", "")
    long = (" ".join(["A group that is said to be"] * 12), "2018-05-05", "2022-05-05", "")
    swapped, named = drafts(SPREADSHEET, columns, row, long)
    assert [(issue.code, issue.place.cell, issue.value) for issue in swapped.issues] == [
        ("dates-swapped", "B2", "2022-05-05")
    ]
    assert codes(named) == ["long-name"]
    found = table(columns, ("Pewter Wren", "", "", ""))
    told = {
        0: tuple(Issue(Severity.WARNING, "error-cell", "", Place("a", "", 2, "", column)) for column in columns[::3])
    }
    (draft,) = Drafter(SPREADSHEET).draft(Table(found.header, found.frame, issues=told))
    assert [(issue.code, issue.place.column) for issue in draft.issues] == [("error-cell", "Actor")]


def test_a_second_header_in_another_order_is_an_error() -> None:
    """What stands below a header of its own would be read under the wrong columns: that is said, and makes no tag."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Aliases", "Country"), ("Actor", "Country", "Aliases"))
    assert draft.invalid
    assert "second-header" in codes(draft)


LISTED = (("Pewter Wren", "Foo", "China"), ("Zinc Vole", "", "Iran"), ("Ochre Newt", "Bar", ""))


def apart(*cells: tuple[str, ...], gap: int = len(LISTED)) -> list[str]:
    """Names that are left out of a list with these rows behind three others and a gap."""
    found = table(("Actor", "Aliases", "Country"), *LISTED, *cells)
    made = Drafter(SPREADSHEET).draft(Table(found.header, found.frame, gaps=frozenset((gap,))))
    assert all(codes(draft) == ["no-actor"] for draft in made if draft.left_out)
    return [draft.row.cells[0] for draft in made if draft.left_out]


def test_what_stands_apart_under_a_list_is_left_out() -> None:
    """A row of one cell behind a gap is a remark, and so are the ones below it."""
    assert apart(("Reviewed weekly", "", ""), ("* disputed by two vendors", "", "")) == [
        "Reviewed weekly",
        "* disputed by two vendors",
    ]


def test_actors_behind_a_gap_stay() -> None:
    """A blank row between two actors costs none of them, and a lone name without a gap is one."""
    assert apart(("Tin Egret", "", "Peru"), ("Salt Hare", "", "")) == []
    assert apart(*[(f"Hare {number}", "", "") for number in range(9)]) == []


def test_lists_of_names_alone_may_be_sparse() -> None:
    """Where most rows hold a name and nothing else, a lone one behind a gap is an actor."""
    found = table(("Actor", "Country"), ("Wren", ""), ("Vole", "Iran"), ("Legend", ""), ("Hare", ""))
    made = Drafter(SPREADSHEET).draft(Table(found.header, found.frame, gaps=frozenset((2, 3))))
    assert [draft.left_out for draft in made] == ["", "", "", ""]


@pytest.mark.parametrize("mark", ["# ", "#", "//", "; ", "-- ", "/* "])
def test_rows_that_are_commented_out_are_left_out(mark: str) -> None:
    """A row that a person has commented out makes no tag, whatever its other cells say."""
    found = drafts(SPREADSHEET, ("Actor", "Aliases", "Country"), *LISTED, (f"{mark}Tin Egret", "Foo", "Peru"))
    assert [bool(draft.left_out) for draft in found] == [False, False, False, True]
    assert codes(found[-1]) == ["no-actor"]


def test_hashtags_are_names() -> None:
    """A list of hashtags, and an operation called by one, is not commented out."""
    tags = drafts(SPREADSHEET, ("Actor", "Country"), ("#Wren", "Iran"), ("#Vole", "Peru"), ("Hare", "Iran"))
    assert not any(draft.left_out for draft in tags)
    operation = drafts(SPREADSHEET, ("Actor", "Aliases", "Country"), *LISTED, ("#OpWren", "", "Peru"))
    assert not operation[-1].left_out


@pytest.mark.parametrize("name", ["Total Crew", "Total", "Actor", "Sum41 Gang", "Count Dooku", "Sourcefire Crew"])
def test_names_that_only_resemble_totals_stay(name: str) -> None:
    """A name is left out only where its whole row says that it is none."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Aliases", "Country"), (name, "Foo", "China"))
    assert (draft.name, draft.left_out) == (name, "")


@pytest.mark.parametrize("cell", ["-", "None", "n/a", "Unknown", "—"])
def test_a_cell_that_says_there_is_no_alias_gives_none(cell: str) -> None:
    """No actor is called `None` besides, and it is said that the cell was not taken."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Aliases"), ("APT28", cell))
    assert "aliasGroupNamesInternal" not in draft.fields
    assert codes(draft) == ["says-nothing"]


def test_lists_as_python_writes_them_and_bullets_are_read() -> None:
    """Exports of data frames and pasted bullet lists give the names without their marks."""
    found = drafts(SPREADSHEET, ("Actor", "Aliases"), ("A", "['Foo', \"O'Neil, B\"]"), ("B", "• Foo\n• Bar"))
    assert [draft.fields["aliasGroupNamesInternal"] for draft in found] == [["Foo", "O'Neil, B"], ["Foo", "Bar"]]


def test_a_list_of_names_is_no_name() -> None:
    """Two actors in one name cell never become one tag."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Country"), ('["APT28", "APT29"]', "Russia"))
    assert draft.invalid
    assert codes(draft) == ["several-names"]


@pytest.mark.parametrize("cell", ["China, Financially motivated", "Russia-aligned", "likely Iran", "Russia?"])
def test_a_country_among_other_words_is_a_warning(cell: str) -> None:
    """Doubt is no misspelling: the row goes on without a code, the text is kept."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Country"), ("APT28", cell))
    assert not draft.invalid
    assert codes(draft) == ["unclear-country"]
    assert cell in draft.fields["internalDescription"]


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (("Bedrohungsakteur", "Auch bekannt als", "Herkunftsland", "Motivation"), ("A", "B", "Russland", "Spionage")),
        (("Nom de l'acteur", "Autres noms", "Pays d'origine", "Motif"), ("A", "B", "Russie", "Espionnage")),
        (("Nombre del actor", "Otros nombres", "País de origen", "Motivo"), ("A", "B", "Rusia", "Espionaje")),
        (("Название группировки", "Псевдонимы", "Страна", "Мотив"), ("A", "B", "Россия", "шпионаж")),
        (("组织名称", "别名", "国家", "动机"), ("A", "B", "俄罗斯", "间谍活动")),
        (("攻撃グループ名", "別名", "国", "動機"), ("A", "B", "ロシア", "諜報")),
        (("Unit 42 Name", "Formerly Known As", "Nation", "Motive"), ("A", "B", "Russia", "Espionage")),
    ],
)
def test_headers_in_several_languages_feed_their_fields(columns: tuple[str, ...], row: tuple[str, ...]) -> None:
    """An analyst's list in their own language arrives without a mapping."""
    assert choose(table(columns, row)).name == "spreadsheet"
    (draft,) = drafts(SPREADSHEET, columns, row)
    expected = {"value": "A", "aliasGroupNamesInternal": ["B"], "originCountryISO": "RU", "motive": "Espionage"}
    assert dict(draft.fields) == expected


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (("Movie", "Actor", "Year", "Genre"), ("Heat", "Al Pacino", "1995", "Crime")),
        (("type", "value", "actor"), ("md5", "d41d8cd98f00b204e9800998ecf8427e", "APT28")),
        (("Campaign", "Actor", "Start"), ("Aurora", "APT17", "2009")),
        (("Malware Family", "Aliases", "First Seen", "Actors"), ("Emotet", "Geodo", "2014", "MUMMY SPIDER")),
        (("Group", "Members", "Description"), ("Domain Admins", "3", "x")),
        (("APT28", "Fancy Bear", "Russia"), ("APT29", "Cozy Bear", "Russia")),
    ],
)
def test_lists_of_other_things_are_refused(columns: tuple[str, ...], row: tuple[str, ...]) -> None:
    """Films, indicators, campaigns, malware, accounts and lists without a header make no tags."""
    with pytest.raises(SourceError):
        choose(table(columns, row, row))


@pytest.mark.parametrize("piece", ["-", "1", "*", " ", "= ", "(", "#", "total ", "- "])
def test_a_cell_of_one_repeated_sign_is_judged_in_linear_time(piece: str) -> None:
    """A hundred thousand signs are looked at once: a pattern that went back over them would never end."""
    found = drafts(SPREADSHEET, ("Actor", "Country"), (f"Wren{piece * 100_000}!", "Iran"), (piece * 100_000 + "!", ""))
    assert len(found) == 2


@pytest.mark.parametrize("label", ["Chile Total", "(blank) Total", "Chile Ergebnis", "\u4e2d\u56fd\u6c47\u603b"])
@pytest.mark.parametrize("name", ["3", ""])
def test_sums_of_groups_are_not_actors(label: str, name: str) -> None:
    """What a pivot table writes below each group makes no tag called 3, and no row without a name."""
    rows = [("Chile", "Moss Egret", "5"), (label, name, "15"), ("Peru", "Total Eclipse", "7")]
    first, sums, last = drafts(SPREADSHEET, ("Country", "Actor", "Priority"), *rows)
    assert (first.left_out, sums.left_out, last.left_out) == ("", sums.left_out, "")
    assert "totals" in sums.left_out
