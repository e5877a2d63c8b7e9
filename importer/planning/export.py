"""The account's tags as a table of cells, and the mapping that reads the table back to the very same tags.

There is a column for what at least one tag has. Texts are as they are; a list's words have `; ` between them where none
of the column has a semicolon of its own, or more to it than the word, else they are JSON; each property has a column
where a cell can hold it; an annotated field has one each for its value, confidence and TLP. What could not be read back
(a field this program does not know, a text beyond what a request may hold) is kept as JSON in `_other`, so that the
backup is whole and the import leaves those fields alone.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from importer.atomic import atomic_path
from importer.errors import UsageError, os_errors
from importer.fields.names import clean
from importer.fields.table import FIELDS, Field, Kind, field_named
from importer.fields.values import check
from importer.model import Category, Json, Tag
from importer.planning.workbook import LONGEST_CELL, MOST_ROWS, Sheet, write_workbook
from importer.sources.locate import MAPPING_ENDING
from importer.text.csv_text import write_rows

NAME: Final = "value"
PARTS: Final = ("confidence", "tlp")
ABOUT: Final = ("_uuid", "_category", "_created", "_updated", "_other")
"""Columns that say something of a tag and feed no field; columns that start with `_` are never imported.

The last one is always there: by it a reader knows that the file is ours, and takes the guard against formulas off."""
_CLEAR: Final = "#CLEAR"
_PROPERTY: Final = "properties."
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
_WORD: Final = re.compile(r"(?=\S)[^;\r\n\[{][^;\r\n]*(?<=\S)")
_MOST: Final = 100
"""Columns that one list goes on in."""
_MOST_WORDS: Final = 1_000


class Form(StrEnum):
    """How a column's cells are written, and are read again."""

    TEXT = "text"
    JSON = "json"
    WORDS = "words"

    @property
    def step(self) -> str:
        """The transform that reads them; empty for none."""
        return {Form.JSON: "json", Form.WORDS: "{split: ';'}"}.get(self, "")


