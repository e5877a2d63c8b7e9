"""What pacing, retries and the journal each cost: the engine put together piece by piece, from the transport up.

`python tests/benchmarks/parts.py PART BASE_URL COUNT WIDE` prints the seconds that COUNT creates took.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from importer.clock import SystemClock
from importer.engine.execute import execute
from importer.engine.journal import Journal
from importer.engine.settings import ExecuteSettings
from importer.model import Action, Change, Outcome, Plan, Status
from importer.remote.api import Api
from importer.remote.pacer import Pacer, PacerSettings
from importer.remote.settings import ApiSettings
from importer.remote.transport import Transport
from importer.remote.wire import encode
from tests.benchmarks.bare_clients import TOKEN, body, pool

PARTS = ("transport", "pacing", "retries", "journal")
"""Each has what those before it have: `retries` is the engine around the calls, with a journal that keeps nothing."""


class FreePacer(Pacer):
    """Lets every call go at once and counts none."""

    def take(self) -> float:
        return time.monotonic()

    def answered(self, sent: float, headers: tuple[str, str] | None = None) -> int:
        return 0


class NoJournal(Journal):
    """Writes no intent and no outcome."""

    def intent(self, key: str, call: str, attempt: int) -> asyncio.Future[None]:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        written.set_result(None)
        return written

    def outcome(self, outcome: Outcome) -> None:
        pass


async def seconds(part: str, base_url: str, count: int, wide: int) -> float:
    """What `count` creates take with everything up to `part`."""
    clock = SystemClock()
    make: type[Pacer] = FreePacer if part == "transport" else Pacer
    pacer = make(PacerSettings(quota=1_000_000, window=1.0, reserve=0.0), clock)
    # An account of its own: in one account each part would find what the part before it made.
    settings = ApiSettings(secrets.token_hex(16), TOKEN, base_url, concurrency=wide)
    async with Transport(settings, pacer, clock) as transport:
        api = Api(transport)
        if part in ("transport", "pacing"):

            async def create(number: int) -> None:
                await api.create(encode(body(number)))

            return await pool(count, wide, create)
        return await engine(api, NoJournal if part == "retries" else Journal, count, wide)


async def engine(api: Api, make: type[Journal], count: int, wide: int) -> float:
    """The same through the engine."""
    bodies: list[dict[str, Any]] = [body(number) for number in range(count)]
    plan = Plan(api.settings.account_id, "create", tuple(
        Change(str(number), Action.CREATE, held["value"], body=held) for number, held in enumerate(bodies)
    ))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        async with make(Path(folder) / "journal.jsonl", SystemClock()) as journal:
            began = time.perf_counter()
            result = await execute(
                plan, api, journal, ExecuteSettings(concurrency=wide), seen_at=time.monotonic()
            )  # fmt: skip
            took = time.perf_counter() - began
    assert all(outcome.status is Status.CREATED for outcome in result.outcomes.values())
    return took


if __name__ == "__main__":
    name, url, number, width = sys.argv[1:]
    print(asyncio.run(seconds(name, url, int(number), int(width))))
