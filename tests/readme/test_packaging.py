"""The container and the action, as far as they can be tried without a daemon and without GitHub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.behaviour.program import ROOT, environment

ACTION = ROOT / "action.yml"


def test_the_action_is_one_by_githubs_schema() -> None:
    """GitHub's own schema of actions accepts action.yml."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_input_reaches_a_script_but_by_its_environment() -> None:
    """Nothing of a pull request is pasted into a script, where it could be run."""
    for step in yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]:
        assert "${{" not in step["run"], step["name"]
        assert subprocess.run(["bash", "-n"], input=step["run"], text=True, check=False).returncode == 0


def test_the_actions_plan_is_made_and_told(tmp_path: Path) -> None:
    """Its step for the plan writes the Markdown, the summary and the outputs, and only a plan that failed fails."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "tag-importer"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m importer "$@"\n')
    program.chmod(0o755)
    (tmp_path / "list.csv").write_text("Name,Country\nRed Fox,IR\n")
    step = next(one for one in yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"] if one["name"] == "Plan")
    files = {name: str(tmp_path / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "PLAN")}

    def run(sources: str) -> int:
        given = {**files, "SOURCES": sources, "MODE": "upsert", "CLOUDFLARE_ACCOUNT_ID": "", "TARGET": str(tmp_path)}
        env = environment(tmp_path, {**given, "PATH": os.environ["PATH"]})
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step["run"]], cwd=tmp_path, env=env, check=False
        ).returncode

    assert run("list.csv") == 0
    assert "create 1" in (tmp_path / "PLAN").read_text()
    assert "exit-code=10" in (tmp_path / "GITHUB_OUTPUT").read_text()
    assert "create 1" in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
    assert run("missing.csv") == 3


def test_the_image_is_small_and_runs_as_nobody() -> None:
    """What the Dockerfile copies is there, the lock is held by hash, the last stage has a user without rights."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert copied
    assert all((ROOT / word).exists() for word in copied)
    kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {f"!{word}" for word in copied} <= set(kept)
    assert "--require-hashes" in text
    last = text.rpartition("FROM ")[2]
    assert re.search(r"^USER 10001$", last, re.MULTILINE)
    assert "pip install" not in last
