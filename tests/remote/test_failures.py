"""The failure table is the program: each line is reached by what it names, and means what it says."""

from __future__ import annotations

import asyncio
import gzip
import re
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from importer.clock import SystemClock
from importer.errors import UsageError
from importer.remote.api import Api, open_api
from importer.remote.events import CallFinished, Event
from importer.remote.failures import (
    FAILURES,
    CallFailed,
    Meaning,
    classify_exception,
    classify_status,
    failure,
)
from importer.remote.pacer import Pacer, PacerSettings
from importer.remote.settings import ApiSettings
from importer.remote.transport import Transport
from importer.remote.wire import encode
from tools.failure_table import as_markdown

TOKEN = "very-secret-token"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.mark.parametrize("line", FAILURES, ids=lambda line: line.code)
def test_each_line_is_reached_by_all_that_it_names(line: object) -> None:
    """Every exception class, status and range in a line leads to that line and to no other."""
    assert line in FAILURES
    found = next(item for item in FAILURES if item is line)
    for match in found.matches:
        if re.fullmatch(r"\d+", match):
            assert classify_status(int(match)) is found
        elif re.fullmatch(r"\d+-\d+", match):
            low, high = map(int, match.split("-"))
            assert any(classify_status(status) is found for status in range(low, high + 1))
        elif match.isidentifier():
            kind = getattr(aiohttp.client_exceptions, match, None) or getattr(__builtins__, match, None)
            kind = kind or {"OSError": OSError, "TimeoutError": TimeoutError, "ValueError": ValueError}.get(match)
            if kind is not None:
                assert classify_exception(kind.__new__(kind)) is found


def test_every_failure_of_aiohttp_has_a_line() -> None:
    """No exception that aiohttp can raise is unforeseen, and only those before sending count as not sent."""
    not_sent = {
        "ClientConnectorError", "ClientConnectorDNSError", "ConnectionTimeoutError", "ClientProxyConnectionError",
        "ClientHttpProxyError", "UnixClientConnectorError", "ClientSSLError", "ClientConnectorSSLError",
        "ClientConnectorCertificateError", "ServerFingerprintMismatch", "InvalidURL", "InvalidUrlClientError",
        "NonHttpUrlClientError", "InvalidUrlRedirectClientError", "NonHttpUrlRedirectClientError",
    }  # fmt: skip
    for name, kind in vars(aiohttp.client_exceptions).items():
        if isinstance(kind, type) and issubclass(kind, aiohttp.ClientError):
            line = classify_exception(kind.__new__(kind))
            assert (line.meaning is Meaning.NOT_SENT) == (name in not_sent), name


def test_what_has_no_line_is_ambiguous() -> None:
    """An exception that nobody foresaw must not be taken for a request that was not sent."""
    assert classify_exception(RuntimeError()).meaning is Meaning.AMBIGUOUS
    assert {classify_status(status).meaning for status in range(500, 600)} == {Meaning.AMBIGUOUS}  # type: ignore[union-attr]
    assert all(classify_status(status) is None for status in range(200, 300))
    assert all(classify_status(status) is not None for status in (100, 302, 418, 451, 600, 999))


def test_the_table_can_be_printed() -> None:
    """The documentation's table holds every line, with an answer in each column but the count of those that stop."""
    table = as_markdown().splitlines()
    assert len(table) == len(FAILURES) + 2
    for line in FAILURES:
        assert line.retried
        assert line.counted
        assert line.shown


@asynccontextmanager
async def _served(handler: Handler, *, events: list[Event] | None = None, **settings: object) -> AsyncIterator[Api]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made = ApiSettings("acc", TOKEN, f"http://127.0.0.1:{port}", **{"read_attempts": 1, **settings})  # type: ignore[arg-type]
    observe = events.append if events is not None else lambda _: None
    try:
        async with open_api(made, PacerSettings(quota=1000), observe=observe) as api:
            yield api
    finally:
        await runner.cleanup()


