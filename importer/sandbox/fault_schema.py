"""The JSON Schema of fault plans, made from the same words as the parser."""

from __future__ import annotations

from typing import Any

from importer.sandbox.fault_words import CALL_GROUPS, FAULTS, PARAMETERS, PATTERNS, Value, Word
from importer.sandbox.faults import CALLS


def json_schema() -> dict[str, Any]:
    """What config/schema/faults.schema.json holds."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Fault plan of tag-importer's sandbox",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string"},
            "seed": {"type": "integer", "minimum": 0, "description": "Which calls are hit; the same seed, the same."},
            "faults": {"type": ["array", "null"], "items": {"oneOf": [_entry(*pair) for pair in FAULTS.items()]}},
        },
    }


def _entry(name: str, word: Word) -> dict[str, Any]:
    parameters = {key: _value(PARAMETERS[key]) for key in word.parameters}
    return {
        "type": "object",
        "required": [name],
        "additionalProperties": False,
        "properties": {name: _value(word), **parameters},
    }


def _value(word: Word) -> dict[str, Any]:
    shape: dict[str, Any]
    status: dict[str, Any] = {"type": "integer", "minimum": 500, "maximum": 599}
    if word.value is Value.FLAG:
        shape = {"type": "boolean"}
    elif word.value is Value.WORD:
        numbers = [int(one) for one in word.words if one.isdecimal()]
        shape = {"enum": [*word.words, *numbers]}
    elif word.value is Value.CALLS:
        kinds = {"enum": [*sorted(CALLS), *CALL_GROUPS]}
        shape = {"anyOf": [kinds, {"type": "array", "items": kinds, "minItems": 1}]}
    elif word.value is Value.STATUSES:
        shape = {"anyOf": [status, {"type": "array", "items": status, "minItems": 1}]}
    elif word.value is Value.CUT_OR_STATUS:
        shape = {"anyOf": [{"const": "cut"}, status]}
    elif word.value is Value.COUNT:
        shape = {"type": "integer", "minimum": 0}
    elif word.value is Value.SPAN:
        shape = {"type": "string", "pattern": PATTERNS[word.value]}
    else:
        number: dict[str, Any] = {"type": "number", "minimum": 0}
        if word.value is Value.CHANCE:
            number["maximum"] = 1
        shape = {"anyOf": [{"type": "string", "pattern": PATTERNS[word.value]}, number]}
    return {**shape, "description": word.meaning}
