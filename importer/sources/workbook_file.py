"""Reads workbooks (XLSX, XLSM, XLSB, XLS, ODS) sheet by sheet through calamine.

The parser lays sheets out in memory as the file asks; where that is too much it aborts the whole process, which no
exception handler sees. So a workbook is first tried in a process of its own, with bounded memory and time; large zipped
XML sheets are only measured beforehand (workbook_scan).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from importer.errors import SourceError
from importer.model import Issue, Place, Severity, SourceFile, Table
from importer.sources.header import may_list_actors
from importer.sources.located import Opened, not_a_list
from importer.sources.options import ReadOptions
from importer.sources.sheet import Sheet, find_table
from importer.sources.workbook_scan import Scan, scan_zip
from importer.system import MEMORY_LIMIT, without_secrets

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook, SheetMetadata


_MEMORY = 1536 << 20
_SECONDS = 25
_CODE = f"""
{MEMORY_LIMIT.format(bytes=_MEMORY)}
import io, sys
import python_calamine
try:
    book = python_calamine.load_workbook(io.BytesIO(sys.stdin.buffer.read()))
    for index in range(len(book.sheet_names)):
        book.get_sheet_by_index(index)
except MemoryError:
    sys.exit(3)
except Exception:
    pass
except BaseException:  # a panic of the reader
    sys.exit(3)
"""


def probe(opened: Opened) -> None:
    """SourceError when the workbook asks for too much memory or time; what else is wrong with it shows later."""
    if not sys.executable:
        return
    with opened.open() as stream:
        data = stream.read()
    try:
        done = subprocess.run(  # noqa: S603 - our own code, the file is its input
            [sys.executable, "-I", "-c", _CODE],
            input=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=without_secrets(os.environ),
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{opened.file} was not read: opening it takes longer than {_SECONDS} seconds.") from error
    except OSError:
        return
    if done.returncode == 3 or done.returncode < 0:
        raise SourceError(
            f"{opened.file} was not read: it is damaged, or made to use up memory; the workbook reader gave up on it."
        )


T = TypeVar("T")

_XLS = "In an .xls file, a cell whose formula ended in an error reads as blank; save the list as .xlsx to see them."

_ALWAYS_PROBED = 1 << 20
"""Bytes up to which also a zipped XML workbook is tried first: it costs a tenth of a second."""
_KEPT_CELLS = 10_000_000
"""Cells of sheets that are kept parsed between looking at them and reading them."""


@dataclass(slots=True)
class _Chosen:
    """The sheets that are read, and remarks on those that are not."""

    sheets: list[Sheet] = field(default_factory=list)
    others: list[Sheet] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def read_workbook(opened: Opened, options: ReadOptions) -> Iterator[SourceFile | Issue | Table]:
    """SourceFile, a word on each sheet that is left out, then each list's rows in tables."""
    with opened.open() as stream:
        zipped = stream.read(2) == b"PK"
        stream.seek(0)
        scan = scan_zip(opened.file, stream, options.limits) if zipped else _old_kind(opened)
    if scan.kind not in ("xlsx", "xlsm") or opened.length <= _ALWAYS_PROBED:
        probe(opened)
    book = _load(opened)
    try:
        chosen = _choose(opened, book, scan, options)
        details = {"sheets": ", ".join(sheet.shown for sheet in chosen.sheets)}
        passed = [name for name in chosen.names if name not in {sheet.name for sheet in chosen.sheets}]
        if passed:
            details["left out"] = ", ".join(passed)
        yield SourceFile(opened.file, scan.kind, opened.sha256, opened.size, details)
        if scan.kind == "xls":
            yield Issue(Severity.INFO, "xls-errors-unread", _XLS, Place(opened.file))
        yield from chosen.issues
        for position, sheet in enumerate(chosen.sheets):
            sheet.source = sheet.source or _sheet(opened, book, sheet.name)
            yield from sheet.read(options)
            chosen.sheets[position].source = None
    finally:
        book.close()


