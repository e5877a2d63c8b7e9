"""`--format json`: what the commands print for a script. One JSON document, indented, non-ASCII kept."""

from __future__ import annotations

import json
import re
from typing import Final

from msgspec import to_builtins
from msgspec.structs import asdict

from importer.model import Change, Json, Outcome, Reading
from importer.planning.plan_file import plan_digest
from importer.reports.formats import Listing, PlanResult, Validation
from importer.reports.pairs import pairs_json
from importer.reports.run_record import RunRecord, issue_counts
from importer.reports.summary import exposure_json, issue_json, source_json, summary
from importer.reports.text import row_code, row_message

SCHEMA: Final = 1
_OBEYED: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Controls that JSON leaves as they are, bidi overrides, line separators, lone surrogates."""


def json_text(value: Json) -> str:
    """`value` as the text that is printed, with its final line break.

    What a terminal would obey, or UTF-8 cannot hold, is written as JSON's own escape: the document stays the same.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    text = _OBEYED.sub(lambda match: json.dumps(match[0])[1:-1], text) + "\n"
    return text.replace("##[", "#\\u0023[").replace("##vso[", "#\\u0023vso[")  # nor the log of a build


def listing(listing: Listing) -> str:
    """Its value as it is."""
    return json_text(listing.value)


def validation(validation: Validation) -> str:
    """The result of `validate`: counts and every issue."""
    return json_text(
        {
            "schema": SCHEMA,
            "command": "validate",
            "rows": validation.rows,
            "valid": validation.valid,
            "invalid": validation.invalid,
            "left_out": validation.left_out,
            "issue_counts": issue_counts(list(validation.issues)),
            "sources": [source_json(source) for source in validation.sources],
            "mappings": list(validation.mappings),
            "readings": [_reading(reading) for reading in validation.readings],
            "issues": [issue_json(issue) for issue in validation.issues],
            "pairs": pairs_json(validation.pairs),
        }
    )


def plan(result: PlanResult) -> str:
    """The result of `plan`: counts and every change, with what is sent and every issue."""
    plan, cost = result.plan, result.cost
    return json_text(
        {
            "schema": SCHEMA,
            "command": "plan",
            "made_elsewhere": bool(result.origin),
            "account": plan.account,
            "account_tags": plan.account_tags,
            "mode": plan.mode,
            "category": plan.category or None,
            "plan_sha256": plan_digest(plan),
            "plan": result.out or None,
            "rows": plan.rows,
            "actions": plan.counts(),
            "exposure": exposure_json(result.exposure),
            "cost": {"calls": cost.calls, **asdict(cost), "seconds": round(cost.seconds, 1)} if cost else None,
            "sources": [source_json(source) for source in plan.sources],
            "mappings": list(plan.mappings),
            "readings": [_reading(reading) for reading in plan.readings],
            "notes": [issue_json(note) for note in plan.notes],
            "pairs": pairs_json(plan.pairs),
            "changes": [_change(change) for change in plan.changes],
        }
    )


def _row(change: Change) -> dict[str, Json]:
    row = change.row
    return {
        "name": change.name,
        "source": row.header.file if row else None,
        "sheet": (row.header.sheet or None) if row else None,
        "row": row.number if row else None,
        "action": change.action.value,
    }


def _change(change: Change) -> dict[str, Json]:
    return {
        "key": change.key,
        **_row(change),
        "uuid": change.uuid or None,
        "code": change.code or None,
        "message": change.message or None,
        "body": dict(change.body),
        "differences": [asdict(difference) for difference in change.differences],
        "issues": [issue_json(issue) for issue in change.issues],
    }


def run(record: RunRecord) -> str:
    """The result of `apply`, `resume`, `undo` and `report`: the summary, the folder, and how each row ended."""
    return json_text(
        {
            **summary(record),
            "folder": str(record.folder),
            "results": [_result(change, outcome) for change, outcome in record.ended()],
        }
    )


def _result(change: Change, outcome: Outcome) -> dict[str, Json]:
    return {
        **_row(change),
        "status": outcome.status.value,
        "code": row_code(change, outcome) or None,
        "message": row_message(change, outcome) or None,
        "uuid": outcome.uuid or change.uuid or None,
        "attempts": outcome.attempts,
        "adopted": outcome.adopted,
    }


def _reading(reading: Reading) -> Json:
    """A reading without the digests that only the next run needs."""
    found: dict[str, Json] = to_builtins(reading)
    if reading.lists:
        found["tables"] = len(reading.lists)
    return {key: value for key, value in found.items() if key not in ("contents", "lists")}
