"""The nouns of the flow: Table -> Draft -> Change (a Plan of them) -> Outcome.

Values only: frozen, without behaviour beyond describing themselves. Every layer above speaks in these. They are
msgspec's structs and not frozen dataclasses, because a run makes several for each row, and a dataclass takes six times
as long to make; a copy with changes is `msgspec.structs.replace`.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

Json = Any
"""A JSON value: None, bool, int, float, str, list of Json, dict of str to Json."""

EMPTY: Mapping[str, Json] = MappingProxyType({})
ALL = range(sys.maxsize)


class Severity(StrEnum):
    """How bad an issue is. An error makes its row invalid; the others let it go on."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Place(Struct, frozen=True, array_like=True, gc=False):
    """Where something is in a source. Parts that do not apply are empty, a number that does not is 0."""

    file: str
    sheet: str = ""
    row: int = 0
    """1-based: the line in a text file, the row in a sheet, the position in a list of objects."""
    letter: str = ""
    """Column letters, as a spreadsheet shows them ("D"); empty for lists of objects."""
    column: str = ""
    """The header word of the column, or the key path in an object."""
    id: str = ""
    """STIX id or MISP uuid."""

    @property
    def cell(self) -> str:
        """`Actors!D17` in a workbook, `D17` in a text table (17 is the line), `meta.country` of an object."""
        if not self.row:
            return self.sheet
        if self.letter:
            return f"{self.sheet}!{self.letter}{self.row}" if self.sheet else f"{self.letter}{self.row}"
        if self.sheet:
            return f"{self.sheet}!{self.row}"
        return f"#{self.row} {self.column}".strip()

    def __str__(self) -> str:
        return f"{self.file} {self.cell}".strip()


