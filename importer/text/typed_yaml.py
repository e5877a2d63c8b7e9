"""YAML that a person wrote, read into typed structs: every mistake in one go, each with file, line and column.

    class Source(Struct, frozen=True):
        path: Annotated[str, Meta(description="File, folder or https URL.")]
        sheets: tuple[str, ...] = ()

    load(Path("job.yaml"), Source, what="job file")    # the value, or a UsageError whose details are the mistakes

The types say what may stand where, and these rules hold for all of them:
- a key without a value is as good as left out; one value is as good as a list of one; a number is as good as a text;
- only `true` and `false` are booleans (`NO` is Norway), dates and `007` are texts;
- `Meta(extra={"read": function})` reads a value, or the keys of a dict: the function raises ValueError with a sentence;
- a field `spot` of type Position is no key: it tells where the object stands;
- `SHORTHAND` of a class says which key a value stands for that is not a table, by its Python type: `{str: "path"}`;
  an empty key makes the text itself the key; `{dict: "words"}` holds for a table without that key;
- `KEYS_ARE` of a class is what its keys are called in a message;
- `Meta(extra={"keys": {...}, "pattern": "..."})` of a dict's key type documents its keys in the schema;
- a method `problems()` yields (path, sentence) for what the types cannot say; what it says of the object as a
  whole, with an empty path, counts where its keys are sound;
- `UNKNOWN_KEYS` of a class is what to say about certain keys that it does not have;
- a field `others` is no key either: it holds the keys that the class does not have, but for what looks like a slip.
`json_schema.py` says the same as JSON Schema, for editors.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

import msgspec.inspect as types
from msgspec import UNSET

from importer.errors import Position, UsageError
from importer.masking import guarded
from importer.model import Json
from importer.text.amounts import shown
from importer.text.nearest_word import nearest, unknown
from importer.text.yaml_nodes import Node, Problems, compose, read_file

T = TypeVar("T")


def load(path: Path, kind: type[T], *, what: str = "file", error: type[UsageError] = UsageError, hint: str = "") -> T:
    """The value of type `kind` that a file holds. Raises `error` with a line of details for each mistake."""
    problems = Problems(str(path), what=what, error=error, hint=hint)
    return read(read_file(path, problems), kind, problems)


def read(data: bytes | str, kind: type[T], problems: Problems) -> T:
    """The value of type `kind` that a file's bytes, or its text, hold."""
    value = convert(compose(data, problems), kind, problems)
    problems.raise_if_any()
    return value


def convert(node: Node, kind: type[T] | types.Type, problems: Problems) -> T:
    """The value of type `kind` that a node stands for; what is wrong goes to `problems`, and is left out.

    With problems found the value is as much as could be read, msgspec.UNSET where that is nothing.
    """
    value: T = _Reader(problems).value(
        node, kind if isinstance(kind, types.Type) else type_of(cast(Hashable, kind)), "the file"
    )
    return value


