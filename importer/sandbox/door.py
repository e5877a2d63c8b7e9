"""What every call passes: its route, its token, the quota, the fault plan; then it is handled and answered."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from aiohttp import web

from importer.clock import Clock
from importer.sandbox import delivery
from importer.sandbox.answers import Answer, Refusal, enveloped, error, forbidden, no_route, result, unauthorized
from importer.sandbox.categories import Categories
from importer.sandbox.faults import PHASES, READS, Draws, Fault, FaultPlan, Phase
from importer.sandbox.quota import Quota
from importer.sandbox.settings import SandboxSettings
from importer.sandbox.statistics import Statistics
from importer.sandbox.store import Store
from importer.sandbox.tags import Query, Tags

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
_TAG = {"PATCH": "update", "DELETE": "delete"}
_CATEGORY = {"PATCH": "update-category", "DELETE": "delete-category"}
# SDK 5.9 announces the second form as the successor of the first.
_CATEGORY_PREFIXES = ("tags/categories/", "tag-categories/")


class Door:
    """One server's request handler, and the only holder of its counters."""

    def __init__(self, store: Store, settings: SandboxSettings, plan: FaultPlan, clock: Clock) -> None:
        self._store, self._plan, self._clock = store, plan, clock
        self._settings = settings = plan.applied_to(settings)
        self._tags = Tags(store, settings, clock)
        self._categories = Categories(store, settings.account_id, self._tags, clock)
        self._quota = Quota(settings, clock, plan.neighbour)
        self._draws = Draws(plan)
        self._prefix = f"/client/v4/accounts/{settings.account_id}/cloudforce-one/events/"
        self._started = clock.monotonic()
        self._authentic = 0
        self._intruders = 0
        self.statistics = Statistics()
        self._handlers: Mapping[str, Callable[[str, bytes, Query], Answer]] = {
            "create": lambda _, body, __: self._tags.create(body),
            "list": lambda _, __, query: self._tags.list(query),
            "update": lambda uuid, body, _: self._tags.update(uuid, body),
            "delete": lambda uuid, _, __: self._tags.delete(uuid),
            "create-category": lambda _, body, __: self._categories.create(body),
            "list-categories": lambda _, __, query: self._categories.list(query),
            "update-category": lambda uuid, body, _: self._categories.update(uuid, body),
            "delete-category": lambda uuid, _, __: self._categories.delete(uuid),
        }

    def report(self) -> dict[str, object]:
        """The statistics as one JSON object."""
        return self.statistics.report(self._store, self._settings.account_id, self._quota)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; never raises but on cancellation."""
        if request.path == STATS_PATH:
            return delivery.response(result(self.report()), {})
        token = self._token(request)
        if not token:
            self.statistics.calls["other"] += 1
            return self._send(unauthorized(), {})
        refused = None
        try:
            kind, uuid = self._route(request, token)
        except Refusal as refusal:
            kind, uuid, refused = "other", "", refusal.answer
        self.statistics.calls[kind] += 1
        self._authentic += 1
        number = self._authentic
        if 0 < self._plan.revoke_after < number:
            return self._send(unauthorized(), {})
        for outage in self._plan.outages:
            if outage.covers(self._clock.monotonic() - self._started, number):
                self.statistics.faults["outage"] += 1
                if not outage.status:
                    return self._cut(request, reset=False)
                return self._send(delivery.failure(Fault("outage", 1, statuses=(outage.status,)), 0), {})
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
            return self._cut(request, reset=False)  # the caller left before it had sent everything
        # The body is in by now: a caller that gives up waiting does not stop what it has asked for.
        if self._settings.latency:
            await self._clock.sleep(self._settings.latency)
        drawn = None
        if self._plan.faults:
            drawn = self._draws.fault(kind, request.path_qs.encode() + b"\0" + body, number)
        if drawn is None:
            return self._send(await self._handled(kind, uuid, body, request, number), verdict.headers)
        return await self._misbehave(
            *drawn, token, verdict.headers, request, lambda: self._handled(kind, uuid, body, request, number)
        )

    def _token(self, request: web.Request) -> str:
        """The caller's token; empty for none or one that is not known."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        known = (self._settings.token, self._settings.read_only_token)
        return token if scheme.lower() == "bearer" and token in known else ""

    def _route(self, request: web.Request, token: str) -> tuple[str, str]:
        """The kind of call and the uuid in its address. Refusal (404, 405, or 403 for a write without permission)."""
        path = request.path
        if not path.startswith(self._prefix):
            raise Refusal(no_route(path))
        rest = path[len(self._prefix) :]
        uuid = ""
        methods = _FIXED.get(rest)
        if methods is None:
            head = next((prefix for prefix in (*_CATEGORY_PREFIXES, "tags/") if rest.startswith(prefix)), "")
            uuid = rest[len(head) :]
            if not head or not uuid or "/" in uuid:
                raise Refusal(no_route(path))
            methods = _TAG if head == "tags/" else _CATEGORY
        kind = methods.get(request.method)
        if kind is None:
            raise Refusal(error(405, 10405, f"Method {request.method} not allowed", {"Allow": ", ".join(methods)}))
        if kind not in READS and token != self._settings.token:
            raise Refusal(forbidden())
        return kind, uuid

    async def _handled(self, kind: str, uuid: str, body: bytes, request: web.Request, number: int) -> Answer:
        query = list(request.query.items()) if kind in READS else []
        try:
            answer = await self._undisturbed(lambda: self._handlers[kind](uuid, body, query))
        except Refusal as refusal:
            return refusal.answer
        except sqlite3.OperationalError:
            _LOG.exception("the sandbox's store failed")
            return _store_failed()
        if not await self._store.settled():
            return _store_failed()
        if kind not in READS:
            self.statistics.committed[kind] += 1
        elif kind == "list" and self._draws.shifts(number):
            await self._undisturbed(self._shift_pages)
        return replace(answer, body=enveloped(answer.body)) if self._settings.envelope else answer

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
        """Insert a tag before all others, or take the last intruder away again."""
        if self._intruders % 2:
            self._tags.withdraw()
        else:
            self._tags.intrude(f"Somebody else's tag {self._intruders // 2 + 1}")
        self._intruders += 1
        self.statistics.faults["shifting-pages"] += 1

    async def _misbehave(
        self,
        fault: Fault,
        draw: float,
        token: str,
        headers: Mapping[str, str],
        request: web.Request,
        handle: Callable[[], Awaitable[Answer]],
    ) -> web.StreamResponse:
        name = fault.name
        self.statistics.faults[name] += 1
        answer = await handle() if PHASES[name] is Phase.AFTER else None
        if name.startswith("hang"):
            await self._clock.sleep(fault.seconds)
        if name.startswith(("lose", "reset", "hang")):
            return self._cut(request, reset=name.startswith("reset"))
        if name.startswith("rate-limit"):
            if name == "rate-limit-block":
                self._quota.block(token, fault.seconds)
            return self._send(_too_many(), {**headers, "Retry-After": str(max(1, math.ceil(fault.seconds)))})
        if answer is None or name == "error-after-commit":
            return self._send(delivery.failure(fault, draw), headers)
        if name == "slow":
            await self._clock.sleep(fault.seconds)
            return self._send(answer, headers)
        if name == "malformed-json":
            return self._send(delivery.malformed(answer), headers)
        answer = replace(answer, headers={**answer.headers, **headers})
        self.statistics.answers[str(answer.status)] += 1
        if name == "cut-body":
            return await delivery.cut_body(request, answer)
        return await delivery.trickle(request, answer, fault.seconds, self._clock)

    def _send(self, answer: Answer, headers: Mapping[str, str]) -> web.Response:
        self.statistics.answers[str(answer.status)] += 1
        return delivery.response(answer, headers)

    def _cut(self, request: web.Request, *, reset: bool) -> web.Response:
        self.statistics.answers["none"] += 1
        return delivery.cut(request, reset=reset)


def _too_many() -> Answer:
    return error(429, 971, "Please wait and consider throttling your request speed")


def _store_failed() -> Answer:
    return error(503, 10001, "The sandbox's store is locked or full")
