"""What stands in a zipped XML workbook beside the values that calamine gives: errors, formats, links, hidden rows...

A sheet's XML is cut into tags by patterns that cannot backtrack, piece by piece; the small parts go through expat. No
entity is ever expanded. It runs in the child that reads the workbook, never in the program itself.
"""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from xml.parsers import expat

from importer.errors import SourceError
from importer.sources.header import column_index, letters
from importer.sources.number_format import BUILT_IN, is_date, tells
from importer.sources.options import MIB, Limits

Cell = tuple[int, int]
"""0-based row and column."""

ANNOTATOR = "tag-importer"
"""The author of the comments that `validate --annotate` writes; they are not read back."""
ISSUES_TITLE = "Issues found by tag-importer"
"""The first cell of the sheet that it puts in front; nor is that."""
WORDS_SHEET = "_tag_importer_words"
"""The hidden sheet with the words of long drop-downs; nor is that."""
_CHUNK = 2 * MIB
_ROW_BYTES = 64 * MIB
_PART_BYTES = 64 * MIB
_MAX_RANGE = 10_000
"""Cells of one range that share a link."""
_ATTRIBUTES = rb"""((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)"""
_ATTRIBUTE = re.compile(rb"""([A-Za-z_][\w:.-]{0,60})\s{0,20}=\s{0,20}(?:"([^"]*+)"|'([^']*+)')""")
_PREFIX = re.compile(rb"<(\w{1,40}:)?worksheet[\s>]")
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_NUMBER = re.compile(rb"""\sr=["'](\d{1,7})["']""")
_USUAL_ROW = re.compile(rb'< r="(\d{1,7})"')
_CELL_REFERENCE = re.compile(rb"""\sr=["']([A-Z]{1,3})(\d{1,7})["']""")
_USUAL_LINK = re.compile(rb' ref="([A-Z]{1,3})(\d{1,7})" r:id="(\w{1,40})"/?')
_STYLE = re.compile(rb"""\ss=["'](\d{1,6})["']""")
_TYPE = re.compile(rb"""\st=["'](\w{1,10})["']""")
_WIDE = re.compile(rb"""r=["']([A-Z]{2,3})\d""")
"""Columns behind Z, and whatever looks like one: what follows is the exact count."""
_LINK_FORMULA = re.compile(r'HYPERLINK\(\s{0,9}"([^"]{1,4000})"', re.IGNORECASE)


@dataclass(slots=True)
class SheetParts:
    """What is noted of one sheet."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    """First and last of each run."""
    errors: dict[Cell, str] = field(default_factory=dict)
    """`#N/A`; empty for a formula without a stored value."""
    formats: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    """By row the columns and formats that decide what a person reads."""
    links: dict[Cell, str] = field(default_factory=dict)
    comments: dict[Cell, str] = field(default_factory=dict)
    struck: dict[Cell, bool] = field(default_factory=dict)
    """Whether all of the cell's text is struck through."""


class _Relation(NamedTuple):
    kind: str
    target: str


