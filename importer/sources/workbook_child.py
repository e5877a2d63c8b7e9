"""The child that reads a workbook: its sheets, which of them are lists, and their rows as frames on standard output.

calamine lays sheets out in memory as the file asks; where that is too much it aborts the whole process, which no
exception handler sees. So all of a stranger's workbook is parsed here, in bounded memory and time, without the
program's environment.
"""

from __future__ import annotations

import io
import traceback
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import msgspec
from msgspec import Struct

from importer.errors import SourceError
from importer.model import Header, Issue, Place, Severity
from importer.sources.header import may_list_actors
from importer.sources.located import NotAList, not_a_list
from importer.sources.ods import OdsSheet, read_ods
from importer.sources.options import MIB, Limits, ReadOptions
from importer.sources.sheet import Formats, Rows, Sheet, Shown, find_table
from importer.sources.workbook_cells import Grid, cell_text
from importer.sources.xlsx_parts import ISSUES_TITLE, WORDS_SHEET, SheetParts, XlsxParts
from importer.system import open_regular

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

T = TypeVar("T")

_UNREAD = (
    "Of a workbook in this format hidden rows and columns, error cells, number formats, links and comments are not "
    "seen; save it as .xlsx to have them heeded."
)
_KEPT_CELLS = 4_000_000
"""Cells of sheets that are kept parsed between looking at them and reading them."""
_PROLOG = 64 * 1024


class Request(Struct):
    """What the child is asked, in front of the workbook itself where that has no path."""

    file: str
    path: str
    options: dict[str, Any]
    """Those that a workbook is read by."""
    kind: str = "workbook"

    def read_options(self) -> ReadOptions:
        """Without a check: the program itself asks."""
        given = {**self.options, "limits": Limits(**self.options["limits"])}
        return ReadOptions(**given)


class Found(Struct, tag=True):
    """What the workbook is."""

    kind: str
    details: dict[str, str]


class Told(Struct, tag=True):
    """A remark on the workbook, a sheet or a row that is none."""

    issue: Issue


class Head(Struct, tag=True):
    """A table begins."""

    header: Header


class End(Struct, tag=True):
    """The table ends."""


class Refused(Struct, tag=True):
    """The SourceError with which reading ended."""

    message: str
    hint: str
    no_list: bool


class Fault(Struct, tag=True):
    """The traceback of a fault of our own."""

    traceback: str


Frame = Found | Told | Head | Rows | Shown | End | Refused | Fault


def main(stdin: BinaryIO, stdout: BinaryIO) -> None:
    """Answers one request: each frame with its length in four bytes before it."""
    encode = msgspec.msgpack.Encoder().encode

    def send(frame: Frame) -> None:
        data = encode(frame)
        stdout.write(len(data).to_bytes(4, "big"))
        stdout.write(data)

    size = int.from_bytes(stdin.read(4), "big")
    request = msgspec.msgpack.decode(stdin.read(size), type=Request)
    data = b"" if request.path else stdin.read()
    try:
        read = frames
        if request.kind == "parquet":
            from importer.sources.parquet_rows import frames as read
        for frame in read(request, data):
            send(frame)
    except SourceError as error:
        send(Refused(error.message, error.hint, isinstance(error, NotAList)))
    except MemoryError:
        raise
    except Exception:
        send(Fault(traceback.format_exc()))
    stdout.flush()


def frames(request: Request, data: bytes) -> Iterator[Frame]:
    """What the workbook is, a word on each sheet that is left out, then the rows of each list."""
    file, options = request.file, request.read_options()
    book = _Book(file, request.path, data, options)
    chosen = _choose(file, book, options)
    details = {"sheets": ", ".join(sheet.shown for sheet in chosen.sheets)}
    read = {sheet.name for sheet in chosen.sheets}
    if passed := [name for name in chosen.names if name not in read]:
        details["left out"] = ", ".join(passed)
    yield Found(book.kind, details)
    if book.kind in ("xls", "xlsb"):
        yield Told(Issue(Severity.INFO, "workbook-details-unread", _UNREAD, Place(file)))
    for issue in chosen.issues:
        yield Told(issue)
    for position, sheet in enumerate(chosen.sheets):
        sheet.source = sheet.source or book.sheet(sheet.name)
        yield Head(sheet.header)
        for found in sheet.read(options, partial(book.date_formats, sheet.name)):
            yield Told(found) if isinstance(found, Issue) else found
        yield End()
        chosen.sheets[position].source = None


@dataclass(slots=True)
class _Chosen:
    """The sheets that are read, and remarks on those that are not."""

    sheets: list[Sheet] = field(default_factory=list)
    others: list[Sheet] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


