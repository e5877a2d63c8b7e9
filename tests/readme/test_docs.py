"""docs/ say what the program does: their sessions and their code are run, their links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.behaviour.program import ROOT
from tests.readme.documents import blocks, pages
from tests.readme.sessions import Terminal, settled, steps


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_what_a_page_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    """Sessions print what stands under them; code in Python runs, in one piece, in a folder with the samples."""
    sessions, code = blocks(page, "console"), blocks(page, "python")
    if not sessions and not code:
        pytest.skip("the page has neither")
    terminal = Terminal(tmp_path)
    for step in (step for session in sessions for step in steps(session)):
        assert settled(terminal.run(step.command)) == settled(step.output), step.command
    if code:
        (tmp_path / "page.py").write_text("\n".join(code), encoding="utf-8")
        done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, env=terminal.env, capture_output=True,
                              text=True, timeout=120, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [*pages(), ROOT / "README.md"], ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    """Each link to a file, and each path of ours in backticks, is there."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    linked = {page.parent / target for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)}
    named = {ROOT / path for path in re.findall(r"`((?:importer|config|tests|docs|tools|samples)/[\w./-]+)`", text)}
    missing = sorted(str(path) for path in linked | named if not path.exists())
    assert not missing


def test_the_layers_are_those_that_are_checked() -> None:
    """docs/architecture.md lists the layers in the order in which `lint-imports` holds them."""
    (contract,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    checked = [name.strip() for layer in contract["layers"] for name in layer.split("|")]
    rows = re.findall(
        r"^\| (`importer\.[^|]+) \|", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE
    )
    listed = [name for row in rows for name in re.findall(r"`(importer\.\w+)`", row)]
    assert checked[: len(listed)] == listed
    assert set(checked[len(listed) :]) == {f"importer.{name}" for name in ("clock", "atomic", "shipped", "system")}
