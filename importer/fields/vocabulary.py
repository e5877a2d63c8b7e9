"""Vocabularies as data: the words the API knows, and which words of others stand for them.

A text is looked up as a whole; then without what leaves its meaning alone (`Hacktivists`, `Ransomware Gang`,
`Nation-State (Russia)`); then in its parts; then for the phrases in it. It decides only where all of it that is
understood says the same, and nothing casts doubt on it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from importer.fields.words import load_data, says_nothing, word_key

NAMES = ("actor-category", "motive", "sophistication", "level", "confidence", "tlp")
_CLOSE = 75.0
_SHORTEST = 4
"""Letters from which on spellings can be near each other."""
_LONGEST = 200
_LONGEST_WORD = 2_000
_LONGEST_PHRASE = 6
_PARTS = re.compile(r"[,;/|&\n\u3001\uff0c\uff1b]|\s(?:and|or|und|oder|et|ou|y|e)\s", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_]+")
_REMARK = re.compile(r"(?P<word>[^()\[\]]+?)\s*[(\[](?P<remark>[^()\[\]]*)[)\]]")


class VocabularyMatch(Struct, frozen=True):
    """What a text is in a vocabulary."""

    value: str
    """The allowed word; empty where there is none."""
    nearest: str = ""
    """The allowed word that comes closest, where `value` is empty and one is close."""
    reason: str = "found"
    """`found`, `blank`, `none` (says that nothing is known), `unclear` (known, but it could be several), `unknown`."""
    values: tuple[str, ...] = ()
    """The allowed words of a text that holds several."""


class Vocabulary(Struct, frozen=True, dict=True):
    """Allowed words and synonyms. Case, blanks, hyphens and underscores make no difference in a look-up."""

    name: str
    allowed: tuple[str, ...]
    words: Mapping[str, str] = MappingProxyType({})
    """Synonym, as a person writes it -> allowed word."""
    unclear: Mapping[str, str] = MappingProxyType({})
    """Words that could be several -> the likeliest allowed word (a suggestion only), or empty."""
    nothing: tuple[str, ...] = ()
    """Words that say that nothing is known, beside those that say so everywhere."""
    prefixes: tuple[str, ...] = ()
    """What may stand before a word (`TLP:`)."""
    around: frozenset[str] = frozenset()
    """Words beside a word that leave its meaning alone (`group`), as `_stem` makes them."""
    sentences: bool = False
    """Whether a sentence decides of which two thirds of the words are understood; else all of them must be."""

    @cached_property
    def index(self) -> Mapping[str, VocabularyMatch]:
        """Every word, by its key."""
        return MappingProxyType({key: match for word, match in self._matches() if (key := word_key(word))})

    @cached_property
    def exact(self) -> frozenset[str]:
        return frozenset(self.allowed)

    @cached_property
    def phrases(self) -> Mapping[tuple[str, ...], VocabularyMatch]:
        """Every word, by its stems, with and without the words around it; none of which two words differ."""
        found: dict[tuple[str, ...], VocabularyMatch] = {}
        for word, match in self._matches():
            found[_stems(word)] = match
        short: dict[tuple[str, ...], VocabularyMatch] = {}
        for stems, match in found.items():
            bare = tuple(stem for stem in stems if stem not in self.around)
            if short.setdefault(bare, match) != match:
                short[bare] = VocabularyMatch("", "", "unclear")
        return MappingProxyType({stems: match for stems, match in {**short, **found}.items() if stems})

    def _matches(self) -> Iterator[tuple[str, VocabularyMatch]]:
        """Words and what they are; later ones stand above earlier ones."""
        for word in self.nothing:
            yield word, VocabularyMatch("", "", "none")
        for word, nearest in self.unclear.items():
            yield word, VocabularyMatch("", nearest, "unclear")
        for word, allowed in self.words.items():
            yield word, VocabularyMatch(allowed)
        for word in reversed(self.allowed):
            yield word, VocabularyMatch(word)

    def lookup(self, text: str) -> VocabularyMatch:
        """The allowed word that `text` stands for. Closeness only ever suggests, it never decides."""
        plain = text.strip()
        if plain in self.exact:
            return VocabularyMatch(plain)
        if not plain:
            return VocabularyMatch("", "", "blank")
        if len(plain) > _LONGEST_WORD:
            return VocabularyMatch("", "", "unknown")
        if match := self.word(plain):
            return match
        if len(plain) > _LONGEST:
            return VocabularyMatch("", self.closest(plain), "unknown")
        match = self._remarked(plain) or self._parts(plain) or self._sentence(plain)
        meant = self._slip(plain)
        if meant and (match is None or match.value != meant):
            return VocabularyMatch("", meant, "unknown")
        return match or VocabularyMatch("", self.closest(plain), "unknown")

    def word(self, text: str) -> VocabularyMatch | None:
        """The text as one word, as it is written or inflected, with the words around it or without."""
        key = word_key(text)
        if match := self.index.get(key):
            return match
        for prefix in self.prefixes:
            if key.startswith(prefix) and (match := self.index.get(key[len(prefix) :])):
                return match
        if not key or says_nothing(text):
            return VocabularyMatch("", "", "none")
        if len(text) > _LONGEST:
            return None
        stems = _stems(text)
        match = self.phrases.get(stems) or self.phrases.get(tuple(stem for stem in stems if stem not in self.around))
        return match if match and match.reason != "none" else None

    def _remarked(self, text: str) -> VocabularyMatch | None:
        """`Nation-State (Russia)`: a remark that is a country, or says the same or nothing, changes nothing."""
        pair = _REMARK.fullmatch(" ".join(text.split()))
        match = self.word(pair["word"]) if pair else None
        if pair is None or match is None or not match.value:
            return None
        remark = self.lookup(pair["remark"]) if pair["remark"].strip() else match
        if remark.value == match.value or remark.reason == "none" or _is_country(pair["remark"]):
            return match
        return VocabularyMatch("", match.value, "unclear", tuple(filter(None, (match.value, remark.value))))

    def _parts(self, text: str) -> VocabularyMatch | None:
        """`Espionage, financial gain`: the word all parts stand for or suggest, else unclear; None where none fits."""
        pieces = [piece for piece in _PARTS.split(text) if word_key(piece)]
        if len(pieces) < 2:
            return None
        matches = [self.word(piece) for piece in pieces]
        values = tuple(dict.fromkeys(match.value for match in matches if match and match.value))
        if not values or (len(values) == 1 and not all(matches)):
            return None
        fits = all(match and (match.reason in ("found", "none") or match.nearest == values[0]) for match in matches)
        if fits and len(values) == 1:
            return VocabularyMatch(values[0])
        return VocabularyMatch("", values[0], "unclear", values)

    def _sentence(self, text: str) -> VocabularyMatch | None:
        """The word that the phrases of a text stand for; unclear where they differ or are doubted."""
        stems = _stems(text)
        for at, stem in enumerate(stems):
            if stem in _word_table("against") and at:
                stems = stems[:at]
                break
        found: list[VocabularyMatch] = []
        covered = rest = at = 0
        doubted = "?" in text
        while at < len(stems):
            length, match = self._longest(stems[at:])
            if match is not None:
                found.append(match)
                covered += length
            elif stems[at] in _word_table("doubt"):
                doubted = True
            elif not (length := self._neutral(stems[at:])):
                rest += 1
            at += max(length, 1)
        said = [match for match in found if match.reason != "none"]
        if not said:
            return None
        values = tuple(dict.fromkeys(match.value for match in said if match.value))
        nearest = {match.value or match.nearest for match in said}
        if len(nearest) == 1 and values and not doubted and covered >= rest * (2 if self.sentences else 1_000):
            return VocabularyMatch(values[0])
        if not values and (rest or doubted) and not self.sentences:
            return None
        clear = not doubted and len(nearest) == 1 and len(values) == 1
        near = next(iter(nearest)) if len(nearest) == 1 else ""
        return VocabularyMatch("", near, "unknown" if clear else "unclear", values)

    def _longest(self, stems: Sequence[str]) -> tuple[int, VocabularyMatch | None]:
        for length in range(min(len(stems), _LONGEST_PHRASE), 0, -1):
            match = self.phrases.get(tuple(stems[:length]))
            if match is not None and not (length == 1 and stems[0] in self.around):
                return length, match
        return 0, None

    def _neutral(self, stems: Sequence[str]) -> int:
        """How many of the first words leave the meaning alone: words around, little words, a country's name."""
        if stems[0] in self.around or stems[0] in _word_table("little"):
            return 1
        return next((length for length in (1, 2, 3) if _is_country(" ".join(stems[:length]))), 0)

    def closest(self, text: str) -> str:
        """The allowed word whose spelling, or a synonym's, is nearest to `text`; empty where none is near."""
        from rapidfuzz import fuzz, process

        key = word_key(text)[:_LONGEST]
        if len(key) < _SHORTEST:
            return ""
        found = process.extractOne(key, self.index.keys(), scorer=fuzz.ratio, score_cutoff=_CLOSE)
        if not found:
            return ""
        match = self.index[found[0]]
        return match.value or match.nearest

    def _slip(self, text: str) -> str:
        """The allowed word that a slip of one letter, or of two that changed places, makes `text`; empty for none."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        key = word_key(text)
        key = next((key[len(prefix) :] for prefix in self.prefixes if key.startswith(prefix)), key)
        found = process.extract(key, self.index.keys(), scorer=OSA.distance, score_cutoff=1, limit=None)
        near = [word for word, _, _ in found]
        if len(key) < _SHORTEST:  # of three letters any other three are near, save the same ones
            near = [word for word in near if sorted(word) == sorted(key) or len(word) >= _SHORTEST]
        own = {self.index[word].value for word in near if word in self._own}
        meant = own if len(own) == 1 else {self.index[word].value for word in near}
        return meant.pop() if len(meant) == 1 else ""

    @cached_property
    def _own(self) -> frozenset[str]:
        """The keys of allowed words."""
        return frozenset(map(word_key, self.allowed))

    def word_for(self, value: str, text: str) -> str:
        """The word for an allowed word that is nearest to `text`: `high` for 9; `value` itself where there is none."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        words = [word for word, meant in self.words.items() if meant == value]
        return process.extractOne(text.casefold(), words, scorer=OSA.distance)[0] if words else value

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
            self.around,
            self.sentences,
        )


def _stems(text: str) -> tuple[str, ...]:
    """The words of a text without case, accents and the endings of plurals."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(character for character in text if not unicodedata.combining(character))
    return tuple(map(_stem, _TOKEN.findall(text.casefold().replace("'s", "").replace("\u2019s", ""))))


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _is_country(text: str) -> bool:
    from importer.fields.countries import resolve

    text = text.strip().casefold().removeprefix("pro-").removeprefix("pro ")
    return len(text) > 2 and bool(resolve(text).code)


@cache
def _word_table(name: str) -> frozenset[str]:
    """Words of sentences: `little` ones, words of `doubt`, and those (`against`) behind which victims are named."""
    return frozenset(_stem(str(word)) for word in load_data("sentences")[name])


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
        frozenset(_stem(str(word)) for word in data.get("around") or ()),
        bool(data.get("sentences")),
    )


@cache
def load_vocabulary(name: str) -> Vocabulary:
    """The shipped vocabulary of that name (one of `NAMES`); KeyError for any other."""
    if name not in NAMES:
        raise KeyError(name)
    return vocabulary_from(name, load_data(name))
