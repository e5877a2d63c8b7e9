"""Which mapping a table gets when none is named: by its columns and values, never by its file's kind or name."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from importer.errors import SourceError
from importer.mapping.columns import named
from importer.mapping.likeness import codenames, likeness
from importer.mapping.load import load_mapping, presets
from importer.mapping.spec import Mapping, Recognise
from importer.model import Header, Table

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 300
"""Rows that are looked at to tell what a table is."""
HINT = (
    "If it does list actors: `tag-importer mapping init SOURCE` writes a mapping to edit, `--mapping FILE` uses it; "
    "`--mapping spreadsheet` takes the usual header words whatever else speaks against it."
)

_GUESSED = re.compile("[\x80-\x9f\ufffd]|[\xc0-\xff]{3}")
"""What Cyrillic, Japanese or Chinese text looks like when it is read as Windows-1252."""


def choose(table: Table) -> Mapping:
    """The first preset that knows this shape; `spreadsheet` where the table looks like a list of actors.

    Looks at the first `SAMPLE` rows. Raises SourceError, in one sentence that says what the table looks like instead,
    where nothing fits.
    """
    header, sample = table.header, table.frame.head(SAMPLE)
    known = next((one for one in presets() if one.recognise and recognises(one.recognise, header, sample)), None)
    if known is not None and known.name != "misp-galaxy":
        return known
    looks = likeness(header, sample)  # only where it decides: it takes longer than all presets together
    if known is not None and (looks.against < 2 or looks.against <= looks.for_actors):
        return known
    if known is None and looks.is_actors:
        return load_mapping("spreadsheet")
    raise SourceError(_refusal(header, looks.looks_like, looks.name_column), hint=HINT)


def recognises(recognise: Recognise, header: Header, sample: pd.DataFrame) -> bool:
    """Whether a table has the columns, and its sampled cells the words, that a preset is known by."""
    columns = [column for column in header.columns if not column.startswith("_")]
    if any(not named(columns, (word,)) for word in recognise.every):
        return False
    if recognise.some and not named(columns, recognise.some):
        return False
    if named(columns, recognise.none):
        return False
    for column, words in recognise.values.items():
        found = named(columns, (column,))
        if not found:
            return False
        texts = [text.strip().casefold() for text in sample[found[0]].tolist()]
        filled = [text for text in texts if text]
        if not filled or not all(any(fnmatchcase(text, word.casefold()) for word in words) for text in filled):
            return False
    return True


def _refusal(header: Header, looks: str, name_column: str) -> str:
    where = f"{header.file} ({header.sheet})" if header.sheet else header.file
    shown = ", ".join(header.columns[:8]) + (f" and {len(header.columns) - 8} more" if len(header.columns) > 8 else "")
    plural = "its columns are" if len(header.columns) > 1 else "its only column is"
    if looks:
        return f"{where} looks like {looks}, not of threat actors: {plural} {shown}"
    if any(_GUESSED.search(column) for column in header.columns[:8]):
        return (
            f"{where} has no column that looks like an actor's name: {plural} {shown}. Those letters look wrong: "
            "--encoding names the right encoding (cp1251, shift_jis, gb18030, euc-kr...)"
        )
    if codenames(header.columns):
        return (
            f"{where} seems to have no header row: its first row is {shown}; put one above it (Actor, Aliases, Country)"
        )
    if name_column:
        return f"{where} does not look like a list of threat actors: {plural} {shown}"
    return f"{where} has no column that looks like an actor's name: {plural} {shown}"