class Issue(Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that is, or may be, wrong with the input."""

    severity: Severity
    code: str
    """Stable kebab-case identifier, for scripts: `unknown-country`."""
    message: str
    """One sentence for a person; names the value only where `value` does not say it already."""
    place: Place
    field: str = ""
    """Wire name of the tag field, where the issue is about one."""
    value: str = ""
    """The offending text as it is in the source (shortened only when shown)."""
    allowed: tuple[str, ...] = ()
    nearest: str = ""
    """The allowed word that is closest to `value`, where one is close."""
    accepted: str = ""
    """Where a person has accepted it, `decisions.yaml:12:5`: it is shown to programs only."""


class Header(Struct, frozen=True):
    """The columns of one table: a CSV file, a sheet, a list of objects. Shared by all its rows."""

    file: str
    """The source as the user named it (a path, URL or `-`; a member is `lists.zip/actors.csv`)."""
    kind: str
    """csv, xlsx, xlsm, xlsb, xls, ods, parquet, stix, misp, json or yaml."""
    columns: tuple[str, ...]
    """Unique names. A repeated header word gets ` (2)`, a blank one becomes `column D`; both with an issue."""
    letters: tuple[str, ...] = ()
    """Column letters, parallel to `columns`; empty for lists of objects."""
    sheet: str = ""


class Table(Struct, frozen=True, dict=True):
    """The rows of one list, a file or a sheet: cells of exact text, and where each row is.

    A list of strings in an object (STIX `aliases`) is its JSON text, `["APT28", "Sofacy"]`, so that a value which
    holds a comma stays one value and the row survives a trip through a CSV file. An absent key is an empty cell.
    """

    header: Header
    frame: pd.DataFrame
    """One object column for each of `header.columns`, only str in it; the index is (file, sheet, row)."""
    ids: Sequence[str] = ()
    """STIX id or MISP uuid of each row; empty where rows have none."""
    issues: Mapping[int, tuple[Issue, ...]] = MappingProxyType({})
    """What the reader found, by position in the table."""
    gaps: AbstractSet[int] = frozenset()
    """Positions of rows that come after blank ones."""
    dates: Mapping[tuple[int, str], str] = MappingProxyType({})
    """By position and column: what a workbook shows in a cell that is a date among texts; empty where it is unknown."""

    @classmethod
    def of_rows(
        cls,
        header: Header,
        rows: Sequence[Sequence[str]],
        numbers: Sequence[int],
        ids: Sequence[str] = (),
        issues: Mapping[int, tuple[Issue, ...]] = MappingProxyType({}),
    ) -> Table:
        """A table of rows, each at the header's width; `numbers` are their lines, sheet rows or positions."""
        return cls(header, text_frame(header, text_array(rows, len(header.columns)), numbers), ids, issues)

    @classmethod
    def of_columns(
        cls, header: Header, columns: Sequence[Sequence[str]], numbers: Sequence[int], ids: Sequence[str] = ()
    ) -> Table:
        """The same from columns."""
        return cls(header, text_frame(header, text_array(columns, len(numbers)).T, numbers), ids)

    def __len__(self) -> int:
        return len(self.frame)

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Table):
            return self is other
        compared, equal = self.__dict__.get("_compared", (None, False))
        if compared is not other:  # two plans are compared row by row, and every row has its table
            equal = (self.header, list(self.ids), dict(self.issues), self.numbers) == (
                other.header, list(other.ids), dict(other.issues), other.numbers
            ) and self.frame.equals(other.frame)  # fmt: skip
            self.__dict__["_compared"] = other, equal
        return bool(equal)

    __hash__ = object.__hash__

    @cached_property
    def numbers(self) -> Sequence[int]:
        """Where each row is: 1-based line in a text file, row of a sheet, position in a list of objects."""
        return array("q", self.frame.index.get_level_values("row").to_numpy("int64").tobytes())

    def texts(self, column: str, rows: Sequence[int] = ALL) -> list[str]:
        """The cells of a column, or those of it at some positions."""
        cells = self._arrays.get(column)
        if cells is None:
            cells = self._arrays[column] = self.frame[column].to_numpy()
        some = cells[rows.start : rows.stop] if isinstance(rows, range) else cells[list(rows)]
        texts: list[str] = some.tolist()
        return texts

    @cached_property
    def _arrays(self) -> dict[str, npt.NDArray[np.object_]]:
        return {}

    def cells(self, position: int) -> tuple[str, ...]:
        """The cells of one row. For a look at a few rows: whoever needs all of them takes columns."""
        return tuple(self.frame.to_numpy()[position].tolist())

    def rows(self) -> list[RowRef]:
        """A reference to each row."""
        return [RowRef(self, position) for position in range(len(self))]


def text_array(rows: Sequence[Sequence[str]], width: int) -> npt.NDArray[np.object_]:
    """Rows of `width` texts as an array of Python's own text."""
    import numpy as np

    cells = np.empty((len(rows), width), dtype=object)
    if rows and width:
        cells[:] = rows
    return cells


def text_frame(header: Header, cells: npt.NDArray[np.object_], numbers: Sequence[int]) -> pd.DataFrame:
    """The frame of a table: the header's columns, indexed by file, sheet and row."""
    import numpy as np
    import pandas as pd

    same = np.zeros(len(numbers), dtype=np.int8)
    index = pd.MultiIndex(
        levels=[[header.file], [header.sheet], np.asarray(numbers, dtype=np.int64)],  # type: ignore[list-item]
        codes=[same, same, np.arange(len(numbers))],  # type: ignore[list-item]
        names=["file", "sheet", "row"],
        verify_integrity=False,
    )
    # dtype=object keeps pandas from turning text into its own strings.
    return pd.DataFrame(cells, index, pd.Index(list(header.columns), dtype=object), dtype=object, copy=False)


