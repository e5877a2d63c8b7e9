"""The columns of a CSV file, from its header and the rows after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from importer.errors import SourceError
from importer.model import Header, Issue
from importer.sources.columns import make_header
from importer.sources.csv_issues import quote_issue
from importer.sources.csv_records import Record
from importer.sources.located import Opened
from importer.sources.options import ReadOptions
from importer.sources.refusal import not_a_list


@dataclass(slots=True)
class Shape:
    """What the beginning of the file told of its columns."""

    header: Header
    line: int
    """The line of the header."""
    data_line: int
    """The line after the header, where the rows begin."""
    issues: list[Issue] = field(default_factory=list)
    short_is_usual: bool = False
    """The writer leaves out empty cells at the end of rows."""

    @classmethod
    def of(cls, opened: Opened, options: ReadOptions, beginning: list[Record], position: int) -> Shape:
        found = beginning[position]
        cells = list(found.cells)
        data = [record.cells for record in beginning[position + 1 :] if any(record.cells)]
        while (
            cells and not cells[-1].strip() and not any(len(row) >= len(cells) and row[len(cells) - 1] for row in data)
        ):
            cells.pop()
        wider = [row for row in data if any(row[len(cells) :])]
        if data and len(wider) * 2 > len(data):
            cells += [""] * (max(_filled_width(row) for row in wider) - len(cells))
        if not cells:
            raise not_a_list(opened.file, "a file without a row that could be a header")
        if len(cells) > options.limits.columns:
            raise SourceError(
                f"{opened.file} has {len(cells):,} columns in line {found.line}; "
                f"at most {options.limits.columns:,} are read."
            )
        used = (
            [any(index < len(row) and row[index] for row in data) for index in range(len(cells))] if "" in cells else []
        )
        header, issues = make_header(opened.file, "csv", cells, row=found.line, used=used)
        if found.problem:
            issues.append(quote_issue(opened.file, found))
        short = sum(1 for row in data if len(row) < len(cells))
        return cls(header, found.line, found.line + found.span, issues, short >= 3 and short * 10 >= len(data))


def _filled_width(row: Sequence[str]) -> int:
    return max((index + 1 for index, cell in enumerate(row) if cell), default=0)
