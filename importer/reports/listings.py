"""The smaller results: fields, runs, categories, presets, transforms, what `doctor` found; as tables and as values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING, Final
from unicodedata import combining, east_asian_width

from msgspec import Struct

from importer.errors import ExitCode
from importer.fields.table import Field
from importer.model import Category, Issue, Json
from importer.reports.formats import Listing
from importer.reports.screen import Line
from importer.reports.terminal import SIGNS, issue_lines
from importer.reports.text import count, shortened, value_text, visible

if TYPE_CHECKING:
    from importer.mapping.spec import Mapping as Preset
    from importer.mapping.transforms.catalogue import Transform
    from importer.planning.category_file import CategoryChange
    from importer.planning.doubles import Double

SCHEMA = 1


def fields(shown: Sequence[Field]) -> Listing:
    """The table of tag fields."""
    values: list[Json] = [
        {
            "name": field.name,
            "type": field.kind.value,
            "annotated": field.annotated,
            "first": str(field.first),
            "last": str(field.last),
            "visibility": field.visibility.value,
            "vocabulary": field.vocabulary or None,
            "clearable": field.clearable,
            "meaning": field.meaning,
        }
        for field in shown
    ]
    return Listing(fields_lines(shown), {"schema": SCHEMA, "command": "fields", "fields": values})


def runs(found: Sequence[Mapping[str, Json]]) -> Listing:
    """The list of runs; each is a mapping of plain values, as `runs_lines` takes it."""
    return Listing(runs_lines(found), {"schema": SCHEMA, "command": "runs", "runs": [dict(run) for run in found]})


def presets(found: Sequence[Preset]) -> Listing:
    """The mappings that ship."""
    lines = table_lines(("PRESET", "FOR"), [(preset.name, preset.description) for preset in found])
    return Listing(lines, [{"name": preset.name, "description": preset.description} for preset in found])


def transforms(found: Sequence[Transform]) -> Listing:
    """The transforms of mapping files: what each is for, and what its one example makes of a value."""
    values: list[Json] = [
        {
            "name": transform.name,
            "signature": transform.signature,
            "takes": transform.takes,
            "meaning": transform.doc,
            "example": {
                "step": transform.example.step,
                "before": transform.example.before,
                "after": transform.example.after,
            },
        }
        for transform in found
    ]
    return Listing(_transform_lines(found), values)


def _transform_lines(found: Sequence[Transform]) -> Iterator[Line]:
    for transform in found:
        example = transform.example
        before, after = _in_json(example.before), _in_json(example.after)
        yield ((transform.signature, "head"),)
        yield (f"    {transform.doc}",)
        yield (f"    {example.step}:  {before} -> {after}",)


def _in_json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def categories(held: Sequence[Category]) -> Listing:
    """The account's categories, a line each."""
    rows = [(item.name, item.uuid, str(len(item.schema or ())), item.description) for item in held]
    lines = table_lines(("CATEGORY", "UUID", "KEYS", "DESCRIPTION"), rows)
    return Listing(lines, [_category_value(item) for item in held])


def category(held: Category) -> Listing:
    """One category, with a line for each key of its schema."""
    return Listing(_category_lines(held), _category_value(held))


def category_changes(changes: Sequence[CategoryChange], warnings: Sequence[Issue]) -> Listing:
    """What is to be done about each category of a file; a Listing whose lines can be shown twice."""
    values: list[Json] = [
        {
            "action": change.action.value,
            "name": change.name,
            "uuid": change.uuid or None,
            "differences": [{"field": item.field, "old": item.old, "new": item.new} for item in change.differences],
        }
        for change in changes
    ]
    return Listing(tuple(_change_lines(changes, warnings)), values)


def doubles(found: Sequence[Double]) -> Listing:
    """Tags that are one actor's, the oldest first, and the fields in which they differ."""
    values: list[Json] = [
        {
            "name": double.name,
            "tags": [
                {"uuid": tag.uuid, "name": tag.name, "created": tag.created_at or None, "indicators": uses}
                for tag, uses in zip_longest(double.tags, double.uses)
            ],
            "differing": {field: list(held) for field, held in double.differing.items()},
            "decided": list(double.decided),
            "barred": double.barred or None,
        }
        for double in found
    ]
    return Listing(tuple(_double_lines(found)), values)


def _double_lines(found: Sequence[Double]) -> Iterator[Line]:
    for double in found:
        why = f", one actor as decided in {', '.join(map(visible, double.decided))}" if double.decided else ""
        yield ((visible(double.name), "head"), f"  {len(double.tags)} tags{why}")
        for tag, uses in zip_longest(double.tags, double.uses):
            named = f"  {visible(tag.name)}" if double.decided else ""
            said = f"  made {visible(tag.created_at)}" if tag.created_at else ""
            used = "" if uses is None else f"  {count(uses, 'indicator')}"
            yield (f"  {visible(tag.uuid)}{named}", (f"{said}{used}", "dim"))
        if double.barred:
            yield ((f"    not to be merged: {visible(double.barred)}", "warn"),)
        for field, held in double.differing.items():
            yield (f"    {visible(field)}: {' | '.join(value_text(value) for value in held)}",)
    if not found:
        yield ("No two tags share a name.",)
        return
    yield (f"{count(len(found), 'actor')} with several tags",)
    if not all(double.uses for double in found):
        yield (("How many indicators refer to a tag is not known: the server does not say.", "dim"),)
    yield ("To make one tag of each: tag-importer duplicates --out merge, then tag-importer apply merge/plan.json",)