class RowRef(Struct, frozen=True):
    """One row: its table, and its position there."""

    table: Table
    position: int

    @property
    def header(self) -> Header:
        return self.table.header

    @property
    def number(self) -> int:
        """1-based line, row of the sheet, or position in a list of objects."""
        return self.table.numbers[self.position]

    @property
    def id(self) -> str:
        ids = self.table.ids
        return ids[self.position] if ids else ""

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What the reader found."""
        return self.table.issues.get(self.position, ())

    @property
    def cells(self) -> tuple[str, ...]:
        return self.table.cells(self.position)

    def text(self, column: str) -> str:
        """The cell of a column; empty where the table has no such column."""
        header = self.table.header
        return self.cells[header.columns.index(column)] if column in header.columns else ""

    def place(self, column: str = "") -> Place:
        """Where this row, or its cell in `column`, is."""
        header = self.header
        letter = ""
        if column and header.letters and column in header.columns:
            letter = header.letters[header.columns.index(column)]
        return Place(header.file, header.sheet, self.number, letter, column, self.id)


class Asked(StrEnum):
    """What a row's optional `action` column asks for; narrower than the run's mode, never wider."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"
    SKIP = "skip"


class Origins(Protocol):
    """Knows of the drafts of one table which column each of their fields came from."""

    def column(self, position: int, field: str, entry: str = "") -> str:
        """The column of a field, in a list that of an entry; empty where it is not one column."""


class Draft(Struct, frozen=True):
    """The tag that a row asks for."""

    row: RowRef
    fields: Mapping[str, Json]
    """Wire name -> checked wire value. Blank cells are absent. `value` is the name."""
    issues: tuple[Issue, ...] = ()
    """Everything found for this row, the reader's own issues included."""
    clear: frozenset[str] = frozenset()
    """Wire names the row asks to empty (`#CLEAR`, or `on_blank: clear`)."""
    asked: Asked | None = None
    left_out: str = ""
    """Why the mapping's `when:` leaves this row out; empty when it does not."""
    origins: Origins | None = None

    def column(self, field: str = "value", entry: str = "") -> str:
        """The column a field came from, in a list field that of one entry; empty where it is not one column."""
        return self.origins.column(self.row.position, field, entry) if self.origins is not None else ""

    def place(self, field: str = "value", entry: str = "") -> Place:
        """The cell that a field came from, else the row."""
        return self.row.place(self.column(field, entry))

    @property
    def name(self) -> str:
        return str(self.fields.get("value", ""))

    @property
    def invalid(self) -> bool:
        return any(issue.severity is Severity.ERROR for issue in self.issues)


class Tag(Struct, frozen=True):
    """A tag as the account holds it."""

    uuid: str
    name: str
    fields: Mapping[str, Json] = EMPTY
    """Wire name -> value; an annotated field is `{value, confidence?, tlp?}` where it carries either."""
    version: float = 0
    created_at: str = ""
    updated_at: str = ""


class Category(Struct, frozen=True):
    """A tag category and the schema of its tags' `properties`."""

    uuid: str
    name: str
    description: str = ""
    schema: Sequence[Mapping[str, Json]] | None = None


class Action(StrEnum):
    """What the plan says of one row."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNCHANGED = "unchanged"
    SKIP = "skip"
    CONFLICT = "conflict"
    INVALID = "invalid"

    @property
    def calls(self) -> bool:
        """Whether this action sends a request."""
        return self in _CALLS

    @property
    def status(self) -> Status:
        """How a row with this action ends when everything goes as planned."""
        return _ENDS[self]


class FieldChange(Struct, frozen=True, array_like=True):
    """One field, old -> new; None where absent."""

    field: str
    old: Json
    new: Json


class Change(Struct, frozen=True):
    """What is to be done about one row, or (undo, prune) about one tag."""

    key: str
    """Unique in the plan and stable: what the journal and resume go by."""
    action: Action
    name: str
    row: RowRef | None = None
    """The input row; None for a tag that no row is about (undo, prune)."""
    uuid: str = ""
    """The existing tag, where there is one."""
    body: Mapping[str, Json] = EMPTY
    """What is sent: the whole tag for a create, the differing fields alone for an update."""
    differences: tuple[FieldChange, ...] = ()
    code: str = ""
    """Why, for a script: `exists`, `repeats-row`, `alias-collision`, an issue's code..."""
    message: str = ""
    """Why, for a person."""
    issues: tuple[Issue, ...] = ()
    column: str = ""
    """The column that the row's name came from; empty where it is not one column."""

    @property
    def place(self) -> Place | None:
        """The cell that holds the row's name; None where there is no row."""
        return self.row.place(self.column) if self.row is not None else None


