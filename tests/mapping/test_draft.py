"""Rows into drafts: the right values, and every issue at its cell."""

from __future__ import annotations

import pytest

from importer.errors import SourceError
from importer.mapping.draft import Drafter
from importer.mapping.load import load_mapping
from importer.model import Asked, Severity
from tests.mapping.tables import codes, drafts, mapping, table

SPREADSHEET = load_mapping("spreadsheet")


def test_usual_header_words_feed_their_fields() -> None:
    """A sheet of an analyst's habits arrives where a person would put it; other names and notes stay private."""
    columns = (
        "Threat\u00a0Actor:",
        "A.K.A.",
        "alias_2",
        "Country of\nOrigin",
        "Motivation",
        "TLP",
        "First seen",
        "Links",
        "Comment",
        "Confidence",
    )
    row = (
        "APT28",
        "Sofacy, Fancy Bear",
        "Sednit",
        "Russian Federation",
        "espionage",
        "TLP:GREEN",
        "2004-01-01",
        "https://a.example",
        "ours",
        "high",
    )
    fields = drafts(SPREADSHEET, columns, row)[0].fields
    assert fields == {
        "value": "APT28",
        "aliasGroupNamesInternal": ["Sofacy", "Fancy Bear", "Sednit"],
        "originCountryISO": "RU",
        "motive": "Espionage",
        "tlp": "green",
        "dateOfDiscovery": "2004-01-01",
        "externalReferenceLinks": ["https://a.example"],
        "internalDescription": "ours",
        "confidence": fields["confidence"],
    }
    assert 7 <= fields["confidence"] <= 9


@pytest.mark.parametrize(
    "name", ["originCountryISO", "origin_country_iso", "Origin Country ISO", "ORIGIN-COUNTRY-ISO", "originCountryIso"]
)
def test_a_wire_name_is_found_in_any_spelling(name: str) -> None:
    """A column called like a field feeds it, in camel, snake or title case."""
    assert drafts(SPREADSHEET, ("value", name), ("X", "FR"))[0].fields == {"value": "X", "originCountryISO": "FR"}


def test_every_field_can_be_reached_by_its_name() -> None:
    """Whatever the API takes, a column of that name fills; `aliases` alone goes to the private list."""
    from importer.fields.table import FIELDS

    rules = {rule.target for rule in SPREADSHEET.rules}
    for field in FIELDS:
        if field.name in ("value", "aliases"):
            continue
        feeds = Drafter(SPREADSHEET).layout(table(("Threat Actor", field.name))).feeds
        assert field.name in {feed.rule.target for feed in feeds}, field.name
    assert "aliasGroupNamesInternal" in rules
    assert drafts(SPREADSHEET, ("value", "aliases"), ("X", "Y"))[0].fields["aliasGroupNamesInternal"] == ["Y"]


def test_properties_are_filled_by_their_columns() -> None:
    """`properties.x` and a JSON `properties` column come together as one object."""
    fields = drafts(SPREADSHEET, ("value", "properties", "properties.sector"), ("X", '{"level": 3}', "energy"))[
        0
    ].fields
    assert fields["properties"] == {"level": 3, "sector": "energy"}


def test_issues_stand_at_their_cell_with_the_nearest_word() -> None:
    """A misspelt country is left out with file, cell, value and the nearest match, and kept; the row goes on."""
    draft = drafts(SPREADSHEET, ("Actor", "Country"), ("A", "China"), ("B", "Russsia"))[1]
    issue = draft.issues[0]
    assert (issue.place.cell, issue.value, issue.severity, issue.field) == (
        "B3",
        "Russsia",
        Severity.WARNING,
        "originCountryISO",
    )
    assert issue.code == "unknown-country"
    assert issue.nearest
    assert draft.fields == {"value": "B", "internalDescription": "Country: Russsia"}


def test_several_countries_never_become_one() -> None:
    """Two countries and regions are a warning, and the text is kept in the private notes."""
    draft = drafts(SPREADSHEET, ("Actor", "Origin", "Notes"), ("A", "Vietnam or Pakistan", "n"))[0]
    assert draft.fields == {"value": "A", "internalDescription": "n\n\nOrigin: Vietnam or Pakistan"}
    assert codes(draft) == ["several-countries"]
    assert not draft.invalid


