"""The mapping language's page."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.mapping.tables import mapping
from tools.mapping_page import filled

PAGE = Path(__file__).parents[2] / "config" / "mappings" / "README.md"


def test_the_page_says_what_the_program_takes() -> None:
    """The tables of keys, operators and steps are the generated ones."""
    text = PAGE.read_text("utf-8")
    assert text == filled(text)


def test_the_examples_of_the_page_load() -> None:
    """What the page shows is taken by the loader as it stands."""
    text = "\n".join(line[4:] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("    "))
    assert {"fields", "when", "sheets", "sources"} <= set(yaml.safe_load(text))
    mapping(text)
