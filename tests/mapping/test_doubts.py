"""What a person would ask about names and dates of a list is told at the cell, and nothing about ordinary ones."""

from __future__ import annotations

import pytest

from importer.mapping.draft import Drafter
from importer.mapping.load import load_mapping
from importer.model import Severity
from tests.mapping.tables import codes, drafts, table

SPREADSHEET = load_mapping("spreadsheet")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Moss Egret (see also TA-99)", "name-with-remark"),
        ("Moss Egret (2019)", "name-with-remark"),
        ("Moss Egret\uff08\u4eee\uff09", "name-with-remark"),
        ("[retired] Moss Egret", "name-with-remark"),
        ("\u201cMoss Egret\u201d", "name-with-remark"),
        ("\u2022 Moss Egret", "name-with-remark"),
        ("2) Moss Egret", "name-with-remark"),
        ("Moss Egret*", "name-with-remark"),
        ("Moss Egret?", "name-with-remark"),
        ("NEW: Moss Egret", "name-with-remark"),
        ("Moss Egret - TBC", "name-with-remark"),
        ("Moss\nEgret", "line-break-in-name"),
        ("see Moss Egret", "points-elsewhere"),
        ("merged into Moss Egret", "points-elsewhere"),
        ("Iran", "perhaps-no-name"),
        ("\u0418\u0440\u0430\u043d", "perhaps-no-name"),
        ("Espionage", "perhaps-no-name"),
        ("Total", "perhaps-no-name"),
        ("777", "perhaps-no-name"),
        ("TRUE", "perhaps-no-name"),
        ("moss-egret.example.com", "perhaps-no-name"),
        ("Moss Egret / Fen Crane", "perhaps-several-names"),
        ("Moss Egret/Fen Crane", "perhaps-several-names"),
        ("a crew of thieves that has been seen in three countries", "long-name"),
    ],
)
def test_a_doubtful_name_is_sent_and_told(name: str, code: str) -> None:
    """The whole cell is the name, as it may be one; a warning at the cell says what is odd about it."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Country"), (name, "Chile"))
    assert draft.name == " ".join(name.split())
    assert [(i.code, i.severity, i.place.cell) for i in draft.issues] == [(code, Severity.WARNING, "A2")]


@pytest.mark.parametrize(
    "name",
    ["https://example.org/a", "desk@example.org", "192.0.2.7", "CVE-2021-1000", "0" * 31 + "f",
     "2019-04-01", "01.04.2019"],
)  # fmt: skip
def test_what_is_never_a_name_makes_no_tag(name: str) -> None:
    """A link, an address, a hash, a marking or a date under the heading of names is an error at its cell."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Country"), (name, "Chile"))
    assert "value" not in draft.fields
    assert [(i.code, i.severity, i.place.cell) for i in draft.issues] == [("not-a-name", Severity.ERROR, "A2")]


@pytest.mark.parametrize(
    "name",
    ["Moss Egret", "TA-17", "8Ravens", "No42(16)", "[Vault 1/2]", "admin@338", "Moss & Fen", "O'Neil Crew",
     "Rush.Panda", "\u7070\u9e70", "Sath-\u0131 M\u00fcdafaa", "Seven", "$$$", "Moss Egret!"],
)  # fmt: skip
def test_nothing_is_asked_about_an_ordinary_name(name: str) -> None:
    """Names as catalogues have them, with their signs and digits, pass without a word."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Aliases"), (name, "Fen Crane; Rush Panda"))
    assert (draft.name, codes(draft)) == (name, [])


def test_what_is_never_a_name_is_taken_out_of_a_list_and_kept() -> None:
    """The other aliases stay; the link is in the private notes, and told."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Aliases"), ("Moss Egret", "Fen Crane; https://example.org/a; TLP:RED"))
    assert draft.fields["aliasGroupNamesInternal"] == ["Fen Crane"]
    assert codes(draft) == ["not-a-name", "not-a-name"]
    assert "https://example.org/a" in str(draft.fields["internalDescription"])


@pytest.mark.parametrize("words", ["same as above", "siehe oben", "\u540c\u4e0a", '"', "\u3003", "j.w.", "\u00cddem"])
def test_a_cell_that_points_to_another_feeds_nothing(words: str) -> None:
    """What stands for the cell above is a warning, since a person meant a value; as a name it is an error."""
    named, other = drafts(SPREADSHEET, ("Actor", "Country"), (words, "Chile"), ("Moss Egret", words))
    assert [(i.code, i.severity) for i in named.issues] == [("placeholder-name", Severity.ERROR)]
    assert "originCountryISO" not in other.fields
    assert [(i.code, i.severity, i.place.cell) for i in other.issues] == [("refers-elsewhere", Severity.WARNING, "B3")]


