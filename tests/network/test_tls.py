"""A TLS connection that is not made says why, for which host, and what to set: by the codes of real handshakes."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web

from importer.errors import SourceError, UsageError
from importer.network import ssl_context
from importer.remote.api import open_api
from importer.remote.failures import CallFailed
from importer.remote.pacer import PacerSettings
from importer.remote.settings import ApiSettings
from importer.reports.ping import ping
from importer.sources.fetch import fetch
from importer.sources.logins import load_logins
from importer.sources.options import ReadOptions
from importer.sources.taxii import fetch_collection

from .servers import HOST, Authority, proxied, served

TOKEN = "token-of-the-account"
TROUBLES = {
    "unknown": "an authority that is not trusted here; set SSL_CERT_FILE",
    "self-signed": "an authority that is not trusted here; set SSL_CERT_FILE",
    "expired": "has expired",
    "early": "not valid yet",
    "other-host": "for another host name",
    "plain": "may speak plain http on this port",
}


def _year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


def _tls(kind: str, host: str, authority: Authority, folder: Path) -> ssl.SSLContext | None:
    if kind == "plain":
        return None
    if kind == "unknown":
        (folder / "other").mkdir()
        return Authority(folder / "other").server(host)
    if kind == "self-signed":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own = Authority(folder).ca
        with own.cert_pem.tempfile() as cert, own.private_key_pem.tempfile() as key:
            context.load_cert_chain(cert, key)
        return context
    if kind == "expired":
        return authority.server(host, not_before=_year(2001), not_after=_year(2002))
    if kind == "early":
        return authority.server(host, not_before=_year(2190), not_after=_year(2191))
    return authority.server("other.test")


@asynccontextmanager
async def _reached(
    way: str, tls: ssl.SSLContext | None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, int]]:
    """Host and port of a server with this certificate, on this machine or behind a proxy."""
    async with AsyncExitStack() as stack:
        port, _ = await stack.enter_async_context(served(tls))
        if way == "direct":
            yield "localhost", port
            return
        proxy, _ = await stack.enter_async_context(proxied(port))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
        yield HOST, 443


@pytest.mark.parametrize("way", ["direct", "proxy"])
@pytest.mark.parametrize("kind", TROUBLES)
async def test_why_no_tls_connection_was_made(
    kind: str, way: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API, a source by https and the heartbeat give the same reason, with and without a proxy."""
    host = "localhost" if way == "direct" else HOST
    async with _reached(way, _tls(kind, host, authority, tmp_path), monkeypatch) as (host, port):
        base = f"https://{host}:{port}"
        async with open_api(ApiSettings("acc", TOKEN, base), PacerSettings(quota=1000)) as api:
            with pytest.raises(CallFailed) as failed:
                await api.list_tags()
        with pytest.raises(SourceError) as unread:
            await asyncio.to_thread(fetch, f"{base}/list.csv", ReadOptions())
        beat = await asyncio.to_thread(ping, f"{base}/secret", 0)
    assert failed.value.failure.code == "certificate-refused"
    assert f"{host}:{port}: " in failed.value.detail
    assert host in unread.value.message
    for told in (failed.value.detail, unread.value.message, beat):
        assert TROUBLES[kind] in told
        assert TOKEN not in told


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_an_authority_can_be_named(name: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the usual variables leads to a trusted connection."""
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv(name, str(authority.file))
    async with served(authority.server("localhost")) as (port, _):
        async with open_api(ApiSettings("acc", TOKEN, f"https://localhost:{port}")) as api:
            assert await api.list_tags() == []
        assert await asyncio.to_thread(ping, f"https://localhost:{port}/x", 0) == ""


def test_the_first_variable_that_is_set_counts(tmp_path: Path, authority: Authority) -> None:
    """SSL_CERT_FILE comes before REQUESTS_CA_BUNDLE, that before CURL_CA_BUNDLE; a bundle may be a folder."""
    good, bad = str(authority.file), str(tmp_path / "missing.pem")
    ssl_context({"SSL_CERT_FILE": good, "REQUESTS_CA_BUNDLE": bad})
    ssl_context({"SSL_CERT_FILE": "", "REQUESTS_CA_BUNDLE": good, "CURL_CA_BUNDLE": bad})
    ssl_context({"REQUESTS_CA_BUNDLE": str(tmp_path)})
    with pytest.raises(UsageError, match=r"^REQUESTS_CA_BUNDLE names "):
        ssl_context({"REQUESTS_CA_BUNDLE": bad, "CURL_CA_BUNDLE": good})


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, b"", b"no pem", b"\x00\xff" * 50])
def test_a_file_of_authorities_that_cannot_be_used(name: str, content: bytes | None, tmp_path: Path) -> None:
    """A missing file, and one that holds no certificates, are usage errors that name the variable and the file."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        ssl_context({name: str(path)})
    assert refused.value.message.startswith(f"{name} names {path}, which ")
    assert ("PEM" in refused.value.message) is (content is not None)


async def _program(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and standard error of the program."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDFLARE_", "TAG_IMPORTER_"))}
    env = {**kept, "TAG_IMPORTER_STATE_DIR": str(folder / "state"), "PYTHONPATH": str(Path(__file__).parents[2]),
           "CLOUDFLARE_ACCOUNT_ID": "acc", "CLOUDFLARE_API_TOKEN": TOKEN, "COLUMNS": "200", **environment}  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "importer", *arguments, cwd=folder, env=env,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, " ".join(told.decode().split())


