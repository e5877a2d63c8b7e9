"""Whether a saved plan still fits: the account's tags as they are now against what the plan saw."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from msgspec import Struct

from importer.fields.names import identity_key
from importer.fields.table import field_named
from importer.fields.values import same
from importer.model import Action, Change, Json, Plan, Tag
from importer.planning.canonical import canonical_bytes
from importer.planning.identity import index_tags
from importer.planning.options import Account


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


def moved(plan: Plan, account: Account) -> tuple[Moved, ...]:
    """The rows of the plan that a plan made now would treat otherwise, in plan order; empty where it still fits."""
    by_uuid = {tag.uuid: tag for tag in account.tags}
    by_name = index_tags(account.tags)
    seen: Mapping[str, str] = plan.options.get("seen") or {}
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
        elif change.key in seen and fingerprint(by_uuid[change.uuid]) != seen[change.key]:
            how = _edited(change, by_uuid[change.uuid])
        if how:
            found.append(Moved(change, how))
    return tuple(found)


def _edited(change: Change, tag: Tag) -> str:
    for item in change.differences:
        if item.field == "properties":
            held = tag.fields.get("properties")
            held = held if isinstance(held, Mapping) else {}
            keys = [key for key, old in (item.old or {}).items() if held.get(key) != old]
            if keys:
                was, now = (item.old or {}).get(keys[0]), held.get(keys[0])
                return f"properties.{keys[0]} was {_short(was)}, it is {_short(now)}"
            continue
        field = field_named(item.field)
        current = tag.name if item.field == "value" else tag.fields.get(item.field)
        if current != item.old and (field is None or not same(field, item.old, current)):
            return f"{item.field} was {_short(item.old)}, it is {_short(current)}"
    return "the tag was edited since" + (f" (at {tag.updated_at})" if tag.updated_at else "")


def _short(value: Json) -> str:
    text = canonical_bytes(value).decode("utf-8", "replace")
    return text if len(text) <= 60 else text[:57] + "..."