def test_a_value_of_another_kind_is_said_to_be_in_the_wrong_column() -> None:
    """A country under Motive, a motive under Country and a number under TLP each say what they look like."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Country", "Motive", "TLP"), ("Moss Egret", "Espionage", "Chile", "7"))
    told = {issue.place.cell: issue.message for issue in draft.issues}
    assert "looks like a motive" in told["B2"]
    assert "looks like a country" in told["C2"]
    assert "looks like a number" in told["D2"]


def test_dates_still_to_come_are_left_out_and_told() -> None:
    """However it is written, a day after the latest is kept in the notes; that day itself and earlier ones are sent."""
    columns = ("Actor", "First seen", "Last seen")
    rows = (("A1", "2031-02-01", "2031"), ("B1", "2019-03-02", "2 March 2031"), ("C1", "2020-05-02", "2020-05"))
    made = Drafter(SPREADSHEET, (), "2020-05-02").draft(table(columns, *rows))
    assert [[issue.place.cell for issue in draft.issues if issue.code == "future-date"] for draft in made] == [
        ["B2", "C2"], ["C3"], []
    ]  # fmt: skip
    assert [(d.fields.get("dateOfDiscovery"), d.fields.get("lastSeen")) for d in made] == [
        (None, None), ("2019-03-02", None), ("2020-05-02", "2020-05")
    ]  # fmt: skip
    assert made[0].fields["internalDescription"] == "First seen: 2031-02-01\n\nLast seen: 2031"
    assert codes(made[2]) == []


def test_a_last_seen_that_says_no_time_is_told() -> None:
    """`yesterday` is sent as it is written, with a warning; a day that does not exist is left out."""
    made = drafts(SPREADSHEET, ("Actor", "Last seen"), ("A1", "yesterday"), ("B1", "2019-02-30"), ("C1", "Q3 2019"))
    assert [(codes(draft), draft.fields.get("lastSeen")) for draft in made] == [
        (["no-date"], "yesterday"), (["bad-date"], None), ([], "Q3 2019")
    ]  # fmt: skip


def test_a_marking_in_another_column_keeps_the_row_private() -> None:
    """`TLP:RED` in a description or the notes is told at its cell, and nothing of the row is published."""
    columns = ("Actor", "TLP", "Description", "Notes", "References")
    link = "https://example.org/a"
    rows = (
        ("Moss Egret", "green", "TLP:RED, told by a friend", "", link),
        ("Fen Crane", "", "Robs banks.", "tlp: amber+strict", link),
        ("Bog Heron", "green", "Robs banks.", "TLP:GREEN", link),
    )
    red, strict, green = drafts(SPREADSHEET, columns, *rows)
    assert [[(i.code, i.severity, i.place.cell) for i in draft.issues] for draft in (red, strict, green)] == [
        [("marked-elsewhere", Severity.WARNING, "C2")], [("marked-elsewhere", Severity.WARNING, "D3")], []
    ]  # fmt: skip
    assert not {"description", "externalReferenceLinks"} & (red.fields.keys() | strict.fields.keys())
    assert (green.fields["description"], green.fields["externalReferenceLinks"]) == ("Robs banks.", [link])


def test_an_alias_that_points_elsewhere_is_told() -> None:
    """`see row 6` among other names is not sent as one without a word."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Aliases"), ("Moss Egret", "Fen Egret; see row 6"))
    assert "alias-with-remark" in codes(draft)


def test_an_object_that_is_no_field_with_its_confidence_does_not_cost_the_row() -> None:
    """JSON of another shape under a field that may be left out is left out and told; the actor stays."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Country"), ("Moss Egret", '{"iso": "ES", "name": "Spain"}'))
    assert draft.name == "Moss Egret"
    assert [issue.severity for issue in draft.issues] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("name", "code"), [('{"name": "Moss Egret"}', "not-a-name"), ("[REDACTED]", "placeholder-name")]
)
def test_what_a_program_writes_for_a_name_is_refused(name: str, code: str) -> None:
    """An object in JSON and a word for what was taken out make no tag."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Country"), (name, "Chile"))
    assert code in codes(draft)
    assert any(issue.severity is Severity.ERROR for issue in draft.issues)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("report.pdf", "link-without-scheme"),
        ("www.example.org/report", "link-without-scheme"),
        ("https://", "not-a-link"),
    ],
)
def test_what_may_be_no_link_is_told(text: str, code: str) -> None:
    """A file's name, an address without its https:// and https:// alone are not sent as links without a word."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "References"), ("Moss Egret", text))
    assert codes(draft) == [code]
    assert draft.name == "Moss Egret"
