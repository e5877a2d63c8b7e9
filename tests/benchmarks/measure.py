"""Running commands and taking their time and peak memory, in turn, so that the machine's moods fall on both sides."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Took:
    """What one process took."""

    seconds: float
    megabytes: float
    out: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line of the result: a figure, its unit, what it should be, and whether it is."""

    name: str
    value: float
    target: str
    good: bool
    detail: str = ""

    def __str__(self) -> str:
        mark = "ok " if self.good else "LOW"
        return f"{mark} {self.name:<58} {self.value:8.2f}   target {self.target:<8} {self.detail}"


def took(
    command: Sequence[str], env: dict[str, str] | None = None, cwd: Path | None = None, codes: tuple[int, ...] = (0,)
) -> Took:
    """Run a command to its end; its own peak memory, by the kernel's account."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment(env), cwd=cwd or ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        code = process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode()
        err.seek(0)
        assert code in codes, f"{command} ended with {code}: {err.read().decode()[-2000:]}"
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Took(seconds, usage.ru_maxrss / scale, text)


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Nobody's account, nobody's settings; compiled modules are kept, as those of an installed program are."""
    others = ("CLOUDFLARE_", "TAG_IMPORTER_", "PYTHONDONTWRITEBYTECODE")
    env = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**env, "PYTHONPATH": str(ROOT), **(extra or {})}


def importer(*args: str | Path) -> list[str]:
    """The command line of the importer."""
    return [sys.executable, "-m", "importer", *map(str, args)]


def python(*args: str | Path) -> list[str]:
    """A Python process."""
    return [sys.executable, *map(str, args)]


def in_turn(runs: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each measure, taken A B A B ..."""
    found: list[list[float]] = [[] for _ in measures]
    for _ in range(runs):
        for at, measure in enumerate(measures):
            found[at].append(measure())
    return [median(values) for values in found]


@contextmanager
def fast_server(latency_ms: float = 0) -> Iterator[str]:
    """The bare server in a process of its own; its base URL."""
    process = subprocess.Popen(python(HERE / "fast_server.py", "0", str(latency_ms)), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/client/v4"
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def sandbox(database: Path, *flags: str) -> Iterator[dict[str, str]]:
    """`tag-importer sandbox` in a process of its own; the environment that leads to it."""
    process = subprocess.Popen(
        importer("sandbox", "--db", database, *flags), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=environment(), cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        told = [process.stdout.readline().strip().removeprefix("export ").partition("=") for _ in range(3)]
        yield {name: value for name, _, value in told}
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
