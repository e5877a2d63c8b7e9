"""The tables of config/mappings/README.md, made from the grammar and the transforms, so that they cannot drift."""

from __future__ import annotations

import re
from collections.abc import Sequence

from importer.mapping import grammar
from importer.mapping.conditions import OPERATORS
from importer.mapping.transforms import catalogue

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
        "mapping": _rows([(f"`{key}`", doc) for key, (_, doc) in grammar.MAPPING.items()]),
        "rule": _rows([(f"`{key}`", doc) for key, (_, doc) in grammar.RULE.items()]),
        "condition": _rows([(f"`{name}`", doc) for name, doc in OPERATORS.items()]),
        "steps": _rows(steps),
    }


def filled(text: str) -> str:
    """A document with its tables as they are now."""
    made = tables()
    return _BLOCK.sub(lambda match: f"<!-- {match.group(1)} -->\n{match.group(2)}{made[match.group(1)]}", text)


def _rows(rows: Sequence[tuple[str, ...]]) -> str:
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)
