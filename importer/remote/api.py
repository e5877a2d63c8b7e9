"""The Cloudforce One tags API of one account: every call of the program goes through here, and through one pacer.

Reads are tried again by themselves; writes are made once, and what a failure means is left to the engine.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from yarl import URL

from importer.clock import Clock, SystemClock
from importer.errors import UsageError
from importer.model import Category, Json, Tag
from importer.remote.events import Observe, ignore
from importer.remote.failures import CallFailed, Meaning, failure
from importer.remote.pacer import Earlier, Pacer, PacerSettings
from importer.remote.pages import Page, read_pages
from importer.remote.retry import again
from importer.remote.settings import ApiSettings
from importer.remote.transport import Before, Transport
from importer.remote.wire import TagAnswer, Unreadable, category_of, decode_object, decode_written, encode, tag_of

T = TypeVar("T")
_UUID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_NO_UUID: Final = replace(
    failure("bad-request"),
    code="bad-uuid",
    matches=(),
    sentence="the tag cannot be addressed by its uuid",
)
"""Nothing is sent, and other rows go on."""
_FIRST_LOOK: Final = 1.0
_NEXT_LOOK: Final = 5.0
"""Seconds between looks for a category whose answer was lost."""


class Api:
    """Account-bound. Use `open_api` to get one."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.settings = transport.settings
        self.pacer = transport.pacer
        root = URL(self.settings.base_url.rstrip("/"))
        self._events = root / "accounts" / self.settings.account_id / "cloudforce-one" / "events"
        self._tags = self._events / "tags"
        self._create = self._tags / "create"
        self.tags_a_page = self.settings.page_size or 100
        """How many tags a page of the list holds: what was asked for until an answer shows what the server gives."""
        self._written = partial(decode_written, mask=transport.mask)
        self._worked = False

    @property
    def date(self) -> str:
        """When the server gave its last answer, as its Date header says it; empty before."""
        return self._transport.date

    # -- tags

    async def create(self, body: bytes, *, key: str = "", before: Before | None = None) -> TagAnswer:
        """Create a tag from an encoded body (`wire.encode`). One attempt. Raises CallFailed."""
        return await self._write("create", "POST", self._create, body, key, before)

    async def update(self, uuid: str, body: bytes, *, key: str = "", before: Before | None = None) -> TagAnswer:
        """Change the fields in `body`, leave the others. One attempt. Raises CallFailed."""
        return await self._write("update", "PATCH", self._tag(uuid), body, key, before)

    def _write(
        self, call: str, method: str, url: URL, body: bytes, key: str, before: Before | None
    ) -> Awaitable[TagAnswer]:
        return self._transport.send(call, method, url, body, key=key, before=before, read=self._written, masks=False)

    async def delete(self, uuid: str, *, key: str = "", before: Before | None = None) -> None:
        """Delete a tag. One attempt. Raises CallFailed."""
        await self._transport.send("delete", "DELETE", self._tag(uuid), key=key, before=before)

    async def list_tags(self) -> list[Tag]:
        """All tags, each once. Raises CallFailed after `read_attempts` failures."""
        return await read_pages(self._page("list", {}), size=self.settings.page_size)

    async def count_tags(self) -> int:
        """How many tags there are, as one small page says; -1 where the server does not. Raises CallFailed."""
        return (await self._page("list", {})(1, 1)).total

    async def count_indicators(self, uuid: str) -> int:
        """How many indicators refer to a tag; -1 where the server does not say. The official SDK knows the path, the
        documentation of tags does not. Raises CallFailed."""

        def read(body: bytes) -> int:
            pagination = decode_object(body).get("pagination")
            total = pagination.get("totalCount") if isinstance(pagination, dict) else None
            return total if isinstance(total, int) else -1

        url = (self._tag(uuid) / "indicators").with_query({"page": "1", "pageSize": "1"})
        try:
            count: int = await self._read(
                "indicators", lambda: self._transport.send("indicators", "GET", url, read=read)
            )
        except CallFailed as failed:
            if failed.failure.meaning is not Meaning.REFUSED or failed.failure.stops:
                raise
            return -1
        return count

    async def search_tags(self, text: str) -> list[Tag]:
        """What the server finds for a text: at best a superset of the tags of that name."""
        return await read_pages(self._page("find", {"search": text}), size=self.settings.page_size)

    async def filter_tags(self, filters: str) -> list[Tag]:
        """What the server answers to a `filters` parameter. It may have ignored it."""
        return await read_pages(self._page("find", {"filters": filters}), size=self.settings.page_size, most=20)

    # -- categories

    async def list_categories(self) -> list[Category]:
        """All categories. Raises CallFailed."""

        def read(body: bytes) -> list[Category]:
            found = decode_object(body).get("categories")
            return [category_of(item) for item in found] if isinstance(found, list) else []

        url = self._tags / "categories"
        categories: list[Category] = await self._read(
            "categories", lambda: self._transport.send("categories", "GET", url, read=read)
        )
        return categories

    async def create_category(
        self,
        name: str,
        *,
        description: str = "",
        schema: Sequence[Json] | None = None,
        grace: float = 35.0,
        perhaps_made: bool = False,
    ) -> Category:
        """Create a category. Raises CallFailed.

        After a lost answer it is looked for by name, and posted again only when it has not shown for `grace` seconds:
        lists may lag behind writes. `perhaps_made` is for a run that died before it had the answer.
        """
        body: dict[str, Json] = {"name": name}
        if description:
            body["description"] = description
        if schema is not None:
            body["schema"] = list(schema)
        url = self._tags / "categories" / "create"
        lost: CallFailed | None = None
        believed = self._transport.clock.monotonic() + grace if perhaps_made else 0.0
        for _ in range(self.settings.read_attempts):
            if lost is not None or perhaps_made:
                retry_after = lost.retry_after if lost is not None else 0.0
                if (found := await self._category_named(name, retry_after, believed)) is not None:
                    return found
            try:
                return await self._category("category-create", "POST", url, body)
            except CallFailed as failed:
                if failed.failure.stops or failed.failure.meaning is Meaning.REFUSED:
                    raise
                if failed.failure.meaning is Meaning.AMBIGUOUS:
                    believed = self._transport.clock.monotonic() + grace
                lost = failed
        assert lost is not None
        raise lost

    async def _category_named(self, name: str, retry_after: float, believed: float) -> Category | None:
        """The category of that name as soon as it shows; None when a list begun at `believed` does not have it."""
        clock = self._transport.clock
        pause = max(_FIRST_LOOK, min(retry_after, self.pacer.settings.max_wait))
        while True:
            await clock.sleep(pause)
            began = clock.monotonic()
            named = [held for held in await self.list_categories() if held.name.casefold() == name.casefold()]
            if named:
                return named[0]
            if began >= believed:
                return None
            pause = min(_NEXT_LOOK, believed - began)

    async def update_category(self, uuid: str, body: Mapping[str, Json]) -> Category:
        """Change a category; `schema`, when given, replaces the old one. Raises CallFailed.

        The official SDK (5.9) announces that the documented path ends on 2026-11-28, and names its successor. The
        successor is tried first; a server that does not have it yet is asked the documented way.
        """
        try:
            return await self._update_category(self._events / "tag-categories" / _checked(uuid), body)
        except CallFailed as failed:
            if not _no_such_path(failed):
                raise
            try:
                return await self._update_category(self._tags / "categories" / _checked(uuid), body)
            except CallFailed as again:
                # Where one of the paths is there, what it says is about the category.
                raise (failed if failed.failure.code == "not-found" and _no_such_path(again) else again) from None

    async def _update_category(self, url: URL, body: Mapping[str, Json]) -> Category:
        return await self._read("category-update", lambda: self._category("category-update", "PATCH", url, body))

    async def _category(self, call: str, method: str, url: URL, body: Mapping[str, Json]) -> Category:
        category: Category = await self._transport.send(
            call, method, url, encode(body), read=lambda answer: category_of(decode_object(answer))
        )
        return category

    def _tag(self, uuid: str) -> URL:
        if not _UUID.fullmatch(uuid):
            raise CallFailed(_NO_UUID, detail=f"{uuid[:60]!r} is not a uuid")
        return self._tags / uuid

    # -- reading

    def _page(self, call: str, query: Mapping[str, str]) -> Callable[[int, int], Awaitable[Page]]:
        def read(body: bytes) -> Page:
            answer = decode_object(body)
            items = answer.get("tags")
            if not isinstance(items, list):
                items = answer.get("result") if isinstance(answer.get("result"), list) else None
            if items is None:
                raise Unreadable("it holds no tags")
            return Page.of([tag_of(item) for item in items], answer.get("pagination"))

        async def page(number: int, size: int) -> Page:
            parameters = {"page": str(number), **({"pageSize": str(size)} if size else {}), **query}
            url = self._tags.with_query(parameters)
            found: Page = await self._read(call, lambda: self._transport.send(call, "GET", url, read=read))
            if number == 1 and 0 < len(found.tags) < found.total:
                self.tags_a_page = len(found.tags)
            return found

        return page

    async def _read(self, call: str, once: Callable[[], Awaitable[T]]) -> T:
        """`once`, and after a failure again: nothing is changed by doing it twice.

        A refusal is final, but for a 403 when a call has worked before: a single one has been seen among many others.
        """
        try:
            answer = await once()
            self._worked = True
            return answer
        except CallFailed as failed:
            transport = self._transport
            return await again(
                once,
                failed,
                attempts=self.settings.read_attempts,
                wanted=lambda error: (
                    error.failure.meaning is not Meaning.REFUSED or (self._worked and error.failure.code == "forbidden")
                ),
                clock=transport.clock,
                chance=transport.chance,
                observe=transport.observe,
                what=(call, ""),
                longest=self.pacer.settings.max_wait,
            )


def _no_such_path(failed: CallFailed) -> bool:
    """Whether the server may not know the path at all; a missing category can look the same."""
    return failed.failure.code in ("no-route", "not-found")


def _checked(uuid: str) -> str:
    """A uuid that can stand in a path: one from a file or an answer could hold `../` and reach something else."""
    if not _UUID.fullmatch(uuid):
        raise UsageError(f"{uuid[:60]!r} is not a uuid")
    return uuid


@asynccontextmanager
async def open_api(
    settings: ApiSettings,
    pacing: PacerSettings | None = None,
    *,
    clock: Clock | None = None,
    observe: Observe = ignore,
    session: Any = None,
    earlier: Earlier | None = None,
) -> AsyncIterator[Api]:
    """The API of an account, with its session and pacer, for `async with`. Raises UsageError for unusable settings."""
    clock = clock or SystemClock()
    limits = pacing or PacerSettings()
    pacer = Pacer(
        replace(limits, per_address=limits.per_address or settings.production), clock, observe, earlier=earlier
    )
    async with Transport(settings, pacer, clock, observe=observe, session=session) as transport:
        yield Api(transport)
