"""config/row-words.yaml: what tells a row to be none of the list's entries, or one that was withdrawn."""

from __future__ import annotations

from functools import cache

import msgspec

from importer.shipped import shipped_yaml


class RowWords(msgspec.Struct, frozen=True):
    """The words, in lower case; the file says what each list is for."""

    example: str
    totals: tuple[str, ...]
    remarks: tuple[str, ...]
    stamps: tuple[str, ...]
    notices: tuple[str, ...]
    withdrawn_flags: frozenset[str]
    withdrawn_dates: frozenset[str]
    status_columns: frozenset[str]
    withdrawn_status: tuple[str, ...]
    withdrawn_yes: frozenset[str]


@cache
def row_words() -> RowWords:
    """The table of words."""
    return msgspec.convert(shipped_yaml("row-words.yaml"), RowWords)
