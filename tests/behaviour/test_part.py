"""A part of a list: a canary first, the rest later, and together the whole."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.planning.part import NOT_SELECTED, Part, choose_part
from tests.behaviour.inside import Here, rows
from tests.planning.examples import draft, drafts, plan, tag

HEADER = "Name,Country,Motive"
LINES = ("Glass Heron,IR,Espionage", "Tin Badger,CN,Financial", "Amber Newt,IR,Financial", "Tin Stoat,RU,Espionage")


def left(folder: Path) -> dict[str, str]:
    """The code of each row, by name."""
    with (folder / "results.csv").open(encoding="utf-8-sig", newline="") as stream:
        return {row["Name"]: row["_code"] for row in csv.DictReader(stream)}


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--only", "tin  badger"], {"Tin Badger"}),
        (["--only", "Tin *"], {"Tin Badger", "Tin Stoat"}),
        (["--only", "country=Iran"], {"Glass Heron", "Amber Newt"}),
        (["--only", "motive=fin*", "--exclude", "country=CN"], {"Amber Newt"}),
        (["--exclude", "Tin *", "--exclude", "Amber Newt"], {"Glass Heron"}),
        (["--limit", "2"], {"Glass Heron", "Tin Badger"}),
        (["--only", "Tin *", "--limit", "1"], {"Tin Badger"}),
        (["--only", "action=create", "--limit", "rows=100"], {line.split(",")[0] for line in LINES}),
    ],
)
def test_a_part_is_chosen_by_names_fields_and_number(here: Here, flags: list[str], names: set[str]) -> None:
    """Just the chosen rows are sent; every other row is in the results as one that was not chosen."""
    rows(here.folder / "a.csv", HEADER, *LINES)
    here.ok("apply", "a.csv", "--sandbox", *flags, "--out", "run")
    assert set(here.tags("--sandbox")) == names
    assert {name for name, code in left(here.folder / "run").items() if code != NOT_SELECTED} == names
    assert len(left(here.folder / "run")) == len(LINES)


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        (["--only", "Nobody"], "Names are matched whole"),
        (["--only", "contry=IR"], "did you mean 'country'"),
        (["--only", "country=Irna"], "nearest: Iran"),
        (["--only", "motive=espionnage"], "nearest: Espionage"),
        (["--only", "action=creat"], "nearest: create"),
        (["--limit", "0"], "--limit is at least 1"),
        (["--limit", "-3"], "expected a number of rows"),
    ],
)
def test_a_part_without_a_row_is_a_mistake(here: Here, flags: list[str], hint: str) -> None:
    """A word that means no row, or no field, is refused before anything is sent, with what would be right."""
    rows(here.folder / "a.csv", HEADER, *LINES)
    refused = here("apply", "a.csv", "--sandbox", *flags)
    assert refused.code == 2
    assert hint in refused.err
    assert here.tags("--sandbox") == {}


def test_a_part_is_not_taken_for_the_whole(here: Here) -> None:
    """A canary is not the run that the next one is held against; pruning deletes nothing that was only not chosen."""
    rows(here.folder / "a.csv", HEADER, *LINES)
    job = ("apply", "a.csv", "--sandbox", "--mode", "upsert", "--managed-by", "nightly", "--yes")
    here.ok(*job)
    here.ok(*job, "--only", "Tin *", "--prune")
    assert len(here.tags("--sandbox")) == len(LINES)
    rows(here.folder / "a.csv", "Name,Land,Motive", *LINES)
    assert here(*job, "--only", "Tin *").code == 5
    here.ok(*job, "--only", "Tin *", "--max-drift", "none")
    assert here(*job).code == 5


def test_limits_count_the_part_and_say_so(here: Here) -> None:
    """A limit that the whole would break holds for the part alone; what breaks it for the part is said to be of it."""
    rows(here.folder / "a.csv", HEADER, *LINES)
    here.ok("apply", "a.csv", "--sandbox", "--only", "Tin *", "--max-creates", "2")
    stopped = here("apply", "a.csv", "--sandbox", "--exclude", "Tin *", "--max-creates", "1")
    assert stopped.code == 5
    assert "of the part --exclude Tin *: 2 tags would be created" in stopped.err


_NAMES = st.lists(st.sampled_from([f"{a} {b}" for a in ("Red", "Blue", "Tin") for b in ("Fox", "Owl", "Newt")]),
                  min_size=1, max_size=8)  # fmt: skip
_WORDS = st.lists(st.sampled_from(["Red *", "* Owl", "Tin Newt", "action=create", "priority=2", "action=delete"]),
                  min_size=1, max_size=3)  # fmt: skip


@settings(max_examples=100)
@given(names=_NAMES, held=_NAMES, words=_WORDS)
def test_a_part_and_the_rest_are_the_whole(names: list[str], held: list[str], words: list[str]) -> None:
    """What `--only X` does and what `--exclude X` does are together what the whole plan does, and nothing twice."""
    made = drafts(*(draft(name, priority=2 - at % 2) for at, name in enumerate(names)))
    whole = plan(made, [tag(name, at, priority=1) for at, name in enumerate(dict.fromkeys(held))], mode="upsert")

    def sent(part: Part) -> list[str]:
        try:
            chosen = choose_part(whole, part, made)
        except UsageError:  # none of the rows
            return []
        assert [change.key for change in chosen.changes if change.row] == [
            change.key for change in whole.changes if change.row
        ]
        return [change.key for change in chosen.changes if change.action.calls]

    every = [change.key for change in whole.changes if change.action.calls]
    assert sorted(sent(Part(only=tuple(words))) + sent(Part(exclude=tuple(words)))) == sorted(every)


def test_pairs_are_those_of_the_chosen_rows(here: Here) -> None:
    """A pair is shown where one of the two was chosen; validate, which checks every row, takes no number of rows."""
    rows(here.folder / "a.csv", "Name,Aliases", "Amber Jackal,Dust", "Iron Quokka,Dust", "Tin Owl,Sand", "Red Fox,Sand")
    found = here.ok("plan", "a.csv", "--sandbox", "--only", "red fox", "--format", "json").json["pairs"]
    assert [(pair["one"]["name"], pair["other"]["name"]) for pair in found["pairs"]] == [("Tin Owl", "Red Fox")]
    refused = here("validate", "a.csv", "--limit", "2")
    assert refused.code == 2
    assert "validate checks every row" in refused.err


def test_unread_columns_of_one_family_are_one_line(here: Here) -> None:
    """Hundreds of columns that are not read take one line, with their number and cells; JSON has each of them."""
    names = [f"origin:X{number}" for number in range(40)]
    rows(
        here.folder / "a.csv",
        ",".join(["Name", "Country", *names]),
        ",".join(["Tin Owl", "IR", *["Blue Eel Lab"] * 40]),
    )
    shown = here.ok("validate", "a.csv", "--map", "value=Name").out
    assert len([line for line in shown.splitlines() if "not read  " in line]) == 1
    assert "40 columns, 40 cells filled" in shown
    found = here.ok("validate", "a.csv", "--map", "value=Name", "--format", "json").json
    assert sum(use["column"].startswith("origin:") for use in found["readings"][0]["columns"]) == 40
