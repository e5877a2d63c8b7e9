"""Every setting as flags, variables and the help see it: read off the fields of `Settings`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import EnumMeta
from typing import Any, Final, TypeVar

from msgspec import Struct, inspect, structs

from importer.model import Json
from importer.planning.collision_rules import CollisionRules
from importer.settings.settings import Settings

J = TypeVar("J", bound=Struct)
_NOT_OVERRIDDEN: Final = ("name", "description", "sources")


class Option(Struct, frozen=True):
    """One setting."""

    key: tuple[str, ...]
    """Its place in a job file: `("limits", "creates")`."""
    kind: inspect.Metadata
    default: Json
    extra: Mapping[str, Json]
    """What else `model.about` was given."""

    @property
    def name(self) -> str:
        """What it is called in a namespace: `max_creates`."""
        return str(self.extra.get("name") or self.key[-1])

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return str(self.extra.get("variable") or f"TAG_IMPORTER_{self.name.upper()}")

    @property
    def type(self) -> inspect.Type:
        """Its type without None."""
        kind = self.kind.type
        while isinstance(kind, (inspect.Metadata, inspect.UnionType)):
            kind = kind.type if isinstance(kind, inspect.Metadata) else kind.types[0]
        return kind

    def of(self, settings: Any) -> Json:
        """Its value."""
        for step in self.key:
            settings = getattr(settings, step)
        return settings

    def argument(self) -> dict[str, Any]:
        """The arguments of `add_argument` for its flag. Values are read, and refused, where those of a job file are."""
        meaning = str((self.kind.extra_json_schema or {})["description"])
        said = meaning[0].lower() + meaning[1:].rstrip(".")
        if default := self._default():
            said += f" (default {default})"
        said = said.replace("%", "%%")
        if isinstance(self.type, inspect.BoolType):
            return {"action": "store_true", "help": said}
        repeated = {"action": "append"} if isinstance(self.type, inspect.VarTupleType) else {}
        return {**repeated, "metavar": self._metavar(), "help": said}

    def _metavar(self) -> str:
        kind = self.type
        if "metavar" in self.extra:
            return str(self.extra["metavar"])
        if isinstance(kind, inspect.LiteralType):
            return "{" + ",".join(map(str, kind.values)) + "}"
        if isinstance(kind, inspect.EnumType):
            assert isinstance(kind.cls, EnumMeta)
            return "{" + ",".join(str(one.value) for one in kind.cls) + "}"
        if isinstance(kind, inspect.FloatType):
            return "TIME"
        return "N" if isinstance(kind, inspect.IntType) else "FILE"

    def _default(self) -> str:
        if "default" in self.extra:
            return str(self.extra["default"])
        if isinstance(self.default, float):
            return f"{self.default / 60:g} min" if self.default >= 60 else f"{self.default:g} s"
        return str(self.default) if self.default and isinstance(self.default, (str, int)) else ""


def _options(kind: inspect.Type, key: tuple[str, ...] = ()) -> list[Option]:
    assert isinstance(kind, inspect.StructType)
    found: list[Option] = []
    for item in kind.fields:
        inner = item.type
        if isinstance(inner, inspect.StructType) and inner.cls is not CollisionRules:
            found += _options(inner, (item.name,))
        elif isinstance(inner, inspect.Metadata) and item.name not in _NOT_OVERRIDDEN:
            found.append(Option((*key, item.name), inner, item.default, inner.extra or {}))
    return found


OPTIONS: Final = tuple(_options(inspect.type_info(Settings)))


def option_named(name: str) -> Option:
    """The setting with this name."""
    return next(option for option in OPTIONS if option.name == name)


def replaced(settings: J, values: Mapping[tuple[str, ...], Json]) -> J:
    """Settings, or a job, with other values at these places."""
    changed = {key[0]: value for key, value in values.items() if len(key) == 1}
    for group in {key[0] for key in values if len(key) == 2}:
        inner = {key[1]: value for key, value in values.items() if len(key) == 2 and key[0] == group}
        changed[group] = structs.replace(getattr(settings, group), **inner)
    return structs.replace(settings, **changed)
