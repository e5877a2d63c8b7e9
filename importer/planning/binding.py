"""Whether a plan still fits: what the plan saw of the account's tags against the tags as they are now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from importer.fields.names import clean, identity_key
from importer.fields.table import field_named
from importer.fields.values import same
from importer.model import Action, Change, FieldChange, Json, Plan, Tag
from importer.planning.canonical import canonical_bytes
from importer.planning.identity import index_tags
from importer.planning.marking import MARK_KEY, Owner, mark_of, owner, properties_of
from importer.planning.options import Account

SEEN: Final = "seen"
"""Key of `Plan.options`: the fingerprint of each tag that a change is about, by the change's key."""
STAMPS: Final = "stamps"
"""Key of `Plan.options`: version and `updatedAt` of the tags that go, or go back, only if nobody touched them since."""
AFTER: Final = "after"
"""Key of `Plan.options`: key of a change -> that of another one, which must have been made before it."""
BESIDE: Final = "beside"
"""Key of `Plan.options`: key of a create -> uuids of tags of its name that it is meant to be made beside."""
_PROPERTIES: Final = "properties"


class Moved(Struct, frozen=True):
    """One row whose footing is gone."""

    change: Change
    how: str
    """One clause for a person: `the tag was deleted`."""

    def __str__(self) -> str:
        return f"{self.change.name!r} ({self.change.place or self.change.uuid}): {self.how}"


def fingerprint(tag: Tag) -> str:
    """16 hex digits that change when any field of the tag does; the order of lists and keys makes no difference."""
    digest = hashlib.sha256(tag.name.encode("utf-8", "surrogatepass"))
    for name in sorted(tag.fields):
        value = tag.fields[name]
        if value is None or value in ("", [], {}):
            continue
        digest.update(f"\n{name}:".encode())
        if isinstance(value, list | tuple):
            for entry in sorted(map(canonical_bytes, value)):
                digest.update(entry + b",")
        else:
            digest.update(canonical_bytes(value))
    return digest.hexdigest()[:16]


def what_was_seen(
    changes: Iterable[Change], tags: Iterable[Tag], *, untouched: Iterable[Action] = (Action.DELETE,)
) -> dict[str, Json]:
    """The parts of `Plan.options` that say what the plan saw; of the actions in `untouched` the stamps, too."""
    by_uuid = {tag.uuid: tag for tag in tags}
    strict = frozenset(untouched)
    seen: dict[str, Json] = {}
    stamps: dict[str, Json] = {}
    for change in changes:
        if change.action not in (Action.UPDATE, Action.UNCHANGED, Action.DELETE):
            continue
        tag = by_uuid.get(change.uuid)
        if tag is None:
            continue
        seen[change.key] = fingerprint(tag)
        if change.action in strict:
            stamps[change.key] = [tag.version, tag.updated_at]
    return {key: value for key, value in ((SEEN, seen), (STAMPS, stamps)) if value}


def moved(plan: Plan, account: Account) -> tuple[Moved, ...]:
    """The rows of the plan that a plan made now would treat otherwise, in plan order; empty where it still fits."""
    by_uuid = {tag.uuid: tag for tag in account.tags}
    by_name = index_tags(account.tags)
    found: list[Moved] = []
    for change in plan.changes:
        how = ""
        if change.action is Action.CREATE:
            tags = by_name.get(identity_key(change.name), ())
            how = f"a tag of this name exists now ({tags[0].uuid})" if tags else ""
        elif change.action is Action.SKIP and change.code == "absent":
            tags = by_name.get(identity_key(change.name), ())
            how = f"a tag of this name exists now ({tags[0].uuid}), the plan skips it as absent" if tags else ""
        elif change.uuid and change.uuid not in by_uuid:
            how = "the tag was deleted"
        elif change.uuid:
            how = edited(change, by_uuid[change.uuid], plan.options)
        if how:
            found.append(Moved(change, how))
    return tuple(found)


def edited(change: Change, tag: Tag, options: Mapping[str, Json]) -> str:
    """How a tag differs from what the plan saw of it, in anything; empty where it does not, or the plan saw nothing."""
    version, updated = (options.get(STAMPS) or {}).get(change.key) or (0, "")
    seen = (options.get(SEEN) or {}).get(change.key)
    if seen is not None and seen != fingerprint(tag):
        for item in change.differences:
            if how := _how(item, tag):
                return how
        return "the tag was edited since" + (f" (at {tag.updated_at})" if tag.updated_at else "")
    return restamped(version, updated, tag)


