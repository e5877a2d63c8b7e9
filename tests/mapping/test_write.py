"""`mapping init`: what it writes loads, validates and reads the list it was written for."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.mapping.draft import Drafter
from importer.mapping.language import mapping_schema
from importer.mapping.write import flow, scalar, write_mapping
from importer.model import Table
from importer.text.yaml_nodes import Problems, compose
from tests.mapping.tables import mapping, table


def written(*tables: Table) -> str:
    """The mapping for these tables, checked against loader and schema."""
    text = write_mapping(tables)
    mapping(text)
    assert not list(jsonschema.Draft202012Validator(mapping_schema()).iter_errors(yaml.safe_load(text)))
    return text


def test_an_unknown_table_gets_a_working_commented_mapping() -> None:
    """Header words and values both count; samples, guesses and unread columns stand in comments."""
    held = table(
        ("Bezeichner X", "Woher", "Ziel", 'Was, "wie": #1', "Quelle 1"),
        ("APT28", "Russia", "espionage", "a", "https://a.example"),
        ("Turla", "Iran", "financial", "b", "https://b.example"),
    )
    text = written(held)
    assert "2 of 2 filled, 2 different: Russia | Iran (header like 'where', 100 % countries)" in text
    assert '# properties.was_wie_1: "Was, \\"wie\\": #1"' in text
    fields = Drafter(mapping(text)).draft(held)[0].fields
    assert dict(fields) == {
        "value": "APT28",
        "originCountryISO": "RU",
        "motive": "Espionage",
        "externalReferenceLinks": ["https://a.example"],
    }


def test_the_commented_lines_work_when_they_are_uncommented() -> None:
    """An analyst takes a column in by removing one `#`."""
    text = written(table(("Actor", "Sector focus"), ("X", "energy")))
    text = text.replace("  # properties.sector_focus", "  properties.sector_focus")
    held = mapping(text)
    assert Drafter(held).draft(table(("Actor", "Sector focus"), ("X", "energy")))[0].fields["properties"] == {
        "sector_focus": "energy"
    }


def test_it_reads_as_the_preset_does() -> None:
    """For a list that a preset knows, init writes that preset down for this very list."""
    from importer.mapping.load import load_mapping

    held = table(
        ("Actor", "AKA", "AKA 2", "Country", "Notes", "Comment"), ("X", "a, b", "c", "Vietnam or Laos", "n", "m")
    )
    assert (
        Drafter(mapping(written(held))).draft(held)[0].fields
        == Drafter(load_mapping("spreadsheet")).draft(held)[0].fields
    )


def test_sheets_are_written_down_together() -> None:
    """Several sheets with different columns give one mapping that fits all of them."""
    one = table(("Actor", "Country"), ("X", "CN"), sheet="A")
    two = table(("Threat Actor", "Aliases"), ("Y", "Z"), sheet="B")
    drafter = Drafter(mapping(written(one, two)))
    assert drafter.draft(one)[0].fields == {"value": "X", "originCountryISO": "CN"}
    assert drafter.draft(two)[0].fields == {"value": "Y", "aliasGroupNamesInternal": ["Z"]}


def test_a_sheet_that_was_not_recognised_is_never_skipped() -> None:
    """Its columns and values stand in comments, and so does the line that would leave it out."""
    one = table(("Actor", "Country"), ("X", "CN"), sheet="A")
    two = table(("Wer", "Sektor"), ("Y", "energy"), sheet="B [old]")
    text = written(one, two)
    assert "#   column B, 1 of 1 filled, 1 different: energy\n  # properties.sektor: Sektor" in text
    assert '# sheets:\n#   "B [[]old]": {skip: true}' in text
    assert not mapping(text).sheets
    skipping = text.replace("# sheets:", "sheets:").replace('#   "B [', '  "B [')
    assert [section.pattern for section in mapping(skipping).sheets] == ["B [[]old]"]
    taking = mapping(text.replace("value: Actor", "value: [Actor, Wer]"))
    assert [draft.name for held in (one, two) for draft in Drafter(taking).draft(held)] == ["X", "Y"]


def test_the_sheet_that_looks_most_like_actors_is_mapped() -> None:
    """Origins, markings and links speak louder than a header `Name`; the sheet with that header is not skipped."""
    actors = table(
        ("Nr", "Deckwort", "Woher", "Stufe", "Belege"),
        ("1", "Roter Fuchs", "China", "TLP:AMBER", "https://a.example"),
        ("2", "Blauer Wal", "Iran", "TLP:GREEN", "https://b.example"),
        sheet="Stand 2024",
    )
    text = written(table(("Name", "Ort"), ("Mimi", "Keller"), sheet="Sonstiges"), actors)
    assert "value: Deckwort" in text
    assert "#   Sonstiges: {skip: true}" in text
    assert Drafter(mapping(text)).draft(actors)[0].fields["originCountryISO"] == "CN"


@pytest.mark.parametrize(("word", "kind"), [("Typ", "Werkzeug"), ("Type", "outil"), ("type", "Tool")])
def test_a_sheet_of_tools_is_left_out_and_the_reason_stands_beside_it(word: str, kind: str) -> None:
    """`Name` over names of tools counts for nothing when the type beside it says so, in German and French as well."""
    tools = table(("Name", word), ("Mimikatz", kind), ("PsExec", kind), sheet="Hilfsmittel")
    for actors in (table(("Codename", "Land"), ("X", "Iran"), sheet="A"), table(("Wer",), ("X",), sheet="A")):
        text = written(tools, actors)
        assert "  Hilfsmittel: {skip: true}   # looks like a list of malware or tools" in text
        assert "Mimikatz" not in text
        assert Drafter(mapping(text)).draft(actors)[0].name == "X"


@pytest.mark.parametrize(
    ("columns", "rows", "name"),
    [
        (("Internal ID", "Wer"), [("T-0", "Red Fox"), ("T-1", "Blue Whale")], "Wer"),
        (("Zeile", "Wer"), [("T-0", "Red Fox"), ("T-1", "Blue Whale")], "Wer"),
        (("Wer", "Was"), [("APT1", "phishing by mail"), ("APT2", "theft of data")], "Wer"),
        (("Zeile", "Moniker"), [("Red", "Fox"), ("Blue", "Whale")], "Moniker"),
    ],
)
def test_an_id_is_no_guess_for_a_name(columns: tuple[str, ...], rows: list[tuple[str, ...]], name: str) -> None:
    """Codes counted up and columns called ID give way to words; APT1 and APT2 are names all the same."""
    assert f"value: {name}\n" in written(table(columns, *rows))


@given(
    st.lists(st.text(min_size=1, max_size=20).filter(str.strip), min_size=1, max_size=6, unique=True),
    st.text(max_size=30),
)
@settings(max_examples=150, deadline=None)
def test_any_header_gives_a_mapping_that_loads(columns: list[str], cell: str) -> None:
    """Whatever stands in a header or a cell, the written file is sound YAML of the mapping language."""
    held = table([f"n {column}" for column in columns], [cell] * len(columns))
    mapping(write_mapping([held], {"value": [held.header.columns[0]]}))


@pytest.mark.parametrize(
    "value", ["NO", "yes", "a: b", "#x", "*", "'", '"', "1", "", " x", "a\nb", "\x85", "😀", "-", "null", "~", "{a}"]
)
def test_scalars_come_back_as_they_were(value: str) -> None:
    """Quoting loses nothing and lets nothing become a number, a null or a comment."""
    assert compose(f"a: {scalar(value)}", Problems("x")).plain() == {"a": value}
    assert compose(f"a: {flow({'k': [value]})}", Problems("x")).plain() == {"a": {"k": [value]}}
