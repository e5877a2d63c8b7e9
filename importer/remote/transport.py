"""One HTTP request through the one session: bytes out, bytes in, every way to fail named by the failure table."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from importer import __version__
from importer.clock import Clock
from importer.masking import Mask
from importer.network import proxy_for, ssl_context, tls_trouble
from importer.remote.events import CallFinished, Observe, ignore
from importer.remote.failures import CallFailed, Meaning, classify_exception, classify_status, failure
from importer.remote.limit_headers import parse_retry_after
from importer.remote.pacer import Pacer
from importer.remote.settings import ApiSettings
from importer.remote.wire import SaysNo, Unreadable, errors_of, foreign, shown

_NOT_THE_API: Final = "blocked on the way, or not the API: "
_CHUNK: Final = 1 << 16
_SINGLE: Final = 1 << 20
"""Bytes of an answer that is about one tag or category."""
_LISTS: Final = frozenset({"list", "find", "categories"})
_OPEN_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": f"tag-importer/{__version__}",
}
"""What a proxy may read as well."""


Before = Callable[[], Awaitable[None] | None]
"""Called when a request is about to leave, which then waits for what it returns."""


class Transport:
    """Sends single requests, each of them through the pacer. Nothing is retried here and no redirect is followed."""

    def __init__(
        self,
        settings: ApiSettings,
        pacer: Pacer,
        clock: Clock,
        *,
        observe: Observe = ignore,
        session: aiohttp.ClientSession | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """A `session` that is handed in is used as it is and left open."""
        self.settings = settings
        self.pacer = pacer
        self.clock = clock
        self.observe = observe
        self.chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._session = session
        self._owned = session is None
        self.date = ""
        """The last answer's Date header."""
        self._reading = 0
        """Bytes of answers that are being read."""
        self.mask = Mask((settings.token,))
        # A session's headers go to a proxy as well, so the token is set on each request. One header merged into each
        # is cheap; all of them would cost a tenth of it, so those that are no secret stand in a session of our own.
        token = {"Authorization": f"Bearer {settings.token}"}
        headers: CIMultiDict[str] = CIMultiDict(token if session is None else {**_OPEN_HEADERS, **token})
        self._extra: dict[str, Any] = {"headers": headers}
        self._proxy = proxy_for(settings.base_url)  # found once: aiohttp would read the environment for each request
        if self._proxy is not None:
            credentials = self._proxy.authorization
            self._extra["proxy"] = URL(self._proxy.url)
            self._extra["proxy_headers"] = {"Proxy-Authorization": credentials} if credentials else {}
        self._tls = ssl_context() if session is None and settings.base_url.startswith("https:") else True

    async def __aenter__(self) -> Self:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self.settings.concurrency, ttl_dns_cache=60, ssl=self._tls)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(
                    total=self.settings.total_timeout,
                    sock_connect=self.settings.connect_timeout,
                ),
                headers=_OPEN_HEADERS,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
            # aiohttp would send a GET or DELETE again by itself: unpaid, and a delete that worked would look refused.
            self._session._retry_connection = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owned and self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self,
        call: str,
        method: str,
        url: URL,
        body: bytes | None = None,
        *,
        key: str = "",
        before: Before | None = None,
        read: Callable[[bytes], Any] | None = None,
        masks: bool = True,
    ) -> Any:
        """Make one request when the pacer allows it; the answer's body, or what `read` makes of it.

        `before` is called when the request is about to leave; what it raises keeps it from leaving. `read` raises
        Unreadable or SaysNo of `wire`; where not `masks`, it masks what it keeps. Raises CallFailed, and WaitTooLong of
        the pacer.
        """
        pacer = self.pacer
        sent = pacer.take()
        if sent is None:
            sent = await pacer.acquire()
        if before is not None:
            try:
                if (ready := before()) is not None:
                    await ready
            except BaseException:
                pacer.give_back()
                raise
        status, limits, answer, failed, data = 0, None, None, None, b""
        response: aiohttp.ClientResponse | None = None
        try:
            assert self._session is not None, "used outside `async with`"
            response = await self._session.request(method, url, data=body, allow_redirects=False, **self._extra)
            status = response.status
            headers = response.headers
            self.date = headers.get("Date", "")
            limits = (headers.get("Ratelimit", ""), headers.get("Ratelimit-Policy", ""))
            data = await self._body(response, call)
            good = 200 <= status < 300
            if masks or not good:
                data = self.mask.data(data)  # no row that holds the token was sent
            if good:
                answer = data if read is None else read(data)
            else:
                failed = self._refusal(status, data, response)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            failed = self._named(error, status, data, response)
        finally:
            if response is not None and not response.closed:
                response.close()  # its body was not read to the end: the connection cannot serve another call
            remaining = pacer.answered(sent, limits)
        now = self.clock.monotonic()
        if failed is None:
            self.observe(CallFinished(call, status, now - sent, "", key, remaining))
            return answer
        if failed.failure.meaning is Meaning.LIMITED:
            pacer.limited(failed.retry_after, remaining)
        self.observe(CallFinished(call, status, now - sent, failed.failure.code, key, remaining))
        raise failed

    async def _body(self, response: aiohttp.ClientResponse, call: str) -> bytes:
        """The answer unpacked, as far as it is not larger than such an answer can be, nor all under way together."""
        most = self.settings.max_answer
        limit = most if call in _LISTS else min(most, _SINGLE)
        length = response.content_length
        if length is not None and length <= min(limit, _SINGLE) and "Content-Encoding" not in response.headers:
            return await response.read()
        parts, size = [], 0
        try:
            async for part in response.content.iter_chunked(_CHUNK):
                parts.append(part)
                size += len(part)
                self._reading += len(part)
                if size > limit:
                    raise Unreadable(f"it is larger than {limit:,} bytes")
                if self._reading > 2 * most:
                    raise Unreadable(f"it and the others under way are larger than {2 * most:,} bytes")
        finally:
            self._reading -= size
        return b"".join(parts)

    def _refusal(self, status: int, body: bytes, response: aiohttp.ClientResponse) -> CallFailed:
        words, codes = errors_of(body)
        told = self._foreign(body, response)
        # An empty 404 says as much as one with words: what was asked for is not there.
        not_api = bool(told) and (bool(body.strip()) or status not in (404, 410))
        line = classify_status(status, codes, foreign=not_api) or failure("odd-status")
        after = response.headers.get("Retry-After", "")
        seconds = parse_retry_after(after, self.clock.now()) if after else 0.0
        if status >= 500 and told:
            told = f"{_NOT_THE_API}{told}" if body.strip() else ""
        detail = shown(words, self.mask) or told
        return CallFailed(line, status=status, detail=detail, retry_after=seconds, url=_address(response))

    def _foreign(self, body: bytes, response: aiohttp.ClientResponse) -> str:
        return foreign(body, response.headers.get("cf-ray", ""), self.mask)

    def _named(
        self, error: BaseException, status: int, body: bytes, response: aiohttp.ClientResponse | None
    ) -> CallFailed:
        if isinstance(error, SaysNo):
            return CallFailed(failure("says-no"), status=status, detail=shown(str(error), self.mask))
        if isinstance(error, Unreadable):
            # What begins like JSON is the API's, cut short.
            page = self._foreign(body, response) if response is not None and body.strip()[:1] not in b"{[" else ""
            detail = f"{_NOT_THE_API}{page}" if page else str(error)
            return CallFailed(failure("answer-unreadable"), status=status, detail=detail)
        if 400 <= status < 500 and (line := classify_status(status)) is not None:
            return CallFailed(line, status=status)  # the status has said it all; only the body was lost
        line, detail = classify_exception(error), tls_trouble(error)
        if isinstance(error, aiohttp.ClientConnectorError) and detail:
            detail = f"{error.host}:{error.port}: {detail}"
        elif isinstance(error, aiohttp.ClientHttpProxyError) and self._proxy is not None:
            detail = f"{self._proxy.address}, named by {self._proxy.variable}, answered {error.status}"
            if error.status == 407:
                detail += ": it wants a user name and a password, or others than those that are set"
            if 400 <= error.status < 500 and error.status not in (408, 429):
                line = failure("proxy-denied")
        return CallFailed(line, status=status, detail=detail)


def _address(response: aiohttp.ClientResponse) -> str:
    return str(response.url.with_query(None))