def test_a_doubtful_word_is_left_out_and_kept() -> None:
    """An unknown or misspelt word costs the row nothing but the word, which stays in the private notes."""
    for text, nearest in (("xyzzy plugh", ""), ("Espionge", "Espionage"), ("Coercion, Ideology", "")):
        (draft,) = drafts(SPREADSHEET, ("Actor", "Motivation"), ("A", text))
        assert draft.fields == {"value": "A", "internalDescription": f"Motivation: {text}"}
        assert [(issue.severity, issue.nearest) for issue in draft.issues] == [(Severity.WARNING, nearest)]


@pytest.mark.parametrize("name", ["", "  ", "\u00a0"])
def test_a_row_without_a_name_is_told(name: str) -> None:
    """No tag is made of a blank name."""
    draft = drafts(SPREADSHEET, ("Actor", "Country"), (name, "China"))[0]
    assert codes(draft) == ["missing-name"]
    assert draft.issues[0].place.cell == "A2"


@pytest.mark.parametrize(
    "name", ["777", "$$$", "Unnamed Wolf", "NoName057(16)", "007", "1e5", "[Vault 7/8]", "admin@338", "LEAD", "=1+1"]
)
def test_odd_names_arrive_as_they_stand(name: str) -> None:
    """A name is text, whatever it looks like."""
    assert drafts(SPREADSHEET, ("Actor",), (name,))[0].name == name


@pytest.mark.parametrize(
    "name", ["?", " - ", "NA", "None", "Unknown", "#REF!", "Err:502", "k.A.", "неизвестно", "未知"]
)
def test_a_name_that_says_nothing_is_an_error(name: str) -> None:
    """No tag is made of a placeholder, in whatever language."""
    draft = drafts(SPREADSHEET, ("Actor", "Country"), (name, "China"))[0]
    assert (codes(draft), draft.invalid, draft.name) == (["placeholder-name"], True, "")


def test_texts_that_say_nothing_feed_no_field() -> None:
    """Placeholders are left out of every field, and out of lists; the row goes on without them."""
    columns = ("Actor", "Sponsor", "Description", "Confidence", "First seen", "Links", "Aliases", "Priority", "Motive")
    cells = ("A", "TBD", "NULL", "nan", "NaT", "n/a", "Bell, ?, Unknown", "-", "keine Angabe")
    draft = drafts(SPREADSHEET, columns, cells)[0]
    assert draft.fields == {"value": "A", "aliasGroupNamesInternal": ["Bell"]}
    assert set(codes(draft)) == {"says-nothing"}
    assert {issue.severity for issue in draft.issues} == {Severity.INFO}


def test_own_name_and_repetitions_leave_the_aliases() -> None:
    """The actor's own name and case duplicates go, with an information; the first spelling stays."""
    draft = drafts(SPREADSHEET, ("Actor", "Aliases"), ("APT28", "Sofacy, apt28, SOFACY, Sednit"))[0]
    assert draft.fields["aliasGroupNamesInternal"] == ["Sofacy", "Sednit"]
    assert codes(draft) == ["own-name-alias", "repeated-alias"]
    assert {issue.severity for issue in draft.issues} == {Severity.INFO}


def test_a_public_field_is_filled_only_where_the_mapping_says_so() -> None:
    """Visibility is chosen in the mapping."""
    assert drafts("fields: {value: A, aliasGroupNames: B}", ("A", "B"), ("X", "Y"))[0].fields["aliasGroupNames"] == [
        "Y"
    ]


def test_annotated_values_come_from_their_columns() -> None:
    """A value column with a confidence and a TLP column is one annotated value; without either it stays bare."""
    text = (
        "fields: {value: A, originCountryISO: {column: B, confidence: C, tlp: D}, motive: {column: E, confidence: 7}}"
    )
    first, bare = drafts(
        text, ("A", "B", "C", "D", "E"), ("X", "China", "high", "green", "Fun"), ("Y", "Iran", "", "", "")
    )
    assert first.fields["originCountryISO"] == {
        "value": "CN",
        "confidence": first.fields["originCountryISO"]["confidence"],
        "tlp": "green",
    }
    assert first.fields["motive"] == {"value": "Fun", "confidence": 7}
    assert bare.fields["originCountryISO"] == "IR"


