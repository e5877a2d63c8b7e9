"""A Plan as plain JSON data and back: the inside of plan.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from importer.model import (
    Action,
    Change,
    FieldChange,
    Header,
    Issue,
    Json,
    Place,
    Plan,
    RowRef,
    Severity,
    SourceFile,
    Table,
)
from importer.planning.canonical import canonical_bytes

Form = dict[str, Any]
_PIECE: Final = 1_000


def plan_bytes(plan: Plan) -> Iterator[bytes]:
    """The canonical JSON of the whole plan but for the time it was made, piece by piece.

    A plan of a hundred thousand rows is never held a second time as one form or one text.
    """
    tables = _Tables(plan)
    yield canonical_bytes({"account": plan.account, "account_tags": plan.account_tags, "category": plan.category})[:-1]
    yield b',"changes":['
    for start in range(0, len(plan.changes), _PIECE):
        piece = [_change_form(change, tables) for change in plan.changes[start : start + _PIECE]]
        yield (b"," if start else b"") + canonical_bytes(piece)[1:-1]
    rest = {
        "mappings": list(plan.mappings),
        "mode": plan.mode,
        "notes": [_issue_form(issue) for issue in plan.notes],
        "options": _json(plan.options),
        "sources": [
            {
                "file": item.file,
                "kind": item.kind,
                "sha256": item.sha256,
                "size": item.size,
                "details": dict(item.details),
            }
            for item in plan.sources
        ],
    }
    yield b"]," + canonical_bytes(rest)[1:-1] + b',"tables":['
    for number, form in enumerate(tables.forms()):
        yield (b"," if number else b"") + canonical_bytes(form)
    yield b"]}"


class _Tables:
    """The tables of a plan, each with the rows that changes are about: once, as columns of cells."""

    def __init__(self, plan: Plan) -> None:
        self._tables: dict[int, Table] = {}
        used: dict[int, dict[int, None]] = {}
        for change in plan.changes:
            if change.row is not None:
                key = id(change.row.table)
                if key not in used:
                    self._tables[key], used[key] = change.row.table, {}
                used[key][change.row.position] = None
        self._used = {key: sorted(positions) for key, positions in used.items()}
        self._number = {key: number for number, key in enumerate(used)}
        self._at = {key: {at: new for new, at in enumerate(positions)} for key, positions in self._used.items()}

    def reference(self, row: RowRef) -> list[int]:
        """[number of the table, position in it], as the file has them."""
        key = id(row.table)
        return [self._number[key], self._at[key][row.position]]

    def forms(self) -> Iterator[Form]:
        for key, positions in self._used.items():
            table, header = self._tables[key], self._tables[key].header
            frame = table.frame.iloc[positions]
            form: Form = {
                "file": header.file,
                "kind": header.kind,
                "sheet": header.sheet,
                "columns": list(header.columns),
                "letters": list(header.letters),
                "numbers": [table.numbers[at] for at in positions],
                "cells": [frame.iloc[:, at].tolist() for at in range(len(header.columns))],
            }
            if table.ids:
                form["ids"] = [table.ids[at] for at in positions]
            yield form


def from_form(form: Form, *, created: str = "") -> Plan:
    """The plan whose `plan_bytes` these were. Raises KeyError, TypeError or ValueError for anything else."""
    tables = [
        Table.of_columns(
            Header(item["file"], item["kind"], tuple(item["columns"]), tuple(item["letters"]), item["sheet"]),
            item["cells"],
            item["numbers"],
            item.get("ids", ()),
        )
        for item in form["tables"]
    ]
    return Plan(
        account=form["account"],
        mode=form["mode"],
        changes=tuple(_change(item, tables) for item in form["changes"]),
        sources=tuple(
            SourceFile(item["file"], item["kind"], item["sha256"], item["size"], item["details"])
            for item in form["sources"]
        ),
        mappings=tuple(form["mappings"]),
        notes=tuple(_issue(item) for item in form["notes"]),
        category=form["category"],
        account_tags=form["account_tags"],
        created=created,
        options=form["options"],
    )


def _change_form(change: Change, tables: _Tables) -> Form:
    form: Form = {"key": change.key, "action": change.action.value, "name": change.name}
    if change.row is not None:
        form["row"] = tables.reference(change.row)
    for name in ("uuid", "code", "message", "column"):
        if text := getattr(change, name):
            form[name] = text
    if change.body:
        form["body"] = _json(change.body)
    if change.differences:
        form["differences"] = [[item.field, _json(item.old), _json(item.new)] for item in change.differences]
    if change.issues:
        form["issues"] = [_issue_form(issue) for issue in change.issues]
    return form


def _change(form: Form, tables: Sequence[Table]) -> Change:
    row = None
    if "row" in form:
        number, position = form["row"]
        if not 0 <= position < len(tables[number]):
            raise IndexError(position)
        row = RowRef(tables[number], position)
    return Change(
        form["key"],
        Action(form["action"]),
        form["name"],
        row,
        form.get("uuid", ""),
        form.get("body", {}),
        tuple(FieldChange(name, old, new) for name, old, new in form.get("differences", ())),
        form.get("code", ""),
        form.get("message", ""),
        tuple(_issue(item) for item in form.get("issues", ())),
        form.get("column", ""),
    )


def _issue_form(issue: Issue) -> Form:
    place = issue.place
    form: Form = {
        "severity": issue.severity.value,
        "code": issue.code,
        "message": issue.message,
        "place": [place.file, place.sheet, place.row, place.letter, place.column, place.id],
    }
    for name in ("field", "value", "nearest"):
        if text := getattr(issue, name):
            form[name] = text
    if issue.allowed:
        form["allowed"] = list(issue.allowed)
    return form


def _issue(form: Form) -> Issue:
    return Issue(
        Severity(form["severity"]),
        form["code"],
        form["message"],
        Place(*form["place"]),
        form.get("field", ""),
        form.get("value", ""),
        tuple(form.get("allowed", ())),
        form.get("nearest", ""),
    )


def _json(value: Json) -> Json:
    """Plain dicts and lists, so that what is written is what is read back."""
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value
