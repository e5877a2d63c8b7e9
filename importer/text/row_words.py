"""config/row-words.yaml: what tells a row to be none of the list's entries, or one that was withdrawn."""

from __future__ import annotations

from functools import cache

import msgspec
import yaml

from importer.shipped import shipped


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
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return msgspec.convert(yaml.load(shipped("row-words.yaml").read_bytes(), loader), RowWords)  # noqa: S506
