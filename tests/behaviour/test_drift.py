"""Sources that drift from one night to the next: told, with the exact override, before anything is sent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import xlsxwriter

from tests.behaviour.inside import Here

Rows = list[dict[str, str]]
Change = Callable[[Rows], Any]

NAMES: Final = ("Glass Heron", "Tin Badger", "Amber Newt", "Quiet Marten", "Salt Lynx", "Iron Wren", "Pale Stoat",
                "Dusk Otter", "Mossy Finch", "Cold Adder", "Brass Mole", "Lone Ibis")  # fmt: skip
COUNTRIES: Final = ("Iran", "China", "Russia", "North Korea")
TARGETS: Final = ("France", "Japan", "Brazil", "Kenya", "Poland")
MOTIVES: Final = ("Espionage", "Financial", "Ideology")


def actors() -> Rows:
    """Twelve actors with every kind of column."""
    return [
        {
            "Actor": name,
            "Aliases": f"UNC-{number}7; {name.split()[1]} Team {number}",
            "Country": COUNTRIES[number % 4],
            "Motive": MOTIVES[number % 3],
            "Description": f"{name} has been seen in the networks of ministry number {number} since it was founded.",
            "Confidence": str(1 + number % 9),
            "First seen": f"{10 + number}/0{1 + number % 9}/20{10 + number}",
            "Notes": f"ticket {number} of the team in the north",
        }
        for number, name in enumerate(NAMES)
    ]


def renamed(**names: str) -> Change:
    """Columns with other headers, in their place."""
    return lambda rows: [{names.get(key, key): cell for key, cell in row.items()} for row in rows]


def each(column: str, change: Callable[[str, int], str]) -> Change:
    """Other texts in one column."""
    return lambda rows: [{**row, column: change(row[column], at)} for at, row in enumerate(rows)]


def without(*columns: str) -> Change:
    return lambda rows: [{key: cell for key, cell in row.items() if key not in columns} for row in rows]


def swapped(one: str, other: str) -> Change:
    """The cells of two columns under each other's header."""
    return lambda rows: [{**row, one: row[other], other: row[one]} for row in rows]


def shifted(rows: Rows) -> Rows:
    """All cells one column to the right."""
    return [dict(zip(row, [*list(row.values())[-1:], *list(row.values())[:-1]], strict=True)) for row in rows]


def other_order_of_dates(text: str, _: int) -> str:
    day, month, year = text.split("/")
    return f"{month}/{day}/{year}"


TRANSLATED: Final = {"Actor": "Akteur", "Aliases": "Decknamen", "Country": "Herkunftsland", "Motive": "Beweggrund",
                     "Description": "Beschreibung", "First seen": "Zuerst gesehen"}  # fmt: skip

