"""A template is a workbook that says how it wants to be filled in, and that reads clean once it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from importer.shipped import PRESETS
from tests.behaviour.inside import Here

OWN = """
name: ours
id: Ref
when: [{take: {column: Status, in: [live, watched]}}]
fields:
  value: Group
  originCountryISO: {column: Home, transforms: [{map: {words: {Northland: Norway, Southland: Chile}}}]}
  motive: {column: Why, confidence: How sure}
  confidence: {column: Score, transforms: [{score: 100}]}
  dateOfDiscovery: {column: Found, transforms: [{date: {order: dmy}}]}
  internalDescription: {template: '{Team}: {Remark}'}
  properties.rank: Rank
"""


def filled(path: Path, name: str) -> Any:
    """The book with a row under the example that has the example's own cells and a name; saved again."""
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    example = [cell.value for cell in page[2]]
    page.append([name if text == "An example (this row is left out)" else text for text in example])
    book.save(path)
    return book


def read_back(here: Here, *more: str) -> Any:
    """What validate says of it; the example row is left out, the other one is fine, and nothing is said of either."""
    found = here.ok("validate", "out.xlsx", *more, "--format", "json").json
    assert (found["rows"], found["valid"], found["left_out"]) == (2, 1, 1)
    assert [issue["code"] for issue in found["issues"]] == ["example-row"]
    return found


def test_a_template_filled_in_is_read_without_an_issue(here: Here) -> None:
    """Without a mapping it has the usual columns, each read as what it is for, and its example row is left out."""
    assert "validate out.xlsx" in here.ok("template", "out.xlsx").out
    book = filled(here.folder / "out.xlsx", "Amber Jackal")
    page = book.worksheets[0]
    assert page.freeze_panes == "A2"
    assert all(cell.comment and len(cell.comment.text) > 10 for cell in page[1])
    assert all(dimension.width >= 8 for dimension in page.column_dimensions.values())
    downs = {str(one.sqref).split(":")[0]: one.formula1 for one in page.data_validations.dataValidation}
    head = {cell.value: f"{cell.column_letter}2" for cell in page[1]}
    assert "Espionage" in downs[head["Motive"]]
    assert "!" in downs[head["Country"]], "too many for the sheet itself"
    assert book.worksheets[1].sheet_state == "veryHidden"
    assert "Iran" in {cell.value for row in book.worksheets[1].iter_rows() for cell in row}
    read = {use["column"]: use.get("field") for use in read_back(here)["readings"][0]["columns"]}
    assert len(read) == len(head)
    assert all(read.values())


@pytest.mark.parametrize("mapping", [*PRESETS, "ours.yaml"])
def test_each_mapping_reads_its_own_template(here: Here, mapping: str) -> None:
    """A preset's, or a person's own mapping's template is read by that mapping without an issue, whatever its steps."""
    (here.folder / "ours.yaml").write_text(OWN)
    said = here.ok("template", "out.xlsx", "--mapping", mapping).out
    assert f"--mapping {mapping}" in said
    book = filled(here.folder / "out.xlsx", "Amber Jackal")
    read_back(here, "--mapping", mapping)
    if mapping == "ours.yaml":
        page = book.worksheets[0]
        head = [cell.value for cell in page[1]]
        assert set(head) == {
            "Group",
            "Home",
            "Why",
            "How sure",
            "Score",
            "Found",
            "Team",
            "Remark",
            "Rank",
            "Status",
            "Ref",
        }
        example = dict(zip(head, (cell.value for cell in page[2]), strict=True))
        assert example["Home"] in ("Northland", "Southland"), "a word that its step knows"
        assert (example["Score"], example["Found"]) == ("80", "27/03/2019")


CATEGORIES = """
categories:
  - name: Crews
    schema:
      - {key: rank, kind: number, label: Rank, required: true}
      - {key: mood, kind: enum, allowedValues: [calm, "loud, mostly"]}
      - {key: teams, kind: array, element: {kind: string}}
  - name: Others
"""


def test_the_accounts_categories_can_be_chosen(here: Here) -> None:
    """With an account a row names its category, or the template has one category's properties; both import clean."""
    (here.folder / "categories.yaml").write_text(CATEGORIES)
    here.ok("categories", "apply", "categories.yaml", "--sandbox", "--yes")
    here.ok("template", "out.xlsx", "--sandbox")
    book = openpyxl.load_workbook(here.folder / "out.xlsx")
    page = book.worksheets[0]
    head = [cell.value for cell in page[1]]
    page.append(["Amber Jackal" if word == "Actor" else "Others" if word == "Category" else None for word in head])
    book.save(here.folder / "out.xlsx")
    change = here.ok("plan", "out.xlsx", "--sandbox", "--format", "json").json["changes"][1]
    held = here.ok("categories", "list", "--sandbox", "--format", "json").json
    assert change["body"]["categoryUuid"] == next(one["uuid"] for one in held if one["name"] == "Others")

    here.ok("template", "crews.xlsx", "--sandbox", "--category", "Crews")
    book = openpyxl.load_workbook(here.folder / "crews.xlsx")
    page = book.worksheets[0]
    cells = {
        "Actor": "Fog Marten",
        "properties.rank": "3",
        "properties.mood": "loud, mostly",
        "properties.teams": "a; b",
    }
    page.append([cells.get(str(cell.value)) for cell in page[1]])
    book.save(here.folder / "crews.xlsx")
    found = here.ok("plan", "crews.xlsx", "--sandbox", "--category", "Crews", "--format", "json").json
    assert found["changes"][1]["body"]["properties"] == {"rank": 3, "mood": "loud, mostly", "teams": ["a", "b"]}
    assert [issue["code"] for one in found["changes"] for issue in one["issues"]] == ["example-row"]


def test_what_is_there_already_is_not_overwritten(here: Here) -> None:
    """A filled-in template is safe from a second one; another ending or a category without an account is refused."""
    here.ok("template", "out.xlsx")
    before = (here.folder / "out.xlsx").read_bytes()
    for words in (["out.xlsx"], ["out.csv"], ["new.xlsx", "--category", "Crews"], ["new.xlsx", "--mapping", "nope"]):
        assert here("template", *words).code == 2
    assert (here.folder / "out.xlsx").read_bytes() == before
    here.ok("template", "out.xlsx", "--force")
