"""Columns judged as a whole, and texts without what programs left in them, on their way into drafts."""

from __future__ import annotations

import pytest

from importer.mapping.draft import Drafter
from importer.mapping.load import load_mapping
from importer.model import Severity
from tests.mapping.tables import codes, drafts, mapping, table

SPREADSHEET = load_mapping("spreadsheet")


def test_a_scale_is_told_and_the_mapping_overrules_it() -> None:
    """Scores are read on the scale of their column, which is said once; a step of the mapping says otherwise."""
    rows = (("A", "75"), ("B", "10"), ("C", "5"), ("D", "100"))
    found, notes = Drafter(SPREADSHEET).drafted(table(("Actor", "Confidence"), *rows))
    assert [draft.fields["confidence"] for draft in found] == [8, 1, 1, 10]
    assert [(note.code, note.field, note.place.column) for note in notes] == [
        ("scale-of-100", "confidence", "Confidence")
    ]
    told = mapping("fields: {value: Actor, confidence: {column: Confidence, transforms: [{score: 10}]}}")
    found, notes = Drafter(told).drafted(table(("Actor", "Confidence"), *rows))
    assert ([draft.fields.get("confidence") for draft in found], notes) == ([None, 10, 5, None], [])


def test_rows_that_are_left_out_are_not_judged() -> None:
    """A total is not a score: it does not change the scale of the others."""
    (first, second, *_), notes = Drafter(SPREADSHEET).drafted(
        table(("Actor", "Confidence"), ("A", "7"), ("B", "8"), ("Total", "15"))
    )
    assert (first.fields["confidence"], second.fields["confidence"], notes) == (7, 8, [])


def test_two_tables_are_judged_each_by_itself() -> None:
    """What one sheet shows does not hold for the next."""
    drafter = Drafter(SPREADSHEET)
    first = drafter.draft(table(("Actor", "Confidence"), ("A", "75"), ("B", "5"), sheet="one"))
    second = drafter.draft(table(("Actor", "Confidence"), ("A", "7"), ("B", "5"), sheet="two"))
    assert [draft.fields["confidence"] for draft in (*first, *second)] == [8, 1, 7, 5]


def test_the_last_sighting_is_a_text_that_may_be_a_moment() -> None:
    """Seconds since 1970 become a day, what stands for no date goes, any other text stays as it is."""
    rows = [("A", "1704067200"), ("B", "5138-11-16T09:46:40.000Z"), ("C", "late 2023"), ("D", "2024-01-01T00:00:00Z")]
    rows.append(("E", "45000"))
    found = drafts(SPREADSHEET, ("Actor", "Last seen"), *rows)
    assert [draft.fields.get("lastSeen") for draft in found] == ["2024-01-01", None, "late 2023", rows[3][1], None]
    assert (codes(found[1]), codes(found[4])) == (["placeholder-date"], ["bad-date"])


@pytest.mark.parametrize(
    ("cell", "name", "code"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry", []),
        ("'@handle", "@handle", []),
        ("<b>Bell</b> Group", "Bell Group", ["html"]),
        ("&lt;b&gt;Bell&lt;/b&gt; Group", "Bell Group", ["html"]),
        ("MÃ¼ller Gang", "Müller Gang", ["doubled-utf8"]),
        ("[Bell](http://abc.onion)", "Bell", ["linked-name"]),
    ],
)
def test_a_name_is_what_a_person_sees(cell: str, name: str, code: list[str]) -> None:
    """Markup, links and broken encodings do not become part of a name."""
    (draft,) = drafts(SPREADSHEET, ("Actor",), (cell,))
    assert (draft.name, codes(draft)) == (name, code)


def test_the_address_behind_a_name_stays_private() -> None:
    """A link behind a name is kept in the private notes alone."""
    (draft,) = drafts(SPREADSHEET, ("Actor",), ("[Bell](http://abc.onion)",))
    assert draft.fields == {"value": "Bell", "internalDescription": "Actor: http://abc.onion"}


