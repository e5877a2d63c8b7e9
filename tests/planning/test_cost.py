"""What a plan costs in calls and time."""

from __future__ import annotations

import pytest

from importer.planning.cost import Budget, cost

from .examples import draft, drafts, plan, tag


def seconds(number: int, budget: Budget) -> float:
    return cost(
        plan(drafts(*(draft(f"A{item}") for item in range(number)))), budget, latency=0.1, concurrency=10
    ).seconds


def test_calls_are_counted_by_kind() -> None:
    """Each create, update and category that is to be made is one call; rows that send nothing are none."""
    rows = drafts(draft("A", priority=1), draft("B"), draft("C"))
    found = cost(plan(rows, [tag("A"), tag("B")], [], mode="upsert", category="New", create_category=True))
    assert (found.creates, found.updates, found.deletes, found.categories, found.calls) == (1, 1, 0, 1, 3)
    nothing = cost(plan([draft("B")], [tag("B")]))
    assert (nothing.calls, nothing.seconds, nothing.windows) == (0, 0.0, 0)


def test_what_fits_the_budget_runs_at_full_speed() -> None:
    """100 calls that fit the quota take the time of their requests alone."""
    assert seconds(100, Budget(quota=200, window=300, reserve=0.1)) == pytest.approx(1.0)


def test_what_does_not_fit_waits_for_the_next_window() -> None:
    """With 90 usable calls a window, 200 calls need two more windows."""
    found = cost(plan(drafts(*(draft(f"A{item}") for item in range(200)))), Budget(100, 10.0, 0.1))
    assert found.windows == 3
    assert 20 <= found.seconds < 21


def test_what_others_have_used_up_counts() -> None:
    """When the server says that little is left, the plan waits for the reset before it goes on."""
    assert seconds(50, Budget(100, 300.0, 0.1, remaining=10, resets_in=42.0)) == pytest.approx(42.5)