TABLES: Final[dict[str, Change]] = {
    "one header renamed to another known word": renamed(Country="Nation"),
    "one header renamed to a word of nobody's": renamed(Country="Col_7"),
    "a header renamed to a word of another field": renamed(Description="Notes 2"),
    "an abbreviation": renamed(Motive="Mot."),
    "a unit in the header": renamed(Confidence="Confidence (0-10)"),
    "two headers renamed": renamed(Country="State Sponsor Nation", Motive="Why"),
    "the name's header renamed": renamed(Actor="Group"),
    "aliases renamed": renamed(Aliases="Also known as"),
    "headers in German": renamed(**TRANSLATED),
    "headers in French": renamed(Actor="Nom", Aliases="Alias", Country="Pays", Motive="Motivation"),
    "headers in Russian": renamed(Country="Страна", Motive="Мотив"),
    "headers as snake case with a prefix": renamed(Country="src_country_field", Motive="src_why_field"),
    "country removed": without("Country"),
    "aliases removed": without("Aliases"),
    "three columns removed": without("Motive", "Description", "First seen"),
    "headers of country and motive swapped": renamed(Country="Motive", Motive="Country"),
    "headers of name and aliases swapped": renamed(Actor="Aliases", Aliases="Actor"),
    "cells of description and notes swapped": swapped("Description", "Notes"),
    "cells of name and description swapped": swapped("Actor", "Description"),
    "cells of name and notes swapped": swapped("Actor", "Notes"),
    "cells one column to the right": shifted,
    "countries as regions of the vendor's own": each("Country", lambda text, _: f"Zone {len(text)}"),
    "countries as numbers": each("Country", lambda _, at: str(at)),
    "most countries unknown": each("Country", lambda text, at: text if at == 0 else f"Sector {at}-B"),
    "countries blank": each("Country", lambda *_: ""),
    "most countries blank": each("Country", lambda text, at: text if at < 2 else ""),
    "motives in codes": each("Motive", lambda text, _: f"M{len(text)}"),
    "motives blank": each("Motive", lambda *_: ""),
    "all aliases but one dropped": each("Aliases", lambda text, _: text.split(";")[0]),
    "aliases blank": each("Aliases", lambda *_: "-"),
    "aliases parted by a word": each("Aliases", lambda text, _: text.replace(";", " as well as")),
    "aliases parted by nothing": each("Aliases", lambda text, _: text.replace("; ", " ")),
    "scores out of 100": each("Confidence", lambda text, _: str(10 * int(text) + 3)),
    "scores as a share": each("Confidence", lambda text, _: f"0.{text}"),
    "scores in the vendor's words": each("Confidence", lambda text, _: f"tier-{text}"),
    "dates with the month first": each("First seen", other_order_of_dates),
    "dates in quarters": each("First seen", lambda text, _: f"Q{1 + int(text[3:5]) // 4} {text[-4:]}"),
    "dates as words": each("First seen", lambda *_: "a while ago"),
    "names with their number before them": each("Actor", lambda text, at: f"{at + 100} {text}"),
    "names with their country": each("Actor", lambda text, _: f"{text} of the coast"),
    "names in capitals and codes": each("Actor", lambda text, at: f"TA-{at}-{text[:2].upper()}"),
    "descriptions blank": each("Description", lambda *_: ""),
    "a column of no use takes the name's header": lambda rows: [
        {"Actor": f"Desk {at}", "Old name": row.pop("Actor"), **row} for at, row in enumerate(rows)
    ],
    "half of the rows gone": lambda rows: rows[:5],
    "all rows gone": lambda rows: [dict.fromkeys(rows[0], "")],
    "other actors": lambda rows: [{**row, "Actor": f"Violet {row['Actor'].split()[1]}"} for row in rows],
}
"""What has become of the list: a drift each."""

HARMLESS: Final[dict[str, Change]] = {
    "nothing": lambda rows: rows,
    "columns in another order": lambda rows: [dict(reversed(row.items())) for row in rows],
    "rows in another order": lambda rows: rows[::-1],
    "headers in capitals": lambda rows: [{key.upper(): cell for key, cell in row.items()} for row in rows],
    "an actor more": lambda rows: [*rows, {**rows[0], "Actor": "New Plover", "Aliases": "UNC-991; UNC-992"}],
    "an actor less": lambda rows: rows[1:],
    "two countries more blank": each("Country", lambda text, at: "" if at < 2 else text),
    "countries as codes": each(
        "Country", lambda text, _: {"Iran": "IR", "China": "CN", "Russia": "RU", "North Korea": "KP"}[text]
    ),
    "aliases parted by commas": each("Aliases", lambda text, _: text.replace(";", ",")),
    "aliases parted by a sign of their own": each("Aliases", lambda text, _: text.replace("; ", "~")),
}


def csv(path: Path, rows: Rows) -> Path:
    """The rows as a CSV file."""
    path.write_text(
        "\n".join(",".join(f'"{cell}"' for cell in line) for line in (rows[0], *(row.values() for row in rows))) + "\n",
        encoding="utf-8",
    )
    return path


