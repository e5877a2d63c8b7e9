"""plan.json: a Plan with everything that results.csv and a resume on another machine need. One form, one digest.

    {"created": ..., "format": "tag-importer-plan", "plan": {...}, "seal": ..., "sha256": ..., "version": 3}

`sha256` is that of the bytes of `plan`; anybody can make one. `seal` is an HMAC of it with a key that does not leave
the machine: a plan whose seal fits was made here. Inside `plan` each table is held once, as columns of cells; the row
of a change is `[table, position]`, and whatever is empty is left out. What a change shows is derived from what it
sends, so that the two cannot differ: of an update only the old values are kept beside its body, the name of a new tag
is that in its body, and the reason of a delete follows from the plan's mode.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from importer.atomic import atomic_path
from importer.errors import UsageError
from importer.fields.table import FIELDS
from importer.model import (
    Action,
    Change,
    FieldChange,
    Header,
    Issue,
    Json,
    Pair,
    Plan,
    Reading,
    RowRef,
    SourceFile,
    Table,
)
from importer.planning.bulk import gc_paused
from importer.planning.canonical import canonical_bytes

FORMAT: Final = "tag-importer-plan"
VERSION: Final = 3
DELETES: Final[Mapping[str, str]] = {"undo": "created by the run"}
"""Why a plan of this mode deletes a tag; every other plan prunes."""
PRUNED: Final = "marked as this job's, and no row of the sources has its name any more"
_HEAD: Final = 400
_AGAIN: Final = "make the plan again and apply that"


class _Envelope(Struct):
    format: str
    version: int
    sha256: str
    plan: msgspec.Raw
    created: str = ""
    seal: str = ""


Natural = Annotated[int, Meta(ge=0, lt=1 << 53)]


class _Options(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """The types of `Plan.options`."""

    create_category: str = ""
    managed_by: str = ""
    managed_tags: Natural = 0
    adopt: bool = False
    prune: bool = False
    seen: dict[str, str] = {}
    stamps: dict[str, tuple[float, str]] = {}
    undoes: str = ""
    plan: str = ""
    undoes_folder: str = ""


class _Table(Struct, omit_defaults=True):
    """A table without the rows of which no change is, as columns of cells."""

    file: str
    kind: str
    columns: tuple[str, ...]
    numbers: list[Natural]
    cells: list[list[str]]
    letters: tuple[str, ...] = ()
    sheet: str = ""
    ids: tuple[str, ...] = ()


class _Change(Struct, omit_defaults=True):
    """A change whose row is [number of the table, position in it]."""

    key: str
    action: Action
    name: str = ""
    row: tuple[Natural, Natural] | None = None
    uuid: str = ""
    body: dict[str, Json] = {}
    old: dict[str, Json] = {}
    """What the account holds of the fields that an update or a delete takes away."""
    differences: tuple[FieldChange, ...] = ()
    """Of rows that send nothing."""
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
    account_tags: Natural = 0
    options: dict[str, Json] = {}
    readings: tuple[Reading, ...] = ()
    shaped_by: tuple[SourceFile, ...] = ()
    pairs: tuple[Pair, ...] = ()


class SavedPlan(Struct, frozen=True):
    """A plan as its file has it."""

    plan: Plan
    sha256: str
    seal: str = ""

    def made_with(self, key: bytes) -> bool:
        """Whether the plan was sealed with this key. Without a key nothing is."""
        return bool(key) and hmac.compare_digest(_seal(key, self.sha256), self.seal)


def plan_digest(plan: Plan) -> str:
    """sha256 of the plan, hex. The time it was made is not part of it."""
    return hashlib.sha256(_encoded(plan)).hexdigest()


def _encoded(plan: Plan) -> bytes:
    """The canonical JSON of the whole plan but for the time it was made."""
    with gc_paused():
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
            changes.append(_stored(one, row))
        return canonical_bytes(
            _Plan(
                plan.account, plan.mode, changes, [_table(tables[key], order[key]) for key in order], plan.sources,
                plan.mappings, plan.notes, plan.category, plan.account_tags, dict(plan.options),
                plan.readings, plan.shaped_by, plan.pairs,
            )
        )  # fmt: skip


_NOTHING: Final[dict[str, Json]] = {}


def _stored(change: Change, row: tuple[int, int] | None) -> _Change:
    action, name, message, differences = change.action, change.name, change.message, change.differences
    old = _NOTHING
    if action in (Action.UPDATE, Action.DELETE):
        old = {item.field: item.old for item in differences if item.old is not None}
        differences = ()
    body = change.body if type(change.body) is dict else dict(change.body) if change.body else _NOTHING
    if action is Action.CREATE:
        name = ""
    elif action is Action.DELETE:
        message = ""
    return _Change(
        change.key, action, name, row, change.uuid, body, old, differences, change.code, message,
        change.issues, change.column,
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
    """Raises ValueError, which names the place, for what contradicts itself."""
    rows = [_rows(table, f"tables[{number}]") for number, table in enumerate(plan.tables)]
    keys: set[str] = set()
    changes: list[Change] = []
    left = plan.changes[::-1]
    plan.changes.clear()
    for number in range(len(left)):
        one = left.pop()  # and is forgotten: of a long plan there is never twice
        try:
            if one.key in keys or not one.key:
                raise ValueError(f"its key {one.key[:60]!r} is empty or repeated")
            keys.add(one.key)
            changes.append(_change(one, rows, plan.mode))
        except ValueError as error:
            raise ValueError(f"changes[{number}]: {error}") from None
    try:
        msgspec.convert(plan.options, _Options)
    except msgspec.ValidationError as error:
        raise ValueError(f"options: {error}") from None
    return Plan(
        plan.account, plan.mode, tuple(changes), plan.sources, plan.mappings, plan.notes, plan.category,
        plan.account_tags, created, plan.options, plan.readings, plan.shaped_by, plan.pairs,
    )  # fmt: skip


def _rows(one: _Table, place: str) -> list[RowRef]:
    width, height = len(one.columns), len(one.numbers)
    if len(set(one.columns)) != width or (one.letters and len(one.letters) != width):
        raise ValueError(f"{place}: its columns are repeated, or have too few letters")
    if len(one.cells) != width or any(len(cells) != height for cells in one.cells) or len(one.ids) not in (0, height):
        raise ValueError(f"{place}: its columns are not all of {height:,} cells")
    header = Header(one.file, one.kind, one.columns, one.letters, one.sheet)
    return Table.of_columns(header, one.cells, one.numbers, one.ids).rows()


_ORDER: Final = {field.name: at for at, field in enumerate(FIELDS)}


def _change(one: _Change, rows: list[list[RowRef]], mode: str) -> Change:
    row = None
    if one.row is not None:
        if one.row[0] >= len(rows) or one.row[1] >= len(rows[one.row[0]]):
            raise ValueError(f"row {list(one.row)} is not in the plan")
        row = rows[one.row[0]][one.row[1]]
    name, message, differences, body = one.name, one.message, one.differences, one.body
    if unknown := [field for field in (*body, *one.old) if field not in _ORDER]:
        raise ValueError(f"{unknown[0][:60]!r} is not a field of a tag")
    if "value" in body and not (isinstance(body["value"], str) and body["value"].strip()):
        raise ValueError("body.value is not a name")
    if one.action.calls and differences:
        raise ValueError("differences are not for a row that is sent")
    if one.action is Action.CREATE:
        if name or one.uuid or one.old or "value" not in body:
            raise ValueError("a new tag has a body with a name, and no name, uuid or old value beside it")
        name = body["value"]
    elif one.action is Action.UPDATE:
        if not one.uuid or not body or (left := [field for field in one.old if field not in body]):
            raise ValueError(f"old.{left[0]} is not in its body" if one.uuid and body else "it has no uuid or no body")
        differences = tuple(FieldChange(field, one.old.get(field), body[field]) for field in sorted(body, key=_at))
    elif one.action is Action.DELETE:
        if not one.uuid or body or message:
            raise ValueError("a delete has a uuid, and neither a body nor a message")
        message = DELETES.get(mode, PRUNED)
        differences = tuple(FieldChange(field, one.old[field], None) for field in sorted(one.old, key=_at))
    elif body or one.old:
        raise ValueError(f"a row that is to {one.action} sends nothing")
    return Change(
        one.key, one.action, name, row, one.uuid, body, differences, one.code, message, one.issues, one.column
    )


def _at(field: str) -> int:
    return _ORDER[field]


def _seal(key: bytes, digest: str) -> str:
    return hmac.new(key, digest.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def write_plan(path: Path, plan: Plan, key: bytes = b"") -> str:
    """Write the plan (mode 0600, whole or not at all), sealed with `key` where there is one, and return its digest.

    Raises OSError where the folder cannot be written.
    """
    inside = _encoded(plan)
    digest = hashlib.sha256(inside).hexdigest()
    with atomic_path(path, forced=True) as temporary, temporary.open("wb") as file:
        file.write(canonical_bytes({"created": plan.created, "format": FORMAT})[:-1] + b',"plan":')
        file.write(inside)
        last = {"seal": _seal(key, digest)} if key else {}
        file.write(b"," + canonical_bytes({**last, "sha256": digest, "version": VERSION})[1:] + b"\n")
    return digest


def is_plan_file(path: Path) -> bool:
    """Whether a file says at its beginning that it is a plan of this program. Raises OSError."""
    with path.open("rb") as file:
        return f'"{FORMAT}"'.encode() in file.read(_HEAD)


def read_plan(path: Path) -> SavedPlan:
    """The plan of this file. Raises UsageError, which names the place, for a file that is missing, not a plan, of
    another version, altered, or in contradiction with itself.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the plan {path} cannot be read: {error.strerror or error}") from error
    with gc_paused():
        return _read(path, data)


def _read(path: Path, data: bytes) -> SavedPlan:
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
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a whole plan: {error}", hint=_AGAIN) from error
    # An editor that only laid it out anew has changed nothing.
    if hashlib.sha256(envelope.plan).hexdigest() != envelope.sha256 and plan_digest(plan) != envelope.sha256:
        raise UsageError(f"{path} was altered after it was made: its sha256 does not match", hint=_AGAIN)
    return SavedPlan(plan, envelope.sha256, envelope.seal)


def _envelope(data: bytes) -> _Envelope:
    try:
        return msgspec.json.decode(data, type=_Envelope)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        whole = json.loads(data, parse_constant=_no_number)  # half a surrogate pair, see canonical_bytes
        return msgspec.convert({**whole, "plan": msgspec.Raw(canonical_bytes(whole["plan"]))}, _Envelope)


def _inside(raw: msgspec.Raw) -> _Plan:
    try:
        return msgspec.json.decode(raw, type=_Plan)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.convert(json.loads(bytes(raw), parse_constant=_no_number), _Plan)


def _no_number(word: str) -> Json:
    raise ValueError(f"{word} is not a number in JSON")
