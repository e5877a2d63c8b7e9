"""Header words: one normal form for every spelling, and the one table of the usual ones.

The words are those of config/header-words.yaml: by which fields are filled, and what else tells a list of actors, or of
something else, by its columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache

import msgspec

from importer.shipped import shipped_yaml

_NUMBERED = re.compile(r"(?:(?<=[^\d\s])|\s)\s*#?\s*\(?\d{1,3}\)?$")
_CODENAME = re.compile(r"(?:apt|unc|fin|ta|dev|storm|temp|tag|uac|tg|group|team) ?-?\d{1,5}")
_WRAPPERS = frozenset(
    ["actor", "adversary", "attributes", "data", "details", "document", "entity", "fields", "group", "info", "item",
     "node", "object", "profile", "record", "threat actor"]
)  # fmt: skip
_WORDS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BRACKETS = re.compile(r"\([^()]{0,80}\)|\[(?![A-Z]\])[^\[\]]{0,80}\]")
"""Remarks; but the X of `APT [X]` is part of a naming scheme, which is not a header of names."""
_LONGEST = 80
"""Characters of a cell that may still be a header word: longer ones are sentences."""


@lru_cache(maxsize=32_768)
def normalised(word: str) -> str:
    """A header word as it would be said: `First_Seen`, `firstSeen` and ` FIRST\\u00a0SEEN: ` are all `first seen`."""
    text = unicodedata.normalize("NFKC", word)
    text = _CAMEL.sub(" ", text).casefold()
    return " ".join(_WORDS.findall(text))


@lru_cache(maxsize=32_768)
def spellings(word: str) -> tuple[str, ...]:
    """The normal forms under which a header word is looked up, the most exact first.

    `Aliases (a.k.a.) 2` is looked up whole, without its brackets, and without its number (but `APT28` is a name, not
    the 28th `APT`); a key within an object that only wraps the record, `attributes.name`, also without the wrapper.
    """
    whole = normalised(word)
    bare = normalised(_BRACKETS.sub(" ", word))
    unnumbered = bare if _CODENAME.fullmatch(bare) else normalised(_NUMBERED.sub("", bare))
    found = dict.fromkeys((whole, bare, unnumbered, whole.replace(" ", ""), unnumbered.replace(" ", "")))
    wrapper, _, inner = word.partition(".")
    if inner and normalised(wrapper) in _WRAPPERS:
        found.update(dict.fromkeys(spellings(inner)))
    return tuple(form for form in found if form)


def lookup_words(words: Iterable[str]) -> frozenset[str]:
    """Words in the forms that `spellings` can find: as they are said, and written together."""
    said = [normalised(word) for word in words]
    return frozenset(form for word in said for form in (word, word.replace(" ", "")) if form)


class OtherList(msgspec.Struct, frozen=True):
    """What tells a list of something else."""

    words: tuple[str, ...]
    light: tuple[str, ...] = ()
    """Words that say half as much."""
    subject: bool = False
    """A list of threats that may name an actor in each row without being a list of actors."""

    def weights(self) -> dict[str, float]:
        """How much each of its words says."""
        return dict.fromkeys(self.light, 0.5) | dict.fromkeys(self.words, 1.0)


class HeaderWords(msgspec.Struct, frozen=True):
    """config/header-words.yaml, which says what each list is for."""

    fields: Mapping[str, tuple[str, ...]]
    targets: tuple[str, ...]
    none: tuple[str, ...]
    record: tuple[str, ...]
    fillers: tuple[str, ...]
    short: Mapping[str, str]
    booleans: frozenset[str]
    company_forms: frozenset[str]
    vendors: frozenset[str]
    beside: frozenset[str]
    weak_names: frozenset[str]
    generic_names: frozenset[str]
    bare_names: frozenset[str]
    faint_names: frozenset[str]
    kinds: frozenset[str]
    shared: frozenset[str]
    neutral: frozenset[str]
    other_lists: Mapping[str, OtherList]


@cache
def header_words() -> HeaderWords:
    """The table of words beside the mappings' own."""
    return msgspec.convert(shipped_yaml("header-words.yaml"), HeaderWords)


@cache
def name_words() -> frozenset[str]:
    """The usual words for the column of names, as `lookup_words`; vendors' names are not among them."""
    return lookup_words(
        word for word in header_words().fields["value"] if word not in header_words().vendors and word != "@key"
    )


@cache
def strong_name_words() -> frozenset[str]:
    """Those of them that name an actor on whatever sheet they stand."""
    return name_words() - lookup_words(header_words().weak_names)


@cache
def known_words() -> frozenset[str]:
    """All usual words of a list of actors, as `lookup_words`."""
    words = header_words()
    return lookup_words([*(word for listed in words.fields.values() for word in listed), *words.beside])


def is_one_of(cell: str, words: AbstractSet[str]) -> bool:
    """Whether a cell is one of these words (`lookup_words`) in any spelling."""
    return 0 < len(cell) <= _LONGEST and not words.isdisjoint(spellings(cell))


def name_cells(cells: Iterable[str], extra: Sequence[str] = ()) -> list[str]:
    """The cells that are a usual header of the name column, or one of `extra`."""
    words = name_words() | lookup_words(extra) if extra else name_words()
    return [cell for cell in cells if is_one_of(cell, words)]


def known_count(cells: Iterable[str]) -> int:
    """How many different usual header words are among the cells."""
    words = known_words()
    return len({normalised(cell) for cell in cells if is_one_of(cell, words)})
