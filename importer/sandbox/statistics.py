"""The server's own account of what happened, so that a test can hold the client's against it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from importer.sandbox.quota import Quota
from importer.sandbox.store import Store, TagQuery


@dataclass(slots=True)
class Statistics:
    """Counts since the server started (the store's numbers: of the whole store)."""

    calls: Counter[str] = field(default_factory=Counter)
    """By kind: `create`, `list`, `update`, `delete`, `create-category`..., `other`."""
    answers: Counter[str] = field(default_factory=Counter)
    """By status as text; `none` where the connection was cut instead."""
    committed: Counter[str] = field(default_factory=Counter)
    """Writes that took effect, by kind, answered or not."""
    faults: Counter[str] = field(default_factory=Counter)
    """Injected faults, by name."""

    def report(self, store: Store, account: str, quota: Quota) -> dict[str, Any]:
        """Everything as one JSON object."""
        foreign = store.foreign_tags(account)
        duplicates = store.duplicate_names(account)
        return {
            "calls": dict(self.calls),
            "total_calls": self.calls.total(),
            "answers": dict(self.answers),
            "committed": dict(self.committed),
            "faults": dict(self.faults),
            "rate_limited": self.answers["429"],
            "blocks": quota.blocks,
            "max_calls_in_window": quota.most_in_window,
            "max_counted_in_window": quota.most_counted,
            "neighbour_calls": quota.neighbour_calls,
            "tags": store.count(TagQuery(account)) - foreign,
            "foreign_tags": foreign,
            "duplicates": sum(count - 1 for _, count in duplicates),
            "duplicate_names": [name for name, _ in duplicates[:100]],
        }