def upsert(here: Here, source: str, *more: str) -> Any:
    return here("apply", source, "--sandbox", "--mode", "upsert", "--max-updates", "none", *more)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the list of `actors` was applied once."""
    folder = tmp_path_factory.mktemp("applied")
    here = Here(folder)
    csv(folder / "list.csv", actors())
    assert upsert(here, "list.csv").code == 0
    return folder


@pytest.fixture
def after(applied: Path, tmp_path: Path) -> Here:
    """A copy of that folder: its runs are there, and nothing else is remembered of a place of that name."""
    shutil.copytree(applied, tmp_path, dirs_exist_ok=True)
    return Here(tmp_path)


@pytest.mark.parametrize("change", TABLES.values(), ids=TABLES)
def test_a_drift_never_ends_well_in_silence(after: Here, change: Change) -> None:
    """A list that is read otherwise than last time stops with 5, or the list is refused, and nothing is sent."""
    csv(after.folder / "list.csv", change(actors()))
    held = after.tags("--sandbox")
    ran = upsert(after, "list.csv")
    assert ran.code in (3, 5), ran.out
    assert after.tags("--sandbox") == held


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_is_no_drift_is_not_called_one(after: Here, change: Change) -> None:
    """Order of rows and columns, other spellings of the same values, and a few edits go through."""
    csv(after.folder / "list.csv", change(actors()))
    ran = upsert(after, "list.csv")
    assert ran.code == 0, ran.err


def test_the_override_in_the_message_is_enough_and_is_needed_once(after: Here) -> None:
    """The option that the message names lets the run through; from then on the new reading is the one that counts."""
    csv(after.folder / "list.csv", renamed(Country="State Sponsor Nation", Motive="Why")(actors()))
    stopped = upsert(after, "list.csv")
    assert "column 'Country' (C) fed originCountryISO and is gone ('State Sponsor Nation' feeds it now)" in stopped.err
    assert "--max-drift 2" in stopped.err
    assert after("plan", "list.csv", "--sandbox", "--mode", "upsert").code == 5
    assert upsert(after, "list.csv", "--max-drift", "1").code == 5
    assert upsert(after, "list.csv", "--max-drift", "2").code == 0
    assert upsert(after, "list.csv").code == 0
    csv(after.folder / "list.csv", actors())
    assert upsert(after, "list.csv").code == 5


def test_what_was_only_planned_or_stopped_is_not_remembered(after: Here) -> None:
    """A plan, even one that was allowed to drift, leaves the memory as it is."""
    csv(after.folder / "list.csv", renamed(Country="Nation")(actors()))
    assert after("plan", "list.csv", "--sandbox", "--mode", "upsert", "--max-drift", "none").code == 0
    assert upsert(after, "list.csv").code == 5


def test_what_was_remembered_is_found_again_in_the_runs(after: Here) -> None:
    """Without the state folder the last run's plan says how the list was read."""
    shutil.rmtree(after.folder / "state" / "readings", ignore_errors=True)
    csv(after.folder / "list.csv", renamed(Country="Nation")(actors()))
    assert upsert(after, "list.csv").code == 5


def test_a_new_column_is_told(after: Here) -> None:
    """A column that was not there last time goes through, and is named with what becomes of it."""
    csv(after.folder / "list.csv", [{**row, "Targets": TARGETS[at % 5]} for at, row in enumerate(actors())])
    ran = upsert(after, "list.csv")
    assert ran.code == 0
    assert "new-columns" in ran.out
    assert "'Targets'" in ran.out


def test_another_list_of_the_same_account_is_not_held_against_it(after: Here) -> None:
    """What is remembered is remembered of one source: a list that was never seen has nothing to drift from."""
    csv(after.folder / "other.csv", renamed(**TRANSLATED)(actors()))
    assert after("apply", "other.csv", "--sandbox").code == 0