def _answer(status: int, body: bytes, **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    return handler


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"", "answer-unreadable"),
        (200, b"<html>hello</html>", "answer-unreadable"),
        (200, b'{"uuid": ', "answer-unreadable"),
        (200, b"[]", "answer-unreadable"),
        (200, b'{"uuid": 5}', "answer-unreadable"),
        (200, b'{"value": "x"}', "answer-unreadable"),
        (200, b'{"success": true, "result": null}', "answer-unreadable"),
        (200, b"[" * 100_000, "answer-unreadable"),
        (200, b'{"success": false, "errors": [{"message": "no"}]}', "says-no"),
        (204, b"", "answer-unreadable"),
        (302, b"", "redirected"),
        (400, b'{"success": false, "errors": [{"code": 1, "message": "bad value"}]}', "bad-request"),
        (400, b'{"errors": [{"code": 6003, "message": "Invalid request headers"}]}', "unauthorized"),
        (401, b"", "unauthorized"),
        (400, b'{"errors": [{"code": 7000, "message": "x"}]}', "no-route"),
        (400, b'{"errors": [{"code": 10000, "message": "x"}]}', "bad-request"),
        (404, b'{"errors": [{"code": 10000, "message": "x"}]}', "not-found"),
        (400, b"", "blocked"),
        (401, b"<html>", "unauthorized"),
        (403, b"{}", "forbidden"),
        (403, b'{"errors": [{"code": 10000, "message": "x"}]}', "forbidden"),
        (403, b"<html>", "blocked"),
        (403, b"Forbidden", "blocked"),
        (403, b"[]", "blocked"),
        (403, b"", "blocked"),
        (404, b"{}", "not-found"),
        (404, b"", "not-found"),
        (404, b"<html>", "no-route"),
        (404, b'{"errors": [{"code": 7003, "message": "x"}]}', "no-route"),
        (405, b"", "no-route"),
        (410, b'{"errors": []}', "not-found"),
        (413, b"<html>", "blocked"),
        (408, b"", "request-timeout"),
        (409, b"", "exists"),
        (429, b"<html>", "rate-limited"),
        (500, b"<html>", "server-error"),
        (503, b"", "server-error"),
        (522, b"", "server-error"),
    ],
)
async def test_answers_of_a_create(status: int, body: bytes, code: str) -> None:
    """Each kind of bad answer to a create is the failure that the table names, with the server's own words."""
    events: list[Event] = []
    headers = {"Location": "https://example.org/"} if status == 302 else {}
    async with _served(_answer(status, body, **headers), events=events) as api:
        with pytest.raises(CallFailed) as caught:
            await api.create(b"{}")
    assert caught.value.failure is failure(code)
    if b"bad value" in body:
        assert "bad value" in str(caught.value)
    (event,) = (event for event in events if isinstance(event, CallFinished))
    assert (event.failure, event.status) == (code, status)


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_page_in_the_place_of_an_answer(status: int) -> None:
    """What is not the API's answer is told as that, with status, ray id and an excerpt that does nothing."""
    page = (
        b"<!-- no --><html><script>run()</script><style>a{}</style><h1>Sorry</h1>, you \x1b[31m have\xe2\x80\xae been"
        b" &amp; blocked <b " + b"x" * 400 + b">here " + b"and here " * 40
    )
    async with _served(_answer(status, page, **{"cf-ray": "8f1a-FRA"})) as api:
        with pytest.raises(CallFailed) as caught:
            await api.create(b"{}")
    told = str(caught.value)
    assert "blocked on the way" in told
    assert f"HTTP {status}" in told
    assert "HTML: 'Sorry , you [31m have been &amp; blocked here and here" in told
    assert told.endswith("…' (ray 8f1a-FRA)")
    assert told.isprintable()
    assert not any(part in told for part in ("<", ">", "run()", "a{}", "xxx"))
    assert (caught.value.failure.meaning is Meaning.REFUSED) == (status == 403)


