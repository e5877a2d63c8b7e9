"""Looking tags up by name or uuid, cheaply where the server's filter proves to work, surely everywhere.

No filter is trusted unchecked. Each filtered look-up also asks for controls, tags that are known to be there, as its
last value and where two are known as its first one too: an answer without them, or with a tag that nobody asked for,
shows that the filter was not understood, or not to its end. Then names are searched for one by one, or the whole list
is read, whichever costs fewer calls. Where the list is as cheap as the filter, it is read at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

from importer.fields.names import identity_key
from importer.model import Tag
from importer.remote.api import Api
from importer.remote.failures import CallFailed, Meaning

TOGETHER: Final = 98
"""Values that one look-up takes: a filter takes 100, and two of them are the controls."""
_LONGEST: Final = 6_000
"""Characters of an encoded filter; servers refuse request lines of 8 kB."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,60}")


def is_plain(name: str) -> bool:
    """Whether a filter that works finds this name for sure: it needs no quoting of any kind."""
    return _PLAIN.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found. Names and uuids that were not asked for are in it only when it was the `whole` list."""

    named: Mapping[str, Sequence[Tag]]
    """By identity key."""
    held: Mapping[str, Tag]
    """By uuid."""
    whole: bool

    def of_name(self, name: str) -> tuple[Tag, ...]:
        """The tags of a name that was asked for: none, one or several."""
        return tuple(self.named.get(identity_key(name), ()))


class Lookup:
    """Finds tags by name and uuid. One for a run: it remembers what the server understands."""

    def __init__(self, api: Api, known: Iterable[Tag] = (), size: int = 0) -> None:
        """`known` are tags (uuid and name) that the account certainly holds; `size` is about how many it has."""
        self._api = api
        self._controls = _plain_ones(known)
        self._size = size
        self._works: dict[str, bool] = {}
        """Whether the filter of a field, or the search, has proved to work; absent while nobody knows."""
        self.cost = 1
        """About how many calls the last look took."""

    async def look(self, names: Collection[str] = (), uuids: Collection[str] = (), *, ahead: int = 0) -> Seen:
        """The tags of these names and uuids. Raises CallFailed.

        `ahead` is how many values will have to be asked for soon, where that is more than these: the whole list
        answers for them too.
        """
        self.cost = max(-(-len(names) // TOGETHER) - (-len(uuids) // TOGETHER), -(-ahead // TOGETHER))
        if self._pages > self.cost:  # not for each row of a long run, of which the list is the cheaper answer
            self.cost = max(self.cost, sum(1 for values in (names, uuids) for _ in _chunks(values)))
        if self._pages <= self.cost:
            return await self._everything()
        found: dict[str, Tag] = {}
        if not await self._by_uuid(list(uuids), found):
            return await self._everything()
        rest = await self._filtered(list(names), found)
        if rest:
            rest = await self._searched(rest, found)
        return await self._everything() if rest else _seen(found.values(), whole=False)

    @property
    def _pages(self) -> int:
        return -(-self._size // self._api.tags_a_page)

    async def _by_uuid(self, uuids: list[str], found: dict[str, Tag]) -> bool:
        """Take the tags of these uuids; False where the filter says nothing that can be relied on."""
        controls = [tag.uuid for tag in self._controls]
        for chunk in _chunks(uuids):
            tags = await self._ask("uuid", chunk, controls, lambda tag: tag.uuid)
            if tags is None:
                return False
            found.update((tag.uuid, tag) for tag in tags)
        return True

    async def _filtered(self, names: list[str], found: dict[str, Tag]) -> list[str]:
        """The names about which the filter says nothing that can be relied on."""
        controls = [tag.name for tag in self._controls]
        unsure: list[str] = []
        chunks = list(_chunks(names))
        for number, chunk in enumerate(chunks):
            tags = await self._ask("value", chunk, controls, lambda tag: identity_key(tag.name))
            if tags is None:
                return unsure + [name for later in chunks[number:] for name in later]
            found.update((tag.uuid, tag) for tag in tags)
            # That a plain control is found says little about names that need quoting: absence is not proved by it.
            keys = {identity_key(tag.name) for tag in tags}
            unsure += [name for name in chunk if not is_plain(name) and identity_key(name) not in keys]
        return unsure

    async def _ask(
        self, field: str, values: list[str], controls: list[str], key_of: Callable[[Tag], str]
    ) -> list[Tag] | None:
        """What one filter finds; None, and never asked again, where the answer shows that it is not understood."""
        if not controls or self._works.get(field) is False:
            return None
        wanted = [*controls[1:], *values, controls[0]]
        filters = json.dumps([{"field": field, "op": "in", "value": wanted}], ensure_ascii=False, separators=(",", ":"))
        try:
            tags = await self._api.filter_tags(filters)
        except CallFailed as failed:
            if failed.failure.stops or failed.failure.meaning is not Meaning.REFUSED:
                raise
            tags = []
        keys = {key_of(tag) for tag in tags}
        fold = identity_key if field == "value" else str
        self._works[field] = {fold(control) for control in controls} <= keys <= {fold(value) for value in wanted}
        return tags if self._works[field] else None

    async def _searched(self, names: list[str], found: dict[str, Tag]) -> list[str]:
        if not self._controls or self._works.get("search") is False or len(names) + 1 >= self._pages:
            return names
        if "search" not in self._works:
            control = self._controls[0].name
            there = await self._api.search_tags(control)
            # One that answers with everything is no cheaper than the list.
            self._works["search"] = len(there) < self._size and any(
                identity_key(tag.name) == identity_key(control) for tag in there
            )
            if not self._works["search"]:
                return names
        unsure = []
        for name in names:
            tags = await self._api.search_tags(name)
            named = {tag.uuid: tag for tag in tags if identity_key(tag.name) == identity_key(name)}
            found.update(named)
            if not is_plain(name) and not named:
                unsure.append(name)
        return unsure

    async def _everything(self) -> Seen:
        tags = await self._api.list_tags()
        self._size = len(tags)
        self.cost = max(1, self._pages)
        seen = _seen(tags, whole=True)
        if not self._controls or any(
            (held := seen.held.get(control.uuid)) is None or held.name != control.name for control in self._controls
        ):
            # A control that is gone has proved nothing, neither for the filter nor against it.
            self._controls = _plain_ones(tags)
            self._works.clear()
        return seen


def _plain_ones(tags: Iterable[Tag]) -> tuple[Tag, ...]:
    return tuple(islice((tag for tag in tags if is_plain(tag.name)), 2))


def _seen(tags: Iterable[Tag], *, whole: bool) -> Seen:
    named: dict[str, list[Tag]] = {}
    held: dict[str, Tag] = {}
    for tag in tags:
        if tag.uuid not in held:
            held[tag.uuid] = tag
            named.setdefault(identity_key(tag.name), []).append(tag)
    return Seen(named, held, whole)


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    """Values in groups that fit into one look-up, beside the controls."""
    group: list[str] = []
    size = 0
    for value in values:
        length = len(quote(value, errors="replace")) + 10
        if group and (len(group) == TOGETHER or size + length > _LONGEST):
            yield group
            group, size = [], 0
        group.append(value)
        size += length
    if group:
        yield group
