"""How the sandbox behaves: who may call, its limits, the habits that the API's documents leave open, and its faults.

A fault plan is a YAML file of these fields (config/faults has some): `SandboxSettings` is its grammar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct
from msgspec.structs import replace

from importer.errors import Position
from importer.model import Json
from importer.shipped import shipped
from importer.text.amounts import Seconds, Share
from importer.text.typed_yaml import convert
from importer.text.yaml_nodes import Node, Problems, compose, node_of, read_file

DEFAULT_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but the local sandbox
DEFAULT_ACCOUNT = "5a5d0b0c5a5d0b0c5a5d0b0c5a5d0b0c"

Filtering = Literal["both", "json", "dotted", "ignored"]
Read = Literal["list", "list-indicators", "list-categories", "get-category"]
Write = Literal["create", "update", "delete", "create-category", "update-category", "delete-category"]
Calls = Literal[Read, Write, "reads", "writes"]
READS = frozenset[str](get_args(Read))
_GROUPS = MappingProxyType({"reads": READS, "writes": frozenset[str](get_args(Write))})

Misbehaviour = Literal[
    "outage", "outage-cut", "refuse-token",
    "lose-before-commit", "reset-before-commit", "error-before-commit", "hang-before-commit",
    "rate-limit", "rate-limit-block",
    "lose-after-commit", "reset-after-commit", "error-after-commit", "hang-after-commit",
    "slow", "trickle", "cut-body", "malformed-json",
    "shift-pages",
]  # fmt: skip
AT_THE_EDGE = frozenset[str]({"outage", "outage-cut", "refuse-token"})
"""These strike before a call is counted or its body read."""
MEANINGS: Mapping[Misbehaviour, str] = MappingProxyType(
    {
        "outage": "A 5xx before anything is looked at; the call does not count against the quota.",
        "outage-cut": "The same, but the connection is closed instead of answered.",
        "refuse-token": "A 401, as for a token that was revoked.",
        "lose-before-commit": "The connection is closed and nothing has happened.",
        "reset-before-commit": "The connection is reset (RST) and nothing has happened.",
        "error-before-commit": "A 5xx, and nothing has happened.",
        "hang-before-commit": "Nothing happens; the connection is closed after some seconds.",
        "rate-limit": "A 429 out of the blue, with Retry-After; the next call may pass.",
        "rate-limit-block": "A 429, and all calls of the token get one for some seconds.",
        "lose-after-commit": "The call takes effect, then the connection is closed without an answer.",
        "reset-after-commit": "The call takes effect, then the connection is reset (RST).",
        "error-after-commit": "The call takes effect and is answered with a 5xx.",
        "hang-after-commit": "The call takes effect; no answer, the connection is closed after some seconds.",
        "slow": "The call takes effect at once and is answered some seconds later.",
        "trickle": "The answer's body arrives in pieces over some seconds.",
        "cut-body": "Half of the answer's body arrives, then the connection is closed.",
        "malformed-json": "The answer is 200 with JSON that ends too early.",
        "shift-pages": "A foreign tag appears or vanishes at the head of the list after it was read.",
    }
)

Count = Annotated[int, Meta(ge=0)]
Size = Annotated[int, Meta(ge=1)]
Status = Annotated[int, Meta(ge=500, le=599)]


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that goes wrong, and on which calls. The first fault of a plan that hits a call is the one it gets."""

    do: Misbehaviour
    chance: Share = 1.0
    """For each call by itself."""
    calls: Calls | tuple[Calls, ...] = ("reads", "writes")
    """Kinds of call."""
    attempts: Count = 0
    """Only the first so many attempts of the same call; 0 for all."""
    first: Count = 0
    """Number of the first call that it may hit, counted from 1 over all kinds."""
    last: Count = 0
    """Number of the last one; 0 for no end."""
    since: Seconds = 0.0
    """Only so long after the server's start..."""
    until: Seconds = 0.0
    """... and before this time after it; 0 for no end."""
    seconds: Seconds = 1.0
    """How long it lasts: a hang, a slow answer, a block, the wait in Retry-After."""
    status: Status | tuple[Status, ...] = (500, 502, 503, 504)
    """Of an error or an outage; one of several is drawn."""
    body: Literal["html", "json", "empty"] = "html"
    """Of an error or an outage."""

    def may_hit(self, kind: str, number: int, elapsed: float, attempt: int) -> bool:
        """Whether a call of this kind is in its bounds; `elapsed` is seconds since the server's start."""
        named = (self.calls,) if isinstance(self.calls, str) else self.calls
        return (
            (not self.attempts or attempt <= self.attempts)
            and self.first <= number <= (self.last or number)
            and self.since <= elapsed < (self.until or elapsed + 1)
            and any(kind in _GROUPS.get(name, {name}) for name in named)
        )


class SandboxSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The server's fixed properties; the defaults are a well-behaved API. `quota` is calls in `window`."""

    token: str = DEFAULT_TOKEN
    read_only_token: str = ""
    """A second token that may read and gets 403 when it writes; empty for none."""
    account_id: str = DEFAULT_ACCOUNT
    quota: Count = 1_200
    """Calls in any window for one token; 0 for no limit (and no Ratelimit headers)."""
    window: Seconds = 300.0
    fixed_window: bool = False
    """Count in windows that start with the first call and are emptied at their end, instead of a sliding one."""
    block: Seconds = 300.0
    """How long every call gets 429 after the quota was exceeded; 0 for only as long as the window is full."""
    extend_block: bool = True
    """Whether a call during the block starts it anew."""
    per_second: Count = 0
    """Calls in a second from all clients together (the API has 200 for an IP); 0 for no limit."""
    neighbour: Annotated[float, Meta(ge=0)] = 0.0
    """Calls a second that somebody else makes with the same token while there is room."""
    latency: Seconds = 0.0
    """What passes between a call's arrival and its handling."""
    stale_reads: Seconds = 0.0
    """How long before a created tag shows in lists and searches."""
    envelope: bool = False
    """Answer `{"success": true, ..., "result": X}` instead of X. The official SDK (5.9) reads bare answers only."""
    duplicates: Literal["allow", "refuse-400", "refuse-409"] = "allow"
    """What a create does whose `value` (case-insensitively) exists already. The reference does not say."""
    filters: Filtering = "both"
    """Which encodings of `filters` are understood: JSON, the SDK's `filters.field=...`; others are ignored."""
    category_paths: Literal["both", "old", "new"] = "both"
    """Where one category is read, changed and deleted: `tags/categories/{uuid}` (until 2026-11-28) or its successor
    `tag-categories/{uuid}`; the other one does not exist."""
    indicators: Count | None = None
    """How many indicators refer to each tag; left out, the server has no path that says so."""
    page_size: Size = 50
    """Tags on a page when the caller names no `pageSize`."""
    page_size_limit: Size = 1_000
    """A larger `pageSize` is lowered to this."""
    unknown_properties: bool = False
    """Whether a categorised tag may have `properties` that its category's schema does not name."""
    max_body: Size = 8 * 1024 * 1024
    seed: Count = 0
    """Which calls the faults hit: the same ones for the same seed, in whatever order they arrive."""
    faults: tuple[Fault, ...] = ()

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if not self.window:
            yield ("window",), "must be more than 0 seconds; a quota of 0 means no limit"
        if not self.account_id.replace("-", "").replace("_", "").isalnum():
            yield ("account_id",), "must be letters and digits"
        if not (self.token.isascii() and self.token.isprintable() and self.token.strip()):
            yield ("token",), "must be printable ASCII text"


def read_options(
    faults: Sequence[str] = (), *, base: SandboxSettings | None = None, **flags: Json
) -> SandboxSettings:  # fmt: skip
    """Settings from fault plans (`read_plan`), each laid over the one before, and from flags, by field, over them all.

    Lists of faults are joined. A flag that is None leaves what plans, or `base`, say. A window without a block sets
    both. UsageError when something is wrong.
    """
    settings = base or SandboxSettings()
    for plan in faults:
        given = read_plan(plan)
        settings = replace(settings, **{**given, "faults": (*settings.faults, *given.get("faults", ()))})
    wanted = {name: value for name, value in flags.items() if value is not None}
    if "window" in wanted:  # a shorter one is for trying things out, where a block of five minutes helps nobody
        wanted.setdefault("block", wanted["window"])
    problems = Problems("")
    nodes = {name: node_of(value, Position(f"--{name.removesuffix('_id')}")) for name, value in wanted.items()}
    read = convert(Node(nodes, Position("")), SandboxSettings, problems)
    problems.raise_if_any()
    return replace(settings, **{name: getattr(read, name) for name in wanted})


def read_plan(plan: str) -> dict[str, Any]:
    """What a fault plan says: fields of SandboxSettings with their values.

    `plan` is the name of a shipped one (`lossy`), a YAML file, or the YAML itself (`stale_reads: 2 s`).
    UsageError for anything else, and for mistakes in it, each with its line and column.
    """
    written = ": " in plan
    path = shipped("faults", f"{plan}.yaml")
    if written or not path.is_file():
        path = Path(plan)
    known = ", ".join(sorted(one.stem for one in shipped("faults").glob("*.yaml")))
    problems = Problems(
        "on the command line" if written else str(path), what="fault plan",
        hint=f"give one of {known}, a YAML file, or YAML like 'faults: [{{do: slow, chance: 10%}}]'",
    )  # fmt: skip
    root = compose(plan if written else read_file(path, problems), problems)
    settings = convert(root, SandboxSettings, problems)
    problems.raise_if_any()
    return {field: getattr(settings, field) for field in root.value}
