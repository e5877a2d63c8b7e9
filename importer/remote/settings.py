"""What the HTTP client needs to know, checked when it is made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from importer.errors import UsageError
from importer.network import is_loopback

PRODUCTION: Final = "https://api.cloudflare.com/client/v4"
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Where the API is and how it is talked to. The token never shows: not in a repr, not in an error."""

    account_id: str
    token: str = field(repr=False)
    base_url: str = PRODUCTION
    concurrency: int = 50
    """Connections, and calls under way, at most."""
    connect_timeout: float = 10.0
    """Seconds until a connection stands."""
    total_timeout: float = 30.0
    """Seconds for a call as a whole, however slowly its answer trickles. One timer: more cost 5 %."""
    page_size: int = 1000
    """Tags asked for in a page; the answer's own pagination is what is followed."""
    read_attempts: int = 10
    """How often a read is tried before its failure counts."""
    max_answer: int = 64 * 1024 * 1024
    """Bytes of an answer, unpacked; a larger one is not read."""

    def __post_init__(self) -> None:
        if not _ACCOUNT.fullmatch(self.account_id):
            raise UsageError(
                "the account id must be letters and digits", hint="Set CLOUDFLARE_ACCOUNT_ID to the account's id."
            )
        if not _TOKEN.fullmatch(self.token):
            raise UsageError(
                "the API token is empty or holds characters that no token has",
                hint="Set CLOUDFLARE_API_TOKEN, or CLOUDFLARE_API_TOKEN_FILE, to the token and nothing else.",
            )
        check_base_url(self.base_url)
        if self.concurrency < 1:
            raise UsageError("concurrency must be 1 or more")
        if min(self.connect_timeout, self.total_timeout) <= 0:
            raise UsageError("a timeout must be more than 0 seconds")

    @property
    def token_key(self) -> str:
        return token_key(self.base_url, self.token)

    @property
    def production(self) -> bool:
        """Whether this is Cloudflare itself, whose published limit for each IP address applies too."""
        return _of_cloudflare(urlsplit(self.base_url).hostname or "")


def token_key(base_url: str, token: str) -> str:
    """Names a token at its server: 16 digits of a hash, from which nothing comes back."""
    parts = urlsplit(base_url)
    return sha256(f"{parts.scheme}://{parts.netloc.lower()} {token}".encode()).hexdigest()[:16]


def trusted_endpoint(url: str, *, loopback: bool) -> bool:
    """Whether a token may go there on the word of a job file, which can be a stranger's: to Cloudflare, or `loopback`.

    Not to loopback a token that the same job took from a file: any program of this machine may listen there.
    """
    host = urlsplit(url).hostname or ""
    return _of_cloudflare(host) or (loopback and is_loopback(host))


def _of_cloudflare(host: str) -> bool:
    return host.lower() == "cloudflare.com" or host.lower().endswith(".cloudflare.com")


def check_base_url(url: str) -> None:
    """Raise UsageError unless the token may be sent there: https, or plain http to this machine."""
    hint = "CLOUDFLARE_BASE_URL is like https://api.cloudflare.com/client/v4."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError("the API's base URL cannot be read", hint=hint) from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError("the API's base URL must be an https URL", hint=hint)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("the API's base URL must not hold a user name, a password or a query", hint=hint)
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"the token is not sent over plain http to {host}", hint="Use https; http is for this machine only."
        )
