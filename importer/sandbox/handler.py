"""What every call passes: its route, its token, the quota, the faults; then it is handled and answered."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from aiohttp import web

from importer.clock import Clock
from importer.sandbox import faults
from importer.sandbox.answers import Answer, Refusal, enveloped, error, result
from importer.sandbox.categories import Categories
from importer.sandbox.faults import Draws
from importer.sandbox.filters import Query
from importer.sandbox.quota import Quota
from importer.sandbox.settings import AT_THE_EDGE, READS, Fault, SandboxSettings
from importer.sandbox.store import Store, TagQuery
from importer.sandbox.tags import Tags

STATS_PATH = "/sandbox/stats"
_Done = TypeVar("_Done")
_PAUSE, _PATIENCE = 0.002, 5_000
_LOG = logging.getLogger(__name__)
_FIXED = {
    "tags/create": {"POST": "create"},
    "tags": {"GET": "list"},
    "tags/categories": {"GET": "list-categories"},
    "tags/categories/create": {"POST": "create-category"},
}
_CATEGORY = {"GET": "get-category", "PATCH": "update-category", "DELETE": "delete-category"}
_OLD, _NEW = "tags/categories/", "tag-categories/"
_BY_UUID = {_OLD: _CATEGORY, _NEW: _CATEGORY, "tags/": {"PATCH": "update", "DELETE": "delete"}}
_INDICATORS = "/indicators"
_MISSING = {"both": "", "old": _NEW, "new": _OLD}


class Handler:
    """One server's request handler, and the only holder of its counters."""

    def __init__(self, store: Store, settings: SandboxSettings, clock: Clock) -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self._quota = Quota(settings, clock)
        self._tags = tags = Tags(store, settings, clock)
        categories = Categories(store, tags, clock)
        self._edge, self._calls, self._pages = (
            Draws([fault for fault in settings.faults if stage == _stage(fault)], settings.seed)
            for stage in ("edge", "call", "pages")
        )
        self._prefix = f"/client/v4/accounts/{settings.account_id}/cloudforce-one/events/"
        self._started = clock.monotonic()
        self._number = self._foreign = 0
        self._counts = {name: Counter[str]() for name in ("calls", "answers", "committed", "faults")}
        self._handlers: Mapping[str, Callable[[str, bytes, Query], Answer]] = {
            "create": lambda _, body, __: tags.create(body),
            "list": lambda _, __, query: tags.list(query),
            "update": lambda uuid, body, _: tags.update(uuid, body),
            "delete": lambda uuid, _, __: tags.delete(uuid),
            "list-indicators": lambda uuid, _, __: tags.indicators(uuid),
            "create-category": lambda _, body, __: categories.create(body),
            "list-categories": lambda _, __, query: categories.list(query),
            "get-category": lambda uuid, _, __: categories.get(uuid),
            "update-category": lambda uuid, body, _: categories.update(uuid, body),
            "delete-category": lambda uuid, _, __: categories.delete(uuid),
        }

    def statistics(self) -> dict[str, object]:
        """What happened since the server's start (of tags: what the store holds), for tests to compare with.

        `calls` by kind, `answers` by status (`none` for a cut connection), `committed` writes by kind, answered or
        not, and `faults` by name.
        """
        foreign, duplicates = self._store.foreign_tags(), self._store.duplicate_names()
        return {
            **{name: dict(counts) for name, counts in self._counts.items()},
            "total_calls": self._counts["calls"].total(),
            "rate_limited": self._counts["answers"]["429"],
            "blocks": self._quota.blocks,
            "max_calls_in_window": self._quota.most_in_window,
            "max_counted_in_window": self._quota.most_counted,
            "neighbour_calls": self._quota.neighbour_calls,
            "tags": self._store.count(TagQuery()) - foreign,
            "foreign_tags": foreign,
            "duplicates": sum(count - 1 for _, count in duplicates),
            "duplicate_names": [name for name, _ in duplicates[:100]],
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; never raises but on cancellation."""
        if request.path == STATS_PATH:
            return faults.response(result(self.statistics()), {})
        token = self._token(request)
        if not token:
            self._counts["calls"]["other"] += 1
            return self._send(_unauthorized(), {})
        refused = None
        try:
            kind, uuid = self._route(request, token)
        except Refusal as refusal:
            kind, uuid, refused = "other", "", refusal.answer
        self._counts["calls"][kind] += 1
        self._number += 1
        number = self._number
        address = request.path_qs.encode()
        if drawn := self._edge.draw(kind, address, number, self._elapsed()):
            return self._at_the_edge(*drawn, request)
        verdict = self._quota.admit(token)
        if not verdict.allowed:
            return self._send(_too_many(), verdict.headers)
        if refused is not None:
            return self._send(refused, verdict.headers)
        try:
            body = await request.read() if request.can_read_body else b""
        except web.HTTPRequestEntityTooLarge:
            return self._send(error(413, 10413, "The request body is too large"), verdict.headers)
        except ConnectionError:
            return self._cut(request)  # the caller left before it had sent everything
        # The body is in by now: a caller that gives up waiting does not stop what it has asked for.
        if self._settings.latency:
            await self._clock.sleep(self._settings.latency)

        def handle() -> Awaitable[Answer]:
            return self._handled(kind, uuid, body, request, number)

        if drawn := self._calls.draw(kind, address + b"\0" + body, number, self._elapsed()):
            return await self._misbehave(*drawn, token, verdict.headers, request, handle)
        return self._send(await handle(), verdict.headers)

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._started

    def _token(self, request: web.Request) -> str:
        """The caller's token; empty for none or one that is not known."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        known = (self._settings.token, self._settings.read_only_token)
        return token if scheme.lower() == "bearer" and token in known else ""

    def _route(self, request: web.Request, token: str) -> tuple[str, str]:
        """The kind of call and the uuid in its address. Refusal (404, 405, or 403 for a write without permission)."""
        path = request.path
        rest = path.removeprefix(self._prefix) if path.startswith(self._prefix) else ""
        uuid, methods = "", _FIXED.get(rest)
        if methods is None:
            missing = _MISSING[self._settings.category_paths]
            head = next((prefix for prefix in _BY_UUID if prefix != missing and rest.startswith(prefix)), "")
            uuid = rest.removeprefix(head)
            if head == "tags/" and self._settings.indicators is not None and uuid.endswith(_INDICATORS):
                uuid, head = uuid.removesuffix(_INDICATORS), _INDICATORS
            if not head or not uuid or "/" in uuid:
                message = f"Could not route to {path}, perhaps your object identifier is invalid?"
                raise Refusal(error(404, 7003, message))
            methods = _BY_UUID.get(head, {"GET": "list-indicators"})
        kind = methods.get(request.method)
        if kind is None:
            raise Refusal(error(405, 10405, f"Method {request.method} not allowed", {"Allow": ", ".join(methods)}))
        if kind not in READS and token != self._settings.token:
            message = "Authentication error: the token lacks the permission Cloudforce One Write"
            raise Refusal(error(403, 10000, message))
        return kind, uuid

    async def _handled(self, kind: str, uuid: str, body: bytes, request: web.Request, number: int) -> Answer:
        query = list(request.query.items()) if kind in READS else []
        try:
            answer = await self._undisturbed(lambda: self._handlers[kind](uuid, body, query))
        except Refusal as refusal:
            return refusal.answer
        except sqlite3.OperationalError:
            _LOG.exception("the sandbox's store failed")
            return error(503, 10001, "The sandbox's store is locked or full")
        if kind not in READS:
            self._counts["committed"][kind] += 1
        elif kind == "list" and self._pages.draw(kind, b"", number, self._elapsed()):
            await self._undisturbed(self._shift_pages)
        return enveloped(answer) if self._settings.envelope else answer

    async def _undisturbed(self, work: Callable[[], _Done]) -> _Done:
        """Do the work once no other process, or other server in this loop, is writing."""
        patience = _PATIENCE
        while True:
            try:
                return work()
            except sqlite3.OperationalError as problem:
                # A step begins with its lock, so that nothing of it has happened when the lock is taken.
                if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or not patience:
                    raise
            patience -= 1
            await asyncio.sleep(_PAUSE)

    def _shift_pages(self) -> None:
        """Insert a foreign tag before all others, or take the last one away again."""
        if self._foreign % 2:
            self._store.remove_foreign_tag()
        else:
            self._tags.add_foreign(f"Somebody else's tag {self._foreign // 2 + 1}")
        self._foreign += 1
        self._counts["faults"]["shift-pages"] += 1

    def _at_the_edge(self, fault: Fault, draw: float, request: web.Request) -> web.Response:
        self._counts["faults"][fault.do] += 1
        if fault.do == "outage-cut":
            return self._cut(request)
        return self._send(_unauthorized() if fault.do == "refuse-token" else faults.failure(fault, draw), {})

    async def _misbehave(
        self,
        fault: Fault,
        draw: float,
        token: str,
        headers: Mapping[str, str],
        request: web.Request,
        handle: Callable[[], Awaitable[Answer]],
    ) -> web.StreamResponse:
        name = fault.do
        self._counts["faults"][name] += 1
        if name.startswith("rate-limit"):
            if name == "rate-limit-block":
                self._quota.block(token, fault.seconds)
            return self._send(_too_many(), {**headers, "Retry-After": str(max(1, math.ceil(fault.seconds)))})
        answer = None if name.endswith("before-commit") else await handle()
        if name.startswith(("hang", "slow")):
            await self._clock.sleep(fault.seconds)
        if name.startswith(("lose", "reset", "hang")):
            return self._cut(request, reset=name.startswith("reset"))
        if answer is None or name == "error-after-commit":
            return self._send(faults.failure(fault, draw), headers)
        if name == "slow":
            return self._send(answer, headers)
        if name == "malformed-json":
            return self._send(faults.malformed(answer), headers)
        answer = answer._replace(headers={**answer.headers, **headers})
        self._counts["answers"][str(answer.status)] += 1
        if name == "cut-body":
            return await faults.cut_body(request, answer)
        return await faults.trickle(request, answer, fault.seconds, self._clock)

    def _send(self, answer: Answer, headers: Mapping[str, str]) -> web.Response:
        self._counts["answers"][str(answer.status)] += 1
        return faults.response(answer, headers)

    def _cut(self, request: web.Request, *, reset: bool = False) -> web.Response:
        self._counts["answers"]["none"] += 1
        return faults.cut(request, reset=reset)


def _stage(fault: Fault) -> str:
    return "edge" if fault.do in AT_THE_EDGE else "pages" if fault.do == "shift-pages" else "call"


def _unauthorized() -> Answer:
    return error(401, 10000, "Authentication error")


def _too_many() -> Answer:
    return error(429, 971, "Please wait and consider throttling your request speed")
