"""A text that is not UTF-8: whether it can only be Western European, and if not, which encodings it may be in.

Windows-1252 gives every byte a letter, so reading a Chinese or Turkish list as it never fails: it makes nonsense that
looks like names. So it is taken only where each word reads as a word of a Western language; else a person has to say.
"""

# ruff: noqa: RUF001
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_WORD = re.compile(rb"[A-Za-z\x80-\xff]++")
_HIGH = re.compile(rb"[\x80-\xff]+")
_PUNCTUATION = bytes(range(256)).translate(None, "–—‘’“”„…•€£§©®™°·«»¡¿\xa0´ºª²³½".encode("cp1252"))
"""All bytes but those: what is left of a word without its punctuation is letters, or no Western text."""
_RAISED = "´º°ª²³½".encode("cp1252")
"""Marks that stand behind a word or number, never before a letter."""
_LANGUAGES = tuple(
    frozenset(letters + letters.upper().replace("SS", ""))
    for letters in (
        "àâæçéèêëîïôœùûüÿ",  # French
        "äöüßéèà",
        "áéíñóúüï",  # Spanish
        "áâãàçéêíóôõúü",  # Portuguese
        "àèéìíîòóùú",  # Italian
        "àçéèíïóòúü",  # Catalan
        "æøåéóöäü",  # Danish, Norwegian
        "åäöéüšž",  # Swedish, Finnish, Estonian
        "ëïéèöüáó",  # Dutch
    )
)
CANDIDATES = (
    "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "cp1251", "cp1254", "cp1250", "cp1253", "cp1255", "cp1256",
    "koi8-r", "cp1252",
)  # fmt: skip
_SCRIPTS = {
    "gb18030": r"[\u4e00-\u9fff]",
    "big5": r"[\u4e00-\u9fff]",
    "shift_jis": r"[\u3040-\u30ff\u4e00-\u9fff]",
    "euc-jp": r"[\u3040-\u30ff\u4e00-\u9fff]",
    "euc-kr": r"[\uac00-\ud7a3]",
    "cp1251": r"[\u0430-\u044f\u0456\u0457\u0454]|(?<![\u0430-\u044f])[\u0410-\u042f]",
    "koi8-r": r"[\u0430-\u044f]|(?<![\u0430-\u044f])[\u0410-\u042f]",
    "cp1250": r"[ąćęłńóśźżáčďéěíňřšťúůýžäöüőűâîşţăđ]",
    "cp1253": r"[\u03ac-\u03ce]|(?<![\u03ac-\u03ce])[\u0386-\u03ab]",
    "cp1254": r"[çğıöşüâîûİŞĞÇÖÜ]",
    "cp1255": r"[\u05d0-\u05ea]",
    "cp1256": r"[\u0621-\u064a\u067e\u0686\u0698\u06af]",
    "cp1252": r"[à-öø-ÿß]",
}
_OTHER_LETTERS = ("cp1251", "cp1253", "cp1255", "cp1256", "koi8-r")
"""Encodings of scripts whose words hold no Latin letters."""


def is_western(text: bytes) -> bool:
    """Whether each word with other letters than ASCII can be one of a Western European language in Windows-1252."""
    return all(_is_western_word(word) for word in set(_WORD.findall(text)) if not word.isascii())


def _is_western_word(word: bytes) -> bool:
    for part in _without_punctuation(word):
        high = _HIGH.findall(part)
        if not high:
            continue
        many = sum(map(len, high))
        if max(map(len, high)) > 2 or (many > 1 and many == len(part)):
            return False
        try:
            letters = frozenset(b"".join(high).decode("cp1252"))
        except UnicodeDecodeError:
            return False
        if not any(letters <= language for language in _LANGUAGES):
            return False
    return True


def _without_punctuation(word: bytes) -> Iterator[bytes]:
    """The parts of a word between dashes, quotes and the like, of which there are at most three in a row."""
    marks = bytes(set(range(128, 256)) - set(_PUNCTUATION))
    pieces = re.split(b"([" + re.escape(marks) + b"]+)", word)
    for at, piece in enumerate(pieces):
        if at % 2 == 0:
            yield piece
        elif at + 1 < len(pieces) and pieces[at + 1] and piece[-1] in _RAISED:
            yield b"\xfe\xfe"
        elif len(piece) > 3 or (len(piece) > 1 and not set(piece) <= set("–—‘’“”„…«»\xa0".encode("cp1252"))):
            yield b"\xfe\xfe"  # marks in heaps are letters of another encoding


def candidates(text: bytes, most: int = 6) -> list[tuple[str, str]]:
    """The encodings in which the text can be read, likeliest first, each with how a word of it reads."""
    lines = [line for line in text.splitlines()[:2000] if not line.isascii()][:200]
    found = []
    for codec in CANDIDATES:
        try:
            read = b"\n".join(lines).decode(codec)
        except UnicodeDecodeError:
            continue
        others = [char for char in read if char > "\x7f"]
        fitting = len(re.findall(_SCRIPTS[codec], read))
        words = re.findall(r"\w*[^\x00-\x7f]+\w*", read)
        share = fitting / max(len(others), 1) * _usual(codec, b"\n".join(lines))
        if codec in _OTHER_LETTERS:
            share *= 1 - sum(bool(re.search("[A-Za-z]", word)) for word in words) / max(len(words), 1)
        found.append((share, codec, words[0][:20] if words else ""))
    found.sort(key=lambda one: -one[0])
    return [(codec, word) for share, codec, word in found if share > 0.3][:most] or [
        (codec, word) for _, codec, word in found[:most]
    ]


def _usual(codec: str, text: bytes) -> float:
    """How many of the two-byte characters are common ones: those of the first level come first in their tables."""
    common = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "euc-kr": (0xB0, 0xC8), "euc-jp": (0xA4, 0xCF)}
    if codec not in common:
        return 1.0
    low, high = common[codec]
    leads: list[int] = [run[at] for run in _HIGH.findall(text) for at in range(0, len(run) - 1, 2)]
    return 0.5 + 0.5 * sum(low <= lead <= high for lead in leads) / max(len(leads), 1)


def shown(found: Iterable[tuple[str, str]]) -> str:
    """Candidates for a sentence: `gb18030 (海莲花)`."""
    return ", ".join(f"{codec} ({word})" if word else codec for codec, word in found)
