"""What the hostile server does to a call, drawn from a seed: nothing here knows the program under test."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What happens to one call."""

    NONE = ""
    LOST = "lost"
    """Carried out, and the connection is cut instead of an answer."""
    CUT = "cut"
    """The connection is cut and nothing is carried out."""
    ERROR_BEFORE = "error-before"
    """5xx, nothing carried out."""
    ERROR_AFTER = "error-after"
    """5xx although it was carried out."""
    SLOW_BEFORE = "slow-before"
    """Carried out late, answered later than any client waits."""
    SLOW_AFTER = "slow-after"
    """Carried out at once, answered later than any client waits."""
    GARBAGE = "garbage"
    """Carried out, answered with 200 and something that is not the JSON of a tag."""


@dataclass(frozen=True, slots=True)
class Hostility:
    """How bad the server is. Shares are 0 to 1 of all calls, times are seconds."""

    seed: int = 0
    lost: float = 0.0
    cut: float = 0.0
    error: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 40.0
    garbage: float = 0.0
    latency: float = 0.0
    """Of a call, half of it before it is counted and carried out; drawn from half to one and a half of it."""
    answer_latency: float = 0.0
    """Between a call being carried out and its answer, on top."""
    lag: float = 0.0
    """Until a new tag shows in lists, searches and filters."""
    filters: str = "json"
    """json | dotted | ignored | refused"""
    search: str = "works"
    """works | ignored"""
    page_limit: int = 1000
    """Largest page, whatever is asked for."""
    shift: float = 0.0
    """Chance that a stranger's tag comes or goes at the head of the list between two pages."""
    envelope: str = "bare"
    """bare | wrapped | mixed"""
    unique: bool = False
    """Whether a name that exists is refused (409)."""
    quota: int = 0
    """Calls in `window` seconds; 0 for no limit."""
    window: float = 5.0
    block: float = 0.0
    """Seconds for which everything is refused after the quota was exceeded; 0 for none."""
    neighbour: float = 0.0
    """Calls a second that somebody else makes with the same token."""
    headers: str = "right"
    """right | none | wrong: the Ratelimit headers"""
    revoke_after: int = 0
    """Calls after which the token is refused; 0 for never."""
    revoke_status: int = 401
    outage_after: int = 0
    """Calls after which every call gets 503 for `outage_seconds`; 0 for never."""
    outage_seconds: float = 1e9
    refuse: float = 0.0
    """Share of names that are refused with 400, whenever they are sent."""


def draw(hostility: Hostility, number: int) -> tuple[Fault, random.Random]:
    """The fault of call `number`, and the dice for its details. The same for the same seed and number."""
    dice = random.Random(f"{hostility.seed}:{number}")
    roll = dice.random()
    for share, fault in (
        (hostility.lost, Fault.LOST),
        (hostility.cut, Fault.CUT),
        (hostility.error / 2, Fault.ERROR_BEFORE),
        (hostility.error / 2, Fault.ERROR_AFTER),
        (hostility.slow / 2, Fault.SLOW_BEFORE),
        (hostility.slow / 2, Fault.SLOW_AFTER),
        (hostility.garbage, Fault.GARBAGE),
    ):
        if roll < share:
            return fault, dice
        roll -= share
    return Fault.NONE, dice
