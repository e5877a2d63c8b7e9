"""Categories kept in a YAML file: written from the account, read back with every mistake and its place.

categories:
  - name: Threat actors
    uuid: ...              # optional: finds the category although its name changed
    description: ...       # left alone where it is left out; so is schema
    schema:
      - {key: rank, kind: number, required: true}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import yaml
from msgspec import Struct

from importer.errors import Position
from importer.model import Category, Json
from importer.text.nearest_word import nearest, unknown
from importer.text.yaml_nodes import Node, Problems, compose

_KEYS: Final = ("name", "uuid", "description", "schema")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class WantedCategory(Struct, frozen=True):
    """A category as the file asks for it; None leaves that part alone."""

    name: str
    uuid: str = ""
    description: str | None = None
    schema: tuple[Mapping[str, Json], ...] | None = None
    spot: Position = Position("")


def dump_category_yaml(categories: Iterable[Category]) -> str:
    """The YAML that `load_category_yaml` reads back to the same categories."""
    listed = [
        {
            "name": item.name,
            "uuid": item.uuid,
            **({"description": item.description} if item.description else {}),
            **({"schema": _plain(item.schema)} if item.schema is not None else {}),
        }
        for item in categories
    ]
    head = "# Put the account in step with this file: tag-importer categories apply FILE\n"
    return head + yaml.dump(
        {"categories": listed}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )


def load_category_yaml(text: str, file: str) -> tuple[WantedCategory, ...]:
    """The categories of the file, in its order; a file may also be one category alone.

    Raises UsageError with every mistake: file, line, column and the nearest valid word.
    """
    problems = Problems(file, what="category file", hint=_HINT)
    root = compose(text, problems)
    nodes = _category_nodes(root, problems)
    wanted = [found for node in nodes if (found := _category(node, problems)) is not None]
    _check_twice(wanted, problems)
    problems.raise_if_any()
    return tuple(wanted)


_HINT: Final = "`tag-importer categories export FILE` writes one to start from"


def _category_nodes(root: Node, problems: Problems) -> list[Node]:
    if not isinstance(root.value, dict):
        problems.add(root.spot, "the file must hold `categories:`, a list of them")
        return []
    if "categories" not in root.value:
        if "name" in root.value:
            return [root]
        if root.value:
            word, spot = next(iter(root.keys.items()))
            problems.add(spot, unknown("word", word, ("categories", *_KEYS)))
        else:
            problems.add(root.spot, "the file must hold `categories:`, a list of them")
        return []
    for word, spot in root.keys.items():
        if word != "categories":
            problems.add(spot, unknown("word", word, ("categories",)))
    held = root.value["categories"]
    if not isinstance(held.value, list):
        problems.add(held.spot, "`categories` must be a list")
        return []
    return held.value


def _category(node: Node, problems: Problems) -> WantedCategory | None:
    if not isinstance(node.value, dict):
        problems.add(node.spot, "a category is a table with `name` and `schema`")
        return None
    entry: dict[str, Node] = node.value
    for word, spot in node.keys.items():
        if word not in _KEYS:
            problems.add(spot, unknown("word", word, _KEYS))
    texts: dict[str, str | None] = {}
    for word in ("name", "uuid", "description"):
        value = entry[word].value if word in entry else None
        if value is not None and not isinstance(value, str):
            problems.add(entry[word].spot, f"`{word}` must be a text; write it in quotes")
            value = None
        texts[word] = value
    name, uuid = (texts["name"] or "").strip(), (texts["uuid"] or "").strip()
    if not name:
        problems.add(entry["name"].spot if "name" in entry else node.spot, "the category has no name")
    if uuid and not _UUID.fullmatch(uuid):
        problems.add(entry["uuid"].spot, "not a UUID")
    schema = None
    if "schema" in entry and entry["schema"].value is not None:
        check_entries(entry["schema"], problems)
        schema = tuple(entry["schema"].plain()) if isinstance(entry["schema"].value, list) else None
    return WantedCategory(name, uuid, texts["description"], schema, node.spot)


def _check_twice(wanted: list[WantedCategory], problems: Problems) -> None:
    seen: dict[str, Position] = {}
    for item in wanted:
        for what, text in (("name", item.name), ("uuid", item.uuid.lower())):
            key = f"{what} {text}"
            if text and key in seen:
                problems.add(item.spot, f"the {what} {text!r} is given twice (first in line {seen[key].line})")
            seen.setdefault(key, item.spot)


class _Dumper(yaml.SafeDumper):
    """Without anchors: a schema that repeats itself is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


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
    seen: dict[str, Position] = {}
    for entry in node.value:
        _check_entry(entry, problems, keyed=True)
        key = entry.value.get("key") if isinstance(entry.value, dict) else None
        if key is None or not isinstance(key.value, str):
            continue
        if key.value in seen:
            problems.add(key.spot, f"the key '{key.value[:60]}' is given twice (first in line {seen[key.value].line})")
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
