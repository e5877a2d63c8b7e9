"""The README says what the program does: every console session in it is run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.behaviour.program import ROOT, environment
from tests.readme.sessions import README, Terminal, blocks, settled, steps
from tools.failure_table import as_markdown


def test_every_session_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Commands in the README, run in order in one folder, print what stands there."""
    terminal = Terminal(tmp_path)
    found = [step for block in blocks(README.read_text("utf-8")) for step in steps(block)]
    assert len(found) >= 8
    for step in found:
        assert settled(terminal.run(step.command)) == settled(step.output), step.command


def test_the_help_in_docs_is_the_programs_own() -> None:
    """The text of `tag-importer --help` is in docs/commands.md, word for word, however a Python aligns it."""
    done = subprocess.run(
        [sys.executable, "-m", "importer", "--help"], capture_output=True, text=True, env=environment(ROOT), check=True
    )
    assert " ".join(done.stdout.split()) in " ".join((ROOT / "docs" / "commands.md").read_text("utf-8").split())


def test_the_failure_table_in_docs_is_the_programs_own() -> None:
    """What is retried, and how a failure is shown, is printed from the table that decides it."""
    assert as_markdown().strip() in (ROOT / "docs" / "failures.md").read_text("utf-8")


def test_each_command_named_in_the_readme_exists() -> None:
    """No command or flag that the README names has gone."""
    text = README.read_text("utf-8")
    from importer.cli.parser import COMMANDS

    for name in re.findall(r"`tag-importer ([a-z]+)", text):
        assert name in COMMANDS, name


def test_links_in_the_readme_lead_somewhere() -> None:
    """Relative links point to files of the project."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", README.read_text("utf-8")):
        assert (ROOT / target).exists(), target


def test_the_readme_is_a_front_door() -> None:
    """It fits on a screen and a half, has its two commands by their marks, and shows a terminal and a page."""
    text = README.read_text("utf-8")
    assert len(text.splitlines()) < 110
    for mark in (
        "<!-- command: main job -->",
        "<!-- command: tests -->",
        "docs/pictures/terminal.svg",
        "docs/pictures/page.png",
    ):
        assert mark in text
