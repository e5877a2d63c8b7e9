"""Mappings from files: presets by name, a person's own by path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from msgspec import structs

from importer.errors import MappingError
from importer.mapping.nodes import MAX_BYTES, Problems, read_yaml
from importer.mapping.parse import parse
from importer.mapping.spec import Mapping
from importer.shipped import shipped
from importer.text.nearest_word import nearest

ORDER = ("microsoft", "apt-spreadsheet", "attack", "stix", "misp-galaxy", "spreadsheet")
"""The presets, the most particular first: the order in which they are tried on a table."""


def load_mapping(name_or_path: str) -> Mapping:
    """The preset of that name, or the mapping in that file.

    MappingError holds every problem at once, a line each with file, line, column and the nearest valid word.
    """
    path = preset_path(name_or_path)
    if path is not None:
        return _preset(name_or_path)
    given = Path(name_or_path)
    if given.suffix.lower() not in (".yaml", ".yml") and not given.exists():
        near = nearest(name_or_path, ORDER)
        hint = f"did you mean '{near}'?" if near else f"presets: {', '.join(ORDER)}"
        raise MappingError(f"there is no mapping '{name_or_path}': neither a preset nor a file", hint=hint)
    try:
        if given.stat().st_size > MAX_BYTES:
            raise MappingError(f"the mapping {name_or_path} is larger than {MAX_BYTES:,} bytes")
        data = given.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MappingError(f"the mapping {name_or_path} cannot be read: {reason}") from None
    return mapping_from_bytes(data, name_or_path)


def mapping_from_bytes(data: bytes, file: str) -> Mapping:
    """The mapping that a file's bytes hold; `file` names it in messages."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise MappingError(f"{file}:{line}: the mapping is not UTF-8 text") from None
    problems = Problems(file)
    root = read_yaml(text, file)
    mapping = parse(root, problems, Path(file).stem, hashlib.sha256(data).hexdigest()[:8])
    problems.raise_if_any("mapping")
    return mapping


def preset_path(name: str) -> Path | None:
    """The file of a shipped preset; None where there is none of that name."""
    return shipped("mappings", f"{name}.yaml") if name in ORDER else None


def preset_text(name: str) -> str:
    """The YAML of a preset as it ships, comments and all."""
    return shipped("mappings", f"{name}.yaml").read_text("utf-8")


def presets() -> Iterator[Mapping]:
    """The presets, in the order in which they are tried on a table; each is loaded when its turn comes."""
    return map(_preset, ORDER)


@lru_cache(maxsize=16)
def _preset(name: str) -> Mapping:
    mapping = mapping_from_bytes(shipped("mappings", f"{name}.yaml").read_bytes(), f"{name}.yaml")
    return structs.replace(mapping, shipped=True)