def restamped(version: Any, updated: Any, tag: Tag) -> str:
    """Whether a tag was written to since it had this version and `updatedAt`: each of the two alone is proof enough."""
    if version and tag.version and version != tag.version:
        return f"its version was {version:g} and is {tag.version:g}"
    if updated and tag.updated_at and not _same_moment(str(updated), tag.updated_at):
        return f"it was changed at {tag.updated_at}"
    return ""


def overwritten(change: Change, tag: Tag, options: Mapping[str, Json]) -> str:
    """Which edit an update would write over: `motive was "Fun", it is "Fear"`; empty where none.

    Fields that the update leaves alone may have been edited. A tag that has another name now, or that another job has
    marked as its own, is not the one that the row is about any more.
    """
    if not any(item.field == "value" for item in change.differences) and identity_key(tag.name) != identity_key(
        change.name
    ):
        return f"its name was {_short(change.name)}, it is {_short(tag.name)}"
    for item in change.differences:
        if how := _how(item, tag):
            return how
    mark = str(options.get("managed_by") or "")
    marks = any(item.field == _PROPERTIES and MARK_KEY in (item.new or {}) for item in change.differences)
    if mark and not marks and owner(tag, mark) is not Owner.OURS:
        return f"it was marked as this job's and is marked as {mark_of(tag)!r}" if mark_of(tag) else "its mark is gone"
    return ""


def is_done(change: Change, tag: Tag) -> bool:
    """Whether a tag has all that an update would write."""
    return all(_equal(item, item.new, tag) for item in change.differences)


def lacks_parts(sent: Json, held: Json) -> bool:
    """Whether a tag holds what was sent but for annotations (confidence, TLP, description), which servers may drop."""
    if isinstance(sent, list | tuple) and isinstance(held, list | tuple):
        pairs = zip(sorted(sent, key=_main), sorted(held, key=_main), strict=False)
        return len(sent) == len(held) and all(_main(a) == _main(b) and lacks_parts(a, b) for a, b in pairs)
    if not isinstance(sent, Mapping):
        return bool(sent == held)
    parts = held if isinstance(held, Mapping) else {"value": held}
    return _main(sent) == _main(parts) and all(sent.get(key) == part for key, part in parts.items() if part is not None)


def _main(value: Json) -> str:
    return str(value.get("value", value.get("url")) if isinstance(value, Mapping) else value)


def _how(item: FieldChange, tag: Tag) -> str:
    """What became of a field that a change is about; empty where it is as the plan saw it, or as the change has it."""
    if item.field == _PROPERTIES:
        old, new = item.old or {}, item.new or {}
        field = field_named(_PROPERTIES)
        assert field is not None
        held = properties_of(tag)
        for key in dict.fromkeys((*old, *new)):
            now = held.get(key)
            if not any(same(field, {key: now}, {key: value.get(key)}) for value in (old, new)):
                return f"properties.{key} was {_short(old.get(key))}, it is {_short(now)}"
        return ""
    now = tag.name if item.field == "value" else tag.fields.get(item.field)
    if _equal(item, item.old, tag) or _equal(item, item.new, tag) or lacks_parts(item.new, now):
        return ""
    return f"{item.field} was {_short(item.old)}, it is {_short(now)}"


def _equal(item: FieldChange, value: Json, tag: Tag) -> bool:
    """Whether the tag has this value, the old or the new one, of a difference."""
    if item.field == "value":
        return clean(str(value)) == clean(tag.name)
    field = field_named(item.field)
    if item.field == _PROPERTIES and field is not None:
        held = properties_of(tag)
        return all(same(field, {key: held.get(key)}, {key: wanted}) for key, wanted in (value or {}).items())
    now = tag.fields.get(item.field)
    return now == value if field is None else same(field, now, value)


def _same_moment(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        return datetime.fromisoformat(a) == datetime.fromisoformat(b)
    except (ValueError, TypeError):  # not a time, or only one of the two names its zone
        return False


def _short(value: Json) -> str:
    text = canonical_bytes(value).decode("utf-8", "replace")
    return text if len(text) <= 60 else text[:57] + "..."
