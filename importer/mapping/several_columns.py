"""A value from several columns of its row: the first that is filled, all joined with their labels, or a template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat

from importer.mapping.assemble import as_words
from importer.mapping.cells import BLANK, Cell, Seed
from importer.mapping.columns import named
from importer.mapping.layout import COUNTRY, Feed
from importer.mapping.quick import CLEAR
from importer.mapping.transforms.template import columns_in, template
from importer.model import Severity

TextsOf = Callable[[str], Sequence[str]]
"""The texts of a column of the table, by its name."""


def first_filled(feed: Feed, texts: Sequence[str]) -> tuple[Cell, str]:
    """Of one row the first column that says something; one that says that nothing is known passes the question on."""
    read, columns = feed.reader.read, feed.columns
    chosen, source = BLANK, columns[0]
    for column, text in zip(columns, texts, strict=True):
        if not text or not text.strip():
            continue
        cell = read(text)
        if cell.value is None and not cell.seeds and not cell.clears:
            continue
        if chosen is BLANK or not cell.nothing:
            chosen, source = cell, column
        if not cell.nothing:
            break
    if chosen.value is not None and feed.rule.target == COUNTRY and not feed.rule.columns:
        chosen = _compared(chosen, source, columns, texts, read)
    if chosen is BLANK:
        chosen = read("")
    elif source != columns[0] and feed.rule.target == "value":
        told = f"the name is taken from '{source}', because '{columns[0]}' gives none"
        seed = Seed(Severity.INFO, "other-name-column", told, texts[0])
        chosen = Cell(chosen.value, (*chosen.seeds, seed), chosen.kept)
    return chosen, source


def _compared(
    chosen: Cell, source: str, columns: Sequence[str], texts: Sequence[str], read: Callable[[str], Cell]
) -> Cell:
    """The chosen cell, with a warning where another column of the same meaning says something else."""
    for column, text in zip(columns, texts, strict=True):
        if column == source or not text.strip():
            continue
        other = read(text).value
        if other is not None and other != chosen.value:
            told = f"'{column}' says {other}, '{source}' {chosen.value}; the latter is taken"
            seed = Seed(Severity.WARNING, "columns-disagree", told, text)
            return Cell(chosen.value, (*chosen.seeds, seed), chosen.kept, False, chosen.nothing)
    return chosen


def labelled(column: str, texts: Sequence[str]) -> list[str]:
    """The texts with their column's name before them, as a person would write it; blank ones stay blank."""
    label = column.replace("_", " ").capitalize() if column.islower() else column
    return [text if text.strip() in ("", CLEAR) else f"{label}: {as_words(text)}" for text in texts]


def filled_templates(pattern: str, columns: Sequence[str], texts_of: TextsOf, size: int) -> list[str]:
    """The template of each of `size` rows with its cells filled in; a column that is not there is blank."""
    places = {name: named(columns, (name,)) for name in columns_in(pattern)}
    texts = {name: texts_of(found[0]) if found else [""] * size for name, found in places.items()}
    made = []
    for cells in zip(*texts.values(), strict=True) if texts else repeat((), size):
        filled = dict(zip(texts, cells, strict=True))
        made.append(template(pattern, filled.__getitem__))
    return made
