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
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml
from msgspec import Struct

from importer.errors import Spot
from importer.model import Category, Json
from importer.planning.category_schema import check_entries
from importer.text.nearest_word import unknown
from importer.text.yaml_nodes import Node, Problems, compose

_KEYS: Final = ("name", "uuid", "description", "schema")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class WantedCategory(Struct, frozen=True):
    """A category as the file asks for it; None leaves that part alone."""

    name: str
    uuid: str = ""
    description: str | None = None
    schema: tuple[Mapping[str, Json], ...] | None = None
    spot: Spot = Spot("")


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
    seen: dict[str, Spot] = {}
    for item in wanted:
        for what, text in (("name", item.name), ("uuid", item.uuid.lower())):
            key = f"{what} {text}"
            if text and key in seen:
                problems.add(item.spot, f"the {what} {text!r} stands twice (first in line {seen[key].line})")
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
