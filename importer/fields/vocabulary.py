"""Vocabularies as data: the words the API knows, and which words of others stand for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from importer.fields.words import load_data, says_nothing, word_key

NAMES = ("actor-category", "motive", "sophistication", "level", "confidence", "tlp")
_CLOSE = 75.0
_LONGEST = 200
_LONGEST_WORD = 2_000
_PARTS = re.compile(r"[,;/|&\n]|\s(?:and|or)\s", re.IGNORECASE)


class VocabularyMatch(Struct, frozen=True):
    """What a text is in a vocabulary."""

    value: str
    """The allowed word; empty where there is none."""
    nearest: str = ""
    """The allowed word that comes closest, where `value` is empty and one is close."""
    reason: str = "found"
    """`found`, `blank`, `none` (says that nothing is known), `unclear` (known, but it could be several), `unknown`."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Allowed words and synonyms. Case, blanks, hyphens and underscores make no difference in a look-up."""

    name: str
    allowed: tuple[str, ...]
    words: Mapping[str, str] = field(default_factory=dict)
    """Synonym, as a person writes it -> allowed word."""
    unclear: Mapping[str, str] = field(default_factory=dict)
    """Words that could be several -> the likeliest allowed word (a suggestion only), or empty."""
    nothing: tuple[str, ...] = ()
    """Words that say that nothing is known, beside those that say so everywhere."""
    prefixes: tuple[str, ...] = ()
    """What may stand before a word (`TLP:`)."""
    index: Mapping[str, VocabularyMatch] = field(init=False, repr=False, compare=False)
    exact: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: dict[str, VocabularyMatch] = {}
        for word in self.nothing:
            index[word_key(word)] = VocabularyMatch("", "", "none")
        for word, nearest in self.unclear.items():
            index[word_key(word)] = VocabularyMatch("", nearest, "unclear")
        for word, allowed in self.words.items():
            index[word_key(word)] = VocabularyMatch(allowed)
        for word in reversed(self.allowed):
            index[word_key(word)] = VocabularyMatch(word)
        index.pop("", None)
        object.__setattr__(self, "index", MappingProxyType(index))
        object.__setattr__(self, "exact", frozenset(self.allowed))

    def lookup(self, text: str) -> VocabularyMatch:
        """The allowed word that `text` stands for. Closeness only ever suggests, it never decides."""
        plain = text.strip()
        if plain in self.exact:
            return VocabularyMatch(plain)
        if len(plain) > _LONGEST_WORD:
            return VocabularyMatch("", "", "unknown")
        key = word_key(plain)
        if match := self.index.get(key):
            return match
        for prefix in self.prefixes:
            if key.startswith(prefix) and (match := self.index.get(key[len(prefix) :])):
                return match
        if not key or says_nothing(plain):
            return VocabularyMatch("", "", "none" if plain else "blank")
        return self._parts(plain) or VocabularyMatch("", self.closest(key), "unknown")

    def _parts(self, text: str) -> VocabularyMatch | None:
        """`Espionage, financial gain`: the word all parts stand for or suggest, else unclear; None where none fits."""
        if len(text) > _LONGEST:
            return None
        pieces = [piece for piece in _PARTS.split(text) if word_key(piece)]
        if len(pieces) < 2:
            return None
        matches = [self.index.get(word_key(piece)) for piece in pieces]
        values = list(dict.fromkeys(match.value for match in matches if match and match.value))
        if not values:
            return None
        fits = all(match and (match.reason in ("found", "none") or match.nearest == values[0]) for match in matches)
        return VocabularyMatch(values[0]) if fits and len(values) == 1 else VocabularyMatch("", values[0], "unclear")

    def closest(self, text: str) -> str:
        """The allowed word whose spelling, or a synonym's, is nearest to `text`; empty where none is near."""
        from rapidfuzz import fuzz, process

        key = word_key(text)[:_LONGEST]
        if len(key) < 2:
            return ""
        found = process.extractOne(key, self.index.keys(), scorer=fuzz.ratio, score_cutoff=_CLOSE)
        if not found:
            return ""
        match = self.index[found[0]]
        return match.value or match.nearest

    def extended(
        self,
        words: Mapping[str, str] | None = None,
        allowed: Iterable[str] = (),
        nothing: Iterable[str] = (),
    ) -> Vocabulary:
        """This vocabulary with more synonyms (these win over its own), allowed words and words for nothing.

        A synonym of an empty word means that it says nothing. A target that was not allowed becomes so.
        """
        more = words or {}
        silent = (*nothing, *(word for word, target in more.items() if not target))
        words = {word: target for word, target in more.items() if target}
        overruled = {word_key(word) for word in (*words, *silent)}
        kept = {word: target for word, target in self.words.items() if word_key(word) not in overruled}
        return Vocabulary(
            self.name,
            tuple(dict.fromkeys((*self.allowed, *allowed, *words.values()))),
            {**kept, **words},
            MappingProxyType({w: near for w, near in self.unclear.items() if word_key(w) not in overruled}),
            (*(word for word in self.nothing if word_key(word) not in overruled), *silent),
            self.prefixes,
        )


def vocabulary_from(name: str, data: Mapping[str, Any]) -> Vocabulary:
    """A vocabulary of the regular YAML form: `words: {Allowed: [synonym, ...]}`, `unclear`, `nothing`, `prefixes`."""
    words = {str(word): [str(synonym) for synonym in synonyms or ()] for word, synonyms in data["words"].items()}
    return Vocabulary(
        name,
        tuple(words),
        {synonym: word for word, synonyms in words.items() for synonym in synonyms},
        MappingProxyType({str(word): str(near or "") for word, near in (data.get("unclear") or {}).items()}),
        tuple(str(word) for word in data.get("nothing") or ()),
        tuple(word_key(str(prefix)) for prefix in data.get("prefixes") or ()),
    )


@cache
def load_vocabulary(name: str) -> Vocabulary:
    """The shipped vocabulary of that name (one of `NAMES`); KeyError for any other."""
    if name not in NAMES:
        raise KeyError(name)
    return vocabulary_from(name, load_data(name))
