"""Finding a mapping's columns in a table's header: exact words, globs, and usual words in any spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from importer.mapping.spec import PSEUDO_COLUMNS

_NUMBERED = re.compile(r"(?:(?<=[^\d\s])|\s)\s*#?\s*\(?\d{1,3}\)?$")
_WORDS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BRACKETS = re.compile(r"\([^()]{0,80}\)|\[[^\[\]]{0,80}\]")


@lru_cache(maxsize=32_768)
def spoken(word: str) -> str:
    """A header word as it would be said: `First_Seen`, `firstSeen` and ` FIRST\\u00a0SEEN: ` are all `first seen`."""
    text = unicodedata.normalize("NFKC", word)
    text = _CAMEL.sub(" ", text).casefold()
    return " ".join(_WORDS.findall(text))


@lru_cache(maxsize=32_768)
def forms(word: str) -> tuple[str, ...]:
    """The spellings under which a header word is looked up, the most exact first.

    `Aliases (a.k.a.) 2` is looked up whole, without its brackets, and without its number.
    """
    whole = spoken(word)
    bare = spoken(_BRACKETS.sub(" ", word))
    unnumbered = spoken(_NUMBERED.sub("", bare))
    found = dict.fromkeys((whole, bare, unnumbered, whole.replace(" ", ""), unnumbered.replace(" ", "")))
    return tuple(form for form in found if form)


@dataclass(frozen=True, slots=True)
class Match:
    """A column that was found for a rule, and by which of the rule's words."""

    column: str
    word: str
    rank: int
    """Position of the word in the rule: the lower, the more it means just this."""


def named(columns: Sequence[str], wanted: Iterable[str]) -> list[str]:
    """The columns that exact words or globs name, in the order of the words; each once.

    A word that is no column's exact name is compared as it is said (case, blanks and punctuation make no difference).
    """
    found: dict[str, None] = {}
    for word in wanted:
        if word in PSEUDO_COLUMNS or word in columns:
            found[word] = None
            continue
        said = spoken(word)
        same = [column for column in columns if said and spoken(column) == said]
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
        said = spoken(word)
        ranks.setdefault(said, position)
        ranks.setdefault(said.replace(" ", ""), position)
    found: list[Match] = []
    for column in columns:
        if column.startswith("_"):
            continue
        for form in forms(column):
            if form in ranks:
                rank = ranks[form]
                found.append(Match(column, words[rank], rank))
                break
    return sorted(found, key=lambda match: match.rank)
