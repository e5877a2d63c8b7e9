"""How near a header word is to the usual words of each field: bags of weighted tokens, compared both ways."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache

from msgspec import Struct

from importer.text.header_words import header_words

_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BRACKETS = re.compile(r"\([^()]{0,120}\)|\[[^\[\]]{0,120}\]|\uff08[^\uff08\uff09]{0,120}\uff09")
_RUN = re.compile("([\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]+)")
_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u200b-\u200f]")
"""Accents and vowel points; the marks of kana make other letters, and stay."""
_ENDING = re.compile(r"(?:ations?|ungen|ung|ings?|ions?|ies|es|ed|en|er|(?<![aisu])s|[eyaoi])\Z")
_SHORTEST_STEM = 4
_SLIP = 5
"""Letters of a word that may hold a slip."""
_FILLER, _STRANGE = 0.12, 0.45
LONGEST = 120


@lru_cache(maxsize=32_768)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a header in one spelling: lower case, no accents; Chinese, Japanese and Korean runs as bigrams."""
    text = _CAMEL.sub(" ", text[:LONGEST])
    if text.isascii():
        return tuple(_WORD.findall(text.lower()))
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text).casefold())
    found: list[str] = []
    for run in _RUN.split(unicodedata.normalize("NFC", text)):
        if _RUN.fullmatch(run):
            found += [run] if len(run) < 3 else [run[at : at + 2] for at in range(len(run) - 1)]
        else:
            found += _WORD.findall(run)
    return tuple(found)


@lru_cache(maxsize=32_768)
def stem(word: str) -> str:
    """A word without its ending, so that `targeted` and `targets` are one; a word of four letters keeps them."""
    ending = _ENDING.search(word, _SHORTEST_STEM)
    return word[: ending.start()] if ending else word


class Near(Struct, frozen=True):
    """How near a header is to one field, 0 to 1, and by which of the field's words."""

    score: float
    word: str


NOWHERE = Near(0.0, "")
WHOM = "whom"
"""The kind under which a header is found that has a word of victims and targets alone in it, whatever else it says."""


class _Phrase(Struct, frozen=True):
    kind: str
    word: str
    stems: frozenset[str]
    weight: float


class HeaderMatcher:
    """The usual words of every kind of column, ready to be compared with headers."""

    def __init__(
        self,
        words: Mapping[str, Iterable[str]],
        fillers: Iterable[str],
        short: Mapping[str, str],
        other: Iterable[str] = (),
    ) -> None:
        self._other = frozenset(stem(token) for word in other for token in tokens(word))
        """Words of other lists, which are no slips."""
        self._short = {key: stem(tokens(word)[0]) for key, word in short.items()}
        self._fillers = frozenset(stem(token) for word in fillers for token in tokens(word))
        bags = {
            (kind, word): frozenset(map(stem, tokens(word)))
            for kind, listed in words.items()
            for word in listed
            if not word.startswith("@")
        }
        kinds: dict[str, set[str]] = {}
        for (kind, _), bag in bags.items():
            for one in bag:
                kinds.setdefault(one, set()).add(kind)
        # A token tells the more the fewer kinds of column it occurs in.
        self._weights = {one: 0.4 + 0.6 / len(found) for one, found in kinds.items()}
        self._weights |= dict.fromkeys(self._fillers, _FILLER)
        self._whom = {one for one, found in kinds.items() if found <= {"targets", "none"} and "targets" in found}
        self._whom -= self._fillers
        self._by_token: dict[str, list[_Phrase]] = {}
        together: dict[str, list[_Phrase]] = {}
        for (kind, word), bag in bags.items():
            phrase = _Phrase(kind, word, bag, sum(self._weights[one] for one in bag))
            for one in bag:
                if one not in self._fillers or bag <= self._fillers:
                    self._by_token.setdefault(one, []).append(phrase)
            if len(bag) > 1:
                together.setdefault("".join(tokens(word)), []).append(phrase)
        self._together = together
        by_letter: dict[str, list[str]] = {}
        for one in kinds:
            if len(one) >= _SLIP - 1:
                by_letter.setdefault(one[0], []).append(one)
        self._by_letter = by_letter
        self._found: dict[tuple[str, ...], dict[str, Near]] = {}

    def near(self, bag: tuple[str, ...]) -> dict[str, Near]:
        """The nearest word of each kind to these tokens; kinds that share nothing with them are absent."""
        if bag not in self._found:
            self._found[bag] = self._near(bag)
        return self._found[bag]

    def _near(self, bag: tuple[str, ...]) -> dict[str, Near]:
        meant: dict[str, float] = {}
        for token in bag:
            one, certainty = self._known(token)
            meant[one] = max(certainty, meant.get(one, 0.0))
        whole = sum(self._weights.get(one, _STRANGE) for one in meant)
        best = {phrase.kind: Near(1.0, phrase.word) for phrase in self._together.get("".join(bag), ())}
        for phrase in {id(phrase): phrase for one in meant for phrase in self._by_token.get(one, ())}.values():
            shared = sum(self._weights[one] * meant[one] for one in phrase.stems if one in meant)
            score = 2 * shared / (whole + phrase.weight)
            if score > best.get(phrase.kind, NOWHERE).score:
                best[phrase.kind] = Near(score, phrase.word)
        if whom := next((one for one in meant if one in self._whom), ""):
            best[WHOM] = Near(1.0, whom)
        return best

    def _known(self, token: str) -> tuple[str, float]:
        """The stem that a token stands for, and how sure that is: short forms and slips of the pen are less so."""
        one = stem(token)
        if one in self._weights:
            return (self._short[token], 0.95) if token in self._short and one not in self._by_token else (one, 1.0)
        if token in self._short:
            return self._short[token], 0.9
        if len(token) >= _SLIP and token.isalpha() and one not in self._other:
            from rapidfuzz.distance import OSA

            allowed = 1 if len(token) < 8 else 2
            found = (
                (OSA.distance(one, known, score_cutoff=allowed), known)
                for known in self._by_letter.get(one[0], ())
                if _may_be_slip(one, known)
            )
            distance, known = min(found, default=(len(one), ""))
            if distance <= allowed:
                return known, 0.85
        if len(token) >= 4 and token.isascii():
            longer = [known for known in self._by_letter.get(token[0], ()) if known.startswith(token)]
            if longer:
                return min(longer, key=len), 0.7
        return one, 1.0


