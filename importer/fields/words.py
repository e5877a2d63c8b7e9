"""The shipped tables of words, what spellings of one word share, and the words that say nothing.

`?`, `Unknown`, `N/A`, `#REF!` and their like say nothing in any field, save where a vocabulary has the word itself and
where it is a country's code. The list: config/vocabularies/nothing.yaml.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

from importer.shipped import shipped_yaml

_LONGEST = 40
_COMPATIBLE = "\uf900"
"""From here on characters are other forms of those before."""
_BARE = {number: None for number in range(128) if not chr(number).isalnum()}
_SYMBOLS = ("P", "Sm", "Sk", "Z", "Cf", "M")
"""Kinds of characters of which a text may consist and say nothing; `$$$` and an emoji may be names."""
_DITTO = re.compile("[\\s-]*[\"'\u2019\u201d\u201e\u2033\u3003\u2191^][\"'\u2019\u201d\u201e\u2033\u3003\u2191^\\s-]*")


@cache
def load_data(name: str) -> Mapping[str, Any]:
    """The shipped YAML `config/vocabularies/NAME.yaml`, as data."""
    return MappingProxyType(shipped_yaml("vocabularies", f"{name}.yaml"))


def word_key(text: str) -> str:
    """What spellings of one word share: letters and digits, without case or accents."""
    text = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in text if character.isalnum())


def says_nothing(text: str) -> bool:
    """Whether a text that is not blank says that nothing is known, or nothing at all."""
    if len(text) > _LONGEST or says_something(text[:4]):  # most names
        return False
    if text.isascii() and (bare := text.translate(_BARE)):
        return bare.lower() in _nothing() or _is_literal(text.strip().lower())
    return _remembered(text)


@lru_cache(maxsize=16_384)
def says_something(head: str) -> bool:
    """Whether no text that begins with these four characters can be one of the words."""
    head = head.lower()
    if head.isascii() and head.isalnum() and head not in _heads():
        return True
    return head[:2].isalnum() and head[:2] not in _heads() and head[:2] < _COMPATIBLE


@lru_cache(maxsize=16_384)
def _remembered(text: str) -> bool:
    key = word_key(text)
    if key in _nothing():
        return True
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    if not key:
        return bool(plain) and all(unicodedata.category(character).startswith(_SYMBOLS) for character in plain)
    return _is_literal(plain)


def _is_literal(plain: str) -> bool:
    return plain in _literally() or (plain[:1] in "#ef" and _error().fullmatch(plain) is not None)


@cache
def nothing_words() -> tuple[str, ...]:
    """The words of the list, as they are written there."""
    return tuple(str(word) for group in load_data("nothing")["words"] for word in group)


@cache
def _nothing() -> frozenset[str]:
    return frozenset(map(word_key, nothing_words())) | _referring()


def refers_elsewhere(text: str) -> bool:
    """Whether a text that says nothing stands for another cell: `same as above`, a ditto mark."""
    return word_key(text) in _referring() if word_key(text) else bool(_DITTO.fullmatch(text.strip()))


@cache
def _referring() -> frozenset[str]:
    return frozenset(word_key(str(word)) for word in load_data("nothing")["refers"])


@cache
def _heads() -> frozenset[str]:
    """How a text begins that may be one of the words, by two and by four characters; for a quick no."""
    words = (
        *nothing_words(),
        *load_data("nothing")["refers"],
        *_literally(),
        *load_data("nothing")["errors"]["begins"],
    )
    spelt = {form for word in words for form in (word_key(word), word.lower())}
    return frozenset(form[:length] for form in spelt for length in (2, 4))


@cache
def _literally() -> frozenset[str]:
    data = load_data("nothing")
    return frozenset(str(word).casefold() for word in (*data["literal"], *data["errors"]["whole"]))


@cache
def _error() -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(map(re.escape, load_data('nothing')['errors']['begins']))})\s?\d{{1,4}}")
