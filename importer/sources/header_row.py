"""Which row of a table is its header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from importer.sources.header_words import known_count, name_words

LOOKED_AT = 60
"""Filled rows from the top among which the header is looked for."""


def find_header(rows: Sequence[Sequence[str]], extra: Sequence[str] = ()) -> int:
    """Position of the header among the first rows of a table, -1 when all of them are blank.

    A row with a usual name-column word wins, the one with most known words first; else the first row that is about
    as wide as the rows after it, so that titles and remarks above are passed over.
    """
    filled = [sum(1 for cell in row if cell and not cell.isspace()) for row in rows]
    candidates = [position for position, count in enumerate(filled) if count][:LOOKED_AT]
    if not candidates:
        return -1
    usual = _usual_width([filled[position] for position in candidates])
    default = next((position for position in candidates if filled[position] >= usual), candidates[0])
    named = [
        (known_count(rows[position]) + len(name_words(rows[position], extra)), -position)
        for position in candidates
        if name_words(rows[position], extra) and _wide_enough(position, filled)
    ]
    if not named:
        return default
    best = -max(named)[1]
    # a value of the list may be a header word ("Group"); it does not beat an earlier row of full width by itself
    if best > default and known_count(rows[best]) <= max(1, known_count(rows[default])):
        return default
    return best


def _wide_enough(position: int, filled: Sequence[int]) -> bool:
    """A lone word over a wide table is a title ("Actors"), not the header."""
    after = [count for count in filled[position + 1 : position + 6] if count]
    return filled[position] > 1 or not after or max(after) <= 2


def _usual_width(counts: Sequence[int]) -> int:
    """The least width that a header may have: half of the widest common one, at least 2 where rows have 2."""
    if len(counts) == 1:
        return counts[0]
    common = max((width for width, times in Counter(counts).items() if times * 5 >= len(counts)), default=max(counts))
    return max(min(2, common), (common + 1) // 2)