class SourceFile(Struct, frozen=True, omit_defaults=True):
    """One file that was read, and what was found out about it."""

    file: str
    kind: str
    sha256: str
    size: int
    details: Mapping[str, str] = EMPTY
    """For showing: encoding, delimiter, header row, sheets, objects..."""


class ColumnUse(Struct, frozen=True, omit_defaults=True):
    """What became of one column of a list."""

    column: str
    letter: str = ""
    field: str = ""
    """Wire names, `properties.<key>`, parts (`motive.confidence`), with commas; empty where it is not read."""
    why: str = ""
    filled: int = 0
    looks_like: str = ""
    """What its cells hold, in words: `100 % countries`. Of a column that is not read."""
    could_be: str = ""
    """The field that an unread column looks like."""
    left_alone: bool = False
    """It is of the record (an id, a date of change), or the mapping leaves it alone: no warning is due."""

    @property
    def unread(self) -> bool:
        """Whether it has content that feeds nothing and should."""
        return not self.field and not self.left_alone and self.filled > 0


class FieldUse(Struct, frozen=True, omit_defaults=True):
    """What the rows of a list gave for one tag field (`properties.<key>`, a part like `motive.confidence`)."""

    field: str
    rows: int
    """Rows that have a value."""
    several: int = 0
    """Rows that have two entries or more."""
    how: str = ""
    """What was decided of the column's scale or order of dates, as a sentence."""
    values: tuple[int, ...] = ()
    """A digest of the value of each of `Contents.actors`; 0 for none."""


class Contents(Struct, frozen=True, omit_defaults=True):
    """What was read of a list, in numbers: the next run of the same list is held against it."""

    fields: tuple[FieldUse, ...]
    actors: tuple[int, ...] = ()
    """Digests of names, the smallest ones, in order: the same actors are chosen in any list that has them."""


class Reading(Struct, frozen=True, omit_defaults=True):
    """How the columns of a list, or of lists that are alike, were understood."""

    file: str
    sheet: str
    mapping: str
    rows: int
    columns: tuple[ColumnUse, ...]
    contents: Contents = Contents(())
    digest: str = ""
    """Of the mapping's file: tells that it was edited."""
    lists: tuple[Reading, ...] = ()
    """Of a folder of files, or a workbook, one reading stands for all that are alike: each of them, without columns."""

    @property
    def like_it(self) -> int:
        """How many lists are read so beside the first."""
        return max(0, len(self.lists) - 1)


class Side(Struct, frozen=True, omit_defaults=True):
    """One of two actors: a row, or a tag of the account."""

    name: str
    source: str
    """The row's file; `account` for a tag."""
    place: Place = Place("")
    """The cell that holds the row's name."""
    id: str = ""
    """The id of the row in its source; the uuid of a tag."""
    country: str = ""

    def seen_from(self, file: str) -> str:
        """`'APT28' (A17)`, with the file where it is another one; of a tag `the existing tag 'APT28' (<uuid>)`."""
        if self.source == ACCOUNT:
            return f"the existing tag {self.name!r} ({self.id})"
        return f"{self.name!r} ({self.place.cell if self.place.file == file else self.place})"


ACCOUNT = "account"


class Shared(Struct, frozen=True, omit_defaults=True):
    """A name that both actors of a pair are given."""

    label: str
    cell: str = ""
    other_cell: str = ""
    actors: int = 2
    """How many actors have it: a rare name says more than one that many have."""


