"""What tells that a document is STIX, by the outside of its objects; nothing else of them is decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_ID = re.compile(r"\A[a-z0-9][a-z0-9-]*--[0-9a-fA-F-]{8,}\Z")


class Head(msgspec.Struct, gc=False):
    """The outside of a bundle."""

    type: Any = ""
    id: Any = ""
    spec_version: Any = ""
    objects: msgspec.Raw = msgspec.Raw(b"")
    more: Any = False


head_of = msgspec.json.Decoder(Head).decode
items_of = msgspec.json.Decoder(list[msgspec.Raw]).decode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _is_bundle(head: Head) -> bool:
    return bool(head.objects or head.spec_version or _has_id(head, "bundle"))


def is_stix(documents: list[msgspec.Raw]) -> bool:
    """Whether the documents of a file are bundles or objects of STIX 2, or what a server wraps them in."""
    looked = 0
    for raw in documents[:20]:
        for item in _heads(raw):
            looked += 1
            if _is_object(item) or _is_envelope(item):
                return True
            if looked > 20:
                return False
        if wrapped(raw):
            return True
    return False


def _has_id(head: Head, kind: str) -> bool:
    return isinstance(head.id, str) and head.id.startswith(f"{kind}--") and _ID.match(head.id) is not None


def _is_object(head: Head) -> bool:
    if head.type == "bundle":
        return _is_bundle(head)
    return isinstance(head.type, str) and bool(head.type) and _has_id(head, head.type)


def _is_envelope(head: Head) -> bool:
    """A TAXII 2.1 envelope: objects as in a bundle, but no type."""
    return not head.type and first_byte(head.objects) == b"[" and any(map(_is_object, _heads(head.objects)))


def wrapped(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """The bundles under the keys of an object that is none: `{"data": {bundle}}`, `{"bundles": [{bundle}]}`.

    None where another list of objects stands beside them: it may be what is meant.
    """
    return _wrapped(raw, 0) or []


def _wrapped(raw: msgspec.Raw, depth: int) -> list[msgspec.Raw] | None:
    """The same down to three levels of keys; None when there is another list of objects."""
    head = next(_heads(raw), None) if first_byte(raw) == b"{" else None
    if head is None or head.type:
        return []
    found = []
    try:
        values = _fields.decode(raw).values()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    for value in values:
        heads = list(_heads(value))
        if heads and all(_is_envelope(head) or (head.type == "bundle" and _is_bundle(head)) for head in heads):
            found.append(value)
        elif first_byte(value) == b"[" and heads:
            return None
        elif depth < 2:
            inner = _wrapped(value, depth + 1)
            if inner is None:
                return None
            found += inner
    return found


def first_byte(raw: msgspec.Raw) -> bytes:
    """`{`, `[` or whatever a value begins with."""
    return bytes(memoryview(raw)[:1])


def _heads(raw: msgspec.Raw) -> Iterator[Head]:
    first = first_byte(raw)
    try:
        if first == b"{":
            yield head_of(raw)
        elif first == b"[":
            for item in items_of(raw)[:20]:
                if first_byte(item) == b"{":
                    yield head_of(item)
    except msgspec.DecodeError:
        return
