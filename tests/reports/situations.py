"""Pages of runs, plans and checks as different as they come, to be looked at and tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from importer.model import (
    Action,
    Change,
    ColumnUse,
    FieldChange,
    Header,
    Issue,
    Json,
    Outcome,
    Pair,
    Reading,
    Severity,
    Shared,
    Side,
    SourceFile,
    Status,
)
from importer.planning.cost import Cost
from importer.reports.formats import PlanResult
from importer.reports.html import check_page, plan_page, run_page

from .records import EXPOSURE, HEADER, change, issue, plan, record, row

_NAMES: Final = (
    "Amber Jackal",
    "Tin Owl",
    "Red Fox",
    "Mud Heron",
    "Iron Quokka",
    "Blue Eel",
    "Salt Crane",
    "Moss Egret",
)
_COUNTRIES: Final = (("China", "CN"), ("Russia", "RU"), ("Iran", "IR"), ("Brazil", "BR"))
_READING: Final = Reading("actors.csv", "", "spreadsheet", 8, (
    ColumnUse("Name", "A", "value", "header like 'name'", 8),
    ColumnUse("Country", "B", "originCountryISO", "100 % countries", 8),
    ColumnUse("Notes", "C", "", "", 2, "sentences", "description"),
))  # fmt: skip


def _creates(number: int = 40) -> list[Change]:
    made = []
    for at in range(number):
        name, (country, code) = f"{_NAMES[at % 8]} {at}", _COUNTRIES[at * at % 4]
        body: dict[str, Json] = {"value": name, "originCountryISO": code, "confidence": 1 + at % 10,
                                 "motive": ("Espionage", "Financial")[at % 3 == 0]}  # fmt: skip
        made.append(change(Action.CREATE, row(at + 2, name, country), body=body))
    return made


def _only_creates(folder: Path) -> str:
    made = plan(_creates(), readings=(_READING,))
    return plan_page(PlanResult(made, EXPOSURE, Cost(40, 0, 0, 1, 2.0, 1), "tonight"))


def _updates_and_deletes(folder: Path) -> str:
    changes = _creates(3)
    for at, name in enumerate(_NAMES, 10):
        differs = (
            FieldChange("motive", "Espionage", "Financial"),
            FieldChange("aliases", ["Dust", "Rust"], ["Dust", "Sand"]),
            FieldChange("value", f"Old {name}", name),
        )
        changes.append(change(Action.UPDATE, row(at, name, "Iran"), uuid=f"u-{at}", differences=differs[: 1 + at % 3]))
    changes += [change(Action.UNCHANGED, row(at, f"Quiet {at}", "Brazil"), uuid=f"q-{at}") for at in range(20, 50)]
    changes += [change(Action.DELETE, None, f"Gone {at}", uuid=f"00000000-0000-4000-8000-{at:012}") for at in range(4)]
    return plan_page(PlanResult(plan(changes, readings=(_READING,)), EXPOSURE, Cost(15, 0, 0, 1, 2.0, 1)))


def _each_failure(folder: Path) -> str:
    (folder / "failed.csv").touch()
    changes, ended = _creates(24), {}
    told = {
        Status.FAILED: ("refused", "the API refused it: 400 motive must be one of its words"),
        Status.UNKNOWN: ("lost-answer", "the answer was lost, and the tag was not found afterwards"),
        Status.NOT_ATTEMPTED: ("", "the run stopped before it"),
    }
    for at, one in enumerate(changes):
        status = (Status.CREATED, *told)[at % 4]
        code, message = told.get(status, ("", ""))
        ended[one.key] = Outcome(one.key, status, "u-1" if status is Status.CREATED else "", 1, code, message)
    bad = row(30, "Duck Soup", "Freedonia")
    changes += [
        change(Action.INVALID, bad, issues=(issue(bad.place("Country")),), code="unknown-country"),
        change(Action.CONFLICT, row(31, "Tin Owl"), code="alias-collision", message="its alias 'Sand' is a tag's name"),
        change(Action.SKIP, row(32, "Red Fox"), code="repeats-row", message="repeats row 4"),
        change(Action.UNCHANGED, row(33, "Blue Eel"), uuid="u-33"),
    ]  # fmt: skip
    return run_page(record(folder, plan(changes), ended, stopped="5 calls in a row failed", exit_code=6,
                           hint="Look at the API's status page, then resume."))  # fmt: skip


def _all_well(folder: Path) -> str:
    changes = _creates()
    ended = {one.key: Outcome(one.key, Status.CREATED, "u-1", 1) for one in changes}
    return run_page(record(folder, plan(changes, readings=(_READING,)), ended, exit_code=0))


def _empty(folder: Path) -> str:
    return plan_page(PlanResult(plan([])))


def _pairs(folder: Path) -> str:
    def side(name: str, number: int, country: str = "") -> Side:
        return Side(name, "actors.csv", row(number, name).place("Name"), country=country)

    tag = Side("Iron Quokka", "account", id="5f8a1f0e-0000-4000-8000-000000000001")
    pairs = (
        Pair(side("Amber Jackal 0", 2, "CN"), side("Tin Owl 1", 3, "RU"), Severity.WARNING, "alias-shared",
             (Shared("Dust", "C2", "C3"), Shared("Sirocco", "C2", "C3", 5))),
        Pair(side("Red Fox 2", 4, "CN"), tag, Severity.WARNING, "similar-name", near=True),
    )  # fmt: skip
    return check_page(plan(_creates(8), pairs=pairs, readings=(_READING,)))


def _everything_at_once(folder: Path) -> str:
    (folder / "failed.csv").touch()
    calls = [f'{{"event":"intent","attempt":1,"at":"2026-11-23T17:40:{at:02d}+00:00"}}\n' for at in range(0, 60, 3)]
    (folder / "journal.jsonl").write_text("".join(calls), "utf-8")
    changes, pairs = _creates(30), []
    for kind in range(10):
        for at, name in enumerate(_NAMES, 100 + 10 * kind):
            ref = row(at, f"{name} {kind}", "Iran")
            found = Issue(Severity.ERROR if kind < 3 else Severity.WARNING, f"doubt-number-{kind}", "is doubtful",
                          ref.place("Notes"), "motive", f"{name} {at % 4}", ("Fun", "Fear"))  # fmt: skip
            differs = (FieldChange("motive", "Fun", "Fear"), FieldChange("description", "word " * 90, "other " * 90))
            action = Action.INVALID if kind < 3 else Action.UPDATE
            changes.append(change(action, ref, uuid="u", issues=(found,), differences=differs if kind > 2 else ()))
            pairs.append(Pair(Side(f"{name} {kind}", "a.csv", ref.place("Name")), Side(name, "b.csv"), Severity.WARNING,
                              "alias-shared", (Shared("Dust", "C2", "C3"),)))  # fmt: skip
    reading = Reading("actors.csv", "", "spreadsheet", 110, tuple(
        ColumnUse(f"Column {word}", "A", "value", "a reason " * 9, 9) for word in "abcdefghijklmnopqrstuvwxyz"
    ))  # fmt: skip
    made = plan(changes, pairs=tuple(pairs), readings=(reading,) * 4, mappings=("spreadsheet@12345678",) * 9,
                sources=tuple(SourceFile(f"list-{at}.csv", "csv", "0" * 64, 9) for at in range(30)))  # fmt: skip
    ended = {one.key: Outcome(one.key, one.action.status, "u", 1) for one in changes if one.action.calls}
    return run_page(record(folder, made, ended))


def _long_and_foreign(folder: Path) -> str:
    (folder / "failed.csv").touch()
    header = Header("actors-of-the-second-quarter-from-three-vendors.xlsx", "xlsx", HEADER.columns, HEADER.letters)
    long, wide, arabic, hebrew = "word " * 1_000, "x" * 40, "الذئب الرملي", "שועל אדום"
    changes = []
    for number, (name, value) in enumerate(
        ((wide, wide), (arabic, "بلد غير معروف"), (hebrew, "ארץ"), ("Long " * 60, long), ("W" * 5_000, "W" * 5_000)), 2
    ):
        at = row(number, name, value, header=header)
        changes.append(change(Action.INVALID, at, issues=(issue(at.place("Country"), value),), code="unknown-country"))
        differs = (FieldChange("description", long, value), FieldChange("aliases", [wide], [arabic, hebrew]))
        changes.append(change(Action.UPDATE, row(number + 10, name, header=header), uuid=wide, differences=differs))
    changes.append(change(Action.CONFLICT, row(40, arabic, header=header), code="alias-collision", message=long))
    pair = Pair(Side(arabic, header.file, row(2, arabic).place("Name")), Side(wide, header.file), Severity.WARNING,
                "alias-shared", (Shared(hebrew, "C2", "C3"),))  # fmt: skip
    doubt = Issue(Severity.WARNING, "several-motives", long, row(2, wide, header=header).place("Notes"), "motive", wide)
    made = plan(changes, pairs=(pair,), notes=(doubt,), readings=(Reading(header.file, "", "spreadsheet", 9, (
        ColumnUse(wide, "A", "value", long, 9), ColumnUse("الاسم", "B", "", "", 9, "sentences", "description"),
    )),))  # fmt: skip
    ended: Mapping[str, Outcome] = {one.key: Outcome(one.key, Status.UPDATED, "u", 1) for one in changes if one.uuid}
    return run_page(record(folder, made, ended))


SITUATIONS: Final[Mapping[str, tuple[str, Callable[[Path], str]]]] = {
    "only-creates": ("Apply would create 40 tags; no row needs you.", _only_creates),
    "updates-and-deletes": ("Apply would create 3 tags, update 8 tags and delete 4 tags; no row needs you.",
                             _updates_and_deletes),
    "each-failure": ("Stopped early: 7 of 28 actors are tags now; 12 wait to be resumed; 1 row is skipped; "
                     "8 rows need you.",
                     _each_failure),
    "everything": ("86 of 110 actors are tags now; 24 rows and 80 pairs need you.", _everything_at_once),
    "all-well": ("All 40 actors are tags now; no row needs you.", _all_well),
    "empty": ("Nothing to do: there is no row.", _empty),
    "pairs": ("All 8 rows are ready to be sent; 2 pairs need you.", _pairs),
    "long-and-foreign": ("5 of 11 actors are tags now; 6 rows and 1 pair need you.", _long_and_foreign),
}  # fmt: skip
"""Name -> what its page says in one sentence, and what makes the page."""
