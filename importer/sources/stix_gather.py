"""Tells STIX by the outside of its objects, goes once through them, and keeps what actors need, raw and undecoded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from importer.sources.json_text import parse
from importer.sources.located import Opened
from importer.sources.stix_graph import SAME_ACTOR, StixGraph

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
keys_of = _fields.decode


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


ACTORS = ("intrusion-set", "threat-actor")
LINKS = frozenset({"located-at", "attributed-to", "originates-from"}) | SAME_ACTOR


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


_WANTED = frozenset({*ACTORS, "relationship", "location", "identity", "marking-definition", "bundle"})
_probe_list = msgspec.json.Decoder(list[Probe])
_probe = msgspec.json.Decoder(Probe)
_identity = msgspec.json.Decoder(Identity)


class Bundle(msgspec.Struct, gc=False):
    """A bundle with its objects still raw."""

    objects: list[msgspec.Raw]
    type: Any = ""
    spec_version: Any = ""


class BundleProbes(msgspec.Struct, gc=False):
    """The same bundle's objects, probed."""

    objects: list[Probe]


_bundle = msgspec.json.Decoder(Bundle)
_bundle_probes = msgspec.json.Decoder(BundleProbes)


@dataclass(slots=True)
class Actor:
    """One version of an actor in one file."""

    number: int
    """1-based position among the objects of the file."""
    id: str
    modified: str
    raw: msgspec.Raw | bytes
    """Its text; empty once there is a row of it."""
    left_out: str = ""
    """revoked or deprecated."""


@dataclass(slots=True)
class StixFile:
    """What a STIX file holds, as far as it is wanted."""

    opened: Opened
    version: str = ""
    bundles: int = 0
    more: bool = False
    """Whether it is a page of a TAXII answer and says that there are others."""
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


def gather_bundle(opened: Opened, data: bytes, graph: StixGraph) -> StixFile | None:
    """What a text holds that is one STIX bundle; None for all else, broken JSON too.

    The usual case: two passes over what may be 30 MB on one line tell, validate, split and probe it.
    """
    try:
        bundle = _bundle.decode(data)
        if bundle.type != "bundle" or not (bundle.objects or bundle.spec_version):
            return None
        probes = _bundle_probes.decode(data).objects
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    found = StixFile(opened, bundles=1)
    if isinstance(bundle.spec_version, str):
        found.version = bundle.spec_version
    _gather_all(bundle.objects, probes, found, graph, 0)
    _settle(found, len(data))
    return found


def _settle(found: StixFile, size: int) -> None:
    """STIX 2.1 says its version in each object, 2.0 in the bundle; a few actors do not keep a large text in memory."""
    if not found.version:
        found.version = "2.1" if any(b'"spec_version"' in bytes(actor.raw) for actor in found.actors[:20]) else "2.0"
    if sum(memoryview(actor.raw).nbytes for actor in found.actors) * 2 < size:
        for actor in found.actors:
            actor.raw = bytes(actor.raw)


def gather(opened: Opened, documents: list[msgspec.Raw], graph: StixGraph) -> StixFile:
    """Keeps actors in the file's record; links, places, identities and markings in the run's graph."""
    found = StixFile(opened)
    for raw in documents:
        _gather(raw, found, graph, 0)
    _settle(found, sum(memoryview(raw).nbytes for raw in documents))
    return found


def _gather(raw: msgspec.Raw, found: StixFile, graph: StixGraph, depth: int) -> None:
    """A bundle, an array of bundles or objects, what holds bundles, or an object that stands alone."""
    first = first_byte(raw)
    if first == b"[" and depth < 4:
        _gather_all(items_of(raw), _probes(raw), found, graph, depth)
        return
    head = head_of(raw) if first == b"{" and depth < 4 else Head()
    if head.type == "bundle" or (not head.type and head.objects):
        _gather_bundle(head, found, graph, depth)
    elif inner := wrapped(raw) if depth < 4 else []:
        for one in inner:
            _gather(one, found, graph, depth + 1)
    else:
        _gather_all([raw], _probes_singly([raw]), found, graph, depth)


def _gather_bundle(head: Head, found: StixFile, graph: StixGraph, depth: int) -> None:
    found.bundles += 1
    found.more = found.more or head.more is True
    if isinstance(head.spec_version, str) and head.spec_version:
        found.version = head.spec_version
    if first_byte(head.objects) == b"[":
        _gather_all(items_of(head.objects), _probes(head.objects), found, graph, depth)


def _gather_all(
    raws: list[msgspec.Raw], probes: list[Probe] | None, found: StixFile, graph: StixGraph, depth: int
) -> None:
    """The objects of one list. All are probed in one go; only the wanted ones are looked at by Python code."""
    start = found.objects
    probes = probes if probes is not None else _probes_singly(raws)
    kinds, counts = _kinds(probes)
    found.types.update(counts)
    wanted = [position for position, kind in enumerate(kinds) if kind in _WANTED] if counts.keys() & _WANTED else []
    for position in found.opened.deadline.each(wanted):
        kind, link = kinds[position], probes[position].relationship_type
        if kind == "relationship" and not (isinstance(link, str) and link in LINKS):
            continue
        raw = raws[position]
        if kind in ACTORS:
            found.actors.append(_actor(raw, start + position + 1))
        elif kind == "bundle":
            if depth < 4:
                found.types["bundle"] -= 1
                _gather(raw, found, graph, depth + 1)
        else:
            graph.add(parse(found.opened.file, raw))


def _kinds(probes: list[Probe]) -> tuple[list[str], Counter[str]]:
    """The type of each object, and how often each occurs. A value that is not text, or none, is not a type."""
    kinds = [probe.type for probe in probes]
    try:
        counts = Counter(kinds)
    except TypeError:
        counts = Counter([""])
    if not all(type(kind) is str and kind for kind in counts):
        kinds = [kind if isinstance(kind, str) and kind else "untyped object" for kind in kinds]
        counts = Counter(kinds)
    return kinds, counts


def _probes(raw: msgspec.Raw) -> list[Probe] | None:
    """All objects of a list probed at once; None when one of them is not an object."""
    try:
        return _probe_list.decode(raw)
    except msgspec.ValidationError:
        return None


def _probes_singly(raws: list[msgspec.Raw]) -> list[Probe]:
    probes = []
    for raw in raws:
        try:
            probes.append(_probe.decode(raw))
        except msgspec.ValidationError:
            probes.append(Probe("value that is not an object"))
    return probes


def _actor(raw: msgspec.Raw, number: int) -> Actor:
    found = _identity.decode(raw)
    left_out = "revoked" if found.revoked is True else "deprecated" if found.x_mitre_deprecated is True else ""
    return Actor(
        number,
        found.id if isinstance(found.id, str) else "",
        found.modified if isinstance(found.modified, str) else "",
        raw,
        left_out,
    )
