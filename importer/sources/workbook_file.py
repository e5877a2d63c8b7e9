"""Reads workbooks (XLSX, XLSM, XLSB, XLS, ODS) and Parquet through a child with bounded memory and time; here nothing
is parsed."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import IO

import msgspec

from importer.errors import SourceError
from importer.model import Header, Issue, SourceFile, Table
from importer.sources.located import NotAList, Opened
from importer.sources.options import MIB, Limits, ReadOptions
from importer.sources.sheet import Rows, Shown
from importer.sources.table import RowList
from importer.sources.workbook_child import End, Fault, Found, Frame, Head, Refused, Request, Told
from importer.system import CHILD_LIMITS, TIME_EXCEEDED, without_secrets

_CODE = """
import sys
sys.path.insert(0, {package!r})
import python_calamine
from importer.sources.workbook_child import main
{limits}
try:
    main(sys.stdin.buffer, sys.stdout.buffer)
except MemoryError:
    sys.exit(3)
"""
_ASKED = ("sheets", "include_hidden", "header_row", "per_sheet_header", "name_columns")


def read_workbook(opened: Opened, options: ReadOptions) -> Iterator[SourceFile | Issue | Table]:
    """SourceFile, a word on each sheet that is left out, then each list's rows in tables."""
    rows = RowList(Header(opened.file, "", ()), options.limits)
    shown: dict[tuple[int, str], str] = {}
    for frame in _frames(opened, options):
        match frame:
            case Rows():
                rows.extend_rows(frame.numbers, frame.cells, frame.issues, frame.gaps)
            case Told():
                yield frame.issue
            case Found():
                yield SourceFile(opened.file, frame.kind, opened.sha256, opened.size, frame.details)
            case Head():
                rows, shown = RowList(frame.header, options.limits), {}
            case Shown():
                shown = {(position, column): text for position, column, text in frame.dates}
            case End():
                yield msgspec.structs.replace(rows.table(), dates=shown)
            case Fault():
                raise RuntimeError(f"The reader of workbooks failed.\n{frame.traceback}")
            case Refused():
                raise (NotAList if frame.no_list else SourceError)(frame.message, hint=frame.hint)


def _frames(opened: Opened, options: ReadOptions) -> Iterator[Frame]:
    decode, limits = msgspec.msgpack.Decoder(Frame).decode, options.limits
    late: list[bool] = []
    with _child(limits) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def stop() -> None:
            late.append(True)
            process.kill()

        def patiently(count: int) -> bytes:
            timer = Timer(limits.workbook_seconds, stop)
            timer.daemon = True
            timer.start()
            try:
                return process.stdout.read(count)  # type: ignore[union-attr]
            finally:
                timer.cancel()

        with suppress(BrokenPipeError):
            _ask(process.stdin, opened, options)
        while len(size := patiently(4)) == 4:
            data = patiently(int.from_bytes(size, "big"))
            if len(data) < int.from_bytes(size, "big"):
                break
            frame: Frame = decode(data)
            yield frame
        code = process.wait()
    if late or code == TIME_EXCEEDED:
        raise SourceError(
            f"{opened.file} was not read: it takes longer than {limits.workbook_seconds:g} seconds.",
            hint=limits.hint("workbook_seconds"),
        )
    if code == 1:
        raise RuntimeError("The reader of workbooks did not start.")
    if code:
        raise SourceError(
            f"{opened.file} was not read: it is damaged, or made to use up memory; its reader gave up on it "
            f"(it may use {limits.workbook_memory / MIB:,.0f} MiB).",
            hint=limits.hint("workbook_memory"),
        )


def _ask(stdin: IO[bytes], opened: Opened, options: ReadOptions) -> None:
    """The request, and the workbook behind it where the child cannot open it by itself."""
    path = str(opened.path.absolute()) if opened.path else ""
    asked = {name: getattr(options, name) for name in _ASKED}
    asked["limits"] = msgspec.structs.asdict(options.limits)
    request = msgspec.msgpack.encode(Request(opened.file, path, asked, opened.kind), enc_hook=dict)
    with stdin:
        stdin.write(len(request).to_bytes(4, "big") + request)
        if not path:
            with opened.open() as stream:
                shutil.copyfileobj(stream, stdin, MIB)


@contextmanager
def _child(limits: Limits) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own, which is gone behind it."""
    code = _CODE.format(
        limits=CHILD_LIMITS.format(bytes=limits.workbook_memory, seconds=math.ceil(limits.workbook_seconds)),
        package=str(Path(__file__).parents[2]),
    )
    with subprocess.Popen(  # noqa: S603 - our own code, the file is its input
        [sys.executable, "-I", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=without_secrets(os.environ),
    ) as process:
        try:
            yield process
        finally:
            process.kill()