def _category_value(held: Category) -> dict[str, Json]:
    return {
        "uuid": held.uuid,
        "name": held.name,
        "description": held.description,
        "schema": [dict(entry) for entry in held.schema] if held.schema is not None else None,
    }


def _category_lines(held: Category) -> Iterator[Line]:
    yield (("Category ", "head"), f"{visible(held.name)}  ({visible(held.uuid)})")
    if held.description:
        yield (f"  {visible(held.description)}",)
    if not held.schema:
        yield ("  no schema: properties are free",)
        return
    yield ()
    rows = [(str(entry.get("key", "")), str(entry.get("kind", "")), _constraints(entry)) for entry in held.schema]
    yield from table_lines(("KEY", "KIND", "CONSTRAINTS"), rows)


def _constraints(entry: Mapping[str, Json]) -> str:
    return ", ".join(
        name if value is True else f"{name} {value_text(value)}"
        for name, value in entry.items()
        if name not in ("key", "kind") and value not in (None, False)
    )


def _change_lines(changes: Sequence[CategoryChange], warnings: Sequence[Issue]) -> Iterator[Line]:
    for change in changes:
        yield (f"{SIGNS[change.action][0]} {visible(change.name)}: {change.action.value}",)
        for item in change.differences:
            yield (f"    {visible(item.field)}: {value_text(item.old)} -> {value_text(item.new)}",)
    if warnings:
        yield ()
        yield from issue_lines(warnings)


_REASON: Final = 120


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Line]:
    """A table with a heading; all columns but the last are padded to their widest cell."""
    cells = [[visible(cell) for cell in row] for row in rows]
    widths = [max((_width(row[at]) for row in [list(head), *cells]), default=0) for at in range(len(head))]
    yield ((_joined(head, widths), "head"),)
    for row in cells:
        yield (_joined(row, widths),)


def fields_lines(fields: Sequence[Field]) -> Iterator[Line]:
    """The table of tag fields: wire name, type, API generations, who sees it, what it means."""
    rows = [
        (
            field.name,
            f"{field.kind.value}{', annotated' if field.annotated else ''}",
            f"{field.first} to {field.last}",
            field.visibility.value,
            field.meaning + (f" Words: {field.vocabulary}." if field.vocabulary else ""),
        )
        for field in fields
    ]
    yield from table_lines(("FIELD", "TYPE", "API", "SEEN BY", "MEANING"), rows)
    yield ("",)
    yield ("annotated: may also be {value, confidence?, tlp?}. undocumented: treat it as seen by other accounts.",)


def runs_lines(runs: Sequence[Mapping[str, Json]]) -> Iterator[Line]:
    """The list of runs. Keys: run, command, state, started, rows, counts (by status), account, sandbox."""
    if not runs:
        yield ("No run yet.",)
        return
    rows = []
    for run in runs:
        counts = run.get("counts") or {}
        reason = str(run.get("reason") or "")
        if reason and not counts:
            shown = shortened(
                f"exit {code}: {reason}" if (code := run.get("exit_code")) is not None else reason, _REASON
            )
        else:
            shown = ", ".join(f"{status.replace('_', ' ')} {number:,}" for status, number in counts.items() if number)
        started = str(run.get("started", ""))[:19].replace("T", " ")
        rows.append(
            (str(run.get("run", "")), str(run.get("command", "")), str(run.get("state", "")), started,
             f"{run.get('rows', 0):,}", shown)
        )  # fmt: skip
    yield from table_lines(("RUN", "COMMAND", "STATE", "STARTED (UTC)", "ROWS", "RESULT"), rows)


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


class State(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Check(Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    state: State
    said: str
    todo: str = ""
    """What to do; empty where all is well."""
    exit_code: ExitCode = ExitCode.DONE
    """What a command would end with because of it."""


_STYLES: Final = {State.OK: "good", State.WARNING: "warn", State.FAILED: "bad"}


def doctor(checks: Sequence[Check]) -> Listing:
    """The checks, a line each and one more for what to do."""
    values = [
        {"name": one.name, "state": one.state.value, "said": one.said, "todo": one.todo or None} for one in checks
    ]
    return Listing(_lines(checks), {"schema": 1, "command": "doctor", "checks": values})


def _lines(checks: Sequence[Check]) -> Iterator[Line]:
    for one in checks:
        yield ((f"{one.state.value:<8}", _STYLES[one.state]), f"{one.name:<12} {one.said}")
        if one.todo:
            yield (f"{'':<21} {one.todo}",)
    failed = sum(one.state is State.FAILED for one in checks)
    warned = sum(one.state is State.WARNING for one in checks)
    if failed or warned:
        yield ((f"{failed} failed, {warned} to look at, of {len(checks)} checks", "bad" if failed else "warn"),)
    else:
        yield (("Everything is as it should be.", "good"),)
