"""The words that say nothing."""

from __future__ import annotations

import json

import jsonschema
import pytest

from importer.fields.words import load_data, says_nothing
from importer.shipped import shipped

NOTHING = [
    "?", "-", "???", "\u2014", "...", "Unknown", "N/A", "n.a.", "TBD", "T.B.D.", "none", "NULL", "nan", "NaT", "<NA>",
    "unnamed", "(unknown)", "#REF!", "#N/A", "#DIV/0!", "#BEZUG!", "Err:502", "Fehler:502", "inconnu", "Desconocida",
    "s/o", "k.A.", "\u043d/\u0434", "\u6682\u65e0", "\u4e0d\u660e", "\uc54c \uc218 \uc5c6\uc74c", "Indéterminé",
    "-\u200b", "\u0301\u0302",
]  # fmt: skip
SOMETHING = [
    "",
    "NA-17",
    "$$$",
    "007",
    "NoName057(16)",
    "Anonymous",
    "Unknown Logger",
    "KA",
    "ND",
    "#1",
    "Err",
    "\U0001f43c",
    "\u2764\ufe0f",
    "C",
    "Noname",
]


@pytest.mark.parametrize("text", NOTHING)
def test_placeholders_say_nothing(text: str) -> None:
    """What people, programs and spreadsheets write for want of a value is none."""
    assert says_nothing(text)


@pytest.mark.parametrize("text", SOMETHING)
def test_what_may_be_a_name_says_something(text: str) -> None:
    """A text is a placeholder only as a whole, and only where nobody is called so."""
    assert not says_nothing(text)


@pytest.mark.parametrize("word", [word for group in load_data("nothing")["words"] for word in group])
def test_every_word_of_the_list_is_found_in_any_case(word: str) -> None:
    """The short way to a no never overlooks a word of the list."""
    assert all(says_nothing(text) for text in (word, word.upper(), f" {word}.", f"[{word.title()}]"))


def test_the_list_fits_its_schema() -> None:
    """The shipped list names its schema and is valid under it."""
    schema = json.loads(shipped("schema", "nothing.schema.json").read_text("utf-8"))
    assert "$schema=../schema/nothing.schema.json" in shipped("vocabularies", "nothing.yaml").read_text("utf-8")
    jsonschema.Draft202012Validator(schema).validate(dict(load_data("nothing")))
