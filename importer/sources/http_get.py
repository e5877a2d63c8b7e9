"""One GET of a source: its URL without credentials, redirects that are safe to follow, an answer within bounds."""

from __future__ import annotations

import http
import http.client
import ipaddress
import socket
import time
import urllib.error
import urllib.request
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from email.message import Message
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from msgspec import Struct

from importer.errors import SourceError
from importer.masking import without_user
from importer.network import is_loopback, tls_trouble
from importer.sources.logins import Login
from importer.sources.opening import Background
from importer.sources.options import MIB, Limits
from importer.url_opener import url_opener

_CHUNK = 256 * 1024
_AGENT = "tag-importer"
_LOGIN = "Name a file with the server's login: --logins FILE."
_HINTS = {401: _LOGIN, 403: "The login does not permit it. " + _LOGIN}


class Url(Struct, frozen=True):
    """A source's URL, taken apart. SourceError for one that is not https (http on this machine)."""

    shown: str
    """Without credentials and without what its query says."""
    bare: str
    """Without credentials."""
    host: str
    """`host` or `host:port`, as logins are found by it."""
    authorization: str = ""
    """The header that its credentials make."""

    @classmethod
    def of(cls, url: str) -> Url:
        """Takes `url` apart."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise SourceError("A URL among the sources cannot be read as one.") from error
        netloc = f"[{host}]" if ":" in host else host
        netloc += f":{port}" if port else ""
        shown = urlunsplit((parts.scheme, netloc, parts.path, "", "")) + ("?…" if parts.query else "")
        if not host:
            shown = without_user(shown)
        if not _allowed(parts.scheme, host) and (host or parts.scheme != "http"):
            raise SourceError(f"{shown} cannot be fetched: a source's URL begins with https://.")
        if not host:
            raise SourceError(f"{shown} cannot be fetched: it names no server.")
        authorization = ""
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + b64encode(pair.encode()).decode("ascii")
        return cls(shown, urlunsplit((parts.scheme, netloc, parts.path, parts.query, "")), netloc, authorization)

    def at(self, bare: str) -> Url:
        """Another address of the same server, with the same credentials."""
        found = Url.of(bare)
        return Url(found.shown, found.bare, found.host, self.authorization if found.host == self.host else "")

    def check_leads_to(self, url: str) -> None:
        """SourceError where what was answered names a URL that a redirect could not lead to, either."""
        if wrong := _leads_astray(self.bare, url):
            raise SourceError(f"{self.shown} was not followed: it leads to {wrong}.")


class Answer(Struct, frozen=True):
    """What a server answered with success."""

    body: bytes
    headers: Message


class Refusal(SourceError):
    """The server answered, and not with success."""

    def __init__(self, shown: str, status: int, reason: str, headers: Message, hint: str = "") -> None:
        super().__init__(f"{shown} cannot be fetched: the server answered {status} {reason}.", hint=hint)
        self.status, self.headers = status, headers


class Unreachable(SourceError):
    """No answer came, or not all of it."""


def get(
    url: Url,
    limits: Limits,
    headers: Mapping[str, str],
    *,
    login: Login | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Answer:
    """The answer to a GET, its body within the limits. Credentials are shown to the URL's own server only.

    Raises Refusal, Unreachable, or SourceError for an answer that is over a limit.
    """
    request = urllib.request.Request(url.bare, headers={"User-Agent": _AGENT, **headers})  # noqa: S310 - checked by Url
    authorization = url.authorization or (login.header if login else "")
    if authorization:
        request.add_unredirected_header("Authorization", authorization)
    certified = login is not None and bool(login.certificate)
    opener = url_opener(_Redirects(stay=certified), identify=login.identify if login and certified else None)
    ends = monotonic() + limits.download_seconds
    try:
        patience = min(30.0, limits.download_seconds)
        # The socket's own limit counts anew with each byte of a header.
        opening: Background[Any] = Background(lambda: opener.open(request, timeout=patience), "fetch")
        with opening.result(limits.download_seconds) as answer:
            if answer.status not in (200, 203):  # 206 is a part, 204 is nothing
                raise _refusal(url, answer.status, answer.headers)
            body = _read(url.shown, answer, limits, ends, monotonic)
            return Answer(_unzipped(url.shown, body, answer.headers, limits), answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(url, error.code, error.headers) from error
    except SourceError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        if monotonic() >= ends:
            raise _too_slow(url.shown, limits) from error
        raise Unreachable(f"{url.shown} cannot be fetched: {_reason(error)}.") from error


def _refusal(url: Url, status: int, headers: Message) -> Refusal:
    reason = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else "(no status of HTTP)"
    return Refusal(url.shown, status, reason, headers, _HINTS.get(status, ""))


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


def _leads_astray(url: str, to: str) -> str:
    """Where a server may not send us, and why; empty where it may.

    A public server never leads to an address inside: what it could not reach itself, it does not reach through us.
    """
    target, before = urlsplit(to), urlsplit(url)
    host = target.hostname or ""
    if not _allowed(target.scheme, host) or (target.scheme == "http" and not is_loopback(before.hostname or "")):
        return f"{urlunsplit((target.scheme, host, target.path, '', ''))}, which is not https"
    return f"{host}, an address inside" if _inside(host) and not _inside(before.hostname or "") else ""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https only (to http on this machine), ten at most."""

    max_redirections = 10

    def __init__(self, *, stay: bool) -> None:
        """`stay`: on the same host, because a certificate of ours would be shown to any other."""
        self._stay = stay

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        wrong = _leads_astray(req.full_url, newurl)
        if not wrong and self._stay and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            wrong = f"{urlsplit(newurl).hostname}, another host than the one that the certificate is for"
        if wrong:
            fp.close()
            raise SourceError(f"{Url.of(req.full_url).shown} was not fetched: it redirects to {wrong}.")
        found = super().redirect_request(req, fp, code, msg, headers, newurl)
        login = req.unredirected_hdrs.get("Authorization", "")
        if found and login and urlsplit(newurl)[:2] == urlsplit(req.full_url)[:2]:  # the same server, and no other
            found.add_unredirected_header("Authorization", login)
        return found


def _read(shown: str, answer: Any, limits: Limits, ends: float, monotonic: Callable[[], float]) -> bytes:
    declared = answer.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) > limits.download_bytes:
        raise too_large(shown, limits)
    pieces: list[bytes] = []
    length = 0
    while piece := answer.read1(_CHUNK):
        length += len(piece)
        if length > limits.download_bytes:
            raise too_large(shown, limits)
        if monotonic() > ends:
            raise _too_slow(shown, limits)
        pieces.append(piece)
    if declared.isdigit() and length < int(declared):
        raise Unreachable(
            f"{shown} cannot be fetched: the connection ended after {length:,} of {int(declared):,} bytes."
        )
    return b"".join(pieces)


def _unzipped(shown: str, body: bytes, headers: Message, limits: Limits) -> bytes:
    """The body, unpacked where the server packed it unasked."""
    if headers.get("Content-Encoding", "").strip().lower() not in ("gzip", "x-gzip"):
        return body
    unzip = zlib.decompressobj(31)
    try:
        found = unzip.decompress(body, limits.download_bytes + 1)
    except zlib.error as error:
        raise Unreachable(f"{shown} cannot be fetched: its answer is not the gzip that it says.") from error
    if len(found) > limits.download_bytes:
        raise too_large(shown, limits)
    if not unzip.eof:
        raise Unreachable(f"{shown} cannot be fetched: its answer is cut short.")
    return found


def too_large(shown: str, limits: Limits) -> SourceError:
    """The answer, or all of them together, is over the limit."""
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
