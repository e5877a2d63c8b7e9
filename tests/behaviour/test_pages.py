"""`validate --html`, `plan --html` and `apply`: the page is written, private, and says what the command said."""

from __future__ import annotations

from pathlib import Path

from tests.behaviour.program import Cli

LIST = "Name,Country,Motive\nAmber Jackal,Iran,Espionage\nTBD,Chnia,Espionage\nBasalt Heron,China,Espionage\n"


def heading(path: Path) -> str:
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text("utf-8").partition("<h1>")[2].partition("</h1>")[0]


def test_each_command_has_its_page(cli: Cli, tmp_path: Path) -> None:
    """From the check of a list to the run each page says in a sentence where things are, with countries."""
    (tmp_path / "list.csv").write_text(LIST, "utf-8")
    checked = cli("validate", "list.csv", "--html", "check.html", "--annotate", "mended.xlsx")
    assert checked.code == 1
    assert heading(tmp_path / "check.html") == "2 of 3 rows are ready to be sent; 1 row needs you."
    assert 'href="./mended.xlsx"' in (tmp_path / "check.html").read_text("utf-8")
    planned = cli("plan", "list.csv", "--sandbox", "--html", "plan.html")
    assert planned.code == 1
    assert "To do: create 2." in planned.out
    assert heading(tmp_path / "plan.html") == "Apply would create 2 tags; 1 of 3 rows needs you first."
    cli("apply", "list.csv", "--sandbox", "--out", "run")
    assert heading(tmp_path / "run" / "report.html") == "2 of 3 actors are tags now; 1 row needs you."
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert 'href="./failed.csv"' in page
    assert '<svg class="time"' in page
    cli("plan", "list.csv", "--sandbox", "--html", "plan.html")
    again = (tmp_path / "plan.html").read_text("utf-8")
    assert heading(tmp_path / "plan.html") == "Nothing to do: no tag would change; 1 of 3 rows needs you first."
    assert "<bdi>Iran</bdi>" in again, "of tags that are there already the list says the country"


def test_where_a_page_cannot_be_is_said_before_anything_is_read(cli: Cli, tmp_path: Path) -> None:
    """A page goes into a file that is called one: no list is overwritten by mistake, and no folder is made up."""
    (tmp_path / "list.csv").write_text(LIST, "utf-8")
    for given, said in (("list.csv", "does not end in .html"), ("no/page.html", "there is no folder no")):
        ran = cli("validate", "list.csv", "--html", given)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err
    assert (tmp_path / "list.csv").read_text("utf-8") == LIST


def test_a_plan_beyond_the_limits_has_its_page_too(cli: Cli, tmp_path: Path) -> None:
    """Where a safety limit ends the plan, the page is what a person looks at to see why."""
    (tmp_path / "list.csv").write_text(LIST, "utf-8")
    assert cli("plan", "list.csv", "--sandbox", "--max-creates", "1", "--html", "plan.html").code == 5
    assert heading(tmp_path / "plan.html").startswith("A safety limit stops this: apply would create 2 tags")
