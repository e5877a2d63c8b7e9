"""A proxy learns where a call goes and nothing more: all that it received is read."""

from __future__ import annotations

import base64

import pytest

from importer.remote.api import open_api
from importer.remote.failures import CallFailed
from importer.remote.pacer import PacerSettings
from importer.remote.settings import ApiSettings
from importer.remote.wire import encode

from .servers import HOST, Authority, proxied, served

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
    assert failed.value.failure.code.startswith("proxy-")
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
