"""The account's tags as a table of cells, and the mapping that reads the table back to the very same tags.

Texts are as they are; lists, numbers and `properties` as JSON text; an annotated field has a column each for its
value, confidence and TLP. What could not be read back (a field this program does not know, a text beyond what a request
may hold) is kept as JSON in `_other`, so that the backup is whole and the import leaves those fields alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from importer.fields.names import clean
from importer.fields.table import FIELDS, Field, Kind
from importer.fields.values import check
from importer.model import Category, Json, Tag

NAME: Final = "value"
PARTS: Final = ("confidence", "tlp")
ABOUT: Final = ("_uuid", "_category", "_created", "_updated", "_other")
"""Columns that say something of a tag and feed no field; columns that start with `_` are never imported."""
_CLEAR: Final = "#CLEAR"


class ExportTable(Struct, frozen=True):
    """The cells of an export: text in every one."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    feeds: Mapping[str, tuple[str, ...]]
    """Wire name -> its columns: one, or several for a list that was too long for one cell."""
    unread: tuple[str, ...] = ()
    """Sentences on what an import of this table would not bring back."""


def export_table(tags: Iterable[Tag], categories: Iterable[Category] = (), *, longest: int = 0) -> ExportTable:
    """The table for these tags, in their order. `longest` is how many characters a cell holds; 0 for any number.

    Every current field has its column; one of a past API generation only where a tag carries it. A list that is too
    long for a cell goes on in a further column.
    """
    names = {category.uuid.lower(): category.name for category in categories}
    records = [_record(tag, names, longest) for tag in tags]
    used = {column for record in records for column in record.cells}
    columns: list[str] = []
    feeds: dict[str, tuple[str, ...]] = {}
    for field in FIELDS:
        if not (field.current or field.name in used):
            continue
        own = [field.name, *(name for number in range(2, 100) if (name := f"{field.name} ({number})") in used)]
        feeds[field.name] = tuple(own)
        columns += own
        if field.annotated:
            columns += [f"{field.name} {part}" for part in PARTS]
    columns += ABOUT
    return ExportTable(
        tuple(columns),
        tuple(tuple(record.cells.get(column, "") for column in columns) for record in records),
        feeds,
        tuple(sentence for record in records for sentence in record.unread),
    )


def export_mapping(table: ExportTable, file: str) -> str:
    """The YAML of the mapping that reads the export `file` (its bare name) back."""
    lines = [
        f"# Reads {json.dumps(file, ensure_ascii=False)} back to the tags that were exported; it is found by its name.",
        "name: export",
        "description: An export of an account's tags. Cells are taken exactly as they are.",
        "publish_marked: true  # what the account shows of marked tags is left as it is",
        "read:",
        "  header_row: 1",
    ]
    if file.lower().endswith(".json"):
        lines = [*lines[:-1], "  records: tags"]
    lines.append("fields:")
    for field in FIELDS:
        if field.name in table.feeds:
            lines.append(f"  {field.name}: {_rule(field, table.feeds[field.name])}")
    return "\n".join(lines) + "\n"


def _rule(field: Field, columns: Sequence[str]) -> str:
    parts = [f"column: {columns[0]}" if len(columns) == 1 else f"columns: [{', '.join(columns)}]"]
    if _as_json(field):
        parts.append("transforms: [json]")
    parts.append("as_is: true")
    if field.annotated:
        parts += [f"{part}: {columns[0]} {part}" for part in PARTS]
    return f"{{{', '.join(parts)}}}"


def _as_json(field: Field) -> bool:
    return field.is_list or field.kind in (Kind.NUMBER, Kind.SCORE, Kind.OBJECT)


class _Record(Struct, frozen=True):
    cells: Mapping[str, str]
    unread: tuple[str, ...]


def _record(tag: Tag, categories: Mapping[str, str], longest: int) -> _Record:
    category = str(tag.fields.get("categoryUuid") or "").lower()
    fields = {field.name: field for field in FIELDS}
    other: dict[str, Json] = {}
    shown, readable = _name_cell(fields[NAME], tag.name)
    cells = {
        NAME: shown, "_uuid": tag.uuid, "_category": _sound(categories.get(category, "")),
        "_created": tag.created_at, "_updated": tag.updated_at,
    }  # fmt: skip
    if shown != tag.name or not readable:
        other[NAME] = tag.name
    for name, value in tag.fields.items():
        if name == NAME or value is None or value in ("", [], {}):
            continue
        field = fields.get(name)
        written = _cells(field, value, longest) if field is not None else None
        if written is None:
            other[name] = value
        else:
            cells.update(written)
    if other:
        cells["_other"] = _json(other)
    unread = tuple(
        f"{tag.name!r} ({tag.uuid}): {name} is kept in _other and is not imported again"
        for name in other
        if name != NAME or not readable
    )
    return _Record(cells, unread)


def _name_cell(field: Field, name: str) -> tuple[str, bool]:
    """The cell for a tag's name, and whether an import finds the tag by it.

    The name is as it is; on one line where it holds a line break, which no request may and the look-up ignores.
    """
    shown = name if check(field, name).problem is None else _sound(clean(name))
    sound = shown == name or shown == clean(name)
    return shown, sound and shown.strip() != _CLEAR and check(field, shown).problem is None


def _cells(field: Field, value: Json, longest: int) -> dict[str, str] | None:
    """The cells that hold a field's value; None where no cell could be read back to it."""
    parts: dict[str, str] = {}
    if field.annotated and isinstance(value, Mapping):
        for part in PARTS:
            if value.get(part) is not None:
                parts[f"{field.name} {part}"] = str(value[part])
        if value.keys() - {"value", *PARTS} or check(field, value).problem is not None:
            return None
        value = value.get("value")
    elif check(field, value).problem is not None:
        value = _cleaned(field, value)
        if check(field, value).problem is not None:
            return None
    if field.is_list:
        chunks = _chunks(value, longest)
        if chunks is None:
            return None
        heads = [field.name, *(f"{field.name} ({number})" for number in range(2, len(chunks) + 1))]
        return dict(zip(heads, chunks, strict=True))
    text = _json(value) if _as_json(field) else str(value)
    if text.strip() == _CLEAR or (longest and len(text) > longest):
        return None
    return {field.name: text, **parts}


def _cleaned(field: Field, value: Json) -> Json:
    """Names in a list on one line each: a request takes no other, and the comparison does not mind."""
    if not isinstance(value, list) or field.name == "externalReferenceLinks":
        return value  # a link is compared letter by letter
    return [
        {**entry, "value": clean(str(entry.get("value")))} if isinstance(entry, Mapping) and "value" in entry
        else clean(entry) if isinstance(entry, str) else entry
        for entry in value
    ]  # fmt: skip


def _chunks(entries: Sequence[Json], longest: int) -> list[str] | None:
    """A list as JSON texts of at most `longest` characters each; None where one entry alone is longer."""
    whole = _json(entries)
    if not longest or len(whole) <= longest:
        return [whole]
    chunks: list[str] = []
    held: list[str] = []
    room = longest
    for text in map(_json, entries):
        if len(text) + 2 > longest:
            return None
        if held and len(text) + 2 > room:
            chunks.append(f"[{', '.join(held)}]")
            held, room = [], longest
        held.append(text)
        room -= len(text) + 2
    chunks.append(f"[{', '.join(held)}]")
    return chunks if len(chunks) < 100 else None


def _json(value: Json) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain)
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, default=_plain)
    return text


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON value")


def _sound(text: str) -> str:
    """The text without what UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()