def _may_be_slip(word: str, known: str) -> bool:
    """In a short word a letter is left out, doubled or swapped with its neighbour; `movie` is not `movil`."""
    return max(len(word), len(known)) > 6 or len(word) != len(known) or sorted(word) == sorted(known)


@cache
def matcher() -> HeaderMatcher:
    """The matcher for the words of config/header-words.yaml."""
    words = header_words()
    listed: dict[str, Sequence[str]] = {**words.fields, "targets": words.targets, "none": (*words.none, *words.record)}
    listed["aliasGroupNamesInternal"] = (*words.fields["aliasGroupNamesInternal"], *words.vendors)
    other = (word for held in words.other_lists.values() for word in (*held.words, *held.light))
    return HeaderMatcher(listed, words.fillers, words.short, other)


def near_headers(columns: Sequence[str]) -> list[dict[str, Near]]:
    """For each header of one table the nearest word of each kind of column.

    Brackets are remarks, both sides of `Actor / Akteur` say the same, and of a path (`profile.country.code`) the last
    part alone counts nearly as much. A token that most headers share (`ta.name`, `ta.origin`) says nothing.
    """
    forms = [_forms(column) for column in columns]
    counts = Counter(token for ways in forms for token in {token for way, _ in ways for token in way})
    common = {token for token, count in counts.items() if count >= 3 and count >= 0.5 * len(columns)}
    found = []
    for ways in forms:
        best: dict[str, Near] = {}
        for way, worth in ways:
            bag = tuple(token for token in way if token not in common) or way
            for kind, near in matcher().near(bag).items():
                if near.score * worth > best.get(kind, NOWHERE).score:
                    best[kind] = Near(near.score * worth, near.word)
        found.append(best)
    return found


@lru_cache(maxsize=8_192)
def _forms(column: str) -> tuple[tuple[tuple[str, ...], float], ...]:
    """The bags of tokens that a header may mean, each with how much it counts."""
    bare = _BRACKETS.sub(" ", column)
    texts = {bare if tokens(bare) else column: 1.0}
    for part in re.split(r"\s*[/|]\s*|\n", bare):
        texts.setdefault(part, 0.97)
    if "." in bare.strip(". ") and " " not in bare.strip():
        texts.setdefault(bare.strip(". ").rpartition(".")[2], 0.9)
    return tuple((bag, worth) for text, worth in texts.items() if (bag := _numberless(tokens(text))))


def _numberless(bag: tuple[str, ...]) -> tuple[str, ...]:
    """`Alias 2` is an alias; a header that is nothing but a number stays one."""
    return tuple(token for token in bag if not token.isdigit()) or bag
