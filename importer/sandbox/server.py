"""The sandbox as a server: inside the client's event loop (`Sandbox`), or on its own (`serve`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from importer.clock import Clock, SystemClock
from importer.errors import UsageError
from importer.sandbox.handler import STATS_PATH, Handler
from importer.sandbox.settings import SandboxSettings
from importer.sandbox.store import Store
from importer.system import on_stop_signals

HOST = "127.0.0.1"
_SHUTDOWN = 0.5


class Sandbox:
    """A running server on the loopback interface, as an async context manager.

    async with Sandbox(database=path) as sandbox:
        ... sandbox.base_url, sandbox.settings.token, sandbox.settings.account_id ...
    """

    def __init__(
        self,
        settings: SandboxSettings | None = None,
        *,
        database: Path | str = ":memory:",
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is opened yet. Port 0 takes a free one."""
        self.settings = settings or SandboxSettings()
        self._database, self._port, self._clock = database, port, clock or SystemClock()
        self._runner: web.AppRunner | None = None
        self._store: Store | None = None
        self._handler: Handler | None = None

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT/client/v4`, what CLOUDFLARE_BASE_URL would be. Only while it runs."""
        return f"http://{HOST}:{self._port}/client/v4"

    @property
    def stats_url(self) -> str:
        return f"http://{HOST}:{self._port}{STATS_PATH}"

    def stats(self) -> dict[str, object]:
        """What GET `stats_url` answers. Only while it runs."""
        assert self._handler is not None, "the sandbox is not running"
        return self._handler.statistics()

    async def __aenter__(self) -> Self:
        """Open the store and listen. UsageError when either is not possible."""
        self._store = Store(self._database, self.settings.account_id)
        self._handler = Handler(self._store, self.settings, self._clock)
        app = web.Application(client_max_size=self.settings.max_body)
        app.router.add_route("*", "/{path:.*}", self._handler.handle)
        # What strangers send is not for the terminal: its log could fill a pipe until the server waits for it.
        quiet = logging.Logger("sandbox", logging.CRITICAL + 1)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=_SHUTDOWN, handle_signals=False, logger=quiet
        )
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, HOST, self._port, backlog=1024).start()
        except (OSError, OverflowError) as problem:
            await self._close()
            reason = problem.strerror if isinstance(problem, OSError) else "there is no such port"
            raise UsageError(
                f"the sandbox cannot listen on {HOST}:{self._port}: {reason}",
                hint="choose another port with --port, or leave it out for a free one",
            ) from problem
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._store is not None:
            self._store.close()
            self._store = None


async def serve(
    settings: SandboxSettings | None = None,
    *,
    on_listening: Callable[[str], None],
    database: Path | str = ":memory:",
    port: int = 0,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until a signal asks to end, or `stop`; prints nothing, `on_listening` gets the base URL."""
    ended = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    with on_stop_signals(lambda _: loop.call_soon_threadsafe(ended.set)):
        async with Sandbox(settings, database=database, port=port, clock=clock) as sandbox:
            on_listening(sandbox.base_url)
            await ended.wait()
