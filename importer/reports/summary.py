"""summary.json: the run in numbers, for a script and for whoever looks after the schedule."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import asdict

from importer.atomic import atomic_text
from importer.errors import ExitCode, ImporterError
from importer.fields.table import Visibility
from importer.masking import NO_MASK, Mask
from importer.model import Issue, Json, SourceFile
from importer.planning.exposure import Exposure
from importer.planning.part import PART
from importer.reports.failed import failed_files
from importer.reports.run_record import RunRecord, Traffic, issue_counts, issues_of

SCHEMA: Final = 1
"""Version of the layout; it rises when a key changes its meaning or goes."""
_NOTES_SHOWN: Final = 200
FINISHED: Final = (ExitCode.DONE, ExitCode.ROWS_NEED_WORK)


def summary(record: RunRecord) -> dict[str, Json]:
    """The summary as JSON values. Names of actors do not occur in it, apart from those that a note quotes."""
    plan, traffic = record.plan, record.traffic
    statuses = record.counts()
    rows, changes = record.plan.rows, len(plan.changes)
    issues = issues_of(plan)
    rows_of = Counter(change.row.header.file for change in plan.changes if change.row is not None)
    outcomes = [outcome for _, outcome in record.ended()]
    return {
        "schema": SCHEMA,
        "run": record.run,
        "command": record.command,
        "job": record.job or None,
        "account": plan.account,
        "sandbox": record.sandbox,
        "mode": plan.mode,
        "started": stamp(record.started),
        "finished": stamp(record.finished),
        "seconds": round(record.seconds, 3) or None,
        "exit_code": record.exit_code,
        "stopped": record.stopped or None,
        "hint": record.hint or None,
        "resumable": any(outcome.status.value in ("not_attempted", "unknown") for outcome in outcomes),
        "rows": rows,
        "changes_without_row": changes - rows,
        "counts": statuses,
        "actions": plan.counts(),
        "totals": {"rows": rows, "changes": changes, "sum_of_counts": sum(statuses.values()),
                   "agree": sum(statuses.values()) == changes},
        "adopted": sum(1 for outcome in outcomes if outcome.adopted),
        "calls": {**traffic.calls, "total": traffic.total},
        "retries": traffic.retries,
        "waits": {"count": traffic.waits, "seconds": round(traffic.waited, 3)},
        "outage_waits": {"count": traffic.outages, "seconds": round(traffic.outage_seconds, 3)},
        "answers_429": traffic.too_many,
        "timings": {phase: round(seconds, 3) for phase, seconds in record.timings.items()},
        "exposure": exposure_json(record.exposed()),
        "account_tags_before": plan.account_tags,
        "category": plan.category or None,
        "part": plan.options.get(PART),
        "plan_sha256": record.plan_sha256 or None,
        "sources": [{**source_json(source), "rows": rows_of[source.file]} for source in plan.sources],
        "mappings": list(plan.mappings),
        "issues": {**issue_counts(issues), "by_code": dict(Counter(issue.code for issue in issues).most_common())},
        "pairs": {"total": len(plan.pairs), "open": sum(pair.open for pair in plan.pairs)},
        "notes": [issue_json(note) for note in plan.notes[:_NOTES_SHOWN]],
        "notes_total": len(plan.notes),
        "files": [path.name for path in failed_files(record.folder)],
    }  # fmt: skip


def write_summary(path: Path, record: RunRecord) -> None:
    """Write summary.json at `path`, atomically, mode 0600."""
    with record.file(path) as stream:
        json.dump(summary(record), stream, indent=2, ensure_ascii=False)
        stream.write("\n")


def stamp(moment: datetime) -> str:
    """A moment as `2026-11-23T17:40:00.123Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def source_json(source: SourceFile) -> dict[str, Json]:
    """A source file as JSON values."""
    return {**asdict(source), "details": dict(source.details)}


def issue_json(issue: Issue) -> dict[str, Json]:
    """An issue as JSON values; parts that do not apply are left out, so that a page of them stays readable."""
    place = issue.place
    found: dict[str, Json] = {
        "severity": issue.severity.value,
        "code": issue.code,
        "message": issue.message,
        "file": place.file,
        "sheet": place.sheet,
        "row": place.row,
        "cell": place.cell,
        "column": place.column,
        "id": place.id,
        "field": issue.field,
        "value": issue.value,
        "nearest": issue.nearest,
        "allowed": list(issue.allowed),
    }
    if issue.accepted:
        found |= {"suppressed": True, "suppressed_by": issue.accepted}
    always = ("severity", "code", "message", "file")
    return {key: value for key, value in found.items() if value or key in always}


def write_failure(
    folder: Path,
    error: ImporterError,
    *,
    started: datetime,
    finished: datetime,
    command: str = "apply",
    job: str = "",
    mask: Mask = NO_MASK,
) -> None:
    """The summary of a run that ended before it had a plan, or before it did anything of it."""
    found: dict[str, Json] = {
        "schema": SCHEMA,
        "run": folder.resolve().name,
        "command": command,
        "job": job or None,
        "started": stamp(started),
        "finished": stamp(finished),
        "exit_code": error.exit_code,
        "stopped": error.message,
        "details": list(error.details),
        "hint": error.hint or None,
        "resumable": (folder / "journal.jsonl").exists(),
    }
    with atomic_text(folder / "summary.json") as stream:
        stream.write(json.dumps(mask.value(found), indent=2, ensure_ascii=False) + "\n")


def earlier_seconds(folder: Path) -> float:
    """How long the run took, from its earlier summary; 0 without one: the journal has moments only."""
    try:
        return float(json.loads((folder / "summary.json").read_bytes())["seconds"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0.0


def earlier_traffic(folder: Path) -> Traffic:
    """The traffic from an earlier summary of the run; the journal does not count calls."""
    try:
        found = json.loads((folder / "summary.json").read_bytes())
        calls = {str(call): int(number) for call, number in found["calls"].items() if call != "total"}
        waits = found["waits"]
        outages = found.get("outage_waits") or {}
        return Traffic(calls, int(found["retries"]), int(waits["count"]), float(waits["seconds"]),
                       int(found["answers_429"]), int(outages.get("count", 0)),
                       float(outages.get("seconds", 0)))  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Traffic()


class Previous(Struct, frozen=True):
    """The last finished run: how many rows it had, and how many from each file as far as its summary says."""

    rows: int
    files: Mapping[str, int] = field(default_factory=dict)
    folder: Path = Path()


def previous_run(runs: Path, files: Sequence[str], job: str = "") -> Previous | None:
    """The last finished run of this job, or without a job of exactly these source files; None without one."""
    wanted = sorted(files)
    for path in sorted(runs.glob("*/summary.json"), key=_age, reverse=True):
        try:
            found = json.loads(path.read_text("utf-8"))
            sources: list[dict[str, Any]] = found["sources"]
            same = found.get("job") == job if job else sorted(source["file"] for source in sources) == wanted
            if found["exit_code"] in FINISHED and same and found["command"] == "apply" and not found.get("part"):
                rows_of = {source["file"]: int(source.get("rows", 0)) for source in sources}
                return Previous(int(found["rows"]), rows_of, path.parent)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # the limit then has nothing to compare with
    return None


def _age(path: Path) -> tuple[str, int]:
    """By the second in the run's name; of two in one second that which ended later is the later one."""
    try:
        return path.parent.name.partition("-")[0], path.stat().st_mtime_ns
    except OSError:
        return path.parent.name.partition("-")[0], 0


def exposure_json(exposure: Sequence[Exposure]) -> dict[str, Json]:
    """Public and undocumented fields with their numbers of values."""
    return {
        "public_values": sum(item.values for item in exposure if item.visibility is Visibility.PUBLIC),
        "undocumented_values": sum(item.values for item in exposure if item.visibility is Visibility.UNDOCUMENTED),
        "fields": [{**asdict(item), "visibility": item.visibility.value} for item in exposure],
    }
