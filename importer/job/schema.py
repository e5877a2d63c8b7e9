"""The JSON Schema of job files, read off the same table as everything else; editors complete and check with it."""

from __future__ import annotations

import json

from importer.job.options import (
    COLLISION_KINDS,
    COLLISION_WORDS,
    GROUPS,
    OPTIONS,
    SOURCE_OPTIONS,
    Option,
    Shape,
    option_named,
)
from importer.model import Json


def json_schema() -> dict[str, Json]:
    """The schema (draft 2020-12); config/schema/job.schema.json is its text."""
    properties: dict[str, Json] = {
        "name": {"type": "string", "description": "The job's name in metrics and reports; the file's when left out."},
        "description": {"type": "string", "description": "What the job is for."},
        "sources": {
            "description": "Files, globs, folders or https URLs, the most trusted first: of two rows with one name "
            "the first counts.",
            "anyOf": [{"type": "array", "minItems": 1, "items": _source()}, {"type": "string", "minLength": 1}],
        },
    }
    for option in OPTIONS:
        if option.key and "." not in option.key:
            properties[option.key] = _value(option)
    for group, meaning in GROUPS.items():
        members = {option.key.split(".")[1]: _value(option) for option in OPTIONS if option.key.startswith(f"{group}.")}
        if group == "collisions":
            # `off` is false to a YAML 1.1 editor.
            members = {kind: {"enum": [*COLLISION_WORDS, False]} for kind in COLLISION_KINDS}
        properties[group] = {
            "description": meaning,
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": members,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tag-importer job file",
        "type": "object",
        "additionalProperties": False,
        "required": ["sources"],
        "properties": properties,
    }


def schema_text() -> str:
    """The schema as the text of the shipped file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _source() -> dict[str, Json]:
    members = {option.key.rpartition(".")[2]: _value(option) for option in map(option_named, SOURCE_OPTIONS)}
    path = {"type": "string", "minLength": 1, "description": "File, glob, folder, - or https URL."}
    return {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {
                "type": "object",
                "required": ["path"],
                "additionalProperties": False,
                "properties": {"path": path, **members},
            },
        ]
    }


def _value(option: Option) -> dict[str, Json]:
    found = _shape(option)
    found["description"] = option.meaning
    if option.example:
        found["examples"] = [option.example]
    return found


def _shape(option: Option) -> dict[str, Json]:
    shape = option.shape
    if shape is Shape.FLAG:
        return {"type": ["boolean", "null"]}
    if shape is Shape.TEXTS:
        return {"type": ["array", "string", "number", "null"], "items": {"type": ["string", "number"]}}
    if shape is Shape.COUNT:
        return {"type": ["integer", "null"], "minimum": option.least}
    if shape is Shape.SECONDS:
        return {"type": ["number", "string", "null"], "minimum": 0,
                "pattern": r"^\d+(\.\d+)?\s*(s|sec|seconds?|m|min|minutes?|h|hours?)?$"}  # fmt: skip
    if shape is Shape.SHARE:
        return {"type": ["integer", "string", "null"], "minimum": 0, "pattern": r"^\d+(\.\d+)?\s*%$"}
    if shape is Shape.LIMIT:
        return {"type": ["integer", "string", "null"], "minimum": 0,
                "pattern": r"^(\d+([.,]\d+)?\s*(%|per ?cent)?|none|off|unlimited)$"}  # fmt: skip
    if shape is Shape.WORD:
        return {"enum": [*option.words, None]}
    return {"type": ["string", "number", "null"], "minLength": 1}
