"""Against `tag-importer sandbox`: what an unchanged sync costs, and how much of a limit is used without going over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Ratio, importer, sandbox, took

LISTS = {"list", "categories", "total"}
"""The calls of a sync that changes nothing."""

Judge = Callable[[str, float, float, str], Ratio]


def applied(source: Path, out: Path, env: dict[str, str], *flags: str) -> tuple[float, dict[str, Any]]:
    """Seconds of the whole process, and the summary, of an apply that has to end well."""
    whole = took(importer("apply", source, "--yes", "--quiet", "--out", out, *flags),
                 {**env, "TAG_IMPORTER_STATE_DIR": str(out.with_suffix(".state"))})  # fmt: skip
    return whole.seconds, json.loads((out / "summary.json").read_text("utf-8"))


def unchanged(folder: Path, source: Path, count: int, runs: int, at_most: Judge) -> Iterator[Ratio]:
    """A second sync of the same list: list calls alone, and few seconds."""
    with sandbox(folder / "unchanged.sqlite3", "--quota", "0") as env:
        # The sandbox has no limit and names none, so the first run is told: else it would keep to the usual one.
        free = ("--quota", "1000000", "--window", "1", "--reserve", "0")
        _, first = applied(source, folder / "sync-0", env, "--mode", "upsert", *free)
        assert first["counts"]["created"] == count, first["counts"]
        found = []
        for run in range(1, runs + 1):
            seconds, told = applied(source, folder / f"sync-{run}", env, "--mode", "upsert")
            assert told["counts"]["unchanged"] == told["rows"] == count, told["counts"]
            found.append((seconds, told["calls"]))
    seconds, calls = sorted(found, key=lambda item: item[0])[len(found) // 2]
    others = sum(number for call, number in calls.items() if call not in LISTS)
    pages = -(-count // 1000)
    yield at_most(f"unchanged sync of {count:,}: seconds in all", seconds, 10, f"{calls['total']} calls")
    yield Ratio(f"unchanged sync of {count:,}: calls that are no list", others, "0", others == 0)
    lists = calls["list"]
    yield Ratio(f"unchanged sync of {count:,}: list calls", lists, f"<= {pages + 1}", lists <= pages + 1)


def limited(folder: Path, source: Path, count: int, at_least: Judge) -> Iterator[Ratio]:
    """40 calls a second, 20 rows at once: how much of the possible rate, and how many calls too many."""
    quota, window = 40, 1.0
    with sandbox(folder / "limited.sqlite3", "--quota", str(quota), "--window", str(window)) as env:
        _, told = applied(source, folder / "limited", env, "--quota", str(quota), "--window", str(window),
                          "--reserve", "0", "--concurrency", "20")  # fmt: skip
    assert told["counts"]["created"] == told["rows"] == count, told["counts"]
    seconds = sum(told["timings"][phase] for phase in ("account", "plan", "execute"))
    rate = told["calls"]["total"] / seconds * window  # a run's first window is free, its last answer ends it
    name = f"{count} rows under {quota} in {window:g} s"
    yield at_least(f"{name}: share of the possible rate", rate / quota, 0.97, f"{seconds:.2f} s")
    yield Ratio(f"{name}: answers 429", told["answers_429"], "0", told["answers_429"] == 0)
