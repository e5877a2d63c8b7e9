"""The short way to an identity key is the long way."""

from __future__ import annotations

import random
import sys
import unicodedata

import pytest

from importer.fields.names import _settled, identity_key, identity_keys, loose_key, loose_keys

PLANES = [(0x80, 0x3000), (0x3000, 0xD800), (0xE000, 0x20000), (0x20000, sys.maxunicode + 1)]


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: f"{plane[0]:x}")
def test_every_character_in_three_places(plane: tuple[int, int]) -> None:
    """Alone, between letters and behind a blank: each character gives the key that folding it for long gives."""
    sound = [chr(code) for code in range(*plane) if unicodedata.category(chr(code)) not in ("Cn", "Co")]
    wrong = [
        text
        for character in sound
        for text in (character, f"a{character}\u0436", f"\u4e2d {character}")
        if not text.isascii() and identity_key(text) != _settled(text)
    ]
    assert wrong == []


def test_random_texts() -> None:
    """Any mixture of alphabets, marks, blanks and signs."""
    dice = random.Random(7)
    odd = [*"aZ09 -_.\u00a0\u200b\u0301\u0308\u0130\u00df\u1e9e\u01c5\u2212\u2014\u1160\u115f"]
    odd += [*"\uff21\ufb01\u00b5\u0345\u1100\u1161\u3164"]
    starts = (0x400, 0x370, 0x4E00, 0x627, 0xAC00, 0x900, 0xE0)
    alphabets = [chr(code) for start in starts for code in range(start, start + 40)]
    some: list[str] = []
    for _ in range(60_000):
        text = "".join(dice.choices(odd if dice.random() < 0.3 else odd + alphabets, k=dice.randint(1, 9)))
        if not text.isascii():
            assert identity_key(text) == _settled(text), ascii(text)
            assert loose_key(text) == _loose_for_long(text), ascii(text)
        some = [*some, text] if len(some) < dice.randint(1, 5) else [text]
        keys = identity_keys(some)
        assert keys == list(map(identity_key, some)), ascii(some)
        assert loose_keys(keys) == list(map(loose_key, some)), ascii(some)


def _loose_for_long(text: str) -> str:
    """Letters, marks and digits alone, until nothing changes."""
    key = identity_key(text)
    for _ in range(6):
        if key.isalnum():
            break
        folded = identity_key("".join(c for c in key if unicodedata.category(c)[0] in "LNM"))
        if folded == key:
            break
        key = folded
    return "".join(filter(str.isalnum, key)) if key.isascii() else key
