"""The steps of a rule's `transforms:` as types, made from the catalogue: names, arguments, checks, documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, defstruct

from importer.mapping import spec
from importer.mapping.transforms.catalogue import CATALOGUE, Argument, Transform
from importer.mapping.transforms.patterns import problem_with, problem_with_replacement

Vocabulary = Literal["actor-category", "motive", "sophistication", "level", "confidence", "tlp"]
_SCALAR: Final = {"type": ["string", "number", "boolean", "null"]}


def pattern(text: Any) -> str:
    """A regular expression that no text can make run for ever. Raises ValueError for any other."""
    if not isinstance(text, (str, int, float)) or isinstance(text, bool):
        raise ValueError("a pattern is a text")
    if why := problem_with(str(text)):
        raise ValueError(f"this pattern {why}")
    return str(text)


def _scalar(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        raise ValueError("expected a text or a number here")
    return value


def _separator(value: Any) -> str:
    if isinstance(value, (dict, list, bool)) or value in (None, ""):
        raise ValueError("`at` must not be empty")
    return str(value)


def _position(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not value:
        raise ValueError("`number` is a whole number: 1 is the first, -1 the last")
    return value


Pattern = Annotated[str, Meta(extra={"read": pattern}, extra_json_schema={"type": "string", "maxLength": 500})]
Scalar = Annotated[Any, Meta(extra={"read": _scalar}, extra_json_schema=_SCALAR)]
_KINDS: Final[Mapping[str, Any]] = {"text": str, "number": float, "table": dict[str, Scalar], "pattern": Pattern,
                                    "vocabulary": Vocabulary}  # fmt: skip
_NARROWER: Final[Mapping[str, Any]] = {
    "at": Annotated[str, Meta(extra={"read": _separator}, extra_json_schema={"type": "string", "minLength": 1})],
    "order": Literal["dmy", "mdy", "ymd"],
    "fill": Literal["start", "end"],
    "decimal": Literal[",", "."],
    "length": Annotated[int, Meta(ge=1)],
    "out_of": Literal[1, 10, 100],
    "number": Annotated[int, Meta(extra={"read": _position}, extra_json_schema={"type": "integer"})],
}
"""What an argument of that name takes, where its kind says too little."""


def _field(argument: Argument) -> tuple[Any, ...]:
    kind = _documented(_NARROWER.get(argument.name, _KINDS[argument.kind]), argument.doc)
    return (argument.name, kind) if argument.required else (argument.name, kind, UNSET)


def _documented(kind: Any, doc: str) -> Any:
    return Annotated[kind, Meta(description=doc)]


def _replacement_fits(made: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    by = "" if made.by is UNSET else made.by
    if why := problem_with_replacement(made.pattern, by):
        yield (), f"the replacement does not fit the pattern: {why}"


def _arguments(entry: Transform) -> type[Struct]:
    """The arguments of one transform; a bare value is the first of them."""
    held: dict[str, Any] = {"__doc__": entry.doc}
    if entry.arguments:
        first = entry.arguments[0]
        held["SHORTHAND"] = dict.fromkeys((dict,) if first.kind == "table" else (str, int, float), first.name)
    if entry.name == "replace":
        held["problems"] = _replacement_fits
    return defstruct(entry.name, [_field(argument) for argument in entry.arguments], frozen=True, namespace=held)


def _one(made: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if sum(getattr(made, name) is not UNSET for name in made.__struct_fields__) != 1:
        yield (), "a step is a name (`trim`) or one name with its argument (`split: ';'`)"


_STEPS: Final = tuple(entry for entry in CATALOGUE if entry.takes != "rule")
_IN_THE_RULE: Final = "`{}` is not a step: write it in the rule itself (`columns: [A, B]`, `template: ...`)"
if TYPE_CHECKING:
    WrittenStep: TypeAlias = Any
else:
    WrittenStep = defstruct(
        "Step",
        [(entry.name, _arguments(entry), UNSET) for entry in _STEPS],
        frozen=True,
        namespace={
            "__doc__": "One step: its name, or its name with its argument.",
            "SHORTHAND": {str: ""},
            "KEYS_ARE": "transform",
            "UNKNOWN_KEYS": {name: _IN_THE_RULE.format(name) for name in ("first", "template")},
            "problems": _one,
        },
    )


def step(written: Any) -> spec.Step:
    """The step that was written."""
    name = next(name for name in written.__struct_fields__ if getattr(written, name) is not UNSET)
    given = getattr(written, name)
    pairs = {key: getattr(given, key) for key in given.__struct_fields__}
    return spec.Step(name, {key: value for key, value in pairs.items() if value is not UNSET})
