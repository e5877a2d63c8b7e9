"""The JSON Schema of mapping files, generated from the grammar, the fields and the transforms."""

from __future__ import annotations

from typing import Any

from importer.fields.table import FIELDS, Field, Visibility
from importer.mapping import grammar
from importer.mapping.transforms import catalogue
from importer.mapping.transforms.catalogue import Argument, Transform

Schema = dict[str, Any]


def json_schema() -> Schema:
    """What a mapping file may hold, for editors: they complete words and underline wrong ones."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "tag-importer mapping",
        "description": "Which columns of a list feed which field of a Cloudforce One tag, through which transforms.",
        **_object(grammar.MAPPING),
        "required": ["fields"],
        "definitions": {
            **{name: _object(keys) for name, keys in grammar.OBJECTS.items() if name not in ("rule", "part")},
            "steps": {"oneOf": [_ref("step"), {"type": "array", "items": _ref("step")}]},
            "step": {"oneOf": [_step_names(), _step_objects()]},
            "fields": _fields(),
            "rule": _shorthand(_object(grammar.RULE)),
            "part": _shorthand(_object(grammar.PART), {"type": "number"}),
            "conditions": {"oneOf": [_ref("choice"), {"type": "array", "items": _ref("choice")}]},
            "choice": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {
                    "take": {"description": "Only rows that this holds for are taken.", **_ref("condition")},
                    "leave_out": {"description": "Rows that this holds for are left out.", **_ref("condition")},
                },
            },
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _object(keys: grammar.Keys) -> Schema:
    properties = {key: _with_doc(_shape(shape), doc) for key, (shape, doc) in keys.items()}
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


def _with_doc(schema: Schema, doc: str) -> Schema:
    """A `$ref` drops what stands beside it in draft 7, so the documentation wraps it."""
    return {"description": doc, "allOf": [schema]} if "$ref" in schema else {"description": doc, **schema}


_SCALAR: Schema = {"type": ["string", "number"]}


def _shape(shape: str) -> Schema:
    shapes: dict[str, Schema] = {
        "text": {"type": ["string", "number", "null"]},
        "texts": {"oneOf": [_SCALAR, {"type": "array", "items": _SCALAR}, {"type": "null"}]},
        "number": {"type": ["integer", "null"], "minimum": 1},
        "flag": {"type": ["boolean", "null"]},
        "json": {},
        "blank": {"enum": [*grammar.BLANK_WORDS, None]},
        "labelled": {"enum": [True, False, "rest", None]},
        "unknown": {"enum": [*grammar.UNKNOWN_WORDS, None]},
        "sections": {"type": ["object", "null"], "additionalProperties": _ref("section")},
        "table": {"type": ["object", "null"], "additionalProperties": {"type": ["string", "number", "null"]}},
        "value_words": {"type": "object", "additionalProperties": {"type": "array", "items": _SCALAR}},
        "vocabularies": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {name: _ref("vocabulary") for name in grammar.VOCABULARY_NAMES},
        },
    }
    return shapes[shape] if shape in shapes else _ref(shape)


def _shorthand(schema: Schema, *more: Schema) -> Schema:
    """A rule may be a column, or several, without saying so."""
    return {"oneOf": [{"type": "string"}, {"type": "array", "items": _SCALAR}, *more, schema]}


def _fields() -> Schema:
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {field.name: _with_doc(_ref("rule"), _meaning(field)) for field in FIELDS},
        "patternProperties": {r"^properties\..+$": _with_doc(_ref("rule"), "A value of the category's own field.")},
    }


def _meaning(field: Field) -> str:
    seen = {Visibility.PUBLIC: "Seen by all accounts.", Visibility.PRIVATE: "Stays with this account."}
    generation = "" if field.current else f" Up to generation {field.last} of the API only."
    return f"{field.meaning} {seen.get(field.visibility, '')}{generation}".strip()


def _step_names() -> Schema:
    names = [entry for entry in catalogue() if entry.takes != "rule" and not _required(entry)]
    return {"enum": [entry.name for entry in names]}


def _step_objects() -> Schema:
    entries = [entry for entry in catalogue() if entry.takes != "rule" and entry.arguments]
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {entry.name: {"description": entry.doc, **_arguments(entry)} for entry in entries},
    }


def _required(entry: Transform) -> list[str]:
    return [argument.name for argument in entry.arguments if argument.required]


def _arguments(entry: Transform) -> Schema:
    first = _argument(entry.arguments[0])
    whole: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {argument.name: _argument(argument) for argument in entry.arguments},
        "required": _required(entry),
    }
    if entry.name == "map":
        plain = {"type": "object", "not": {"required": ["words"]}, **_TABLE}
        return {"oneOf": [plain, whole]}
    if len(_required(entry)) > 1:
        return whole
    return {"oneOf": [{"type": "null"}, first, whole]} if not _required(entry) else {"oneOf": [first, whole]}


_TABLE: Schema = {"additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
_CHOICES = {"order": ["dmy", "mdy", "ymd"], "fill": ["start", "end"], "decimal": [",", "."]}


def _argument(argument: Argument) -> Schema:
    if argument.name in _CHOICES:
        return {"description": argument.doc, "enum": _CHOICES[argument.name]}
    kinds: dict[str, Schema] = {
        "number": {"type": "number"},
        "table": {"type": "object", **_TABLE},
        "vocabulary": {"enum": list(grammar.VOCABULARY_NAMES)},
        "pattern": {"type": "string", "maxLength": 500},
    }
    return {"description": argument.doc, **kinds.get(argument.kind, {"type": ["string", "number"]})}
