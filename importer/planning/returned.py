"""What the server takes and does not give back as it was sent, so that the same update is not planned every night.

Some accounts never get `internalAliases` back, some fields lose their confidence, purple entries are removed. Each
answer of a create or update is compared with what was sent. Where the two differ, it is remembered for that tag and
field what was sent and what came back, as digests. A later plan leaves a difference out while the list asks for just
what was sent, and the account holds just what came back: an edit on either side is seen. Without the state file the
next update teaches it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from importer.fields.comparing import token
from importer.fields.names import composed
from importer.fields.table import FIELDS, Field, Kind
from importer.fields.values import canonical, same
from importer.model import FieldChange, Issue, Json, Place, Severity, Tag
from importer.planning.memory import Memory
from importer.remote.wire import Unreadable, tag_of

_MOST: Final = 200_000
"""Tags that are remembered."""
_MAIN: Final = {Kind.ALIAS_LIST: "value", Kind.REFERENCE_LIST: "url"}
_PARTS: Final = ("confidence", "tlp", "description")
_PROPERTIES: Final = "properties"
_FIELDS: Final = {field.name: field for field in FIELDS}
_NAMES: Final = _FIELDS.keys() - {"value"}


class _State(msgspec.Struct):
    """The state file."""

    told: list[str] = []
    """Names of parts of which a person was told."""
    tags: dict[str, dict[str, tuple[str, str]]] = {}
    """By uuid and field (or `properties.key`): digests of what was sent and of what came back."""


class Returned:
    """The memory of one account. Read when it is first needed; written by `save`."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` is the state file; None remembers for this run alone."""
        self._memory = Memory(path, _State)
        self._left_out: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()
        self._came_back: set[str] = set()

    # -- planning

    def unsettled(
        self, tag: Tag, wanted: Mapping[str, Json], changes: tuple[FieldChange, ...]
    ) -> tuple[FieldChange, ...]:
        """The differences that are to be sent: without those that sending them again would not change."""
        known = self._state.tags.get(tag.uuid)
        if not known:
            return changes
        kept: list[FieldChange] = []
        differing: set[str] = set()
        for change in changes:
            still: dict[str, Json] = {}
            for key, field, new in _pieces({change.field: change.new}):
                differing.add(key)
                old = _held(tag, key)
                if known.get(key) == (_digest(_settled(field, new)), _digest(_settled(field, old))):
                    self._left_out.update(lacking(key, field, new, old)[0])
                else:
                    still[key] = new
            if change.field != _PROPERTIES and still:
                kept.append(change)
            elif still:
                names = [key.removeprefix(f"{_PROPERTIES}.") for key in still]
                old, new = change.old or {}, change.new
                kept.append(FieldChange(_PROPERTIES, {n: old.get(n) for n in names}, {n: new[n] for n in names}))
        for key, _, _ in _pieces(wanted):
            if key in known and key not in differing:
                self._forget(tag.uuid, key)  # it does come back by now
        return tuple(kept)

    def only(self, uuids: Collection[str]) -> None:
        """Forget all tags but these, which the account holds."""
        gone = self._state.tags.keys() - set(uuids)
        for uuid in gone:
            del self._state.tags[uuid]
        self._memory.changed |= bool(gone)

    def not_compared(self) -> list[Issue]:
        """What a plan says of the differences that were left out of it."""
        if not self._left_out:
            return []
        message = f"not compared, because the server does not give it back as it was sent: {_listed(self._left_out)}"
        return [Issue(Severity.INFO, "not-compared", message, Place(""))]

    # -- carrying out

    def compare(self, body: Mapping[str, Json], answer: Mapping[str, Json]) -> None:
        """Take the answer to a create or update with this body."""
        uuid = str(answer.get("uuid"))
        differing = {}
        came_back = self._came_back
        for name, sent in body.items():
            if answer.get(name) != sent and answer.get(f"{name}_annotated") != sent:
                differing[name] = sent
            elif name not in came_back or type(sent) is dict or (type(sent) is list and sent and type(sent[0]) is dict):
                came_back.update(_names(name, sent))
        known = uuid in self._state.tags
        if not differing and not known:
            return
        try:
            tag = tag_of(answer)
        except Unreadable:
            return
        for key, field, sent in _pieces(body if known else differing):
            asked, got = _settled(field, sent), _settled(field, _held(tag, key))
            if asked == got:
                self._came_back.update(_names(key, sent))
                self._forget(uuid, key)
                continue
            if len(self._state.tags) < _MOST or uuid in self._state.tags:
                self._state.tags.setdefault(uuid, {})[key] = (_digest(asked), _digest(got))
                self._memory.changed = True
            if not _NAMES.isdisjoint(answer):  # an answer may be just a uuid: then a list may well show more
                self._missing.update(lacking(key, field, sent, _held(tag, key))[0])

    def forgives(self, field: Field, sent: Json, held: Json) -> bool:
        """Whether a tag that was found may be what was sent although it differs: it lacks what the server drops.

        Where no answer has shown that yet, a part or entry that is missing is no proof, and another value always is.
        """
        names, absent = lacking(field.name, field, sent, held)
        dropped = self._missing.keys() | set(self._state.told)
        return absent and all(
            name in dropped
            or ((name != field.name or field.is_list or not field.current) and name not in self._came_back)
            for name in names
        )

    def news(self) -> list[Issue]:
        """What a person was not told yet of what the server does not give back."""
        new = Counter({name: count for name, count in self._missing.items() if name not in self._state.told})
        if not new:
            return []
        self._state.told.extend(sorted(new))
        self._memory.changed = True
        message = (
            f"the server took this and did not give it back as it was sent: {_listed(new)}; it is sent again only "
            "when the list or the tag is edited"
        )
        return [Issue(Severity.WARNING, "not-given-back", message, Place(""))]

    def save(self) -> None:
        """Write the state file, where anything changed. Raises OSError."""
        self._memory.save()

    @property
    def _state(self) -> _State:
        return self._memory.state

    def _forget(self, uuid: str, key: str) -> None:
        known = self._state.tags.get(uuid)
        if known is not None and known.pop(key, None) is not None:
            self._memory.changed = True
            if not known:
                del self._state.tags[uuid]


