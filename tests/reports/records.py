"""Runs to report on, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from importer.fields.table import Visibility
from importer.model import (
    Action,
    Change,
    FieldChange,
    Header,
    Issue,
    Outcome,
    Place,
    Plan,
    RowRef,
    Severity,
    SourceFile,
    Status,
    Table,
)
from importer.planning.exposure import Exposure
from importer.reports.run_record import RunRecord, Traffic

HEADER = Header("actors.csv", "csv", ("Name", "Country", "Notes"), ("A", "B", "C"))
EXPOSURE = (
    Exposure("aliases", Visibility.PUBLIC, 2, 4, 1),
    Exposure("motive", Visibility.UNDOCUMENTED, 2, 2),
)
START = datetime(2026, 11, 23, 17, 40, tzinfo=UTC)


def row(number: int, *cells: str, header: Header = HEADER) -> RowRef:
    filled = [*cells, *[""] * (len(header.columns) - len(cells))]
    return RowRef(Table.of_rows(header, [filled], [number]), 0)


def issue(place: Place, value: str = "Freedonia", severity: Severity = Severity.ERROR) -> Issue:
    return Issue(severity, "unknown-country", "this is not a country", place, "originCountryISO", value, (), "France")


def change(action: Action, source: RowRef | None, name: str = "", **more: object) -> Change:
    key = f"{source.header.file}:{source.header.sheet}:{source.number}" if source else f"tag:{name}"
    return Change(key, action, name or (source.cells[0] if source else ""), source, **more)  # type: ignore[arg-type]


def plan(changes: Sequence[Change], **more: object) -> Plan:
    return Plan("a" * 32, "create", tuple(changes), **more)  # type: ignore[arg-type]


def mixed_plan() -> Plan:
    """One row of each action, with an issue, a difference and a hostile name."""
    bad = row(4, "Duck Soup", "Freedonia", "")
    return plan(
        [
            change(Action.CREATE, row(2, "APT28", "Russia", 'say "hi", twice\nand again')),
            change(Action.CREATE, row(3, "=cmd|'/c calc'!A0", "-", "@sum")),
            change(
                Action.INVALID,
                bad,
                code="unknown-country",
                message="this is not a country",
                issues=(issue(bad.place("Country")),),
            ),
            change(Action.UNCHANGED, row(5, "Turla", "RU", ""), uuid="u-5"),
            change(Action.SKIP, row(6, "APT28", "", ""), code="repeats-row", message="repeats row 2"),
            change(
                Action.UPDATE,
                row(7, "APT29", "RU", ""),
                uuid="u-7",
                differences=(FieldChange("motive", "Fun", "Espionage"),),
            ),
            change(Action.CONFLICT, row(8, "\x1b[31mRed\u202eder", "", ""), code="alias-collision", message="taken"),
        ],
        sources=(SourceFile("actors.csv", "csv", "0" * 64, 321, {"encoding": "utf-8"}),),
        mappings=("spreadsheet@12345678",),
        notes=(Issue(Severity.INFO, "left-out", "2 sheets hold no actors", Place("actors.csv")),),
        account_tags=3,
    )


def outcomes(*ended: tuple[str, Status], uuid: str = "11111111-2222-4333-8444-555555555555") -> Mapping[str, Outcome]:
    return {key: Outcome(key, status, uuid if status is Status.CREATED else "", 1) for key, status in ended}


def record(folder: Path, planned: Plan | None = None, ended: Mapping[str, Outcome] | None = None,
           **more: object) -> RunRecord:  # fmt: skip
    if planned is None:
        planned = mixed_plan()
        ended = outcomes(("actors.csv::2", Status.CREATED), ("actors.csv::3", Status.CREATED))
    ended = ended or {}
    traffic = Traffic({"list": 1, "create": 3}, retries=1, waits=1, waited=212.0, too_many=1)
    values: dict[str, object] = {
        "exit_code": 1,
        "traffic": traffic,
        "exposure": EXPOSURE,
        "timings": {"read": 0.01, "execute": 1.5},
        **more,
    }
    return RunRecord(
        "20261123T174000Z-ab12cd", folder, planned, ended, START, START + timedelta(seconds=125), 125.0, **values  # type: ignore[arg-type]
    )  # fmt: skip