@pytest.mark.parametrize("page", ["token %s", "<p>%s</p>", "%s" + " x" * 5000])
@pytest.mark.parametrize("between", ["", "<b>", "\x00", "\n"])
async def test_a_page_does_not_tell_the_token(page: str, between: str) -> None:
    """A page that echoes the token, whole or cut by markup, is shown without it; so is a ray id that is not one."""
    half = len(TOKEN) // 2
    body = (page % (TOKEN[:half] + between + TOKEN[half:])).encode()
    async with _served(_answer(403, body, **{"cf-ray": f"({TOKEN})"})) as api:
        with pytest.raises(CallFailed) as caught:
            await api.create(b"{}")
    assert TOKEN not in str(caught.value)
    assert TOKEN[:half] not in str(caught.value)
    assert TOKEN[half:] not in str(caught.value)
    assert "ray" not in str(caught.value)


@pytest.mark.parametrize("body", [b'{"uuid": "u1", "value": "x"}', b'{"success": true, "result": {"uuid": "u1"}}'])
async def test_bare_and_enveloped_answers_are_read(body: bytes) -> None:
    """A tag is read whether it comes bare or in an envelope."""
    async with _served(_answer(200, body)) as api:
        assert (await api.create(b"{}")).uuid == "u1"


async def test_connections_that_break() -> None:
    """Cut before an answer, cut within it, and too slow: ambiguous; nobody listening: certainly not sent."""

    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def cut_body(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(1)
        return web.Response()

    for handler, codes in (
        (cut, {"disconnected", "connection-broken"}),
        (cut_body, {"answer-cut"}),
        (slow, {"timeout"}),
    ):
        async with _served(handler, total_timeout=0.2) as api:
            with pytest.raises(CallFailed) as caught:
                await api.create(b"{}")
            assert caught.value.failure.code in codes
            assert caught.value.failure.meaning is Meaning.AMBIGUOUS
            assert api.pacer.in_flight == 0
    async with open_api(ApiSettings("acc", TOKEN, "http://127.0.0.1:9"), PacerSettings()) as api:
        with pytest.raises(CallFailed) as caught:
            await api.create(b"{}")
        assert caught.value.failure.code == "not-connected"


async def test_an_answer_that_is_too_large_is_not_read() -> None:
    """A body over the limit, packed or not, is cut off."""
    async with _served(_answer(200, b"x" * 3000), max_answer=1000) as api:
        with pytest.raises(CallFailed, match="larger than 1,000 bytes"):
            await api.create(b"{}")


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
async def test_packed_answers_are_bounded_while_they_are_unpacked(pack: Callable[[bytes], bytes]) -> None:
    """Twenty answers of 64 MB each in 64 KB, all at once, cost little more than the limit for all of them together."""
    body = pack(b'{"tags": [' + b" " * (64 << 20))
    answer = _answer(200, body, **{"Content-Encoding": "gzip" if pack is gzip.compress else "deflate"})
    async with _served(answer, max_answer=2 << 20) as api:
        tracemalloc.start()
        found = await asyncio.gather(*(api.create(b"{}") for _ in range(20)), return_exceptions=True)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert all(isinstance(one, CallFailed) and "larger than" in str(one) for one in found)
    assert peak < 32 << 20


async def test_the_token_shows_nowhere() -> None:
    """Not in a repr, not in an error that echoes it, not in an event; and it is not sent where a redirect points."""
    seen = []

    async def echo(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers["User-Agent"]))
        words = {"errors": [{"message": f"token {request.headers['Authorization']} is bad"}]}
        return web.json_response(words, status=400)

    events: list[Event] = []
    async with _served(echo, events=events) as api:
        with pytest.raises(CallFailed) as caught:
            await api.create(b"{}")
        told = f"{caught.value} {caught.value!r} {events} {api.settings!r} {vars(caught.value)}"
    assert TOKEN not in told
    assert "***" in told
    assert seen == [("/accounts/acc/cloudforce-one/events/tags/create", "tag-importer/0.1.0")]
    async with _served(_answer(307, b"", Location="http://127.0.0.1:9/")) as api:
        with pytest.raises(CallFailed, match="no token is sent"):
            await api.create(b"{}")


