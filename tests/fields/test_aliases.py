# ruff: noqa: RUF001 - look-alike characters are what is tested
"""Cells that hold several labels."""

from __future__ import annotations

import pytest

from importer.fields.aliases import SEPARATORS, split_labels

CELLS = {
    "Fancy Bear, Sofacy; Sednit\nPawn Storm|STRONTIUM": ["Fancy Bear", "Sofacy", "Sednit", "Pawn Storm", "STRONTIUM"],
    "Sapphire Mushroom/Blue Mushroom": ["Sapphire Mushroom/Blue Mushroom"],
    "Sofacy / Sednit": ["Sofacy", "Sednit"],
    "Group 27/ TG": ["Group 27/ TG"],
    "[Vault 7/8]": ["[Vault 7/8]"],
    "Longhorn, [Vault 7/8], Lamberts": ["Longhorn", "[Vault 7/8]", "Lamberts"],
    "Iran, Islamic Republic Of": ["Iran, Islamic Republic Of"],
    "Iran, Islamic Republic Of, Iraq": ["Iran, Islamic Republic Of", "Iraq"],
    "Korea, Democratic People's Republic of; Japan": ["Korea, Democratic People's Republic of", "Japan"],
    "NSO Group Technologies, Ltd., Candiru": ["NSO Group Technologies, Ltd.", "Candiru"],
    "Newscaster (Charming Kitten, Parastoo), iKittens": ["Newscaster (Charming Kitten, Parastoo)", "iKittens"],
    "核危机行动（Operation NuclearCrisis，二），绿斑、白海豚": [
        "核危机行动（Operation NuclearCrisis，二）",
        "绿斑",
        "白海豚",
    ],
    '"Lords, of Dharmaraja", Butin': ["Lords, of Dharmaraja", "Butin"],
    'SideWinder "Rattlesnake", Razor': ['SideWinder "Rattlesnake"', "Razor"],
    '5" disk, other': ['5" disk', "other"],
    "a) first, b) second": ["a) first", "b) second"],
    "Unclosed (one, two": ["Unclosed (one", "two"],
    "APT-Q-27,": ["APT-Q-27"],
    ",,; |": [],
    "": [],
    "  ": [],
    "one\r\ntwo\rthree\u2028four": ["one", "two", "three", "four"],
    '["APT28, the group", "Sofacy/Sednit", " "]': ["APT28, the group", "Sofacy/Sednit"],
    "NoName057(16)": ["NoName057(16)"],
    "admin@338": ["admin@338"],
    "R": ["R"],
    "$$$": ["$$$"],
    "’t Kofschip’s, b": ["’t Kofschip’s", "b"],
}


@pytest.mark.parametrize(("cell", "labels"), CELLS.items())
def test_labels_are_cut_where_a_person_would(cell: str, labels: list[str]) -> None:
    """A cell is cut at separators between labels, and nowhere inside one."""
    assert split_labels(cell) == labels


def test_the_separators_asked_decide() -> None:
    """A slash without blanks cuts only when asked for, a comma no more when others are asked for."""
    assert split_labels("Sapphire Mushroom/Blue Mushroom", ["/"]) == ["Sapphire Mushroom", "Blue Mushroom"]
    assert split_labels("[Vault 7/8]/Longhorn", ["/"]) == ["[Vault 7/8]", "Longhorn"]
    assert split_labels("a, b; c", [";"]) == ["a, b", "c"]
    assert split_labels("a -- b", ["--"]) == ["a", "b"]
    assert split_labels("a and b, Sandworm", [" and ", *SEPARATORS]) == ["a", "b", "Sandworm"]
    assert split_labels("a, b", []) == ["a, b"]
    assert split_labels("a b", [" "]) == ["a", "b"]
    assert split_labels("a b", [""]) == ["a b"]


def test_a_large_cell_is_cut_in_no_time() -> None:
    """A cell of a million characters of brackets, quotes and separators does not take longer than its length asks."""
    for text in ("(" * 300_000 + ")" * 300_000, '"' * 500_000, "[(,;" * 100_000, ", " * 300_000, "a," * 200_000):
        assert isinstance(split_labels(text), list)
