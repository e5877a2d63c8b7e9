"""From the cells of a header row to unique column names and letters."""

from __future__ import annotations

from collections.abc import Sequence

from importer.model import Header, Issue, Place, Severity


def letters(index: int) -> str:
    """Column letters of a 0-based index: 0 is A, 26 is AA."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


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
            name, given[name] = _numbered(name, taken, given.get(name, 1))
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
                    f"The header stands there twice; this one is called `{name}` here.",
                    place,
                    value=word,
                )
            )
        names.append(name)
        taken.add(name)
        given.setdefault(name, 1)
    return Header(file, kind, tuple(names), column_letters, sheet), issues


def _numbered(name: str, taken: set[str], last: int) -> tuple[str, int]:
    """`Link (2)`, and the number to go on from; linear also over thousands of equal words."""
    number = last + 1
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})", number
