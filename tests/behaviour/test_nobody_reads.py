"""Whoever started a command may stop reading what it says; that changes nothing about what it does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.behaviour.inside import Here, last, rows
from tests.behaviour.program import environment


@pytest.mark.parametrize("arguments", [(), ("--format", "json", "--log-format", "json")])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_went_away(stream: str, arguments: tuple[str, ...], here: Here, tmp_path: Path) -> None:
    """A run whose output nobody reads any more makes every tag, writes its reports and exits as it otherwise would."""
    rows(tmp_path / "actors.csv", "name,country", *(f"Actor {number},France" for number in range(30)), ",France")
    away, unread = os.pipe()
    os.close(away)
    done = subprocess.run(
        [sys.executable, "-m", "importer", "apply", "actors.csv", "--sandbox", "--yes", "--metrics-file", "m.prom",
         *arguments],
        cwd=tmp_path, env=environment(tmp_path), timeout=60, check=False,
        stdout=unread if stream == "stdout" else subprocess.DEVNULL,
        stderr=unread if stream == "stderr" else subprocess.DEVNULL,
    )  # fmt: skip
    os.close(unread)
    usual = here("apply", "actors.csv", "--sandbox", "--sandbox-db", "other.sqlite3", "--yes", "--out", "other").code
    assert done.returncode == usual
    summary = last(tmp_path / "tag-importer-runs")
    assert summary["exit_code"] == usual
    assert summary["counts"]["created"] >= 30
    told = f'tag_importer_last_run_exit_code{{import="tag-importer"}} {usual}.0'
    assert told in (tmp_path / "m.prom").read_text()


def test_a_name_cannot_speak_to_the_terminal(here: Here, tmp_path: Path) -> None:
    """Error messages show names from files and archives with their control characters made visible."""
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "a\x1b[2J\x1b]0;owned\x07.json").write_text("{ not json")
    ran = here("validate", *sorted(folder.iterdir()))
    assert ran.code == 3
    assert "\x1b" not in ran.err + ran.out
    assert "\\x1b[2J" in ran.err
