"""Laws of a sync, for random accounts and lists, through the command line and the sandbox's socket."""

from __future__ import annotations

import csv
import json
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.behaviour.inside import Here
from tests.behaviour.test_main_job import results

COLUMNS = ("Name", "Aliases", "Country", "Motive", "Description", "Priority", "action")
NAMES = st.sampled_from(
    ["APT28", "apt28 ", "APT 28", "Sofacy", "Larva-1", "狐", "Ünïcode", "O'Hara; Ltd", "=cmd", "007"]
)
ROWS = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from(["", "Sofacy", "Zorro, Vulpes", "Vulpes, Zorro", "b; a", "#CLEAR"]),
        st.sampled_from(["", "CN", "chn", "Russia", "#CLEAR"]),
        st.sampled_from(["", "Espionage", "espionage", "Financial", "#CLEAR"]),
        st.sampled_from(["", "NA", "two\nlines", "=1+1", " spaced ", "#CLEAR"]),
        st.sampled_from(["", "3", "3.0", "007", "#CLEAR"]),
        st.sampled_from(["", "", "", "create", "update", "upsert", "skip"]),
    ),
    min_size=1,
    max_size=7,
)
ENDED = {
    "create": "created",
    "update": "updated",
    "unchanged": "unchanged",
    "skip": "skipped",
    "conflict": "conflict",
    "invalid": "invalid",
}
FREE = ("--sandbox", "--max-updates", "none", "--max-shrink", "none", "--fsync", "none", "--mapping", "spreadsheet")


def write(path: Path, lines: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *lines])


def stored(folder: Path) -> dict[str, dict[str, Any]]:
    """UUID -> fields, as the sandbox holds them; nothing of the program is between."""
    with closing(sqlite3.connect(folder / "tag-importer-runs" / "sandbox.sqlite3")) as store:
        return {row[0]: json.loads(row[1]) for row in store.execute("SELECT uuid, fields FROM tags")}


def plain(value: Any) -> Any:
    """A value so that two are equal when a person would call them the same: its own rules, not the program's."""
    if isinstance(value, list):
        return sorted(json.dumps(plain(entry), sort_keys=True) for entry in value)
    if isinstance(value, dict) and value.keys() <= {"value", "confidence", "tlp"} and "value" in value:
        return value["value"]
    return None if value in ("", [], {}) else value


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, ROWS, st.sampled_from(["create", "update", "upsert"]))
def test_a_plan_predicts_what_apply_does_and_a_second_one_finds_nothing(
    first: list[tuple[str, ...]], second: list[tuple[str, ...]], mode: str
) -> None:
    """Row by row apply ends as the plan said, each PATCH holds what differed and no more, and then nothing is left."""
    with tempfile.TemporaryDirectory() as name:
        here = Here(Path(name))
        write(here.folder / "first.csv", first)
        here("apply", "first.csv", *FREE)
        before = stored(here.folder)
        write(here.folder / "second.csv", second)
        planned = here("plan", "second.csv", *FREE, "--mode", mode, "--out", "p")
        applied = here("apply", "second.csv", *FREE, "--mode", mode, "--out", "run")
        assert planned.code == applied.code
        changes = json.loads((here.folder / "p" / "plan.json").read_bytes())["plan"]["changes"]
        assert [row["_status"] for row in results(here.folder / "run")] == [
            ENDED[change["action"]] for change in changes
        ]
        assert len(changes) == len(second)
        after = stored(here.folder)
        patched = {change["uuid"]: change["body"] for change in changes if change["action"] == "update"}
        for uuid, body in patched.items():
            assert body
            for field, value in body.items():
                assert plain(before[uuid].get(field)) != plain(value), f"{field} did not differ"
                assert plain(after[uuid].get(field)) == plain(value)
        creates = sum(change["action"] == "create" for change in changes)
        assert len(after) == len(before) + creates
        assert {uuid: after[uuid] for uuid in before if uuid not in patched} == {
            uuid: fields for uuid, fields in before.items() if uuid not in patched
        }
        names = [fields["value"].casefold() for fields in after.values()]
        assert len(set(names)) == len(names)
        again = here("plan", "second.csv", *FREE, "--mode", mode, "--format", "json").json
        assert sum(again["actions"][action] for action in ("create", "update", "delete")) == 0


@settings(max_examples=9, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.sampled_from(["csv", "xlsx", "json"]))
def test_any_account_survives_its_export(first: list[tuple[str, ...]], ending: str) -> None:
    """Whatever a list has made of an account, its export read again is unchanged."""
    with tempfile.TemporaryDirectory() as name:
        here = Here(Path(name))
        write(here.folder / "first.csv", first)
        here("apply", "first.csv", *FREE)
        here.ok("export", f"backup.{ending}", "--sandbox")
        if not stored(here.folder):
            return
        plan = here.ok("plan", f"backup.{ending}", "--sandbox", "--mode", "upsert", "--format", "json").json
        assert plan["actions"]["unchanged"] == plan["rows"] == len(stored(here.folder))
