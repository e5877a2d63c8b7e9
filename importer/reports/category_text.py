"""Categories and their schemas as text and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from importer.model import Action, Category, Issue, Json
from importer.planning.category_diff import CategoryChange
from importer.reports.issue_lines import issue_lines
from importer.reports.screen import Line
from importer.reports.tables import table_lines
from importer.reports.visible import visible
from importer.reports.wording import value_text

_SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.UNCHANGED: "="}


def categories_lines(held: Sequence[Category]) -> Iterator[Line]:
    """A line a category."""
    rows = [(item.name, item.uuid, str(len(item.schema or ())), item.description) for item in held]
    yield from table_lines(("CATEGORY", "UUID", "KEYS", "DESCRIPTION"), rows)


def category_lines(category: Category) -> Iterator[Line]:
    """One category, and a line for each key of its schema."""
    yield (("Category ", "head"), f"{visible(category.name)}  ({visible(category.uuid)})")
    if category.description:
        yield (f"  {visible(category.description)}",)
    if not category.schema:
        yield ("  no schema: properties are free",)
        return
    yield ()
    rows = [(str(entry.get("key", "")), str(entry.get("kind", "")), _rest(entry)) for entry in category.schema]
    yield from table_lines(("KEY", "KIND", "CONSTRAINTS"), rows)


def category_json(category: Category) -> dict[str, Json]:
    """One category."""
    return {
        "uuid": category.uuid,
        "name": category.name,
        "description": category.description,
        "schema": [dict(entry) for entry in category.schema] if category.schema is not None else None,
    }


def category_change_lines(changes: Sequence[CategoryChange], warnings: Sequence[Issue]) -> Iterator[Line]:
    """What is to be done about each category of a file."""
    for change in changes:
        yield (f"{_SIGNS[change.action]} {visible(change.name)}: {change.action.value}",)
        for item in change.differences:
            yield (f"    {visible(item.field)}: {value_text(item.old)} -> {value_text(item.new)}",)
    if warnings:
        yield ()
        yield from issue_lines(warnings)


def _rest(entry: Mapping[str, Json]) -> str:
    told = [
        name if value is True else f"{name} {value_text(value)}"
        for name, value in entry.items()
        if name not in ("key", "kind") and value not in (None, False)
    ]
    return ", ".join(told)
