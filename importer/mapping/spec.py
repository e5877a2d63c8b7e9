"""What a mapping says, as values: which columns feed which tag field, through which transforms.

`load.py` makes these from YAML; `draft.py` carries them out. Nothing here knows of files or tables.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct, field

from importer.errors import Position
from importer.model import Json

if TYPE_CHECKING:
    from importer.mapping.recogniser import Recognised

PSEUDO_COLUMNS = ("$sheet", "$file", "$row", "$id")
"""Columns that every row has: the sheet's name, the file's name, the row number, the object's id."""


class Unknown(StrEnum):
    """What becomes of a cell that a field cannot take."""

    ERROR = "error"
    """The row is invalid."""
    WARNING = "warning"
    """The value is left out, and that is said."""
    KEEP = "keep"
    """Sent as written, with a warning; but left out where it looks like a misspelt allowed word."""
    IGNORE = "ignore"
    """The value is left out without a word."""


class Blank(StrEnum):
    """What a blank cell asks for."""

    LEAVE = "leave"
    CLEAR = "clear"


class Labelled(StrEnum):
    """Which of several joined texts have their column's name before them."""

    TRUE = "true"
    FALSE = "false"
    REST = "rest"


class Step(Struct, frozen=True):
    """One transform of the catalogue with its arguments."""

    name: str
    arguments: MappingABC[str, Json] = field(default_factory=dict)


class Rule(Struct, frozen=True):
    """Where one field's value comes from and what is done to it on the way."""

    target: str
    """Wire name, or `properties.<key>`; the name of a part (`confidence`) inside another rule."""
    columns: tuple[str, ...] = ()
    """Exact header words (or globs such as `Link *`); the first filled one, or all of them for a list field."""
    words: tuple[str, ...] = ()
    """Usual header words, compared without case, blanks and punctuation."""
    constant: Json = None
    template: str = ""
    join: str | None = None
    """Joins all the columns' texts instead of taking the first."""
    labelled: Labelled = Labelled.FALSE
    """Whether each column's name stands before its joined text."""
    steps: tuple[Step, ...] = ()
    default: Json = None
    on_blank: Blank | None = None
    unknown: Unknown | None = None
    """None: an error for the name, the TLP and what is taken as it is; else a warning."""
    several: Unknown = Unknown.WARNING
    keep_in: str = ""
    """Where the text of a value that was left out is kept: a text field or `properties.<key>`; empty for the notes."""
    keep_label: str = ""
    separators: str = ""
    """Characters that split a list cell; the usual ones when empty."""
    as_is: bool = False
    """The text is taken as it stands: not trimmed, not split, not looked up."""
    alike: bool = False
    """Its columns were found to say the same: where they disagree, that is told."""
    parts: MappingABC[str, Rule] = field(default_factory=dict)
    """`confidence`, `tlp` and `description` that go with the value."""
    spot: Position = Position("")

    @property
    def has_source(self) -> bool:
        return bool(self.columns or self.words or self.template or self.constant is not None)


class Condition(Struct, frozen=True):
    """A question about one cell of a row."""

    column: str
    operator: str
    """in, not_in, contains, matches, blank."""
    operand: Json
    take: bool
    """True: only rows it holds for are taken. False: rows it holds for are left out."""
    spot: Position = Position("")


class Section(Struct, frozen=True):
    """What is different for some sheets or files; `pattern` is a glob, compared without case."""

    pattern: str
    skip: bool = False
    header_row: int = 0
    when: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    dropped: tuple[str, ...] = ()
    """Wire names that are not filled here (`field: null`)."""


class Recognise(Struct, frozen=True, rename={"every": "all", "some": "any"}):
    """How a table shows that this mapping is for it; by its columns, so that failed.csv finds it again."""

    every: Annotated[tuple[str, ...], Meta(description="Columns that must all be there.")] = ()
    some: Annotated[
        tuple[str, ...],
        Meta(description="Columns of which one must be there; globs such as `meta.*` are allowed."),
    ] = ()
    none: Annotated[tuple[str, ...], Meta(description="Columns that must not be there.")] = ()
    values: Annotated[
        MappingABC[str, tuple[str, ...]],
        Meta(description="Column -> the words of which each of its cells must hold one; `x-*` is a beginning."),
    ] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.every or self.some or self.values)


class ReadHints(Struct, frozen=True):
    """What a mapping says about reading its source."""

    records: str = ""
    header_row: int = 0
    per_sheet_header: MappingABC[str, int] = field(default_factory=dict)
    sheets: tuple[str, ...] = ()
    include_hidden: bool = False


class Vocabulary(Struct, frozen=True):
    """A mapping's own words for a vocabulary: added to the shipped ones, or in their place."""

    name: str
    words: MappingABC[str, str]
    allowed: tuple[str, ...] = ()
    replace: bool = False


class Mapping(Struct, frozen=True):
    """One mapping file."""

    name: str
    digest: str = ""
    """First 8 hex digits of the file's sha256: tells two versions apart in a plan."""
    description: str = ""
    file: str = ""
    hints: ReadHints = ReadHints()
    recognise: Recognise = Recognise()
    action: str = ""
    """The column that chooses per row; `action` itself is found without being named."""
    id: str = ""
    """The column with the source's own id of each actor."""
    publishes_marked: bool = False
    """Whether rows marked TLP amber or stricter may fill public fields."""
    on_blank: Blank = Blank.LEAVE
    lists: str = ""
    """`union` or `replace`: what an update does to a list of a tag; empty where the mapping leaves that open."""
    when: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    sheets: tuple[Section, ...] = ()
    sources: tuple[Section, ...] = ()
    vocabularies: tuple[Vocabulary, ...] = ()
    guesses: bool = False
    """Whether the recogniser fills the fields that no rule names a column for."""
    reading: Recognised | None = None
    """What the recogniser made of the table that this mapping is for."""
    shipped: bool = False
    """One of ours: made for many tables, so that columns which one of them lacks are no mistake."""
    ignore: tuple[str, ...] = ()
    """Columns that are left alone on purpose: no note says that they were not read."""

    @property
    def label(self) -> str:
        """`attack@1f2e3d4c`, for plans and reports."""
        return f"{self.name}@{self.digest}" if self.digest else self.name

    def read_hints(self) -> ReadHints:
        """What the reader should know: records path, header rows, sheets."""
        return self.hints


Value = Any
"""A transformed value: None for nothing, else text, number or list."""
