"""`validate --annotate`: a list comes back as a workbook that says at each cell what is wrong."""

from __future__ import annotations

from typing import Any

import openpyxl

from tests.behaviour.inside import Here
from tests.reports.test_annotated_workbook import a_book

BROKEN = "Actor,Country,Motive,TLP\nAmber Jackal,Chnia,Espionage,green\nTin Weasel,IR,Espionage,greeen\n"


def test_a_person_mends_the_annotated_workbook_and_it_imports_clean(here: Here) -> None:
    """A list of any kind comes back as a workbook; mended, it has no issue, though our sheet and notes are in it."""
    (here.folder / "a.csv").write_text(BROKEN)
    said = here("validate", "a.csv", "--annotate", "out.xlsx").out
    book = openpyxl.load_workbook(here.folder / "out.xlsx")
    sheet: Any = book["a"]
    assert "Chnia" in book["Issues"]["D3"].value + book["Issues"]["D4"].value
    assert sheet["B2"].comment is not None
    assert sheet["D3"].comment is not None
    assert any("Espionage" in rule.formula1 for rule in sheet.data_validations.dataValidation)
    assert here("validate", "out.xlsx").out.splitlines()[-1] == said.splitlines()[-1].replace("row 3", "a!3")
    sheet["B2"], sheet["D3"] = "China", "green"
    book.save(here.folder / "mended.xlsx")
    assert here.ok("validate", "mended.xlsx").out.splitlines()[-1] == "2 rows: 2 ready, 0 need work; no issue"


def test_the_list_itself_is_never_written_to(here: Here) -> None:
    """The annotated list goes to a file of its own: not over the list, nor, unless --force says so, over another."""
    book = a_book()
    (here.folder / "a.xlsx").write_bytes(book)
    assert here("validate", "a.xlsx", "--annotate", "a.xlsx", "--force").code == 2
    assert (here.folder / "a.xlsx").read_bytes() == book
    (here.folder / "b.xlsx").write_text("mine")
    assert here("validate", "a.xlsx", "--annotate", "b.xlsx").code == 2
    assert (here.folder / "b.xlsx").read_text() == "mine"
    assert here("validate", "a.xlsx", "--annotate", "b.xlsx", "--force").code < 2
    assert here("validate", "a.xlsx", "b.xlsx", "--annotate", "c.xlsx").code == 2
