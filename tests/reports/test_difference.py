"""How a difference between a tag and its row is told."""

from __future__ import annotations

from typing import Any

import pytest

from importer.model import FieldChange
from importer.reports.text import difference_text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Fun", "Espionage", 'motive: "Fun" -> "Espionage"'),
        (None, "Fun", 'motive: (none) -> "Fun"'),
        (["a", "b"], ["b", "c", "d"], 'motive: - "a", + "c", + "d" (1 kept)'),
        (["a", "b"], ["a", "b", "c"], 'motive: + "c" (2 kept)'),
        (["a", "b"], [], 'motive: - "a", - "b"'),
        (["a", "b"], ["b", "a"], 'motive: ["a", "b"] -> ["b", "a"]'),
        (["a"], ["b"], 'motive: "a" -> "b"'),
    ],
)
def test_of_a_list_the_entries_are_told(old: Any, new: Any, told: str) -> None:
    """Old and new of a value; of a list what goes and what comes, and how many entries stay."""
    assert difference_text(FieldChange("motive", old, new)) == told


def test_another_name_is_a_renaming() -> None:
    """A tag whose name changes is renamed; one that goes is not."""
    assert difference_text(FieldChange("value", "Old", "New")) == 'renamed "Old" -> "New"'
    assert difference_text(FieldChange("value", "Old", None)) == 'value: "Old" -> (none)'