async def test_how_the_program_ends(authority: Authority, tmp_path: Path) -> None:
    """Refused TLS and a proxy that wants a password end with 6 and say what to do; wrong variables with 2."""
    (tmp_path / "a.csv").write_text("name\nAPT28\n")
    async with (
        served(authority.server(HOST)) as (port, saw),
        proxied(port) as (proxy, _),
        proxied(port, status=407) as (denying, asked),
    ):
        env = {"CLOUDFLARE_BASE_URL": f"https://{HOST}/v4", "HTTPS_PROXY": f"http://127.0.0.1:{proxy}"}
        assert await _program(tmp_path, "apply", "a.csv", "--yes", "--quiet", "--grace", "0", **env) == (0, "")
        made = len(saw.heads)
        code, told = await _program(tmp_path, "apply", "a.csv", "--yes", **env, SSL_CERT_FILE="")
        assert (code, TROUBLES["unknown"] in told, f"{HOST}:443" in told) == (6, True, True)
        assert len(saw.heads) == made
        env["HTTPS_PROXY"] = f"http://me:hunter2@127.0.0.1:{denying}"
        code, told = await _program(tmp_path, "export", "out.csv", **env)
        assert (code, "HTTPS_PROXY, answered 407" in told, "hunter2" in told) == (6, True, False)
        assert len(asked.heads) == 1
        env["HTTPS_PROXY"] = "http://me:hunter2@proxy:none"
        code, told = await _program(tmp_path, "plan", "a.csv", **env)
        assert (code, "HTTPS_PROXY" in told, "hunter2" in told) == (2, True, False)
        code, told = await _program(tmp_path, "plan", "a.csv", **env, SSL_CERT_FILE="/no/such.pem", https_proxy="")
        assert (code, "SSL_CERT_FILE" in told) == (2, True)


async def test_a_feed_is_shown_the_certificate_that_its_login_names(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that asks for a client's certificate gets the one of the logins file; without it there is no feed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    tls = authority.server("localhost")
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(tls)
    authority.ca.issue_cert("analyst@feeds.test").private_key_and_cert_chain_pem.write_to_path(tmp_path / "me.pem")
    (tmp_path / "logins.yaml").write_text("localhost: {certificate: me.pem}\n")

    async def page(request: web.Request) -> web.StreamResponse:
        one = {"type": "threat-actor", "id": f"threat-actor--{UUID(int=1)}", "name": "Glass Heron"}
        return web.json_response({"objects": [one], "more": False})

    async with served(tls, page) as (port, _):
        url = f"taxii+https://localhost:{port}/root/collections/one/"
        options = ReadOptions(logins=load_logins(tmp_path / "logins.yaml"))
        found = await asyncio.to_thread(fetch_collection, url, options)
        assert b"Glass Heron" in found.open().read()
        with pytest.raises(SourceError):
            await asyncio.to_thread(fetch_collection, url, ReadOptions(), sleep=lambda seconds: None)
