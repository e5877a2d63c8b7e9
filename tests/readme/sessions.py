"""The README's console sessions: found in its text, run, and compared or written back.

    python -m tests.readme.sessions      writes what the commands print now into README.md and docs/

In a block fenced as `console`, lines that start with `$ ` are commands; what follows is what they print (standard
output and error as a terminal shows them, without colour). All blocks run in one folder, in order.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.behaviour.program import ROOT, environment

README = ROOT / "README.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING = (
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"@[0-9a-f]{8}\b"), "@DIGEST"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min)\b( \d+ s\b)?"), "DURATION"),
    (re.compile(r"^\d\d:\d\d:\d\d ", re.MULTILINE), ""),
    (re.compile(r" +$", re.MULTILINE), ""),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what it prints."""

    command: str
    output: str


def steps(text: str) -> Iterator[Step]:
    """The steps of a block."""
    command, output = "", ""
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            if command:
                yield Step(command, output)
            command, output = line[2:].strip(), ""
        else:
            output += line
    if command:
        yield Step(command, output)


def blocks(readme: str) -> list[str]:
    """The text of each console block."""
    return _BLOCK.findall(readme)


def settled(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text


class Terminal:
    """A folder with the samples, where the commands run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "samples", folder / "samples")
        shutil.copytree(ROOT / "config", folder / "config")
        programs = folder / ".programs"
        programs.mkdir()
        shim = programs / "tag-importer"
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m importer "$@"\n', encoding="utf-8")
        shim.chmod(0o755)
        self.env = environment(folder, {"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"})

    def run(self, command: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, encoding="utf-8", timeout=120, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout


def write_back(page: Path) -> None:
    """Put what the commands print now into a page, where it is not the same but for ids and times."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(Path(folder))

        def fresh(match: re.Match[str]) -> str:
            shown = []
            for step in steps(match[1]):
                output = terminal.run(step.command)
                output += "" if not output or output.endswith("\n") else "\n"
                shown.append(f"$ {step.command}\n{step.output if settled(output) == settled(step.output) else output}")
            return "```console\n" + "".join(shown) + "```"

        page.write_text(_BLOCK.sub(fresh, page.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    for page in (README, *sorted((ROOT / "docs").glob("*.md"))):
        write_back(page)
