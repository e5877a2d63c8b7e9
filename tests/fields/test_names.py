# ruff: noqa: RUF001 - look-alike characters are what is tested
"""Names: shown, identifying, loose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from importer.fields.names import clean, identity_key, loose_key


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" Stealth Mango and Tangelo ", "Stealth Mango and Tangelo"),
        ("Mythic\u00a0Leopard", "Mythic Leopard"),
        ("Larva\u201125012", "Larva\u201125012"),
        ("TA505 \n (merged\tw/Indrik Spider)", "TA505 (merged w/Indrik Spider)"),
        ("\ufeffAPT28\u200b", "APT28"),
        ("???", "???"),
        ("Sath-ı Müdafaa", "Sath-ı Müdafaa"),
        ("a\u200bb", "a\u200bb"),
        ("  ", ""),
        ("", ""),
    ],
)
def test_the_shown_name_is_as_written_but_tidy(text: str, shown: str) -> None:
    """A shown name loses blanks at its ends and runs of blanks inside, and nothing else."""
    assert clean(text) == shown


@pytest.mark.parametrize(
    "same",
    [
        ("APT28", "apt28", " APT28 ", "ＡＰＴ２８", "APT28\u200b", "A\u00adPT28"),
        ("Larva-25012", "Larva\u201125012", "larva\u201325012", "LARVA\u221225012"),
        ("Fancy Bear", "fancy\u00a0bear", "Fancy\nBear", "FANCY  BEAR"),
        ("Müdafaa", "Mu\u0308dafaa", "MÜDAFAA"),
        ("Straße", "STRASSE"),
        ("海莲花\u3000APT", "海莲花 apt"),
    ],
)
def test_one_identity(same: tuple[str, ...]) -> None:
    """Spellings that differ in case, blanks, dashes, width or invisible characters are one name."""
    assert len({identity_key(name) for name in same}) == 1


def test_identity_keeps_names_of_signs_apart() -> None:
    """Names made of signs, or of nothing visible, keep keys of their own and never an empty one."""
    names = [
        "?",
        "??",
        "???",
        "$$$",
        "[Unnamed group]",
        "-",
        "--",
        "+",
        "777",
        "\u200b",
        "\u200c",
        "\u200b\u200b",
        "C",
        "C++",
        "C#",
    ]
    keys = [identity_key(name) for name in names]
    assert all(keys)
    assert len(set(keys)) == len(names)


def test_punctuation_is_identity_but_not_loosely() -> None:
    """Names that differ in punctuation or blanks alone are two names, with one loose key."""
    assert len({identity_key(name) for name in ("APT-28", "APT 28", "APT28", "APT.28")}) == 4
    assert {loose_key(name) for name in ("APT-28", "APT 28", "APT28", "apt_28", "APT\u201128")} == {"apt28"}
    assert loose_key("$$$") == loose_key("?") == ""


def test_no_two_actors_of_a_catalogue_collapse(catalogs: Path) -> None:
    """The identity key keeps every name of the largest catalogue apart."""
    values = json.loads((catalogs / "misp" / "threat-actor.json").read_text())["values"]
    names = {value["value"].strip().lower() for value in values}
    assert len({identity_key(name) for name in names}) == len(names)
