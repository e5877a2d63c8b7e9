"""Columns of text that line up: the table of fields, the list of runs, the list of presets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from unicodedata import combining, east_asian_width

from importer.fields.table import Field
from importer.model import Json
from importer.reports.screen import Line
from importer.reports.text import shortened, visible

_REASON: Final = 120


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Line]:
    """A table with a heading; all columns but the last are padded to their widest cell."""
    cells = [[visible(cell) for cell in row] for row in rows]
    widths = [max((_width(row[at]) for row in [list(head), *cells]), default=0) for at in range(len(head))]
    yield ((_joined(head, widths), "head"),)
    for row in cells:
        yield (_joined(row, widths),)


def fields_lines(fields: Sequence[Field]) -> Iterator[Line]:
    """The table of tag fields: wire name, type, API generations, who sees it, what it means."""
    rows = [
        (
            field.name,
            f"{field.kind.value}{', annotated' if field.annotated else ''}",
            f"{field.first} to {field.last}",
            field.visibility.value,
            field.meaning + (f" Words: {field.vocabulary}." if field.vocabulary else ""),
        )
        for field in fields
    ]
    yield from table_lines(("FIELD", "TYPE", "API", "SEEN BY", "MEANING"), rows)
    yield ("",)
    yield ("annotated: may also be {value, confidence?, tlp?}. undocumented: treat it as seen by other accounts.",)


def runs_lines(runs: Sequence[Mapping[str, Json]]) -> Iterator[Line]:
    """The list of runs. Keys: run, command, state, started, rows, counts (by status), account, sandbox."""
    if not runs:
        yield ("No run yet.",)
        return
    rows = []
    for run in runs:
        counts = run.get("counts") or {}
        reason = str(run.get("reason") or "")
        if reason and not counts:
            shown = shortened(
                f"exit {code}: {reason}" if (code := run.get("exit_code")) is not None else reason, _REASON
            )
        else:
            shown = ", ".join(f"{status.replace('_', ' ')} {number:,}" for status, number in counts.items() if number)
        started = str(run.get("started", ""))[:19].replace("T", " ")
        rows.append(
            (str(run.get("run", "")), str(run.get("command", "")), str(run.get("state", "")), started,
             f"{run.get('rows', 0):,}", shown)
        )  # fmt: skip
    yield from table_lines(("RUN", "COMMAND", "STATE", "STARTED (UTC)", "ROWS", "RESULT"), rows)


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
