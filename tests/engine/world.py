"""An account in virtual time: every call's moment and every write of the program's is under a test's eye."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from importer.clock import Clock
from importer.engine.stop import StopSignal
from importer.fields.names import identity_key
from importer.model import Change, Json, Plan, Tag
from importer.remote.failures import CallFailed, failure
from importer.remote.pacer import PacerSettings
from importer.remote.wire import TagAnswer

from ..planning.examples import ACCOUNT


class Killed(BaseException):
    """What a kill -9 looks like from inside."""


@dataclass
class World:
    """An account, with an eye on every write of the program's."""

    clock: Clock
    tags: dict[str, Tag] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    faults: deque[str] = field(default_factory=deque)
    meanwhile: deque[Callable[[], object]] = field(default_factory=deque)
    stop: StopSignal | None = None
    plan: Plan | None = None
    seen: dict[str, Tag] = field(default_factory=dict)
    filters: bool = True
    count: int = 0
    settings: Any = field(default_factory=lambda: SimpleNamespace(account_id=ACCOUNT, total_timeout=30.0))
    pacer: Any = field(default_factory=lambda: SimpleNamespace(
        waits=0, waited=0.0, settings=PacerSettings(), abort=lambda error: None, left=lambda: 1_000_000,
    ))  # fmt: skip
    tags_a_page: int = 1
    lag: float = 0.0
    """Seconds until a new tag shows."""
    read_seconds: float = 0.0
    """How long the answer to a read takes; it is as things were when the read came."""
    turn_seconds: float = 0.0
    """How long a write waits for its turn under the limit."""
    misnames: deque[str] = field(default_factory=deque)
    """Names that the next answers to creates give instead of the right one."""
    calls: list[str] = field(default_factory=list)
    born: dict[str, float] = field(default_factory=dict)

    # -- what others do

    def make(self, name: str, **fields: Json) -> Tag:
        self.count += 1
        held = Tag(f"uuid-{self.count}", name, fields, 1.0, "", f"2026-01-01T00:00:00.{self.count:06d}Z")
        self.tags[held.uuid] = held
        self.born[held.uuid] = self.clock.monotonic()
        return held

    def named(self, name: str) -> list[Tag]:
        return [tag for tag in self.tags.values() if identity_key(tag.name) == identity_key(name)]

    def write(self, tag: Tag, fields: dict[str, Json]) -> None:
        self.count += 1
        merged = {**tag.fields, **fields}
        if "properties" in fields:
            merged["properties"] = {**tag.fields.get("properties", {}), **fields["properties"]}
        merged = {key: value for key, value in merged.items() if value not in (None, "")}
        self.tags[tag.uuid] = Tag(
            tag.uuid, tag.name, merged, tag.version + 1, "", f"2026-01-01T00:00:00.{self.count:06d}Z"
        )

    # -- the program's calls

    async def create(
        self, body: bytes, *, key: str, before: Callable[[], Awaitable[None]], read: object = None
    ) -> TagAnswer:
        return cast(TagAnswer, await self._call(before, lambda: self._create(json.loads(body))))

    async def update(
        self, uuid: str, body: bytes, *, key: str, before: Callable[[], Awaitable[None]], read: object = None
    ) -> TagAnswer:
        return cast(TagAnswer, await self._call(before, lambda: self._update(key, uuid, json.loads(body))))

    async def delete(self, uuid: str, *, key: str, before: Callable[[], Awaitable[None]]) -> None:
        await self._call(before, lambda: self._delete(key, uuid))

    async def list_tags(self) -> list[Tag]:
        return await self._read("list", lambda tag: True)

    async def filter_tags(self, filters: str) -> list[Tag]:
        (wanted,) = json.loads(filters)
        keys = {identity_key(value) for value in wanted["value"]}
        of_uuid = wanted["field"] == "uuid"
        return await self._read("filter", lambda tag: (tag.uuid if of_uuid else identity_key(tag.name)) in keys)

    async def search_tags(self, text: str) -> list[Tag]:
        return await self._read("search", lambda tag: text.lower() in tag.name.lower())

    async def _read(self, call: str, asked: Callable[[Tag], bool]) -> list[Tag]:
        self.calls.append(call)
        shown = self.clock.monotonic() - self.lag
        found = [tag for tag in self.tags.values() if self.born[tag.uuid] <= shown]
        if call != "list" and self.filters:
            found = [tag for tag in found if asked(tag)]
        if self.read_seconds:
            await self.clock.sleep(self.read_seconds)
        return found

    async def _call(self, before: Callable[[], Awaitable[None]], commit: Callable[[], Tag | None]) -> Any:
        if self.turn_seconds:
            await self.clock.sleep(self.turn_seconds)
        await before()
        self.calls.append("write")
        fault = self.faults.popleft() if self.faults else ""
        if fault == "stop" and self.stop is not None:
            self.stop.request("stopped by a test")
        if fault == "kill":
            raise Killed
        if fault == "limited":
            await self.clock.sleep(301.3)
            raise CallFailed(failure("rate-limited"))
        answer = None if fault == "cut" else commit()
        if fault == "kill after":
            raise Killed
        await self.clock.sleep(0.1)
        if self.meanwhile:
            self.meanwhile.popleft()()
        await self.clock.sleep(0.1)
        if fault in ("lost", "cut"):
            raise CallFailed(failure("disconnected"))
        if answer is None:
            return None
        name = self.misnames.popleft() if self.misnames else answer.name
        return TagAnswer(answer.uuid, name, answer.version, answer.updated_at)

    def _create(self, body: dict[str, Json]) -> Tag:
        name = body.pop("value")
        if there := self.named(name):
            self.wrong.append(f"{name!r} was made beside {there}")
        return self.make(name, **body)

    def _update(self, key: str, uuid: str, body: dict[str, Json]) -> Tag:
        tag, change = self._there(uuid), self._change(key)
        for item in change.differences:
            now = tag.fields.get(item.field)
            if item.field == "properties":
                now = {key: (now or {}).get(key) for key in item.new}
            if now not in (item.old, item.new) and not (now is None and item.new in ("", None)):
                self.wrong.append(f"{tag} was written over with {body}")
        if self.plan is not None and self.plan.mode == "undo":
            self._untouched(key, tag)
        self.write(tag, body)
        return self.tags[uuid]

    def _delete(self, key: str, uuid: str) -> None:
        self._untouched(key, self._there(uuid))
        del self.tags[uuid]

    def _untouched(self, key: str, tag: Tag) -> None:
        if tag != self.seen[tag.uuid]:
            self.wrong.append(f"{tag} was deleted or put back, and was {self.seen[tag.uuid]}")

    def _there(self, uuid: str) -> Tag:
        if uuid not in self.tags:
            raise CallFailed(failure("not-found"), status=404)
        return self.tags[uuid]

    def _change(self, key: str) -> Change:
        assert self.plan is not None
        return next(change for change in self.plan.changes if change.key == key)