class XlsxParts:
    """The parts of one workbook, which are looked at sheet by sheet."""

    def __init__(self, file: str, archive: zipfile.ZipFile, limits: Limits) -> None:
        self.file, self.limits, self._archive = file, limits, archive
        self._members = {name.replace("\\", "/").lstrip("/").lower(): name for name in archive.namelist()}
        book = next((path for path in self._members if path.rpartition("/")[2] == "workbook.xml"), "")
        targets = self._relations(book)
        self._sheets = dict(self._sheet_names(book, targets))
        named = {relation.kind: relation.target for relation in targets.values()}
        self._styles = _Styles()
        self._parse(named.get("styles", ""), self._styles.start)
        self.struck_styles = frozenset(self._styles.struck)
        self.struck_texts = self._struck_strings(named.get("sharedStrings", ""))

    def sheet(self, name: str) -> SheetParts:
        """What is noted of a sheet."""
        parts, path = SheetParts(), self._sheets.get(name, "")
        if path in self._members:
            relations = self._relations(path)
            _Tags(self, name, path, self._styles.formats, parts, relations).read()
            for kind in ("comments", "threadedComment"):  # a thread stands among the comments too, in other words
                for relation in relations.values():
                    if relation.kind == kind:
                        parts.comments.update(self._comments(relation.target))
        return parts

    def date_formats(self, name: str) -> dict[int, list[tuple[int, str]]]:
        """The formats of a sheet's dates."""
        parts, path = SheetParts(), self._sheets.get(name, "")
        if path in self._members:
            _Tags(self, name, path, self._styles.dates, parts, {}).read()
        return parts.formats

    def _sheet_names(self, book: str, targets: Mapping[str, _Relation]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []

        def start(tag: str, given: dict[str, str]) -> None:
            id_ = next((value for key, value in given.items() if key.rpartition(":")[2] == "id"), "")
            if tag == "sheet" and id_ in targets:
                found.append((given.get("name", ""), targets[id_].target))

        self._parse(book, start)
        return found

    def _relations(self, path: str) -> dict[str, _Relation]:
        """By id: kind, and target: the path of a member in lower case, or what is outside as it is written."""
        folder, _, tail = path.rpartition("/")
        found: dict[str, _Relation] = {}

        def start(tag: str, given: dict[str, str]) -> None:
            if tag != "Relationship":
                return
            target = given.get("Target", "")
            if given.get("TargetMode") != "External":
                target = target.replace("\\", "/")
                target = target if target.startswith("/") else posixpath.join(folder, target)
                target = posixpath.normpath(target).lstrip("/").lower()
            found[given.get("Id", "")] = _Relation(given.get("Type", "").rpartition("/")[2], target)

        self._parse(posixpath.join(folder, "_rels", f"{tail}.rels"), start)
        return found

    def _parse(
        self,
        path: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        """A member through expat, as far as it can be parsed; what is wrong with it is left to calamine to say."""
        if path not in self._members:
            return
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = lambda tag, given: start(tag.rpartition(":")[2], given)
        if end is not None:
            parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
        if text is not None:
            parser.CharacterDataHandler = text
        parser.EntityDeclHandler = _no_entities
        left = _PART_BYTES
        with self._archive.open(self._members[path]) as stream:
            try:
                while left > 0 and (piece := stream.read(256 * 1024)):
                    parser.Parse(piece, False)
                    left -= len(piece)
            except (expat.ExpatError, ValueError):
                return

    def _comments(self, path: str) -> dict[Cell, str]:
        found: dict[Cell, str] = {}
        at: list[Cell] = []
        pieces: list[str] = []
        authors: list[str] = []
        by = [""]

        def start(tag: str, given: dict[str, str]) -> None:
            if tag == "author":
                pieces.clear()
            if tag in ("comment", "threadedComment"):
                at[:], pieces[:], by[0] = cells(given.get("ref", "")), [], given.get("authorId", "")

        def end(tag: str) -> None:
            if tag == "author":
                authors.append("".join(pieces).strip())
            if tag not in ("comment", "threadedComment") or not at:
                return
            ours = by[0].isdecimal() and int(by[0]) < len(authors) and authors[int(by[0])] == ANNOTATOR
            said = "" if ours else "".join(pieces).partition(f"\n{ANNOTATOR}: ")[0].strip()
            if said:
                found[at[0]] = f"{found[at[0]]}\n{said}" if at[0] in found else said

        self._parse(path, start, end, pieces.append)
        return found

    def _struck_strings(self, path: str) -> dict[int, bool]:
        """Shared texts with a run that is struck through, and whether all of their runs are."""
        if path not in self._members:
            return {}
        with self._archive.open(self._members[path]) as stream:
            if not any(b"strike" in piece for piece in iter(lambda: stream.read(_CHUNK), b"")):
                return {}
        found: dict[int, bool] = {}
        state = {"text": -1, "runs": 0, "struck": 0}

        def start(tag: str, given: dict[str, str]) -> None:
            if tag == "si":
                state.update(text=state["text"] + 1, runs=0, struck=0)
            state["runs"] += tag == "r"
            state["struck"] += tag == "strike" and _is_on(given)

        def end(tag: str) -> None:
            if tag == "si" and state["struck"]:
                found[state["text"]] = state["struck"] >= state["runs"]

        self._parse(path, start, end)
        return found

    def pieces(self, path: str, border: bytes) -> Iterator[bytes]:
        """A sheet's XML in pieces that end before a row."""
        kept = b""
        with self._archive.open(self._members[path]) as stream:
            while piece := stream.read(_CHUNK):
                data = kept + piece
                cut = data.rfind(border)
                if cut <= 0:
                    cut = len(data) if len(data) > _ROW_BYTES else 0
                yield data[:cut]
                kept = data[cut:]
        yield kept


class _Tags:
    """The tags of one sheet."""

    def __init__(
        self,
        book: XlsxParts,
        sheet: str,
        path: str,
        formats: Mapping[str, str],
        parts: SheetParts,
        relations: Mapping[str, _Relation],
    ) -> None:
        self._book, self._sheet, self._path = book, sheet, path
        self._formats, self._parts, self._relations = formats, parts, relations
        head = next((piece for piece in book.pieces(path, b"<row") if piece), b"")[: 64 * 1024]
        found = _PREFIX.search(head)
        self._prefix = prefix = (found[1] or b"") if found else b""

        def tag(name: bytes, ahead: bytes = b"") -> re.Pattern[bytes]:
            return re.compile(b"<" + prefix + name + rb"(?=[\s/>])" + ahead + _ATTRIBUTES + b">")

        self._row, self._col, self._link = tag(b"row"), tag(b"col"), tag(b"hyperlink")
        self._cell = tag(b"c")
        styles = b"|".join(style.encode() for style in {*formats, *book.struck_styles} if style.isdigit())
        self._signs = (b't="e"', *(b's="' + style.encode() + b'"' for style in {*formats, *book.struck_styles}))
        marked = rb"t=[\"']e[\"']" + (rb"|s=[\"'](?:" + styles + rb")[\"']" if styles else b"")
        self._marked = tag(b"c", rb"(?=[^<>]*?\s(?:" + marked + rb"))")
        usual = rb's="(?:' + styles + rb')"|' if styles else b""
        self._usual = re.compile(
            rb'<c (r="[A-Z]{1,3}+\d{1,7}+" (?:' + usual + rb'(?:s="\d{1,6}+" )?t="e")' + _ATTRIBUTES[1:] + b">"
        )
        self._next = b"<" + prefix + b"c"
        self._value = re.compile(b"<" + prefix + rb"v(?:\s[^<>]*+)?>([^<]*+)")
        self._stored = re.compile(b"<" + prefix + rb"(?:v|is)[\s/>]")
        self._formula = b"<" + prefix + b"f"

    def read(self) -> None:
        first, last, width = 1 << 30, 0, 26
        number = 0
        for piece in self._book.pieces(self._path, b"<" + self._prefix + b"row"):
            tags = self._row.findall(piece)
            every = b"<".join([b"", *tags])
            usual = _USUAL_ROW.findall(every)
            if usual and len(usual) == len(tags) and b"hidden" not in every and b"ht=" not in every:
                numbers = list(map(int, usual))
                first, last, number = min(first, *numbers), max(last, *numbers), numbers[-1]
                tags = []
            for given in tags:
                found = _NUMBER.search(b" " + given)
                number = int(found[1]) if found else number + 1
                first, last = min(first, number), max(last, number)
                if (b"hidden" in given or b"ht=" in given) and _is_hidden(_attributes(given), "ht"):
                    self._parts.hidden_rows.add(number - 1)
            wide = set(_WIDE.findall(piece))
            width = max([width, *(column_index(name.decode()) + 1 for name in wide)])
            if self._next + b"ol" in piece:
                self._columns(piece)
            if b"hyperlink" in piece:
                self._links(piece)
            self._cells(piece)
        if last and (last - first + 1) * width > self._book.limits.sheet_cells:
            self._check_span()

    def _columns(self, piece: bytes) -> None:
        for given in map(_attributes, self._col.findall(piece)):
            if _is_hidden(given, "width") and given.get("min", "").isdigit() and given.get("max", "").isdigit():
                self._parts.hidden_columns.append((int(given["min"][:6]) - 1, int(given["max"][:6]) - 1))

    def _links(self, piece: bytes) -> None:
        for tag in self._link.findall(piece):
            if usual := _USUAL_LINK.fullmatch(tag):
                cell = (int(usual[2]) - 1, column_index(usual[1].decode()))
                if relation := self._relations.get(usual[3].decode()):
                    self._parts.links[cell] = relation.target
                continue
            given = _attributes(tag)
            id_ = next((value for key, value in given.items() if key.rpartition(":")[2] == "id"), "")
            if id_ in self._relations:
                target = self._relations[id_].target + ("#" + given["location"] if given.get("location") else "")
                self._parts.links.update(dict.fromkeys(cells(given.get("ref", "")), target))

    def _cells(self, piece: bytes) -> None:
        formulas, struck = self._formula in piece, b"strike" in piece
        every = formulas or struck or bool(self._book.struck_texts)
        if not every and b"='" not in piece and not any(sign in piece for sign in self._signs):
            return
        usual = not self._prefix and piece.count(b"<c ") == piece.count(b'<c r="')
        for found in (self._cell if every else self._usual if usual else self._marked).finditer(piece):
            given, at = found[1], found.end()
            if every:
                end = piece.find(self._next, at)
                content = b"" if given.endswith(b"/") else piece[at : end if end >= 0 else len(piece)]
                if not (
                    self._formula in content
                    or b"strike" in content
                    or self._marked.match(found[0])
                    or self._book.struck_texts
                ):
                    continue
            elif given.endswith(b"/"):
                continue
            else:
                content = piece[at : piece.find(self._next, at)] if b't="e"' in given or b"t='e'" in given else b""
            reference = _CELL_REFERENCE.search(b" " + given)
            if reference:
                cell = (int(reference[2]) - 1, column_index(reference[1].decode()))
                style = _STYLE.search(given)
                self._note(cell, style[1].decode() if style else "", given, content)

    def _note(self, cell: Cell, style: str, given: bytes, content: bytes) -> None:
        parts, code = self._parts, self._formats.get(style)
        if code is not None:
            parts.formats.setdefault(cell[0], []).append((cell[1], code))
        if style in self._book.struck_styles:
            parts.struck[cell] = True
        if not content:
            return
        kind = _TYPE.search(given)
        kind_ = kind[1] if kind else b""
        found = self._value.search(content)
        value = html.unescape(found[1].decode("utf-8", "replace")).strip() if found else ""
        if kind_ == b"e" and value:
            parts.errors[cell] = value
        elif self._formula in content and not value and not (kind_ == b"str" and self._stored.search(content)):
            parts.errors[cell] = ""
        if b"HYPERLINK(" in content.upper():
            link = _LINK_FORMULA.search(html.unescape(content.decode("utf-8", "replace")))
            if link:
                parts.links[cell] = link[1]
        if kind_ == b"s" and value.isdigit() and int(value[:9]) in self._book.struck_texts:
            parts.struck[cell] = self._book.struck_texts[int(value[:9])]
        elif b"strike" in content and kind_ == b"inlineStr":
            parts.struck[cell] = content.count(b"<strike") >= content.count(b"<r>")

    def _check_span(self) -> None:
        """The exact rectangle of cells with something in them: calamine lays it out in full."""
        left, right, top, bottom = 1 << 30, 0, 1 << 30, 0
        for piece in self._book.pieces(self._path, b"<" + self._prefix + b"row"):
            for given in self._cell.findall(piece):
                at = cells(_attributes(given).get("r", "")) if not given.endswith(b"/") else []
                for row, column in at:
                    left, right, top, bottom = min(left, column), max(right, column), min(top, row), max(bottom, row)
        spanned = max(0, right - left + 1) * max(0, bottom - top + 1)
        if spanned > self._book.limits.sheet_cells:
            raise SourceError(
                f"{self._book.file}: the sheet {self._sheet} spans {letters(left)}{top + 1}:"
                f"{letters(right)}{bottom + 1}, "
                f"{spanned:,} cells, nearly all of them empty; at most {self._book.limits.sheet_cells:,} are read.",
                hint="Delete the stray cells at its far end, or save the list as CSV; "
                + self._book.limits.hint("sheet_cells"),
            )


class _Styles:
    """The formats of cells, by the number that cells name."""

    def __init__(self) -> None:
        self.formats: dict[str, str] = {}
        self.dates: dict[str, str] = {}
        self.struck: set[str] = set()
        self._codes: dict[str, str] = {str(number): code for number, code in BUILT_IN.items()}
        self._inside = ""
        self._fonts = -1
        self._struck_fonts: set[str] = set()
        self._count = 0

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag in ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs"):
            self._inside = tag
        elif tag == "numFmt" and self._inside == "numFmts":
            self._codes[given.get("numFmtId", "")] = given.get("formatCode", "")
        elif tag == "font" and self._inside == "fonts":
            self._fonts += 1
        elif tag == "strike" and self._inside == "fonts" and _is_on(given):
            self._struck_fonts.add(str(self._fonts))
        elif tag == "xf" and self._inside == "cellXfs":
            style, code = str(self._count), self._codes.get(given.get("numFmtId", ""), "")
            self._count += 1
            if code and tells(code):
                self.formats[style] = code
            elif code and is_date(code):
                self.dates[style] = code
            if given.get("fontId", "") in self._struck_fonts:
                self.struck.add(style)


def cells(reference: str) -> list[Cell]:
    """The cells of `B7` or `B7:C9`, none for what is not a reference."""
    corners = [_REFERENCE.fullmatch(corner) for corner in reference.split(":")[:2]]
    if not corners or None in corners:
        return []
    rows = sorted(int(corner[2]) - 1 for corner in corners if corner)
    columns = sorted(column_index(corner[1]) for corner in corners if corner)
    if (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1) > _MAX_RANGE:
        return []
    return [(row, column) for row in range(rows[0], rows[-1] + 1) for column in range(columns[0], columns[-1] + 1)]


def _attributes(tag: bytes) -> dict[str, str]:
    return {
        key.decode("ascii", "replace"): html.unescape((double or single).decode("utf-8", "replace"))
        for key, double, single in _ATTRIBUTE.findall(tag)
    }


def _is_on(given: Mapping[str, Any]) -> bool:
    return given.get("val", "1") not in ("0", "false")


def _is_hidden(given: Mapping[str, str], size: str) -> bool:
    return given.get("hidden") in ("1", "true") or given.get(size) in ("0", "0.0")


def _no_entities(*_: object) -> None:
    raise ValueError("entities are not expanded")
