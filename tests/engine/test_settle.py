"""A server that asks to be left alone is left alone, before the first look-up as well."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aioresponses import CallbackResult, aioresponses

from importer.engine.result import ExecutionResult
from importer.engine.settings import ExecuteSettings
from importer.remote.api import open_api
from importer.remote.settings import ApiSettings
from tests.remote.mocked import Response
from tests.remote.virtual_time import VirtualClock, run

from .examples import ACCOUNT, FREE, carry_out, creates, folder_of

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
