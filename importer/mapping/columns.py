"""Finding a mapping's columns in a table's header: exact words, globs, and usual words in any spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from importer.mapping.spec import PSEUDO_COLUMNS
from importer.text.header_words import normalised, spellings

_DICTIONARY = ("@key", "@value")
_OURS = re.compile(
    r"_(?:source|sheet|row|action|status|code|message|uuid|attempts|reason|category|created|updated|other)(?: \(\d+\))?"
)


def is_ours(column: str) -> bool:
    """Whether a column is one that results.csv, failed files and exports have beside the list's own."""
    return _OURS.fullmatch(column) is not None


class Match(Struct, frozen=True):
    """A column that was found for a rule, and by which of the rule's words."""

    column: str
    word: str
    rank: int
    """Position of the word in the rule: the lower, the more it means just this."""


def named(columns: Sequence[str], wanted: Iterable[str]) -> list[str]:
    """The columns that exact words or globs name, in the order of the words; each once.

    A word that is not a column's exact name is compared as it is said: case, blanks and punctuation do not count.
    """
    found: dict[str, None] = {}
    for word in wanted:
        if word in PSEUDO_COLUMNS or word in columns:
            found[word] = None
            continue
        said = normalised(word)
        same = [column for column in columns if said and normalised(column) == said]
        if not same and "*" in word:
            pattern = " ".join(word.casefold().split())
            same = [column for column in columns if fnmatchcase(" ".join(column.casefold().split()), pattern)]
        found.update(dict.fromkeys(same))
    return list(found)


def missing(columns: Sequence[str], wanted: Iterable[str]) -> list[str]:
    """The words that name no column."""
    return [word for word in wanted if not named(columns, (word,))]


def guessed(columns: Sequence[str], words: Sequence[str]) -> list[Match]:
    """The columns whose header is one of the usual words, best word first, then in the table's order."""
    ranks: dict[str, int] = {}
    for position, word in enumerate(words):
        said = normalised(word) if word not in _DICTIONARY else word
        ranks.setdefault(said, position)
        ranks.setdefault(said.replace(" ", ""), position)
    found: list[Match] = []
    for column in columns:
        if is_ours(column):
            continue
        # In a dictionary the key is the name, and what stands behind it is not called "value" by anybody.
        for form in (column,) if column in _DICTIONARY and "@key" in columns else spellings(column):
            if form in ranks:
                rank = ranks[form]
                found.append(Match(column, words[rank], rank))
                break
    return sorted(found, key=lambda match: match.rank)


def left_alone(columns: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The columns that `ignore` names. A pattern with `*` leaves out those whose names speak of an actor's facts."""
    exact = {pattern for pattern in patterns if "*" not in pattern}
    return [
        column
        for column in named(columns, patterns)
        if column in exact or not _FACT.search(column) or _OF_OTHERS.search(column)
    ]


_FACT = re.compile(r"country|nation|origin|alias|synonym|motiv|sponsor|tlp", re.IGNORECASE)
_OF_OTHERS = re.compile(r"target|victim|affected", re.IGNORECASE)
