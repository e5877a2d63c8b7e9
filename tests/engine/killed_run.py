"""A run in a process of its own, to be killed: `python -m tests.engine.killed_run FOLDER BASE_URL FSYNC`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from importer.clock import SystemClock
from importer.engine.execute import execute
from importer.engine.journal import Fsync, Journal
from importer.engine.resume import open_resumable
from importer.engine.settings import ExecuteSettings
from importer.remote.api import open_api
from importer.remote.pacer import PacerSettings
from importer.remote.settings import ApiSettings
from importer.sandbox.settings import DEFAULT_TOKEN


async def main(folder: Path, base_url: str, fsync: str) -> int:
    """Take the run up where it is; the exit code of the execution."""
    earlier = open_resumable(folder)
    clock = SystemClock()
    settings = ExecuteSettings(concurrency=8, grace=0.4)
    made = ApiSettings(earlier.plan.account, DEFAULT_TOKEN, base_url, total_timeout=0.5)
    async with (
        open_api(made, PacerSettings(quota=1_000_000)) as api,
        Journal(earlier.folder.journal_path, clock, fsync=Fsync(fsync)) as journal,
    ):
        result = await execute(
            earlier.plan, api, journal, settings, run=earlier.folder.run, plan_sha256=earlier.sha256, clock=clock,
            earlier=earlier.state,
        )  # fmt: skip
    return result.exit_code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
