"""Tags of one name, which an account should not hold twice, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from importer.fields.table import FIELDS
from importer.fields.values import same
from importer.model import Json, Tag
from importer.planning.identity import index_tags


class Double(Struct, frozen=True):
    """Several tags of one name."""

    tags: tuple[Tag, ...]
    """The oldest first."""
    differing: Mapping[str, tuple[Json, ...]]
    """Field -> its value in each of the tags; None where it is absent."""


def find_doubles(tags: Sequence[Tag]) -> list[Double]:
    """Names that several tags have, compared as names are, by name."""
    found = [
        tuple(sorted(held, key=lambda tag: (tag.created_at, tag.uuid)))
        for key, held in sorted(index_tags(tags).items())
        if key and len(held) > 1
    ]
    return [Double(held, _differing(held)) for held in found]


def _differing(tags: Sequence[Tag]) -> dict[str, tuple[Json, ...]]:
    values = {
        field: tuple(tag.name if field.name == "value" else tag.fields.get(field.name) for tag in tags)
        for field in FIELDS
    }
    return {
        field.name: held for field, held in values.items() if any(not same(field, held[0], one) for one in held[1:])
    }
