"""The mapping language: what a mapping file may hold, as types. The reader, the errors, the schema and the page of
documentation are all derived from these; `load.py` turns what was written into what `spec.py` carries out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from importer.errors import Position
from importer.fields.table import FIELDS, Field, Kind, Visibility, field_named
from importer.mapping.spec import Blank, Recognise, Unknown
from importer.mapping.steps import Pattern, Vocabulary, WrittenStep
from importer.model import Json
from importer.text.json_schema import schema
from importer.text.nearest_word import unknown

PARTS: Final = ("confidence", "tlp", "description")
Trouble = Iterator[tuple[tuple[str, ...], str]]


def field_or_key(name: str) -> str:
    """A tag field's wire name, or `properties.<key>`. Raises ValueError, with the nearest name, for any other."""
    if field_named(name) is None and not re.fullmatch(r"properties\..*\S.*", name):
        raise ValueError(unknown("tag field", name, (*(field.name for field in FIELDS), "properties.<key>")))
    return name


def _keeper(name: Any) -> str:
    """A text field, or a property, that can keep the text of a value that was left out."""
    texts = tuple(field.name for field in FIELDS if field.kind is Kind.TEXT and field.name != "value")
    if str(name) not in texts and not str(name).startswith("properties."):
        raise ValueError(unknown("text field to keep a text in", str(name), (*texts, "properties.<key>")))
    return str(name)


def _meaning(field: Field) -> str:
    seen = {Visibility.PUBLIC: "Seen by all accounts.", Visibility.PRIVATE: "Stays with this account."}
    generation = "" if field.current else f" Up to generation {field.last} of the API only."
    return f"{field.meaning} {seen.get(field.visibility, '')}{generation}".strip()


def _about(meaning: str) -> Meta:
    return Meta(description=meaning)


Texts = tuple[str, ...]
Row = Annotated[int, Meta(ge=1, le=1_048_576)]
Target = Annotated[
    str,
    Meta(extra={"read": field_or_key, "keys": {field.name: _meaning(field) for field in FIELDS},
                "pattern": r"^properties\..+$"}),
]  # fmt: skip


class WrittenPart(Struct, frozen=True, kw_only=True):
    """Where a value comes from, and what is done to it on the way."""

    column: Annotated[
        Texts, _about("The column that feeds the field; `$sheet`, `$file`, `$row` and `$id` are always there.")
    ] = ()
    columns: Annotated[
        Texts, _about("Several columns: the first filled one, all of them for a list field; globs are allowed.")
    ] = ()
    words: Annotated[
        Texts, _about("Usual header words, in any spelling: the best one that is there, all of them for a list field.")
    ] = ()
    constant: Annotated[Any, _about("The same value for every row.")] = None
    template: Annotated[str, _about("A text with `{Column}` in it.")] = ""
    join: Annotated[str | None, _about("Joins the texts of several columns with this between them.")] = None
    labelled: Annotated[
        bool | Literal["rest"],
        _about("With `join`: puts each column's name before its text, as in `Targets: banks`; `rest`: not before the "
               "first."),
    ] = False  # fmt: skip
    transforms: Annotated[
        tuple[WrittenStep, ...],
        _about("Steps that the text goes through, in order; `tag-importer mapping transforms` lists them."),
    ] = ()
    default: Annotated[Any, _about("The value where the cell is blank.")] = None
    unknown: Annotated[
        Unknown | None,
        _about("What becomes of a cell that cannot be read: error, warning (as usual), keep or ignore."),
    ] = None
    several: Annotated[
        Unknown, _about("What becomes of a cell with more than one answer (two countries, a region).")
    ] = Unknown.WARNING
    spot: Position = Position("")

    SHORTHAND: ClassVar[Mapping[type, str]] = {str: "columns", list: "columns", int: "constant"}

    @property
    def has_source(self) -> bool:
        """Whether it says where its value comes from."""
        return bool(self.column or self.columns or self.words or self.template or self.constant is not None)


