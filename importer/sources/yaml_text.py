"""YAML as data and nothing else: a scalar is the text in the file or null, anchors are bounded, nothing is constructed.

Merge keys (`<<: *defaults`) are folded in as every YAML loader does: what stands in the object itself wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from importer.errors import SourceError
from importer.sources.json_text import Repeated, too_deep
from importer.sources.located import Opened
from importer.sources.options import Limits

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class _Level:
    """A collection that is being filled."""

    value: Any
    anchor: str = ""
    key: Any = None
    has_key: bool = False
    merges: bool = False
    """Whether the key is an unquoted `<<`."""
    merged: list[dict[str, Any]] = field(default_factory=list)
    """What `<<` brings in, the first counts most."""
    repeated: list[str] = field(default_factory=list)
    size: int = 1


def parse_yaml(opened: Opened, text: str, limits: Limits) -> list[Any]:
    """The documents of a YAML text: dict, list, str and None only.

    Built from parser events, not by a loader: its depth and the total that anchors expand to are bounded on the way.
    Raises SourceError with line and column for what is not YAML.
    """
    file = opened.file
    try:
        return list(_Builder(file, limits).documents(opened.deadline.each(yaml.parse(text, Loader=_Loader))))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SourceError(
            f"{file} is not valid YAML: {error.problem or error.context or 'it cannot be read'}{at}."
        ) from error
    except yaml.YAMLError as error:
        raise SourceError(f"{file} is not valid YAML: {' '.join(str(error).split())[:200]}.") from error
    except RecursionError as error:
        raise too_deep(file) from error


class _Builder:
    def __init__(self, file: str, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._stack: list[_Level] = []
        self._done: list[Any] = []
        self._nodes = 0

    def documents(self, events: Iterator[Any]) -> Iterator[Any]:
        for event in events:
            name = type(event).__name__
            if name == "ScalarEvent":
                self._put(None if _is_null(event) else event.value, event.anchor, 1, event)
            elif name == "AliasEvent":
                if event.anchor not in self._anchors:
                    raise self._wrong(f"the anchor {event.anchor!r} is used before it is complete", event)
                value, size = self._anchors[event.anchor]
                self._put(value, None, size, event)
            elif name in ("MappingStartEvent", "SequenceStartEvent"):
                if len(self._stack) >= self._limits.depth:
                    raise too_deep(self._file)
                self._stack.append(_Level({} if name[0] == "M" else [], event.anchor or ""))
            elif name in ("MappingEndEvent", "SequenceEndEvent"):
                level = self._stack.pop()
                self._put(self._finished(level), level.anchor, level.size, event, counted=True)
            elif name == "DocumentEndEvent":
                yield from self._done
                self._done.clear()
                self._anchors.clear()

    def _put(self, value: Any, anchor: str | None, size: int, event: Any, *, counted: bool = False) -> None:
        if not counted:
            self._nodes += size
            if self._nodes > self._limits.nodes:
                raise SourceError(
                    f"{self._file} was not read: its anchors expand to more than {self._limits.nodes:,} values.",
                    hint=self._limits.hint("nodes"),
                )
        if anchor:
            self._anchors[anchor] = (value, size)
        if not self._stack:
            self._done.append(value)
            return
        level = self._stack[-1]
        level.size += size
        if isinstance(level.value, list):
            level.value.append(value)
        elif not level.has_key:
            if value is None and isinstance(event, yaml.ScalarEvent):
                value = event.value
            if not isinstance(value, str):
                raise self._wrong("a key is a list or an object", event)
            level.key, level.has_key = value, True
            level.merges = value == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]
        elif level.merges and (mappings := _mappings(value)) is not None:
            level.merged += mappings
            level.has_key = False
        else:
            if level.key in level.value:
                level.repeated.append(level.key)
            level.value[level.key] = value
            level.has_key = False

    def _finished(self, level: _Level) -> Any:
        """The collection with what it merges; a key that a merged object has twice is told where it is used."""
        value, twice = level.value, level.repeated
        if level.merged:
            value = {}
            for one in reversed(level.merged):
                value.update(one)
            value.update(level.value)
            twice = twice + [
                key
                for one in level.merged
                if isinstance(one, Repeated)
                for key in one.keys_repeated
                if key not in level.value
            ]
        if not twice:
            return value
        repeated = Repeated(value)
        repeated.keys_repeated = tuple(dict.fromkeys(twice))
        return repeated

    def _wrong(self, what: str, event: Any) -> SourceError:
        mark = event.start_mark
        return SourceError(f"{self._file} cannot be read: {what} at line {mark.line + 1}, column {mark.column + 1}.")


def _is_null(event: yaml.ScalarEvent) -> bool:
    """Whether a scalar is YAML's null: unquoted and without a tag. `"null"` is a text, and may be a name."""
    return event.value in _NULLS and bool(event.implicit[0])


def _mappings(value: Any) -> list[dict[str, Any]] | None:
    """What a merge key may bring in: an object or a list of them; None for anything else, an ordinary value."""
    found = value if isinstance(value, list) else [value]
    return found if all(isinstance(one, dict) for one in found) else None
