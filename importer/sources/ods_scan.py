"""Looks into an ODS workbook's content.xml for what calamine does not tell: merged cells, error cells, bare formulas.

The file is read in pieces and cut into rows; only rows with something of the kind are looked at cell by cell. No
entity is ever expanded, and repeated rows and cells are counted, never laid out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO

from importer.errors import SourceError
from importer.sources.options import MIB, Limits
from importer.sources.workbook_cells import Range

_CHUNK = 2 * MIB
_BORDER = re.compile(rb"<table:table(?:-row)?(?=[\s/>])")
_BORDER_LENGTH = 20
_ATTRIBUTES = rb"""((?:[^<>"'/]|"[^"<]*"|'[^'<]*')*+)"""
_START = re.compile(rb"<table:table(-row)?" + _ATTRIBUTES + rb"/?>")
_CELL = re.compile(rb"<table:((?:covered-)?table-cell)(?=[\s/>])" + _ATTRIBUTES + rb"(/?)>")
_ATTRIBUTE = re.compile(rb"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_PARAGRAPH = re.compile(rb"<text:p(?:\s[^<>]*)?>")
_TAG = re.compile(rb"<[^<>]*>")
_ERROR = re.compile(r"#[^\W\d_]\S*|Err:\d+")
"""Also `#NV` and `Err:502`: LibreOffice writes its error words in the language of its user."""
_MAX_ERRORS = 100_000
_MAX_MERGES = 200_000
"""Both of all sheets together: a few bytes of XML can repeat a cell any number of times."""
_HEADER_MERGES = 10_000
"""Cells merged over columns only matter to headers, so beyond this many ranges they are left out."""
_REPEATED_MERGES = 100


@dataclass(slots=True)
class OdsScan:
    """What was found, by sheet name; rows and columns are 0-based."""

    errors: dict[str, dict[tuple[int, int], str]] = field(default_factory=dict)
    """(row, column) -> `#N/A`; empty for a formula without a stored value."""
    merges: dict[str, list[Range]] = field(default_factory=dict)
    found_errors: int = 0
    found_merges: int = 0


def scan_content(file: str, stream: IO[bytes], limits: Limits) -> OdsScan:
    """Reads content.xml; SourceError where more is repeated or merged than any list has."""
    scan = OdsScan()
    sheet: str | None = None
    row = 0
    for segment in _segments(file, stream, limits.cell_chars):
        start = _START.match(segment)
        if not start:
            continue
        if not start[1]:
            name = _attributes(start[2]).get(b"table:name")
            # A table without a name is the copy of another file's, which is no sheet.
            sheet, row = None if name is None else _text(name), 0
            if sheet is not None:
                scan.errors.pop(sheet, None)
                scan.merges.pop(sheet, None)
        elif sheet is not None:
            repeated = _number(_attributes(start[2]).get(b"table:number-rows-repeated"))
            if b"-spanned" in segment or b"#" in segment or b":formula" in segment or b"Err:" in segment:
                _row(file, scan, sheet, segment, row, repeated)
            row += repeated
    return scan


def _segments(file: str, stream: IO[bytes], limit: int) -> Iterator[bytes]:
    """What begins with a table or a row, up to where the next one begins."""
    kept = b""
    while piece := stream.read(_CHUNK):
        data, at = kept + piece, 0
        for border in _BORDER.finditer(data, max(1, len(kept) - _BORDER_LENGTH)):
            yield data[at : border.start()]
            at = border.start()
        kept = data[at:]
        if len(kept) > limit:
            if kept.startswith(b"<table:table-row"):
                raise SourceError(f"{file}: one of its rows takes more than {limit // MIB} MiB; it was not read.")
            kept = kept[: 64 * 1024]  # what stands before a table's rows, its drawings say, is not looked at
    yield kept


def _row(file: str, scan: OdsScan, sheet: str, segment: bytes, row: int, repeated: int) -> None:
    column = 0
    for attributes, content in _cells(segment):
        width = _number(attributes.get(b"table:number-columns-repeated"))
        rows = _number(attributes.get(b"table:number-rows-spanned"))
        columns = _number(attributes.get(b"table:number-columns-spanned"))
        right = column + columns - 1
        if rows > 1:
            scan.merges.setdefault(sheet, []).append(((row, column), (row + rows - 1, right)))
            scan.found_merges += 1
        elif columns > 1 and scan.found_merges < _HEADER_MERGES:
            each = range(row, row + min(repeated, _REPEATED_MERGES))
            scan.merges.setdefault(sheet, []).extend(((at, column), (at, right)) for at in each)
            scan.found_merges += len(each)
        if scan.found_merges > _MAX_MERGES:
            raise SourceError(f"{file} has more than {_MAX_MERGES:,} merged cells; it was not read.")
        word = _error(attributes, content)
        if word is not None and scan.found_errors < _MAX_ERRORS:
            cells = ((down, across) for down in range(row, row + repeated) for across in range(column, column + width))
            found = dict.fromkeys(islice(cells, _MAX_ERRORS - scan.found_errors), word)
            scan.errors.setdefault(sheet, {}).update(found)
            scan.found_errors += len(found)
        column += width


def _cells(segment: bytes) -> Iterator[tuple[dict[bytes, bytes], bytes]]:
    """Attributes and content of a row's cells."""
    position = 0
    while cell := _CELL.search(segment, position):
        position = cell.end()
        content = b""
        if not cell[3]:
            end = segment.find(b"</table:" + cell[1] + b">", position)
            if end < 0:
                return
            content, position = segment[position:end], end
        yield _attributes(cell[2]), content


def _error(attributes: dict[bytes, bytes], content: bytes) -> str | None:
    """The word that stands in a cell in error, "" for a formula that was never calculated, None for other cells."""
    kind = attributes.get(b"office:value-type")
    if kind is None and b"<text:p" not in content and b"table:formula" in attributes:
        return ""
    marked = attributes.get(b"calcext:value-type") == b"error"
    if not marked and (kind is None or (kind == b"string" and attributes.get(b"office:string-value") != b"")):
        return None  # its text is its value
    text = content.rpartition(b"</office:annotation>")[2]
    paragraph = _PARAGRAPH.search(text)
    end = text.find(b"</text:p>", paragraph.end()) if paragraph else -1
    word = _text(_TAG.sub(b"", text[paragraph.end() : end])).strip() if paragraph and end > 0 else ""
    return word if word and (marked or _ERROR.fullmatch(word)) else None


def _attributes(tag: bytes) -> dict[bytes, bytes]:
    return {key: double or single for key, double, single in _ATTRIBUTE.findall(tag)}


def _number(value: bytes | None) -> int:
    """A count; what is none is left to the parser to refuse."""
    return max(1, int(value[:10])) if value and value.isdigit() else 1


def _text(value: bytes) -> str:
    return html.unescape(value.decode("utf-8", "replace"))
