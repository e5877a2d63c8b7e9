"""Goes once through the objects of a STIX file and keeps what actors need: raw, undecoded, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from importer.sources.json_text import parse
from importer.sources.located import Opened
from importer.sources.stix_world import World

ACTORS = ("intrusion-set", "threat-actor")
LINKS = frozenset({"located-at", "attributed-to", "originates-from"})
_ID = re.compile(r"\A[a-z0-9][a-z0-9-]*--[0-9a-fA-F-]{8,}\Z")


class Probe(msgspec.Struct, gc=False):
    """As little of an object as tells whether it is wanted. Wrong types are somebody else's problem."""

    type: Any = ""
    relationship_type: Any = ""


class Identity(msgspec.Struct, gc=False):
    """What decides between two versions of an actor."""

    id: Any = ""
    modified: Any = ""
    revoked: Any = False
    x_mitre_deprecated: Any = False
    type: Any = ""


class _Head(msgspec.Struct, gc=False):
    type: Any = ""
    id: Any = ""
    spec_version: Any = ""
    objects: msgspec.Raw = msgspec.Raw(b"")


_probe = msgspec.json.Decoder(Probe)
_identity = msgspec.json.Decoder(Identity)
_head = msgspec.json.Decoder(_Head)
_list = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(slots=True)
class Actor:
    """One version of an actor in one file."""

    number: int
    """1-based position among the objects of the file."""
    id: str
    modified: str
    raw: bytes
    left_out: str = ""
    """revoked or deprecated."""


@dataclass(slots=True)
class StixFile:
    """What a STIX file holds, as far as it is wanted."""

    opened: Opened
    version: str = ""
    bundles: int = 0
    actors: list[Actor] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)

    @property
    def objects(self) -> int:
        return sum(self.types.values())

    @property
    def holds(self) -> str:
        """`12 indicator, 3 malware`, the most frequent first."""
        shown = [f"{count:,} {kind}" for kind, count in self.types.most_common(6)]
        more = len(self.types) - 6
        return ", ".join(shown) + (f" and {more} other kinds" if more > 0 else "") if shown else "no objects"


def is_stix(documents: list[msgspec.Raw]) -> bool:
    """Whether the documents of a file are bundles or objects of STIX 2."""
    looked = 0
    for raw in documents[:20]:
        for item in _heads(raw):
            looked += 1
            if item.type == "bundle" and (item.objects or item.spec_version or _has_id(item, "bundle")):
                return True
            if isinstance(item.type, str) and item.type and _has_id(item, item.type):
                return True
            if looked > 20:
                return False
    return False


def _has_id(head: _Head, kind: str) -> bool:
    return isinstance(head.id, str) and head.id.startswith(f"{kind}--") and _ID.match(head.id) is not None


def _heads(raw: msgspec.Raw) -> Iterator[_Head]:
    first = bytes(memoryview(raw)[:1])
    try:
        if first == b"{":
            yield _head.decode(raw)
        elif first == b"[":
            for item in _list.decode(raw)[:20]:
                if bytes(memoryview(item)[:1]) == b"{":
                    yield _head.decode(item)
    except msgspec.DecodeError:
        return


def gather(opened: Opened, documents: list[msgspec.Raw], world: World) -> StixFile:
    """Keeps actors in the file's record; links, places, identities and markings in the run's world."""
    found = StixFile(opened)
    number = 0
    for raw in _objects(documents, found):
        number += 1
        try:
            probe = _probe.decode(raw)
        except msgspec.ValidationError:
            found.types["something that is no object"] += 1
            continue
        kind = probe.type if isinstance(probe.type, str) and probe.type else "untyped object"
        found.types[kind] += 1
        if kind in ACTORS:
            found.actors.append(_actor(raw, number))
        elif kind == "relationship":
            if probe.relationship_type in LINKS:
                world.add(parse(opened.file, raw))
        elif kind in ("location", "identity", "marking-definition"):
            world.add(parse(opened.file, raw))
    if not found.version:
        found.version = "2.1" if any(b'"spec_version"' in actor.raw for actor in found.actors[:20]) else "2.0"
    return found


def _objects(documents: Iterable[msgspec.Raw], found: StixFile, depth: int = 0) -> Iterator[msgspec.Raw]:
    """The objects of bundles, of arrays of bundles or objects, and objects that stand alone."""
    for raw in documents:
        first = bytes(memoryview(raw)[:1])
        if first == b"[" and depth < 4:
            yield from _objects(_list.decode(raw), found, depth + 1)
        elif (
            first == b"{"
            and depth < 4
            and b'"objects"' in memoryview(raw)[:4096].tobytes() + memoryview(raw)[-4096:].tobytes()
        ):
            head = _head.decode(raw)
            if head.type == "bundle" or (not head.type and head.objects):
                found.bundles += 1
                if isinstance(head.spec_version, str) and head.spec_version:
                    found.version = head.spec_version
                if bytes(memoryview(head.objects)[:1]) == b"[":
                    yield from _objects(_list.decode(head.objects), found, depth + 1)
            else:
                yield raw
        else:
            yield raw


def _actor(raw: msgspec.Raw, number: int) -> Actor:
    found = _identity.decode(raw)
    left_out = "revoked" if found.revoked is True else "deprecated" if found.x_mitre_deprecated is True else ""
    return Actor(
        number,
        found.id if isinstance(found.id, str) else "",
        found.modified if isinstance(found.modified, str) else "",
        bytes(raw),
        left_out,
    )