def test_a_job_is_known_by_its_file_whatever_its_lists_are_called(tmp_path: Path) -> None:
    """A job whose lists carry their date is held against its own last run; a saved plan is, too, when it is applied."""
    here = Here(tmp_path)
    (tmp_path / "nightly.yaml").write_text("name: nightly\nsources: [feed-*.csv]\nmode: upsert\n")
    csv(tmp_path / "feed-1.csv", actors())
    assert here("apply", "nightly.yaml", "--sandbox").code == 0
    (tmp_path / "feed-1.csv").unlink()
    csv(tmp_path / "feed-2.csv", without("Country")(actors()))
    assert here("apply", "nightly.yaml", "--sandbox").code == 5
    plan = ("plan", "nightly.yaml", "--sandbox", "--out", "saved")
    assert here(*plan).code == 5
    assert here(*plan, "--max-drift", "1").code == 0
    assert here("apply", "saved/plan.json", "--sandbox").code == 5
    assert here("apply", "saved/plan.json", "--sandbox", "--max-drift", "1").code == 0
    assert here("apply", "nightly.yaml", "--sandbox").code == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [{**{k: v for k, v in row.items() if k != "country"}, "nation": row["country"]} for row in rows],
        lambda rows: [{"group": row.pop("name"), **row} for row in rows],
        lambda rows: [{**row, "aliases": ", ".join(row["aliases"]).replace(",", " then")} for row in rows],
        lambda rows: [{**row, "country": {"label": "unknown"}} for row in rows],
        lambda rows: [{**row, "description": row["aliases"][0], "aliases": [row["description"]]} for row in rows],
    ],
    ids=["key renamed", "the name's key renamed", "list become text", "value become an object", "keys swapped"],
)
def test_lists_of_objects_drift_by_their_keys(here: Here, change: Callable[[list[Any]], Any]) -> None:
    """A key renamed, a list become text, keys swapped: as with columns."""

    def write(rows: list[Any]) -> None:
        (here.folder / "feed.json").write_text(json.dumps(rows), encoding="utf-8")

    objects: list[dict[str, Any]] = [
        {"name": row["Actor"], "aliases": row["Aliases"].split("; "), "country": row["Country"],
         "description": row["Description"]}
        for row in actors()
    ]  # fmt: skip
    write(objects)
    assert upsert(here, "feed.json").code == 0
    write(change([dict(one) for one in objects]))
    assert upsert(here, "feed.json").code in (3, 5)


@pytest.mark.parametrize("kind", ["tool", "malware", "identity"])
def test_objects_of_another_type_are_not_passed_over(here: Here, kind: str) -> None:
    """A bundle whose actors are objects of another type tonight is stopped or refused."""

    def write(kind: str) -> None:
        objects = [
            {"type": kind, "id": f"{kind}--{at:08}-0000-4000-8000-000000000000", "name": name, "spec_version": "2.1",
             "created": "2024-01-01T00:00:00Z", "modified": "2024-01-01T00:00:00Z", "aliases": [f"UNC-{at}"]}
            for at, name in enumerate(NAMES)
        ]  # fmt: skip
        bundle = {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": objects}
        (here.folder / "bundle.json").write_text(json.dumps(bundle), encoding="utf-8")

    write("threat-actor")
    assert upsert(here, "bundle.json").code == 0
    write(kind)
    assert upsert(here, "bundle.json").code in (3, 5)


def workbook(path: Path, **sheets: Rows) -> None:
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name.replace("_", " "))
            for at, line in enumerate((list(rows[0]), *(list(row.values()) for row in rows))):
                sheet.write_row(at, 0, line)


def test_sheets_that_are_renamed_or_gone(here: Here) -> None:
    """A sheet of another name is told; one that is gone, or of which the columns are others, stops."""
    west = without("Motive")(actors()[6:])
    workbook(here.folder / "a.xlsx", East=actors()[:6], West=west)
    assert upsert(here, "a.xlsx").code == 0
    workbook(here.folder / "a.xlsx", East=actors()[:6], Far_West=west)
    ran = upsert(here, "a.xlsx")
    assert ran.code == 0
    assert "sheet-renamed" in ran.out
    workbook(here.folder / "a.xlsx", East=actors())
    ran = upsert(here, "a.xlsx")
    assert ran.code == 5
    assert "a.xlsx (Far West) (6 rows last time) is not read any more" in ran.err
    workbook(here.folder / "a.xlsx", East=actors()[:6], Far_West=renamed(Country="Land")(west))
    assert upsert(here, "a.xlsx").code == 5


