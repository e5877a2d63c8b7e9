"""The header of a table: which row it is, its columns' unique names, and whether a sheet under it lists actors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from importer.model import Header, Issue, Place, Severity
from importer.text.header_words import is_one_of, known_count, lookup_words, name_cells, strong_name_words


def letters(index: int) -> str:
    """Column letters of a 0-based index: 0 is A, 26 is AA."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def column_index(name: str) -> int:
    """0-based index of column letters."""
    index = 0
    for char in name.upper():
        index = index * 26 + ord(char) - 64
    return index - 1


def make_header(
    file: str,
    kind: str,
    cells: Sequence[str],
    *,
    row: int,
    sheet: str = "",
    positions: Sequence[int] = (),
    used: Sequence[bool] = (),
) -> tuple[Header, list[Issue]]:
    """The header of a table, with an issue for each repeated or blank word.

    `positions` are the cells' 0-based columns in the sheet, 0, 1, 2... unless given; `used` says which columns hold
    data as far as was looked: a blank header over an empty column is worth a remark only.
    """
    names: list[str] = []
    issues: list[Issue] = []
    taken = {cell.strip() for cell in cells}
    given: dict[str, int] = {}
    column_letters = tuple(letters(position) for position in positions or range(len(cells)))
    for index, (cell, letter) in enumerate(zip(cells, column_letters, strict=True)):
        word = cell.strip()
        place = Place(file, sheet, row, letter, word)
        name = word or f"column {letter}"
        if name in given or (not word and name in taken):
            repeated = name
            name, given[repeated] = numbered(name, taken, given.get(name, 1))
        if not word:
            filled = index >= len(used) or used[index]
            issues.append(
                Issue(
                    Severity.WARNING if filled else Severity.INFO,
                    "blank-header",
                    f"The header of column {letter} is blank; it is called `{name}` here.",
                    place,
                )
            )
        elif name != word:
            issues.append(
                Issue(
                    Severity.WARNING,
                    "repeated-header",
                    f"The header occurs more than once; this one is called `{name}` here.",
                    place,
                    value=word,
                )
            )
        names.append(name)
        taken.add(name)
        given.setdefault(name, 1)
    return Header(file, kind, tuple(names), column_letters, sheet), issues


def numbered(name: str, taken: Collection[str], last: int = 1) -> tuple[str, int]:
    """A name that is not taken, `Link (2)`, and the number to go on from: linear over thousands of equal ones."""
    number = last + 1
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})", number


LOOKED_AT = 60
"""Filled rows from the top among which the header is looked for."""
_ENOUGH = 3
"""Usual header words that make a list of actors likely, though none of them is one for the name."""
_OFF_TOPIC = re.compile(
    r"malware|tool|famil|scheme|taxonom|source|link|download|readme|read me|legend|glossar|changelog|change log|"
    r"version|werkzeug|schadsoftware|opfer|vorf[aä]ll|quelle|anleitung|outil|logiciel|victime|herramienta|v[ií]ctima|"
    r"victim|incident|indicator|\biocs?\b|hash|contact|lookup|drop ?down|dictionary|vulnerab|\bcves?\b|template|"
    r"instruction|help|about|contents|pivot|chart|statistic|vendor",
    re.IGNORECASE,
)

_ALMOST = re.compile(
    r"name\b|\b(?:actor|adversar|apt|akteur|acteur|attore|ator\b)|group|grupp|groupe|grupo", re.IGNORECASE
)


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
        (known_count(rows[position]) + len(name_cells(rows[position], extra)), -position)
        for position in candidates
        if name_cells(rows[position], extra) and _wide_enough(position, filled)
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


def lists_actors(sheet: str, above: Iterable[str], cells: Sequence[str], extra: Sequence[str] = ()) -> bool:
    """Whether a sheet with this name, these titles above its header and these header cells lists actors.

    `name` alone says little: on a sheet called Malware it is the name of a malware. Several other usual columns say as
    much: such a sheet is handed on, and where the mapping finds no name in it, that is told there.
    """
    strong = strong_name_words() | lookup_words(extra)
    if any(is_one_of(cell, strong) for cell in cells):
        return True
    likely = bool(name_cells(cells)) or known_count(cells) >= _ENOUGH
    return likely and not any(_OFF_TOPIC.search(text) for text in (sheet, *above))


def may_list_actors(sheet: str, cells: Sequence[str]) -> bool:
    """Whether a sheet that is left out may be a list of actors after all: it has a column of one, or almost a name."""
    if _OFF_TOPIC.search(sheet):
        return False
    return bool(known_count(cells)) or any(_ALMOST.search(cell) for cell in cells)
