"""What is counted of the calls of a run."""

from __future__ import annotations

from importer.remote.events import CallFinished, Retrying, Waiting
from importer.reports.run_record import Traffic, TrafficCounter


def test_only_waits_for_the_limit_are_told_as_such() -> None:
    """A pause because the server fails is not a wait for the rate limit; those for a limit are, in seconds."""
    counter = TrafficCounter()
    for event in (
        CallFinished("create", 429, 0.1), Retrying("create", "k", 1, "rate-limited", 0.0), Waiting(5.0, "outage"),
        Waiting(2.0, "blocked"), Waiting(1.0, "quota"), Waiting(0.5, "shared"),
    ):  # fmt: skip
        counter.observe(event)
    assert counter.traffic() == Traffic(
        {"create": 1}, retries=1, waits=3, waited=3.5, too_many=1, outages=1, outage_seconds=5.0
    )
