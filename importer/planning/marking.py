"""The mark by which a job knows its own tags: `properties.managed_by`. Opt-in.

With marking on, a tag without the mark is never updated unless `adopt` is given, and one that carries another job's
mark never is: two jobs would undo each other's work every night.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from importer.model import EMPTY, Json, Tag

MARK_KEY: Final = "managed_by"
_PROGRAM: Final = "tag-importer:"


class Owner(Enum):
    """Whose a tag is, as its mark says."""

    OURS = auto()
    OTHERS = auto()
    NOBODY = auto()


def marker(job: str) -> str:
    """The mark of a job: `tag-importer:nightly`."""
    return f"{_PROGRAM}{job}"


def mark_of(tag: Tag) -> str:
    """The mark a tag carries; empty for none."""
    return text_property(tag, MARK_KEY)


def properties_of(tag: Tag) -> Mapping[str, Json]:
    """Its properties, whatever a server makes of them."""
    held = tag.fields.get("properties")
    return held if isinstance(held, Mapping) else EMPTY


def text_property(tag: Tag, key: str) -> str:
    """The text that a tag has in `properties.key`, bare or annotated; empty for none."""
    held = properties_of(tag).get(key)
    if isinstance(held, Mapping):
        held = held.get("value")
    return held if isinstance(held, str) else ""


def owner(tag: Tag, mark: str) -> Owner:
    """Whose `tag` is, seen from the job with this mark. A mark of another program counts as somebody's."""
    carried = mark_of(tag)
    if not carried:
        return Owner.NOBODY
    return Owner.OURS if carried == mark else Owner.OTHERS


def marked(fields: Mapping[str, Json], mark: str) -> dict[str, Json]:
    """The fields with the mark set."""
    return {**fields, "properties": {**(fields.get("properties") or {}), MARK_KEY: mark}}
