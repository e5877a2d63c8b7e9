"""A fault plan: what the sandbox does wrong on purpose, and on which calls.

Whether a fault hits is decided by a hash of (seed, fault, kind of call, body, attempt), so the same calls are hit in
every run with that seed, whatever the order in which they arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

from importer.sandbox.settings import SandboxSettings

READS = frozenset({"list", "list-categories"})
WRITES = frozenset(
    {
        "create",
        "update",
        "delete",
        "create-category",
        "update-category",
        "delete-category",
    }
)
CALLS = READS | WRITES


class Phase(Enum):
    """When a fault strikes: instead of handling the call, or after its effect is in the store."""

    BEFORE = "before"
    AFTER = "after"


PHASES: Mapping[str, Phase] = MappingProxyType(
    {
        "lose-before-commit": Phase.BEFORE,
        "reset-before-commit": Phase.BEFORE,
        "error-before-commit": Phase.BEFORE,
        "hang-before-commit": Phase.BEFORE,
        "rate-limit": Phase.BEFORE,
        "rate-limit-block": Phase.BEFORE,
        "lose-after-commit": Phase.AFTER,
        "reset-after-commit": Phase.AFTER,
        "error-after-commit": Phase.AFTER,
        "hang-after-commit": Phase.AFTER,
        "slow": Phase.AFTER,
        "trickle": Phase.AFTER,
        "cut-body": Phase.AFTER,
        "malformed-json": Phase.AFTER,
    }
)
"""The faults that a chance decides on, each call for itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that hits some calls."""

    name: str
    chance: float
    """0 to 1."""
    calls: frozenset[str] = CALLS
    attempts: int = 0
    """Only the first so many attempts of the same call; 0 for all."""
    seconds: float = 1.0
    statuses: tuple[int, ...] = (500, 502, 503, 504)
    body: str = "html"
    """Of an error: html, empty or json."""
    first: int = 0
    """Number of the first call, counted from 1 over all kinds, that it may hit; 0 for no bound."""
    last: int = 0


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which nothing is handled: [start, end) in seconds since the server's start, or in calls."""

    start: float
    end: float
    in_calls: bool = False
    status: int = 503
    """0 to cut connections instead of answering."""

    def covers(self, seconds: float, call: int) -> bool:
        return self.start <= (call if self.in_calls else seconds) < self.end


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Everything that goes wrong. The empty plan is a well-behaved server."""

    seed: int = 0
    faults: tuple[Fault, ...] = ()
    outages: tuple[Outage, ...] = ()
    neighbour: float = 0.0
    """Calls a second that somebody else makes with the same token."""
    revoke_after: int = 0
    """The token is refused (401) after so many calls; 0 for never."""
    shifting_pages: float = 0.0
    """Chance that somebody inserts or deletes a tag before the next page is read."""
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Fields of SandboxSettings that the plan overrides."""

    def applied_to(self, settings: SandboxSettings) -> SandboxSettings:
        return replace(settings, **self.settings)


class Draws:
    """Decides for one server's calls; remembers only how often it has seen the same call."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._seen: dict[bytes, int] = {}

    def fault(self, kind: str, call: bytes, number: int) -> tuple[Fault, float] | None:
        """The fault that hits this call, with a further number in [0, 1) for its details; None for no fault.

        `call` is what tells it from other calls (address and body), `number` its place in the server's count.
        """
        digest = blake2b(kind.encode() + b"\0" + call, digest_size=16).digest()
        attempt = self._seen[digest] = self._seen.get(digest, 0) + 1
        for position, fault in enumerate(self._plan.faults):
            if kind not in fault.calls or (fault.attempts and attempt > fault.attempts):
                continue
            if number < fault.first or (fault.last and number > fault.last):
                continue
            key = b"%d\0%d\0%s\0%d\0" % (self._plan.seed, position, fault.name.encode(), attempt)
            drawn = blake2b(key + digest, digest_size=16).digest()
            if int.from_bytes(drawn[:8]) / 2**64 < fault.chance:
                return fault, int.from_bytes(drawn[8:]) / 2**64
        return None

    def shifts(self, number: int) -> bool:
        """Whether the list changes after the list call with this number."""
        if not self._plan.shifting_pages:
            return False
        drawn = blake2b(b"shift\0%d\0%d" % (self._plan.seed, number), digest_size=8).digest()
        return int.from_bytes(drawn) / 2**64 < self._plan.shifting_pages
