"""Environments beside the checkout, for what is too large for the tests' own: made when a test needs one, and kept."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[1]


def beside(name: str, requirements: str | Path, *, ours: bool = False) -> Path:
    """The interpreter of an environment `.NAME` with these requirements (a lock, or words for pip), ours too if `ours`.

    Skips the test where they cannot be installed. `.ci/run` makes Airflow's early, under the same lock.
    """
    home = ROOT / f".{name}"
    ready, python = home / "ready.txt", home / "bin" / "python"
    words = ["-r", requirements] if isinstance(requirements, Path) else requirements.split()
    wanted = requirements.read_text() if isinstance(requirements, Path) else requirements
    with FileLock(f"{home}.lock"):
        if not ready.exists() or ready.read_text() != wanted:
            commands = [(sys.executable, "-m", "venv", home), (python, "-m", "pip", "install", "-q", *words)]
            for command in commands:
                done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=400, check=False)
                if done.returncode:
                    pytest.skip(f"{requirements} cannot be installed here: {done.stderr[-300:]}")
            if ours:
                inside = f"python{sys.version_info.major}.{sys.version_info.minor}"
                site = home / "lib" / inside / "site-packages"
                (site / "ours.pth").write_text(sysconfig.get_paths()["purelib"])
            ready.write_text(wanted)
    return python
