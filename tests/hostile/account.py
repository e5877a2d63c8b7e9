"""The account that the hostile server keeps: tags, when they become visible, and the truth about every change."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

CATEGORY = {"uuid": "11111111-2222-4333-8444-555555555555", "name": "Actors", "description": "", "schema": None}


class Refused(Exception):
    """A call that a working server says no to: status and sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Held:
    """A tag as the server holds it."""

    uuid: str
    body: dict[str, Any]
    made: float
    foreign: bool = False
    version: int = 1
    updated: str = ""
    created: str = ""

    @property
    def name(self) -> str:
        return str(self.body["value"])

    def answer(self) -> dict[str, Any]:
        return {
            "uuid": self.uuid, **self.body, "categoryName": None, "createdAt": self.created,
            "updatedAt": self.updated, "version": self.version,
        }  # fmt: skip


@dataclass(slots=True)
class HostileAccount:
    """Everything that was ever committed, in order."""

    lag: float = 0.0
    unique: bool = False
    refuse: float = 0.0
    tags: dict[str, Held] = field(default_factory=dict)
    commits: list[tuple[float, str, str, str]] = field(default_factory=list)
    """(time, create|update|delete, uuid, name): the truth log of changes."""

    # -- changes

    def create(self, body: Any, *, foreign: bool = False) -> Held:
        if not isinstance(body, dict) or not isinstance(body.get("value"), str) or not body["value"].strip():
            raise Refused(400, "value is required")
        name = body["value"]
        if self.refuse and random.Random(name).random() < self.refuse:
            raise Refused(400, f"{name[:40]} is not liked here")
        if self.unique and any(held.name.casefold() == name.casefold() for held in self.tags.values()):
            raise Refused(409, "a tag with this value already exists")
        stamp = _stamp()
        held = Held(str(uuid.uuid4()), dict(body), time.monotonic(), foreign, created=stamp, updated=stamp)
        self.tags[held.uuid] = held
        if not foreign:
            self.commits.append((held.made, "create", held.uuid, name))
        return held

    def update(self, key: str, body: Any) -> Held:
        held = self._there(key)
        for name, value in dict(body).items():
            if value is None:
                held.body.pop(name, None)
            else:
                held.body[name] = value
        held.version += 1
        held.updated = _stamp()
        self.commits.append((time.monotonic(), "update", key, held.name))
        return held

    def delete(self, key: str) -> Held:
        held = self._there(key)
        del self.tags[key]
        self.commits.append((time.monotonic(), "delete", key, held.name))
        return held

    def shift(self, dice: random.Random) -> None:
        """A stranger's tag comes, or one goes."""
        strangers = [held for held in self.tags.values() if held.foreign]
        if strangers and dice.random() < 0.5:
            del self.tags[dice.choice(strangers).uuid]
        else:
            made = self.create({"value": f"stranger {dice.random()}"}, foreign=True)
            made.made -= self.lag

    def _there(self, key: str) -> Held:
        if key not in self.tags:
            raise Refused(404, "no such tag")
        return self.tags[key]

    # -- views

    def visible(self) -> list[Held]:
        """What reads show by now, the newest first."""
        latest = time.monotonic() - self.lag
        return [held for held in reversed(self.tags.values()) if held.made <= latest]

    def ours(self) -> list[Held]:
        """What stands there in truth, strangers left out."""
        return [held for held in self.tags.values() if not held.foreign]

    def repeated(self) -> list[str]:
        """Names that more than one tag has."""
        seen: dict[str, int] = {}
        for held in self.ours():
            seen[held.name.casefold()] = seen.get(held.name.casefold(), 0) + 1
        return sorted(name for name, count in seen.items() if count > 1)


def matching(tags: Iterable[Held], rules: Iterable[Mapping[str, Any]]) -> list[Held]:
    """Tags that satisfy all filter rules. Raises Refused as the real filter does."""
    found = list(tags)
    for rule in rules:
        wanted = rule.get("value")
        if rule.get("field") not in ("value", "uuid") or rule.get("op") not in ("in", "equals"):
            raise Refused(400, "unknown filter")
        names = wanted if isinstance(wanted, list) else [wanted]
        if len(names) > 100:
            raise Refused(400, "at most 100 values")
        keys = {str(name).lower() for name in names}
        found = [held for held in found if (held.name if rule["field"] == "value" else held.uuid).lower() in keys]
    return found


def searched(tags: Iterable[Held], text: str) -> list[Held]:
    """Tags in whose name or properties the text stands."""
    low = text.lower()
    return [held for held in tags if low in held.name.lower() or low in str(held.body.get("properties", "")).lower()]


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
