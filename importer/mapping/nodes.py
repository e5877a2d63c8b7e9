"""YAML that a person wrote, with the line and column of every value, read without building objects or trusting it.

Plain words stay words: only `true` and `false` are booleans, so that `NO` is Norway; dates stay text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import yaml
from msgspec import Struct

from importer.errors import MappingError, Spot
from importer.model import Json
from importer.text.nearest_word import nearest

MAX_BYTES = 1_000_000
MAX_NODES = 50_000
MAX_DEPTH = 30

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_NUMBER = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}\Z")


class Node(Struct, frozen=True):
    """A value and where it stands. `value` is a scalar, a list of Node or a dict of str to Node."""

    value: Any
    spot: Spot
    keys: Mapping[str, Spot] = MappingProxyType({})
    """Where each key stands, for a dict."""

    def plain(self) -> Json:
        """The value without positions."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(slots=True)
class Problems:
    """Everything wrong with one file, collected so that it is told in one go."""

    file: str
    found: list[tuple[Spot, str]] = field(default_factory=list)

    def add(self, spot: Spot, message: str) -> None:
        self.found.append((spot, message))

    def nearest(self, spot: Spot, what: str, word: str, allowed: Sequence[str]) -> None:
        """A word that is not one of `allowed`: names the nearest one, or all of them."""
        near = nearest(word, allowed)
        hint = f"did you mean '{near}'?" if near else f"allowed: {', '.join(allowed)}"
        self.add(spot, f"unknown {what} '{word[:60]}'; {hint}")

    def raise_if_any(self, what: str) -> None:
        """Raise one MappingError that holds all of them, in the file's order."""
        if not self.found:
            return
        ordered = sorted(self.found, key=lambda item: (item[0].line, item[0].column))
        details = tuple(f"{spot}: {message}" for spot, message in ordered)
        count = f"{len(details)} problems" if len(details) > 1 else "1 problem"
        raise MappingError(
            f"the {what} {self.file} has {count}",
            hint="`tag-importer mapping schema` prints what may stand there; `mapping show spreadsheet` is an example",
            details=details,
        )


def read_yaml(text: str, file: str) -> Node:
    """Parse one YAML document; MappingError with line and column where it is none, or is a trap."""
    if len(text) > MAX_BYTES:
        raise MappingError(f"the mapping {file} is larger than {MAX_BYTES:,} characters")
    try:
        _check_depth(text, file)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = Spot(file, mark.line + 1, mark.column + 1) if mark else Spot(file)
        raise MappingError(f"{spot}: not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise MappingError(f"{file}: not valid YAML: {str(error).splitlines()[0]}") from None
    if root is None:
        raise MappingError(f"the mapping {file} is empty", hint="`tag-importer mapping init SOURCE` writes one")
    return _Builder(file).build(root)


def _check_depth(text: str, file: str) -> None:
    """Refuse nesting that would exhaust the stack, before anything recursive sees it."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise MappingError(f"{Spot(file, line)}: nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """Turns composed nodes into Nodes; counts them, so that aliases cannot multiply without end."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0

    def build(self, node: yaml.Node, depth: int = 0) -> Node:
        spot = Spot(self.file, node.start_mark.line + 1, node.start_mark.column + 1)
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise MappingError(f"{spot}: the mapping grows too large (aliases that repeat themselves?)")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, spot, depth)
        if isinstance(node, yaml.SequenceNode):
            return Node([self.build(child, depth + 1) for child in node.value], spot)
        if not isinstance(node, yaml.ScalarNode):
            raise MappingError(f"{spot}: not a value")
        return Node(scalar(node), spot)

    def _mapping(self, node: yaml.MappingNode, spot: Spot, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Spot] = {}
        for key_node, value_node in node.value:
            at = Spot(self.file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise MappingError(f"{at}: a key must be one word or text")
            key = str(key_node.value)
            if key in values:
                raise MappingError(f"{at}: '{key[:60]}' stands here twice (first in line {keys[key].line})")
            values[key] = self.build(value_node, depth + 1)
            keys[key] = at
        return Node(values, spot, keys)


def scalar(node: yaml.ScalarNode) -> Json:
    """The value of a scalar: quoted ones are text; plain ones text, number, true, false or nothing."""
    text = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INTEGER.match(text):
        return int(text)
    if _NUMBER.match(text):
        return float(text)
    return text
