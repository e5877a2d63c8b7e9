"""How this machine reaches servers: which proxy leads there, whose certificates are trusted, and why TLS failed.

One rule serves the API, sources by https and the heartbeat. The environment is read as curl and requests read it.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from importer.errors import UsageError

CA_FILES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a file of trusted authorities; the first that is set counts."""
_PORTS: Final = {"http": 80, "https": 443}
_PROXY_HINT: Final = "It is like http://proxy.example:3128; write @, :, / and # in a password as %40, %3A, %2F and %23."


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. Its credentials never show in a repr."""

    scheme: str
    """http or https: how the proxy itself is spoken to."""
    address: str
    """`host:port`."""
    variable: str
    """Where it was found."""
    authorization: str = field(default="", repr=False)
    """The value of Proxy-Authorization, "" where the proxy wants none."""

    @property
    def url(self) -> str:
        """Without credentials."""
        return f"{self.scheme}://{self.address}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def proxy_for(url: str, environment: Mapping[str, str] | None = None) -> Proxy | None:
    """The proxy for a URL: `<scheme>_proxy`, else ALL_PROXY, unless NO_PROXY or this machine. UsageError if malformed.

    Lower-case names win, and an empty one switches its upper-case form off, as in Python's own library.
    """
    env = os.environ if environment is None else environment
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if is_loopback(host) or bypassed(host, parts.port or _PORTS.get(parts.scheme, 0), _variable("no_proxy", env)[1]):
        return None
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        variable, value = _variable(name, env)
        if value:
            return _parsed(variable, value)
    return _of_the_system(parts.scheme, host) if environment is None else None


def bypassed(host: str, port: int, no_proxy: str) -> bool:
    """Whether NO_PROXY names a host: `*`; `x`, `.x` and `*.x` (x and all below it); an address or CIDR; with `:port`.

    Entries are separated by commas or spaces.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    return any(_covers(entry, host.lower(), port, address) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _covers(entry: str, host: str, port: int, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    name, wanted = entry, ""
    if entry.startswith("["):
        name, _, wanted = entry[1:].partition("]")
        wanted = wanted.removeprefix(":")
    elif entry.count(":") == 1:
        name, _, wanted = entry.partition(":")
    if wanted and wanted != str(port):
        return False
    if name == "*":
        return True
    if address is not None:
        try:
            return address in ipaddress.ip_network(name, strict=False)
        except ValueError:
            return False
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _variable(name: str, env: Mapping[str, str]) -> tuple[str, str]:
    found = env.get(name)
    return (name, found.strip()) if found is not None else (name.upper(), env.get(name.upper(), "").strip())


def _of_the_system(scheme: str, host: str) -> Proxy | None:
    """What macOS and Windows keep outside of the environment."""
    from urllib.request import getproxies, proxy_bypass

    value = getproxies().get(scheme, "")
    return _parsed("the system's proxy setting", value) if value and not proxy_bypass(host) else None


def _parsed(variable: str, value: str) -> Proxy:
    wrong = ""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(
            f"{variable} is not the address of a proxy: its host or port is wrong", hint=_PROXY_HINT
        ) from None
    if parts.scheme not in _PORTS:
        scheme = parts.scheme if re.fullmatch(r"[a-z0-9]{1,10}", parts.scheme) else "another kind of"
        wrong = f"{variable} names a {scheme} proxy, and only http and https proxies are supported"
    elif not host or re.search(r"[\s\\]", value):
        wrong = f"{variable} is not the address of a proxy: it names no host"
    elif port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment:
        wrong = f"{variable} is not the address of a proxy: a host and a port are all that may be in it"
    if wrong:
        raise UsageError(wrong, hint=_PROXY_HINT)
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {b64encode(pair.encode()).decode()}"
    shown = f"[{host}]" if ":" in host else host
    return Proxy(parts.scheme, f"{shown}:{port or _PORTS[parts.scheme]}", variable, authorization)


def ssl_context(environment: Mapping[str, str] | None = None) -> ssl.SSLContext:
    """Trusts what the system trusts, and the first of CA_FILES that is set. UsageError where that cannot be read."""
    env = os.environ if environment is None else environment
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    for name in CA_FILES:
        if place := env.get(name, ""):
            try:
                kind = "capath" if name != CA_FILES[0] and Path(place).is_dir() else "cafile"
                context.load_verify_locations(**{kind: place})
            except (OSError, ValueError) as error:
                no_pem = isinstance(error, (ssl.SSLError, ValueError))
                why = "holds no certificates in PEM form" if no_pem else f"cannot be read: {error.strerror}"  # type: ignore[union-attr]
                raise UsageError(
                    f"{name} names {place}, which {why}",
                    hint=f"Set {name} to a PEM file with the certificates of the authorities to trust, or unset it.",
                ) from error
            break
    return context


def tls_trouble(error: BaseException | None) -> str:
    """Why a TLS connection was not made and what to do, from the code of the failed check; "" if it was not TLS."""
    error = getattr(error, "certificate_error", error)  # aiohttp's wrapper is one without the code
    while error is not None and not isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else error.__cause__
    if error is None:
        return ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY.get(error.verify_code, f"its certificate was refused (OpenSSL verify code {error.verify_code})")
    return "it does not answer in TLS: it may speak plain http on this port; check the port and any proxy on the way"


_UNKNOWN: Final = (
    "its certificate is signed by an authority that is not trusted here; "
    "set SSL_CERT_FILE to a PEM file with the certificate of that authority"
)
_WRONG_HOST: Final = "its certificate is for another host name; check the address, and any proxy on the way"
_VERIFY: Final = {
    2: _UNKNOWN,
    9: "its certificate is not valid yet; check this machine's clock",
    10: "its certificate has expired; its owner must renew it, or this machine's clock is wrong",
    18: _UNKNOWN,
    19: _UNKNOWN,
    20: _UNKNOWN,
    21: _UNKNOWN,
    62: _WRONG_HOST,
    64: _WRONG_HOST,
}
"""By OpenSSL's X509_V_ERR numbers, which never change; its sentences do."""
