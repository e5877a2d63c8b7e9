"""`--format json`: what the commands print for a script. One JSON document, indented, non-ASCII kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from importer.fields.table import Field
from importer.model import Change, Json, Outcome, Plan
from importer.planning.cost import Cost
from importer.planning.exposure import Exposure
from importer.reports.foresight import cost_json, exposure_json
from importer.reports.run_record import RunRecord, issue_counts
from importer.reports.summary import issue_json, source_json, summary
from importer.reports.validation import Validation
from importer.reports.wording import row_code, row_message

SCHEMA: Final = 1
_OBEYED: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Controls that JSON leaves as they are, bidi overrides, line separators, lone surrogates."""


def json_text(value: Json) -> str:
    """`value` as the text that is printed, with its final line break.

    What a terminal would obey, or UTF-8 cannot hold, is written as JSON's own escape: the document stays the same.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return _OBEYED.sub(lambda match: json.dumps(match[0])[1:-1], text) + "\n"


def validation_json(validation: Validation) -> dict[str, Json]:
    """The result of `validate`: counts and every issue."""
    return {
        "schema": SCHEMA,
        "command": "validate",
        "rows": validation.rows,
        "valid": validation.valid,
        "invalid": validation.invalid,
        "left_out": validation.left_out,
        "issue_counts": issue_counts(list(validation.issues)),
        "sources": [source_json(source) for source in validation.sources],
        "mappings": list(validation.mappings),
        "issues": [issue_json(issue) for issue in validation.issues],
    }


def plan_json(
    plan: Plan,
    *,
    digest: str = "",
    exposure: Sequence[Exposure] = (),
    cost: Cost | None = None,
    out: str = "",
) -> dict[str, Json]:
    """The result of `plan`: counts and every change, with what is sent and every issue."""
    return {
        "schema": SCHEMA,
        "command": "plan",
        "account": plan.account,
        "account_tags": plan.account_tags,
        "mode": plan.mode,
        "category": plan.category or None,
        "plan_sha256": digest or None,
        "plan": out or None,
        "rows": sum(1 for change in plan.changes if change.row is not None),
        "actions": plan.counts(),
        "exposure": exposure_json(exposure),
        "cost": cost_json(cost) if cost else None,
        "sources": [source_json(source) for source in plan.sources],
        "mappings": list(plan.mappings),
        "notes": [issue_json(note) for note in plan.notes],
        "changes": [change_json(change) for change in plan.changes],
    }


def change_json(change: Change) -> dict[str, Json]:
    """One change of a plan as JSON values."""
    row = change.row
    return {
        "key": change.key,
        "action": change.action.value,
        "name": change.name,
        "source": row.header.file if row else None,
        "sheet": row.header.sheet if row and row.header.sheet else None,
        "row": row.number if row else None,
        "uuid": change.uuid or None,
        "code": change.code or None,
        "message": change.message or None,
        "body": dict(change.body),
        "differences": [
            {"field": difference.field, "old": difference.old, "new": difference.new}
            for difference in change.differences
        ],
        "issues": [issue_json(issue) for issue in change.issues],
    }


def run_json(record: RunRecord) -> dict[str, Json]:
    """The result of `apply`, `resume`, `undo` and `report`: the summary, the folder, and how each row ended."""
    return {
        **summary(record),
        "folder": str(record.folder),
        "results": [_result(change, outcome) for change, outcome in record.ended()],
    }


def _result(change: Change, outcome: Outcome) -> dict[str, Json]:
    row = change.row
    return {
        "name": change.name,
        "source": row.header.file if row else None,
        "sheet": row.header.sheet if row and row.header.sheet else None,
        "row": row.number if row else None,
        "action": change.action.value,
        "status": outcome.status.value,
        "code": row_code(change, outcome) or None,
        "message": row_message(change, outcome) or None,
        "uuid": outcome.uuid or change.uuid or None,
        "attempts": outcome.attempts,
        "adopted": outcome.adopted,
    }


def fields_json(fields: Sequence[Field]) -> dict[str, Json]:
    """The result of `fields`."""
    return {
        "schema": SCHEMA,
        "command": "fields",
        "fields": [
            {
                "name": field.name,
                "type": field.kind.value,
                "annotated": field.annotated,
                "first": field.first,
                "last": field.last,
                "visibility": field.visibility.value,
                "vocabulary": field.vocabulary or None,
                "clearable": field.clearable,
                "meaning": field.meaning,
            }
            for field in fields
        ],
    }


def runs_json(runs: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """The result of `runs`; each run is a mapping of plain values, as `runs_lines` takes it."""
    return {"schema": SCHEMA, "command": "runs", "runs": [dict(run) for run in runs]}
