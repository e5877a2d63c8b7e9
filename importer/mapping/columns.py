"""Finding a mapping's columns in a table's header: exact words, globs, and usual words in any spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from msgspec import Struct

from importer.mapping.spec import PSEUDO_COLUMNS

_NUMBERED = re.compile(r"(?:(?<=[^\d\s])|\s)\s*#?\s*\(?\d{1,3}\)?$")
_CODENAME = re.compile(r"(?:apt|unc|fin|ta|dev|storm|temp|tag|uac|tg|group|team) ?-?\d{1,5}")
_WRAPPERS = frozenset(
    ["actor", "adversary", "attributes", "data", "details", "document", "entity", "fields", "group", "info", "item",
     "node", "object", "profile", "record", "threat actor"]
)  # fmt: skip
_WORDS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BRACKETS = re.compile(r"\([^()]{0,80}\)|\[[^\[\]]{0,80}\]")


_DICTIONARY = ("@key", "@value")


@lru_cache(maxsize=32_768)
def spoken(word: str) -> str:
    """A header word as it would be said: `First_Seen`, `firstSeen` and ` FIRST\\u00a0SEEN: ` are all `first seen`."""
    text = unicodedata.normalize("NFKC", word)
    text = _CAMEL.sub(" ", text).casefold()
    return " ".join(_WORDS.findall(text))


@lru_cache(maxsize=32_768)
def forms(word: str) -> tuple[str, ...]:
    """The spellings under which a header word is looked up, the most exact first.

    `Aliases (a.k.a.) 2` is looked up whole, without its brackets, and without its number (but `APT28` is a name, not
    the 28th `APT`); a key within an object that only wraps the record, `attributes.name`, also without the wrapper.
    """
    whole = spoken(word)
    bare = spoken(_BRACKETS.sub(" ", word))
    unnumbered = bare if _CODENAME.fullmatch(bare) else spoken(_NUMBERED.sub("", bare))
    found = dict.fromkeys((whole, bare, unnumbered, whole.replace(" ", ""), unnumbered.replace(" ", "")))
    wrapper, _, inner = word.partition(".")
    if inner and spoken(wrapper) in _WRAPPERS:
        found.update(dict.fromkeys(forms(inner)))
    return tuple(form for form in found if form)


class Match(Struct, frozen=True):
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
        said = spoken(word) if word not in _DICTIONARY else word
        ranks.setdefault(said, position)
        ranks.setdefault(said.replace(" ", ""), position)
    found: list[Match] = []
    for column in columns:
        if column.startswith("_"):
            continue
        # In a dictionary the key is the name, and what stands behind it is not called "value" by anybody.
        for form in (column,) if column in _DICTIONARY and "@key" in columns else forms(column):
            if form in ranks:
                rank = ranks[form]
                found.append(Match(column, words[rank], rank))
                break
    return sorted(found, key=lambda match: match.rank)
