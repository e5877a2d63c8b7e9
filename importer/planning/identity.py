"""Which tag a row stands for: names compared by their identity key, and nothing merged by alias."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from importer.fields.names import identity_key
from importer.model import Asked, Draft, RowRef, Tag

UUID_COLUMN = "_uuid"
"""The column of results and exports that says which tag a row is about; it only decides between tags of one name."""


class Standing(Struct, frozen=True):
    """What one row stands for."""

    name_key: str
    """Identity key of its name; empty where it has none."""
    key: str
    """Key of its change: unique in the plan, and the same whenever the same rows are planned again."""
    tags: tuple[Tag, ...] = ()
    """The account's tags of that name: none, one, or (a conflict) several."""
    first: int = -1
    """Position of the earlier row that already stands for the same name; -1 for none."""
    stands: bool = False
    """Whether this row stands for its name: it is usable, and the first of its name."""


def index_tags(tags: Iterable[Tag]) -> dict[str, tuple[Tag, ...]]:
    """The account's tags by identity key."""
    index: dict[str, list[Tag]] = {}
    for tag in tags:
        index.setdefault(identity_key(tag.name), []).append(tag)
    return {key: tuple(held) for key, held in index.items()}


def stand(drafts: Sequence[Draft], index: Mapping[str, tuple[Tag, ...]]) -> list[Standing]:
    """For each draft what it stands for, parallel to `drafts`.

    The first usable row of a name stands for it: a row that is invalid or left out does not, so that a later good
    one takes its place.
    """
    standings: list[Standing] = []
    claimed: dict[str | tuple[str, str], int] = {}
    keys: dict[str, int] = {}
    for position, draft in enumerate(drafts):
        name_key = identity_key(draft.name)
        tags = index.get(name_key, ()) if name_key else ()
        chosen = ""
        if len(tags) > 1:
            tags = _by_uuid(draft.row, tags)
            chosen = tags[0].uuid if len(tags) == 1 else ""
        first = -1
        good = name_key != "" and usable(draft)
        if good:
            first = claimed.setdefault((name_key, chosen) if chosen else name_key, position)
            first = -1 if first == position else first
        key = _change_key(name_key, draft.row, keys)
        standings.append(Standing(name_key, key, tags, first, good and first < 0))
    return standings


def usable(draft: Draft) -> bool:
    """Whether a draft asks for a tag: it is neither invalid nor left out, and its action is not skip."""
    return not (draft.left_out or draft.asked is Asked.SKIP or (draft.issues and draft.invalid))


def _by_uuid(row: RowRef, tags: tuple[Tag, ...]) -> tuple[Tag, ...]:
    uuid = row.text(UUID_COLUMN).strip().lower()
    return tuple(tag for tag in tags if tag.uuid.lower() == uuid) or tags


def _change_key(name_key: str, row: RowRef, used: dict[str, int]) -> str:
    # Hashed, because names hold anything and a journal line should stay short; counted, because rows repeat.
    text = name_key or "\0".join((row.header.file, row.header.sheet, str(row.number), row.id))
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if not name_key:
        key = f"row-{key}"
    count = used.get(key, 0) + 1
    used[key] = count
    return key if count == 1 else f"{key}-{count}"
