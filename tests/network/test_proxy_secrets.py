"""A proxy learns where a call goes and nothing more: all that it received is read."""

from __future__ import annotations

import asyncio
import base64

import pytest
from aiohttp import web

from importer.errors import UsageError
from importer.remote.api import open_api
from importer.remote.failures import CallFailed
from importer.remote.pacer import PacerSettings
from importer.remote.settings import ApiSettings
from importer.remote.wire import encode
from importer.reports.ping import ping
from importer.sources.fetch import fetch
from importer.sources.options import ReadOptions

from .servers import HOST, Authority, no_tags, proxied, served

TOKEN = "token-of-the-account"
BASE = f"https://{HOST}/client/v4"


@pytest.mark.parametrize(("user", "sent"), [("", ""), ("me:p%40ss@", "me:p@ss"), ("only-me@", "only-me:")])
async def test_a_proxy_gets_its_own_credentials_and_never_the_token(
    user: str, sent: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the CONNECT stand the proxy's user and password where it has some; the token goes to the API alone."""
    async with served(authority.server(HOST)) as (port, api_saw), proxied(port) as (proxy, proxy_saw):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{user}127.0.0.1:{proxy}")
        async with open_api(ApiSettings("acc", TOKEN, BASE), PacerSettings(quota=1000)) as api:
            assert (await api.create(encode({"value": "APT28"}))).uuid == "u"
            assert await api.list_tags() == []
    assert proxy_saw.heads
    assert all(head.startswith(f"CONNECT {HOST}:443 ") for head in proxy_saw.heads)
    assert TOKEN not in proxy_saw.all
    assert "Bearer" not in proxy_saw.all
    given = [line.split()[-1] for line in proxy_saw.all.splitlines() if line.lower().startswith("proxy-authorization")]
    assert given == ([base64.b64encode(sent.encode()).decode()] * len(proxy_saw.heads) if sent else [])
    assert all(f"Authorization: Bearer {TOKEN}" in head for head in api_saw.heads)
    assert "proxy-authorization" not in api_saw.all.lower()


@pytest.mark.parametrize("status", [407, 403, 502])
async def test_a_proxy_that_refuses_never_gets_the_token(
    status: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal, of whatever kind, is answered with no credentials beyond the proxy's own, and shows no password."""
    async with served(authority.server(HOST)) as (port, _), proxied(port, status=status) as (proxy, proxy_saw):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hunter2@127.0.0.1:{proxy}")
        async with open_api(ApiSettings("acc", TOKEN, BASE, read_attempts=2), PacerSettings(quota=1000)) as api:
            with pytest.raises(CallFailed) as failed:
                await api.list_tags()
    assert failed.value.failure.code == ("proxy-refused" if status == 502 else "proxy-denied")
    assert f"answered {status}" in failed.value.detail
    assert len(proxy_saw.heads) == (2 if status == 502 else 1)
    assert "hunter2" not in f"{failed.value} {failed.value!r}"
    assert proxy_saw.heads
    assert TOKEN not in proxy_saw.all


async def test_a_proxy_that_failed_once_is_asked_again_without_the_token(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt after a bad gateway is made like the first."""
    async with served(authority.server(HOST)) as (port, _), proxied(port, status=502, times=1) as (proxy, proxy_saw):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
        async with open_api(ApiSettings("acc", TOKEN, BASE, read_attempts=3), PacerSettings(quota=1000)) as api:
            assert await api.list_tags() == []
    assert len(proxy_saw.heads) == 2
    assert TOKEN not in proxy_saw.all


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


async def _list(request: web.Request) -> web.StreamResponse:
    """A list, by way of a redirect to another host when it is asked for as `/moved`."""
    if request.path == "/moved":
        raise web.HTTPFound("https://cdn.test/list.csv")
    return web.Response(text="name\nAPT28\n")


async def test_a_source_has_credentials_of_its_own(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source's user and password go to its server only: not to the proxy, and to no other host after a redirect."""
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
    tls = authority.server(HOST, "cdn.test")
    async with served(tls, _list) as (port, server_saw), proxied(port) as (proxy, proxy_saw):
        monkeypatch.setenv("ALL_PROXY", f"http://me:hunter2@127.0.0.1:{proxy}")
        found = await asyncio.to_thread(fetch, f"https://reader:pw@{HOST}/moved", ReadOptions())
    with found.open() as stream:
        assert stream.read() == b"name\nAPT28\n"
    first, second = server_saw.heads
    assert f"Authorization: {_basic('reader:pw')}" in first
    assert "GET /list.csv" in second
    assert "authorization" not in f"{second}{first.replace('Authorization: ', '', 1)}".lower()
    assert [head.split()[1] for head in proxy_saw.heads] == [f"{HOST}:443", "cdn.test:443"]
    assert all(f"Proxy-Authorization: {_basic('me:hunter2')}" in head for head in proxy_saw.heads)
    assert _basic("reader:pw") not in proxy_saw.all
    assert TOKEN not in server_saw.all + proxy_saw.all


async def test_the_heartbeat_by_a_proxy(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """By https the proxy does not learn the heartbeat's secret path; nobody but the proxy gets its credentials."""

    async def away(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://127.0.0.1:{last}/taken")

    async with (
        served(authority.server(HOST)) as (port, saw),
        proxied(port) as (proxy, proxy_saw),
        served(answer=no_tags) as (last, last_saw),
        served(answer=away) as (plain, plain_saw),
        proxied(plain) as (plain_proxy, plain_proxy_saw),
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hunter2@127.0.0.1:{proxy}")
        monkeypatch.setenv("http_proxy", f"http://me:hunter2@127.0.0.1:{plain_proxy}")
        assert await asyncio.to_thread(ping, f"https://{HOST}/secret-path", 0) == ""
        assert await asyncio.to_thread(ping, "http://beat.test/path", 0) == ""
    assert "secret-path" not in proxy_saw.all
    assert f"Proxy-Authorization: {_basic('me:hunter2')}" in proxy_saw.all
    assert plain_proxy_saw.heads[0].startswith("GET http://beat.test/path ")
    assert f"Proxy-Authorization: {_basic('me:hunter2')}" in plain_proxy_saw.all
    assert "GET /taken" in last_saw.all
    assert "authorization" not in (saw.all + last_saw.all).lower()
    assert len(plain_saw.heads) == 1


@pytest.mark.parametrize("value", ["http://me:hunter2@p:none", "socks5://me:hunter2@p:1", "https://me:hunter2@p:1"])
async def test_a_heartbeat_never_ends_a_run(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the heartbeat cannot use is a sentence that names the variable and shows no password."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    told = await asyncio.to_thread(ping, f"https://{HOST}/secret-path", 0)
    assert "HTTPS_PROXY" in told
    assert "hunter2" not in told
    assert "secret-path" not in told
    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        await asyncio.to_thread(fetch, f"https://{HOST}/list.csv", ReadOptions())