class ExportTable(Struct, frozen=True):
    """The cells of an export: text in every one."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    feeds: Mapping[str, tuple[str, ...]]
    """Wire name, or `properties.<key>` -> its columns: one, or several for a list that was too long for one cell."""
    forms: Mapping[str, Form] = {}
    """How the cells of each of them are written."""
    unread: tuple[str, ...] = ()
    """Sentences on what an import of this table would not bring back."""


def export_table(
    tags: Iterable[Tag], categories: Iterable[Category] = (), *, longest: int = 0, words: bool = True
) -> ExportTable:
    """The table for these tags, in their order. `longest` is how many characters a cell holds; 0 for any number.

    Without `words` lists and properties are JSON, whatever is in them. A list that is too long for a cell goes on in a
    further column.
    """
    names = {category.uuid.lower(): category.name for category in categories}
    tags = list(tags)
    forms = _forms(tags, words=words)
    records = [_record(tag, names, forms, longest) for tag in tags]
    used = {NAME, "_uuid", "_other"}.union(*(record.cells for record in records))
    columns: list[str] = []
    feeds: dict[str, tuple[str, ...]] = {}
    keys = [name for name in forms if name.startswith(_PROPERTY)]
    for name in (*(field.name for field in FIELDS), *keys):
        own = [column for column in (name, *(f"{name} ({number})" for number in range(2, _MOST))) if column in used]
        if own:
            feeds[name] = tuple(own)
            columns += [*own, *(part for part in (f"{name} {part}" for part in PARTS) if part in used)]
    columns += [column for column in ABOUT if column in used]
    return ExportTable(
        tuple(columns),
        tuple(tuple(record.cells.get(column, "") for column in columns) for record in records),
        feeds,
        forms,
        tuple(sentence for record in records for sentence in record.unread),
    )


def export_mapping(table: ExportTable, file: str) -> str:
    """The YAML of the mapping that reads the export `file` (its bare name) back."""
    lines = [
        f"# Reads {json.dumps(file, ensure_ascii=False)} back to the tags that were exported; it is found by its name.",
        "name: export",
        "description: An export of an account's tags. Cells are taken exactly as they are.",
        "publish_marked: true  # what the account shows of marked tags is left as it is",
        "lists: replace  # what was taken out of a list of the export is taken out of the tag",
        "read:",
        "  header_row: 1",
    ]
    if file.lower().endswith(".json"):
        lines = [*lines[:-1], "  records: tags"]
    lines.append("fields:")
    for name, columns in table.feeds.items():
        parts = [f"column: {columns[0]}" if len(columns) == 1 else f"columns: [{', '.join(columns)}]"]
        if step := table.forms.get(name, Form.TEXT).step:
            parts.append(f"transforms: [{step}]")
        parts.append("as_is: true")
        parts += [f"{part}: {name} {part}" for part in PARTS if f"{name} {part}" in table.columns]
        lines.append(f"  {name}: {{{', '.join(parts)}}}")
    return "\n".join(lines) + "\n"


def _forms(tags: Sequence[Tag], *, words: bool) -> dict[str, Form]:
    """How each field, and each property that a cell can hold, is written: the same for all tags."""
    forms: dict[str, Form] = {}
    for field in FIELDS:
        if field.is_list or field.kind in (Kind.NUMBER, Kind.SCORE, Kind.OBJECT):
            held = [value for tag in tags if (value := tag.fields.get(field.name))] if words and field.is_list else ()
            plain = held and all(_words(_cleaned(field, value)) is not None for value in held)
            forms[field.name] = Form.WORDS if plain else Form.JSON
    held = [value for tag in tags if (value := tag.fields.get("properties"))] if words else ()
    if not held or not all(isinstance(value, Mapping) and all(map(_KEY.fullmatch, value)) for value in held):
        return forms
    found: dict[str, Form] = {}
    for key in dict.fromkeys(key for value in held for key in value):
        each = [value[key] for value in held if key in value]
        if all(isinstance(one, str) and _plain(one) for one in each):
            found[_PROPERTY + key] = Form.TEXT
        elif all(isinstance(one, int | float) for one in each):
            found[_PROPERTY + key] = Form.JSON
        elif all(_words(one) and all(isinstance(item, str) for item in one) for one in each):
            found[_PROPERTY + key] = Form.WORDS
        else:
            return forms  # one that no cell can hold: all are JSON in one column
    return {**forms, **found}


def _plain(text: str) -> bool:
    """Whether a cell holds the text as it is: nothing invisible, not blank, not a command."""
    return text.replace("\n", " ").isprintable() and text.strip() not in ("", _CLEAR)


def _words(value: Json) -> list[str] | None:
    """The words of a list; None where one has more to it, or could not be told from its neighbours."""
    if not isinstance(value, list) or len(value) > _MOST_WORDS:
        return None
    words: list[str] = []
    for entry in value:
        if isinstance(entry, Mapping) and len(entry) == 1:
            entry = entry.get("value", entry.get("url"))
        if not isinstance(entry, str) or not _WORD.fullmatch(entry) or not _plain(entry):
            return None
        words.append(entry)
    return words


class _Record(Struct, frozen=True):
    cells: Mapping[str, str]
    unread: tuple[str, ...]


def _record(tag: Tag, categories: Mapping[str, str], forms: Mapping[str, Form], longest: int) -> _Record:
    category = str(tag.fields.get("categoryUuid") or "").lower()
    fields = {field.name: field for field in FIELDS}
    other: dict[str, Json] = {}
    shown, readable = _name_cell(fields[NAME], tag.name)
    about = {"_category": _sound(categories.get(category, "")), "_created": tag.created_at, "_updated": tag.updated_at}
    cells = {NAME: shown, "_uuid": tag.uuid, **{name: text for name, text in about.items() if text}}
    if shown != tag.name or not readable:
        other[NAME] = tag.name
    for name, value in tag.fields.items():
        if name == NAME or value is None or value in ("", [], {}):
            continue
        field = fields.get(name)
        written = _cells(field, value, forms, longest) if field is not None else None
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


def _cells(field: Field, value: Json, forms: Mapping[str, Form], longest: int) -> dict[str, str] | None:
    """The cells that hold a field's value; None where no cell could be read back to it."""
    if field.kind is Kind.OBJECT and any(name.startswith(_PROPERTY) for name in forms):
        held = {_PROPERTY + key: _cell(one, forms[_PROPERTY + key]) for key, one in value.items()}
        return None if longest and max(map(len, held.values())) > longest else held
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
    form = forms.get(field.name, Form.TEXT)
    if field.is_list:
        chunks = _chunks(value, form, longest)
        if chunks is None:
            return None
        heads = [field.name, *(f"{field.name} ({number})" for number in range(2, len(chunks) + 1))]
        return dict(zip(heads, chunks, strict=True))
    text = _cell(value, form)
    if text.strip() == _CLEAR or (longest and len(text) > longest):
        return None
    return {field.name: text, **parts}


def _cell(value: Json, form: Form) -> str:
    if form is Form.WORDS:
        return "; ".join(_words(value) or ())
    return _json(value) if form is Form.JSON else str(value)


def _cleaned(field: Field, value: Json) -> Json:
    """Names in a list on one line each: a request takes no other, and the comparison does not mind."""
    if not isinstance(value, list) or field.name == "externalReferenceLinks":
        return value  # a link is compared letter by letter
    return [
        {**entry, "value": clean(str(entry.get("value")))} if isinstance(entry, Mapping) and "value" in entry
        else clean(entry) if isinstance(entry, str) else entry
        for entry in value
    ]  # fmt: skip


