"""Reading a list whole, whatever its pages do meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from importer.model import Tag
from importer.remote.failures import CallFailed, failure
from importer.remote.pages import Page, read_pages


class Listing:
    """A list served in pages, with the habits of a server."""

    def __init__(self, count: int, *, most: int = 100, pagination: str = "full", refuses: int = 10_000) -> None:
        self.tags = [Tag(f"u{number}", f"Actor {number}") for number in range(count)]
        self.most, self.pagination, self.refuses = most, pagination, refuses
        self.asked: list[tuple[int, int]] = []

    async def page(self, number: int, size: int) -> Page:
        self.asked.append((number, size))
        if size > self.refuses:
            raise CallFailed(failure("bad-request"), status=400)
        width = min(size or 20, self.most)
        tags = self.tags[(number - 1) * width : number * width]
        total = len(self.tags)
        answers: dict[str, dict[str, object]] = {
            "full": {"page": number, "pageSize": width, "totalCount": total, "totalPages": -(-total // width)},
            "none": {},
            "lies": {"page": 1, "pageSize": 10**9, "totalCount": total, "totalPages": 10**9},
            "pages": {"totalPages": -(-total // width)},
            "odd": {"totalCount": "many", "totalPages": None},
        }
        return Page.of(tags, answers[self.pagination])


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 1234])
@pytest.mark.parametrize("pagination", ["full", "none", "lies", "pages", "odd"])
async def test_every_tag_once(count: int, pagination: str) -> None:
    """Each tag comes exactly once, whatever the pagination says or does not say."""
    listing = Listing(count, pagination=pagination)
    found = await read_pages(listing.page, size=1000)
    assert sorted(tag.uuid for tag in found) == sorted(tag.uuid for tag in listing.tags)


async def test_calls_are_not_wasted() -> None:
    """1,000 tags in pages of 100 cost ten calls."""
    listing = Listing(1000)
    await read_pages(listing.page, size=1000)
    assert len(listing.asked) == 10


async def test_a_page_size_that_is_refused() -> None:
    """A server that refuses the page size is asked for none, then for a modest one where its own is small."""
    listing = Listing(250, refuses=500)
    assert len(await read_pages(listing.page, size=1000)) == 250
    assert listing.asked == [(1, 1000), (1, 0), (1, 100), (2, 100), (3, 100)]
    listing = Listing(50, refuses=99)
    assert len(await read_pages(listing.page, size=1000)) == 50
    assert listing.asked == [(1, 1000), (1, 0), (1, 100), (2, 0), (3, 0)]


@pytest.mark.parametrize(("code", "status", "calls"), [("bad-request", 400, 2), ("unauthorized", 400, 1),
                                                       ("no-route", 400, 1), ("blocked", 400, 1)])  # fmt: skip
async def test_a_refusal_that_is_not_about_the_page_size(code: str, status: int, calls: int) -> None:
    """The first refusal is told; one call finds out whether it is about the page size, none where it cannot be."""
    asked = []

    async def page(number: int, size: int) -> Page:
        asked.append(size)
        raise CallFailed(failure(code), status=status, detail=f"size {size}")

    with pytest.raises(CallFailed, match="size 1000"):
        await read_pages(page, size=1000)
    assert len(asked) == calls


async def test_a_list_that_shifts_is_read_again() -> None:
    """A tag inserted in front while the pages are read moves others across: none is missing in the end."""
    listing = Listing(300)
    serve = listing.page

    async def shifting(number: int, size: int) -> Page:
        page = await serve(number, size)
        if len(listing.asked) == 1:
            del listing.tags[0]  # everything moves forward by one: a tag would slip through between two pages
        return page

    found = await read_pages(shifting, size=100)
    assert {tag.uuid for tag in found} >= {f"u{number}" for number in range(1, 300)}


async def test_the_same_page_for_ever_ends() -> None:
    """A server that ignores the page number does not keep the program for ever."""
    tags = [Tag("u1", "A")]

    async def stuck(number: int, size: int) -> Page:
        return Page.of(tags, {})

    assert await read_pages(stuck, size=100) == tags


async def test_a_list_that_is_cut_short_is_no_list() -> None:
    """A server that counts 500 tags and gives 300 of them is not believed: the others would be made a second time."""
    listing = Listing(500)
    serve = listing.page

    async def cut(number: int, size: int) -> Page:
        page = await serve(number, size)
        return page if number <= 3 else replace(page, tags=[])

    with pytest.raises(CallFailed, match="counts 500 tags and gave 300"):
        await read_pages(cut, size=100)
