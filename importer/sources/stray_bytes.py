"""Bytes that are not UTF-8 in a text that otherwise is: read as Windows-1252, and told."""

from __future__ import annotations

from collections.abc import Iterator

from importer.model import Issue, Place, Severity
from importer.sources.encoding import stray_bytes


class StrayBytes:
    """Bytes that are not UTF-8 in a text that otherwise is."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: list[int] = []
        self._example = ""

    def watch(self, text: Iterator[str]) -> Iterator[str]:
        for number, line in enumerate(text, 1):
            if not line.isascii() and any("\udc80" <= char <= "\udcff" for char in line):
                fixed = stray_bytes(line)
                self._lines.append(number)
                self._example = self._example or fixed.strip()[:200]
                yield fixed
            else:
                yield line

    def issues(self) -> Iterator[Issue]:
        if self._lines:
            shown = ", ".join(str(number) for number in self._lines[:20])
            more = f" and {len(self._lines) - 20:,} more" if len(self._lines) > 20 else ""
            yield Issue(
                Severity.WARNING,
                "encoding-mixed",
                f"The file is UTF-8, but bytes in line {shown}{more} are not; they were read as Windows-1252.",
                Place(self._file, row=self._lines[0]),
                value=self._example,
            )