class _Book:
    """A workbook: what calamine reads, and what stands beside it."""

    def __init__(self, file: str, path: str, data: bytes, options: ReadOptions) -> None:
        self._file, self._path, self._data, self._options = file, path, data, options
        self._parts: XlsxParts | None = None
        self._ods: dict[str, OdsSheet] = {}
        self._book: CalamineWorkbook | None = None
        with self.open() as stream:
            zipped = stream.read(2) == b"PK"
        self.kind = self._look_into_zip() if zipped else _old_kind(file, self.open())
        if self.kind == "ods":
            self.sheets = [(sheet.name, "WorkSheet", sheet.visible) for sheet in self._ods.values()]
            return
        from python_calamine import load_workbook

        source: Any = path or self.open()
        self._book = _guarded(file, lambda: load_workbook(source))
        self.sheets = [
            (meta.name, str(meta.typ).rpartition(".")[2], str(meta.visible).endswith("Visible"))
            for meta in self._book.sheets_metadata
        ]

    def open(self) -> BinaryIO:
        return open_regular(self._path) if self._path else io.BytesIO(self._data)

    def sheet(self, name: str) -> Grid:
        """The values of a sheet."""
        if self._book is None:
            return self._ods[name]
        book = self._book
        return _guarded(self._file, lambda: book.get_sheet_by_name(name))

    def parts(self, name: str) -> SheetParts:
        """What stands beside them."""
        if self._book is None:
            return self._ods[name].parts
        return self._parts.sheet(name) if self._parts else SheetParts()

    def date_formats(self, name: str) -> Formats:
        """The formats of the sheet's dates; of an ODS, which has the text itself, a format of nothing else."""
        if self._book is None:
            found: dict[int, list[tuple[int, str]]] = {}
            for (row, column), text in self._ods[name].shown.items():
                found.setdefault(row, []).append((column, '"' + text.replace('"', "") + '"'))
            return found
        return self._parts.date_formats(name) if self._parts else {}

    def _look_into_zip(self) -> str:
        """Kind; SourceError for bombs and damage."""
        file, limits = self._file, self._options.limits
        try:
            archive = zipfile.ZipFile(self.open())
            _check_sizes(file, archive.infolist(), limits)
            _check_entities(file, archive)
            kind = _kind(archive)
            if kind in ("xlsx", "xlsm"):
                self._parts = XlsxParts(file, archive, limits)
            elif kind == "ods" and "content.xml" in archive.namelist():
                if _is_encrypted(archive):
                    raise _protected(file)
                with archive.open("content.xml") as stream:
                    self._ods = {sheet.name: sheet for sheet in read_ods(file, stream, limits)}
            return kind
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
            raise SourceError(f"{file} is damaged or cut short: its ZIP archive cannot be read.") from error
        except RuntimeError as error:
            raise _protected(file) from error


def _old_kind(file: str, stream: BinaryIO) -> str:
    """An OLE container is an XLS workbook, or something else of Microsoft's."""
    with stream:
        content = stream.read(64 * MIB)
    for stream_name, looks in (
        ("EncryptedPackage", ""),
        ("WordDocument", "a Word document"),
        ("PowerPoint Document", "a PowerPoint presentation"),
        ("__nameid_version1.0", "an Outlook message"),
    ):
        if stream_name.encode("utf-16-le") in content:
            if not looks:
                raise _protected(file)
            raise not_a_list(file, looks)
    return "xls"


