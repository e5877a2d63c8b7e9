"""The JSON Schema, and the documentation, of what `typed_yaml.load` takes for a type."""

from __future__ import annotations

import json
from inspect import cleandoc
from typing import Any, Final

import msgspec.inspect as types
from msgspec import Struct

from importer.model import Json
from importer.text.typed_yaml import bare, fields_of, is_list, shorthand, type_of, words_of

_WIDTH: Final = 150


def schema(kind: Any, title: str = "") -> dict[str, Json]:
    """The JSON Schema (2020-12) of what `load` takes for this type."""
    defs: dict[str, Json] = {}
    root = _schema(type_of(kind), defs)
    head: dict[str, Json] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return head | ({"title": title} if title else {}) | root | {"$defs": defs}


def schema_text(schema: Json) -> str:
    """A schema as its file holds it: what fits into a line stands in one."""
    return _json(schema, "") + "\n"


def _json(value: Json, indent: str) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(indent) + len(line) <= _WIDTH:
        return line
    inner = indent + "  "
    keys = [f"{json.dumps(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    held = value.values() if isinstance(value, dict) else value
    parts = (f"{inner}{key}{_json(one, inner)}" for key, one in zip(keys, held, strict=True))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(parts) + f"\n{indent}{closing}"


def descriptions(kind: type[Struct]) -> dict[str, str]:
    """Each key of a struct with its sentence, for documentation."""
    return {item.encode_name: _property(item, {}).get("description", "") for item in fields_of(type_of(kind))}


def _schema(kind: types.Type, defs: dict[str, Json]) -> dict[str, Json]:
    if isinstance(kind, types.Metadata):
        inner = {} if "read" in (kind.extra or {}) else _schema(kind.type, defs)
        return {**inner, **(kind.extra_json_schema or {})}
    if isinstance(kind, types.UnionType):
        return _any_of([_schema(one, defs) for one in kind.types])
    if isinstance(kind, types.StructType):
        return _object(kind, defs)
    if isinstance(kind, types.DictType):
        return _table(kind, defs)
    if is_list(kind):
        item = _schema(kind.item_type, defs)  # type: ignore[attr-defined]
        least = {"minItems": kind.min_length} if kind.min_length else {}  # type: ignore[attr-defined]
        return _any_of([item, {"type": "array", "items": item, **least}])
    if isinstance(kind, (types.LiteralType, types.EnumType)):
        return {"enum": words_of(kind)}
    if isinstance(kind, types.StrType):
        limits = {"minLength": kind.min_length, "maxLength": kind.max_length, "pattern": kind.pattern}
        return {"type": ["string", "number"], **{key: value for key, value in limits.items() if value is not None}}
    if isinstance(kind, (types.IntType, types.FloatType)):
        bounds = {"minimum": kind.ge, "maximum": kind.le}
        name = "integer" if isinstance(kind, types.IntType) else "number"
        return {"type": name, **{key: value for key, value in bounds.items() if value is not None}}
    if isinstance(kind, types.BoolType):
        return {"type": "boolean"}
    return {"type": "null"} if isinstance(kind, types.NoneType) else {}


def _table(kind: types.DictType, defs: dict[str, Json]) -> dict[str, Json]:
    value = _schema(kind.value_type, defs)
    told = (kind.key_type.extra or {}) if isinstance(kind.key_type, types.Metadata) else {}
    if "keys" in told:
        described = {key: {"description": meaning, **value} for key, meaning in told["keys"].items()}
        patterns = {"patternProperties": {told["pattern"]: value}} if "pattern" in told else {}
        return {"type": "object", "additionalProperties": False, "properties": described, **patterns}
    keys = _schema(kind.key_type, defs)
    names = {} if isinstance(kind.key_type, types.StrType) else {"propertyNames": keys}
    return {"type": "object", **names, "additionalProperties": value}


def _object(kind: types.StructType, defs: dict[str, Json]) -> dict[str, Json]:
    """A reference to the struct's definition, which takes its shorthands too."""
    name = kind.cls.__name__
    if name not in defs:
        defs[name] = {}
        made: dict[str, Json] = {"type": "object", "additionalProperties": False}
        if kind.cls.__doc__:
            made["description"] = cleandoc(kind.cls.__doc__).partition("\n\n")[0].replace("\n", " ")
        fields = fields_of(kind)
        if required := [item.encode_name for item in fields if item.required]:
            made["required"] = required
        made["properties"] = {item.encode_name: _property(item, defs) for item in fields}
        short: list[dict[str, Json]] = []
        for python, key in shorthand(kind).items():
            item = next((item for item in fields if item.encode_name == key), None)
            short.append(_schema(item.type, defs) if item else {"enum": _usable_alone(fields)})
            if python is dict:
                short[-1] = {"not": {"required": [key]}, **short[-1]}
        defs[name] = _any_of([*short, made])
    return {"$ref": f"#/$defs/{name}"}


def _usable_alone(fields: tuple[types.Field, ...]) -> list[str]:
    """The keys that need no value."""
    return [
        item.encode_name
        for item in fields
        if isinstance(inner := bare(item.type), types.StructType) and not any(one.required for one in fields_of(inner))
    ]


def _property(item: types.Field, defs: dict[str, Json]) -> dict[str, Json]:
    """A key that may be left out may also stand without a value."""
    found = _schema(item.type, defs)
    if item.required:
        return found
    lifted: dict[str, Json] = {key: found.pop(key) for key in ("description", "examples") if key in found}
    if isinstance(item.default, (str, int, float)) and item.default != "":
        lifted["default"] = item.default
    return {**lifted, **_any_of([found, {"type": "null"}])}


def _any_of(options: list[dict[str, Json]]) -> dict[str, Json]:
    """One of several; those that are nothing but types are written as one."""
    flat: list[dict[str, Json]] = []
    for option in options:
        flat += option["anyOf"] if set(option) == {"anyOf"} else [option]
    flat = [option for index, option in enumerate(flat) if option not in flat[:index]]
    plain = [option for option in flat if set(option) == {"type"}]
    if len(plain) > 1:
        names: dict[str, None] = {}
        for option in plain:
            names.update(dict.fromkeys([option["type"]] if isinstance(option["type"], str) else option["type"]))
        flat = [{"type": list(names)}, *(option for option in flat if option not in plain)]
    return flat[0] if len(flat) == 1 else {"anyOf": flat}