def lacking(key: str, field: Field, sent: Json, held: Json) -> tuple[frozenset[str], bool]:
    """The names of what `held` lacks of `sent` (`priority.confidence`, `aliases with TLP purple`, or the field's own),
    and whether that is all: nothing in it is another."""
    if held is None or held in ("", [], {}):
        return frozenset({key}), True
    if field.annotated:
        asked, there = (value if isinstance(value, Mapping) else {"value": value} for value in (sent, held))
        if not same(field, asked.get("value"), there.get("value")):
            return frozenset({key}), False
        names, absent = _missing_parts(key, asked, there)
        return frozenset(names) or frozenset({key}), absent
    if not (field.is_list and isinstance(sent, Sequence) and isinstance(held, Sequence)):
        return frozenset({key}), False
    found: set[str] = set()
    absent = True
    left = {_text(field, entry): entry for entry in held}
    for entry in sent:
        back = left.pop(_text(field, entry), None)
        if back is None:
            found.add(_entry_name(key, entry))
        elif isinstance(entry, Mapping) and isinstance(back, Mapping):
            names, only = _missing_parts(key, entry, back)
            found |= names
            absent &= only
    return frozenset(found) or frozenset({key}), absent and not left


def _missing_parts(key: str, sent: Mapping[str, Json], held: Mapping[str, Json]) -> tuple[set[str], bool]:
    """The annotations that are missing, and whether all others are as they were sent."""
    differing = [part for part in _PARTS if sent.get(part) != held.get(part)]
    missing = {f"{key}.{part}" for part in differing if held.get(part) is None}
    return missing or {f"{key}.{part}" for part in differing}, len(missing) == len(differing)


def _names(key: str, sent: Json) -> Iterator[str]:
    """The names of all that came back where `sent` did."""
    yield key
    for entry in sent if isinstance(sent, list) else (sent,):
        if isinstance(entry, Mapping):
            yield from (f"{key}.{part}" for part in _PARTS if part in entry)
            if "tlp" in entry:
                yield _entry_name(key, entry)


def _entry_name(key: str, entry: Json) -> str:
    tlp = entry.get("tlp") if isinstance(entry, Mapping) else None
    return f"{key} with TLP {tlp}" if tlp else key


def _text(field: Field, entry: Json) -> str:
    text = entry.get(_MAIN.get(field.kind, "value")) if isinstance(entry, Mapping) else entry
    return composed(str(text))


def _pieces(fields: Mapping[str, Json]) -> Iterator[tuple[str, Field, Json]]:
    """What is compared by itself: each field, and each key of `properties`."""
    for name, value in fields.items():
        field = _FIELDS.get(name)
        if field is None:
            continue
        if name == _PROPERTIES and isinstance(value, Mapping):
            for key, item in value.items():
                yield f"{name}.{key}", field, {key: item}
        else:
            yield name, field, value


def _held(tag: Tag, key: str) -> Json:
    if key == "value":
        return tag.name
    name, dot, part = key.partition(".")
    held = tag.fields.get(name)
    return {part: held.get(part)} if dot and isinstance(held, Mapping) else held


def _settled(field: Field, value: Json) -> object:
    """What is equal for values that mean the same."""
    return token(canonical(field, value))


def _digest(settled: object) -> str:
    return blake2b(repr(settled).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,} tag{'s' * (count > 1)})" for name, count in sorted(counts.items()))
