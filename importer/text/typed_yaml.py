"""YAML that a person wrote, read into typed structs: every mistake in one go, each with file, line and column.

    class Source(Struct, frozen=True):
        path: Annotated[str, Meta(description="File, folder or https URL.")]
        sheets: tuple[str, ...] = ()

    load(Path("job.yaml"), Source, what="job file")    # the value, or a UsageError whose details are the mistakes
    schema(Source)                                     # the same as JSON Schema, for editors

The types say what may stand where, and these rules hold for all of them:
- a key without a value is as good as left out; one value is as good as a list of one; a number is as good as a text;
- only `true` and `false` are booleans (`NO` is Norway), dates and `007` are texts;
- `Meta(extra={"read": function})` reads a value, or the keys of a dict: the function raises ValueError with a sentence;
- a field `spot` of type Spot is no key: it tells where the object stands;
- `SHORTHAND` of a class says which key a value stands for that is no table, by its Python type: `{str: "path"}`;
  an empty key makes the text itself the key; `{dict: "words"}` holds for a table without that key;
- `KEYS_ARE` of a class is what its keys are called in a message;
- `Meta(extra={"keys": {...}, "pattern": "..."})` of a dict's key type documents its keys in the schema;
- a method `problems()` yields (path, sentence) for what the types cannot say; what it says of the object as a
  whole, with an empty path, counts where its keys are sound;
- `UNKNOWN_KEYS` of a class is what to say about certain keys that it does not have.
Nothing is constructed from YAML tags, keys stand once, anchors and nesting are bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from functools import cache
from inspect import cleandoc
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec.inspect as types
from msgspec import UNSET, Struct, field

from importer.errors import Spot, UsageError
from importer.model import Json
from importer.text.amounts import shown
from importer.text.nearest_word import nearest, unknown

if TYPE_CHECKING:
    import yaml

T = TypeVar("T")
MAX_BYTES: Final = 1_000_000
MAX_NODES: Final = 50_000
MAX_DEPTH: Final = 30
_WIDTH: Final = 150
_WORDS: Final[Mapping[str, Json]] = MappingProxyType(
    {**dict.fromkeys(("", "~", "null", "Null", "NULL")), **dict.fromkeys(("true", "True", "TRUE"), True),
     **dict.fromkeys(("false", "False", "FALSE"), False)}
)  # fmt: skip
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}")


class Node(Struct):
    """A value and where it stands. `value` is a scalar, a list of Node or a dict of str to Node."""

    value: Any
    spot: Spot
    keys: dict[str, Spot] = field(default_factory=dict)
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

    def __init__(self, file: str, *, what: str = "file", error: type[UsageError] = UsageError, hint: str = "") -> None:
        """`what` names the kind of file in the message, `error` is what is raised, with `hint`."""
        self.file = file
        self.found: list[tuple[Spot, str]] = []
        self._what, self._error, self._hint = what, error, hint

    def add(self, spot: Spot, message: str) -> None:
        """Note one mistake; it is told once, however often an anchor repeats it."""
        if (spot, message) not in self.found:
            self.found.append((spot, message))

    def fatal(self, spot: Spot, message: str) -> UsageError:
        """The error for a mistake after which nothing more can be read."""
        self.add(spot, message)
        return self.error()

    def error(self) -> UsageError:
        """One error that holds all of them, in the file's order; of the file as a whole there is but one."""
        if len(self.found) == 1 and not self.found[0][0].line:
            return self._error(f"the {self._what} {self.file} {self.found[0][1]}", hint=self._hint)
        details = tuple(f"{spot}: {message}" for spot, message in sorted(self.found))
        count = "1 problem" if len(details) == 1 else f"{len(details)} problems"
        return self._error(f"the {self._what} {self.file} has {count}", hint=self._hint, details=details)

    def raise_if_any(self) -> None:
        """Raise that error where something was found."""
        if self.found:
            raise self.error()


def load(path: Path, kind: type[T], *, what: str = "file", error: type[UsageError] = UsageError, hint: str = "") -> T:
    """The value of type `kind` that a file holds. Raises `error` with a line of details for each mistake."""
    problems = Problems(str(path), what=what, error=error, hint=hint)
    return read(read_file(path, problems), kind, problems)


def read(data: bytes | str, kind: type[T], problems: Problems) -> T:
    """The value of type `kind` that a file's bytes, or its text, hold."""
    value = convert(compose(data, problems), kind, problems)
    problems.raise_if_any()
    return value


