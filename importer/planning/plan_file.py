"""plan.json: a Plan with everything that results.csv and a resume on another machine need. One form, one digest.

    {"created": ..., "format": "tag-importer-plan", "plan": {...}, "seal": ..., "sha256": ..., "version": 4}

`sha256` is that of the canonical bytes of `plan`; anybody can make one. `seal` is an HMAC of it with a key that does
not leave the machine: a plan whose seal fits was made here. Inside `plan` each table is held once, as columns of cells;
the row of a change is `[table, position]`, and whatever is empty is left out. What a change shows is derived from what
it sends, so that the two cannot differ: of an update only the old values are kept beside its body, the name of a new
tag is that in its body, and the reason of a delete follows from the plan's mode.

A plan of more than `PLAIN` changes has its `changes` and `tables` in `packed`, in pieces: lists of JSON values, each
compressed by zlib and written in base64. That takes a tenth of the room, they are read one after the other, and the
file stays JSON whose head can be read. The digest is that of the whole all the same.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from importer.atomic import atomic_path
from importer.errors import UsageError, os_errors
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
from importer.planning.binding import SEEN, STAMPS
from importer.planning.canonical import canonical_bytes
from importer.planning.options import MERGE
from importer.system import gc_paused

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

T = TypeVar("T")

FORMAT: Final = "tag-importer-plan"
VERSION: Final = 4
PLAIN: Final = 1_000
"""Changes up to which a plan is written so that a person can read all of it."""
_PIECE: Final = 5_000
"""Rows or changes in one piece."""
_LEVEL: Final = 4
_MOST_UNPACKED: Final = 200
"""How many times as long as its file a packed plan may be; nothing of 64 MiB and less is too long."""
_NOTE: Final = (
    "changes and tables are packed: base64 of zlib-compressed JSON. All of it: tag-importer plan FILE --format json"
)
MERGED: Final = "one actor with the tag before it, which takes over what this one holds"
DELETES: Final[Mapping[str, str]] = {"undo": "created by the run", MERGE: MERGED}
"""Why a plan of this mode deletes a tag; every other plan prunes."""
PRUNED: Final = "marked as this job's, and no row of the sources has its name any more"
_HEAD: Final = 400
_AGAIN: Final = "make the plan again and apply that"


class _Packed(Struct):
    changes: list[str]
    tables: list[str]


class _Envelope(Struct):
    format: str
    version: int
    sha256: str
    plan: msgspec.Raw
    created: str = ""
    seal: str = ""
    packed: _Packed | None = None


Natural = Annotated[int, Meta(ge=0, lt=1 << 53)]


class _Options(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """The types of `Plan.options`."""

    create_category: str = ""
    managed_by: str = ""
    managed_tags: Natural = 0
    adopt: bool = False
    prune: bool = False
    list: str = ""
    job: str = ""
    part: str = ""
    undoes: str = ""
    plan: str = ""
    undoes_folder: str = ""
    after: dict[str, str] = {}
    beside: dict[str, tuple[str, ...]] = {}


class _Table(Struct, omit_defaults=True):
    """A table without the rows of which no change is, as columns of cells; a long one in several parts."""

    file: str
    kind: str
    columns: tuple[str, ...]
    numbers: list[Natural]
    cells: list[list[str]]
    letters: tuple[str, ...] = ()
    sheet: str = ""
    ids: tuple[str, ...] = ()
    goes_on: bool = False
    """It has more rows of the table before it."""


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
    seen: str = ""
    """Fingerprint of the tag that it is about."""
    stamp: tuple[float, str] | None = None
    """Version and `updatedAt` of the tag, where it goes only if nobody touched it since."""


class _Plan(Struct, omit_defaults=True):
    """A plan but for the time it was made. Without `changes` and `tables` it is the head of a packed one."""

    account: str
    mode: str
    changes: list[_Change] | UnsetType = UNSET
    tables: list[_Table] | UnsetType = UNSET
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
    with gc_paused():
        return _digest(_head(plan), _pieces(plan))


def _digest(head: _Plan, pieces: Iterable[tuple[str, bytes]]) -> str:
    sha256 = hashlib.sha256()
    for part in _spelled(head, pieces):
        sha256.update(part)
    return sha256.hexdigest()


def _spelled(head: _Plan, pieces: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The canonical JSON of a plan from its head and its pieces, all of the changes before those of the tables."""
    whole = canonical_bytes(msgspec.structs.replace(head, changes=[], tables=[]))
    before, key, after = whole.partition(b'"changes":[')
    yield before + key
    last = ""
    for kind, piece in pieces:
        if kind == last:
            yield b"," + piece[1:-1]
            continue
        if kind == "tables":
            yield after[:-2]
        last = kind
        yield piece[1:-1]
    yield b"]}" if last == "tables" else after


