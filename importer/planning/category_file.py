"""Categories kept in a YAML file: written from the account, read back, and what is to be done to be in step with it.

categories:
  - name: Threat actors
    uuid: ...              # optional: finds the category although its name changed
    description: ...       # left alone where it is left out; so is schema
    schema:
      - {key: rank, kind: number, required: true}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import yaml
from msgspec import Meta, Struct
from msgspec.structs import replace

from importer.errors import Position, UsageError
from importer.model import Action, Category, FieldChange, Issue, Json, Severity, Tag
from importer.planning.canonical import canonical_bytes
from importer.planning.categories import find_category
from importer.planning.marking import MARK_KEY
from importer.planning.properties import check_properties
from importer.text.typed_yaml import convert
from importer.text.yaml_nodes import Node, Problems, compose

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ONLY_FOR: Final = {"numberConstraint": "number", "element": "array", "properties": "object"}
_Text = Annotated[str, Meta(min_length=1)]


class WantedCategory(Struct, frozen=True):
    """A category as the file asks for it; None leaves that part alone."""

    name: str
    uuid: str = ""
    description: str | None = None
    schema: tuple[Mapping[str, Json], ...] | None = None
    spot: Position = Position("")


class _Bounds(Struct, frozen=True):
    min: int | float | None = None
    max: int | float | None = None
    integer: bool | None = None

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if self.min is not None and self.max is not None and self.min > self.max:
            yield ("min",), f"min {self.min:g} is above max {self.max:g}"


class _Annotations(Struct, frozen=True):
    confidence: bool | None = None
    tlp: bool | None = None


class _Definition(Struct, frozen=True, kw_only=True):
    """What the API's reference says of one property."""

    KEYS_ARE = "word"

    kind: Literal["string", "number", "enum", "date", "array", "object"]
    label: _Text | None = None
    required: bool | None = None
    allowedValues: tuple[str, ...] | None = None  # noqa: N815  as the API spells it
    deprecated: bool | None = None
    deprecatedValues: tuple[str, ...] | None = None  # noqa: N815
    format: Literal["date", "url", "duration", "country"] | None = None
    maxLength: Annotated[int, Meta(ge=1)] | None = None  # noqa: N815
    numberConstraint: _Bounds | None = None  # noqa: N815
    element: _Definition | None = None
    properties: dict[str, _Definition] | None = None
    annotations: _Annotations | None = None
    enforcement: Literal["error", "warn", "off"] | None = None
    others: dict[str, Any] = {}
    """What tomorrow's API adds is passed on as it is."""

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        for name, only in _ONLY_FOR.items():
            if getattr(self, name) is not None and self.kind != only:
                yield (name,), f"`{name}` is for kind {only}, this entry is of kind {self.kind}"
        if self.kind == "object" and self.properties is None:
            yield (), "an object needs `properties`"
        if self.kind == "enum" and not self.allowedValues:
            yield (), "an enum needs `allowedValues`"


class _Entry(_Definition, frozen=True, kw_only=True):
    key: _Text
    spot: Position


class _Category(Struct, frozen=True):
    KEYS_ARE = "word"

    name: _Text
    spot: Position
    uuid: str = ""
    description: str | None = None
    schema: tuple[_Entry, ...] | None = None

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if self.uuid and not _UUID.fullmatch(self.uuid.strip()):
            yield ("uuid",), "not a UUID"


class _File(Struct, frozen=True):
    KEYS_ARE = "word"

    categories: tuple[_Category, ...]


def dump_category_yaml(categories: Iterable[Category]) -> str:
    """The YAML that `load_category_yaml` reads back to the same categories."""
    listed = [
        {
            "name": item.name,
            "uuid": item.uuid,
            **({"description": item.description} if item.description else {}),
            **({"schema": _plain(item.schema)} if item.schema is not None else {}),
        }
        for item in categories
    ]
    head = "# Put the account in step with this file: tag-importer categories apply FILE\n"
    return head + yaml.dump(
        {"categories": listed}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )


def load_category_yaml(text: bytes | str, file: str) -> tuple[WantedCategory, ...]:
    """The categories of the file, in its order; a file may also be one category alone.

    Raises UsageError with every mistake: file, line, column and the nearest valid word.
    """
    hint = "`tag-importer categories export FILE` writes one to start from"
    problems = Problems(file, what="category file", hint=hint)
    root = compose(text, problems)
    if root.find("name") is not None and root.find("categories") is None:
        root = Node({"categories": root}, root.spot, {"categories": root.spot})
    read = convert(root, _File, problems)
    found = read.categories if isinstance(read, _File) else ()
    _check_twice("name", ((item.name.strip(), item.spot) for item in found), problems)
    _check_twice("uuid", ((item.uuid.strip().lower(), item.spot) for item in found), problems)
    for item in found:
        _check_twice("key", ((entry.key, entry.spot) for entry in item.schema or ()), problems)
    problems.raise_if_any()
    return tuple(
        WantedCategory(
            item.name.strip(), item.uuid.strip(), item.description,
            None if item.schema is None else tuple(map(_plain, item.schema)), item.spot,
        )
        for item in found
    )  # fmt: skip


