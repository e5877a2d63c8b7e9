"""Looks into a workbook's ZIP before it is parsed: sizes, the rectangle each sheet spans, and cells with errors.

calamine lays a sheet out as a full rectangle, so two cells in opposite corners would ask for more memory than there
is, and it hands error cells (#N/A) on as blanks; both are found here, in the XML (for ODS in ods_scan).
"""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from importer.errors import SourceError
from importer.sources.header import letters
from importer.sources.ods_scan import scan_content
from importer.sources.options import MIB, Limits
from importer.sources.workbook_cells import Range

_CHUNK = 2 * MIB
_OVERLAP = 64 * 1024
_SMALL = 8 * MIB
"""Sheets up to this size are searched for every way XML can be written, larger ones first for the usual way."""
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^<>]*?\sr\s*=\s*["'](\d+)["']""")
_USUAL_ROW = re.compile(rb'<row [^<>]*?r="(\d+)"')
_WIDE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{3,})\d""")
_DOUBLE = re.compile(rb"""\sr\s*=\s*["'][A-Za-z]{2}""")
_USUAL_WIDE = re.compile(rb' r="([A-Z]{3,})\d')
_USUAL_DOUBLE = re.compile(rb' r="[A-Z]{2}')
_FILLED = re.compile(rb"""<(?:\w+:)?c\b[^<>]*?\sr\s*=\s*["']([A-Za-z]+)(\d+)["'](?:[^<>]*[^/<>])?>\s*<""")
_ERROR = re.compile(rb'<(?:\w+:)?c\b([^<>]*?\st="e"[^<>]*)>(.*?)</(?:\w+:)?c>', re.DOTALL)
_REFERENCE = re.compile(rb'\sr="([A-Z]+)(\d+)"')
_VALUE = re.compile(rb"<(?:\w+:)?v[^>]*>([^<]*)<")
_UNSTORED = re.compile(
    rb"<(?:\w+:)?c\b([^<>]*)>\s*"
    rb"<(?:\w+:)?f\b(?:[^<>]*/>|[^<>]*+>(?:[^<]++|<!\[CDATA\[[^<]*+)*+</(?:\w+:)?f>)\s*"
    rb"(<(?:\w+:)?v\b[^<>]*>\s*(?:</(?:\w+:)?v>\s*)?)?</(?:\w+:)?c>"
)
"""A cell with a formula and no value, or an empty one."""
_TEXT_RESULT = re.compile(rb"""\st\s*=\s*["']str["']""")
_MAX_ERRORS = 100_000
_PROLOG = 64 * 1024


@dataclass(slots=True)
class Scan:
    """What was found in the ZIP."""

    kind: str
    """xlsx, xlsm, xlsb or ods."""
    errors: Mapping[str, Mapping[tuple[int, int], str]] = field(default_factory=dict)
    """By sheet name: (0-based row, 0-based column) -> `#N/A`; empty for a formula without a stored value."""
    merges: Mapping[str, Sequence[Range]] = field(default_factory=dict)
    """By sheet name: the merged ranges, where calamine does not tell them (ODS)."""


def scan_zip(file: str, stream: BinaryIO, limits: Limits) -> Scan:
    """Checks a zipped workbook; SourceError for bombs and damage."""
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            _check_sizes(file, members, limits)
            _check_entities(file, archive)
            kind = _kind(archive)
            if kind in ("xlsx", "xlsm"):
                return Scan(kind, dict(_scan_sheets(file, archive, limits)))
            return _scan_ods(file, archive, limits) if kind == "ods" else Scan(kind)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise SourceError(f"{file} is damaged or cut short: its ZIP archive cannot be read.") from error
    except RuntimeError as error:
        raise SourceError(f"{file} is protected with a password; save it without one.") from error


def _scan_ods(file: str, archive: zipfile.ZipFile, limits: Limits) -> Scan:
    if "content.xml" not in archive.namelist():
        return Scan("ods")
    with archive.open("content.xml") as stream:
        found = scan_content(file, stream, limits)
    return Scan("ods", found.errors, found.merges)


def column_index(name: str) -> int:
    """0-based index of column letters."""
    index = 0
    for char in name.upper():
        index = index * 26 + ord(char) - 64
    return index - 1


