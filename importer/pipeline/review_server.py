"""`review --page`: the page on the loopback interface, where pairs and values are decided and nothing else is done.

Other users of the machine, and other sites in the same browser, can reach the port too. So the token in the link is
good once, for a cookie; the cookie belongs to a path that cannot be guessed, as a browser sends it to every port of a
host; and a request under another name of the host, or from another origin, is refused.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Literal

import msgspec
from aiohttp import web

from importer.clock import Clock
from importer.errors import ImporterError, UsageError
from importer.planning.review import FileChanged, Reply, Review
from importer.system import on_stop_signals

HOST = "127.0.0.1"
IDLE = 1_800.0
"""Seconds without a request of the person after which it ends."""
_BODY = 1_000
_COOKIE = "review"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the page sends: the number of what was asked, and the reply; null takes a reply back."""

    edition: int
    number: int
    reply: Reply | None
    keep: Literal[0, 1] = 0
    means: str = ""


class ReviewServer:
    """Serves one review until it is done, nobody has used it for a while, or a signal asks to end."""

    def __init__(
        self, review: Review, page: Callable[[str], tuple[str, str]], clock: Clock, *, idle: float = IDLE, port: int = 0
    ) -> None:
        """`page` makes the page and its Content-Security-Policy, given the path for answers. Port 0: a free one."""
        self.review, self._page, self._clock, self._idle, self._port = review, page, clock, idle, port
        self._token: str | None = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        self._path = f"/{secrets.token_urlsafe(16)}/"
        self._done = asyncio.Event()
        self._used = clock.monotonic()

    async def serve(self, listening: Callable[[str], None]) -> None:
        """`listening` gets the link, which opens the page once. UsageError where no port can be had."""
        app = web.Application(client_max_size=_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # What strangers send is not for the terminal: its log could fill a pipe until the server waits for it.
        quiet = logging.Logger("review", logging.CRITICAL + 1)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handle_signals=False, logger=quiet)
        try:
            await self._listen(runner)
            loop = asyncio.get_running_loop()
            with on_stop_signals(lambda _: loop.call_soon_threadsafe(self._done.set)):
                listening(f"http://{HOST}:{self._port}/?token={self._token}")
                await self._ended()
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        try:
            await runner.setup()
            await web.TCPSite(runner, HOST, self._port).start()
        except OSError as error:
            raise UsageError(
                f"the page cannot be served on {HOST}, {f'port {self._port}' if self._port else 'any port'}: "
                f"{error.strerror}",
                hint="Without --page, the same is asked on the terminal.",
            ) from error
        self._port = runner.addresses[0][1]

    async def _ended(self) -> None:
        done = asyncio.ensure_future(self._done.wait())
        while not self._done.is_set() and (left := self._used + self._idle - self._clock.monotonic()) > 0:
            idle = asyncio.ensure_future(self._clock.sleep(left))
            await asyncio.wait({done, idle}, return_when=asyncio.FIRST_COMPLETED)
            idle.cancel()
        done.cancel()

    async def _handle(self, request: web.Request) -> web.Response:
        origin = f"http://{HOST}:{self._port}"
        if f"http://{request.headers.get('Host')}" != origin:
            return _refusal(403, "This is not the address of the page.")
        if request.headers.get("Origin", origin if request.method == "GET" else "") != origin:
            return _refusal(403, "Another site has no part in this.")
        if request.path == "/" and request.method == "GET":
            return self._enter(request.query.get("token", ""))
        if not _same(request.cookies.get(_COOKIE, ""), self._cookie) or not request.path.startswith(self._path):
            return _refusal(403, "The link on the terminal opens this page, in the browser that opened it first.")
        self._used = self._clock.monotonic()
        match request.method, request.path.removeprefix(self._path):
            case "GET", "":
                return self._shown()
            case "POST", "answer":
                return await self._answer(request)
            case "POST", "done":
                self._done.set()
                return self._told(200)
        return _refusal(404, "There is nothing else here.")

    def _enter(self, token: str) -> web.Response:
        """The page and the cookie, for the token, once."""
        if self._token is None or not _same(token, self._token):
            return _refusal(
                403,
                "This link was used already, or is not the one on the terminal. It opens the page once: "
                "go on in the browser that opened it, or end review with Ctrl-C and start it again.",
            )
        self._token, self._used = None, self._clock.monotonic()
        response = self._shown()
        response.set_cookie(_COOKIE, self._cookie, path=self._path, httponly=True, samesite="Strict")
        return response

    def _shown(self) -> web.Response:
        text, policy = self._page(self._path)
        headers = {**_HEADERS, "Content-Security-Policy": f"{policy}; frame-ancestors 'none'"}
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)

    async def _answer(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return _refusal(415, "That is not an answer.")
        try:
            answer = msgspec.json.decode(await request.read(), type=Answer)
        except web.HTTPRequestEntityTooLarge:
            return _refusal(413, "That is too much for an answer.")
        except msgspec.MsgspecError:
            return _refusal(400, "That is not an answer.")
        review = self.review
        try:
            if answer.edition != review.edition:
                raise FileChanged(f"{review.path} was read again since this page was loaded: decide this once more")
            if not 0 <= answer.number < len(review.asked):
                return _refusal(404, "That was not asked.")
            if answer.reply is None:
                review.undo(answer.number)
            else:
                review.decide(answer.number, answer.reply, keep=answer.keep, means=answer.means)
        except FileChanged as error:
            return self._told(409, error=error.message, again=True)
        except ImporterError as error:
            return self._told(409, error=" ".join(filter(None, (error.message, *error.details, error.hint))))
        return self._told(200)

    def _told(self, status: int, **more: str | bool) -> web.Response:
        told: Mapping[str, str | bool | int] = {"decided": len(self.review.decided), **more}
        return web.json_response(told, status=status, headers={**_HEADERS, "Content-Security-Policy": _NOTHING})


def _same(given: str, wanted: str) -> bool:
    return compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def _refusal(status: int, text: str) -> web.Response:
    headers = {**_HEADERS, "Content-Security-Policy": _NOTHING}
    return web.Response(text=f"{text}\n", status=status, headers=headers)