def read_file(path: Path, problems: Problems) -> bytes:
    """A file's bytes, if they are not too many."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not valid"
        raise problems.fatal(Spot(problems.file), f"cannot be read: {reason or type(error).__name__}") from None
    return data


def compose(data: bytes | str, problems: Problems) -> Node:
    """The one YAML document in a text. What makes it unreadable is raised; a key that stands twice is collected."""
    import yaml  # commands that read no YAML do without it

    file = problems.file
    if len(data) > MAX_BYTES:
        raise problems.fatal(Spot(file), f"is larger than {MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        assert isinstance(data, bytes)
        raise problems.fatal(Spot(file, data[: error.start].count(b"\n") + 1), "is not UTF-8 text") from None
    try:
        root = _Composer(problems).document(yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = Spot(file, mark.line + 1, mark.column + 1) if mark else Spot(file)
        raise problems.fatal(spot, f"is not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise problems.fatal(Spot(file), f"is not valid YAML: {str(error).splitlines()[0]}") from None
    if root is None:
        raise problems.fatal(Spot(file), "is empty")
    return root


def convert(node: Node, kind: type[T] | types.Type, problems: Problems) -> T:
    """The value of type `kind` that a node stands for; what is wrong goes to `problems`, and is left out.

    With problems found the value is as much as could be read, msgspec.UNSET where that is nothing.
    """
    value: T = _Reader(problems).value(
        node, kind if isinstance(kind, types.Type) else _type_info(cast(Hashable, kind)), "the file"
    )
    return value


def node_of(value: Json, spot: Spot) -> Node:
    """The node that a flag's or a variable's value would be, had a person written it into a file."""
    if isinstance(value, (list, tuple)):
        return Node([node_of(one, spot) for one in value], spot)
    text = str(value)
    return Node(_number(text) if isinstance(value, str) else value, spot, text=text)


def schema(kind: Any, title: str = "") -> dict[str, Json]:
    """The JSON Schema (2020-12) of what `load` takes for this type."""
    defs: dict[str, Json] = {}
    root = _schema(_type_info(kind), defs)
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
    return {item.encode_name: _extra(item.type, "description") for item in _fields(_type_info(kind))}


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
        if node.size > MAX_NODES:
            raise self._problems.fatal(node.spot, "grows too large (aliases that repeat themselves?)")
        if isinstance(node.value, list):
            node.value.extend(parts)
            return
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            if isinstance(key.value, (dict, list)):
                raise self._problems.fatal(key.spot, "a key must be one word or text")
            if key.text in node.keys:
                first = node.keys[key.text].line
                self._problems.add(key.spot, f"'{key.text[:60]}' is given twice, first in line {first}")
                continue
            node.value[key.text], node.keys[key.text] = value, key.spot

    def _spot(self, event: yaml.Event) -> Spot:
        mark = event.start_mark
        return Spot(self._problems.file, mark.line + 1, mark.column + 1) if mark else Spot(self._problems.file)

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


class _Reader:
    """Reads nodes by type. Each method gives UNSET for what cannot be read, after telling why."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def value(self, node: Node, kind: types.Type, name: str) -> Any:
        """`name` is the key, or whatever the value is called in a message."""
        if (function := _function(kind)) is not None:
            return self._read(function, node.plain(), node.spot)
        kind = _bare(kind)
        if isinstance(kind, types.UnionType):
            chosen = min(
                (one for one in kind.types if _fits(one, node)), key=lambda one: _distance(one, node), default=None
            )
            chosen = chosen or next((one for one in kind.types if _is_list(one)), None)
            return self._expected(node, kind, name) if chosen is None else self.value(node, chosen, name)
        if isinstance(kind, types.AnyType):
            return node.plain()
        if isinstance(kind, types.StructType):
            return self._struct(node, kind, name)
        if isinstance(kind, types.DictType):
            return self._dict(node, kind, name)
        if _is_list(kind):
            return self._list(node, kind, name)
        if isinstance(kind, (types.LiteralType, types.EnumType)):
            return self._word(node, kind, name)
        if not _fits(kind, node):
            return self._expected(node, kind, name)
        if isinstance(kind, types.StrType):
            return self._text(node, kind)
        return self._number(node, kind)

    def _struct(self, node: Node, kind: types.StructType, name: str) -> Any:
        node = _written_out(node, kind)
        if node.value is not None and not isinstance(node.value, dict):
            return self._expected(node, kind, name)
        held: dict[str, Node] = node.value or {}
        fields = {item.encode_name: item for item in _fields(kind)}
        values: dict[str, Any] = {}
        sound = True
        unknown_keys = [key for key in node.keys if key not in fields]
        for key in unknown_keys:
            self._problems.add(node.keys[key], _unknown_key(key, kind, name))
            sound = False
        for key, item in fields.items():
            child = held.get(key)
            empty = child is not None and child.value is None and not isinstance(_bare(item.type), types.StructType)
            if child is None or (empty and not item.required):
                if item.required and not any(nearest(word, tuple(fields)) == key for word in unknown_keys):
                    self._problems.add(node.spot, f"`{key}:` is missing" + (f" from {name}" if held else ""))
                sound = sound and not item.required
                continue
            value = self.value(child, item.type, f"`{key}`")
            if value is UNSET:
                sound = False
            else:
                values[item.name] = value
        if "spot" in kind.cls.__struct_fields__:
            values["spot"] = node.spot
        if any(item.required and item.name not in values for item in fields.values()):
            return UNSET
        made = kind.cls(**values)
        for path, sentence in made.problems() if hasattr(made, "problems") else ():
            if sound or path:
                self._problems.add((node.find(*path) or node).spot, sentence)
        return made

    def _dict(self, node: Node, kind: types.DictType, name: str) -> Any:
        if not isinstance(node.value, dict):
            return self._expected(node, kind, name)
        found: dict[Any, Any] = {}
        read_key = _function(kind.key_type)
        for key, child in node.value.items():
            spot = node.keys[key]
            at = self._read(read_key, key, spot) if read_key else self._key(key, spot, kind.key_type, name)
            value = self.value(child, kind.value_type, f"`{key}`") if at is not UNSET else UNSET
            if value is not UNSET:
                found[at] = value
        return found

    def _key(self, key: str, spot: Spot, kind: types.Type, name: str) -> Any:
        kind = _bare(kind)
        if isinstance(kind, (types.LiteralType, types.EnumType)):
            return self._word(Node(key, spot, text=key), kind, name, "key")
        return key

    def _list(self, node: Node, kind: Any, name: str) -> Any:
        nodes = node.value if isinstance(node.value, list) else [node]
        found = [self.value(child, kind.item_type, name) for child in nodes]
        found = [value for value in found if value is not UNSET]
        if len(found) < (kind.min_length or 0):
            if len(nodes) == len(found):
                self._problems.add(node.spot, f"{name} needs at least {kind.min_length}")
            return UNSET
        return found if isinstance(kind, types.ListType) else tuple(found)

    def _word(self, node: Node, kind: types.LiteralType | types.EnumType, name: str, what: str = "word") -> Any:
        if isinstance(node.value, (dict, list)) or not node.text:
            return self._expected(node, kind, name)
        words = {str(word): word for word in _words(kind)}
        if node.text not in words:
            self._problems.add(node.spot, unknown(what, node.text, tuple(words)))
            return UNSET
        return kind.cls(words[node.text]) if isinstance(kind, types.EnumType) else words[node.text]

    def _text(self, node: Node, kind: types.StrType) -> Any:
        text = node.text
        if len(text.strip()) < (kind.min_length or 0):
            self._problems.add(node.spot, "expected a text here, not nothing")
            return UNSET
        if kind.max_length is not None and len(text) > kind.max_length:
            self._problems.add(node.spot, f"is longer than {kind.max_length:,} characters")
            return UNSET
        return text

    def _number(self, node: Node, kind: Any) -> Any:
        value = node.value
        if isinstance(kind, (types.IntType, types.FloatType)):
            least, most = kind.ge, kind.le
            if least is not None and value < least:
                self._problems.add(node.spot, f"expected {least:,} or more, not {value}")
                return UNSET
            if most is not None and value > most:
                self._problems.add(node.spot, f"expected {most:,} or less, not {value}")
                return UNSET
            return value if isinstance(kind, types.IntType) else float(value)
        return value

    def _read(self, function: Any, value: Json, spot: Spot) -> Any:
        try:
            return function(value)
        except ValueError as error:
            self._problems.add(spot, str(error))
            return UNSET

    def _expected(self, node: Node, kind: types.Type, name: str) -> Any:
        here = "here" if name == "the file" else f"for {name}"
        self._problems.add(node.spot, f"expected {_called(kind)} {here}, not {shown(node.value)}")
        return UNSET


