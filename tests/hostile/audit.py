"""Checking a run folder against the server's truth: the totals of every place must agree, row by row."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile.account import HostileAccount

_TIMES = ("_uuid", "_attempts")
_MAY_DIFFER = frozenset({"run", "started", "finished", "seconds", "timings", "calls", "retries", "waits", "adopted",
                         "answers_429", "plan_sha256", "command", "files"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folder:
    """A run folder as a reader finds it."""

    path: Path

    @property
    def rows(self) -> list[dict[str, str]]:
        with (self.path / "results.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def summary(self) -> dict[str, Any]:
        return dict(json.loads((self.path / "summary.json").read_text("utf-8")))

    @property
    def plan(self) -> dict[str, Any]:
        return dict(json.loads((self.path / "plan.json").read_text("utf-8"))["plan"])

    @property
    def journal(self) -> list[dict[str, Any]]:
        lines = (self.path / "journal.jsonl").read_text("utf-8").split("\n")
        return [json.loads(line) for line in lines if line]


def problems(out: Path, account: HostileAccount, names: Sequence[str], *, before: int = 0, column: str) -> list[str]:
    """Everything that is not as it must be; `names` are the rows of the source in order, `before` the tags held then.

    `column` is the results' column that holds the name.
    """
    found: list[str] = []
    folder = Folder(out)
    rows, summary, plan = folder.rows, folder.summary, folder.plan
    if [row[column] for row in rows] != list(names):
        found.append(f"results.csv has {len(rows)} rows that are not the source's {len(names)} in order")
    results = Counter(row["_status"] for row in rows)
    counts = {name: count for name, count in summary["counts"].items() if count}
    if counts != dict(results):
        found.append(f"summary {counts}, results {dict(results)}")
    told = {line["key"]: line["status"] for line in folder.journal if line["event"] == "outcome"}
    silent = {"unchanged": "unchanged", "skip": "skipped", "conflict": "conflict", "invalid": "invalid"}
    journal = Counter(told.get(change["key"]) or silent.get(change["action"], "not_attempted")
                      for change in plan["changes"])  # fmt: skip
    merged = Counter(results)
    if merged["unknown"] or merged["not_attempted"]:  # an open intent has no outcome line
        merged["not_attempted"] += merged.pop("unknown", 0)
        journal["not_attempted"] += journal.pop("unknown", 0)
    if +journal != +merged:
        found.append(f"journal {dict(+journal)}, results {dict(+merged)}")
    if repeated := account.repeated():
        found.append(f"{len(repeated)} duplicates on the server: {repeated[:5]}")
    ours = {held.uuid: held for held in account.ours()}
    for row in rows:
        if row["_status"] == "created" and row["_uuid"] not in ours:
            found.append(f"{row[column]} is reported created as {row['_uuid']}, which is not there")
        elif row["_status"] == "created" and ours[row["_uuid"]].name != " ".join(row[column].split()):
            found.append(f"{row[column]} is reported as {row['_uuid']}, which is {ours[row['_uuid']].name}")
    if len(ours) - before != results["created"] and not (results["unknown"] or results["conflict"]):
        found.append(f"{len(ours) - before} tags were made, {results['created']} are reported created")
    names_there = {held.name for held in ours.values()}
    if lost := [
        row[column] for row in rows if row["_status"] == "created" and " ".join(row[column].split()) not in names_there
    ]:
        found.append(f"{len(lost)} rows are lost: {lost[:5]}")
    return found


def difference(one: Path, other: Path) -> list[str]:
    """What the reports of two runs say differently, apart from times, uuids, attempts and traffic."""
    a, b = Folder(one), Folder(other)
    found = []
    for left, right in zip(a.rows, b.rows, strict=False):
        for key in left:
            if key not in _TIMES and left[key] != right.get(key):
                found.append(f"row {left.get('_row')}: {key} {left[key]!r} != {right.get(key)!r}")
    if len(a.rows) != len(b.rows):
        found.append(f"{len(a.rows)} rows, {len(b.rows)} rows")
    left_sum, right_sum = a.summary, b.summary
    for key in sorted(set(left_sum) | set(right_sum)):
        if key not in _MAY_DIFFER and left_sum.get(key) != right_sum.get(key):
            found.append(f"summary {key}: {left_sum.get(key)!r} != {right_sum.get(key)!r}")
    if sorted(path.name for path in one.iterdir()) != sorted(path.name for path in other.iterdir()):
        files = {path.name for path in one.iterdir()} ^ {path.name for path in other.iterdir()}
        found.append(f"files differ: {sorted(files)}")
    return found[:20]
