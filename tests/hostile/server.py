"""A hostile Cloudforce One API of our own: a bare asyncio protocol that shares no line with the program or its sandbox.

It speaks just enough HTTP/1.1 to be spoken to, breaks it in every way the seed says, and writes the truth down.
"""

# ruff: noqa: ASYNC110 - the state of another process can only be polled
from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hostile.account import CATEGORY, HostileAccount, Refused, matching, searched
from tests.hostile.faults import Fault, Hostility, draw
from tests.hostile.limit import SlidingLimit

ACCOUNT = "00112233445566778899aabbccddeeff"
TOKEN = "hostile-token-0123456789"
_PREFIX = f"/client/v4/accounts/{ACCOUNT}/cloudforce-one/events/tags"
_SENTENCES = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict",
              429: "Too Many Requests"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """A line of the truth log: one call as it came."""

    at: float
    method: str
    path: str
    fault: str
    status: int
    name: str


class HostileServer:
    """`async with HostileServer(Hostility(...)) as server:`; then server.env leads a client to it."""

    def __init__(self, hostility: Hostility | None = None) -> None:
        self.hostility = h = hostility or Hostility()
        self.account = HostileAccount(h.lag, h.unique, h.refuse)
        self.limit = SlidingLimit(h.quota, h.window, h.block, h.headers)
        self.calls: list[Call] = []
        self.under_way = 0
        self.hold: Callable[[], bool] = lambda: False
        """While it is true, writes wait."""
        self.pages = random.Random(f"pages {h.seed}")
        self._out_since = 0.0
        self._turns: list[tuple[Callable[[], bool], Hostility]] = []
        self._others: list[tuple[Callable[[], bool], Callable[[], object]]] = []
        self._server: asyncio.Server | None = None
        self._neighbour: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.Transport] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=512)
        if self.hostility.neighbour:
            self._neighbour = asyncio.ensure_future(self._call_too())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in (*self._tasks, *([self._neighbour] if self._neighbour else [])):
            task.cancel()
        for transport in self._open:
            transport.abort()

    @property
    def env(self) -> dict[str, str]:
        """The environment that leads the program here."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return {
            "CLOUDFLARE_BASE_URL": f"http://127.0.0.1:{port}/client/v4",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
            "CLOUDFLARE_API_TOKEN": TOKEN,
        }

    def change(self, hostility: Hostility) -> None:
        """Another mood from now on; account, limit and truth stay."""
        self.hostility = hostility
        self.account.lag, self.account.refuse = hostility.lag, hostility.refuse

    def turn(self, when: Callable[[], bool], hostility: Hostility) -> None:
        """Another mood from the first call that finds `when` true; asked before the call counts, in the given order."""
        self._turns.append((when, hostility))

    def other(self, when: Callable[[], bool], does: Callable[[], object]) -> None:
        """Somebody else does something right before the first call that finds `when` true."""
        self._others.append((when, does))

    async def quiet(self) -> None:
        """Return when nothing is being worked on any more."""
        while self.under_way:
            await asyncio.sleep(0.02)

    async def _call_too(self) -> None:
        """The neighbour; it minds no limit but a block."""
        while True:
            await asyncio.sleep(self.pages.uniform(0.5, 1.5) / self.hostility.neighbour)
            if time.monotonic() >= self.limit.blocked_until:
                self.limit.count(stranger=True)

    def start(self, connection: _Connection, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        task = asyncio.ensure_future(self._answer(connection, method, target, headers, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(
        self, connection: _Connection, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> None:
        while self._turns and self._turns[0][0]():
            self.change(self._turns.pop(0)[1])
        while self._others and self._others[0][0]():
            self._others.pop(0)[1]()
        h, number = self.hostility, len(self.calls)
        fault, dice = draw(h, number)
        parsed = _json(body)
        name = str(parsed.get("value", "")) if isinstance(parsed, dict) else ""
        place = len(self.calls)
        self.calls.append(Call(time.monotonic(), method, target, fault.value, 0, name))
        self.under_way += 1
        try:
            latency = h.latency * dice.uniform(0.5, 1.5)
            if latency:
                await asyncio.sleep(latency / 2)
            while method != "GET" and self.hold():
                await asyncio.sleep(0.02)
            if fault is Fault.CUT:
                connection.cut(dice, b"")
                return
            if fault is Fault.SLOW_BEFORE:
                await asyncio.sleep(h.slow_seconds)
            retry_after = self.limit.count()
            status, answer = self._decide(fault, number, retry_after, method, target, headers, parsed, dice)
            self.calls[place] = Call(self.calls[place].at, method, target, fault.value, status, name)
            if latency:
                await asyncio.sleep(latency / 2)
            if h.answer_latency:
                await connection.sleep_while_open(h.answer_latency)
            if fault is Fault.SLOW_AFTER:
                await asyncio.sleep(h.slow_seconds)
            data = _written(status, answer, self.limit.lines(), retry_after, dice, h.envelope, fault)
            if fault is Fault.LOST:
                connection.cut(dice, data)
            else:
                connection.send(data)
        finally:
            self.under_way -= 1

    def _decide(
        self, fault: Fault, number: int, retry_after: int, method: str, target: str, headers: dict[str, str],
        body: Any, dice: random.Random,
    ) -> tuple[int, Any]:  # fmt: skip
        h = self.hostility
        if retry_after:
            return 429, "rate limited"
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, "bad token"
        if h.revoke_after and number >= h.revoke_after:
            return h.revoke_status, "the token was revoked"
        if h.outage_after and number >= h.outage_after:
            self._out_since = self._out_since or time.monotonic()
            if time.monotonic() - self._out_since < h.outage_seconds:
                return 503, "out"
        broken = dice.choice((500, 502, 503, 504, 520, 522, 524))
        if fault is Fault.ERROR_BEFORE:
            return broken, "broken"
        try:
            answer = self._carry_out(method, target, body, dice)
        except Refused as refused:
            return refused.status, str(refused)
        return (broken, "broken") if fault is Fault.ERROR_AFTER else (200, answer)

    def _carry_out(self, method: str, target: str, body: Any, dice: random.Random) -> Any:
        parts = urlsplit(target)
        if not parts.path.startswith(_PREFIX):
            raise Refused(404, "no such place")
        rest = unquote(parts.path[len(_PREFIX) :]).strip("/")
        if method == "GET" and rest == "":
            return self._list(parse_qs(parts.query, keep_blank_values=True), dice)
        if method == "GET" and rest == "categories":
            return {"categories": [CATEGORY]}
        if method == "POST" and rest == "create":
            return self.account.create(body).answer()
        if method == "PATCH" and rest:
            return self.account.update(rest, body).answer()
        if method == "DELETE" and rest:
            return {"uuid": self.account.delete(rest).uuid}
        raise Refused(404, "no such place")

    def _list(self, query: dict[str, list[str]], dice: random.Random) -> Any:
        h = self.hostility
        if h.shift and self.pages.random() < h.shift:
            self.account.shift(self.pages)
        tags = self.account.visible()
        if "search" in query and h.search == "works":
            tags = searched(tags, query["search"][0])
        rules: list[dict[str, Any]] = []
        if "filters" in query and h.filters == "refused":
            raise Refused(400, "filters cannot be read")
        if "filters" in query and h.filters == "json":
            rules = json.loads(query["filters"][0])
        if "filters.field" in query and h.filters == "dotted":
            rules = [
                {"field": query["filters.field"][0], "op": query["filters.op"][0], "value": query["filters.value"]}
            ]
        tags = matching(tags, rules)
        number = max(1, int(query.get("page", ["1"])[0]))
        size = max(1, min(int(query.get("pageSize", ["50"])[0]), h.page_limit))
        page = tags[(number - 1) * size : number * size]
        return {
            "tags": [held.answer() for held in page],
            "pagination": {
                "page": number, "pageSize": size, "totalCount": len(tags), "totalPages": -(-len(tags) // size),
            },
        }  # fmt: skip


class _Connection(asyncio.Protocol):
    """One connection: requests in, answers out, or an end of a kind that the dice choose."""

    def __init__(self, server: HostileServer) -> None:
        self._server = server
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server._open.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost.set()
        if self._transport is not None:
            self._server._open.discard(self._transport)

    async def sleep_while_open(self, seconds: float) -> None:
        """Until the time is over or nobody waits for the answer any more."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._lost.wait(), seconds)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in head)}
            length = int(headers.get("content-length", "0"))
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            method, target, _ = head[0].split(" ", 2)
            self._server.start(self, method, target, headers, body)

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def cut(self, dice: random.Random, answer: bytes) -> None:
        """End the connection: at once or after a part of the answer, politely or with a reset."""
        head = answer.find(b"\r\n\r\n")
        part = dice.choice((0, head // 2, head + 4, len(answer) - 3)) if head > 0 else 0
        if part > 0:
            self.send(answer[:part])
        if self._transport is not None:
            (self._transport.close if part > 0 or dice.random() < 0.5 else self._transport.abort)()


def _written(
    status: int, answer: Any, limits: list[str], retry_after: int, dice: random.Random, envelope: str, fault: Fault
) -> bytes:
    kind = "application/json"
    wrap = envelope == "wrapped" or (envelope == "mixed" and dice.random() < 0.5)
    if status == 200:
        value = {"success": True, "errors": [], "messages": [], "result": answer} if wrap else answer
        body = json.dumps(value).encode()
        if fault is Fault.GARBAGE:
            body = dice.choice((b"", b"{", body[: len(body) // 2], b"<html>ok</html>", b"null", b'{"tags": 7}', b"[]"))
    elif status >= 500 and (shape := dice.choice(("html", "empty", "json"))) != "json":
        kind, body = ("text/html", b"<html><h1>Bad gateway</h1></html>") if shape == "html" else ("text/plain", b"")
    else:
        body = json.dumps({"success": False, "errors": [{"code": 10000, "message": answer}], "result": None}).encode()
    lines = [f"HTTP/1.1 {status} {_SENTENCES.get(status, 'Broken')}", f"Content-Type: {kind}", *limits,
             f"Content-Length: {len(body)}"]  # fmt: skip
    if retry_after and status == 429:
        lines.append(f"Retry-After: {retry_after}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None
