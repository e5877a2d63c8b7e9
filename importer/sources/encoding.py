"""Which encoding a text is in, and bytes of another one in it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from importer.model import Issue, Place, Severity
from importer.sources.legacy_encoding import is_western

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
            chunk.decode("utf-8")
            if not chunk.isascii():
                good += len(chunk) - len(chunk.decode("utf-8"))
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
