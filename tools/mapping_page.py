"""The tables of config/mappings/README.md, made from the language's types and the transforms: they cannot drift."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from importer.mapping.language import MappingFile, WrittenCondition, WrittenRule
from importer.mapping.transforms import catalogue
from importer.text.json_schema import descriptions

_BLOCK = re.compile(r"<!-- (\w+) -->\n(\|.*\n\|---.*\n)(?:\|.*\n)*")


def tables() -> dict[str, str]:
    """The rows of each table, by the marker that stands before them."""
    steps = [
        (
            f"`{entry.signature}`",
            entry.doc,
            f"`{entry.example.step}`: {entry.example.before!r} -> {entry.example.after!r}",
        )
        for entry in catalogue()
    ]
    return {
        "mapping": _keys(MappingFile),
        "rule": _keys(WrittenRule),
        "condition": _keys(WrittenCondition),
        "steps": _rows(steps),
    }


def filled(text: str) -> str:
    """A document with its tables as they are now."""
    made = tables()
    return _BLOCK.sub(lambda match: f"<!-- {match.group(1)} -->\n{match.group(2)}{made[match.group(1)]}", text)


def _keys(kind: type[Struct]) -> str:
    return _rows([(f"`{key}`", doc) for key, doc in descriptions(kind).items()])


def _rows(rows: Sequence[tuple[str, ...]]) -> str:
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)