def _check_twice(what: str, given: Iterable[tuple[str, Position]], problems: Problems) -> None:
    seen: dict[str, Position] = {}
    for text, spot in given:
        if text and text in seen:
            problems.add(spot, f"the {what} {text[:60]!r} is given twice (first in line {seen[text].line})")
        seen.setdefault(text, spot)


class _Dumper(yaml.SafeDumper):
    """Without anchors: a schema that repeats itself is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _plain(value: Any) -> Any:
    """As JSON, what the file left out left out."""
    if isinstance(value, Struct):
        held = {name: getattr(value, name) for name in value.__struct_fields__ if name not in ("spot", "others")}
        return {key: _plain(item) for key, item in held.items() if item is not None} | getattr(value, "others", {})
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


class CategoryChange(Struct, frozen=True):
    """What is to be done about one category."""

    action: Action
    """create, update or unchanged."""
    name: str
    uuid: str
    """Empty for a create."""
    body: Mapping[str, Json]
    """What is sent. A schema is sent whole, because it replaces the old one."""
    differences: tuple[FieldChange, ...]
    """`name`, `description`, `schema` (order of its entries), `schema.<key>`: old -> new, None where absent."""


def plan_categories(wanted: Iterable[WantedCategory], held: Sequence[Category]) -> tuple[CategoryChange, ...]:
    """A change for each wanted category, in the file's order. Categories that the file does not name are left alone.

    Raises UsageError where a UUID is unknown, or a name fits several.
    """
    return tuple(diff_category(item, _held(item, held)) for item in wanted)


def diff_category(wanted: WantedCategory, held: Category | None) -> CategoryChange:
    """What makes `held` (None: absent) into `wanted`; parts that are None there are left alone."""
    if held is None:
        body: dict[str, Json] = {"name": wanted.name}
        if wanted.description is not None:
            body["description"] = wanted.description
        if wanted.schema is not None:
            body["schema"] = [dict(entry) for entry in wanted.schema]
        made = tuple(FieldChange(name, None, value) for name, value in body.items())
        return CategoryChange(Action.CREATE, wanted.name, "", body, made)
    found: list[FieldChange] = []
    body = {}
    if wanted.name != held.name:
        found.append(FieldChange("name", held.name, wanted.name))
        body["name"] = wanted.name
    if wanted.description is not None and wanted.description.strip() != held.description.strip():
        found.append(FieldChange("description", held.description, wanted.description))
        body["description"] = wanted.description
    if wanted.schema is not None:
        differing = _schema_changes(held.schema or (), wanted.schema)
        if differing:
            found += differing
            body["schema"] = [dict(entry) for entry in wanted.schema]
    return CategoryChange(Action.UPDATE if body else Action.UNCHANGED, wanted.name, held.uuid, body, tuple(found))


def broken_tags(change: CategoryChange, tags: Iterable[Tag]) -> tuple[Issue, ...]:
    """What of the category's existing tags the new schema would refuse: the next update of such a tag gets a 400."""
    schema = change.body.get("schema")
    if not change.uuid or schema is None:
        return ()
    return tuple(
        replace(problem, severity=Severity.WARNING, message=f"tag {tag.name!r} ({tag.uuid}): {problem.message}")
        for tag in tags
        if str(tag.fields.get("categoryUuid") or "").lower() == change.uuid.lower()
        and isinstance(properties := tag.fields.get("properties") or {}, Mapping)
        for problem in check_properties(schema, properties, before=properties, known={MARK_KEY})
        if problem.severity is Severity.ERROR or problem.code == "unknown-property"
    )


def _held(wanted: WantedCategory, held: Sequence[Category]) -> Category | None:
    if not wanted.uuid:
        return find_category(wanted.name, held)
    found = next((item for item in held if item.uuid.lower() == wanted.uuid.lower()), None)
    if found is None:
        raise UsageError(
            f"{wanted.spot}: the account has no category with UUID {wanted.uuid}",
            hint="leave `uuid` out to find, or make, the category by its name",
        )
    return found


def _schema_changes(old: Sequence[Mapping[str, Json]], new: Sequence[Mapping[str, Json]]) -> list[FieldChange]:
    before = {str(entry.get("key")): entry for entry in old}
    after = {str(entry.get("key")): entry for entry in new}
    found = [
        FieldChange(f"schema.{key}", _entry(before.get(key)), _entry(after.get(key)))
        for key in dict.fromkeys((*before, *after))
        if canonical_bytes(_said(before.get(key))) != canonical_bytes(_said(after.get(key)))
    ]
    if not found and list(before) != list(after):
        found.append(FieldChange("schema", list(before), list(after)))
    return found


def _entry(entry: Mapping[str, Json] | None) -> Json:
    return None if entry is None else dict(entry)


def _said(value: Json) -> Json:
    """Without what says nothing: null and absent are one in a schema, whatever the server fills in."""
    if isinstance(value, Mapping):
        return {key: _said(item) for key, item in value.items() if item is not None and item is not False}
    if isinstance(value, list | tuple):
        return [_said(item) for item in value]
    return value