def test_structured_lists_carry_confidence_tlp_and_descriptions() -> None:
    """Aliases and references are objects where the field is one; JSON cells are taken whole."""
    text = """
fields:
  value: A
  internalAliases: {column: B, confidence: C, tlp: {constant: amber}}
  externalReferences: {column: D, description: E}
"""
    cells = ("X", '["P", {"value": "Q", "confidence": 2}]', "9", "https://a.example", "a report")
    fields = drafts(text, ("A", "B", "C", "D", "E"), cells)[0].fields
    assert fields["internalAliases"] == [
        {"value": "P", "confidence": 9, "tlp": "amber"},
        {"value": "Q", "confidence": 2, "tlp": "amber"},
    ]
    assert fields["externalReferences"] == [{"url": "https://a.example", "description": "a report"}]


def test_confidence_that_a_plain_list_cannot_hold_is_told() -> None:
    """Nothing of a JSON cell is dropped in silence."""
    draft = drafts("fields: {value: A, aliasGroupNames: B}", ("A", "B"), ("X", '[{"value": "P", "confidence": 2}]'))[0]
    assert draft.fields["aliasGroupNames"] == ["P"]
    assert codes(draft) == ["annotations-left-out"]


def test_clear_empties_a_field() -> None:
    """`#CLEAR` and `on_blank: clear` ask to empty a field; a plain blank leaves it alone; the name stays."""
    text = "fields: {value: A, motive: B, description: {column: C, on_blank: clear}, tlp: D, properties.x: E}"
    clear, blank, name = drafts(
        text,
        ("A", "B", "C", "D", "E"),
        ("X", "#CLEAR", "d", "", "#CLEAR"),
        ("Y", "", "", "", ""),
        ("#CLEAR", "", "c", "#CLEAR", ""),
    )
    assert clear.clear == {"motive", "properties.x"}
    assert blank.clear == {"description"}
    assert codes(name) == ["not-clearable", "not-clearable"]


def test_clear_among_joined_columns() -> None:
    """Of two note columns one `#CLEAR` empties the field only where the other says nothing."""
    first, second = drafts(SPREADSHEET, ("Actor", "Notes", "Comment"), ("X", "#CLEAR", ""), ("Y", "#CLEAR", "c"))
    assert first.clear == {"internalDescription"}
    assert second.fields == {"value": "Y", "internalDescription": "c"}


def test_on_blank_of_the_whole_mapping_reaches_clearable_fields_alone() -> None:
    """`on_blank: clear` at the top is for every field that can be emptied."""
    draft = drafts("on_blank: clear\nfields: {value: A, motive: B, tlp: C}", ("A", "B", "C"), ("X", "", ""))[0]
    assert draft.clear == {"motive"}


def test_the_action_column_chooses_per_row() -> None:
    """`action` is found by itself; a misspelt word is an error with the nearest one, our own `_action` is none."""
    rows = drafts(
        SPREADSHEET, ("Actor", "Action", "_action"), ("A", "Skip", "x"), ("B", "", ""), ("C", "upsrt", "create")
    )
    assert [row.asked for row in rows] == [Asked.SKIP, None, None]
    assert rows[2].issues[0].nearest == "upsert"
    assert rows[2].invalid


def test_columns_of_a_report_are_ignored() -> None:
    """results.csv and failed.csv hold columns of ours; they feed nothing."""
    draft = drafts(SPREADSHEET, ("Actor", "_status", "_code", "_message"), ("A", "failed", "x", "y"))[0]
    assert dict(draft.fields) == {"value": "A"}


def test_conditions_take_and_leave_out_rows() -> None:
    """`when:` leaves rows out with the reason; such rows need no name."""
    text = """
when:
  - take: {column: Kind, in: [APT, Crime]}
  - leave_out: {column: Status, matches: '^retired'}
fields: {value: A}
"""
    rows = drafts(text, ("A", "Kind", "Status"), ("X", "apt", ""), ("Y", "school", ""), ("", "crime", "retired 2019"))
    assert [bool(row.left_out) for row in rows] == [False, True, True]
    assert "Kind is 'school'" in rows[1].left_out
    assert codes(rows[2]) == []


def test_sections_change_rules_for_sheets() -> None:
    """A sheet may have rules of its own, drop one, or be left out."""
    text = """
fields: {value: A, motive: B}
sheets:
  Russia: {fields: {originCountryISO: {constant: RU}, motive: null}}
  '_*': {skip: true}
"""
    assert dict(drafts(text, ("A", "B"), ("X", "Fun"), sheet="russia ")[0].fields) == {
        "value": "X",
        "originCountryISO": "RU",
    }
    assert drafts(text, ("A", "B"), ("X", "Fun"), sheet="_Malware")[0].left_out
    assert dict(drafts(text, ("A", "B"), ("X", "Fun"), sheet="Iran")[0].fields) == {"value": "X", "motive": "Fun"}


