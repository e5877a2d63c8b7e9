"""`mapping init`: what it writes loads, validates and reads the list it was written for."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.mapping.draft import Drafter
from importer.mapping.nodes import read_yaml
from importer.mapping.schema import json_schema
from importer.mapping.write import flow, scalar, write_mapping
from tests.mapping.tables import SmallTable, mapping, table


def written(*tables: SmallTable) -> str:
    """The mapping for these tables, checked against loader and schema."""
    text = write_mapping(tables)
    mapping(text)
    assert not list(jsonschema.Draft7Validator(json_schema()).iter_errors(yaml.safe_load(text)))
    return text


def test_an_unknown_table_gets_a_working_commented_mapping() -> None:
    """Header words and values both count; samples, guesses and unread columns stand in comments."""
    held = table(
        ("Bezeichner X", "Woher", "Ziel", 'Was, "wie": #1', "Quelle 1"),
        ("APT28", "Russia", "espionage", "a", "https://a.example"),
        ("Turla", "Iran", "financial", "b", "https://b.example"),
    )
    text = written(held)
    assert "GUESSED by its values" in text
    assert "2 of 2 filled, 2 different: Russia | Iran" in text
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


@given(
    st.lists(st.text(min_size=1, max_size=20).filter(str.strip), min_size=1, max_size=6, unique=True),
    st.text(max_size=30),
)
@settings(max_examples=150, deadline=None)
def test_any_header_gives_a_mapping_that_loads(columns: list[str], cell: str) -> None:
    """Whatever stands in a header or a cell, the written file is sound YAML of the mapping language."""
    mapping(write_mapping([table([f"n {column}" for column in columns], [cell] * len(columns))]))


@pytest.mark.parametrize(
    "value", ["NO", "yes", "a: b", "#x", "*", "'", '"', "1", "", " x", "a\nb", "\x85", "😀", "-", "null", "~", "{a}"]
)
def test_scalars_come_back_as_they_were(value: str) -> None:
    """Quoting loses nothing and lets nothing become a number, a null or a comment."""
    assert read_yaml(f"a: {scalar(value)}", "x").plain() == {"a": value}
    assert read_yaml(f"a: {flow({'k': [value]})}", "x").plain() == {"a": {"k": [value]}}
