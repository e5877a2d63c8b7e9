"""Which proxy leads to a URL: the environment as people have it."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.network import bypassed, proxy_for

API = "https://api.tags.test/v4"
LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


def _found(**environment: str) -> str:
    proxy = proxy_for(API, environment)
    return proxy.url if proxy else ""


def test_which_variable_counts() -> None:
    """The scheme's own comes before ALL_PROXY, lower case before upper, and an empty lower-case one switches it off."""
    assert _found() == ""
    assert _found(HTTP_PROXY="http://p:1") == ""
    assert _found(ALL_PROXY="http://p:1") == "http://p:1"
    assert _found(ALL_PROXY="http://p:1", HTTPS_PROXY="http://q:2") == "http://q:2"
    assert _found(HTTPS_PROXY="http://p:1", https_proxy="http://q:2") == "http://q:2"
    assert _found(HTTPS_PROXY="http://p:1", https_proxy="") == ""
    assert _found(all_proxy=" p:3128 ") == "http://p:3128"
    assert _found(HTTPS_PROXY="https://p") == "https://p:443"
    assert _found(HTTPS_PROXY="http://[fd00::1]/") == "http://[fd00::1]:80"
    assert proxy_for("http://hc.test/x", {"http_proxy": "p:1", "https_proxy": "q:2"}).url == "http://p:1"  # type: ignore[union-attr]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_this_machine_is_never_reached_by_a_proxy(host: str) -> None:
    """Loopback needs no entry in NO_PROXY."""
    assert proxy_for(f"https://{host}:8443/", {"HTTPS_PROXY": "http://p:1", "ALL_PROXY": "http://p:1"}) is None


@pytest.mark.parametrize(("no_proxy", "host", "past"), [
    ("*", "api.tags.test", True),
    ("*:443", "api.tags.test", True),
    ("*:8443", "api.tags.test", False),
    ("tags.test", "api.tags.test", True),
    (".tags.test", "api.tags.test", True),
    ("*.tags.test", "api.tags.test", True),
    ("*.TAGS.test", "API.tags.test", True),
    ("api.tags.test", "api.tags.test", True),
    ("gs.test", "api.tags.test", False),
    ("api", "api.tags.test", False),
    ("api.tags.test.evil", "api.tags.test", False),
    ("tags.test:443", "api.tags.test", True),
    ("*.tags.test:8443", "api.tags.test", False),
    ("one.test, two.test  tags.test", "api.tags.test", True),
    (" , ,", "api.tags.test", False),
    (". *. ..", "api.tags.test", False),
    ("10.0.0.0/8", "10.1.2.3", True),
    ("10.1.2.9/8", "10.1.2.3", True),
    ("10.0.0.0/8", "11.1.2.3", False),
    ("10.1.2.3:443", "10.1.2.3", True),
    ("10.0.0.0/8:8443", "10.1.2.3", False),
    ("2.3", "10.1.2.3", False),
    ("10.0.0.0/8", "10.tags.test", False),
    ("fd00::/8", "fd12::1", True),
    ("[fd12::1]:443", "fd12::1", True),
    ("[fd12::1]:8443", "fd12::1", False),
    ("FD12:0::1", "fd12::1", True),
    ("10.0.0.0/8 fe80::/10", "fd12::1", False),
    ("10.0.0.0/99 nonsense/", "10.1.2.3", False),
])  # fmt: skip
def test_no_proxy(no_proxy: str, host: str, past: bool) -> None:
    """Suffixes at a dot, wildcards, ports, addresses and networks of both kinds are understood."""
    assert bypassed(host, 443, no_proxy) is past
    bracketed = f"[{host}]" if ":" in host else host
    assert (proxy_for(f"https://{bracketed}/", {"HTTPS_PROXY": "p:1", "NO_PROXY": no_proxy}) is None) is past


@given(NAMES, NAMES, st.sampled_from(["", ".", "*."]))
def test_a_name_covers_itself_and_what_is_below_it(name: str, other: str, prefix: str) -> None:
    """For every pair of names an entry covers the other exactly when the other is it, or ends with a dot and it."""
    assert bypassed(f"{other}.{name}", 443, prefix + name)
    assert bypassed(other, 443, prefix + name) is (f".{other}".endswith(f".{name}"))


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 32))
def test_a_network_covers_its_addresses(
    one: ipaddress.IPv4Address | ipaddress.IPv6Address, other: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int
) -> None:
    """An address is in a network of its own kind exactly when the leading bits are the same."""
    same = one.version == other.version and int(one) >> (one.max_prefixlen - bits) == int(other) >> (
        one.max_prefixlen - bits
    )
    assert bypassed(str(one), 443, f"{other}/{bits}") is same


@given(st.text(max_size=40), st.text(max_size=20))
def test_no_text_breaks_it(no_proxy: str, value: str) -> None:
    """Whatever stands in the variables is understood, or is a usage error."""
    with suppress(UsageError):
        proxy_for(API, {"HTTPS_PROXY": value, "NO_PROXY": no_proxy})


@pytest.mark.parametrize("value", [
    "http://me:hunter2@proxy.test:port",
    "http://me:hunter2@proxy.test:99999",
    "http://me:hunter2@proxy.test:0",
    "socks5://me:hunter2@proxy.test:1080",
    "socks5h://me:hunter2@proxy.test",
    "hunter2://proxy.test",
    "http://me:hunter2@",
    "http://me:hunter2@:3128",
    "http://me:hunter2@[proxy",
    "http://me:hun/ter2@proxy.test:3128",
    "http://me:12#hunter2@proxy.test:3128",
    "http://me:12?hunter2@proxy.test:3128",
    "http://me:hunter2@proxy test:3128",
    "://hunter2",
])  # fmt: skip
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(value: str, variable: str) -> None:
    """A usage error (exit 2) says which variable is wrong and how one looks, and nothing of what stands in it."""
    with pytest.raises(UsageError) as refused:
        proxy_for(API, {variable: value})
    told = f"{refused.value.message} {refused.value.hint}"
    assert variable in told
    assert "hunter2" not in told.replace("a hunter2 proxy", "")
    assert "ter2" not in told.replace("a hunter2 proxy", "")


def test_what_the_system_has_set_counts_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where macOS or Windows keep a proxy outside of the environment, it is used unless they exempt the host."""
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "http://system:8080"})
    monkeypatch.setattr("urllib.request.proxy_bypass", lambda host: host == "near.test")
    assert proxy_for(API).url == "http://system:8080"  # type: ignore[union-attr]
    assert proxy_for("https://near.test/") is None
    monkeypatch.setenv("ALL_PROXY", "http://p:1")
    assert proxy_for(API).url == "http://p:1"  # type: ignore[union-attr]
