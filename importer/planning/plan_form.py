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
    Row,
    Severity,
    SourceFile,
)
from importer.planning.canonical import canonical_bytes

Form = dict[str, Any]
_PIECE: Final = 1_000


def plan_bytes(plan: Plan) -> Iterator[bytes]:
    """The canonical JSON of the whole plan but for the time it was made, piece by piece.

    A plan of a hundred thousand rows is never held a second time as one form or one text.
    """
    headers = _Headers()
    yield canonical_bytes({"account": plan.account, "account_tags": plan.account_tags, "category": plan.category})[:-1]
    yield b',"changes":['
    for start in range(0, len(plan.changes), _PIECE):
        piece = [_change_form(change, headers) for change in plan.changes[start : start + _PIECE]]
        yield (b"," if start else b"") + canonical_bytes(piece)[1:-1]
    rest = {
        "headers": [
            {
                "file": header.file,
                "kind": header.kind,
                "sheet": header.sheet,
                "columns": list(header.columns),
                "letters": list(header.letters),
            }
            for header in headers.kept
        ],
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
    yield b"]," + canonical_bytes(rest)[1:]


class _Headers:
    """Headers by number: found by identity, for rows share them, and by value only where a source made equal ones."""

    def __init__(self) -> None:
        self.kept: list[Header] = []
        self._by_identity: dict[int, int] = {}
        self._by_value: dict[Header, int] = {}

    def number(self, header: Header) -> int:
        number = self._by_identity.get(id(header))
        if number is None:
            number = self._by_value.setdefault(header, len(self.kept))
            if number == len(self.kept):
                self.kept.append(header)
            self._by_identity[id(header)] = number
        return number


def from_form(form: Form, *, created: str = "") -> Plan:
    """The plan whose `plan_bytes` these were. Raises KeyError, TypeError or ValueError for anything else."""
    headers = [
        Header(item["file"], item["kind"], tuple(item["columns"]), tuple(item["letters"]), item["sheet"])
        for item in form["headers"]
    ]
    return Plan(
        account=form["account"],
        mode=form["mode"],
        changes=tuple(_change(item, headers) for item in form["changes"]),
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


def _change_form(change: Change, headers: _Headers) -> Form:
    form: Form = {"key": change.key, "action": change.action.value, "name": change.name}
    row = change.row
    if row is not None:
        form["row"] = [headers.number(row.header), row.number, row.cells, row.id]
        if row.issues:
            form["row_issues"] = [_issue_form(issue) for issue in row.issues]
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


def _change(form: Form, headers: Sequence[Header]) -> Change:
    row = None
    if "row" in form:
        header, number, cells, identifier = form["row"]
        issues = tuple(_issue(item) for item in form.get("row_issues", ()))
        row = Row(headers[header], number, tuple(cells), identifier, issues)
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