def _check_sizes(file: str, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    """calamine stops at a member's declared size, so the declared sizes can be believed."""
    total = sum(member.file_size for member in members if not _is_media(member.filename))
    packed = sum(member.compress_size for member in members)
    if total > limits.file_bytes or (total > 64 * MIB and total > limits.ratio * max(packed, 1)):
        raise SourceError(
            f"{file} unpacks to {total / MIB:,.0f} MiB from {packed / 1024:,.0f} KiB, which looks like a decompression "
            "bomb; it was not read."
        )


def _check_entities(file: str, archive: zipfile.ZipFile) -> None:
    """Entities are declared before the root element. calamine expands none; this is only to say what is wrong."""
    for member in archive.infolist():
        if member.filename.lower().endswith((".xml", ".rels", ".vml")):
            with archive.open(member) as stream:
                begin = stream.read(_PROLOG).replace(b"\0", b"")  # UTF-16 too
            if b"<!ENTITY" in begin:
                raise SourceError(
                    f"{file} was not read: it uses XML entities, which no workbook needs and bombs are made of."
                )


def _is_media(name: str) -> bool:
    return "/media/" in name.lower()


def _kind(archive: zipfile.ZipFile) -> str:
    lowered = {name.lower().replace("\\", "/").lstrip("/") for name in archive.namelist()}
    if "content.xml" in lowered and not any(name.startswith("xl/") for name in lowered):
        return "ods"
    if any(name.endswith("workbook.bin") for name in lowered):
        return "xlsb"
    if any(name.endswith("vbaproject.bin") for name in lowered):
        return "xlsm"
    return "xlsx"


def _scan_sheets(
    file: str, archive: zipfile.ZipFile, limits: Limits
) -> Iterator[tuple[str, Mapping[tuple[int, int], str]]]:
    names = _sheet_names(archive)
    for member in archive.infolist():
        path = member.filename.replace("\\", "/").lstrip("/")
        if not path.lower().endswith(".xml") or not (path in names or "worksheets/" in path.lower()):
            continue
        errors = _scan_sheet(file, names.get(path, path), archive, member, limits)
        if errors and path in names:
            yield names[path], errors


def _sheet_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """Member path -> sheet name, as far as plain pattern matching finds it: no entity is ever expanded."""
    by_lower = {name.lower().replace("\\", "/").lstrip("/"): name for name in archive.namelist()}
    book = next((path for path in by_lower if path.rpartition("/")[2] == "workbook.xml"), "")
    folder, _, tail = book.rpartition("/")
    links = by_lower.get(posixpath.join(folder, "_rels", tail + ".rels"), "")
    if not book or not links:
        return {}
    text = archive.open(by_lower[book]).read(4 * MIB).decode("utf-8", "replace")
    targets: dict[str, str] = {}
    for tag in re.findall(
        r"<(?:\w+:)?Relationship\b[^>]*>", archive.open(links).read(4 * MIB).decode("utf-8", "replace")
    ):
        found = _attributes(tag)
        target = found.get("Target", "")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        targets[found.get("Id", "")] = by_lower.get(path.lower(), path).replace("\\", "/").lstrip("/")
    names = {}
    for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", text):
        found = _attributes(tag)
        id_ = next((value for key, value in found.items() if key == "id" or key.endswith(":id")), "")
        if id_ in targets and "name" in found:
            names[targets[id_]] = html.unescape(found["name"])
    return names


def _attributes(tag: str) -> dict[str, str]:
    return {
        key: double or single for key, double, single in re.findall(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""", tag)
    }


def _scan_sheet(
    file: str, sheet: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits
) -> dict[tuple[int, int], str]:
    errors: dict[tuple[int, int], str] = {}
    first, last, columns, formulas = 1 << 30, 0, 26, False
    for chunk in _chunks(archive, member):
        usual = member.file_size > _SMALL and chunk.count(b"r=") == chunk.count(b' r="')
        rows = (_USUAL_ROW if usual else _ROW).findall(chunk)
        if rows:
            numbers = list(map(int, rows))
            first, last = min(first, min(numbers)), max(last, max(numbers))
        if (_USUAL_DOUBLE if usual else _DOUBLE).search(chunk):
            wide = {column_index(name.decode()) for name in set((_USUAL_WIDE if usual else _WIDE).findall(chunk))}
            columns = max(columns, 702, max(wide, default=0) + 1)
        if b't="e"' in chunk and len(errors) < _MAX_ERRORS:
            errors.update(_errors(chunk))
        # A formula that several cells share stands in full before it is referred to: its end is quicker to look for.
        formulas = formulas or b"</f>" in chunk or (not usual and (b"<f" in chunk or b":f" in chunk))
        if formulas and len(errors) < _MAX_ERRORS:
            errors.update(_unstored(chunk))
    if last and (last - first + 1) * columns > limits.sheet_cells:
        _check_span(file, sheet, archive, member, limits)
    return errors


def _errors(chunk: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    for attributes, content in _ERROR.findall(chunk):
        reference, value = _REFERENCE.search(b" " + attributes), _VALUE.search(content)
        if reference and value:
            yield (
                (int(reference[2]) - 1, column_index(reference[1].decode())),
                value[1].decode("utf-8", "replace").strip(),
            )


def _unstored(chunk: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    """Formulas that the program which wrote the file did not calculate; an empty text can be a result."""
    for attributes, value in _UNSTORED.findall(chunk):
        reference = _REFERENCE.search(b" " + attributes)
        if reference and not (value and _TEXT_RESULT.search(b" " + attributes)):
            yield (int(reference[2]) - 1, column_index(reference[1].decode())), ""


def _check_span(file: str, sheet: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits) -> None:
    """The exact rectangle, looked at only where the coarse one is too large."""
    left, right, top, bottom = 1 << 30, 0, 1 << 30, 0
    for chunk in _chunks(archive, member):
        for name, number in set(_FILLED.findall(chunk)):
            column, row = column_index(name.decode()), int(number)
            left, right, top, bottom = min(left, column), max(right, column), min(top, row), max(bottom, row)
    cells = max(0, right - left + 1) * max(0, bottom - top + 1)
    if cells > limits.sheet_cells:
        raise SourceError(
            f"{file}: the sheet {sheet} spans {letters(left)}{top}:{letters(right)}{bottom}, {cells:,} cells, nearly "
            f"all of them empty; at most {limits.sheet_cells:,} are read.",
            hint="Delete the stray cells at its far end, or save the list as CSV.",
        )


def _chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member in pieces that overlap, so that a cell cut by a border is whole in the next piece."""
    with archive.open(member) as stream:
        kept = b""
        while piece := stream.read(_CHUNK):
            chunk = kept + piece
            yield chunk
            kept = chunk[-_OVERLAP:] if len(chunk) > _OVERLAP else b""
