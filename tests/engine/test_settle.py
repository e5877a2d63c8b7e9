"""A server that asks to be left alone is left alone, before the first look-up as well."""

from __future__ import annotations

import asyncio
import json
import random
import re
from pathlib import Path
from typing import Any, cast

import pytest
from aioresponses import CallbackResult, aioresponses

from importer.engine.events import Event, Settled
from importer.engine.read_lag import ReadLag
from importer.engine.result import ExecutionResult
from importer.engine.settings import ExecuteSettings
from importer.engine.settle import Settler
from importer.engine.stop import StopSignal
from importer.engine.work import Work
from importer.model import Action, Change, Outcome, Status, Tag
from importer.planning.returned import Returned
from importer.remote.api import Api, open_api
from importer.remote.lookup import Lookup
from importer.remote.settings import ApiSettings
from tests.remote.mocked import Response
from tests.remote.virtual_time import VirtualClock, run

from .examples import ACCOUNT, FREE, carry_out, creates, folder_of
from .world import World

BASE = "https://api.example/client/v4"


@pytest.mark.parametrize("retry_after", [0, 30, 120])
def test_retry_after_holds_for_the_first_look(retry_after: int, tmp_path: Path) -> None:
    """After a 503 nothing is asked, not even whether the tag is there, before its Retry-After is over."""
    plan = creates(1)
    folder, digest = folder_of(tmp_path, plan)

    async def main(clock: VirtualClock) -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        def post(url: Any, **values: Any) -> CallbackResult:
            seen.append(("POST", clock.monotonic()))
            if len(seen) == 1:
                headers = {"Retry-After": str(retry_after)} if retry_after else {}
                return CallbackResult(status=503, headers=headers, body="{}", response_class=Response)
            body = json.loads(values["data"])
            return CallbackResult(status=200, payload={"uuid": "u", **body}, response_class=Response)

        def get(url: Any, **values: Any) -> CallbackResult:
            seen.append(("GET", clock.monotonic()))
            return CallbackResult(status=200, payload={"tags": []}, response_class=Response)

        anything = re.compile(re.escape(BASE))
        with aioresponses() as wire:
            wire.post(anything, callback=post, repeat=True)
            wire.get(anything, callback=get, repeat=True)
            async with open_api(ApiSettings(ACCOUNT, "token", BASE), FREE, clock=clock) as api:
                result = await carry_out(plan, api, folder, digest, ExecuteSettings(grace=35.0), clock=clock)
        assert result.counts()["created"] == 1
        return seen

    first, look, *_ = run(main)
    assert (first[0], look[0]) == ("POST", "GET")
    if retry_after:
        assert look[1] - first[1] >= retry_after
    else:
        assert look[1] - first[1] < 30


@pytest.mark.parametrize(
    ("status", "exit_code", "asked"),
    [(500, 6, 3 * 2), (401, 4, 1), (403, 4, 3)],
    ids=["failing", "token", "permission"],
)
def test_what_cannot_be_looked_up_stops_the_run(status: int, exit_code: int, asked: int, tmp_path: Path) -> None:
    """A lost create is never sent again unseen: three look-ups that fail, or a refused token, end the run."""
    plan = creates(1)
    folder, digest = folder_of(tmp_path, plan)

    async def main(clock: VirtualClock) -> tuple[ExecutionResult, list[str]]:
        seen: list[str] = []

        def answer(url: Any, **values: Any) -> CallbackResult:
            seen.append("POST" if values.get("data") else "GET")
            code = 503 if seen[-1] == "POST" else status
            return CallbackResult(status=code, body="{}", response_class=Response)

        anything = re.compile(re.escape(BASE))
        with aioresponses() as wire:
            wire.post(anything, callback=answer, repeat=True)
            wire.get(anything, callback=answer, repeat=True)
            async with open_api(ApiSettings(ACCOUNT, "token", BASE, read_attempts=2), FREE, clock=clock) as api:
                result = await carry_out(plan, api, folder, digest, ExecuteSettings(grace=35.0), clock=clock)
        return result, seen

    result, seen = run(main)
    assert (result.exit_code, result.counts()["unknown"]) == (exit_code, 1)
    assert seen.count("POST") == 1
    assert seen.count("GET") == asked
    assert result.hint or status != 500


@pytest.mark.parametrize(
    ("tags", "settled"),
    [
        ([Tag("t-1", "New", {"motive": "Fear"}, 2)], True),
        ([Tag("t-2", "New", {"motive": "Fear"}), Tag("t-1", "New", {"motive": "Fear"}, 2)], True),
        ([Tag("t-1", "Old", {"motive": "Fear"}, 2)], False),
        ([Tag("t-1", "New", {"motive": "Fun"})], False),
        ([Tag("t-1", "New", {})], False),
        ([Tag("t-2", "New", {"motive": "Fear"})], False),
        ([Tag("t-1", "Another", {"motive": "Fear"})], False),
        ([], False),
    ],
)
def test_a_lost_update_is_done_only_where_its_own_tag_shows_it(tags: list[Tag], settled: bool) -> None:
    """The tag of that uuid, by its new name and with all that was sent: updated; else it is sent again."""

    async def main(clock: VirtualClock) -> None:
        world = World(clock, {tag.uuid: tag for tag in tags}, born=dict.fromkeys([tag.uuid for tag in tags], 0.0))
        events: list[Event] = []
        ended: list[tuple[Work, Outcome]] = []
        again: list[Work] = []
        settler = Settler(
            Lookup(cast(Api, world)), clock, events.append, StopSignal(), grace=35.0, max_attempts=10,
            done=lambda work, outcome: ended.append((work, outcome)), again=again.append, returned=Returned(),
            lag=ReadLag(35.0, random.Random(0)),
        )  # fmt: skip
        body = {"value": "New", "motive": "Fear"}
        work = Work(Change("key", Action.UPDATE, "Old", uuid="t-1", body=body), 3)
        settler.queue(work, "timeout", lost_at=-100.0)
        task = asyncio.ensure_future(settler.run())
        await clock.sleep(1.0)
        task.cancel()
        assert not settler.parked
        assert [event for event in events if isinstance(event, Settled)] == [
            Settled("key", "New", "adopted" if settled else "absent")
        ]
        if settled:
            assert ended == [(work, Outcome("key", Status.UPDATED, "t-1", 3, "", "", True, {"version": 2}))]
            assert not again
        else:
            assert (ended, again, work.lost_at) == ([], [work], None)

    run(main)
