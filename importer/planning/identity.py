"""Which tag a row is about: by uuid, by its source's id, by name (compared by identity key); never by alias."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from importer.fields.names import identity_key
from importer.model import ACCOUNT, Asked, Draft, Place, RowRef, Tag
from importer.planning.source_ids import SourceIds, id_in, id_property, source_id

if TYPE_CHECKING:
    from importer.planning.decisions import Actor

UUID_COLUMN = "_uuid"
"""The column of results and exports that says which tag a row is about."""


class Match(Struct, frozen=True):
    """What one row is about."""

    name_key: str
    """Identity key of its name; empty where it has none."""
    key: str
    """Key of its change: unique in the plan, and the same whenever the same rows are planned again."""
    tags: tuple[Tag, ...] = ()
    """The account's tags that it may be: none, one, or (a conflict) several."""
    first: int = -1
    """Position of the earlier row of the same name, which is used; -1 for none."""
    shares: int = -1
    """Position of an earlier row of the same name, where one of the two is invalid and may be mended; -1 for none."""
    is_first: bool = False
    """Whether this row is used for its name: it is sound, and the first of that name."""
    known_as: Tag | None = None
    """The tag that its id names while its name is another's, or another row's: nothing can be done for it."""
    rival: int = -1
    """Position of the other row that is about `known_as`; -1 where it is a tag that is in the way."""


class Tags:
    """The account's tags by what a row knows them by."""

    def __init__(self, tags: Iterable[Tag], ids: SourceIds | None = None) -> None:
        self.by_name = index_tags(tags)
        self.by_uuid = {tag.uuid.lower(): tag for held in self.by_name.values() for tag in held}
        self._by_id = {id_: tag for tag in self.by_uuid.values() if (id_ := id_property(tag))}
        self._ids = ids

    def named(self, name_key: str) -> tuple[Tag, ...]:
        return self.by_name.get(name_key, ()) if name_key else ()

    def about(self, one: Draft | Tag) -> Sequence[Tag]:
        """The tags that a row is about on its own; a tag is about itself."""
        if isinstance(one, Tag):
            return (one,)
        known = self.known(one)
        return (known,) if known is not None else self.named(identity_key(one.name))

    def known(self, draft: Draft) -> Tag | None:
        """The tag that the row's `_uuid` names, else the one that its source's id does."""
        if not self.by_uuid:
            return None
        uuid = draft.row.text(UUID_COLUMN).strip().lower()
        return self.by_uuid.get(uuid) or self._of_id(source_id(draft.row))

    def of(self, actor: Actor, *, strictly: bool = False) -> Sequence[Tag]:
        """The tags of an actor that a decision names: by uuid, by the id in its source, else by name.

        `strictly`, one that has an id is known by nothing else: another row of its list may have the name by now.
        """
        tag = self.by_uuid.get(actor.id.lower()) or self._of_id(id_in(actor.source, actor.id))
        if tag is not None:
            return (tag,)
        return () if actor.id and (strictly or actor.source == ACCOUNT) else self.named(identity_key(actor.name))

    def _of_id(self, id_: str) -> Tag | None:
        tag = self._by_id.get(id_) if id_ else None
        return tag or (self.by_uuid.get(self._ids.uuid(id_).lower()) if id_ and self._ids is not None else None)


def index_tags(tags: Iterable[Tag]) -> dict[str, tuple[Tag, ...]]:
    """The account's tags by identity key."""
    index: dict[str, list[Tag]] = {}
    for tag in tags:
        index.setdefault(identity_key(tag.name), []).append(tag)
    return {key: tuple(held) for key, held in index.items()}


def match_rows(
    drafts: Sequence[Draft],
    tags: Tags,
    also: Mapping[int, Sequence[Draft | Tag]] = MappingProxyType({}),
    verdicts: Mapping[frozenset[int | str], str] = MappingProxyType({}),
) -> list[Match]:
    """For each draft what it is about, parallel to `drafts`.

    A row is about the tag that its `_uuid` or its source's id names, whatever its name has become, else about the one
    of its name. The first usable row of a name is used for it: one that is invalid or left out is not, so that a
    later good one takes its place. `also` says by position of a row what a person has decided that it is, too: it
    is about their tag where there is none of its own, and rows of their names repeat it. `verdicts` says what two are
    to each other: of two actors that had one tag, the renamed one that is decided not to be the other has none.
    """
    matches: list[Match] = []
    claimed: dict[str | tuple[str, str], int] = {}
    asking: dict[str | tuple[str, str], int] = {}
    keys: dict[str, int] = {}
    renamed: dict[str, list[int]] = {}
    for position, draft in enumerate(drafts):
        name_key = identity_key(draft.name)
        of_name = tags.named(name_key)
        known = tags.known(draft) if name_key else None
        if position in also:
            known = None if of_name else known or next((tag for one in also[position] for tag in tags.about(one)), None)
        held, chosen, in_the_way = of_name, "", None
        if known is not None and (known in of_name or not of_name):
            held = (known,)
            chosen = known.uuid if len(of_name) > 1 else ""
        elif known is not None and len(of_name) == 1:
            in_the_way = known
        good = name_key != "" and usable(draft)
        claim = (name_key, chosen) if chosen else name_key
        first = shares = -1
        if good or (name_key and not draft.left_out and draft.asked is not Asked.SKIP):
            earlier = asking.setdefault(claim, position)
            shares = earlier if earlier != position and not (good and usable(drafts[earlier])) else -1
        if good:
            first = claimed.setdefault(claim, position)
            first = -1 if first == position else first
            if position in also and first < 0:
                for one in also[position]:
                    claimed.setdefault(identity_key(one.name), position)
            if first < 0 and known is not None and not of_name:
                renamed.setdefault(known.uuid, []).append(position)
        key = _change_key(name_key, draft.row, keys)
        used = good and first < 0 and in_the_way is None
        matches.append(Match(name_key, key, held, first, shares, used, in_the_way))
    for positions in renamed.values():
        tag = matches[positions[0]].tags[0]
        by_name = claimed.get(identity_key(tag.name), -1)
        apart = len(positions) == 1 and verdicts.get(frozenset((positions[0], by_name)), "same") != "same"
        if apart and not id_property(tag):  # which would name the tag for ever
            matches[positions[0]] = replace(matches[positions[0]], tags=())
            continue
        rivals = [*positions, by_name] if by_name >= 0 and by_name not in positions else positions
        for position in positions if len(rivals) > 1 else ():
            other = next(rival for rival in reversed(rivals) if rival != position)
            matches[position] = replace(matches[position], tags=(), is_first=False, known_as=tag, rival=other)
    return matches


def usable(draft: Draft) -> bool:
    """Whether a draft asks for a tag: it is neither invalid nor left out, and its action is not skip."""
    return not (draft.left_out or draft.asked is Asked.SKIP or (draft.issues and draft.invalid))


def _change_key(name_key: str, row: RowRef, used: dict[str, int]) -> str:
    # Hashed, because names hold anything and a journal line should stay short; counted, because rows repeat.
    text = name_key or "\0".join((row.header.file, row.header.sheet, str(row.number), row.id))
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if not name_key:
        key = f"row-{key}"
    count = used.get(key, 0) + 1
    used[key] = count
    return key if count == 1 else f"{key}-{count}"


def name_place(draft: Draft) -> Place:
    """The cell that holds a row's name; of an object, the object."""
    return draft.place() if draft.row.header.letters else draft.row.place()


def place_seen_from(place: Place, file: str) -> str:
    """A place as a row of `file` has it: `Actors!A17`, and before it the file where that is another one."""
    return place.cell if place.file == file else str(place)
