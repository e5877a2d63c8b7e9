"""YAML that a person wrote as values with their positions, read without building objects or trusting it.

Plain words stay words: only `true` and `false` are booleans, so that `NO` is Norway; dates and `007` stay text. Tags
construct nothing, a key that stands twice is told, anchors and nesting are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from importer.errors import Position, UsageError
from importer.masking import guarded
from importer.model import Json
from importer.system import open_regular

if TYPE_CHECKING:
    import yaml

MAX_BYTES: Final = 1_000_000
MAX_NODES: Final = 50_000
MAX_DEPTH: Final = 30
MAX_TOLD: Final = 200
"""Mistakes that one error names."""
_WORDS: Final[Mapping[str, Json]] = MappingProxyType(
    {**dict.fromkeys(("", "~", "null", "Null", "NULL")), **dict.fromkeys(("true", "True", "TRUE"), True),
     **dict.fromkeys(("false", "False", "FALSE"), False)}
)  # fmt: skip
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}")


class Node(Struct):
    """A value and where it stands. `value` is a scalar, a list of Node or a dict of str to Node."""

    value: Any
    spot: Position
    keys: dict[str, Position] = field(default_factory=dict)
    """Where each key stands, for a dict."""
    text: str = ""
    """A scalar as it is written."""
    size: int = 1
    """How many values it holds, itself and each use of an anchor counted."""

    def plain(self) -> Json:
        """The value without positions."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def find(self, *keys: str) -> Node | None:
        """The value at the end of these keys; None where there is none."""
        node: Node | None = self
        for key in keys:
            node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
        return node

    def leaves(self, *path: str) -> Iterator[tuple[tuple[str, ...], Node]]:
        """Every scalar, with the keys that lead to it."""
        if isinstance(self.value, dict):
            for key, node in self.value.items():
                yield from node.leaves(*path, key)
        elif isinstance(self.value, list):
            for node in self.value:
                yield from node.leaves(*path)
        else:
            yield path, self


class Problems:
    """Everything wrong with one file, collected so that it is told in one go."""

    def __init__(
        self, file: str, *, what: str = "file", error: type[UsageError] = UsageError, hint: str = "", room: int = 1
    ) -> None:
        """`what` names the kind of file in the message, `error` is what is raised, with `hint`; of what a file may hold
        this one may hold `room` times as much.
        """
        self.file = file
        self.most_bytes, self.most_nodes = room * MAX_BYTES, room * MAX_NODES
        self.found: dict[tuple[Position, str], None] = {}
        self._what, self._error, self._hint = what, error, hint

    def add(self, spot: Position, message: str) -> None:
        """Note one mistake; it is told once, however often an anchor repeats it."""
        self.found[spot, message] = None

    def fatal(self, spot: Position, message: str) -> UsageError:
        """The error for a mistake after which nothing more can be read."""
        self.add(spot, message)
        return self.error()

    def error(self) -> UsageError:
        """One error that holds all of them, in the file's order; of the file as a whole there is but one.

        Without a file they are of flags and variables: in the order of looking, each at the name of its own.
        """
        if not self.file:
            lines = tuple(f"{spot}: {message}" for spot, message in self.found)
            many = len(lines) > 1
            return self._error(f"{len(lines)} settings are wrong" if many else lines[0], details=lines if many else ())
        ordered = sorted(self.found)
        if len(ordered) == 1 and not ordered[0][0].line:
            return self._error(f"the {self._what} {self.file} {ordered[0][1]}", hint=self._hint)
        details = [f"{spot}: {message}" for spot, message in ordered[:MAX_TOLD]]
        if len(ordered) > MAX_TOLD:
            details.append(f"... and {len(ordered) - MAX_TOLD:,} more")
        count = "1 problem" if len(ordered) == 1 else f"{len(ordered):,} problems"
        return self._error(f"the {self._what} {self.file} has {count}", hint=self._hint, details=tuple(details))

    def raise_if_any(self) -> None:
        """Raise that error where something was found."""
        if self.found:
            raise self.error()


