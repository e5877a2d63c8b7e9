"""A second command for a run that is still going waits for it, and goes on from where it ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.behaviour.inside import Here, rows
from tests.behaviour.program import Served, environment

ROWS = 25


@pytest.mark.parametrize("command", ["resume", "undo"])
def test_the_journal_is_read_under_the_lock(
    command: str, here: Here, serve: Callable[..., Served], tmp_path: Path
) -> None:
    """What the other command did while this one waited for the lock is known: nothing is made twice or left behind."""
    rows(tmp_path / "actors.csv", "name", *(f"Actor {number}" for number in range(ROWS)))
    env = environment(tmp_path, serve("--latency", "60").env)
    program = [sys.executable, "-m", "importer"]
    going = subprocess.Popen(
        [*program, "apply", "actors.csv", "--yes", "--quiet", "--concurrency", "1"], cwd=tmp_path, env=env
    )
    try:
        journal = _journal(tmp_path / "tag-importer-runs")
        second = subprocess.run(
            [*program, command, str(journal.parent), "--yes", "--quiet", "--wait", "60"],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert going.wait(30) == 0
    finally:
        going.kill()
        going.wait(10)
    assert second.returncode == 0, second.stderr
    here.ok("export", "held.csv", "--quiet", env=env)
    names = Counter(line.partition(",")[0] for line in (tmp_path / "held.csv").read_text("utf-8-sig").splitlines()[1:])
    assert sum(names.values()) == (ROWS if command == "resume" else 0)
    assert set(names.values()) <= {1}


def _journal(runs: Path) -> Path:
    """The journal of the run that is going, once a few of its rows are done."""
    for _ in range(500):
        for path in runs.glob("*/journal.jsonl"):
            if path.read_bytes().count(b'"outcome"') >= 2:
                return path
        time.sleep(0.02)
    raise AssertionError("the run did not begin")


@pytest.mark.parametrize("words", ["/no/such/run", "a**b", "../x", "x" * 5000, "\x1b[2J"])
def test_a_run_that_is_not_there(words: str, here: Here) -> None:
    """Whatever is given for a run, the answer is a sentence."""
    ran = here("resume", words, "--sandbox")
    assert (ran.code, "there is no run" in ran.err) == (2, True)