def test_pseudo_columns_templates_joins_and_defaults() -> None:
    """The sheet's name, texts put together and fallbacks can feed a field; a template reads cells and nothing else."""
    text = """
fields:
  value: {columns: [A, B]}
  description: {template: '{C} ({A.__class__}) {{x}}'}
  internalDescription: {columns: [B, C], join: ' / ', labelled: true}
  attributionOrganization: {column: $sheet}
  motive: {column: D, default: fun}
"""
    draft = drafts(text, ("A", "B", "C", "D"), ("", "Bee", "see", ""), sheet="S1")[0]
    assert dict(draft.fields) == {
        "value": "Bee",
        "description": "see () {x}",
        "internalDescription": "B: Bee / C: see",
        "attributionOrganization": "S1",
        "motive": "Fun",
    }
    assert codes(draft) == ["other-name-column"]


def test_what_has_no_field_is_joined_behind_the_description() -> None:
    """`labelled: rest` puts the names of the columns before all texts but the first, and lists are read out."""
    text = """
fields:
  value: A
  internalDescription: {columns: [B, goals, resource_level], join: '; ', labelled: rest}
"""
    made = drafts(text, ("A", "B", "goals", "resource_level"), ("X", "Spies.", '["Mail", "Plans"]', "club"))[0]
    assert made.fields["internalDescription"] == "Spies.; Goals: Mail, Plans; Resource level: club"


def test_own_words_extend_and_replace_vocabularies() -> None:
    """A mapping's words come before the shipped ones, or stand alone."""
    extended = "vocabularies: {motive: {extend: {Kopfgeld: Financial, keins: ''}}}\nfields: {value: A, motive: B}"
    first, second, third = drafts(
        extended, ("A", "B"), ("X", "kopfgeld"), ("Y", "Spionage or loot"), ("Z", "Espionage")
    )
    assert first.fields["motive"] == "Financial"
    assert third.fields["motive"] == "Espionage"
    assert "motive" not in second.fields
    replaced = "vocabularies: {motive: {replace: {Geld: Money}}}\nfields: {value: A, motive: B}"
    first, second = drafts(replaced, ("A", "B"), ("X", "geld"), ("Y", "Espionage"))
    assert (first.fields["motive"], codes(second)) == ("Money", ["unknown-motive"])


def test_severities_are_the_mappings() -> None:
    """error, warning, keep and ignore decide what an unknown word does."""
    rows = {}
    for setting in ("error", "warning", "keep", "ignore"):
        text = f"fields: {{value: A, actorCategory: {{column: B, unknown: {setting}}}}}"
        rows[setting] = drafts(text, ("A", "B"), ("X", "qqqq wwww"))[0]
    assert rows["error"].invalid
    assert [issue.severity for issue in rows["warning"].issues] == [Severity.WARNING]
    assert "actorCategory" not in rows["warning"].fields
    assert rows["keep"].fields["actorCategory"] == "qqqq wwww"
    assert (rows["ignore"].issues, "actorCategory" in rows["ignore"].fields) == ((), False)


def test_as_is_changes_nothing() -> None:
    """An export comes back exactly: blanks, line breaks, own names in lists, numbers as JSON."""
    text = """
fields:
  value: value
  description: {column: d, as_is: true}
  aliasGroupNames: {column: a, as_is: true, transforms: [json]}
  priority: {column: p, as_is: true, transforms: [json], confidence: c}
"""
    fields = drafts(text, ("value", "d", "a", "p", "c"), ("X", " two\r\n lines ", '["X", "b, c", "x"]', "1.5", "3"))[
        0
    ].fields
    assert fields["description"] == " two\r\n lines "
    assert fields["aliasGroupNames"] == ["X", "b, c", "x"]
    assert fields["priority"] == {"value": 1.5, "confidence": 3}


def test_a_bad_entry_does_not_take_its_list_along() -> None:
    """Of a list the good entries stay; the bad one is an issue of its own."""
    draft = drafts(
        "fields: {value: A, externalReferenceLinks: B}", ("A", "B"), ("X", '["https://a.example", "\\u0007"]')
    )[0]
    assert draft.fields == {"value": "X", "externalReferenceLinks": ["https://a.example"]}
    assert [(issue.severity, issue.value) for issue in draft.issues] == [(Severity.WARNING, "\u0007")]


