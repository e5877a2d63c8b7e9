"""Columns of one family as one: `kill_chain_phases.0` and `.1`, `meta.origin:A`, `custom_colour` and `custom_size`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Final

from importer.model import ColumnUse

_LEAST: Final = 4
"""Columns from which on they are a family."""
_COUNTED: Final = re.compile(r"(?<=:).+|[0-9]+")
_STEM: Final = re.compile(r"[^._:/-]+[._:/-]")
Family = tuple[str, Sequence[ColumnUse]]


def families(columns: Sequence[ColumnUse]) -> list[Family]:
    """Each family under a name with `*`, each other column under its own name, in the order of their first ones.

    First what differs in its numbers is one family, or behind a colon; of the rest, what begins with the same word.
    """
    grouped: list[Family] = _gathered([(use.column, [use]) for use in columns], lambda name: _COUNTED.sub("*", name))
    return _gathered(grouped, lambda name: stem[0] if (stem := _STEM.match(name)) and "*" not in name else name)


def _gathered(held: Sequence[Family], key: Callable[[str], str]) -> list[Family]:
    found: dict[str, list[Family]] = {}
    for one in held:
        found.setdefault(key(one[0]), []).append(one)
    made: list[Family] = []
    for name, members in found.items():
        uses = [use for _, some in members for use in some]
        if len(members) == 1 or len(uses) < _LEAST:
            made += members
        else:
            shared = os.path.commonprefix([member for member, _ in members])  # noqa: RUF071 - characters are meant
            end = max(map(shared.rfind, "._:/-")) + 1
            made.append((name if "*" in name else f"{shared[:end]}*", uses))
    return made