class _Reader:
    """Reads nodes by type. Each method gives UNSET for what cannot be read, after telling why."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def value(self, node: Node, kind: types.Type, name: str) -> Any:
        """`name` is the key, or whatever the value is called in a message."""
        if (function := _function(kind)) is not None:
            return self._read(function, node.plain(), node.spot)
        kind = bare(kind)
        if isinstance(kind, types.UnionType):
            chosen = min(
                (one for one in kind.types if _fits(one, node)), key=lambda one: _distance(one, node), default=None
            )
            chosen = chosen or next((one for one in kind.types if is_list(one)), None)
            return self._expected(node, kind, name) if chosen is None else self.value(node, chosen, name)
        if isinstance(kind, types.AnyType):
            return node.plain()
        if isinstance(kind, types.StructType):
            return self._struct(node, kind, name)
        if isinstance(kind, types.DictType):
            return self._dict(node, kind, name)
        if is_list(kind):
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
        fields = {item.encode_name: item for item in fields_of(kind)}
        values: dict[str, Any] = {}
        sound = True
        unknown_keys = [key for key in node.keys if key not in fields]
        if "others" in kind.cls.__struct_fields__:
            let_through = [key for key in unknown_keys if not nearest(key, tuple(fields))]
            values["others"] = {key: held[key].plain() for key in let_through}
            unknown_keys = [key for key in unknown_keys if key not in let_through]
        for key in unknown_keys:
            self._problems.add(node.keys[key], _unknown_key(key, kind, name))
            sound = False
        for key, item in fields.items():
            child = held.get(key)
            empty = child is not None and child.value is None and not isinstance(bare(item.type), types.StructType)
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

    def _key(self, key: str, spot: Position, kind: types.Type, name: str) -> Any:
        kind = bare(kind)
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
        words = {str(word): word for word in words_of(kind)}
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

    def _read(self, function: Any, value: Json, spot: Position) -> Any:
        try:
            return function(value)
        except ValueError as error:
            self._problems.add(spot, str(error))
            return UNSET

    def _expected(self, node: Node, kind: types.Type, name: str) -> Any:
        here = "here" if name == "the file" else f"for {name}"
        self._problems.add(node.spot, f"expected {_called(kind)} {here}, not {shown(node.value)}")
        return UNSET


def shorthand(kind: types.StructType) -> Mapping[type, str]:
    found: Mapping[type, str] = getattr(kind.cls, "SHORTHAND", {})
    return found


def _written_out(node: Node, kind: types.StructType) -> Node:
    """A shorthand as the table that it stands for."""
    key = shorthand(kind).get(type(node.value))
    if key is None or (isinstance(node.value, dict) and key in node.value):
        return node
    if not key:
        return Node({node.text: Node(None, node.spot)}, node.spot, {node.text: node.spot})
    return Node({key: node}, node.spot, {key: node.spot})


def _unknown_key(key: str, kind: types.StructType, name: str) -> str:
    told: str | None = getattr(kind.cls, "UNKNOWN_KEYS", {}).get(key.casefold())
    if told is not None:
        return told
    fields = fields_of(kind)
    homes = [
        item.encode_name
        for item in fields
        if isinstance(group := bare(item.type), types.StructType)
        and any(inner.encode_name == key for inner in fields_of(group))
    ]
    if len(homes) == 1:
        return f"unknown key '{guarded(key)}'; it belongs under `{homes[0]}:`"
    where = "" if name == "the file" else f" of {name}"
    keys = [item.encode_name for item in fields]
    near = nearest(key, keys)
    hint = f"did you mean '{near}'?" if near else f"allowed: {', '.join(keys)}"
    return f"unknown {getattr(kind.cls, 'KEYS_ARE', 'key')} '{guarded(key)}'{where}; {hint}"


# ---- types


@cache
def type_of(kind: Hashable) -> types.Type:
    return types.type_info(kind)


def bare(kind: types.Type) -> types.Type:
    return bare(kind.type) if isinstance(kind, types.Metadata) else kind


def _function(kind: types.Type) -> Any:
    """What reads a value of this type, where it is not read by its type alone."""
    if isinstance(kind, types.UnionType):  # nothing at all is left out before it is read
        found = [one for one in kind.types if not isinstance(one, types.NoneType)]
        return _function(found[0]) if len(found) == 1 else None
    if not isinstance(kind, types.Metadata):
        return None
    return (kind.extra or {}).get("read") or _function(kind.type)


def fields_of(kind: types.Type) -> tuple[types.Field, ...]:
    kind = bare(kind)
    assert isinstance(kind, types.StructType)
    return tuple(item for item in kind.fields if item.name not in ("spot", "others"))


def words_of(kind: types.LiteralType | types.EnumType) -> list[Any]:
    return [one.value for one in kind.cls] if isinstance(kind, types.EnumType) else list(kind.values)


def is_list(kind: types.Type) -> bool:
    return isinstance(bare(kind), (types.ListType, types.VarTupleType, types.FrozenSetType))


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
    kind = bare(kind)
    if isinstance(kind, types.StructType) and type(node.value) in shorthand(kind):
        return True
    return isinstance(kind, types.AnyType) or type(node.value) in _SCALARS.get(type(kind), ())


def _distance(kind: types.Type, node: Node) -> int:
    """How far a value that fits is from what the type is made for: a number may be a text, where nothing is nearer."""
    made_for = _SCALARS.get(type(bare(kind)), ())
    return made_for.index(type(node.value)) if type(node.value) in made_for else len(made_for)


def _called(kind: types.Type) -> str:
    kind = bare(kind)
    if isinstance(kind, types.UnionType):
        return " or ".join(dict.fromkeys(_called(one) for one in kind.types if not isinstance(one, types.NoneType)))
    if isinstance(kind, (types.LiteralType, types.EnumType)):
        return f"one of {', '.join(map(str, words_of(kind)))}"
    names: dict[type, str] = {
        types.BoolType: "true or false",
        types.IntType: "a whole number",
        types.FloatType: "a number",
        types.StrType: "a text",
        types.StructType: "a table of `key: value` lines",
        types.DictType: "a table of `key: value` lines",
    }
    return names.get(type(kind), "a list")