class WrittenRule(WrittenPart, frozen=True, kw_only=True):
    """Where one field's value comes from, and what is done to it on the way."""

    on_blank: Annotated[Blank | None, _about("What a blank cell asks for: `leave` or `clear`.")] = None
    keep_in: Annotated[
        str,
        Meta(
            description="The text field or `properties.<key>` that keeps the text of a value that was left out.",
            extra={"read": _keeper},
            extra_json_schema={"type": "string"},
        ),
    ] = ""
    keep_label: Annotated[str, _about("What is before a kept text, as in `Origin: Middle East`.")] = ""
    separators: Annotated[
        str, _about("The characters that cut a list cell, `,;`; the usual ones when it is left out.")
    ] = ""
    as_is: Annotated[bool, _about("Take the text exactly as it is: not trimmed, split or looked up.")] = False
    confidence: Annotated[
        WrittenPart | None, _about("A score from 1 to 10 that goes with the value (column, rule or number).")
    ] = None
    tlp: Annotated[WrittenPart | None, _about("A TLP word that goes with the value (column or rule).")] = None
    description: Annotated[
        WrittenPart | None, _about("A text that goes with each link of externalReferences (column or rule).")
    ] = None

    SHORTHAND: ClassVar[Mapping[type, str]] = {str: "columns", list: "columns"}


def misplaced_parts(fields: Mapping[str, WrittenRule | None]) -> Trouble:
    """Parts that do not go with their field."""
    for target, rule in fields.items():
        field = field_named(target)
        allowed: tuple[str, ...] = ()
        if field is not None and field.kind is Kind.REFERENCE_LIST:
            allowed = ("description",)
        elif field is not None and (field.annotated or field.kind is Kind.ALIAS_LIST):
            allowed = ("confidence", "tlp")
        takes = f"takes {' and '.join(allowed)}" if allowed else "takes no such part"
        for part in PARTS:
            if rule is not None and getattr(rule, part) is not None and part not in allowed:
                yield ("fields", target, part), f"`{part}` does not go with `{target}`, which {takes}"


def sourceless(fields: Mapping[str, WrittenRule | None], *at: str) -> Trouble:
    """Rules, and parts of them, that do not say where their value comes from."""
    for target, rule in fields.items():
        for name in ("", *PARTS) if rule is not None else ():
            part = getattr(rule, name) if name else rule
            if part is not None and not part.has_source:
                path = (*at, "fields", target, name) if name else (*at, "fields", target)
                yield path, "needs column, columns, words, constant or template"


class WrittenCondition(Struct, frozen=True, kw_only=True, rename={"in_": "in"}):
    """A question about one cell of a row."""

    column: Annotated[str, Meta(min_length=1, description="The column asked.")]
    in_: Annotated[
        Texts | UnsetType, _about("Holds where the cell is one of these words; case makes no difference.")
    ] = UNSET
    not_in: Annotated[
        Texts | UnsetType, _about("Holds where the cell is none of these words; case makes no difference.")
    ] = UNSET
    contains: Annotated[
        str | UnsetType, _about("Holds where this text occurs in the cell; case makes no difference.")
    ] = UNSET
    matches: Annotated[Pattern | UnsetType, _about("Holds where this regular expression occurs in the cell.")] = UNSET
    blank: Annotated[bool | UnsetType, _about("true holds where the cell is blank, false where it is filled.")] = UNSET
    spot: Position = Position("")

    def asked(self) -> dict[str, Any]:
        """What is asked: operator -> operand."""
        given = {"in": self.in_, "not_in": self.not_in, "contains": self.contains, "matches": self.matches,
                 "blank": self.blank}  # fmt: skip
        return {name: value for name, value in given.items() if value is not UNSET}

    def problems(self) -> Trouble:
        """Something is asked."""
        if not self.asked():
            yield (), "a condition needs one of in, not_in, contains, matches, blank"


class Choice(Struct, frozen=True):
    """Rows to take or to leave out."""

    take: Annotated[WrittenCondition | None, _about("Only rows that this holds for are taken.")] = None
    leave_out: Annotated[WrittenCondition | None, _about("Rows that this holds for are left out.")] = None


class WrittenSection(Struct, frozen=True):
    """What is different on some sheets, or for some files."""

    skip: Annotated[bool, _about("Leave the whole sheet or file out.")] = False
    header_row: Annotated[Row | None, _about("The row of this sheet's header, 1 is the first.")] = None
    when: Annotated[tuple[Choice, ...], _about("Further conditions for these rows.")] = ()
    fields: Annotated[
        dict[Target, WrittenRule | None],
        _about("Rules that replace those of the same name; `null` leaves a field unfilled."),
    ] = {}

    def problems(self) -> Trouble:
        """Parts are where they belong."""
        yield from misplaced_parts(self.fields)


