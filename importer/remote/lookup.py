"""Looking tags up by name, cheaply where the server's filter proves to work, surely everywhere.

No filter is trusted unchecked. Each filtered look-up also asks for controls, tags that are known to be there, as its
last name and where two are known as its first one too: an answer without them, or with a tag that nobody asked for,
shows that the filter was not understood, or not to its end. Then the names are searched for one by one, or the whole
list is read, whichever costs fewer calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Final
from urllib.parse import quote

from importer.fields.names import identity_key
from importer.model import Tag
from importer.remote.api import Api
from importer.remote.failures import CallFailed, Meaning

_MOST_NAMES: Final = 100
_LONGEST: Final = 3_000
"""Characters of an encoded filter; servers refuse request lines of 8 kB."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,60}")
_PAGE: Final = 100
"""Tags in a page, where no list has told."""


class Lookup:
    """Finds tags by name. One for a run: it remembers what the server understands."""

    def __init__(self, api: Api, known: Iterable[str] = (), size: int = 0) -> None:
        """`known` are names that the account certainly holds; `size` is about how many tags it has."""
        self._api = api
        self._controls = tuple(islice((name for name in known if _PLAIN.fullmatch(name)), 2))
        self._size = size
        self._filter_works: bool | None = None
        self._search_works: bool | None = None

    async def find(self, names: Collection[str]) -> dict[str, tuple[Tag, ...]]:
        """For each name the tags of that name (by identity key), none, one or several. Raises CallFailed."""
        found: dict[str, list[Tag]] = {identity_key(name): [] for name in names}
        rest = await self._filtered(list(names), found)
        if rest:
            rest = await self._searched(rest, found)
        if rest:
            self._take(await self._everything(), found)
        return {name: tuple(found[identity_key(name)]) for name in names}

    async def _filtered(self, names: list[str], found: dict[str, list[Tag]]) -> list[str]:
        """The names about which the filter says nothing that can be relied on."""
        if not self._controls or self._filter_works is False:
            return names
        unsure: list[str] = []
        chunks = list(_chunks(names, self._controls))
        there = {identity_key(name) for name in self._controls}
        for number, chunk in enumerate(chunks):
            wanted = [*self._controls[1:], *chunk, self._controls[0]]
            asked = {identity_key(name) for name in wanted}
            filters = json.dumps([{"field": "value", "op": "in", "value": wanted}], ensure_ascii=False)
            try:
                tags = await self._api.filter_tags(filters)
            except CallFailed as failed:
                if failed.failure.stops or failed.failure.meaning is not Meaning.REFUSED:
                    raise
                tags = []
            keys = {identity_key(tag.name) for tag in tags}
            if not there <= keys <= asked:
                self._filter_works = False
                return unsure + [name for later in chunks[number:] for name in later]
            self._filter_works = True
            self._take(tags, found)
            # That a plain control is found says little about names that need quoting: absence is not proved by it.
            unsure += [n for n in chunk if not _PLAIN.fullmatch(n) and identity_key(n) not in keys]
        return unsure

    async def _searched(self, names: list[str], found: dict[str, list[Tag]]) -> list[str]:
        pages = -(-self._size // _PAGE)
        if not self._controls or self._search_works is False or len(names) + 1 >= pages:
            return names
        if self._search_works is None:
            control = self._controls[0]
            there = await self._api.search_tags(control)
            self._search_works = any(identity_key(tag.name) == identity_key(control) for tag in there)
            if not self._search_works or len(there) >= self._size:
                self._search_works = False  # it answers with everything: no cheaper than the list
                return names
        unsure = []
        for name in names:
            tags = await self._api.search_tags(name)
            self._take(tags, found)
            if not _PLAIN.fullmatch(name) and not any(identity_key(tag.name) == identity_key(name) for tag in tags):
                unsure.append(name)
        return unsure

    async def _everything(self) -> list[Tag]:
        tags = await self._api.list_tags()
        self._size = len(tags)
        if not self._controls:
            self._controls = tuple(islice((tag.name for tag in tags if _PLAIN.fullmatch(tag.name)), 2))
        return tags

    @staticmethod
    def _take(tags: Iterable[Tag], found: dict[str, list[Tag]]) -> None:
        for tag in tags:
            held = found.get(identity_key(tag.name))
            if held is not None and all(tag.uuid != other.uuid for other in held):
                held.append(tag)


def _chunks(names: Iterable[str], controls: Collection[str]) -> Iterator[list[str]]:
    """Names in groups that fit into one look-up, beside the controls."""
    group: list[str] = []
    size = room = sum(len(quote(control)) for control in controls) + 100
    for name in names:
        length = len(quote(name, errors="replace")) + 10
        if group and (len(group) >= _MOST_NAMES - len(controls) or size + length > _LONGEST):
            yield group
            group, size = [], room
        group.append(name)
        size += length
    if group:
        yield group
