"""How a text separates and quotes its cells."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from importer.text.header_words import known_count

CANDIDATES = (",", ";", "\t", "|", "/", ":", "^", "~", "\x1f", "\x01", "\x1e")
_RARE = frozenset("/:")
_SAMPLE_ROWS = 200
_SEP_LINE = re.compile(r'\A"?sep=(.)"?\r?\n?\Z', re.IGNORECASE)


class Dialect(Struct, frozen=True):
    """What the csv module is told."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    """A backslash where quotes within cells are written with one, else nothing: they are doubled."""
    skip_blanks: bool = False
    """Blanks between a delimiter and a quote do not count, on either side of a cell."""
    single_column: bool = False
    """No delimiter was found; the text is one column."""

    @property
    def shown(self) -> str:
        if self.single_column:
            return "none (one column)"
        return {"\t": "tab", "\x1f": "unit separator", "\x01": "SOH", "\x1e": "record separator"}.get(
            self.delimiter, self.delimiter
        )

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """A csv reader that reports broken quoting instead of guessing."""
        if self.skip_blanks:
            behind = re.compile(rf'"[ \t]+(?={re.escape(self.delimiter)}|\r?\n?\Z)')
            lines = (behind.sub('"', line) for line in lines)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            doublequote=not self.escape,
            escapechar=self.escape or None,
            skipinitialspace=self.skip_blanks,
            strict=True,
        )


def sep_line(line: str) -> str:
    """The delimiter that Excel's first line `sep=;` announces, else nothing."""
    match = _SEP_LINE.match(line)
    return match[1] if match else ""


def detect(lines: list[str], delimiter: str = "") -> Dialect:
    """The dialect in which the sample falls into the most even rows.

    `lines` keep their ends; the last one may be cut off and is better left out by the caller. Known header words
    weigh as much as evenness, and the plain dialect wins where another is not clearly better.
    """
    text = "".join(lines)
    best, best_score = Dialect(delimiter or ",", single_column=not delimiter), 0.0
    for candidate in (delimiter,) if delimiter else CANDIDATES:
        if candidate not in text:
            continue
        for dialect, penalty in _variants(candidate, text):
            score = _score(dialect, lines) - penalty
            if score > best_score + 1e-9:
                best, best_score = dialect, score
    return best


def _variants(delimiter: str, text: str) -> Iterator[tuple[Dialect, float]]:
    mark = re.escape(delimiter)
    # A whole cell in quotes behind a blank: its quotes are none of its text, whether or not a delimiter is in it.
    whole = bool(re.search(rf'{mark}[ ]+"[^"\n]*"[ ]*(?={mark}|\r?$)', text, re.MULTILINE))
    yield Dialect(delimiter), 0.01 if whole else 0.0
    if whole or re.search(rf'(?:{mark}|^)[ ]+"|"[ ]+{mark}', text, re.MULTILINE):
        yield Dialect(delimiter, skip_blanks=True), 0.0 if whole else 0.02
    # A doubled quote in the middle of a cell shows how quotes are written: a backslash before one is then JSON's.
    if '\\"' in text and not re.search(rf'[^\\{mark}\n"]""[^{mark}\r\n"]', text):
        yield Dialect(delimiter, escape="\\"), 0.02
    if len(re.findall(rf"(?:^|{mark})'[^'\n]*'(?={mark}|\r?$)", text, re.MULTILINE)) >= 4:
        yield Dialect(delimiter, quote="'"), 0.1


def _score(dialect: Dialect, lines: list[str]) -> float:
    rows: list[list[str]] = []
    broken = 0
    source = iter(lines)
    reader = dialect.reader(source)
    while len(rows) < _SAMPLE_ROWS:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            broken += 1
            continue
        if row:
            rows.append(row)
    if not rows:
        return 0.0
    width, times = max(Counter(len(row) for row in rows).items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    if width < 2:
        return 0.0
    even = times / (len(rows) + broken)
    words = max(known_count(row) for row in rows[:20])
    if dialect.delimiter in _RARE and (even < 0.9 or not words):
        return 0.0
    return even + min(words, 4) * 0.5 + min(width, 20) * 0.01 - (0.05 if dialect.delimiter in _RARE else 0)