def _head(plan: Plan) -> _Plan:
    options = {key: value for key, value in plan.options.items() if key not in (SEEN, STAMPS)}
    return _Plan(
        plan.account, plan.mode, UNSET, UNSET, plan.sources, plan.mappings, plan.notes, plan.category,
        plan.account_tags, options, plan.readings, plan.shaped_by, plan.pairs,
    )  # fmt: skip


def _pieces(plan: Plan) -> Iterator[tuple[str, bytes]]:
    """What a plan holds of changes, then of tables: canonical lists of at most `_PIECE` rows each, with their kind."""
    import numpy as np

    tables: dict[int, Table] = {}
    used: dict[int, npt.NDArray[np.bool_]] = {}
    for change in plan.changes:
        if change.row is not None:
            key = id(change.row.table)
            if key not in tables:
                tables[key] = change.row.table
                used[key] = np.zeros(len(change.row.table), dtype=np.bool_)
            used[key][change.row.position] = True
    number = {key: at for at, key in enumerate(tables)}
    place = {key: np.cumsum(rows) - 1 for key, rows in used.items()}
    seen, stamps = plan.options.get(SEEN) or {}, plan.options.get(STAMPS) or {}
    for begin in range(0, len(plan.changes), _PIECE):
        stored = []
        for one in plan.changes[begin : begin + _PIECE]:
            row = None
            if one.row is not None:
                key = id(one.row.table)
                row = (number[key], int(place[key][one.row.position]))
            stored.append(_stored(one, row, seen.get(one.key, ""), stamps.get(one.key)))
        yield "changes", canonical_bytes(stored)
    for key, table in tables.items():
        positions = np.flatnonzero(used[key])
        for begin in range(0, len(positions), _PIECE):
            yield "tables", canonical_bytes([_table(table, positions[begin : begin + _PIECE], goes_on=begin > 0)])


_NOTHING: Final[dict[str, Json]] = {}


def _stored(change: Change, row: tuple[int, int] | None, seen: str, stamp: Json) -> _Change:
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
        change.issues, change.column, seen, stamp,
    )  # fmt: skip


def _table(table: Table, positions: npt.NDArray[np.int_], *, goes_on: bool) -> _Table:
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
        goes_on,
    )


