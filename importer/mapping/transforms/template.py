"""Texts put together from a row's cells: plain `{Column}` substitution and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]{1,300})\}")


def template(pattern: str, cell: Callable[[str], str]) -> str:
    """Replaces each `{Column}` by the row's cell; `{{` and `}}` are braces. Blank where every named cell is blank.

    The name in braces is looked up and nothing else: no attributes, no formats, no code.
    """
    filled = [cell(name).strip() for name in columns_in(pattern)]
    if filled and not any(filled):
        return ""

    def put(match: re.Match[str]) -> str:
        if match.group(1) is None:
            return match.group(0)[0]
        return cell(match.group(1)).strip()

    return _PLACE.sub(put, pattern).strip()


def columns_in(pattern: str) -> tuple[str, ...]:
    """The columns that a template names."""
    return tuple(match.group(1) for match in _PLACE.finditer(pattern) if match.group(1) is not None)
