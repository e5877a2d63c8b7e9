"""A bare HTTP client of a running sandbox, and a clock that moves on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from importer.sandbox.server import Sandbox


class SteppedClock:
    """A clock that moves only when a test or a sleep moves it."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def monotonic(self) -> float:
        return self.elapsed

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
        await asyncio.sleep(0)


@dataclass
class Caller:
    """A bare HTTP client of one running sandbox."""

    session: aiohttp.ClientSession
    sandbox: Sandbox

    @property
    def events(self) -> str:
        return f"{self.sandbox.base_url}/accounts/{self.sandbox.settings.account_id}/cloudforce-one/events"

    async def call(self, method: str, path: str, json: Any = None, **more: Any) -> tuple[int, Any, Any]:
        """Status, decoded JSON body (None when it is not JSON) and headers."""
        headers = {"Authorization": f"Bearer {self.sandbox.settings.token}", **more.pop("headers", {})}
        url = f"{self.events}/{path}"
        async with self.session.request(method, url, json=json, headers=headers, **more) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else None, answer.headers

    async def create(self, name: str, **fields: Any) -> tuple[int, Any, Any]:
        return await self.call("POST", "tags/create", {"value": name, **fields})

    async def names(self, **query: str) -> list[str]:
        """The names on one page of the list."""
        status, body, _ = await self.call("GET", "tags", params=query)
        assert status == 200, body
        return [tag["value"] for tag in body["tags"]]


@asynccontextmanager
async def calling(sandbox: Sandbox) -> AsyncIterator[Caller]:
    """Start a sandbox and call it."""
    async with sandbox, aiohttp.ClientSession() as session:
        yield Caller(session, sandbox)
