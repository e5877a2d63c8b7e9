"""A person's own workbook handed back: faulty cells tinted, a comment on each, a sheet "Issues" in front.

Loading and saving a workbook with a library loses what the library does not know (drawings, charts, macros). So only
the parts of the archive that must change are changed, by putting text in at byte offsets; every other part is copied
byte for byte. Source: ECMA-376 part 1 (SpreadsheetML) and part 4 (VML of comments).
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import BinaryIO, Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct
from msgspec.structs import replace

from importer.atomic import atomic_path
from importer.errors import SourceError, os_errors
from importer.fields.table import FIELDS
from importer.fields.vocabulary import load_vocabulary
from importer.model import Draft, Issue, Severity, Table
from importer.planning.workbook import Sheet, write_workbook
from importer.reports.archive_parts import Element, Package, Part
from importer.reports.explained import codes
from importer.sources.header import column_index, letters
from importer.sources.xlsx_parts import ANNOTATOR, ISSUES_TITLE

_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_TINTS: Final = {Severity.ERROR: "FFFFC7CE", Severity.WARNING: "FFFFEB9C", Severity.INFO: "FFDDEBF7"}
# fmt: off
_ORDER: Final = (
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection",
    "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells",
    "phoneticPr", "conditionalFormatting", "dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup",
    "headerFooter", "rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags",
    "drawing", "legacyDrawing",
)
# fmt: on
"""The order in which a worksheet's elements must come."""
_LONGEST_COMMENT: Final = 2_000
_MOST_SHOWN: Final = 100_000
_SAMPLE: Final = 500
"""Rows whose fields tell which column feeds which."""
_LARGEST_MERGE: Final = 1_000
_MERGED: Final = re.compile(rb'<(?:\w+:)?mergeCell ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_SEVERITIES: Final = (Severity.ERROR, Severity.WARNING, Severity.INFO)
_NO_XML: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_NO_STYLES: Final = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="{main}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs></styleSheet>"""
_NO_COMMENTS: Final = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<comments xmlns="{main}"><authors></authors><commentList></commentList></comments>"""
_NO_DRAWING: Final = """<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"
 xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{number}"/>
</o:shapelayout>{shapes}</xml>"""
_SHAPE_TYPE: Final = """<v:shapetype xmlns:v="urn:schemas-microsoft-com:vml"
 xmlns:o="urn:schemas-microsoft-com:office:office" id="_x0000_t202"
 coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>
<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>"""
_SHAPE: Final = """<v:shape xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"
 xmlns:x="urn:schemas-microsoft-com:office:excel" id="_x0000_s{id}" type="#_x0000_t202" fillcolor="#ffffe1"
 style="position:absolute;visibility:hidden" o:insetmode="auto"><v:fill color2="#ffffe1"/>
<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/><v:textbox/><x:ClientData ObjectType="Note">
<x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{left}, 15, {top}, 2, {right}, 15, {bottom}, 4</x:Anchor>
<x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"""


class DropDown(Struct, frozen=True):
    """The words that a column's cells may hold."""

    sheet: str
    letter: str
    first: int
    """1-based row of the first cell."""
    last: int
    words: tuple[str, ...]


def hand_back(source: str, target: Path, drafts: Sequence[Draft], issues: Sequence[Issue]) -> None:
    """Write the annotated list to `target`: the workbook itself, else a new one that holds the list's tables.

    Raises SourceError, and UsageError where `target` cannot be written.
    """
    tables = {id(draft.row.table): draft.row.table for draft in drafts}.values()
    path = Path(source)
    if path.is_file() and all(table.header.kind in ("xlsx", "xlsm") for table in tables):
        downs = [down for table in tables for down in _drop_downs(table.header.sheet, table.numbers, table, drafts)]
        with path.open("rb") as stream:
            _write(target, source, stream, issues, downs)
        return
    sheets = [
        Sheet(
            table.header.sheet or Path(table.header.file).stem or "List",
            [table.header.columns, *table.frame.to_numpy().tolist()],
        )
        for table in tables
    ]
    made = io.BytesIO()
    titles = dict(zip(map(id, tables), write_workbook(made, sheets), strict=True))
    places = {
        (table.header.file, table.header.sheet, number): (titles[id(table)], row, table.header.columns)
        for table in tables
        for row, number in enumerate(table.numbers, 2)
    }
    downs = [down for table in tables
             for down in _drop_downs(titles[id(table)], range(2, len(table) + 2), table, drafts)]  # fmt: skip
    _write(target, source, made, [_moved(issue, places) for issue in issues], downs)


def _write(target: Path, file: str, stream: BinaryIO, issues: Sequence[Issue], downs: Sequence[DropDown]) -> None:
    with os_errors(f"{target} cannot be written"), atomic_path(target) as temporary, temporary.open("wb") as out:
        annotate(file, stream, out, issues, downs)


def _moved(issue: Issue, places: Mapping[tuple[str, str, int], tuple[str, int, tuple[str, ...]]]) -> Issue:
    """The issue at its cell in a new workbook."""
    place = issue.place
    title, row, columns = places.get((place.file, place.sheet, place.row), ("", 0, ()))
    if not row:
        return issue
    letter = letters(columns.index(place.column)) if place.column in columns else ""
    return replace(issue, place=replace(place, sheet=title, row=row, letter=letter))


def _drop_downs(sheet: str, numbers: Sequence[int], table: Table, drafts: Sequence[Draft]) -> Iterator[DropDown]:
    """The words of the fields that take one of a few, on the columns that feed them."""
    header = table.header
    mine = list(islice((draft for draft in drafts if draft.row.table is table), _SAMPLE))
    for known in FIELDS:
        fed = {draft.column(known.name) for draft in mine if known.name in draft.fields} if known.vocabulary else set()
        for column in fed & set(header.columns):
            at = header.columns.index(column)
            letter = header.letters[at] if header.letters and sheet == header.sheet else letters(at)
            yield DropDown(sheet, letter, numbers[0], numbers[-1], tuple(load_vocabulary(known.vocabulary).allowed))


def annotate(
    file: str, stream: BinaryIO, target: BinaryIO, issues: Sequence[Issue], drop_downs: Sequence[DropDown] = ()
) -> None:
    """Copy the XLSX or XLSM in `stream` to `target`, with the issues of `file` in it.

    SourceError where the archive is not a workbook of that kind.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            package = Package(archive)
            _annotate(package, sorted(issues, key=lambda issue: _SEVERITIES.index(issue.severity)), drop_downs)
            package.write(target)
    except (zipfile.BadZipFile, expat.ExpatError, LookupError, StopIteration, ValueError) as error:
        raise SourceError(
            f"{file} was not annotated: a part of the workbook is not as Excel writes it.",
            hint="Open it in Excel or LibreOffice, save it as .xlsx, and annotate that file.",
        ) from error


def _annotate(package: Package, issues: Sequence[Issue], drop_downs: Sequence[DropDown]) -> None:
    book = package.part(package.book)
    top = book.elements(lambda depth, *_: depth <= 2)
    sheets = [element for element in top if element.name == "sheet"]
    names = [sheet.attributes["name"] for sheet in sheets]
    paths = package.related(package.book)
    styles = _Styles(package)
    touched: dict[int, _Worksheet] = {}
    of_sheet: dict[str, list[Issue]] = defaultdict(list)
    for issue in issues:
        of_sheet[issue.place.sheet].append(issue)
    for number, name in enumerate(names):
        downs = [down for down in drop_downs if down.sheet == name]
        cells = _by_cell(of_sheet[name])
        kind, path = paths[_relation(sheets[number].attributes)]
        if (cells or downs) and kind == "worksheet":
            touched[number] = _Worksheet(package, path, styles, number)
            touched[number].annotate(cells, downs)
    path = paths[_relation(sheets[0].attributes)][1] if sheets else ""
    if path and ISSUES_TITLE.encode() in package.part(path).data[:4096]:
        package.part(path).replace(_sheet(package, styles, issues, names))  # annotated before
    else:
        _put_in_front(package, book, top, touched, _sheet(package, styles, issues, names))
    styles.finish()


def _put_in_front(
    package: Package, book: Part, top: Sequence[Element], touched: Mapping[int, _Worksheet], text: str
) -> None:
    """A new first sheet: what counts sheets by position, counts one more."""
    sheets = [element for element in top if element.name == "sheet"]
    names = {sheet.attributes["name"].casefold() for sheet in sheets}
    path = package.free("xl/worksheets/tag-importer-issues{}.xml")
    package.add(path, text, f"{_TYPE}worksheet+xml")
    id_ = package.relate(package.book, "worksheet", path)
    title = next(name for n in range(1, len(names) + 2)
                 if (name := "Issues" if n == 1 else f"Issues ({n})").casefold() not in names)  # fmt: skip
    number = max(int(sheet.attributes["sheetId"]) for sheet in sheets) + 1
    new = f'<{book.prefix}sheet xmlns:tag="{package.relations}" name="{title}" sheetId="{number}" tag:id="{id_}"/>'
    book.insert(sheets[0].start, new)
    for element in top:
        if element.name == "definedName" and "localSheetId" in element.attributes:
            book.set(element, "localSheetId", str(int(element.attributes["localSheetId"]) + 1))
        if element.name == "workbookView":
            active = int(element.attributes.get("activeTab", "0"))
            if sheet := touched.get(active):
                sheet.unselect()
            book.set(element, "activeTab", "0" if active in touched else str(active + 1))


def _by_cell(issues: Iterable[Issue]) -> dict[tuple[int, int], list[Issue]]:
    """By 1-based row and 0-based column; what is said of a row as a whole is at its first cell."""
    cells: dict[tuple[int, int], list[Issue]] = defaultdict(list)
    for issue in issues:
        if issue.place.row:
            cells[issue.place.row, column_index(issue.place.letter or "A")].append(issue)
    return cells


def _sheet(package: Package, styles: _Styles, issues: Sequence[Issue], names: Sequence[str]) -> str:
    """The sheet in front: a line for each issue, with a link to its cell."""
    lines = [f'<row r="1">{_text("A1", ISSUES_TITLE)}</row>']
    words = ("Severity", "Cell", "Column", "Value", "What is wrong", "What would be right")
    lines.append(f'<row r="2">{"".join(_text(f"{letters(n)}2", word) for n, word in enumerate(words))}</row>')
    links = []
    for row, issue in enumerate(issues[:_MOST_SHOWN], 3):
        place = issue.place
        cells = (str(issue.severity), place.cell, place.column, issue.value, issue.message, _right(issue))
        tint = styles.tinted(0, issue.severity)
        texts = (_text(f"{letters(n)}{row}", text, 0 if n else tint) for n, text in enumerate(cells))
        lines.append(f'<row r="{row}">{"".join(texts)}</row>')
        if place.row and place.sheet in names:
            where = "'" + place.sheet.replace("'", "''") + f"'!{place.letter or 'A'}{place.row}"
            links.append(f'<hyperlink ref="B{row}" location={quoteattr(where)}/>')
    if len(issues) > _MOST_SHOWN:
        more, row = f"and {len(issues) - _MOST_SHOWN:,} more", _MOST_SHOWN + 3
        lines.append(f'<row r="{row}">{_text(f"A{row}", more)}</row>')
    widths = "".join(f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
                     for n, width in enumerate((11, 18, 20, 30, 70, 50), 1))  # fmt: skip
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{package.main}">'
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="2" topLeftCell="A3" activePane="bottomLeft" '
        f'state="frozen"/></sheetView></sheetViews><cols>{widths}</cols><sheetData>{"".join(lines)}</sheetData>'
        + (f'<hyperlinks>{"".join(links)}</hyperlinks>' if links else "") + "</worksheet>"
    )  # fmt: skip


def _text(reference: str, text: str, style: int = 0) -> str:
    if not text:
        return ""
    words = escape(_no_control(text)[:_LONGEST_COMMENT])
    tint = f' s="{style}"' if style else ""
    return f'<c r="{reference}"{tint} t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>'


def _right(issue: Issue) -> str:
    """What would be right, as far as it is known."""
    nearest = f"Did you mean {issue.nearest}? " if issue.nearest else ""
    allowed = f"Allowed: {', '.join(issue.allowed)}." if issue.allowed else ""
    known = codes().get(issue.code)
    return nearest + allowed or (known.settle if known is not None else "")


def _relation(attributes: Mapping[str, str]) -> str:
    return next(value for key, value in attributes.items() if key.endswith(":id"))


def _no_control(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


class _Styles:
    """The workbook's styles, with a tinted twin of each that a faulty cell has."""

    def __init__(self, package: Package) -> None:
        found = [path for kind, path in package.related(package.book).values() if kind == "styles"]
        path = found[0] if found else posixpath.join(posixpath.dirname(package.book), "styles.xml")
        if not found:
            package.add(path, _NO_STYLES.format(main=package.main), f"{_TYPE}styles+xml")
            package.relate(package.book, "styles", path)
        self.part = package.part(path)
        elements = self.part.elements(lambda depth, *_: depth <= 3)
        self._fills = next(element for element in elements if element.name == "fills")
        self._formats = next(element for element in elements if element.name == "cellXfs")
        inside = [at for at in elements if self._formats.inside <= at.start < self._formats.end and at.depth == 2]
        self._known = [self.part.data[at.start : at.after].decode() for at in inside]
        self._tints: dict[tuple[int, Severity], int] = {}
        self._plain_fills = sum(
            1 for at in elements if at.depth == 2 and self._fills.inside <= at.start < self._fills.end
        )

    def tinted(self, style: int, severity: Severity) -> int:
        """The number of the style that is `style` with the colour of `severity`."""
        style = style if 0 <= style < len(self._known) else 0
        return self._tints.setdefault((style, severity), len(self._known) + len(self._tints))

    def finish(self) -> None:
        """Put the new fills and formats in."""
        prefix = self.part.prefix
        fills = "".join(
            f'<{prefix}fill><{prefix}patternFill patternType="solid"><{prefix}fgColor rgb="{colour}"/>'
            f'<{prefix}bgColor indexed="64"/></{prefix}patternFill></{prefix}fill>'
            for colour in _TINTS.values()
        )
        formats = []
        for style, severity in self._tints:
            twin = Part(self._known[style].encode())
            tag = twin.root
            twin.set(tag, "fillId", str(self._plain_fills + list(_TINTS).index(severity)))
            twin.set(tag, "applyFill", "1")
            formats.append(twin.result().decode())
        for element, text, number in (
            (self._fills, fills, self._plain_fills + len(_TINTS)),
            (self._formats, "".join(formats), len(self._known) + len(formats)),
        ):
            self.part.set(element, "count", str(number))
            self.part.append(element, text)


class _Worksheet:
    """One sheet: the cells that are tinted, its comments and drop-downs."""

    def __init__(self, package: Package, path: str, styles: _Styles, number: int) -> None:
        self._package, self._path, self._styles, self._number = package, path, styles, number
        self.part = package.part(path)

    def annotate(self, issues: Mapping[tuple[int, int], Sequence[Issue]], downs: Sequence[DropDown]) -> None:
        """`issues` by 1-based row and 0-based column."""
        issues = self._shown(issues)
        self._wanted = {row for row, _ in issues}
        self._top = self._elements()
        self._by_name = {element.name: element for element in self._top if element.depth == 1}
        self._tint(issues)
        self._comment(issues)
        self._drop_down(downs)

    def unselect(self) -> None:
        """The sheet in front is the one that is selected; two that are selected would be edited together."""
        for view in self._top:
            if view.name == "sheetView" and "tabSelected" in view.attributes:
                self.part.set(view, "tabSelected", "0")

    def _elements(self) -> list[Element]:
        row = column = 0
        self._places: dict[int, tuple[int, int]] = {}

        def keep(depth: int, name: str, attributes: Mapping[str, str]) -> bool:
            nonlocal row, column
            if depth <= 1:
                return True
            if depth == 2 and name == "row":
                row, column = int(attributes.get("r", row + 1)), 0
                self._rows.append(row)
                return True
            if depth == 3 and name == "c":
                reference = attributes.get("r", "")
                column = column_index(reference.rstrip("0123456789")) + 1 if reference else column + 1
                if row in self._wanted:
                    self._cells.append((row, column - 1))
                    return True
                return False
            return depth == 2 and name in ("sheetView", "dataValidation")

        self._rows: list[int] = []
        self._cells: list[tuple[int, int]] = []
        return self.part.elements(keep)

    def _shown(self, issues: Mapping[tuple[int, int], Sequence[Issue]]) -> dict[tuple[int, int], list[Issue]]:
        """Of merged cells the first is the one that is seen."""
        corners = {}
        for first, top, last, bottom in _MERGED.findall(self.part.data):
            rows, columns = (
                range(int(top), int(bottom) + 1),
                range(column_index(first.decode()), column_index(last.decode()) + 1),
            )
            if len(rows) * len(columns) <= _LARGEST_MERGE:
                corners.update({(row, column): (rows[0], columns[0]) for row in rows for column in columns})
        shown: dict[tuple[int, int], list[Issue]] = defaultdict(list)
        for cell, found_ in issues.items():
            shown[corners.get(cell, cell)].extend(found_)
        return shown

    def _tint(self, issues: Mapping[tuple[int, int], Sequence[Issue]]) -> None:
        data = self._by_name["sheetData"]
        rows = list(zip(self._rows, (at for at in self._top if at.name == "row" and at.depth == 2), strict=True))
        cells = dict(zip(self._cells, (at for at in self._top if at.name == "c" and at.depth == 3), strict=True))
        in_row: dict[int, list[tuple[int, Element]]] = defaultdict(list)
        for (row, column), element in cells.items():
            in_row[row].append((column, element))
        missing: dict[int, list[tuple[int, str]]] = defaultdict(list)
        prefix = self.part.prefix
        for (row, column), found in sorted(issues.items()):
            severity = found[0].severity
            if cell := cells.get((row, column)):
                style = int(cell.attributes.get("s") or 0)
                self.part.set(cell, "s", str(self._styles.tinted(style, severity)))
            else:
                style = self._styles.tinted(0, severity)
                missing[row].append((column, f'<{prefix}c r="{letters(column)}{row}" s="{style}"/>'))
        rows.sort(key=lambda pair: pair[0])
        numbers = [number for number, _ in rows]
        for row, new in missing.items():
            at = bisect_left(numbers, row)
            if at < len(rows) and numbers[at] == row:
                for column, text in new:
                    self._before(in_row[row], column, rows[at][1], text)
            else:
                text = f'<{prefix}row r="{row}">{"".join(text for _, text in new)}</{prefix}row>'
                self._before(rows[at : at + 1], 0, data, text)

    def _before(self, places: Sequence[tuple[int, Element]], number: int, within: Element, text: str) -> None:
        """Put `text` in before the first of `places` with a higher number, else at the end of `within`."""
        following = next((element for other, element in places if other > number), None)
        if following is None:
            self.part.append(within, text)
        else:
            self.part.insert(following.start, text)

    def _comment(self, issues: Mapping[tuple[int, int], Sequence[Issue]]) -> None:
        related = self._package.related(self._path)
        comments = next((path for kind, path in related.values() if kind == "comments"), "")
        written: set[str] = set()
        if not comments:
            comments = self._package.free("xl/tag-importer-comments{}.xml")
            empty = _NO_COMMENTS.format(main=self._package.main)
            self._package.add(comments, empty, f"{_TYPE}comments+xml")
            self._package.relate(self._path, "comments", comments)
        part = self._package.part(comments)
        elements = part.elements(lambda depth, *_: depth <= 3)
        prefix = part.prefix
        authors = next(at for at in elements if at.name == "authors")
        author = sum(1 for at in elements if at.name == "author")
        listed = next(at for at in elements if at.name == "commentList")
        part.append(authors, f"<{prefix}author>{ANNOTATOR}</{prefix}author>")
        texts = {}
        for at, after in pairwise(elements):
            if at.name == "comment":
                written.add(at.attributes.get("ref", ""))
                if after.name == "text":
                    texts[at.attributes.get("ref", "")] = after
        shapes: list[str] = []
        added = []
        for (row, column), found in sorted(issues.items()):
            reference = f"{letters(column)}{row}"
            words = escape(
                _no_control("\n".join(f"{issue.message} {_right(issue)}".strip() for issue in found))[:_LONGEST_COMMENT]
            )
            begin, end = f'<{prefix}r><{prefix}t xml:space="preserve">', f"</{prefix}t></{prefix}r>"
            if reference in written:
                # Excel shows a threaded comment's own text, and this one to programs that know no threads.
                if reference in texts:
                    part.append(texts[reference], f"{begin}\n{ANNOTATOR}: {words}{end}")
                continue
            added.append(
                f'<{prefix}comment ref="{reference}" authorId="{author}"><{prefix}text>{begin}{words}{end}'
                f"</{prefix}text></{prefix}comment>"
            )
            shapes.append(_SHAPE.format(
                id=f"{self._number + 1}{len(shapes):06}", row=row - 1, column=column, left=column + 1, right=column + 4,
                top=max(row - 2, 0), bottom=max(row - 2, 0) + 3 + words.count("\n") + len(words) // 40,
            ))  # fmt: skip
        part.append(listed, "".join(added))
        if shapes:
            self._draw("".join(shapes), related)

    def _draw(self, shapes: str, related: Mapping[str, tuple[str, str]]) -> None:
        """The boxes of comments, which Excel wants as VML."""
        drawing = self._by_name.get("legacyDrawing")
        if drawing is not None:
            part = self._package.part(related[_relation(drawing.attributes)][1])
            part.insert(part.data.rindex(b"</"), _SHAPE_TYPE + shapes)  # it need not be XML: Excel writes <br>
            return
        path = self._package.free("xl/drawings/tag-importer-comments{}.vml")
        self._package.add(path, _NO_DRAWING.format(shapes=_SHAPE_TYPE + shapes, number=self._number + 1))
        id_ = self._package.relate(self._path, "vmlDrawing", path)
        name = f"{self.part.prefix}legacyDrawing"
        self._put("legacyDrawing", f'<{name} xmlns:tag="{self._package.relations}" tag:id="{id_}"/>')

    def _drop_down(self, downs: Sequence[DropDown]) -> None:
        taken = " ".join(at.attributes.get("sqref", "") for at in self._top if at.name == "dataValidation")
        prefix = self.part.prefix
        texts = []
        for down in downs:
            words = ",".join(down.words).replace('"', '""')
            if re.search(rf"\b{down.letter}\d", taken) or len(words) > 250 or any("," in word for word in down.words):
                continue
            texts.append(
                f'<{prefix}dataValidation type="list" errorStyle="warning" allowBlank="1" showErrorMessage="1" '
                f'sqref="{down.letter}{down.first}:{down.letter}{down.last}"><{prefix}formula1>"{escape(words)}"'
                f"</{prefix}formula1></{prefix}dataValidation>"
            )
        if not texts:
            return
        if (there := self._by_name.get("dataValidations")) is not None:
            number = sum(1 for at in self._top if at.name == "dataValidation") + len(texts)
            self.part.set(there, "count", str(number))
            self.part.append(there, "".join(texts))
        else:
            name = f"{prefix}dataValidations"
            self._put("dataValidations", f'<{name} count="{len(texts)}">{"".join(texts)}</{name}>')

    def _put(self, name: str, text: str) -> None:
        """A child of the worksheet in its place among the others."""
        before = _ORDER[: _ORDER.index(name)]
        # What is not in the list (an mc:AlternateContent around controls) comes behind all that we put in.
        last = [at for at in self._top if at.depth == 1 and at.name in before][-1]
        self.part.insert(last.after, text)
