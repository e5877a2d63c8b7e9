"""A server with accounts under any id, and a limit for each token; and the program as processes beside it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.hostile.limit import SlidingLimit

from .servers import served

QUOTA, WINDOW = 60, 3.0
TOKENS = {"a": "first-token-0001", "b": "second-token-002", "c": "third-token-0003"}


@dataclass
class Server:
    """What came of the calls: names by account, limits by token."""

    headers: str = "right"
    quota: int = QUOTA
    window: float = WINDOW
    base_url: str = ""
    latency: float = 0.01
    made: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    limits: dict[str, SlidingLimit] = field(default_factory=dict)
    revoke_after: dict[str, int] = field(default_factory=dict)
    """Token -> how many tags it may make before it is revoked."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """Account -> what its creates wait for before they are answered."""
    forbidden: set[str] = field(default_factory=set)
    """Accounts that no token may write to."""
    by_token: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def refused(self) -> list[float]:
        """Every 429."""
        return [moment for limit in self.limits.values() for moment in limit.refused]

    @property
    def most(self) -> int:
        """The most calls of one token in a window."""
        return max((limit.most for limit in self.limits.values()), default=0)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        limit = self.limits.setdefault(token, SlidingLimit(self.quota, self.window, 30.0, self.headers))
        wait = limit.count()
        headers = dict(line.split(": ", 1) for line in limit.lines())
        if wait:
            return web.json_response({}, status=429, headers={**headers, "Retry-After": str(wait)})
        if self.by_token[token] >= self.revoke_after.get(token, sys.maxsize):
            return web.json_response({"errors": [{"code": 10000, "message": "no"}]}, status=401, headers=headers)
        account = request.path.split("/")[2]
        if account in self.forbidden:
            return web.json_response({"errors": [{"code": 10000, "message": "no"}]}, status=403, headers=headers)
        held = self.made[account]
        if request.method != "POST":
            await asyncio.sleep(self.latency)
            tags = [{"uuid": f"u{number}", "value": value} for number, value in enumerate(held, 1)]
            pages = {"page": 1, "totalPages": 1, "totalCount": len(tags)}
            return web.json_response({"tags": tags, "pagination": pages}, headers=headers)
        value = (await request.json())["value"]
        self.by_token[token] += 1
        held.append(value)
        made = {"uuid": f"u{len(held)}", "value": value}
        await asyncio.sleep(self.latency)
        if account in self.gates:
            await self.gates[account].wait()
        return web.json_response(made, headers=headers)


@asynccontextmanager
async def many_tokens(headers: str = "right", **settings: Any) -> AsyncIterator[Server]:
    """The server, on a real socket."""
    server = Server(headers, **settings)
    async with served(answer=server.answer) as (port, _):
        server.base_url = f"http://127.0.0.1:{port}"
        yield server


async def start(server: Server, folder: Path, *arguments: str, **variables: str) -> asyncio.subprocess.Process:
    """`tag-importer ARGUMENTS...` in `folder`; told of the limit where the server does not tell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDFLARE_", "TAG_IMPORTER_"))}
    env = {**kept, "TAG_IMPORTER_STATE_DIR": str(folder / "state"), "PYTHONPATH": str(Path(__file__).parents[2]),
           "CLOUDFLARE_BASE_URL": server.base_url, **variables}  # fmt: skip
    limit = ("--quota", str(server.quota), "--window", str(server.window)) if server.headers == "none" else ()
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "importer", *arguments, *limit, cwd=folder, env=env, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@dataclass
class Ended:
    """A process that ended."""

    code: int
    out: str
    err: str


async def ended(process: asyncio.subprocess.Process) -> Ended:
    """Wait for it; there is never a traceback."""
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert b"Traceback" not in err, err.decode()
    return Ended(process.returncode or 0, out.decode(), err.decode())


def jobs(folder: Path, accounts: Mapping[str, str], rows: int = 20) -> None:
    """A job file for each account, with the token that it is given; and the lists."""
    (folder / "jobs").mkdir()
    for name, token in TOKENS.items():
        (folder / name).write_text(token)
        (folder / name).chmod(0o600)
    for account, token in accounts.items():
        (folder / f"{account}.csv").write_text("name\n" + "".join(f"{account} Actor {row}\n" for row in range(rows)))
        (folder / "jobs" / f"{account}.yaml").write_text(
            f"sources: ../{account}.csv\naccount: {account}\ntoken_file: ../{token}\nmode: upsert\n"
            f"output: {{runs: ../runs/{account}, metrics_file: ../metrics/{account}.prom}}\n"
        )