async def test_a_session_can_be_handed_in() -> None:
    """With a session from outside (aioresponses in a test of one's own) the token still goes along."""
    from aioresponses import aioresponses

    from .mocked import Response

    settings = ApiSettings("acc", TOKEN)
    async with aiohttp.ClientSession() as session:
        transport = Transport(settings, Pacer(PacerSettings(), SystemClock()), SystemClock(), session=session)
        with aioresponses() as mocked:
            url = f"{settings.base_url}/accounts/acc/cloudforce-one/events/tags/create"
            mocked.post(url, payload={"uuid": "u"}, response_class=Response)
            async with transport:
                assert (await Api(transport).create(encode({"value": "x"}))).uuid == "u"
            ((call,),) = mocked.requests.values()
            assert call.kwargs["headers"]["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.cloudflare.com",
        "ftp://127.0.0.1",
        "https://user:pw@host/",
        "nothing",
        "http://127.0.0.1.evil.org",
        "http://[::1",
    ],
)
def test_the_token_goes_over_https_alone(url: str) -> None:
    """Plain http is for this machine; anything odd is refused before a byte is sent."""
    with pytest.raises(UsageError):
        ApiSettings("acc", TOKEN, url)


@pytest.mark.parametrize(
    "url", ["https://api.example.org/v4", "http://localhost:8000", "http://127.0.0.1:1", "http://[::1]:80"]
)
def test_good_addresses(url: str) -> None:
    """https anywhere and http on this machine are taken."""
    assert ApiSettings("acc", TOKEN, url).token not in repr(ApiSettings("acc", TOKEN, url))


@pytest.mark.parametrize(("account", "token"), [("", "t"), ("a/b", "t"), ("acc", ""), ("acc", "a b"), ("acc", "é")])
def test_unusable_credentials_are_refused(account: str, token: str) -> None:
    """An account id or a token that cannot be one is a usage error that does not repeat it."""
    with pytest.raises(UsageError) as caught:
        ApiSettings(account, token)
    assert not token or token not in str(caught.value).split()


@pytest.mark.parametrize(
    "body",
    [
        b'{"uuid": "' + b"u" * 129 + b'"}',
        b'{"success": true, "result": {"uuid": "' + b"u" * 500_000 + b'"}}',
        b'{"uuid": "u", "description": "' + b"x" * (1 << 20) + b'"}',
    ],
    ids=["uuid", "uuid in an envelope", "size"],
)
async def test_an_answer_about_one_tag_has_sane_lengths(body: bytes) -> None:
    """A uuid of kilobytes, or an answer of megabytes where a list would be small, is taken for no answer."""
    async with _served(_answer(200, body)) as api:
        with pytest.raises(CallFailed) as caught:
            await api.create(b"{}")
        assert caught.value.failure.code == "answer-unreadable"
        assert len(str(caught.value)) < 200


async def test_answers_under_way_are_limited_together() -> None:
    """Lists that are each within the limit, and together far beyond it, do not all come to stand in memory."""
    pages = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(7):
            await response.write(b"x" * 1000)
            await asyncio.sleep(0.01)
        await pages.wait()
        return response

    async with _served(endless, max_answer=10_000, read_attempts=1, total_timeout=5.0) as api:
        asking = [asyncio.ensure_future(api.list_tags()) for _ in range(4)]
        done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        pages.set()
        results = await asyncio.gather(*asking, return_exceptions=True)
    assert done
    assert any("the others under way" in str(result) for result in results)


@pytest.mark.parametrize("uuid", ["../x", "", "a/b", "u" * 129, "ü"])
async def test_a_tag_that_cannot_be_addressed_costs_its_row_alone(uuid: str) -> None:
    """A uuid that would lead elsewhere is a refusal of that one call, and nothing is sent."""
    async with _served(_answer(200, b"{}")) as api:
        for call in (api.update(uuid, b"{}"), api.delete(uuid)):
            with pytest.raises(CallFailed, match="is not a uuid") as caught:
                await call
            assert caught.value.failure.meaning is Meaning.REFUSED
            assert not caught.value.failure.stops
        assert api.pacer.calls == 0
