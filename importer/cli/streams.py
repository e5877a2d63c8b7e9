"""The standard streams as every command finds them: open, and never the reason for how it ends.

Whoever reads a stream may go away (`| head`, a closed terminal), its disk may be full, and a service may start a
command without any. What can't be said is not said: the work goes on, and its exit code stays that of the work.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Iterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from importer.masking import Mask


class Outlet(io.RawIOBase):
    """The lowest layer of a stream: what the system does not take is dropped, and the first reason is kept."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__()
        self._raw = raw
        self.problem: OSError | None = None

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        """As any raw stream's, but it takes everything."""
        try:
            while (written := self._raw.write(data)) is None:  # another program made the terminal or pipe non-blocking
                select.select((), (self._raw,), ())
        except OSError as error:
            self.problem = self.problem or error
            return len(data)
        return written

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()


class MaskedText(io.TextIOWrapper):
    """The upper layer: no secret gets through. Each secret must be within one `write`, as in whole lines it is."""

    mask: Mask | None = None

    def write(self, text: str) -> int:
        super().write(self.mask.text(text) if self.mask is not None else text)
        return len(text)


def hide(secrets: Iterable[str]) -> None:
    """From now on these are masked on standard output and error."""
    secrets = tuple(filter(None, secrets))
    if not secrets:
        return  # `--help` loads nothing for nothing
    from importer.masking import Mask

    mask = Mask(secrets)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, MaskedText):
            stream.mask = mask


def open_streams() -> None:
    """Make the three streams usable. A stream that is not the system's own (a notebook's, a test's) is left alone."""
    # A file that is opened while one is closed would take its number, and a print would end up in that file.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stdout, sys.stderr = _safe(sys.stdout), _safe(sys.stderr)
    # Names from any script must print on a terminal of any encoding, and whatever is typed can be read.
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def undelivered() -> str:
    """Why the result did not get where it was sent; empty where it did, or its reader has had enough."""
    sys.stdout.flush()
    outlet = _raw(sys.stdout)
    problem = outlet.problem if isinstance(outlet, Outlet) else None
    return "" if problem is None or problem.errno == errno.EPIPE else problem.strerror or type(problem).__name__


def _safe(stream: TextIO | None) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123
    raw = _raw(stream)
    if isinstance(raw, Outlet) or not isinstance(raw, io.RawIOBase) or not isinstance(stream, io.TextIOWrapper):
        return stream
    buffer = io.BufferedWriter(Outlet(raw))  # type: ignore[type-var]  # it takes every raw stream
    at_once = stream.line_buffering or stream.write_through
    return MaskedText(buffer, encoding=stream.encoding, line_buffering=at_once)


def _raw(stream: TextIO) -> object:
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED there is no buffer in between
