"""The ids by which sources know an actor, so that a tag is found again when the actor is renamed.

An id is kept in the tag, in `properties.source_id`, where the schema of its category has that key, else in a state file
of the account. Without either, a renamed actor is a new tag beside one that no row is about any more.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from importer.mapping.meanings import file_name
from importer.model import Category, Json, Outcome, RowRef, Status, Tag
from importer.planning.marking import text_property
from importer.planning.memory import Memory

ID_KEY: Final = "source_id"
_GLOBAL: Final = re.compile(r"(?:[a-z][a-z0-9-]*--)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
"""A MISP uuid or a STIX id: it means the same wherever it is found."""

_PROOFS: Final = frozenset((Status.CREATED, Status.UPDATED, Status.UNCHANGED))


def source_id(row: RowRef) -> str:
    """The id of the actor in its source; empty for none. An id that others may use too goes with its file's name."""
    return id_in(row.header.file, row.id)


def id_in(file: str, id_: str) -> str:
    """The same of an id and the file that has it."""
    return id_.lower() if not id_ or _GLOBAL.fullmatch(id_) else f"{file_name(file)}#{id_}"


def id_property(tag: Tag) -> str:
    """The id that a tag carries; empty for none."""
    return text_property(tag, ID_KEY)


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
        self._memory = Memory(path, dict[str, str])

    def uuid(self, id_: str) -> str:
        """The uuid of the tag that was made of, or found for, this id; empty for none."""
        return self._memory.state.get(id_, "")

    def learn(self, rows: Mapping[str, RowRef], outcomes: Iterable[Outcome]) -> None:
        """Take how a run ended; `rows` are its input rows by the keys of their changes."""
        for outcome in outcomes:
            row = rows.get(outcome.key) if outcome.uuid and outcome.status in _PROOFS else None
            id_ = source_id(row) if row is not None else ""
            # By a decision a row may be about another tag, and the first one stays; a tag that was made is its own.
            if id_ and (outcome.status is Status.CREATED or id_ not in self._memory.state):
                self._memory.state[id_] = outcome.uuid
                self._memory.changed = True

    def only(self, uuids: Collection[str]) -> None:
        """Forget tags that the account does not have any more; `uuids` are in lower case."""
        for id_, uuid in list(self._memory.state.items()):
            if uuid.lower() not in uuids:
                del self._memory.state[id_]
                self._memory.changed = True

    def save(self) -> None:
        """Write the state file, where anything changed. Raises OSError."""
        self._memory.save()
