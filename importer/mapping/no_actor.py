"""Rows that are no rows of the list: totals at its end, its header once more, a line that is drawn with dashes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from importer.mapping.cells import Seed
from importer.mapping.columns import guessed
from importer.model import RowRef, Severity
from importer.text.header_words import normalised

_TOTALS = (
    r"(?:grand |sub-?)?(?:totals?|sum|count|gesamt(?:summe)?|summe|anzahl|somme|suma|totale|totaal|toplam|razem|"
    r"\u0438\u0442\u043e\u0433\u043e|\u0432\u0441\u0435\u0433\u043e|\u5408\u8ba1|\u603b\u8ba1|\u5408\u8a08|"
    r"\ud569\uacc4)\b"
)
_TOTAL = re.compile(_TOTALS + r"[^\d]{0,30}(?:[\d.,]+[^\d]{0,30})?\Z", re.IGNORECASE)
_NUMBER = re.compile(r"[\d\s.,%$\u20ac-]*\d[\d\s.,%$\u20ac-]*\Z")
_DRAWN = re.compile(r"[\s:=|+*_~-]*(?:--|==|__|~~)[\s:=|+*_~-]*\Z")
# How a total or a drawn line begins, for one look at all names together, each after a line break.
_PERHAPS = re.compile(r"\n[^\S\n]*(?:" + _TOTALS + r"|[^\w\n]*(?:--|==|__|~~))", re.IGNORECASE)


def no_actors(
    names: Sequence[str], header: str, rows: Sequence[RowRef], words: Sequence[tuple[str, Sequence[str]]]
) -> Iterator[tuple[int, str, Seed]]:
    """The rows of a table that are no actors: position, why it is left out (empty for an error), and the issue.

    `names` are the cells of the name column, which `header` heads; `words` the usual header words of each field.
    """
    columns = rows[0].header.columns if rows else ()
    odd = _suspicious(names, header)
    usual = {word.casefold() for target, known in words if target == "value" for word in known}
    if not odd and usual.isdisjoint(map(str.casefold, names)):
        return

    def target_of(word: str) -> str:
        return next((target for target, known in words if guessed((word,), known)), "")

    for position, name in enumerate(names):
        why = _why(name, rows[position].cells, columns) if name in odd else ""
        if why:
            yield position, why, Seed(Severity.WARNING, "no-actor", f"{why}; left out", name)
        elif name.casefold() in usual and (kind := _second_header(rows[position].cells, columns, target_of)):
            if kind == "same":
                why = "is the header once more in other words, no actor"
                yield position, why, Seed(Severity.WARNING, "no-actor", f"{why}; left out", name)
            else:
                told = "begins another header: what stands below it belongs under other columns; split the list there"
                yield position, "", Seed(Severity.ERROR, "second-header", told, name)


def _suspicious(names: Sequence[str], header: str) -> set[str]:
    """Of the distinct texts of the name column, those whose rows are worth a look."""
    word = normalised(header)
    together = "\n".join(("", *names, ""))
    # Hardly any list has such a row; where names hold line breaks or other scripts, each is looked at by itself.
    if together.isascii() and together.count("\n") == len(names) + 1 and not _PERHAPS.search(together):
        again = re.compile(r"\n[^a-z0-9\n]*" + r"[^a-z0-9\n]*".join(word.split()) + r"[^a-z0-9\n]*\n", re.IGNORECASE)
        if not word or not again.search(together):
            return set()
    return {
        name
        for name in set(names)
        if name and (_TOTAL.match(name.strip()) or _DRAWN.match(name) or (normalised(name) == word and word))
    }


def _why(name: str, cells: Sequence[str], columns: Sequence[str]) -> str:
    """Why a row with such a name is not of the list, for a person; empty where it may be after all."""
    filled = [(cell.strip(), column) for cell, column in zip(cells, columns, strict=True) if cell.strip()]
    others = [cell for cell, _ in filled if cell != name.strip()]
    if all(_DRAWN.match(cell) for cell, _ in filled) and (len(filled) > 1 or len(columns) == 1):
        return "is a drawn line, no actor"
    if len(filled) > 1 and all(normalised(cell) == normalised(column) for cell, column in filled):
        return "is the header once more, no actor"
    numbers = [cell for cell in others if _NUMBER.match(cell)]
    if _TOTAL.match(name.strip()) and len(numbers) == len(others) and (numbers or re.search(r"\d", name)):
        return "looks like a row of totals, no actor"
    return ""


def _second_header(cells: Sequence[str], columns: Sequence[str], target_of: Callable[[str], str]) -> str:
    """Whether a row is a header in other words: `same` where it means the same columns, `other` where it does not.

    `target_of` gives the field that a header word feeds, empty for none. Empty where a cell is no header word at all.
    """
    filled = [(target_of(cell), target_of(column)) for cell, column in zip(cells, columns, strict=True) if cell.strip()]
    if len(filled) < 2 or not all(cell for cell, _ in filled):
        return ""
    return "same" if all(cell == column for cell, column in filled) else "other"