def _chunks(entries: Sequence[Json], form: Form, longest: int) -> list[str] | None:
    """A list as texts of at most `longest` characters each; None where one entry alone is longer."""
    whole = _cell(entries, form)
    if not longest or len(whole) <= longest:
        return [whole]
    chunks: list[str] = []
    held: list[Json] = []
    room = longest
    for entry in entries:
        size = len(_cell([entry], form)) + 2
        if size > longest:
            return None
        if size > room:
            chunks.append(_cell(held, form))
            held, room = [], longest
        held.append(entry)
        room -= size
    chunks.append(_cell(held, form))
    return chunks if len(chunks) < _MOST else None


def _json(value: Json) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=_dict)
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, default=_dict)
    return text


def _dict(value: Any) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON value")


def _sound(text: str) -> str:
    """The text without what UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()


SHEET: Final = "Tags"
ENDINGS: Final = (".csv", ".xlsx", ".json")


class Exported(Struct, frozen=True):
    """What was written."""

    path: Path
    mapping: Path
    tags: int
    unread: tuple[str, ...]
    """Sentences on what an import of the file would not bring back; it is in the file's `_other` column."""


def check_target(path: Path, *, force: bool = False, endings: Sequence[str] = ENDINGS) -> None:
    """Raise UsageError, before the account is read, where nothing could be written to `path`."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder")
    if path.suffix.lower() not in endings:
        meant = (str(path), str(path.with_suffix(endings[0])))
        raise UsageError(f"{path} does not end in {' or '.join(endings)}", meant=meant)
    if path.exists() and not force:
        raise UsageError(f"{path} exists already", hint="Choose another name, or overwrite it.", then="{again} --force")
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} does not exist")


def write_export(
    path: Path, tags: Iterable[Tag], categories: Iterable[Category] = (), *, force: bool = False
) -> Exported:
    """Write the tags, and beside them the mapping that imports the file again as unchanged. Mode 0600, whole or not.

    Raises UsageError as `check_target` does, and where the folder cannot be written.
    """
    check_target(path, force=force)
    kind = path.suffix.lower()
    tags = list(tags)
    if kind == ".xlsx" and len(tags) >= MOST_ROWS:
        raise UsageError(f"a workbook holds {MOST_ROWS:,} rows, and there are {len(tags):,} tags", hint="export a CSV")
    table = export_table(tags, categories, longest=LONGEST_CELL if kind == ".xlsx" else 0,
                         words=kind != ".json")  # fmt: skip
    beside = Path(f"{path}{MAPPING_ENDING}")
    with os_errors(f"{path} cannot be written"):
        _put(path, _WRITERS[kind](table))
        _put(beside, export_mapping(table, path.name).encode())
    return Exported(path, beside, len(table.rows), table.unread)


def _csv_file(table: ExportTable) -> bytes:
    text = io.StringIO(newline="")
    write_rows(text, (table.columns, *table.rows))
    # With a BOM: without it Excel reads UTF-8 as the code page of its country.
    return text.getvalue().encode("utf-8-sig")


def _xlsx_file(table: ExportTable) -> bytes:
    # `_other`, the last column, may be longer than a cell: it goes on in columns of its own.
    longest = max((len(row[-1]) for row in table.rows), default=0)
    starts = range(0, max(1, longest), LONGEST_CELL)
    head = (*table.columns, *(f"{table.columns[-1]} ({number})" for number in range(2, len(starts) + 1)))
    rows = ((*row[:-1], *(row[-1][start : start + LONGEST_CELL] for start in starts)) for row in table.rows)
    stream = io.BytesIO()
    write_workbook(stream, [Sheet(SHEET, itertools.chain([head], rows))])
    return stream.getvalue()


def _json_file(table: ExportTable) -> bytes:
    # The first record has every column, blank or not, so that a reader knows them all.
    records = [
        {
            column: _json_value(column, text)
            for column, text in zip(table.columns, row, strict=True)
            if text or not number
        }
        for number, row in enumerate(table.rows)
    ]
    return json.dumps({"tags": records}, ensure_ascii=False, indent=1).encode() + b"\n"


def _json_value(column: str, text: str) -> Json:
    """Lists and numbers as such. `properties` stay text: a reader of flat tables would lose the types inside."""
    if not text:
        return ""
    field = field_named(column)
    if column.endswith(" confidence") or (
        field is not None and (field.is_list or field.kind in (Kind.NUMBER, Kind.SCORE))
    ):
        return json.loads(text)
    return text


def _put(path: Path, data: bytes) -> None:
    """A backup is whole, or it is the one before."""
    with atomic_path(path, forced=True) as temporary:
        temporary.write_bytes(data)


_WRITERS: Final = dict(zip(ENDINGS, (_csv_file, _xlsx_file, _json_file), strict=True))