class _Shared:
    """Equal short texts as one object: most cells of a list are words that come again and again."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def text(self, text: str) -> str:
        if len(text) > 40:
            return text
        if len(self._held) > 100_000:
            self._held.clear()
        return self._held.setdefault(text, text)


def _decoded(head: _Plan, tables: Iterable[_Table], changes: Iterable[_Change], created: str) -> Plan:
    """Raises ValueError, which names the place, for what contradicts itself."""
    try:
        msgspec.convert(head.options, _Options)
    except msgspec.ValidationError as error:
        raise ValueError(f"options: {error}") from None
    shared = _Shared()
    rows = _rows(tables, shared)
    keys: set[str] = set()
    found: list[Change] = []
    seen: dict[str, Json] = {}
    stamps: dict[str, Json] = {}
    for number, one in enumerate(changes):
        try:
            if one.key in keys or not one.key:
                raise ValueError(f"its key {one.key[:60]!r} is empty or repeated")
            keys.add(one.key)
            found.append(_change(one, rows, head.mode, shared))
        except ValueError as error:
            raise ValueError(f"changes[{number}]: {error}") from None
        if one.seen:
            seen[one.key] = one.seen
        if one.stamp is not None:
            stamps[one.key] = list(one.stamp)
    more = {key: value for key, value in ((SEEN, seen), (STAMPS, stamps)) if value}
    return Plan(
        head.account, head.mode, tuple(found), head.sources, head.mappings, head.notes, head.category,
        head.account_tags, created, {**head.options, **more}, head.readings, head.shaped_by, head.pairs,
    )  # fmt: skip


def _rows(parts: Iterable[_Table], shared: _Shared) -> list[list[RowRef]]:
    """References to the rows of each table."""
    tables: list[_Table] = []
    for number, one in enumerate(parts):
        place, width, height = f"tables[{number}]", len(one.columns), len(one.numbers)
        if len(set(one.columns)) != width or (one.letters and len(one.letters) != width):
            raise ValueError(f"{place}: its columns are repeated, or have too few letters")
        if (
            len(one.cells) != width
            or any(len(cells) != height for cells in one.cells)
            or len(one.ids) not in (0, height)
        ):
            raise ValueError(f"{place}: its columns are not all of {height:,} cells")
        one.cells = [list(map(shared.text, cells)) for cells in one.cells]
        if not one.goes_on:
            tables.append(one)
            continue
        if not tables or tables[-1].columns != one.columns or bool(tables[-1].ids) != bool(one.ids):
            raise ValueError(f"{place}: it goes on with a table that is not before it")
        last = tables[-1]
        last.numbers.extend(one.numbers)
        last.ids = (*last.ids, *one.ids)
        for cells, more in zip(last.cells, one.cells, strict=True):
            cells.extend(more)
    rows: list[list[RowRef]] = []
    for one in tables:
        header = Header(one.file, one.kind, one.columns, one.letters, one.sheet)
        rows.append(Table.of_columns(header, one.cells, one.numbers, one.ids).rows())
        one.cells = []
    return rows


_ORDER: Final = {field.name: at for at, field in enumerate(FIELDS)}


def _change(one: _Change, rows: list[list[RowRef]], mode: str, shared: _Shared) -> Change:
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
    for field, value in body.items():
        if type(value) is str:
            body[field] = shared.text(value)
    return Change(
        one.key, one.action, shared.text(name), row, one.uuid, body, differences, shared.text(one.code),
        shared.text(message), one.issues, shared.text(one.column),
    )  # fmt: skip


def _at(field: str) -> int:
    return _ORDER[field]


def _seal(key: bytes, digest: str) -> str:
    return hmac.new(key, digest.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def write_plan(path: Path, plan: Plan, key: bytes = b"") -> str:
    """Write the plan (mode 0600, whole or not at all), sealed with `key` where there is one, and return its digest.

    Raises OSError where the folder cannot be written.
    """
    sha256 = hashlib.sha256()
    head = _head(plan)
    with gc_paused(), atomic_path(path, forced=True) as temporary, temporary.open("wb") as file:
        file.write(canonical_bytes({"created": plan.created, "format": FORMAT})[:-1])
        if len(plan.changes) <= PLAIN:
            file.write(b',"plan":')
            for part in _spelled(head, _pieces(plan)):
                sha256.update(part)
                file.write(part)
        else:
            file.write(b',"note":' + canonical_bytes(_NOTE) + b',"packed":{"changes":[')
            for part in _spelled(head, _packed(_pieces(plan), file)):
                sha256.update(part)
            file.write(b']},"plan":' + canonical_bytes(head))
        digest = sha256.hexdigest()
        last = {"seal": _seal(key, digest)} if key else {}
        file.write(b"," + canonical_bytes({**last, "sha256": digest, "version": VERSION})[1:] + b"\n")
    return digest


def _packed(pieces: Iterable[tuple[str, bytes]], file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """The pieces as they come; each is written into the file on its way."""
    last = ""
    for kind, piece in pieces:
        file.write(b"" if not last else b"," if kind == last else b'],"tables":[')
        file.write(b'"' + base64.b64encode(zlib.compress(piece, _LEVEL)) + b'"')
        last = kind
        yield kind, piece
    if last != "tables":
        file.write(b'],"tables":[')


def is_plan_file(path: Path) -> bool:
    """Whether a file says at its beginning that it is a plan of this program. Raises OSError."""
    with path.open("rb") as file:
        return f'"{FORMAT}"'.encode() in file.read(_HEAD)


def read_plan(path: Path) -> SavedPlan:
    """The plan of this file. Raises UsageError, which names the place, for a file that is missing, not a plan, of
    another version, altered, or in contradiction with itself.
    """
    with os_errors(f"the plan {path} cannot be read"):
        data = path.read_bytes()
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
        head = _typed(envelope.plan, _Plan)
        if envelope.packed is not None:
            plan, sha256 = _unpacked(head, envelope.packed, envelope.created, len(data))
        else:
            plan = _decoded(head, head.tables or (), head.changes or (), envelope.created)
            sha256 = hashlib.sha256(envelope.plan).hexdigest()
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a whole plan: {error}", hint=_AGAIN) from error
    # An editor that only laid it out anew has changed nothing.
    if sha256 != envelope.sha256 and plan_digest(plan) != envelope.sha256:
        raise UsageError(f"{path} was altered after it was made: its sha256 does not match", hint=_AGAIN)
    return SavedPlan(plan, envelope.sha256, envelope.seal)


def _unpacked(head: _Plan, packed: _Packed, created: str, size: int) -> tuple[Plan, str]:
    """The plan and its digest; one piece after the other, so that of a long plan there is never twice."""
    if head.changes is not UNSET or head.tables is not UNSET:
        raise ValueError("its changes and tables are packed and plain")
    most = max(64 << 20, size * _MOST_UNPACKED)
    pieces = (("changes", packed.changes), ("tables", packed.tables))
    digest = _digest(head, ((kind, piece) for kind, texts in pieces for piece in _unzipped(texts, most)))
    tables = (one for piece in _unzipped(packed.tables, most) for one in _typed(piece, list[_Table]))
    changes = (one for piece in _unzipped(packed.changes, most) for one in _typed(piece, list[_Change]))
    return _decoded(head, tables, changes, created), digest


def _unzipped(texts: Iterable[str], most: int) -> Iterator[bytes]:
    for text in texts:
        unzip = zlib.decompressobj()
        try:
            piece = unzip.decompress(base64.b64decode(text, validate=True), most + 1)
        except zlib.error as error:
            raise ValueError(f"a piece of it is damaged: {error}") from None
        most -= len(piece)
        if most < 0:
            raise ValueError(f"unpacked it would be more than {_MOST_UNPACKED} times as long")
        if not unzip.eof or piece[:1] != b"[" or piece[-1:] != b"]":
            raise ValueError("a piece of it is damaged")
        yield piece


def _envelope(data: bytes) -> _Envelope:
    try:
        return msgspec.json.decode(data, type=_Envelope)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        whole = json.loads(data, parse_constant=_no_number)  # half a surrogate pair, see canonical_bytes
        return msgspec.convert({**whole, "plan": msgspec.Raw(canonical_bytes(whole["plan"]))}, _Envelope)


def _typed(raw: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.convert(json.loads(bytes(raw), parse_constant=_no_number), kind)


def _no_number(word: str) -> Json:
    raise ValueError(f"{word} is not a number in JSON")
