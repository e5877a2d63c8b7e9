"""Objects with nested values as rows of cells: the columns are dotted key paths, lists their JSON text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from importer.errors import SourceError
from importer.model import Header, Issue, Place, Severity, Table, text_array
from importer.sources.header import numbered
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
        elif type(item) is not list and isinstance(item, dict) and item and depth < 6:
            flatten(item, into, f"{path}.", depth + 1)
            continue
        else:
            text = cell(item)
        into[path if into.get(path, text) == text else numbered(path, into)[0]] = text
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
    *,
    sparse: bool = False,
) -> Iterator[Table]:
    """The table of (number, id, cells, issues), none without rows.

    Its columns are all keys, those of `first` in front where they occur; `sparse` leaves out those that are blank in
    every row, but for the name.
    """
    file, limits = opened.file, options.limits
    numbers: list[int] = []
    ids: list[str] = []
    issues: dict[int, tuple[Issue, ...]] = {}
    alike: dict[tuple[str, ...], tuple[list[int], list[tuple[str, ...]]]] = {}
    """By keys: positions and cells. Most rows of a list have the same ones."""
    for position, (number, id_, cells, found) in enumerate(opened.deadline.each(rows)):
        numbers.append(number)
        ids.append(id_)
        if found:
            issues[position] = tuple(found)
        positions, texts = alike.setdefault(tuple(cells), ([], []))
        positions.append(position)
        texts.append(tuple(cells.values()))
    if not numbers:
        return
    held = [(keys, positions, text_array(texts, len(keys))) for keys, (positions, texts) in alike.items()]
    del alike, positions, texts
    seen: dict[str, tuple[int, int]] = {}
    """By key the first row that has it, and its place among those of the row."""
    for keys, positions, array in held:
        for at, key in enumerate(keys):
            filled = array[:, at] != "" if sparse and key != "name" else None
            if filled is None or filled.any():
                row = positions[0 if filled is None else int(filled.argmax())]
                seen[key] = min(seen.get(key, (row, at)), (row, at))
    if len(seen) > limits.columns:
        raise SourceError(
            f"{file} has objects with {len(seen):,} different keys, at most {limits.columns:,} are read.",
            hint=limits.hint("columns"),
        )
    inside = sorted(seen.keys() - set(first), key=lambda name: seen[name])
    columns = [*(name for name in first if name in seen), *inside]
    if len(columns) * len(numbers) > limits.sheet_cells:
        message = f"{file}: {len(numbers):,} objects with {len(columns):,} different keys are nearly all empty cells."
        raise SourceError(message, hint=limits.hint("sheet_cells"))
    whole = text_array([[""] * len(numbers)] * len(columns), len(numbers))
    for keys, positions, array in held:
        there = slice(None) if len(held) == 1 else positions
        for at, key in enumerate(keys):
            if key in seen:
                whole[columns.index(key), there] = array[:, at]
    del held, array
    made = RowList(Header(file, kind, tuple(columns)), limits, numbers=numbers, issues=issues, parts=[whole.T])
    made.ids = ids if any(ids) else []
    del numbers, ids, whole
    yield made.table()
