"""What the sandbox is told before it starts: who may call, how much, and the habits that the documents leave open."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

DEFAULT_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but the local sandbox
DEFAULT_ACCOUNT = "5a5d0b0c5a5d0b0c5a5d0b0c5a5d0b0c"


class Duplicates(StrEnum):
    """What a create does whose `value` (case-insensitively) exists already. The reference does not say."""

    ALLOW = "allow"
    REFUSE_400 = "400"
    REFUSE_409 = "409"


class Filtering(StrEnum):
    """Which encodings of `filters` the server understands; the others it ignores without a word."""

    BOTH = "both"
    JSON = "json"
    DOTTED = "dotted"
    """The official Python SDK's: `filters.field=value&filters.op=in&filters.value=apt28`."""
    NONE = "ignored"


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The server's fixed properties. Seconds are seconds, `quota` is calls in `window`."""

    token: str = field(default=DEFAULT_TOKEN, repr=False)
    read_only_token: str = field(default="", repr=False)
    """A second token that may read and gets 403 when it writes; empty for none."""
    account_id: str = DEFAULT_ACCOUNT
    quota: int = 1_200
    """Calls in any window for one token; 0 for no limit (and no Ratelimit headers)."""
    window: float = 300.0
    fixed_window: bool = False
    """Count in windows that start with the first call and are emptied at their end, instead of a sliding one."""
    block: float = 300.0
    """How long every call gets 429 after the quota was exceeded; 0 for only as long as the window is full."""
    extend_block: bool = True
    """Whether a call during the block starts it anew."""
    per_second: int = 0
    """Calls in a second from all clients together (the API has 200 for an IP); 0 for no limit."""
    latency: float = 0.0
    """Seconds that pass between a call's arrival and its handling."""
    envelope: bool = False
    """Answer `{"success": true, ..., "result": X}` instead of X. The official SDK (5.9) reads bare answers only."""
    duplicates: Duplicates = Duplicates.ALLOW
    filtering: Filtering = Filtering.BOTH
    stale_reads: float = 0.0
    """Seconds before a created tag shows in lists and searches."""
    page_size: int = 50
    """Tags on a page when the caller names no `pageSize`."""
    page_size_limit: int = 1_000
    """A larger `pageSize` is lowered to this."""
    unknown_properties: bool = False
    """Whether a categorised tag may have `properties` that its category's schema does not name."""
    max_body: int = 8 * 1024 * 1024
