"""All pages of a list, following the pagination that comes back, while the list may shift under the reading."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from importer.model import Tag
from importer.remote.failures import CallFailed, failure

_SIDE_BY_SIDE: Final = 6
_READINGS: Final = 3
_MOST_PAGES: Final = 100_000
_MODEST: Final = 100
"""Page size where the server refuses the one asked for, and gives fewer tags when it is asked for none."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page. Numbers that the server did not give are -1."""

    tags: list[Tag]
    number: int
    size: int
    total: int
    pages: int

    @classmethod
    def of(cls, tags: list[Tag], pagination: object) -> Self:
        """From an answer's `pagination`, whatever it is."""
        given = pagination if isinstance(pagination, dict) else {}

        def count(*names: str) -> int:
            for name in names:
                value = given.get(name)
                if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12:
                    return int(value)
            return -1

        return cls(
            tags,
            count("page"),
            count("pageSize", "per_page", "page_size"),
            count("totalCount", "total_count", "total"),
            count("totalPages", "total_pages"),
        )


async def read_pages(page: Callable[[int, int], Awaitable[Page]], *, size: int, most: int = _MOST_PAGES) -> list[Tag]:
    """Each tag once. `page(number, size)` reads one page; at most `most` are read.

    A list that changes while it is read moves tags from page to page: when what came does not add up to the total
    that the server gave, it is read again, and after the last reading everything that was ever seen counts.
    Raises CallFailed where even that is less than the server says it has: a tag that is not in the list counts as
    absent, and would be made a second time.
    """
    union: dict[str, Tag] = {}
    promised = 0
    for _ in range(_READINGS):
        found, whole, promised, size = await _once(page, size, most)
        if whole:
            return list(found.values())
        union.update(found)
    if promised > len(union):
        said = f"the list is cut short: the server counts {promised:,} tags and gave {len(union):,}"
        raise CallFailed(failure("answer-unreadable"), status=200, detail=said)
    return list(union.values())


async def _once(
    page: Callable[[int, int], Awaitable[Page]], size: int, most: int
) -> tuple[dict[str, Tag], bool, int, int]:
    """The tags of one reading, whether they add up, how many there must be at least, and the page size that works."""
    first, size = await _first(page, size)
    found = {tag.uuid: tag for tag in first.tags}
    totals = [first.total]
    last = _last_page(first, first.total)
    number = 1
    while number < min(last, most) and first.tags:
        # Where only reading on can tell the end, pages are read one by one.
        width = _SIDE_BY_SIDE if last < _MOST_PAGES else 1
        batch = await asyncio.gather(*(page(n, size) for n in range(number + 1, min(number + width, last, most) + 1)))
        number += len(batch)
        before = len(found)
        for item in batch:
            found.update((tag.uuid, tag) for tag in item.tags)
            totals.append(item.total)
        last = max(last, _last_page(first, max(totals)))
        if len(found) == before or not batch[-1].tags:
            break  # nothing new came: the end, or a server that gives the same page again and again
    steady = len(set(totals)) == 1
    promised = 0 if most < last else min(totals)
    return found, steady and (first.total < 0 or first.total == len(found) or most < last), promised, size


async def _first(page: Callable[[int, int], Awaitable[Page]], size: int) -> tuple[Page, int]:
    """The first page, and the page size that works; 0 asks for none."""
    try:
        return await page(1, size), size
    except CallFailed as failed:
        if failed.failure.code != "bad-request" or not size:
            raise
        try:
            first = await page(1, 0)
        except CallFailed:
            # It is not about the page size: what the server said first is about the call as it was meant.
            raise failed from None
    if len(first.tags) < _MODEST < size and (first.total > len(first.tags) or first.pages > 1):
        with suppress(CallFailed):
            return await page(1, _MODEST), _MODEST
    return first, 0


def _last_page(first: Page, total: int) -> int:
    """How many pages there are; a very large number where only reading on can tell."""
    if total >= 0 and first.tags:
        # The number of tags that came is the page size that holds, whatever was asked for or is claimed.
        return -(-total // len(first.tags))
    if first.pages >= 0:
        return min(first.pages, _MOST_PAGES)
    return _MOST_PAGES if first.tags else 0