def test_a_missing_column_is_told_with_the_nearest() -> None:
    """A mapping that names no column of the table says so: for the name an error, for others a note."""
    with pytest.raises(SourceError, match="nearest is 'Actor Name'"):
        drafts("fields: {value: Actor Nmae}", ("Actor Name", "X"), ("A", "B"))
    drafter = Drafter(mapping("fields: {value: A, motive: Motve}"))
    notes = drafter.notes(table(("A", "Motive!x", "Motives"), ("Blue Heron", "x", "y")))
    assert [(note.code, note.severity) for note in notes] == [
        ("missing-column", Severity.WARNING), ("unread-columns", Severity.WARNING)
    ]  # fmt: skip


def test_distinct_texts_are_read_once_and_batches_agree() -> None:
    """The same cell gives the same value and its own issue in every row and every batch."""
    drafter = Drafter(SPREADSHEET)
    for _ in range(2):
        rows = drafter.draft(table(("Actor", "Country"), ("A", "Russsia"), ("B", "Russsia"), ("C", "")))
        assert [[issue.place.cell for issue in row.issues] for row in rows] == [["B2"], ["B3"], []]


@pytest.mark.parametrize(("column", "cell"), [(0, "APT\u200b28"), (0, "\ufeffSnake"), (1, "Sofacy, Fancy\u202eBear")])
def test_a_name_with_a_character_that_nobody_sees_is_told(column: int, cell: str) -> None:
    """A zero-width or direction-changing character in a name or alias is a warning at its cell; the row goes on."""
    row = ["Turla", "Uroburos"]
    row[column] = cell
    draft = drafts(SPREADSHEET, ("Actor", "Aliases"), tuple(row))[0]
    assert [(issue.code, issue.place.cell, issue.severity) for issue in draft.issues] == [
        ("hidden-character", "AB"[column] + "2", Severity.WARNING)
    ]


@pytest.mark.parametrize(
    "name", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u6d77\u83b2\u82b1", "APT\u00a028", "Fancy Bear"]
)
def test_letters_of_any_script_are_nothing_hidden(name: str) -> None:
    """Joiners that Persian needs, Chinese, and a no-break space between words are no hidden characters."""
    draft = drafts(SPREADSHEET, ("Actor", "Aliases"), (name, "Uroburos"))[0]
    assert draft.issues == ()


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"])
def test_a_link_that_would_run_code_is_left_out_of_a_list_too(link: str) -> None:
    """In a JSON list, as STIX and MISP bring them, an unsafe link is an issue and its neighbours are taken."""
    cell = f'["{link}", "https://ok.example/1", "hxxps://also[.]example/2"]'
    draft = drafts(SPREADSHEET, ("Actor", "References"), ("A", cell))[0]
    assert draft.fields["externalReferenceLinks"] == ["https://ok.example/1", "https://also.example/2"]
    assert [(issue.code, issue.value) for issue in draft.issues] == [("unsafe-url", link)]


@pytest.mark.parametrize(
    ("name", "code", "expected", "told"),
    [
        ("China", "", "CN", []),
        ("", "IR", "IR", []),
        ("Iran", "IR", "IR", []),
        ("China", "RU", "RU", ["columns-disagree"]),
    ],
)
def test_a_country_and_its_code_beside_each_other_help_out(
    name: str, code: str, expected: str, told: list[str]
) -> None:
    """Of two columns for the country one may be blank; where they disagree that is a warning, and the code counts."""
    draft = drafts(SPREADSHEET, ("Actor", "Country", "Country Code"), ("A", name, code))[0]
    assert draft.fields["originCountryISO"] == expected
    assert codes(draft) == told


@pytest.mark.parametrize(("cell", "taken"), [("TLP:GREEN, TLP:RED", "red"), ("amber+strict; amber", "amber+strict")])
def test_of_several_markings_the_strictest_counts(cell: str, taken: str) -> None:
    """A cell with more than one TLP word never makes a tag less restricted than one of them says."""
    draft = drafts(SPREADSHEET, ("Actor", "TLP"), ("A", cell))[0]
    assert draft.fields["tlp"] == taken
    assert codes(draft) == ["several-tlp"]


