"""Small drafts, tags and accounts, said in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from importer.model import (
    Action,
    Asked,
    Category,
    Change,
    Draft,
    Header,
    Issue,
    Json,
    Place,
    Plan,
    RowRef,
    Severity,
    Table,
    Tag,
)
from importer.planning.build import build_plan
from importer.planning.options import Account, PlanOptions

HEADER = Header("actors.csv", "csv", ("Name", "Aliases", "Notes"), ("A", "B", "C"))
ACCOUNT = "5a5d0b0c5a5d0b0c5a5d0b0c5a5d0b0c"
MARK = "tag-importer:nightly"


def draft(
    name: str,
    number: int = 2,
    *,
    clear: Sequence[str] = (),
    asked: Asked | None = None,
    left_out: str = "",
    error: str = "",
    header: Header = HEADER,
    cells: tuple[str, ...] | None = None,
    **fields: Json,
) -> Draft:
    """A draft of row `number`; keyword arguments are wire names."""
    aliases = ", ".join(
        str(entry.get("value")) if isinstance(entry, dict) else str(entry)
        for entry in fields.get("aliases") or fields.get("aliasGroupNames") or ()
    )
    held = cells if cells is not None else (name, aliases, str(fields.get("description", "")))
    row = RowRef(Table.of_rows(header, [held], [number]), 0)
    issues = (Issue(Severity.ERROR, error, "it is wrong", row.place("Name")),) if error else ()
    wanted = {"value": name, **fields} if name else dict(fields)
    return Draft(row, wanted, issues, frozenset(clear), asked, left_out, origins=Columns())


class Columns:
    """Names from the first column, other names from the second, all else from the third."""

    def column(self, position: int, field: str, entry: str = "") -> str:
        return {"value": "Name", "aliases": "Aliases", "aliasGroupNames": "Aliases"}.get(field, "Notes")


def drafts(*items: Draft) -> list[Draft]:
    """The drafts, renumbered as the rows 2, 3, ... of one file."""
    return [
        Draft(
            RowRef(Table.of_rows(item.row.header, [item.row.cells], [number]), 0),
            item.fields,
            item.issues,
            item.clear,
            item.asked,
            item.left_out,
            origins=item.origins,
        )
        for number, item in enumerate(items, 2)
    ]


def tag(name: str, number: int = 1, **fields: Json) -> Tag:
    """A tag whose UUID ends in `number`."""
    return Tag(uuid(number), name, fields, version=1)


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def plan(
    rows: Sequence[Draft], tags: Sequence[Tag] = (), categories: Sequence[Category] | None = None, **options: Any
) -> Plan:
    """The plan for these rows, options by their names in PlanOptions."""
    return build_plan(rows, Account(ACCOUNT, tags, categories), PlanOptions(**options))


def only(made: Plan) -> Change:
    """The one change of a plan."""
    assert len(made.changes) == 1
    return made.changes[0]


def said(made: Plan) -> list[tuple[str, str]]:
    """Action and code of each change."""
    return [(change.action.value, change.code) for change in made.changes]


def apply_to(tags: Sequence[Tag], made: Plan, number: int = 10_000) -> list[Tag]:
    """The account after this plan: the model of what the API documents, for the properties of plans.

    `number` is the one before that of the first new tag.
    """
    held = {item.uuid: item for item in tags}
    number += len(held)
    for change in made.changes:
        if change.action is Action.CREATE:
            number += 1
            fields = {key: value for key, value in change.body.items() if key != "value"}
            held[uuid(number)] = Tag(uuid(number), str(change.body["value"]), fields, version=1)
        elif change.action is Action.UPDATE:
            held[change.uuid] = _patched(held[change.uuid], change.body)
        elif change.action is Action.DELETE:
            del held[change.uuid]
    return list(held.values())


def _patched(item: Tag, body: Mapping[str, Json]) -> Tag:
    fields = dict(item.fields)
    name = item.name
    for key, value in body.items():
        if key == "value":
            name = value
        elif key == "properties":
            merged = {**(fields.get("properties") or {}), **value}
            fields["properties"] = {inner: kept for inner, kept in merged.items() if kept is not None}
        else:
            fields[key] = value
    return Tag(item.uuid, name, fields, item.version + 1)


__all__ = ["ACCOUNT", "HEADER", "MARK", "Place", "apply_to", "draft", "drafts", "only", "plan", "said", "tag", "uuid"]
