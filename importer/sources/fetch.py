"""Fetches an https source within bounds, and keeps it with its ETag so that an unchanged list is not sent again."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import json
import socket
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from msgspec import Struct

from importer.atomic import atomic_path, private_folder
from importer.errors import SourceError
from importer.masking import without_user
from importer.network import is_loopback, tls_trouble
from importer.sources.located import Located, from_bytes
from importer.sources.opening import Background
from importer.sources.options import MIB, Limits, ReadOptions
from importer.url_opener import url_opener

_CHUNK = 256 * 1024
_AGENT = "tag-importer"


class _Kept(Struct, frozen=True):
    """A download of an earlier run."""

    body: Path
    etag: str
    modified: str


def fetch(url: str, options: ReadOptions, *, monotonic: Callable[[], float] = time.monotonic) -> Located:
    """The content of an https URL (http on this machine only), from the cache when the server says it is unchanged.

    SourceError for a refused scheme, an answer that is not success, one too large or too slow. Credentials in the URL
    are sent as basic authentication to its own server only, and appear in no message and no file.
    """
    shown, bare, credentials = _split(url)
    kept = _kept(options.cache_dir, url)
    request = urllib.request.Request(bare, headers={"User-Agent": _AGENT, "Accept": "*/*"})  # noqa: S310 - checked by _split
    if credentials:
        request.add_unredirected_header("Authorization", credentials)
    if kept and kept.etag:
        request.add_header("If-None-Match", kept.etag)
    if kept and kept.modified:
        request.add_header("If-Modified-Since", kept.modified)
    opener = url_opener(_Redirects())
    limits = options.limits
    ends = monotonic() + limits.download_seconds
    try:
        patience = min(30.0, limits.download_seconds)
        # The socket's own limit counts anew with each byte of a header.
        opening: Background[Any] = Background(lambda: opener.open(request, timeout=patience), "fetch")
        with opening.result(limits.download_seconds) as answer:
            data = _read(shown, answer, limits, ends, monotonic)
            headers = answer.headers
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 304 and kept:
                return Located(shown, from_bytes(kept.body.read_bytes()), kept.body.stat().st_size)
            raise SourceError(f"{shown} cannot be fetched: the server answered {error.code} {error.reason}.") from error
    except SourceError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        if monotonic() >= ends:
            raise _too_slow(shown, limits) from error
        raise SourceError(f"{shown} cannot be fetched: {_reason(error)}.") from error
    _keep(options.cache_dir, url, data, headers)
    return Located(shown, from_bytes(data), len(data))


def _split(url: str) -> tuple[str, str, str]:
    """(how the URL is shown, the URL without credentials, the Authorization header)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise SourceError("A URL among the sources cannot be read as one.") from error
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port else ""
    query = "…" if parts.query else ""
    shown = urlunsplit((parts.scheme, netloc, parts.path, "", "")) + (f"?{query}" if query else "")
    if not host:
        shown = without_user(shown)
    if not _allowed(parts.scheme, host) and (host or parts.scheme != "http"):
        raise SourceError(f"{shown} cannot be fetched: a source's URL begins with https://.")
    if not host:
        raise SourceError(f"{shown} cannot be fetched: it names no server.")
    credentials = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = "Basic " + b64encode(pair.encode()).decode("ascii")
    return shown, urlunsplit((parts.scheme, netloc, parts.path, parts.query, "")), credentials


def _allowed(scheme: str, host: str) -> bool:
    return scheme == "https" or (scheme == "http" and is_loopback(host))


def _inside(host: str) -> bool:
    """Whether a host, as it is written, is this machine, a private network or a cloud's metadata address."""
    if host == "localhost" or host.endswith((".localhost", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https only (to http on this machine), ten at most.

    A public server never leads to an address inside: what it could not reach itself, it does not reach through us.
    """

    max_redirections = 10

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        target = urlsplit(newurl)
        if not _allowed(target.scheme, target.hostname or "") or (
            target.scheme == "http" and not is_loopback(urlsplit(req.full_url).hostname or "")
        ):
            fp.close()
            shown = urlunsplit((target.scheme, target.hostname or "", target.path, "", ""))
            raise SourceError(f"{_shown(req.full_url)} was not fetched: it redirects to {shown}, which is not https.")
        if _inside(target.hostname or "") and not _inside(urlsplit(req.full_url).hostname or ""):
            fp.close()
            raise SourceError(
                f"{_shown(req.full_url)} was not fetched: it redirects to {target.hostname}, an address inside."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _shown(url: str) -> str:
    return _split(url)[0]


def _read(shown: str, answer: Any, limits: Limits, ends: float, monotonic: Callable[[], float]) -> bytes:
    declared = answer.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) > limits.download_bytes:
        raise _too_large(shown, limits)
    pieces: list[bytes] = []
    length = 0
    while piece := answer.read1(_CHUNK):
        length += len(piece)
        if length > limits.download_bytes:
            raise _too_large(shown, limits)
        if monotonic() > ends:
            raise _too_slow(shown, limits)
        pieces.append(piece)
    if declared.isdigit() and length < int(declared):
        raise SourceError(
            f"{shown} cannot be fetched: the connection ended after {length:,} of {int(declared):,} bytes."
        )
    return b"".join(pieces)


def _too_large(shown: str, limits: Limits) -> SourceError:
    return SourceError(
        f"{shown} was not fetched: it is larger than {limits.download_bytes / MIB:,.0f} MiB.",
        hint=limits.hint("download_bytes"),
    )


def _too_slow(shown: str, limits: Limits) -> SourceError:
    return SourceError(
        f"{shown} cannot be fetched: it took longer than {limits.download_seconds:g} seconds.",
        hint=limits.hint("download_seconds"),
    )


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    if trouble := tls_trouble(error):
        return trouble
    if isinstance(inner, (TimeoutError, socket.timeout)):
        return "the server did not answer in time"
    if isinstance(inner, socket.gaierror):
        return "its server's name cannot be resolved"
    if isinstance(inner, OSError) and inner.strerror:
        return str(inner.strerror).lower()
    return " ".join(str(inner).split())[:200] or type(inner).__name__


def _paths(cache_dir: Path, url: str) -> tuple[Path, Path]:
    name = hashlib.sha256(url.encode()).hexdigest()[:32]
    return cache_dir / f"{name}.body", cache_dir / f"{name}.json"


def _kept(cache_dir: Path | None, url: str) -> _Kept | None:
    """The earlier download, if it is whole: its hash stands beside it."""
    if cache_dir is None:
        return None
    body, about = _paths(cache_dir, url)
    try:
        found = json.loads(about.read_bytes())
        if hashlib.sha256(body.read_bytes()).hexdigest() != found["sha256"]:
            return None
        return _Kept(body, str(found["etag"]), str(found["modified"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(cache_dir: Path | None, url: str, data: bytes, headers: Message) -> None:
    """Keeps a download that can be asked about again. A cache that cannot be written is no reason to stop."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if cache_dir is None or not (etag or modified):
        return
    body, about = _paths(cache_dir, url)
    found = {"etag": etag, "modified": modified, "sha256": hashlib.sha256(data).hexdigest()}
    try:
        private_folder(cache_dir)
        for path, content in ((body, data), (about, json.dumps(found).encode())):
            with atomic_path(path) as temporary:
                temporary.write_bytes(content)
    except OSError:
        return
