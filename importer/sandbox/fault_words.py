"""The words of fault plans as data: each fault's name, what its value is, and which parameters it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from importer.sandbox.faults import CALLS, PHASES, READS, WRITES


class Value(StrEnum):
    """What stands after a word's colon or equals sign."""

    CHANCE = "chance"
    """`10%` or `0.1`."""
    SECONDS = "seconds"
    """`2s`, `500ms` or `2`."""
    RATE = "rate"
    """Calls in a second: `2/s`, `30/m` or `2`."""
    COUNT = "count"
    SPAN = "span"
    """`10s-15s` after the server's start, or `100-200` counted in calls."""
    CALLS = "calls"
    """Kinds of call, or the groups `reads`, `writes`, `all`."""
    STATUSES = "statuses"
    """HTTP statuses from 500 to 599."""
    CUT_OR_STATUS = "cut or status"
    """`cut`, or one HTTP status from 500 to 599."""
    WORD = "word"
    FLAG = "flag"


PATTERNS: Mapping[Value, str] = MappingProxyType(
    {
        Value.CHANCE: r"^\d+(\.\d+)?( ?%)?$",
        Value.SECONDS: r"^\d+(\.\d+)? ?(s|ms)?$",
        Value.RATE: r"^\d+(\.\d+)? ?(/ ?[sm])?$",
        Value.COUNT: r"^\d+$",
        Value.SPAN: r"^\d+(\.\d+)?s? ?- ?\d+(\.\d+)?s?$",
    }
)
"""What the text of a value must look like, for the parser and for the JSON Schema."""

CALL_GROUPS: Mapping[str, frozenset[str]] = MappingProxyType({"reads": READS, "writes": WRITES, "all": CALLS})


@dataclass(frozen=True, slots=True)
class Word:
    """One fault, or one of its parameters."""

    value: Value
    meaning: str
    words: tuple[str, ...] = ()
    """The allowed words, for Value.WORD."""
    parameters: tuple[str, ...] = ()


PARAMETERS: Mapping[str, Word] = MappingProxyType(
    {
        "calls": Word(Value.CALLS, "Which kinds of call it hits; all without it."),
        "attempts": Word(Value.COUNT, "Only the first so many attempts of the same call."),
        "first": Word(Value.COUNT, "Number of the first call that it may hit, counted from 1."),
        "last": Word(Value.COUNT, "Number of the last call that it may hit."),
        "seconds": Word(Value.SECONDS, "How long it lasts."),
        "status": Word(Value.STATUSES, "The statuses to choose from; 500, 502, 503 and 504 without it."),
        "body": Word(Value.WORD, "What the error's body is.", words=("html", "empty", "json")),
        "answer": Word(Value.CUT_OR_STATUS, "What callers meet: a status, or a cut connection; 503 without it."),
    }
)

_COMMON = ("calls", "attempts", "first", "last")
_MEANINGS = {
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
}
_EXTRA = {
    "error-before-commit": ("status", "body"),
    "error-after-commit": ("status", "body"),
    "hang-before-commit": ("seconds",),
    "hang-after-commit": ("seconds",),
    "rate-limit": ("seconds",),
    "rate-limit-block": ("seconds",),
    "slow": ("seconds",),
    "trickle": ("seconds",),
}

FAULTS: Mapping[str, Word] = MappingProxyType(
    {
        **{name: Word(Value.CHANCE, _MEANINGS[name], parameters=_COMMON + _EXTRA.get(name, ())) for name in PHASES},
        "stale-reads": Word(Value.SECONDS, "New tags show in lists and searches only so long after their creation."),
        "latency": Word(Value.SECONDS, "Every call waits so long before it is handled."),
        "neighbour": Word(Value.RATE, "Somebody else calls with the same token and uses up its quota."),
        "shifting-pages": Word(Value.CHANCE, "A foreign tag appears or vanishes at the head of the list after a read."),
        "revoke-token": Word(Value.COUNT, "After so many calls the token is refused (401)."),
        "outage": Word(Value.SPAN, "Nothing is handled for a time.", parameters=("answer",)),
        "duplicates": Word(Value.WORD, "What a create of an existing value does.", words=("allow", "400", "409")),
        "filters": Word(
            Value.WORD,
            "Which encodings of `filters` are understood; others are ignored.",
            words=("both", "json", "dotted", "ignored"),
        ),
        "per-second": Word(Value.COUNT, "More calls than this in one second get 429; the API has 200 for an address."),
        "page-size-limit": Word(Value.COUNT, "A larger pageSize is lowered to this."),
        "fixed-window": Word(Value.FLAG, "The quota is given back all at once, at the end of a fixed window."),
        "unknown-properties": Word(Value.FLAG, "Whether properties that a category does not name are accepted."),
        "envelope": Word(Value.FLAG, "Whether results come inside {success, errors, messages, result}."),
    }
)
"""Every fault that a plan may name."""


@dataclass(frozen=True, slots=True)
class Given:
    """A word and its value as somebody wrote them, several values being several texts."""

    word: str
    texts: tuple[str, ...]
    spot: str
    """Where it stands, for messages: `plan.yaml:3:5`, or the option string."""


Entry = list[Given]
"""A fault and its parameters, in any order."""
