"""Which encoding a text is in, and bytes of another one in it; of a text that cannot be told, what it may be in."""

# ruff: noqa: RUF001
from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from msgspec import Struct

from importer.model import Issue, Place, Severity

_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 20
_STRAY = re.compile("[\udc80-\udcff]")
_STRAY_PAIR = re.compile(r"[\udc80-\udcff][^\x00-\x7f]|[^\x00-\x7f][\udc80-\udcff]")
"""A byte that is not UTF-8 beside another letter that is not ASCII: no letter of Windows-1252 that was pasted in."""
_CONTROLS = frozenset(range(32)) - {0, 9, 10, 11, 12, 13, 26, 27, 28, 29, 30, 31, 1, 2}


class Encoding(Struct, frozen=True):
    """How a text is decoded, and how that was found out."""

    codec: str
    """A Python codec name."""
    errors: str = "strict"
    """The error handler that goes with it."""
    reason: str = "valid"
    """mark, pattern, valid, asked, guessed (not UTF-8: read as Windows-1252), mixed (UTF-8 with stray bytes) or
    unknown (neither UTF-8 nor Western text)."""

    @property
    def shown(self) -> str:
        names = {"utf-8-sig": "UTF-8 with byte order mark", "cp1252": "Windows-1252", "latin-1": "ISO-8859-1"}
        return names.get(self.codec, self.codec.upper())


def marked(head: bytes) -> str:
    """The codec that a byte order mark announces, else nothing."""
    return next((codec for mark, codec in _MARKS if head.startswith(mark)), "")


def detect(stream: BinaryIO) -> Encoding:
    """The encoding of the whole stream, which is read once to its end; the caller rewinds it."""
    head = stream.read(_CHUNK)
    codec = marked(head)
    if codec and codec != "utf-8-sig":
        return Encoding(codec, reason="mark")
    utf8 = codec or "utf-8"
    pattern = "" if codec else _utf16_pattern(head)
    if pattern:
        return Encoding(pattern, reason="pattern")
    bad, good, western, single = 0, 0, True, True
    for chunk in _whole_lines(head, stream):
        try:
            good += 0 if chunk.isascii() else len(chunk) - len(chunk.decode("utf-8"))
        except UnicodeDecodeError:
            wrong = chunk.decode("utf-8", "surrogateescape")
            lost = sum(1 for char in wrong if "\udc80" <= char <= "\udcff")
            bad += lost
            good += sum(1 for char in wrong if char > "\x7f") - lost
            western = western and is_western(chunk)
            single = single and not _STRAY_PAIR.search(wrong)
    if not bad:
        return Encoding(utf8, reason="mark" if codec else "valid")
    if codec or good > bad:
        return Encoding(utf8, "surrogateescape", "mixed" if single else "unknown")
    return Encoding("cp1252", reason="guessed" if western else "unknown")


def decode_head(head: bytes, encoding: str = "") -> str | None:
    """The beginning of a text well enough to tell what it is, None for binary data."""
    codec = encoding or marked(head) or _utf16_pattern(head)
    if codec:
        try:
            return head.decode(codec, "replace")
        except LookupError:
            return head.decode("latin-1")
    if sum(1 for byte in head if byte in _CONTROLS) > len(head) // 50 or head.count(0) > len(head) // 10:
        return None
    return head.decode("utf-8", "replace")


def stray_bytes(text: str) -> str:
    """A text decoded with surrogateescape, its stray bytes read as Windows-1252."""
    return "".join(
        bytes([ord(char) - 0xDC00]).decode("cp1252", "replace") if "\udc80" <= char <= "\udcff" else char
        for char in text
    )


def _utf16_pattern(head: bytes) -> str:
    """UTF-16 without a mark: in a text with much ASCII every other byte is zero."""
    pairs = len(head) // 2
    if pairs < 2 or b"\x00" not in head:
        return ""
    even, odd = head[0 : pairs * 2 : 2].count(0), head[1 : pairs * 2 : 2].count(0)
    if odd * 10 >= pairs * 3 and even * 20 < pairs:
        return "utf-16-le"
    if even * 10 >= pairs * 3 and odd * 20 < pairs:
        return "utf-16-be"
    return ""


def _whole_lines(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """The stream in chunks that do not cut a character: each ends behind a line break, where there is one."""
    kept = b""
    chunk = head
    while chunk:
        kept += chunk
        cut = kept.rfind(b"\n") + 1 or _whole_characters(kept)
        yield kept[:cut]
        kept = kept[cut:]
        chunk = stream.read(_CHUNK)
    if kept:
        yield kept


def _whole_characters(data: bytes) -> int:
    """How much of the data is whole characters, if it is UTF-8."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            return len(data) - back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else len(data)
        if byte < 0x80:
            break
    return len(data)


class StrayBytes:
    """Bytes that are not UTF-8 in a text that otherwise is."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: list[int] = []
        self._example = ""

    def watch(self, text: Iterator[str]) -> Iterator[str]:
        for number, line in enumerate(text, 1):
            if not line.isascii() and _STRAY.search(line):
                fixed = stray_bytes(line)
                self._lines.append(number)
                self._example = self._example or fixed.strip()[:200]
                yield fixed
            else:
                yield line

    def issues(self) -> Iterator[Issue]:
        if self._lines:
            shown = ", ".join(str(number) for number in self._lines[:20])
            more = f" and {len(self._lines) - 20:,} more" if len(self._lines) > 20 else ""
            yield Issue(
                Severity.WARNING,
                "encoding-mixed",
                f"The file is UTF-8, but bytes in line {shown}{more} are not; they were read as Windows-1252.",
                Place(self._file, row=self._lines[0]),
                value=self._example,
            )


# Windows-1252 gives every byte a letter, so reading a Chinese or Turkish list as it never fails: it makes nonsense that
# looks like names. So it is taken only where each word reads as a word of a Western language; else a person has to say.

_WORD = re.compile(rb"[A-Za-z\x80-\xff]++")
_HIGH = re.compile(rb"[\x80-\xff]+")
_PUNCTUATION = bytes(range(256)).translate(None, "–—‘’“”„…•€£§©®™°·«»¡¿\xa0´ºª²³½".encode("cp1252"))
"""All bytes but those: what is left of a word without its punctuation is letters, or no Western text."""
_RAISED = "´º°ª²³½".encode("cp1252")
"""Marks that stand behind a word or number, never before a letter."""
_LANGUAGES = tuple(
    frozenset(letters + letters.upper().replace("SS", ""))
    for letters in (
        "àâæçéèêëîïôœùûüÿ", "äöüßéèà", "áéíñóúüï", "áâãàçéêíóôõúü",  # French, German, Spanish, Portuguese
        "àèéìíîòóùú", "àçéèíïóòúü", "æøåéóöäü",  # Italian, Catalan, Danish and Norwegian
        "åäöéüšž", "ëïéèöüáó",  # Swedish, Finnish and Estonian; Dutch
    )
)  # fmt: skip
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
