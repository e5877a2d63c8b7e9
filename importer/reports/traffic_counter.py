"""Counts the calls of a run from its events; nothing else has to keep book for the summary."""

from __future__ import annotations

from collections import Counter

from importer.engine.events import CallFinished, Event, Retrying, Waiting
from importer.reports.run_record import Traffic


class TrafficCounter:
    """An observer that adds up what was asked of the API."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._retries = 0
        self._waits = 0
        self._waited = 0.0
        self._too_many = 0
        self._outages = 0
        self._outage_seconds = 0.0

    def observe(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, CallFinished):
            self._calls[event.call] += 1
            self._too_many += event.status == 429
        elif isinstance(event, Retrying):
            self._retries += 1
        elif isinstance(event, Waiting) and event.why == "outage":
            self._outages += 1
            self._outage_seconds += event.seconds
        elif isinstance(event, Waiting):
            self._waits += 1
            self._waited += event.seconds

    def traffic(self) -> Traffic:
        """What has been counted up to now."""
        return Traffic(
            dict(self._calls), self._retries, self._waits, self._waited, self._too_many, self._outages,
            self._outage_seconds,
        )  # fmt: skip
