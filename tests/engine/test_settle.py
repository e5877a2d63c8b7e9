"""A server that asks to be left alone is left alone, before the first look-up as well."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
import pytest
from aioresponses import CallbackResult, aioresponses

from importer.engine.settings import ExecuteSettings
from importer.remote.api import open_api
from importer.remote.settings import ApiSettings
from tests.remote.virtual_time import VirtualClock, run

from .examples import ACCOUNT, FREE, carry_out, creates, folder_of

BASE = "https://api.example/client/v4"


class _Response(aiohttp.ClientResponse):
    """aioresponses 0.7.9 does not know an argument that aiohttp 3.14 asks for."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **{"stream_writer": mock.Mock(), **values})


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
                return CallbackResult(status=503, headers=headers, body="{}", response_class=_Response)
            body = json.loads(values["data"])
            return CallbackResult(status=200, payload={"uuid": "u", **body}, response_class=_Response)

        def get(url: Any, **values: Any) -> CallbackResult:
            seen.append(("GET", clock.monotonic()))
            return CallbackResult(status=200, payload={"tags": []}, response_class=_Response)

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
