"""Names: as they are shown, as they identify, and loosely, for the warning about punctuation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_BLANKS = re.compile(r"\s+")
_PUNCTUATION = bytes(number for number in range(128) if not chr(number).isalnum() and number != 10)
_INVISIBLE_ENDS = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f"
# Zero-width, bidi and other format characters; variation selectors; the fillers that show nothing.
_INVISIBLE_MARKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
# Characters that a name holds by accident, or to pass for another: soft hyphens, zero-width spaces, bidi controls and
# isolates, tag characters. ZWNJ and ZWJ are not among them: Persian and Indic names need them.
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_MINUS = "\u2212"
# All of these, the other format characters and the dashes: only a text that holds one is folded the long way.
_FOLDED = re.compile(
    "[\u00ad\u034f\u058a\u05be\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u115f-\u1160\u1400\u17b4-\u17b5\u1806"
    "\u180b-\u180f\u200b-\u2015\u202a-\u202e\u2060-\u2064\u2066-\u206f\u2212\u2e17\u2e1a\u2e3a-\u2e3b\u2e40\u2e5d\u301c\u3030"
    "\u30a0\u3164\ufe00-\ufe0f\ufe31-\ufe32\ufe58\ufe63\ufeff\uff0d\uffa0\ufff9-\ufffb\U00010ead\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ROUNDS = 6
_LONGEST_KEPT = 200


def clean(text: str) -> str:
    """The name to show: trimmed, with each run of blanks, NBSP and line breaks made one blank; else as written."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    before = None
    while text != before:
        before = text
        text = _BLANKS.sub(" ", text).strip().strip(_INVISIBLE_ENDS)
    return text


def composed(text: str) -> str:
    """What two spellings of one link share: NFC, trimmed."""
    return unicodedata.normalize("NFC", text).strip()


def hidden_characters(text: str) -> list[str]:
    """Those of a text that nobody sees, each once, as `U+200B`."""
    if text.isascii():
        return []
    return [f"U+{ord(character):04X}" for character in dict.fromkeys(_HIDDEN.findall(text))]


def identity_key(name: str) -> str:
    """What two spellings of one name share: NFKC, case folded, blanks collapsed, dashes made `-`, nothing invisible.

    Never empty for a name that has a character other than a blank: `?`, `$$$` and `???` keep keys of their own.
    """
    if name.isascii():
        return " ".join(name.split()).lower()
    key = " ".join(name.casefold().split())
    # Nearly every name: the same in a tenth of the time. (U+0345 is the one mark that folding makes a letter.)
    if unicodedata.is_normalized("NFKC", key) and "\u0345" not in name:
        if key.replace(" ", "").isalnum() and "\u1160" not in key and "\u115f" not in key:
            return key
        if not _FOLDED.search(key):
            return key or name.strip()
    return _settled(name) if len(name) > _LONGEST_KEPT else _remembered(name)


def _settled(name: str) -> str:
    key = name
    for _ in range(_ROUNDS):  # folding can undo normalising and the other way round; a few rounds settle every text
        folded = _fold(key)
        if folded == key:
            break
        key = folded
    return key or name.strip()


_remembered = lru_cache(maxsize=16_384)(_settled)


def identity_keys(names: Sequence[str]) -> list[str]:
    """`identity_key` of each; most need no look of their own."""
    text = "\n".join(names)
    if "  " in text or not text.replace("\n", "").isprintable() or text.count("\n") != len(names) - 1:
        return list(map(identity_key, names))
    if " \n" in text or "\n " in text or text[:1] == " " or text[-1:] == " ":
        text = "\n".join(map(str.strip, names))
    if text.isascii():
        return text.lower().split("\n")
    keys = text.casefold()
    if _FOLDED.search(keys) or "\u0345" in text or not unicodedata.is_normalized("NFKC", keys):
        return list(map(identity_key, names))
    return keys.split("\n")


def loose_key(name: str) -> str:
    """The identity key without blanks and punctuation: `APT-28`, `APT 28` and `apt28` are alike. May be empty."""
    return loose_keys([identity_key(name)])[0]


def loose_keys(keys: Sequence[str]) -> list[str]:
    """The same of each of these identity keys."""
    text = "\n".join(keys)
    if text.count("\n") != len(keys) - 1:
        return list(map(_loose_key, keys))
    if text.isascii():
        return text.encode().translate(None, _PUNCTUATION).decode().split("\n")
    signs = [letter for letter in set(text) if letter != "\n" and unicodedata.category(letter)[0] not in "LNM"]
    bare = text.translate(dict.fromkeys(map(ord, signs)))
    if unicodedata.is_normalized("NFKC", bare):  # parts of Hangul, or a mark and a letter, may join where a blank was
        return bare.split("\n")
    return list(map(_loose_key, keys)) if len(keys) < 2 else [loose_keys([key])[0] for key in keys]


def _loose_key(key: str) -> str:
    for _ in range(_ROUNDS):  # a mark that followed a blank joins the letter before it
        if key.isalnum():
            break
        bare = "".join(character for character in key if unicodedata.category(character)[0] in "LNM")
        folded = identity_key(bare)
        if folded == key:
            break
        key = folded
    return key


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = _INVISIBLE_MARKS.sub("", text)
    text = "".join(map(_plain, text))
    return _BLANKS.sub(" ", text).strip()


def _plain(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    return "-" if category == "Pd" or character == _MINUS else character
