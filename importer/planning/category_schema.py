"""What a person may write as a category's schema, and what is wrong with what was written, each with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from importer.errors import Spot
from importer.text.nearest_word import nearest, unknown
from importer.text.yaml_nodes import Node, Problems

KINDS: Final = ("string", "number", "enum", "date", "array", "object")
FORMATS: Final = ("date", "url", "duration", "country")
ENFORCEMENTS: Final = ("error", "warn", "off")
_SHAPES: Final[Mapping[str, str]] = {
    "key": "text",
    "kind": "kind",
    "label": "text",
    "required": "flag",
    "allowedValues": "values",
    "deprecated": "flag",
    "deprecatedValues": "values",
    "format": "format",
    "maxLength": "length",
    "numberConstraint": "bounds",
    "element": "element",
    "properties": "entries",
    "annotations": "annotations",
    "enforcement": "enforcement",
}
_WORDS: Final = {"kind": KINDS, "format": FORMATS, "enforcement": ENFORCEMENTS}
_ONLY_FOR: Final = {"numberConstraint": "number", "element": "array", "properties": "object"}


def check_entries(node: Node, problems: Problems, what: str = "schema") -> None:
    """Collect everything wrong with a list of schema entries."""
    if not isinstance(node.value, list):
        problems.add(node.spot, f"{what} must be a list of entries, each with `key` and `kind`")
        return
    seen: dict[str, Spot] = {}
    for entry in node.value:
        _check_entry(entry, problems, keyed=True)
        key = entry.value.get("key") if isinstance(entry.value, dict) else None
        if key is None or not isinstance(key.value, str):
            continue
        if key.value in seen:
            problems.add(key.spot, f"the key '{key.value[:60]}' stands twice (first in line {seen[key.value].line})")
        seen.setdefault(key.value, key.spot)


def _check_entry(node: Node, problems: Problems, *, keyed: bool) -> None:
    if not isinstance(node.value, dict):
        problems.add(node.spot, "an entry is a table with `key` and `kind`" if keyed else "a table with `kind`")
        return
    entry: dict[str, Node] = node.value
    for name in ("key", "kind") if keyed else ("kind",):
        if name not in entry:
            problems.add(node.spot, f"the entry has no `{name}`")
    for name, value in entry.items():
        shape = _SHAPES.get(name)
        if shape is None:
            # What tomorrow's API adds is passed on as it is; what is one slip away from a known word is a slip.
            near = nearest(name, tuple(_SHAPES))
            if near:
                problems.add(node.keys[name], f"unknown word '{name[:60]}'; did you mean '{near}'?")
            continue
        _check_shape(name, shape, value, problems)
    kind = entry["kind"].value if "kind" in entry else None
    for name, only in _ONLY_FOR.items():
        if name in entry and isinstance(kind, str) and kind in KINDS and kind != only:
            problems.add(node.keys[name], f"`{name}` is for kind {only}, this entry is of kind {kind}")
    if kind == "object" and "properties" not in entry:
        problems.add(entry["kind"].spot, "an object needs `properties`")
    if kind == "enum" and not ("allowedValues" in entry and entry["allowedValues"].value):
        problems.add(entry["kind"].spot, "an enum needs `allowedValues`")


def _check_shape(name: str, shape: str, node: Node, problems: Problems) -> None:
    value = node.value
    if shape in _WORDS:
        if not isinstance(value, str) or value not in _WORDS[shape]:
            problems.add(node.spot, unknown(name, str(value), _WORDS[shape]))
    elif shape == "text":
        if not isinstance(value, str) or not value.strip():
            problems.add(node.spot, f"`{name}` must be a text")
    elif shape == "flag":
        if not isinstance(value, bool):
            problems.add(node.spot, f"`{name}` must be true or false")
    elif shape == "length":
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            problems.add(node.spot, f"`{name}` must be a whole number of 1 or more")
    elif shape == "values":
        if not isinstance(value, list):
            problems.add(node.spot, f"`{name}` must be a list of texts")
            return
        for item in value:
            if not isinstance(item.value, str):
                problems.add(item.spot, f"`{name}` must be texts; write {str(item.value)[:40]!r} in quotes")
    elif shape == "bounds":
        _check_bounds(node, problems)
    elif shape == "annotations":
        _check_table(node, problems, name, {"confidence": "flag", "tlp": "flag"})
    elif shape == "element":
        _check_entry(node, problems, keyed=False)
    elif shape == "entries":
        _check_members(node, problems)


def _check_members(node: Node, problems: Problems) -> None:
    if not isinstance(node.value, dict):
        problems.add(node.spot, "`properties` must be a table: key -> its definition with `kind`")
        return
    for member in node.value.values():
        _check_entry(member, problems, keyed=False)


def _check_bounds(node: Node, problems: Problems) -> None:
    _check_table(node, problems, "numberConstraint", {"min": "number", "max": "number", "integer": "flag"})
    if not isinstance(node.value, dict):
        return
    least, most = (node.value[name].value if name in node.value else None for name in ("min", "max"))
    if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
        problems.add(node.keys["min"], f"min {least:g} is above max {most:g}")


def _check_table(node: Node, problems: Problems, name: str, shapes: Mapping[str, str]) -> None:
    if not isinstance(node.value, dict):
        problems.add(node.spot, f"`{name}` must be a table of {_listed(tuple(shapes))}")
        return
    for key, value in node.value.items():
        if key not in shapes:
            problems.add(node.keys[key], unknown(f"word in {name}", key, tuple(shapes)))
        elif shapes[key] == "flag" and not isinstance(value.value, bool):
            problems.add(value.spot, f"`{key}` must be true or false")
        elif shapes[key] == "number" and (isinstance(value.value, bool) or not isinstance(value.value, int | float)):
            problems.add(value.spot, f"`{key}` must be a number")


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
