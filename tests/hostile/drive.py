"""Running the program as its users do, as a process of its own, and ending it in ways that users do not choose."""

# ruff: noqa: ASYNC109, ASYNC110, ASYNC240 - the state of another process can only be polled
from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.server import HostileServer

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that has ended."""

    code: int
    out: str
    err: str
    seconds: float
    killed: bool = False

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass(frozen=True, slots=True)
class Blow:
    """A signal, `after` seconds or as soon as `when` is true; `again` seconds later the same once more."""

    number: signal.Signals
    after: float = 0.0
    when: Callable[[], bool] | None = None
    again: float = 0.0


def environment(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """No account but the given one, with the program's state in `folder`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDFLARE_", "TAG_IMPORTER_"))}
    return env | {
        "TAG_IMPORTER_STATE_DIR": str(folder / "state"), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120",
    } | dict(extra)  # fmt: skip


async def run(
    server: HostileServer, folder: Path, *args: str | Path, blow: Blow | None = None, timeout: float = 300.0,
    before: Callable[[], None] | None = None, env: Mapping[str, str] | None = None,
) -> Ran:  # fmt: skip
    """`tag-importer ARGS...` in `folder` against the server. No traceback may ever show."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "importer", *map(str, args), cwd=folder,
        env=environment(folder, {**server.env, **(env or {})}), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, preexec_fn=before,
    )  # fmt: skip
    striking = asyncio.ensure_future(_strike(process, blow)) if blow else None
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        raise AssertionError(f"{args[0]} did not end in {timeout} s\n{err.decode()[-2000:]}") from None
    finally:
        if striking:
            striking.cancel()
    code = process.returncode if process.returncode is not None else -999
    ran = Ran(code, out.decode(), err.decode(), time.monotonic() - began, killed=code < 0)
    assert "Traceback" not in ran.text, ran.text[-3000:]
    assert "fault in the program" not in ran.text, ran.text[-3000:]
    return ran


async def _strike(process: asyncio.subprocess.Process, blow: Blow) -> None:
    if blow.when is None:
        await asyncio.sleep(blow.after)
    else:
        while not blow.when():
            await asyncio.sleep(0.005)
        await asyncio.sleep(blow.after)
    if process.returncode is None:
        process.send_signal(blow.number)
    if blow.again:
        await asyncio.sleep(blow.again)
        if process.returncode is None:
            process.send_signal(blow.number)


async def apply_until_done(
    server: HostileServer, folder: Path, source: Path, *options: str, dice: random.Random, kills: int
) -> tuple[list[Ran], str]:
    """Apply, killed (SIGKILL) at a random moment, and resume, the resumes killed too, `kills` times in all.

    What a person would do: a run folder without a plan means that nothing was sent, so the apply is given again.
    Returns every process, and when each kill fell, as a word: start, plan, sending, report, late.
    """
    runs: list[Ran] = []
    moments = []
    out = folder / "run"
    for turn in range(kills + 1):
        blow = random_blow(server, out, dice) if turn < kills else None
        command = ("resume", out) if (out / "plan.json").exists() else ("apply", source, "--yes", "--out", out)
        ran = await run(server, folder, *command, *options, blow=blow)
        runs.append(ran)
        if blow:
            moments.append(_moment(ran, out))
        if not ran.killed and turn < kills:
            break
    return runs, ",".join(moments)


def random_blow(server: HostileServer, out: Path, dice: random.Random) -> Blow:
    """SIGKILL at a moment that the dice choose, spread evenly over the phases of a run and not over its seconds."""
    calls, journal = len(server.calls), out / "journal.jsonl"
    size = journal.stat().st_size if journal.exists() else 0

    def planned() -> bool:
        return journal.exists() or any(out.glob(".plan*"))

    def ended() -> bool:
        return journal.exists() and b'"event":"end"' in journal.read_bytes()[size:]

    phase = dice.choice(("time", "calls", "calls", "calls", "calls", "planned", "ended", "ended"))
    if phase == "time":
        return Blow(signal.SIGKILL, dice.uniform(0.05, 2.0))
    if phase == "planned":
        return Blow(signal.SIGKILL, dice.uniform(0.0, 0.02), planned)
    if phase == "ended":
        return Blow(signal.SIGKILL, dice.uniform(0.0, 0.1), ended)
    more = dice.choice((1, 2, dice.randrange(1, 60), dice.randrange(1, 160)))
    return Blow(signal.SIGKILL, dice.uniform(0.0, 0.3), lambda: len(server.calls) >= calls + more)


def _moment(ran: Ran, out: Path) -> str:
    if not ran.killed:
        return "late"
    journal = out / "journal.jsonl"
    if not (out / "plan.json").exists():
        return "start"
    text = journal.read_text("utf-8") if journal.exists() else ""
    if not text.count("intent"):
        return "plan"
    last = text.rstrip("\n").rsplit("\n", 1)[-1]
    return "report" if '"event":"end"' in last else "sending"