def test_one_of_several_sheets_of_one_shape(here: Here) -> None:
    """Lists that are read alike are held against themselves one by one: renamed, gone, emptied, or new."""
    thirds = {name: actors()[at : at + 4] for name, at in (("East", 0), ("North", 4), ("West", 8))}

    def again(**sheets: Rows) -> Any:
        workbook(here.folder / "a.xlsx", **sheets)
        return here("plan", "a.xlsx", "--sandbox", "--mode", "upsert", "--max-updates", "none", "--max-shrink", "none")

    workbook(here.folder / "a.xlsx", **thirds)
    assert upsert(here, "a.xlsx").code == 0
    east, north, west = thirds.values()
    assert "the sheet 'North' of last time is this one now" in again(East=east, Far_North=north, West=west).out
    assert "the list a.xlsx (North) (4 rows last time) is not read any more" in again(East=east, West=west).err
    assert (
        "a.xlsx (North): column 'Motive' (D): gives motive in 0 %"
        in again(East=east, North=each("Motive", lambda *_: "")(north), West=west).err
    )
    assert (
        "a.xlsx (North): column 'Country' (C) fed"
        in again(East=east, North=renamed(Country="Land")(north), West=west).err
    )
    assert again(West=west, East=east, North=north).code == 0
    added = again(New=[{**row, "Actor": f"New {row['Actor']}", "Aliases": ""} for row in west], **thirds)
    assert added.code == 0
    assert "new-list" in added.out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (each("Country", lambda *_: ""), "values-lost"),
        (each("Country", lambda text, _: f"Zone {len(text)}"), "values-lost"),
        (each("Aliases", lambda text, _: text.replace("; ", " ")), "values-lost"),
        (each("Actor", lambda text, at: f"Unit {at} {text[:2]}"), "other-names"),
        (each("Motive", lambda *_: "Ideology"), "values-changed"),
        (lambda rows: rows[:1], "other-names"),
        (each("Notes", lambda *_: ""), "columns-gone"),
        (each("Actor", lambda text, _: text.upper()), "values-changed"),
    ],
)  # fmt: skip
def test_what_is_too_little_to_stop_is_told(here: Here, change: Change, told: str) -> None:
    """Of two rows nothing is sure: it goes through, and what is another than last time is named."""
    csv(here.folder / "list.csv", actors()[:2])
    assert upsert(here, "list.csv").code == 0
    csv(here.folder / "list.csv", change(actors()[:2]))
    ran = upsert(here, "list.csv")
    assert ran.code == 0
    assert f"warning {told}" in ran.out


def test_ids_and_the_form_of_a_file_are_held_against_last_time(here: Here) -> None:
    """Ids of another form are told, and so is another delimiter and a header row that moved."""
    ids = [{"Key": f"GA-{at}", **row} for at, row in enumerate(actors())]
    (here.folder / "m.yaml").write_text("id: Key\nguess: true\nfields: {value: Actor}\n")
    csv(here.folder / "list.csv", ids)
    assert upsert(here, "list.csv", "--mapping", "m.yaml").code == 0
    text = csv(here.folder / "list.csv", each("Key", lambda text, _: f"vendor/{text}")(ids)).read_text()
    (here.folder / "list.csv").write_text("\n\n" + text.replace('","', '"|"'))
    ran = here.ok("plan", "list.csv", "--sandbox", "--mode", "upsert", "--mapping", "m.yaml", "--max-updates", "none")
    assert "id (12 of 12 actors)" in ran.out
    assert "delimiter |, last time ," in ran.out
    assert "header row 3, last time 1" in ran.out


def test_another_mapping_is_another_reading(after: Here) -> None:
    """A mapping in the place of the last one stops, as does one that was edited so that a field is lost."""
    mapping = after.folder / "m.yaml"
    mapping.write_text("name: m\nfields:\n  value: {column: Actor}\n  originCountryISO: {column: Country}\n")
    stopped = upsert(after, "list.csv", "--mapping", "m.yaml")
    assert stopped.code == 5
    assert "mapping m, last time by spreadsheet" in stopped.err
    assert upsert(after, "list.csv", "--mapping", "m.yaml", "--max-drift", "none").code == 0
    mapping.write_text("name: m\nfields:\n  value: {column: Actor}\n")
    assert upsert(after, "list.csv", "--mapping", "m.yaml").code == 5


def test_an_edited_mapping_is_told(here: Here) -> None:
    """The same columns read by another text of the mapping: told by its digests, and nothing stops."""
    (here.folder / "a.csv").write_text("Actor,Country\nGlass Heron,Iran\nTin Badger,China\nAmber Newt,Russia\n")
    (here.folder / "m.yaml").write_text("fields: {value: Actor, originCountryISO: Country}\n")
    given = ("a.csv", "--mapping", "m.yaml", "--mode", "upsert", "--sandbox")
    here.ok("apply", *given)
    assert "mapping-edited" not in here.ok("plan", *given).out
    (here.folder / "m.yaml").write_text("fields: {value: Actor, originCountryISO: Country}\non_blank: clear\n")
    assert "the mapping m is not the file of last time" in here.ok("plan", *given).out
