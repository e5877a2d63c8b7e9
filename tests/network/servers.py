"""An API and a proxy on real sockets: a certificate authority of the test's own, and all that the proxy received."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import trustme
from aiohttp import web

HOST = "api.tags.test"
"""A name that nothing resolves: only a proxy leads there."""


@dataclass
class Authority:
    """A certificate authority and its certificate as a file."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    @property
    def file(self) -> Path:
        path = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(path)
        return path

    def server(
        self, *names: str, not_before: datetime | None = None, not_after: datetime | None = None
    ) -> ssl.SSLContext:
        """What a server with a certificate for these names speaks."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, not_before=not_before, not_after=not_after).configure_cert(context)
        return context


@dataclass
class Seen:
    """What reached a server: one text for each request's line and headers."""

    heads: list[str] = field(default_factory=list)

    @property
    def all(self) -> str:
        return "\n".join(self.heads)


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def no_tags(request: web.Request) -> web.StreamResponse:
    """An account that holds nothing; whatever is created gets the uuid `u`."""
    if request.method == "POST":
        return web.json_response({"uuid": "u", "value": (await request.json())["value"]})
    return web.json_response({"tags": [], "categories": [], "pagination": {"page": 1, "totalPages": 1}})


@asynccontextmanager
async def served(tls: ssl.SSLContext | None = None, answer: Answer = no_tags) -> AsyncIterator[tuple[int, Seen]]:
    """An HTTP server on loopback: its port, and what it saw."""
    seen = Seen()

    async def handle(request: web.Request) -> web.StreamResponse:
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        seen.heads.append("\n".join([f"{request.method} {request.raw_path}", *lines]))
        return await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1], seen
    finally:
        await runner.cleanup()


@asynccontextmanager
async def proxied(
    to: int, *, status: int = 200, times: int = -1, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, Seen]]:
    """An HTTP proxy on loopback that leads every CONNECT and plain request to port `to`.

    With another `status` it refuses, the first `times` requests or all of them.
    """
    seen = Seen()
    open_writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            seen.heads.append(head.decode())
            if status != 200 and (times < 0 or len(seen.heads) <= times):
                writer.write(f"HTTP/1.1 {status} No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
                writer.close()
                return
            there, back = await asyncio.open_connection("127.0.0.1", to)
            open_writers.append(back)
            if head.startswith(b"CONNECT "):
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                back.write(head)
            await asyncio.gather(_pump(reader, back), _pump(there, writer))

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()
        for writer in open_writers:
            writer.close()
        for writer in open_writers:
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