def _check_sizes(file: str, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    """calamine stops at a member's declared size, so the declared sizes can be believed."""
    total = sum(member.file_size for member in members if not _is_media(member.filename))
    packed = sum(member.compress_size for member in members)
    if total > limits.file_bytes or (total > 64 * MIB and total > limits.ratio * max(packed, 1)):
        raise SourceError(
            f"{file} unpacks to {total / MIB:,.0f} MiB from {packed / 1024:,.0f} KiB, which looks like a decompression "
            "bomb; it was not read.",
            hint=limits.hint("file_bytes" if total > limits.file_bytes else "ratio"),
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


def _is_encrypted(archive: zipfile.ZipFile) -> bool:
    manifest = "META-INF/manifest.xml"
    if manifest not in archive.namelist():
        return False
    with archive.open(manifest) as stream:
        return b":encryption-data" in stream.read(MIB)


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


def _guarded(file: str, call: Callable[[], T]) -> T:
    """What calamine raises, as one sentence; a panic of its Rust code, which is not an Exception, included."""
    from python_calamine import CalamineError, PasswordError

    try:
        return call()
    except PasswordError as error:
        raise _protected(file) from error
    except (CalamineError, OSError, ValueError, MemoryError) as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise SourceError(
            f"{file} cannot be read: it is damaged, cut short, not a workbook, "
            f"or needs more memory than any list does ({reason})."
        ) from error
    except (Exception, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise SourceError(f"{file} is damaged: the workbook reader gave up on it.") from error


def _protected(file: str) -> SourceError:
    return SourceError(
        f"{file} is protected with a password.", hint="Open it, save it without a password, and give that file."
    )


def _choose(file: str, book: _Book, options: ReadOptions) -> _Chosen:
    limits = options.limits
    if len(book.sheets) > limits.sheets:
        message = f"{file} has {len(book.sheets):,} sheets; at most {limits.sheets:,} are looked at."
        raise SourceError(message, hint=limits.hint("sheets"))
    chosen = _Chosen(names=[name for name, _, _ in book.sheets])
    wanted = _wanted(file, options, chosen.names)
    kept = 0
    for name, kind, visible in book.sheets:
        reason = _passed_over(name, kind, visible, wanted, options)
        if reason is not None:
            if reason:
                chosen.issues.append(_left_out(file, name, *reason))
            continue
        parts = book.parts(name)  # tells of a stray cell before all up to it is laid out: not side by side
        source = book.sheet(name)
        if (first := next(iter(source.iter_rows()), None)) and cell_text(first[0]) == ISSUES_TITLE:
            continue  # our own, of a workbook that was annotated
        sheet = find_table(file, book.kind, name, source, options, parts)
        if sheet is None:
            chosen.issues.append(_empty(file, name, parts))
            continue
        kept += source.height * source.width
        sheet.source = source if kept <= _KEPT_CELLS else None
        (chosen.sheets if sheet.actors or name in wanted else chosen.others).append(sheet)
    return _settle(file, chosen, options)


def _settle(file: str, chosen: _Chosen, options: ReadOptions) -> _Chosen:
    """Where no sheet is recognised, all that are tables are read: their columns may be ones the mapping knows."""
    if not chosen.sheets:
        chosen.sheets = [sheet for sheet in chosen.others if sheet.tabular]
        chosen.others = [sheet for sheet in chosen.others if not sheet.tabular]
    if not chosen.sheets:
        hidden = [issue.place.sheet for issue in chosen.issues if issue.code == "hidden-sheet"]
        looks = "a workbook without a table in it"
        if hidden:
            looks += f" (apart from hidden sheets: {', '.join(hidden[:10])})"
        raise not_a_list(file, looks)
    for sheet in chosen.others:
        chosen.issues.append(
            _left_out(
                file,
                sheet.name,
                "left-out-sheet",
                f"The sheet lists no actors as far as its headers tell; read it with --sheet {_quoted(sheet.name)}.",
                sheet.headline,
                Severity.WARNING
                if sheet.tabular and may_list_actors(sheet.name, sheet.header.columns)
                else Severity.INFO,
            )
        )
    return chosen


def _wanted(file: str, options: ReadOptions, names: list[str]) -> Mapping[str, str]:
    """The sheets that were asked for by name; a name that is not there is an error with the names that are."""
    lowered = {name.casefold().strip(): name for name in names}
    wanted, missing = {}, []
    for asked in options.sheets:
        found = asked if asked in names else lowered.get(asked.casefold().strip(), "")
        if found:
            wanted[found] = asked
        else:
            missing.append(asked)
    if missing and not wanted:
        raise SourceError(
            f"{file} has no sheet called {' or '.join(missing)}.", hint=f"Its sheets are: {', '.join(names)}."
        )
    return wanted


def _passed_over(
    name: str, kind: str, visible: bool, wanted: Mapping[str, str], options: ReadOptions
) -> tuple[str, str] | tuple[()] | None:
    """None for a sheet that is looked at, else a code and why not; empty for one that was simply not asked for."""
    if wanted:
        return None if name in wanted else ()
    if kind != "WorkSheet":
        words = {
            "ChartSheet": "a chart",
            "MacroSheet": "a macro sheet",
            "DialogSheet": "a dialog",
            "Vba": "a macro module",
        }
        return "no-worksheet", f"It is {words.get(kind, 'no sheet of cells')}."
    if name == WORDS_SHEET:
        return ()
    if not visible and not options.include_hidden:
        return "hidden-sheet", f"The sheet is hidden; read it with --sheet {_quoted(name)}."
    return None


def _empty(file: str, sheet: str, parts: SheetParts) -> Issue:
    if "" in parts.errors.values():
        message = "The sheet's formulas have no stored values; open the workbook in Excel or LibreOffice and save it."
        return Issue(Severity.WARNING, "formula-without-value", message, Place(file, sheet))
    return _left_out(file, sheet, "empty-sheet", "The sheet is empty.")


def _left_out(
    file: str, sheet: str, code: str, message: str, value: str = "", severity: Severity = Severity.INFO
) -> Issue:
    return Issue(severity, code, message, Place(file, sheet), value=value)


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
