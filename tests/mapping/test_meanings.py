"""A person's decision about a text settles its value wherever a mapping meets it, and never silently another's."""

from __future__ import annotations

import pytest

from importer.mapping.draft import Drafter
from importer.mapping.meanings import Meaning
from importer.model import Draft

from .tables import mapping, table


def drafted(rules: str, column: str, text: str, *decided: Meaning, file: str = "actors.csv") -> Draft:
    held = mapping(f"fields:\n  value: Actor\n  {rules}\n")
    made = table(("Actor", column), ("Amber Jackal", text), file=file)
    return Drafter(held, decided).draft(made)[0]


def means(field: str, value: str, word: str, source: str = "") -> Meaning:
    return Meaning(field, value, word, source, "d.yaml:3:5")


@pytest.mark.parametrize(
    ("rules", "text", "decided", "field", "wanted"),
    [
        ("originCountryISO: C", "Chnia", means("originCountryISO", "chnia", "China"), "originCountryISO", "CN"),
        ("originCountryISO: {column: C, transforms: [country]}", "Chnia",
         means("originCountryISO", "Chnia", "CN"), "originCountryISO", "CN"),
        ("originCountryISO: {column: C, unknown: keep}", "Chnia",
         means("originCountryISO", "Chnia", "CN"), "originCountryISO", "CN"),
        ("originCountryISO: C", '["Chnia"]', means("originCountryISO", "Chnia", "CN"), "originCountryISO", "CN"),
        ("originCountryISO: C", "Iran or Iraq", means("originCountryISO", "iran  or iraq", "IR"), "originCountryISO",
         "IR"),
        ("motive: C", "loot", means("motive", "Loot", "financial"), "motive", "Financial"),
        ("motive: C", '{"value": "loot", "confidence": 7}', means("motive", "loot", "financial"), "motive",
         {"value": "Financial", "confidence": 7}),
        ("actorCategory: C", "unheard of", means("actorCategory", "Unheard of", "hacktivists"), "actorCategory",
         "Activist"),
        ("tlp: C", "house only", means("tlp", "House only", "amber"), "tlp", "amber"),
        ("confidence: C", "so so", means("confidence", "so so", "medium"), "confidence", 5),
        ("dateOfDiscovery: C", "spring 2019", means("dateOfDiscovery", "Spring 2019", "2019-03-01"),
         "dateOfDiscovery", "2019-03-01"),
        ("properties.home: {column: C, transforms: [country]}", "Chnia", means("properties.home", "Chnia", "CN"),
         "properties", {"home": "CN"}),
        ("properties.rank: C", "frst", means("properties.rank", "Frst", "first"), "properties", {"rank": "first"}),
        ("motive: {column: C, unknown: ignore}", "loot", means("motive", "loot", "financial"), "motive", "Financial"),
    ],
)  # fmt: skip
def test_a_text_means_what_was_decided(rules: str, text: str, decided: Meaning, field: str, wanted: object) -> None:
    """Whatever the field and however the mapping reads it; the value says which decision it is from."""
    made = drafted(rules, "C", text, decided)
    assert made.fields[field] == wanted
    (issue,) = made.issues
    assert (issue.code, issue.severity) == ("decided-value", "info")
    assert "d.yaml:3:5" in issue.message
    assert "internalDescription" not in made.fields


@pytest.mark.parametrize("decided", [means("motive", "loot", "plunder"), means("motive", "loot", "-")])
def test_a_decision_that_cannot_be_used_is_told(decided: Meaning) -> None:
    """A word that is not one of the field: the text is told as before, and so is the decision."""
    made = drafted("motive: C", "C", "loot", decided)
    assert "motive" not in made.fields
    assert [issue.code for issue in made.issues] == ["unknown-motive", "decision-not-allowed"]
    assert "d.yaml:3:5" in made.issues[1].message


def test_what_can_be_read_is_not_replaced() -> None:
    """The text counts, and the decision that says otherwise is told; one that says the same is none the worse."""
    made = drafted("originCountryISO: C", "C", "Iran", means("originCountryISO", "iran", "IQ"))
    assert made.fields["originCountryISO"] == "IR"
    assert [(issue.code, issue.severity) for issue in made.issues] == [("decision-not-used", "warning")]
    made = drafted("originCountryISO: C", "C", "Iran", means("originCountryISO", "iran", "IRN"))
    assert made.fields["originCountryISO"] == "IR"
    assert [issue.code for issue in made.issues] == ["decided-value"]


def test_a_decision_about_one_source_is_for_that_source() -> None:
    """Another file is read as it is; in its own it stands above one for any file."""
    here, any_file = means("motive", "loot", "fun", "lists/ACTORS.csv"), means("motive", "loot", "fear")
    assert drafted("motive: C", "C", "loot", here, any_file).fields["motive"] == "Fun"
    assert drafted("motive: C", "C", "loot", here, any_file, file="other.csv").fields["motive"] == "Fear"
    assert "motive" not in drafted("motive: C", "C", "loot", here, file="other.csv").fields