class Pair(Struct, frozen=True, omit_defaults=True):
    """Two actors that may be one, and what speaks for it."""

    one: Side
    other: Side
    severity: Severity
    """info where a source states that they are one, or a person has decided: nobody has to look at it."""
    code: str
    """What speaks for it most: `alias-is-name`, `alias-shared`, `similar-name`..."""
    shared: tuple[Shared, ...] = ()
    stated: tuple[str, ...] = ()
    """Who states that they are one: an edge in a source, lists that name each other, a file given as evidence."""
    near: bool = False
    """The names differ only in punctuation, or by one letter."""
    score: float = 0.0
    """How much speaks for it: for each shared name 1 where nobody else has it, less where others do..."""
    decision: str = ""
    """What a person has decided: same, different, overlaps, unsure."""

    @property
    def open(self) -> bool:
        """Whether a person has to decide."""
        return not self.decision and self.severity is not Severity.INFO


class Plan(Struct, frozen=True):
    """All changes of a run in source order. A dry run is the run up to here; apply executes this object."""

    account: str
    mode: str
    """create, update, upsert; undo for an undo's plan."""
    changes: tuple[Change, ...]
    sources: tuple[SourceFile, ...] = ()
    mappings: tuple[str, ...] = ()
    """Names (and digests, `attack@1f2e3d4c`) of the mappings used."""
    notes: tuple[Issue, ...] = ()
    """Issues that belong to a file, a sheet or the run, not to a row."""
    category: str = ""
    """UUID of the category given to new tags; empty for none."""
    account_tags: int = 0
    """How many tags the account held when the plan was made."""
    created: str = ""
    """UTC time, ISO 8601. Not part of the digest."""
    options: Mapping[str, Json] = EMPTY
    """Everything else that shaped the plan and must hold when it is applied."""
    readings: tuple[Reading, ...] = ()
    shaped_by: tuple[SourceFile, ...] = ()
    """Files of decisions and of evidence: with others the plan might be another one."""
    pairs: tuple[Pair, ...] = ()
    """Actors that may be one, those of which most speaks for it first."""

    @property
    def rows(self) -> int:
        """How many input rows it holds."""
        return sum(1 for change in self.changes if change.row is not None)

    def counts(self) -> dict[str, int]:
        """Rows by action; the sum is the number of changes."""
        counts = dict.fromkeys((action.value for action in Action), 0)
        for change in self.changes:
            counts[change.action.value] += 1
        return counts


class Status(StrEnum):
    """How a row ended. Their counts add up to the number of rows, always."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    CONFLICT = "conflict"
    INVALID = "invalid"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"

    @property
    def needs_work(self) -> bool:
        """Whether the row belongs into failed.csv."""
        return self in _NEEDS_WORK


_CALLS = (Action.CREATE, Action.UPDATE, Action.DELETE)
_NEEDS_WORK = (Status.CONFLICT, Status.INVALID, Status.FAILED, Status.UNKNOWN, Status.NOT_ATTEMPTED)
_ENDS = MappingProxyType(
    {
        Action.CREATE: Status.CREATED,
        Action.UPDATE: Status.UPDATED,
        Action.DELETE: Status.DELETED,
        Action.UNCHANGED: Status.UNCHANGED,
        Action.SKIP: Status.SKIPPED,
        Action.CONFLICT: Status.CONFLICT,
        Action.INVALID: Status.INVALID,
    }
)


class Outcome(Struct, frozen=True):
    """How one change ended."""

    key: str
    status: Status
    uuid: str = ""
    attempts: int = 0
    """Requests of the call itself that were sent; look-ups are counted elsewhere."""
    code: str = ""
    message: str = ""
    adopted: bool = False
    """The tag was found by a look-up after a lost answer instead of being answered."""
    after: Mapping[str, Json] = EMPTY
    """What undo needs to recognise the tag: `{"version": ..., "updatedAt": ..., "digest": ...}`."""