def _old_kind(opened: Opened) -> Scan:
    """An OLE container is an XLS workbook, or something else of Microsoft's."""
    with opened.open() as stream:
        content = stream.read(64 << 20)
    for stream_name, looks in (
        ("EncryptedPackage", ""),
        ("WordDocument", "a Word document"),
        ("PowerPoint Document", "a PowerPoint presentation"),
        ("__nameid_version1.0", "an Outlook message"),
    ):
        if stream_name.encode("utf-16-le") in content:
            if not looks:
                raise _protected(opened.file)
            raise not_a_list(opened.file, looks)
    return Scan("xls")


def _load(opened: Opened) -> CalamineWorkbook:
    from python_calamine import load_workbook

    source: Any = str(opened.path) if opened.path else opened.open()
    return _guarded(opened.file, lambda: load_workbook(source))


def _sheet(opened: Opened, book: CalamineWorkbook, name: str) -> CalamineSheet:
    return _guarded(opened.file, lambda: book.get_sheet_by_name(name))


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


def _choose(opened: Opened, book: CalamineWorkbook, scan: Scan, options: ReadOptions) -> _Chosen:
    chosen = _Chosen(names=[meta.name for meta in book.sheets_metadata])
    wanted = _wanted(opened, options, chosen.names)
    kept = 0
    for meta in book.sheets_metadata:
        reason = _passed_over(meta, wanted, options)
        if reason is not None:
            if reason:
                chosen.issues.append(_left_out(opened.file, meta.name, *reason))
            continue
        source = _sheet(opened, book, meta.name)
        sheet = find_table(opened.file, scan, meta.name, source, options)
        if sheet is None:
            chosen.issues.append(_empty(opened.file, meta.name, scan))
            continue
        kept += source.height * source.width
        sheet.source = source if kept <= _KEPT_CELLS else None
        (chosen.sheets if sheet.actors or meta.name in wanted else chosen.others).append(sheet)
    return _settle(opened, chosen, options)


def _settle(opened: Opened, chosen: _Chosen, options: ReadOptions) -> _Chosen:
    """Where no sheet is recognised, all that are tables are read: their columns may be ones the mapping knows."""
    if not chosen.sheets:
        chosen.sheets = [sheet for sheet in chosen.others if sheet.tabular]
        chosen.others = [sheet for sheet in chosen.others if not sheet.tabular]
    if not chosen.sheets:
        hidden = [issue.place.sheet for issue in chosen.issues if issue.code == "hidden-sheet"]
        looks = "a workbook without a table in it"
        if hidden:
            looks += f" (apart from hidden sheets: {', '.join(hidden[:10])})"
        raise not_a_list(opened.file, looks)
    for sheet in chosen.others:
        chosen.issues.append(
            _left_out(
                opened.file,
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


def _wanted(opened: Opened, options: ReadOptions, names: list[str]) -> Mapping[str, str]:
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
            f"{opened.file} has no sheet called {' or '.join(missing)}.", hint=f"Its sheets are: {', '.join(names)}."
        )
    return wanted


def _passed_over(
    meta: SheetMetadata, wanted: Mapping[str, str], options: ReadOptions
) -> tuple[str, str] | tuple[()] | None:
    """None for a sheet that is looked at, else a code and why not; empty for one that was simply not asked for."""
    if wanted:
        return None if meta.name in wanted else ()
    kind = str(meta.typ).rpartition(".")[2]
    if kind != "WorkSheet":
        words = {
            "ChartSheet": "a chart",
            "MacroSheet": "a macro sheet",
            "DialogSheet": "a dialog",
            "Vba": "a macro module",
        }
        return "no-worksheet", f"It is {words.get(kind, 'no sheet of cells')}."
    if str(meta.visible).rpartition(".")[2] != "Visible" and not options.include_hidden:
        return "hidden-sheet", f"The sheet is hidden; read it with --sheet {_quoted(meta.name)}."
    return None


def _empty(file: str, sheet: str, scan: Scan) -> Issue:
    if "" in scan.errors.get(sheet, {}).values():
        message = "The sheet's formulas have no stored values; open the workbook in Excel or LibreOffice and save it."
        return Issue(Severity.WARNING, "formula-without-value", message, Place(file, sheet))
    return _left_out(file, sheet, "empty-sheet", "The sheet is empty.")


def _left_out(
    file: str, sheet: str, code: str, message: str, value: str = "", severity: Severity = Severity.INFO
) -> Issue:
    return Issue(severity, code, message, Place(file, sheet), value=value)


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
