"""Kill -9 at any instant, then resume: no duplicate, no lost row."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from importer.engine.journal_state import read_journal
from importer.engine.runs import RunState, run_info
from importer.sandbox.server import Sandbox
from importer.sandbox.settings import Fault, SandboxSettings

from .examples import api_of, creates, folder_of, names_in

ROWS = 60
SEEDS = int(os.environ.get("KILL_SEEDS", "3"))
_ROOT = Path(__file__).parents[2]


async def _start(folder: Path, base_url: str, fsync: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.engine.killed_run", str(folder), base_url, fsync, cwd=_ROOT
    )


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_killed_and_resumed(tmp_path: Path, seed: int) -> None:
    """Killed at random moments, while resuming too, a run ends with every tag once and every row accounted for."""
    chance = random.Random(seed)
    plan = creates(ROWS)
    folder, _ = folder_of(tmp_path, plan)
    faults = (Fault("lose-after-commit", 0.05), Fault("lose-before-commit", 0.05))
    settings = SandboxSettings(quota=0, latency=0.02, stale_reads=0.05, seed=seed, faults=faults)
    async with Sandbox(settings) as sandbox:
        fsync = chance.choice(["none", "batch", "always"])
        for _ in range(2):
            before = int(str(sandbox.stats()["total_calls"]))
            process = await _start(folder.path, sandbox.base_url, fsync)
            # Start-up takes its time: the kill is aimed at the calls, a moment after a random one of them.
            aim = before + chance.randrange(1, 40)
            while process.returncode is None and int(str(sandbox.stats()["total_calls"])) < aim:  # noqa: ASYNC110 - the child tells nothing
                await asyncio.sleep(0.002)
            await asyncio.sleep(chance.random() * 0.02)
            if process.returncode is None:
                process.kill()
            await process.wait()
        process = await _start(folder.path, sandbox.base_url, fsync)
        assert await process.wait() == 1  # the plan has an invalid row
        stats = sandbox.stats()
        await asyncio.sleep(0.06)
        async with api_of(sandbox, total_timeout=5) as api:
            assert await names_in(api) == Counter({f"Actor {number}": 1 for number in range(ROWS)})
    assert (stats["tags"], stats["duplicates"]) == (ROWS, 0)
    state = read_journal(folder.journal_path)
    assert state.complete
    assert Counter(outcome.status.value for outcome in state.outcomes.values()) == {"created": ROWS}
    assert run_info(folder).state is RunState.COMPLETE
