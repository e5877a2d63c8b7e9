"""Behaviour tests talk to the program as its users do: through the command line, over real sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """One finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Served:
    """A sandbox in a process of its own, and the environment that leads to it."""

    env: dict[str, str]
    database: Path
    process: subprocess.Popen[str]


Cli = Callable[..., Ran]


def environment(folder: Path, extra: dict[str, str] | None = None) -> dict[str, str]:
    """An environment without anybody's account, with its state in `folder`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDFLARE_", "TAG_IMPORTER_"))}
    env |= {"TAG_IMPORTER_STATE_DIR": str(folder / "state"), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120"}
    return env | (extra or {})


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run `tag-importer ARGS...` in an empty folder; no traceback may ever show."""

    def run(
        *args: str | Path, env: dict[str, str] | None = None, stdin: str | None = None, timeout: float = 120
    ) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "importer", *map(str, args)],
            cwd=tmp_path,
            env=environment(tmp_path, env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start `tag-importer sandbox ARGS...`; it is stopped when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str) -> Served:
        database = tmp_path / f"served-{len(started)}.sqlite3"
        process = subprocess.Popen(
            [sys.executable, "-m", "importer", "sandbox", "--db", str(database), *args],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        env: dict[str, str] = {}
        for line in process.stdout:  # `export NAME=value`, one a line, until the three are there
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                env[name] = value.strip("'\"")
            if "CLOUDFLARE_API_TOKEN" in env and "CLOUDFLARE_BASE_URL" in env and "CLOUDFLARE_ACCOUNT_ID" in env:
                break
        assert env, "the sandbox did not start"
        return Served(env, database, process)

    yield start
    for process in started:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def samples() -> Path:
    """The lists that ship with the project."""
    return ROOT / "samples"
