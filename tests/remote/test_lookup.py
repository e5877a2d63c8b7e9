"""Look-ups by name trust no filter that has not proved itself, and stay cheap where one has."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import cast

import pytest
from msgspec import structs

from importer.model import Tag
from importer.remote.api import Api
from importer.remote.lookup import Lookup
from importer.remote.wire import encode
from importer.sandbox.server import Sandbox
from importer.sandbox.settings import Filtering, SandboxSettings

from ..engine.examples import api_of

FREE = SandboxSettings(quota=0)
NAMES = ["Actor 1", "ACTOR 2", "Größe, «x» [y]", 'O\'Neil "Z" & Co/+%', "Nobody", "Кто то", "nobody, either"]


async def _tags(api: Api, name: str) -> list[Tag]:
    return [tag for tag in await api.list_tags() if tag.name == name]


async def find(lookup: Lookup, names: Collection[str]) -> dict[str, tuple[Tag, ...]]:
    seen = await lookup.look(names)
    return {name: seen.of_name(name) for name in names}


@pytest.mark.parametrize("filtering", ["both", "json", "dotted", "ignored"])
@pytest.mark.parametrize("known", ["Control", ""])
async def test_finds_what_is_there(filtering: Filtering, known: str) -> None:
    """Whatever the server makes of filters, names that are there are found and others are not."""
    async with Sandbox(structs.replace(FREE, filters=filtering)) as sandbox, api_of(sandbox) as api:
        for name in ("Control", "Actor 1", "Actor 10", "Actor 2", *NAMES[2:4], "Кто то"):
            await api.create(encode({"value": name}))
        found = await find(Lookup(api, await _tags(api, known), 5000), NAMES)
    assert [len(found[name]) for name in NAMES] == [1, 1, 1, 1, 0, 1, 0]
    assert found["Actor 1"][0].name == "Actor 1"


async def test_a_filter_that_works_is_cheap() -> None:
    """A hundred plain names in an account of 400 cost two calls, not four hundred."""
    async with Sandbox(FREE) as sandbox, api_of(sandbox, page_size=50) as api:
        for number in range(400):
            await api.create(encode({"value": f"Actor {number}"}))
        known = await _tags(api, "Actor 399")
        before = int(str(sandbox.stats()["total_calls"]))
        found = await find(Lookup(api, known, 400), [f"Actor {number}" for number in range(300, 398)])
        assert sum(len(tags) for tags in found.values()) == 98
        assert int(str(sandbox.stats()["total_calls"])) - before <= 4


async def test_a_control_that_is_gone_proves_nothing() -> None:
    """When the control was deleted, the filter's empty answer is not believed."""
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        await api.create(encode({"value": "Actor 1"}))
        found = await find(Lookup(api, [Tag("gone", "Gone")], 5000), ["Actor 1", "Actor 2"])
    assert [len(found["Actor 1"]), len(found["Actor 2"])] == [1, 0]


async def test_duplicates_are_all_found() -> None:
    """Several tags of one name are all reported."""
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        for name in ("Control", "Twin", "twin"):
            await api.create(encode({"value": name}))
        found = await find(Lookup(api, await _tags(api, "Control"), 5000), ["Twin"])
    assert len(found["Twin"]) == 2


class _Shortened:
    """A server that heeds only some of a filter's values."""

    tags_a_page = 100

    def __init__(self, heeded: slice) -> None:
        self.tags = [Tag(f"u{number}", f"Actor {number}") for number in range(20)]
        self._heeded = heeded

    async def filter_tags(self, filters: str) -> list[Tag]:
        wanted = json.loads(filters)[0]["value"][self._heeded]
        return [tag for tag in self.tags if tag.name in wanted]

    async def list_tags(self) -> list[Tag]:
        return self.tags


@pytest.mark.parametrize("heeded", [slice(0, 1), slice(-1, None), slice(0, 5), slice(-5, None)])
async def test_a_filter_that_is_heeded_in_part_is_not_believed(heeded: slice) -> None:
    """Names that a server left out of the filter, at either end, are not taken for absent."""
    names = [f"Actor {number}" for number in range(10)]
    shortened = _Shortened(heeded)
    api = cast(Api, shortened)
    found = await find(Lookup(api, shortened.tags[18:], 900), names)
    assert all(len(found[name]) == 1 for name in names)


class _Unquoted:
    """A server whose filter and search find no name that needs quoting."""

    tags_a_page = 100

    def __init__(self) -> None:
        self.tags = [Tag(f"u{number}", name) for number, name in enumerate(("Control", "Other", "Größe, «x»"))]
        self.lists = 0

    async def filter_tags(self, filters: str) -> list[Tag]:
        wanted = json.loads(filters)[0]["value"]
        return [tag for tag in self.tags if tag.name in wanted and tag.name.isascii()]

    async def search_tags(self, text: str) -> list[Tag]:
        return [tag for tag in self.tags if tag.name == text and text.isascii()]

    async def list_tags(self) -> list[Tag]:
        self.lists += 1
        return self.tags


async def test_absence_by_filter_or_search_counts_only_for_plain_names() -> None:
    """A name that needs quoting and is not found is looked for in the list; a plain one that is not found is absent."""
    server = _Unquoted()
    lookup = Lookup(cast(Api, server), server.tags[:2], 5000)
    assert [len(tags) for tags in (await find(lookup, ["Nobody", "Größe, «x»"])).values()] == [0, 1]
    assert server.lists == 1
    lookup = Lookup(cast(Api, server), server.tags[:2], 5000)
    assert [len(tags) for tags in (await find(lookup, ["Nobody"])).values()] == [0]
    assert server.lists == 1


@pytest.mark.parametrize("filtering", ["json", "dotted", "ignored"])
@pytest.mark.parametrize("control", ["Control", "Gone"])
async def test_tags_are_found_by_uuid_whatever_the_server_makes_of_the_filter(
    filtering: Filtering, control: str
) -> None:
    """Tags that are there are found by their uuids, and absence is believed only where controls prove the filter."""
    async with Sandbox(structs.replace(FREE, filters=filtering)) as sandbox, api_of(sandbox) as api:
        for name in ("Control", "Größe, «x» [y]", "Actor 2", "Actor 3"):
            await api.create(encode({"value": name}))
        held = {tag.name: tag for tag in await api.list_tags()}
        known = held.get(control, Tag("00000000-0000-4000-8000-000000000000", "Gone"))
        missing = "00000000-0000-4000-8000-000000000001"
        before = int(str(sandbox.stats()["total_calls"]))
        seen = await Lookup(api, [known], 5000).look((), [held["Actor 2"].uuid, held["Größe, «x» [y]"].uuid, missing])
        calls = int(str(sandbox.stats()["total_calls"])) - before
    assert {held["Actor 2"].uuid, held["Größe, «x» [y]"].uuid} <= seen.held.keys()
    assert missing not in seen.held
    assert seen.whole == (filtering != "json" or control == "Gone")
    assert calls == 1 + seen.whole


async def test_where_the_list_is_as_cheap_it_is_read_at_once_and_answers_for_more() -> None:
    """A small account is one list call, whatever is asked for; a large one is listed only for many names to come."""
    server = _Unquoted()
    seen = await Lookup(cast(Api, server), server.tags[:2], 3).look(["Größe, «x»"], ["u1"])
    assert (seen.whole, server.lists, len(seen.of_name("Größe, «x»"))) == (True, 1, 1)
    assert not (await Lookup(cast(Api, server), server.tags[:2], 300).look(["Other"], ahead=190)).whole
    assert (await Lookup(cast(Api, server), server.tags[:2], 300).look(["Other"], ahead=300)).whole
