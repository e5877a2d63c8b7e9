"""The ids by which sources know an actor, so that a tag is found again when the actor is renamed.

An id is kept in the tag, in `properties.source_id`, where the schema of its category has that key, else in a state file
of the account. Without either, a renamed actor is a new tag beside one that no row is about any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final

import msgspec

from importer.atomic import atomic_path, private_folder
from importer.model import Category, Json, Outcome, RowRef, Status, Tag

ID_KEY: Final = "source_id"
_GLOBAL: Final = re.compile(r"(?:[a-z][a-z0-9-]*--)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
"""A MISP uuid or a STIX id: it means the same wherever it is found."""

_PROOFS: Final = frozenset((Status.CREATED, Status.UPDATED, Status.UNCHANGED))


def source_id(row: RowRef) -> str:
    """The id of the actor in its source; empty for none. An id that others may use too goes with its file's name."""
    id_ = row.id
    if not id_ or _GLOBAL.fullmatch(id_):
        return id_.lower()
    return f"{PurePath(row.header.file).name}#{id_}"


def id_property(tag: Tag) -> str:
    """The id that a tag carries; empty for none."""
    properties = tag.fields.get("properties")
    held = properties.get(ID_KEY) if isinstance(properties, Mapping) else None
    if isinstance(held, Mapping):
        held = held.get("value")
    return held if isinstance(held, str) else ""


def with_id(fields: Mapping[str, Json], row: RowRef, category: Category | None) -> Mapping[str, Json]:
    """The fields of a new tag with its source's id, where its category's schema has room for one."""
    schema = category.schema if category is not None else None
    if not schema or not any(entry.get("key") == ID_KEY for entry in schema) or not (id_ := source_id(row)):
        return fields
    return {**fields, "properties": {ID_KEY: id_, **(fields.get("properties") or {})}}


class SourceIds:
    """The memory of one account: source id -> uuid of its tag. Read when it is first needed; written by `save`."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` is the state file; None remembers nothing."""
        self._path = path
        self._read: dict[str, str] | None = None
        self._changed = False

    def uuid(self, id_: str) -> str:
        """The uuid of the tag that was made of, or found for, this id; empty for none."""
        return self._known.get(id_, "")

    def learn(self, rows: Mapping[str, RowRef], outcomes: Iterable[Outcome]) -> None:
        """Take how a run ended; `rows` are its input rows by the keys of their changes."""
        for outcome in outcomes:
            row = rows.get(outcome.key) if outcome.uuid and outcome.status in _PROOFS else None
            id_ = source_id(row) if row is not None else ""
            if id_ and self._known.get(id_) != outcome.uuid:
                self._known[id_] = outcome.uuid
                self._changed = True

    def save(self) -> None:
        """Write the state file, where anything changed. Raises OSError."""
        if self._path is None or not self._changed:
            return
        private_folder(self._path.parent)
        with atomic_path(self._path) as temporary:
            temporary.write_bytes(msgspec.json.encode(self._known))
        self._changed = False

    @property
    def _known(self) -> dict[str, str]:
        if self._read is None:
            self._read = {}
            if self._path is not None:
                # A file that is damaged or cannot be read is as good as none: the next run writes it again.
                with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
                    self._read = msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        return self._read
