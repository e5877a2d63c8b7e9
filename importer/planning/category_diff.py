"""What has to be done so that the account's categories are as a file asks, and which tags a new schema would break."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from importer.errors import UsageError
from importer.model import Action, Category, FieldChange, Issue, Json, Place, Severity, Tag
from importer.planning.canonical import canonical_bytes
from importer.planning.categories import find_category
from importer.planning.category_file import WantedCategory
from importer.planning.marking import MARK_KEY
from importer.planning.properties import check_properties


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
        Issue(
            Severity.WARNING,
            problem.code,
            f"tag {tag.name!r} ({tag.uuid}): {problem.message}",
            Place(""),
            f"properties.{problem.path}",
            problem.value,
            problem.allowed,
            problem.nearest,
        )
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
