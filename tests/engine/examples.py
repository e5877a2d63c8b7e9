"""A plan, a sandbox and a run of one against the other, in a few words."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from importer.clock import Clock, SystemClock
from importer.engine.events import Event
from importer.engine.execute import execute
from importer.engine.journal import Fsync, Journal
from importer.engine.journal_state import JournalState
from importer.engine.result import ExecutionResult
from importer.engine.run_folder import RunFolder
from importer.engine.settings import ExecuteSettings
from importer.engine.stop import StopSignal
from importer.engine.work import NEVER
from importer.model import Action, Change, Plan
from importer.planning.plan_file import write_plan
from importer.remote.api import Api, open_api
from importer.remote.pacer import PacerSettings
from importer.remote.settings import ApiSettings
from importer.sandbox.server import Sandbox

ACCOUNT = "5a5d0b0c5a5d0b0c5a5d0b0c5a5d0b0c"
QUICK = ExecuteSettings(concurrency=8, grace=0.3, stop_grace=1.0)
FREE = PacerSettings(quota=1_000_000)


def creates(count: int, *, names: Sequence[str] = ()) -> Plan:
    """A plan that creates tags and has one row of each kind that needs no call."""
    changes = [
        Change(
            f"key-{number}", Action.CREATE, name, body={"value": name, "motive": "Fun", "aliasGroupNames": ["b", "a"]}
        )
        for number, name in enumerate(names or [f"Actor {number}" for number in range(count)])
    ]
    changes += [
        Change("skip", Action.SKIP, "There", uuid="u", code="exists", message="it exists"),
        Change("bad", Action.INVALID, "Bad", code="unknown-country", message="no such country"),
    ]
    return Plan(ACCOUNT, "create", tuple(changes))


@asynccontextmanager
async def api_of(
    sandbox: Sandbox,
    *,
    observe: Callable[[Event], None] = lambda _: None,
    pacing: PacerSettings = FREE,
    **settings: Any,
) -> AsyncIterator[Api]:
    """The client for a sandbox that runs."""
    made = ApiSettings(
        sandbox.settings.account_id, settings.pop("token", sandbox.settings.token), sandbox.base_url,
        **{"total_timeout": 0.5, "connect_timeout": 1.0, **settings},
    )  # fmt: skip
    async with open_api(made, pacing, observe=observe) as api:
        yield api


def folder_of(path: Path, plan: Plan) -> tuple[RunFolder, str]:
    """A run's folder with the plan in it, and the plan's digest."""
    folder = RunFolder.make(path / "run")
    return folder, write_plan(folder.plan_path, plan)


async def carry_out(
    plan: Plan,
    api: Api,
    folder: RunFolder,
    digest: str = "",
    settings: ExecuteSettings = QUICK,
    *,
    observe: Callable[[Event], None] = lambda _: None,
    stop: StopSignal | None = None,
    earlier: JournalState | None = None,
    clock: Clock | None = None,
    fsync: Fsync = Fsync.NONE,
    seen_at: float | None = None,
) -> ExecutionResult:
    """Execute a plan with a journal in its folder; a run that is not taken up again was planned just now."""
    clock = clock or SystemClock()
    if seen_at is None:
        seen_at = clock.monotonic() if earlier is None else NEVER
    async with Journal(folder.journal_path, clock, fsync=fsync) as journal:
        return await execute(
            plan, api, journal, settings, run=folder.run, plan_sha256=digest, clock=clock, observe=observe, stop=stop,
            earlier=earlier, seen_at=seen_at,
        )  # fmt: skip


def some(counts: dict[str, int]) -> dict[str, int]:
    """The counts that are not zero."""
    return {status: count for status, count in counts.items() if count}


async def names_in(api: Api) -> Counter[str]:
    """How often the account holds each name."""
    return Counter(tag.name for tag in await api.list_tags())
