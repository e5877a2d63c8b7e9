"""What a plan costs: calls out of the shared budget, and about how long it takes."""

from __future__ import annotations

import math

from msgspec import Struct

from importer.model import Action, Plan


class Budget(Struct, frozen=True):
    """The rate limit as far as it is known. Seconds and calls."""

    quota: int = 1_200
    window: float = 300.0
    reserve: float = 0.10
    """The share of the quota that is left to people."""
    remaining: int | None = None
    """What the server says is left of the window under way; None where it has not said."""
    resets_in: float = 0.0
    """Seconds until that window is over; with `remaining`."""

    @property
    def usable(self) -> int:
        """Calls that the run may use in any one window; at least 1."""
        return max(1, math.floor(self.quota * (1 - self.reserve)))


class Cost(Struct, frozen=True):
    """Calls and expected seconds; retries and look-ups after lost answers are not foreseen."""

    creates: int
    updates: int
    deletes: int
    categories: int
    """1 where the run creates its category first."""
    seconds: float
    windows: int
    """Windows of the rate limit that the calls stretch over; 1 where they fit at once, 0 where there are none."""

    @property
    def calls(self) -> int:
        return self.creates + self.updates + self.deletes + self.categories


def cost(plan: Plan, budget: Budget | None = None, *, latency: float = 0.1, concurrency: int = 32) -> Cost:
    """The cost of applying the plan: `latency` is the seconds of one call, `concurrency` how many run at once.

    A plan that fits what is left of the budget runs at full speed; the rest follows window by window.
    """
    budget = budget or Budget()
    counts = plan.counts()
    creates, updates, deletes = (counts[item.value] for item in (Action.CREATE, Action.UPDATE, Action.DELETE))
    categories = 1 if plan.options.get("create_category") else 0
    calls = creates + updates + deletes + categories
    if calls == 0:
        return Cost(0, 0, 0, 0, 0.0, 0)
    each = latency / max(1, concurrency)
    first = budget.usable
    wait = budget.window
    if budget.remaining is not None:
        first = max(0, min(first, budget.remaining - math.ceil(budget.quota * budget.reserve)))
        wait = budget.resets_in or budget.window
    if calls <= first:
        return Cost(creates, updates, deletes, categories, max(latency, calls * each), 1)
    rest = calls - first
    full = math.ceil(rest / budget.usable)
    last = rest - (full - 1) * budget.usable
    # A window's calls leave it one window after they came: that bounds the rate, whatever the spacing.
    seconds = max(wait, first * each) + (full - 1) * max(budget.window, budget.usable * each) + last * each
    return Cost(creates, updates, deletes, categories, max(seconds, latency), full + (1 if first else 0))
