"""plan.json: a Plan with everything that results.csv and a resume on another machine need. One form, one digest.

    {"created": ..., "format": "tag-importer-plan", "plan": {...}, "sha256": ..., "version": 2}

`sha256` is that of the bytes of `plan`. Inside it each table stands once, as columns of cells; the row of a change is
`[table, position]`, and whatever is empty is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from importer.atomic import atomic_path
from importer.errors import UsageError
from importer.model import EMPTY, Action, Change, FieldChange, Header, Issue, Json, Plan, SourceFile, Table
from importer.planning.bulk import many_objects
from importer.planning.canonical import canonical_bytes

FORMAT: Final = "tag-importer-plan"
VERSION: Final = 2
_HEAD: Final = 400
_AGAIN: Final = "make the plan again and apply that"


class _Envelope(Struct):
    format: str
    version: int
    sha256: str
    plan: msgspec.Raw
    created: str = ""


class _Table(Struct, omit_defaults=True):
    """A table without the rows of which no change is, as columns of cells."""

    file: str
    kind: str
    columns: tuple[str, ...]
    numbers: list[int]
    cells: list[list[str]]
    letters: tuple[str, ...] = ()
    sheet: str = ""
    ids: tuple[str, ...] = ()


class _Change(Struct, omit_defaults=True):
    """A change whose row is [number of the table, position in it]."""

    key: str
    action: Action
    name: str
    row: tuple[int, int] | None = None
    uuid: str = ""
    body: Mapping[str, Json] = EMPTY
    differences: tuple[FieldChange, ...] = ()
    code: str = ""
    message: str = ""
    issues: tuple[Issue, ...] = ()
    column: str = ""


class _Plan(Struct, omit_defaults=True):
    """A plan but for the time it was made."""

    account: str
    mode: str
    changes: list[_Change]
    tables: list[_Table]
    sources: tuple[SourceFile, ...] = ()
    mappings: tuple[str, ...] = ()
    notes: tuple[Issue, ...] = ()
    category: str = ""
    account_tags: int = 0
    options: Mapping[str, Json] = EMPTY


def plan_digest(plan: Plan) -> str:
    """sha256 of the plan, hex. The time it was made is no part of it."""
    return hashlib.sha256(_encoded(plan)).hexdigest()


def _encoded(plan: Plan) -> bytes:
    """The canonical JSON of the whole plan but for the time it was made."""
    with many_objects():
        tables: dict[int, Table] = {}
        used: dict[int, dict[int, None]] = {}
        for change in plan.changes:
            if change.row is not None:
                tables[id(change.row.table)] = change.row.table
                used.setdefault(id(change.row.table), {})[change.row.position] = None
        order = {key: sorted(positions) for key, positions in used.items()}
        number = {key: at for at, key in enumerate(order)}
        place = {key: {position: at for at, position in enumerate(found)} for key, found in order.items()}
        changes = []
        for one in plan.changes:
            row = None
            if one.row is not None:
                key = id(one.row.table)
                row = (number[key], place[key][one.row.position])
            changes.append(
                _Change(
                    one.key, one.action, one.name, row, one.uuid, one.body, one.differences, one.code, one.message,
                    one.issues, one.column,
                )
            )  # fmt: skip
        return canonical_bytes(
            _Plan(
                plan.account, plan.mode, changes, [_table(tables[key], order[key]) for key in order], plan.sources,
                plan.mappings, plan.notes, plan.category, plan.account_tags, plan.options,
            )
        )  # fmt: skip


def _table(table: Table, positions: list[int]) -> _Table:
    header, frame = table.header, table.frame.take(positions)
    return _Table(
        header.file,
        header.kind,
        header.columns,
        [table.numbers[at] for at in positions],
        [frame.iloc[:, at].tolist() for at in range(frame.shape[1])],
        header.letters,
        header.sheet,
        tuple(table.ids[at] for at in positions) if table.ids else (),
    )


def _decoded(plan: _Plan, created: str) -> Plan:
    tables = [
        Table.of_columns(
            Header(one.file, one.kind, one.columns, one.letters, one.sheet), one.cells, one.numbers, one.ids
        )
        for one in plan.tables
    ]
    rows = [table.rows() for table in tables]
    changes = tuple(
        Change(
            one.key, one.action, one.name, one.row and rows[one.row[0]][one.row[1]], one.uuid, one.body,
            one.differences, one.code, one.message, one.issues, one.column,
        )
        for one in plan.changes
    )  # fmt: skip
    return Plan(
        plan.account, plan.mode, changes, plan.sources, plan.mappings, plan.notes, plan.category, plan.account_tags,
        created, plan.options,
    )  # fmt: skip


def write_plan(path: Path, plan: Plan) -> str:
    """Write the plan (mode 0600, whole or not at all) and return its digest.

    Raises OSError where the folder cannot be written.
    """
    inside = _encoded(plan)
    digest = hashlib.sha256(inside).hexdigest()
    with atomic_path(path, forced=True) as temporary, temporary.open("wb") as file:
        file.write(canonical_bytes({"created": plan.created, "format": FORMAT})[:-1] + b',"plan":')
        file.write(inside)
        file.write(b"," + canonical_bytes({"sha256": digest, "version": VERSION})[1:] + b"\n")
    return digest


def is_plan_file(path: Path) -> bool:
    """Whether a file says at its beginning that it is a plan of this program. Raises OSError."""
    with path.open("rb") as file:
        return f'"{FORMAT}"'.encode() in file.read(_HEAD)


def read_plan(path: Path) -> Plan:
    """The plan of this file. Raises UsageError for a file that is missing, no plan, of another version, or altered."""
    plan, _ = read_plan_digest(path)
    return plan


def read_plan_digest(path: Path) -> tuple[Plan, str]:
    """The plan and its digest, in one reading; raises as `read_plan` does."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the plan {path} cannot be read: {error.strerror or error}") from error
    with many_objects():
        return _read(path, data)


def _read(path: Path, data: bytes) -> tuple[Plan, str]:
    try:
        envelope = _envelope(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not a plan of this program", hint="make one with: tag-importer plan SOURCE --out DIR"
        ) from error
    if envelope.format != FORMAT:
        raise UsageError(f"{path} is not a plan of this program: its format is {envelope.format[:40]!r}")
    if envelope.version != VERSION:
        raise UsageError(
            f"{path} is a plan of version {envelope.version}, this program reads version {VERSION}",
            hint="make the plan again with this version",
        )
    try:
        plan = _decoded(_inside(envelope.plan), envelope.created)
    except (IndexError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a whole plan: {error}", hint=_AGAIN) from error
    # An editor that only laid it out anew has changed nothing.
    if hashlib.sha256(envelope.plan).hexdigest() != envelope.sha256 and plan_digest(plan) != envelope.sha256:
        raise UsageError(f"{path} was altered after it was made: its sha256 does not match", hint=_AGAIN)
    return plan, envelope.sha256


def _envelope(data: bytes) -> _Envelope:
    try:
        return msgspec.json.decode(data, type=_Envelope)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        whole = json.loads(data)  # half a surrogate pair, see canonical_bytes
        return msgspec.convert({**whole, "plan": msgspec.Raw(canonical_bytes(whole["plan"]))}, _Envelope)


def _inside(raw: msgspec.Raw) -> _Plan:
    try:
        return msgspec.json.decode(raw, type=_Plan)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.convert(json.loads(bytes(raw)), _Plan)
