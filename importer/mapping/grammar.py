"""The words of the mapping language, as data: what `parse.py` takes, what `schema.py` prints, what errors suggest."""

from __future__ import annotations

from importer.fields.table import FIELDS, Kind

Keys = dict[str, tuple[str, str]]
"""Key -> (shape, one sentence). Shapes: text, texts, number, flag, json, or the name of another object here."""

MAPPING: Keys = {
    "name": ("text", "What the mapping is called in plans and reports; the file's name when it is left out."),
    "description": ("text", "One or two sentences on what the mapping is for."),
    "recognise": ("recognise", "How a table shows that this preset is for it; only presets are chosen by themselves."),
    "read": ("read", "What the reader should know: records path, header row, sheets."),
    "action": (
        "text",
        "The column that chooses create, update, upsert or skip for its row (`action` is found by itself).",
    ),
    "on_blank": ("blank", "What blank cells ask for: `leave` the field alone (default) or `clear` it."),
    "when": ("conditions", "Which rows are taken and which are left out."),
    "vocabularies": ("vocabularies", "Your own words for a vocabulary."),
    "guess": ("flag", "Also take columns that are called like a tag field (`originCountryISO`, `properties.x`)."),
    "ignore": ("texts", "Columns that are left alone on purpose; no note names them as unread."),
    "fields": ("fields", "Which column feeds which tag field: wire name (or `properties.<key>`) -> rule."),
    "sheets": ("sections", "What is different on some sheets: name or glob -> section."),
    "sources": ("sections", "What is different for some files: file name or glob -> section."),
}

READ: Keys = {
    "records": ("text", "Where the list stands in a JSON or YAML file: `values`, `data.actors[]`."),
    "header_row": ("number", "The row the header stands in, 1 is the first; found by itself when it is left out."),
    "sheets": ("texts", "Only these sheets are read; hidden ones too, when they are named."),
    "include_hidden": ("flag", "Read hidden sheets as well."),
}

RECOGNISE: Keys = {
    "all": ("texts", "Columns that must all be there."),
    "any": ("texts", "Columns of which one must be there; globs such as `meta.*` are allowed."),
    "none": ("texts", "Columns that must not be there."),
    "values": ("value_words", "Column -> the words of which each of its cells must hold one; `x-*` is a beginning."),
}

SECTION: Keys = {
    "skip": ("flag", "Leave the whole sheet or file out."),
    "header_row": ("number", "The row the header of this sheet stands in."),
    "when": ("conditions", "Further conditions for these rows."),
    "fields": ("fields", "Rules that replace those of the same name; `null` leaves a field unfilled."),
}

_SOURCE: Keys = {
    "column": ("text", "The column that feeds the field; `$sheet`, `$file`, `$row` and `$id` are always there."),
    "columns": ("texts", "Several columns: the first filled one, all of them for a list field; globs are allowed."),
    "words": (
        "texts",
        "Usual header words, in any spelling: the best one that is there, all of them for a list field.",
    ),
    "constant": ("json", "The same value for every row."),
    "template": ("text", "A text with `{Column}` in it."),
    "join": ("text", "Joins the texts of several columns with this between them."),
    "labelled": (
        "labelled",
        "With `join`: puts each column's name before its text, as in `Targets: banks`; `rest`: not before the first.",
    ),
    "transforms": (
        "steps",
        "Steps that the text goes through, in order; `tag-importer mapping transforms` lists them.",
    ),
    "default": ("json", "The value where the cell is blank."),
    "unknown": ("unknown", "What becomes of a cell that cannot be read: error, warning, keep or ignore."),
    "several": ("unknown", "What becomes of a cell with more than one answer (two countries, a region)."),
}

RULE: Keys = {
    **_SOURCE,
    "on_blank": ("blank", "What a blank cell asks for: `leave` or `clear`."),
    "keep_in": ("text", "The text field or `properties.<key>` that keeps the text of a value that was left out."),
    "keep_label": ("text", "What stands before a kept text, as in `Origin: Middle East`."),
    "separators": ("text", "The characters that cut a list cell, `,;`; the usual ones when it is left out."),
    "as_is": ("flag", "Take the text exactly as it stands: not trimmed, split or looked up."),
    "confidence": ("part", "A score from 1 to 10 that goes with the value (column, rule or number)."),
    "tlp": ("part", "A TLP word that goes with the value (column or rule)."),
    "description": ("part", "A text that goes with each link of externalReferences (column or rule)."),
}

PART: Keys = dict(_SOURCE)

CONDITION: Keys = {
    "column": ("text", "The column asked."),
    "in": ("texts", "Holds where the cell is one of these words."),
    "not_in": ("texts", "Holds where the cell is none of these words."),
    "contains": ("text", "Holds where this text occurs in the cell."),
    "matches": ("text", "Holds where this regular expression occurs in the cell."),
    "blank": ("flag", "true holds where the cell is blank, false where it is filled."),
}

VOCABULARY: Keys = {
    "extend": ("table", "Your word -> an allowed word (or a new one); an empty one says nothing is known."),
    "replace": ("table", "The same, but only these words count."),
}

OBJECTS: dict[str, Keys] = {
    "read": READ,
    "recognise": RECOGNISE,
    "section": SECTION,
    "rule": RULE,
    "part": PART,
    "condition": CONDITION,
    "vocabulary": VOCABULARY,
}

UNKNOWN_WORDS = ("error", "warning", "keep", "ignore")
BLANK_WORDS = ("leave", "clear")
LABELLED_WORDS = ("true", "false", "rest")
VOCABULARY_NAMES = ("actor-category", "motive", "sophistication", "level", "confidence", "tlp")
PART_NAMES = ("confidence", "tlp", "description")


def parts_of(kind: Kind, annotated: bool) -> tuple[str, ...]:
    """The parts that may go with a field's value."""
    if kind is Kind.REFERENCE_LIST:
        return ("description",)
    return ("confidence", "tlp") if annotated or kind is Kind.ALIAS_LIST else ()


def field_names() -> tuple[str, ...]:
    """The wire names that a mapping may fill."""
    return tuple(field.name for field in FIELDS)
