"""Tries a workbook in a process of its own, with bounded memory and time, before it is opened in this one.

The parser lays sheets out in memory as the file asks; where that is too much it aborts the whole process, which no
exception handler sees. Large zipped XML sheets are only measured beforehand (workbook_scan); all others are tried here.
"""

from __future__ import annotations

import subprocess
import sys

from importer.errors import SourceError
from importer.sources.located import Opened
from importer.system import MEMORY_LIMIT

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
