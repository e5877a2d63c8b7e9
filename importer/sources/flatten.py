"""Objects with nested values as rows of cells: the columns are dotted key paths, lists their JSON text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from importer.errors import SourceError
from importer.model import Header, Issue, Place, Severity, Table
from importer.sources.json_text import Repeated, json_text
from importer.sources.located import Opened
from importer.sources.options import ReadOptions
from importer.sources.table import RowList


def cell(value: Any) -> str:
    """A value in one cell: text as it is, null and empty lists blank, lists and objects as JSON text."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    return json_text(value) if value else ""


def flatten(value: dict[str, Any], into: dict[str, str], prefix: str = "", depth: int = 0) -> dict[str, str]:
    """`{"meta": {"country": "CN"}}` is `{"meta.country": "CN"}`; beyond 6 levels an object is its JSON text."""
    for key, item in value.items():
        path = f"{prefix}{key}"
        if type(item) is str:
            text = item
        elif isinstance(item, dict) and item and depth < 6:
            flatten(item, into, f"{path}.", depth + 1)
            continue
        else:
            text = cell(item)
        into[path if into.get(path, text) == text else _free(path, into)] = text
    return into


def repeated_keys(value: Any, prefix: str = "") -> Iterator[str]:
    """The key paths that stand more than once within an object."""
    if isinstance(value, Repeated):
        yield from (f"{prefix}{key}" for key in value.keys_repeated)
    inner = (
        [(f"{prefix}{key}.", item) for key, item in value.items() if type(item) is not str]
        if isinstance(value, dict)
        else [(prefix, item) for item in value if type(item) is not str]
    )
    for path, item in inner:
        if isinstance(item, (dict, list)):
            yield from repeated_keys(item, path)


def repeated_key_issues(value: Any, place: Place) -> list[Issue]:
    """An error for each key that an object has twice: one of its values would be lost."""
    return [
        Issue(
            Severity.ERROR,
            "repeated-key",
            "The key stands there more than once; only its last value can be read.",
            Place(place.file, place.sheet, place.row, "", key, place.id),
            value=key,
        )
        for key in dict.fromkeys(repeated_keys(value))
    ]


def object_tables(
    opened: Opened,
    kind: str,
    rows: Iterable[tuple[int, str, dict[str, str], Sequence[Issue]]],
    options: ReadOptions,
    first: Sequence[str] = (),
) -> Iterator[Table]:
    """The table of (number, id, cells, issues), none without rows.

    Its columns are all keys, those of `first` in front where they occur.
    """
    file, limits = opened.file, options.limits
    kept = list(opened.deadline.each(rows))
    seen: dict[str, None] = {}
    for _, _, cells, _ in kept:
        if not seen.keys() >= cells.keys():
            seen.update(dict.fromkeys(cells))
    if len(seen) > limits.columns:
        raise SourceError(
            f"{file} has objects with {len(seen):,} different keys, at most {limits.columns:,} are read.",
            hint=limits.hint("columns"),
        )
    columns = [name for name in first if name in seen] + [name for name in seen if name not in set(first)]
    if len(columns) * len(kept) > limits.sheet_cells:
        message = f"{file}: {len(kept):,} objects with {len(columns):,} different keys are nearly all empty cells."
        raise SourceError(message, hint=limits.hint("sheet_cells"))
    found = RowList(Header(file, kind, tuple(columns)), limits)
    for number, id_, cells, issues in kept:
        found.add(number, [cells.get(column, "") for column in columns], id_, issues)
    if found.rows:
        yield found.table()


def _free(path: str, taken: dict[str, str]) -> str:
    number = 2
    while f"{path} ({number})" in taken:
        number += 1
    return f"{path} ({number})"