def _shorthand(kind: types.StructType) -> Mapping[type, str]:
    found: Mapping[type, str] = getattr(kind.cls, "SHORTHAND", {})
    return found


def _written_out(node: Node, kind: types.StructType) -> Node:
    """A shorthand as the table that it stands for."""
    key = _shorthand(kind).get(type(node.value))
    if key is None or (isinstance(node.value, dict) and key in node.value):
        return node
    if not key:
        return Node({node.text: Node(None, node.spot)}, node.spot, {node.text: node.spot})
    return Node({key: node}, node.spot, {key: node.spot})


def _unknown_key(key: str, kind: types.StructType, name: str) -> str:
    told: str | None = getattr(kind.cls, "UNKNOWN_KEYS", {}).get(key.casefold())
    if told is not None:
        return told
    fields = _fields(kind)
    homes = [
        item.encode_name
        for item in fields
        if isinstance(group := _bare(item.type), types.StructType)
        and any(inner.encode_name == key for inner in _fields(group))
    ]
    if len(homes) == 1:
        return f"unknown key '{key[:60]}'; it belongs under `{homes[0]}:`"
    where = "" if name == "the file" else f" of {name}"
    keys = [item.encode_name for item in fields]
    near = nearest(key, keys)
    hint = f"did you mean '{near}'?" if near else f"allowed: {', '.join(keys)}"
    return f"unknown {getattr(kind.cls, 'KEYS_ARE', 'key')} '{key[:60]}'{where}; {hint}"