def test_links_of_a_description_are_read() -> None:
    """HTML in a description becomes text, its links references beside those of the row."""
    text = '<p>Bell steals mail.</p><a href="https://a.example/1">Report</a> <a href="javascript:x()">x</a>'
    (draft,) = drafts(SPREADSHEET, ("Actor", "Description", "Links"), ("Bell", text, "https://a.example/2"))
    assert draft.fields == {
        "value": "Bell",
        "description": "Bell steals mail.\nReport x",
        "externalReferenceLinks": ["https://a.example/2", "https://a.example/1"],
    }


def test_entities_do_not_cut_a_list() -> None:
    """The semicolon of an entity parts nothing, in a list that a program wrote neither."""
    cells = ("A &amp; B;R&#233;nard", '["&quot;C&quot;; D", "E"]')
    found = [drafts(SPREADSHEET, ("Actor", "Aliases"), ("X", cell))[0] for cell in cells]
    assert [draft.fields["aliasGroupNamesInternal"] for draft in found] == [["A & B", "R\u00e9nard"], ['"C"; D', "E"]]


def test_a_line_break_of_html_parts_links() -> None:
    """Two links with `<br>` between them are two links and nothing else."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Links"), ("A", "https://a.example/1<br> https://a.example/2"))
    assert draft.fields == {"value": "A", "externalReferenceLinks": ["https://a.example/1", "https://a.example/2"]}


def test_a_row_that_is_left_out_has_no_issues_of_its_cells() -> None:
    """What is wrong in a row that is not of the list concerns nobody."""
    *_, last = drafts(SPREADSHEET, ("Actor", "Country"), ("A", "China"), ("-----", "-----"))
    assert last.left_out
    assert all(issue.severity is not Severity.ERROR for issue in last.issues)


@pytest.mark.parametrize("name", ["Bell, Cat, Dog", "Bell; Cat", "Bell / Cat", "Bell aka Cat", "Bell (formerly Cat)"])
def test_a_name_that_may_be_several_is_told(name: str) -> None:
    """Several names in one cell make one tag only with a warning."""
    (draft,) = drafts(SPREADSHEET, ("Actor",), (name,))
    assert (draft.name, codes(draft)) == (name, ["perhaps-several-names"])


@pytest.mark.parametrize("name", ["Bell, Inc.", "Bell/Cat", "Vault 7/8", "Akatsuki", "Bell & Cat"])
def test_one_name_is_not_doubted(name: str) -> None:
    """A legal form, a slash within a name and letters that only look like `aka` part nothing."""
    (draft,) = drafts(SPREADSHEET, ("Actor",), (name,))
    assert (draft.name, codes(draft)) == (name, [])


def test_a_remark_behind_an_alias_is_told() -> None:
    """A source that stands in brackets behind a name is sent as part of it, with a warning."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Aliases"), ("A", "UNC1 (Bell Labs), Cat"))
    assert draft.fields["aliasGroupNamesInternal"] == ["UNC1 (Bell Labs)", "Cat"]
    assert [(issue.code, issue.value) for issue in draft.issues] == [("alias-with-remark", "UNC1 (Bell Labs)")]


def test_joined_columns_have_their_labels_where_the_leading_one_is_missing() -> None:
    """Only the first column that the mapping names goes without its label; a list becomes words."""
    text = "fields: {value: A, internalDescription: {columns: [about, goals, roles], join: ' ', labelled: rest}}"
    (draft,) = drafts(text, ("A", "goals", "roles"), ("X", '["Steal plans", "Spy"]', '["agent"]'))
    assert draft.fields["internalDescription"] == "Goals: Steal plans, Spy Roles: agent"


def test_what_finds_no_room_in_the_notes_is_told() -> None:
    """Notes that are full are not made longer than a request may be."""
    (draft,) = drafts(SPREADSHEET, ("Actor", "Motivation", "Notes"), ("A", "xyzzy", "n" * 99_990))
    assert draft.fields == {"value": "A", "internalDescription": "n" * 99_990}
    assert codes(draft) == ["unknown-motive", "not-kept"]