class WrittenHints(Struct, frozen=True):
    """What the reader should know."""

    records: Annotated[str, _about("Where the list is in a JSON or YAML file: `values`, `data.actors[]`.")] = ""
    header_row: Annotated[
        Row | None, _about("The row of the header, 1 is the first; found by itself when it is left out.")
    ] = None
    sheets: Annotated[Texts, _about("Only these sheets are read; hidden ones too, when they are named.")] = ()
    include_hidden: Annotated[bool, _about("Read hidden sheets, rows and columns as well.")] = False


class Words(Struct, frozen=True):
    """Your own words for a vocabulary."""

    extend: Annotated[
        dict[str, str | None],
        _about("Your word -> an allowed word (or a new one); an empty one says nothing is known."),
    ] = {}
    replace: Annotated[dict[str, str | None], _about("The same, but only these words count.")] = {}


class MappingFile(Struct, frozen=True, kw_only=True):
    """Which columns of a list feed which field of a Cloudforce One tag, through which transforms."""

    name: Annotated[
        str, _about("What the mapping is called in plans and reports; the file's name when it is left out.")
    ] = ""
    description: Annotated[str, _about("One or two sentences on what the mapping is for.")] = ""
    recognise: Annotated[
        Recognise, _about("How a table shows that this preset is for it; only presets are chosen by themselves.")
    ] = Recognise()
    read: Annotated[WrittenHints, _about("What the reader should know: records path, header row, sheets.")] = (
        WrittenHints()
    )
    action: Annotated[
        str, _about("The column that chooses create, update, upsert or skip for its row (`action` is found by itself).")
    ] = ""
    id: Annotated[
        str,
        _about("The column with the list's own id of each actor, by which a renamed one is found."),
    ] = ""
    publish_marked: Annotated[
        bool, _about("Rows marked TLP amber or stricter, too, put text, other names and links into public fields.")
    ] = False
    on_blank: Annotated[Blank, _about("What blank cells ask for: `leave` the field alone (default) or `clear` it.")] = (
        Blank.LEAVE
    )
    lists: Annotated[
        Literal["union", "replace"] | None,
        _about(
            "What an update does to other names and links: `replace` them, or add what is new (`union`). A job's "
            "`lists:` stands above it. Without either tags that a job of one source marked are replaced, others united."
        ),
    ] = None
    when: Annotated[tuple[Choice, ...], _about("Which rows are taken and which are left out.")] = ()
    vocabularies: Annotated[
        dict[Vocabulary, Words],
        _about("Your own words for a vocabulary."),
    ] = {}
    guess: Annotated[bool, _about("The recogniser fills the fields for which no rule names a column.")] = False
    ignore: Annotated[Texts, _about("Columns that are left alone on purpose; no note names them as unread.")] = ()
    fields: Annotated[
        dict[Target, WrittenRule | None],
        _about("Which column feeds which tag field: wire name (or `properties.<key>`) -> rule."),
    ]
    sheets: Annotated[
        dict[str, WrittenSection], _about("What is different on some sheets: name or glob -> section.")
    ] = {}
    sources: Annotated[
        dict[str, WrittenSection], _about("What is different for some files: file name or glob -> section.")
    ] = {}

    def problems(self) -> Trouble:
        """Each field has its rule, parts are where they belong, and something feeds the name."""
        for target, rule in self.fields.items():
            if rule is None:
                yield ("fields", target), f"`{target}` has no column; name one, or take the line out"
        yield from misplaced_parts(self.fields)
        if not self.guess:
            yield from sourceless(self.fields)
            for key in ("sheets", "sources"):
                for pattern, section in getattr(self, key).items():
                    yield from sourceless(section.fields, key, pattern)
        sections = (*self.sheets.values(), *self.sources.values())
        named = {*self.fields, *(target for section in sections for target in section.fields)}
        if "value" not in named and not self.guess:
            yield ("fields",), "no rule for `value`, the actor's name; every tag needs one"


def mapping_schema() -> dict[str, Json]:
    """The JSON Schema of mapping files, for editors: they complete words and underline wrong ones."""
    return schema(MappingFile, "tag-importer mapping")
