"""The JSON Schema: what it accepts is what loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from importer.errors import MappingError
from importer.mapping.language import mapping_schema
from importer.mapping.transforms import catalogue
from importer.shipped import PRESETS
from tests.mapping.tables import mapping
from tests.mapping.test_load import WRONG

ROOT = Path(__file__).parents[2]


def errors(text: str) -> list[Any]:
    return list(jsonschema.Draft202012Validator(mapping_schema()).iter_errors(yaml.safe_load(text)))


def test_the_schema_is_one() -> None:
    """What editors are given is a sound schema (that the shipped file is this one is a test of the settings)."""
    jsonschema.Draft202012Validator.check_schema(mapping_schema())


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_the_schema(name: str) -> None:
    """An editor underlines nothing in a shipped mapping."""
    assert errors((ROOT / "config" / "mappings" / f"{name}.yaml").read_text("utf-8")) == []


@pytest.mark.parametrize("entry", [e for e in catalogue() if e.takes != "rule"], ids=lambda entry: entry.name)
def test_every_example_of_a_transform_fits_the_schema(entry: Any) -> None:
    """What the documentation shows can be written without an editor complaining, and loads."""
    step = entry.example.step if ":" not in entry.example.step else f"{{{entry.example.step}}}"
    text = f"fields: {{value: {{column: A, transforms: [{step}]}}}}"
    assert errors(text) == []
    mapping(text)


@pytest.mark.parametrize(
    "text",
    [WRONG, "name: x", "fields: {value: {unknown: often}}", "fields: {x: A}", "fields: {value: {transforms: [split]}}"],
)
def test_what_does_not_load_does_not_fit_the_schema(text: str) -> None:
    """An editor underlines what the program refuses."""
    assert errors(text)
    with pytest.raises(MappingError):
        mapping(text)