def test_in_a_column_of_actions_every_other_word_is_an_error() -> None:
    """`delete` makes no tag, and a word that is none is an error as soon as the column holds one that is."""
    rows = [("A", "skip"), ("B", "delete"), ("C", "none"), ("D", "")]
    found = drafts(SPREADSHEET, ("Actor", "Action"), *rows)
    assert [draft.invalid for draft in found] == [False, True, True, False]
    (alone,) = drafts(SPREADSHEET, ("Actor", "Action"), ("B", "delete"))
    assert "--prune" in alone.issues[0].message


def test_a_confidence_column_goes_with_its_value_alone() -> None:
    """`Motive confidence` is part of the motive, and feeds no field of a past generation besides."""
    columns = ("Actor", "Motive", "Motive confidence", "Origin country", "Origin country confidence")
    (draft,) = drafts(SPREADSHEET, columns, ("A", "Espionage", "8", "Iran", "7"))
    assert draft.fields == {
        "value": "A",
        "motive": {"value": "Espionage", "confidence": 8},
        "originCountryISO": {"value": "IR", "confidence": 7},
    }


def test_a_confidence_or_tlp_can_be_taken_off() -> None:
    """`#CLEAR` in a part's cell asks to take that part off; so does a blank one where its rule says `on_blank`."""
    columns = ("A", "B", "C", "D")
    rows = (("X", "Fun", "#CLEAR", ""), ("Y", "Fun", "", "red"), ("Z", "", "", ""))
    text = "fields: {value: A, motive: {column: B, confidence: C, tlp: D}}"
    assert [row.clear for row in drafts(text, columns, *rows)] == [{"motive.confidence"}, set(), set()]
    text = "fields: {value: A, motive: {column: B, on_blank: clear, confidence: C, tlp: D}}"
    assert [row.clear for row in drafts(text, columns, *rows)] == [
        {"motive.confidence", "motive.tlp"},
        {"motive.confidence"},
        {"motive", "motive.confidence", "motive.tlp"},
    ]


def test_a_confidence_without_its_value_is_told() -> None:
    """A score beside a blank value is a warning at its own cell; a constant beside one says nothing of the row."""
    text = "fields: {value: A, motive: {column: B, confidence: C, tlp: {constant: red}}}"
    draft = drafts(text, ("A", "B", "C"), ("X", "", "7"))[0]
    assert [(issue.code, issue.severity, issue.place.cell, issue.value) for issue in draft.issues] == [
        ("annotation-without-value", Severity.WARNING, "C2", "7")
    ]
    assert draft.fields == {"value": "X"}


WHERE = ["Sponsor", "Notes", "Actor", "AKA", "Also known as"]


def test_each_field_knows_its_column_however_often_its_text_stands_in_the_row() -> None:
    """The name, a sponsor of the same name and each alias are placed in their own cells, found by no text search."""
    found = drafts(SPREADSHEET, WHERE, ["Sand Fox", "Dune Cat", "Sand Fox", "Dune Cat; Rook", "Ibis"])[0]
    assert found.place().cell == "C2"
    assert found.place("attributionOrganization").cell == "A2"
    places = [found.place("aliasGroupNamesInternal", alias).cell for alias in ("Dune Cat", "Rook", "Ibis")]
    assert places == ["D2", "D2", "E2"]
    assert found.place("motive").column == ""


def test_a_repeated_alias_is_told_at_the_cell_that_repeats_it() -> None:
    """The second of two equal entries is the one left out, so the issue stands at its cell."""
    found = drafts(SPREADSHEET, WHERE, ["", "", "Sand Fox", "Dune Cat", "Ibis; dune cat"])[0]
    assert [(issue.code, issue.place.cell) for issue in found.issues] == [("repeated-alias", "E2")]


def test_a_name_from_the_second_column_is_placed_there() -> None:
    """Where several columns may give a field, its place is the one that gave it."""
    first, second = drafts("name: m\nfields:\n  value: [Main, Other]\n", ["Main", "Other"], ["A", "B"], ["", "B"])
    assert (first.column(), second.column()) == ("Main", "Other")


def test_a_property_is_placed_by_its_rule() -> None:
    """The column of a property is the one that its rule names, whatever it is called; a template has none."""
    rules = "name: m\nfields:\n  value: {template: '{N}!'}\n  properties.rank: {column: R}\n  properties: {column: P}\n"
    found = drafts(rules, ["N", "R", "P"], ["x", "high", '{"team": "red"}'])[0]
    assert (found.column("properties.rank"), found.column("properties.team.name")) == ("R", "P")
    assert found.column() == ""
