"""Error values (#N/A) of an XLS workbook, which calamine hands on as blanks; found in its records, sheet by sheet."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping

_CODES: Mapping[int, str] = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip
_CODE = rb"([\x00\x07\x0f\x17\x1d\x24\x2a])"
_BOOLERR = re.compile(rb"\x05\x02\x08\x00(..)(..).." + _CODE + rb"\x01", re.DOTALL)
_FORMULA = re.compile(rb"\x06\x00..(..)(..)..\x02." + _CODE + rb"...\xff\xff", re.DOTALL)
_END = 0xFFFFFFFA


def xls_errors(content: bytes) -> dict[str, dict[tuple[int, int], str]]:
    """By sheet name: (0-based row, 0-based column) -> error word. Nothing for a file that is not as it should be."""
    try:
        stream = _workbook_stream(content)
        sheets = sorted(_sheets(stream))
    except (struct.error, IndexError, ValueError, UnicodeDecodeError):
        return {}
    found: dict[str, dict[tuple[int, int], str]] = {}
    for position, (start, name) in enumerate(sheets):
        end = sheets[position + 1][0] if position + 1 < len(sheets) else len(stream)
        for pattern in (_BOOLERR, _FORMULA):
            for match in pattern.finditer(stream, start, end):
                row, column = int.from_bytes(match[1], "little"), int.from_bytes(match[2], "little")
                if column < 256:
                    found.setdefault(name, {})[row, column] = _CODES[match[3][0]]
    return found


def _sheets(stream: bytes) -> Iterator[tuple[int, str]]:
    """(offset in the stream, name) from the BOUNDSHEET records of the workbook's globals."""
    offset = 0
    wide = stream[4:6] == b"\x00\x06"
    while offset + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, offset)
        data = stream[offset + 4 : offset + 4 + size]
        if kind == 0x85 and len(data) > 7:
            start, _, _, count = struct.unpack_from("<IBBB", data)
            if not wide:
                yield start, data[7 : 7 + count].decode("cp1252", "replace")
            elif data[7] & 1:
                yield start, data[8 : 8 + 2 * count].decode("utf-16-le", "replace")
            else:
                yield start, data[8 : 8 + count].decode("latin-1")
        elif kind == 0x0A:
            return
        offset += 4 + size


def _workbook_stream(content: bytes) -> bytes:
    """The stream `Workbook` (`Book` before Excel 97) of an OLE container."""
    size = 1 << struct.unpack_from("<H", content, 0x1E)[0]
    if size not in (512, 4096):
        raise ValueError("sector size")
    fat = _fat(content, size)
    directory = _chain(content, fat, struct.unpack_from("<I", content, 0x30)[0], size)
    for at in range(0, len(directory), 128):
        entry = directory[at : at + 128]
        name = entry[: max(0, struct.unpack_from("<H", entry, 64)[0] - 2)].decode("utf-16-le")
        if name.lower() in ("workbook", "book"):
            first, length = struct.unpack_from("<II", entry, 116)
            if length < struct.unpack_from("<I", content, 0x38)[0]:
                return _small_stream(content, fat, directory, size, first)[:length]
            return _chain(content, fat, first, size)[:length]
    raise ValueError("no workbook stream")


def _small_stream(content: bytes, fat: list[int], directory: bytes, size: int, first: int) -> bytes:
    """A stream below the cutoff lies in pieces of 64 bytes within the root entry's stream."""
    holder = _chain(content, fat, struct.unpack_from("<I", directory, 116)[0], size)
    table = _chain(content, fat, struct.unpack_from("<I", content, 0x3C)[0], size)
    small_fat = list(struct.unpack(f"<{len(table) // 4}I", table))
    pieces: list[bytes] = []
    while first < _END and len(pieces) <= len(small_fat):
        pieces.append(holder[first * 64 : first * 64 + 64])
        first = small_fat[first]
    return b"".join(pieces)


def _fat(content: bytes, size: int) -> list[int]:
    per_sector = size // 4
    sectors = list(struct.unpack_from("<109I", content, 0x4C))
    following = struct.unpack_from("<I", content, 0x44)[0]
    for _ in range(len(content) // size):
        if following >= _END:
            break
        more = struct.unpack_from(f"<{per_sector}I", content, (following + 1) * size)
        sectors += more[:-1]
        following = more[-1]
    fat: list[int] = []
    for sector in sectors:
        if sector < _END:
            fat += struct.unpack_from(f"<{per_sector}I", content, (sector + 1) * size)
    return fat


def _chain(content: bytes, fat: list[int], first: int, size: int) -> bytes:
    pieces: list[bytes] = []
    while first < _END and len(pieces) <= len(fat):
        pieces.append(content[(first + 1) * size : (first + 2) * size])
        first = fat[first]
    return b"".join(pieces)