def read_file(path: Path, problems: Problems) -> bytes:
    """A file's bytes, if they are not too many."""
    try:
        with open_regular(path) as stream:
            data = stream.read(problems.most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not valid"
        raise problems.fatal(Position(problems.file), f"cannot be read: {reason or type(error).__name__}") from None
    return data


def compose(data: bytes | str, problems: Problems) -> Node:
    """The one YAML document in a text. What makes it unreadable is raised; a key that stands twice is collected."""
    import yaml  # commands that read no YAML do without it

    file = problems.file
    if len(data) > problems.most_bytes:
        raise problems.fatal(Position(file), f"is larger than {problems.most_bytes:,} bytes")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        assert isinstance(data, bytes)
        raise problems.fatal(
            Position(file, data[: error.start].count(b"\n") + 1), "is not UTF-8 text; save it as UTF-8"
        ) from None
    try:
        root = _Composer(problems).document(yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
        line = [*text.splitlines(), ""][min(spot.line or 1, text.count("\n") + 1) - 1]
        hint = (
            "indent with blanks, not with a tab" if "\t" in line[: len(line) - len(line.lstrip())]
            else "in double quotes a backslash is written twice" if "\\" in line
            else "check how this line and the ones above it are indented"
        )  # fmt: skip
        raise problems.fatal(spot, f"is not valid YAML: {error.problem or error.context}; {hint}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise problems.fatal(Position(file), f"is not valid YAML: {str(error).splitlines()[0]}") from None
    if root is None:
        raise problems.fatal(Position(file), "is empty")
    return root


def node_of(value: Json, spot: Position) -> Node:
    """The node that a flag's or a variable's value would be, had a person written it into a file."""
    if isinstance(value, (list, tuple)):
        return Node([node_of(one, spot) for one in value], spot)
    text = str(value)
    return Node(_number(text) if isinstance(value, str) else value, spot, text=text)


class _Composer:
    """Builds Nodes from parser events, so that nesting and anchors are bounded before anything recursive sees them."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def document(self, events: Iterator[yaml.Event]) -> Node | None:
        import yaml

        root: Node | None = None
        open_nodes: list[tuple[Node, str, list[Node]]] = []
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise self._fatal(event, "a second document begins here; one is expected")
            if isinstance(event, yaml.CollectionStartEvent):
                held: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                open_nodes.append((Node(held, self._spot(event)), event.anchor or "", []))
                if len(open_nodes) > MAX_DEPTH:
                    raise self._fatal(event, f"nested deeper than {MAX_DEPTH} levels")
                continue
            if isinstance(event, yaml.ScalarEvent):
                node, anchor = Node(_scalar(event), self._spot(event), text=event.value), event.anchor
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in self._anchors:
                    raise self._fatal(event, f"the anchor '{event.anchor}' is used before it is complete")
                node, anchor = self._anchors[event.anchor], None
            elif isinstance(event, yaml.CollectionEndEvent):
                node, anchor, parts = open_nodes.pop()
                self._fill(node, parts)
            else:
                continue
            if anchor:
                self._anchors[anchor] = node
            if open_nodes:
                open_nodes[-1][2].append(node)
            else:
                root = node
        return root

    def _fill(self, node: Node, parts: list[Node]) -> None:
        """Put what a collection holds into it."""
        node.size += sum(part.size for part in parts)
        if node.size > self._problems.most_nodes:
            raise self._problems.fatal(node.spot, "grows too large (aliases that repeat themselves?)")
        if isinstance(node.value, list):
            node.value.extend(parts)
            return
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            if isinstance(key.value, (dict, list)):
                raise self._problems.fatal(key.spot, "a key must be one word or text")
            if key.text in node.keys:
                first = node.keys[key.text].line
                self._problems.add(key.spot, f"'{guarded(key.text)}' is given twice, first in line {first}")
                continue
            node.value[key.text], node.keys[key.text] = value, key.spot

    def _spot(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        return Position(self._problems.file, mark.line + 1, mark.column + 1) if mark else Position(self._problems.file)

    def _fatal(self, event: yaml.Event, message: str) -> UsageError:
        return self._problems.fatal(self._spot(event), message)


def _scalar(event: yaml.ScalarEvent) -> Json:
    """The value of a scalar: quoted and tagged ones are text; plain ones text, number, true, false or nothing."""
    text = str(event.value)
    if not event.implicit[0]:
        return text
    return _WORDS[text] if text in _WORDS else _number(text)


def _number(text: str) -> Json:
    """The number that a text is, or the text."""
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
