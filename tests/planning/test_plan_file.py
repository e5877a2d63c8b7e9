"""plan.json holds the whole plan, in one form, under one digest."""

from __future__ import annotations

import base64
import json
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import replace

from importer.errors import SafetyLimit, UsageError
from importer.model import Asked, Draft, Header, Issue, Place, Plan, RowRef, Severity, SourceFile, Table
from importer.planning.build import build_plan
from importer.planning.cost import cost
from importer.planning.exposure import exposure
from importer.planning.limits import RunLimits, check_limits
from importer.planning.options import Account, PlanOptions
from importer.planning.plan_file import SavedPlan, plan_digest, read_plan, write_plan
from importer.planning.verify import check_marks, check_not_moved, check_plan
from importer.reports import terminal
from importer.reports.formats import PlanResult

from .examples import ACCOUNT, HEADER, draft, drafts, plan, tag
from .forged import forge


def rich_plan() -> Plan:
    """A plan with something of everything."""
    sheet = Header("b.xlsx", "xlsx", ("Name", ""), ("B", "C"), "Actors")
    rows = drafts(
        draft("APT28", aliases=[{"value": "Sofacy", "confidence": 3}], priority=2.5, description="zwei\nZeilen ✓"),
        draft("apt28", priority=3),
        draft("B", error="unknown-country", header=sheet, cells=("B", " =1+1")),
        draft("C", asked=Asked.SKIP),
        draft("D", properties={"a": {"b": [1, None, True]}}, clear=("description",)),
    )
    return build_plan(
        rows,
        Account(ACCOUNT, [tag("D", 4, description="x", properties={"a": 1}), tag("C")]),
        PlanOptions(mode="upsert", managed_by="tag-importer:x", adopt=True),
        [SourceFile("actors.csv", "csv", "ab" * 32, 120, {"encoding": "utf-8"})],
        ["spreadsheet@1f2e3d4c"],
        [Issue(Severity.INFO, "left-out-sheet", "README holds no actors", Place("b.xlsx", "README"), allowed=("x",))],
        created="2026-11-23T18:00:00Z",
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Rows with their cells, headers, issues, bodies, sources and notes survive; only the owner may read the file."""
    made = rich_plan()
    digest = write_plan(tmp_path / "plan.json", made)
    assert read_plan(tmp_path / "plan.json") == SavedPlan(made, digest)
    assert digest == plan_digest(made)
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_table_stands_once_as_columns(tmp_path: Path) -> None:
    """However many changes are about a table, it is stored once, as columns of cells, without rows of no change."""
    table = Table.of_rows(HEADER, [(f"A{number}", "", f"n{number}") for number in range(50)], range(2, 52))
    made = plan([Draft(row, {"value": row.text("Name")}) for row in table.rows()[10:]])
    write_plan(tmp_path / "plan.json", made)
    form = json.loads((tmp_path / "plan.json").read_text())["plan"]
    (stored,) = form["tables"]
    assert stored["cells"][2] == [f"n{number}" for number in range(10, 50)]
    assert stored["numbers"] == list(range(12, 52))
    assert form["changes"][3]["row"] == [0, 3]
    again = read_plan(tmp_path / "plan.json").plan.changes[3]
    assert again.row is not None
    assert (again.row.number, again.row.cells) == (15, ("A13", "", "n13"))


def test_the_time_is_no_part_of_the_digest() -> None:
    """The same plan made twice has one digest."""
    made = rich_plan()
    assert plan_digest(made) == plan_digest(replace(made, created="2030-01-01T00:00:00Z"))


def test_the_order_of_keys_is_no_part_of_the_digest() -> None:
    """Two bodies with the same content in another order are one plan."""
    one = plan([draft("A", properties={"x": 1, "y": {"b": 1, "a": 2}})])
    two = plan([draft("A", properties={"y": {"a": 2, "b": 1}, "x": 1})])
    assert plan_digest(one) == plan_digest(two)


def test_laying_it_out_anew_is_no_change(tmp_path: Path) -> None:
    """An editor's pretty-printing does not break the seal."""
    path = tmp_path / "plan.json"
    digest = write_plan(path, rich_plan())
    path.write_text(json.dumps(json.loads(path.read_text()), indent=2))
    assert read_plan(path) == SavedPlan(rich_plan(), digest)


def test_an_altered_plan_is_refused(tmp_path: Path) -> None:
    """One changed value, a cut file, another version or another file: each a usage error, never a traceback."""
    path = tmp_path / "plan.json"
    write_plan(path, rich_plan())
    good = path.read_text()
    for bad, why in (
        (good.replace("Sofacy", "Sofazy"), "altered"),
        (good[: len(good) // 2], "not a plan"),
        (good.replace('"version":4', '"version":1'), "version 1"),
        (good.replace("tag-importer-plan", "bundle"), "not a plan"),
        ("[]", "not a plan"),
        ("", "not a plan"),
        ('{"format":"tag-importer-plan","version":4,"sha256":"x","plan":{}}', "not a whole plan"),
    ):
        path.write_text(bad)
        with pytest.raises(UsageError, match=why):
            read_plan(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_plan(tmp_path / "absent.json")


def long_plan(odd: str = "") -> Plan:
    """A plan of two tables, long enough to be packed in several pieces."""
    short = Table.of_rows(Header("b.csv", "csv", ("Name",)), [("B",)], [2])
    rows = [(f"A{number}", "Red Fox", odd) for number in range(12_000)]
    long = Table.of_rows(HEADER, rows, range(2, 12_002), [f"id-{number}" for number in range(12_000)])
    about = {"description": "Steals diplomatic mail through look-alike portals, and waits. " * 5, "motive": "Espionage"}
    names = [*short.texts("Name"), *long.texts("Name")[5:]]
    rows_of = [*short.rows(), *long.rows()[5:]]
    return plan([Draft(row, {"value": name, **about}) for row, name in zip(rows_of, names, strict=True)])


@pytest.mark.parametrize("odd", ["", "\ud83d"], ids=["text", "half a surrogate pair"])
def test_a_long_plan_is_packed_and_read_back(tmp_path: Path, odd: str) -> None:
    """It takes a tenth of the room, its head is JSON for anybody, and plan, tables and digest come back the same."""
    made, path = long_plan(odd), tmp_path / "plan.json"
    digest = write_plan(path, made, b"key")
    back = read_plan(path)
    assert back.made_with(b"key")
    assert digest == plan_digest(made) == plan_digest(back.plan)
    alone = [replace(change, row=None) for change in made.changes]
    assert ([replace(change, row=None) for change in back.plan.changes] == alone) is True
    first, *others = [change.row for change in back.plan.changes if change.row is not None]
    assert (first.header.file, first.cells) == ("b.csv", ("B",))
    table = others[0].table
    assert {id(row.table) for row in others} == {id(table)}, "parts of a table are one table again"
    assert [(row.number, row.id) for row in others] == [(number, f"id-{number - 2}") for number in range(7, 12_002)]
    assert [table.texts(column) for column in table.header.columns] == [
        [f"A{number}" for number in range(5, 12_000)], ["Red Fox"] * 11_995, [odd] * 11_995
    ]  # fmt: skip
    whole = json.loads(path.read_text())
    assert whole["plan"]["account"] == ACCOUNT
    assert "changes" not in whole["plan"], "a list without them would look like a plan that does nothing"
    assert len(whole["packed"]["changes"]) == 3
    plain = sum(len(zlib.decompress(base64.b64decode(text))) for texts in whole["packed"].values() for text in texts)
    assert path.stat().st_size < plain / 8


def test_a_packed_plan_that_was_altered_is_refused(tmp_path: Path) -> None:
    """A piece that is damaged, gone, twice, in another place, or a bomb: refused, and no memory is spent on it."""
    path = tmp_path / "plan.json"
    write_plan(path, long_plan())
    good = json.loads(path.read_text())
    one, two, three = good["packed"]["changes"]
    bomb = zlib.compressobj()
    blanks = b"".join(bomb.compress(b" " * (1 << 20)) for _ in range(65)) + bomb.flush()
    for changes, why in (
        ([one, two], "altered"),
        ([two, one, three], "altered"),
        ([one, one, two, three], "repeated"),
        ([one, two, three[:-8]], "damaged"),
        ([one, two, "x"], "not a whole plan"),
        ([one, two, base64.b64encode(b"nothing").decode()], "damaged"),
        ([one, two, base64.b64encode(zlib.compress(b"{}")).decode()], "damaged"),
        ([base64.b64encode(blanks).decode()], "times as long"),
    ):
        path.write_text(json.dumps({**good, "packed": {**good["packed"], "changes": changes}}))
        with pytest.raises(UsageError, match=why):
            read_plan(path)
    parts = good["packed"]["tables"]
    path.write_text(json.dumps({**good, "packed": {"changes": [one, two, three], "tables": parts[1:]}}))
    with pytest.raises(UsageError, match="not a whole plan"):
        read_plan(path)
    path.write_text(json.dumps({**good, "plan": {**good["plan"], "changes": [], "tables": []}}))
    with pytest.raises(UsageError, match="packed and plain"):
        read_plan(path)


def test_text_that_utf8_cannot_hold_survives(tmp_path: Path) -> None:
    """A cell with half a surrogate pair is stored and read back as it is."""
    made = plan([draft("A", cells=("A", "\ud83d", ""))])
    digest = write_plan(tmp_path / "plan.json", made)
    assert read_plan(tmp_path / "plan.json") == SavedPlan(made, digest)


def _places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _places(inner, (*path, at))


def test_a_wrong_type_at_any_place_is_an_error_or_harmless(tmp_path: Path) -> None:
    """Each value of a plan replaced by each kind of another, hashed anew: it is refused, or it can be used."""
    path = tmp_path / "plan.json"
    write_plan(path, rich_plan())
    good = path.read_bytes()
    places = list(_places(json.loads(good)["plan"]))[1:]
    assert len(places) > 150
    refused = 0
    for place in places:
        wrong: object
        for wrong in (None, True, -1, 1 << 70, 0.5, "", "x", [], [[]], {}, {"x": None}):
            path.write_bytes(good)

            def put(form: dict[str, Any], place: tuple[Any, ...] = place, wrong: object = wrong) -> None:
                inner: Any = form
                for key in place[:-1]:
                    inner = inner[key]
                inner[place[-1]] = wrong

            forge(path, put)
            try:
                made = read_plan(path).plan
                account = Account(ACCOUNT, [tag("D", 4, description="x", properties={"a": 1}), tag("C")])
                check_plan(made, made_here=False)
                check_marks(made, account.tags)
                check_not_moved(made, account)
                check_limits(made, RunLimits(), tags=account.tags)
            except (UsageError, SafetyLimit):
                refused += 1
                continue
            list(terminal.plan(PlanResult(made, exposure(made), cost(made))))
    assert refused > 1_000


def test_long_plans_are_compared_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row refers to its table: of two plans the cells of a table are compared once, not once for each row."""
    asked = 0
    equals = pd.DataFrame.equals

    def counted(one: pd.DataFrame, other: pd.DataFrame) -> bool:
        nonlocal asked
        asked += 1
        return equals(one, other)

    def made(last: str) -> list[RowRef]:
        names = [*(f"Tern {number}" for number in range(50)), last]
        return Table.of_columns(Header("a.csv", "csv", ("Name",), ("A",)), [names], range(2, 53)).rows()

    monkeypatch.setattr(pd.DataFrame, "equals", counted)
    assert made("Rail") == made("Rail")
    assert asked == 1
    assert made("Rail") != made("Coot")