# ---- types


@cache
def _type_info(kind: Hashable) -> types.Type:
    return types.type_info(kind)


def _bare(kind: types.Type) -> types.Type:
    return _bare(kind.type) if isinstance(kind, types.Metadata) else kind


def _function(kind: types.Type) -> Any:
    """What reads a value of this type, where it is not read by its type alone."""
    if isinstance(kind, types.UnionType):  # nothing at all is left out before it is read
        found = [one for one in kind.types if not isinstance(one, types.NoneType)]
        return _function(found[0]) if len(found) == 1 else None
    if not isinstance(kind, types.Metadata):
        return None
    return (kind.extra or {}).get("read") or _function(kind.type)


def _extra(kind: types.Type, key: str) -> str:
    found = (kind.extra_json_schema or {}).get(key, "") if isinstance(kind, types.Metadata) else ""
    return str(found)


def _fields(kind: types.Type) -> tuple[types.Field, ...]:
    kind = _bare(kind)
    assert isinstance(kind, types.StructType)
    return tuple(item for item in kind.fields if item.name != "spot")


def _words(kind: types.LiteralType | types.EnumType) -> list[Any]:
    return [one.value for one in kind.cls] if isinstance(kind, types.EnumType) else list(kind.values)


def _is_list(kind: types.Type) -> bool:
    return isinstance(_bare(kind), (types.ListType, types.VarTupleType, types.FrozenSetType))


_SCALARS: Final[Mapping[type, tuple[type, ...]]] = MappingProxyType(
    {
        types.NoneType: (type(None),),
        types.BoolType: (bool,),
        types.IntType: (int,),
        types.FloatType: (int, float),
        types.StrType: (str, int, float),
        types.LiteralType: (str, int, float),
        types.EnumType: (str, int, float),
        types.StructType: (dict,),
        types.DictType: (dict,),
        types.ListType: (list,),
        types.VarTupleType: (list,),
    }
)


def _fits(kind: types.Type, node: Node) -> bool:
    """Whether the node has the outer shape of the type."""
    if _function(kind) is not None:
        return not isinstance(node.value, (dict, list))
    kind = _bare(kind)
    if isinstance(kind, types.StructType) and type(node.value) in _shorthand(kind):
        return True
    return isinstance(kind, types.AnyType) or type(node.value) in _SCALARS.get(type(kind), ())


def _distance(kind: types.Type, node: Node) -> int:
    """How far a value that fits is from what the type is made for: a number may be a text, where nothing is nearer."""
    made_for = _SCALARS.get(type(_bare(kind)), ())
    return made_for.index(type(node.value)) if type(node.value) in made_for else len(made_for)


def _called(kind: types.Type) -> str:
    kind = _bare(kind)
    if isinstance(kind, types.UnionType):
        return " or ".join(dict.fromkeys(_called(one) for one in kind.types if not isinstance(one, types.NoneType)))
    if isinstance(kind, (types.LiteralType, types.EnumType)):
        return f"one of {', '.join(map(str, _words(kind)))}"
    names: dict[type, str] = {
        types.BoolType: "true or false",
        types.IntType: "a whole number",
        types.FloatType: "a number",
        types.StrType: "a text",
        types.StructType: "a table of `key: value` lines",
        types.DictType: "a table of `key: value` lines",
    }
    return names.get(type(kind), "a list")


# ---- schema


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
    if _is_list(kind):
        item = _schema(kind.item_type, defs)  # type: ignore[attr-defined]
        least = {"minItems": kind.min_length} if kind.min_length else {}  # type: ignore[attr-defined]
        return _any_of([item, {"type": "array", "items": item, **least}])
    if isinstance(kind, (types.LiteralType, types.EnumType)):
        return {"enum": _words(kind)}
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
        fields = _fields(kind)
        if required := [item.encode_name for item in fields if item.required]:
            made["required"] = required
        made["properties"] = {item.encode_name: _property(item, defs) for item in fields}
        short: list[dict[str, Json]] = []
        for python, key in _shorthand(kind).items():
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
        if isinstance(inner := _bare(item.type), types.StructType) and not any(one.required for one in _fields(inner))
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
