"""`--format sarif`: issues as SARIF 2.1.0, for code scanning and editors. Rules are the codes of `explain`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from importer import __version__
from importer.model import Issue, Json, Severity, SourceFile
from importer.reports import json_text
from importer.reports.explained import codes
from importer.reports.formats import Listing, PlanResult, Validation
from importer.reports.github import conflicts
from importer.reports.run_record import RunRecord, issues_of
from importer.reports.text import cell_text, issue_text

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def validation(validation: Validation) -> str:
    """What is wrong in the sources."""
    return _log(validation.issues, validation.sources)


def plan(result: PlanResult) -> str:
    """What is wrong in the sources and against the account."""
    return _log([*issues_of(result.plan), *conflicts(result.plan.changes)], result.plan.sources)


def run(record: RunRecord) -> str:
    """What was wrong with the rows of a run."""
    return _log(issues_of(record.plan), record.plan.sources)


def listing(listing: Listing) -> str:
    """Its value: SARIF has no place for it."""
    return json_text.listing(listing)


def _log(issues: Sequence[Issue], sources: Sequence[SourceFile]) -> str:
    found = list(dict.fromkeys(issue.code for issue in issues))
    text_files = {source.file for source in sources if source.kind == "csv"}
    driver = {"name": "tag-importer", "semanticVersion": __version__, "rules": [_rule(code) for code in found]}
    artifacts = [{"location": {"uri": _uri(source.file)}, "length": source.size, "hashes": {"sha-256": source.sha256}}
                 for source in sources if source.sha256]  # fmt: skip
    results = [_result(issue, found.index(issue.code), text_files) for issue in issues]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "artifacts": artifacts, "results": results}
    return json_text.json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Json]:
    explained = codes().get(code)
    if explained is None:
        return {"id": code}
    text = f"{explained.means} Example: {explained.example}"
    return {"id": code, "shortDescription": {"text": explained.means}, "fullDescription": {"text": text},
            "help": {"text": explained.settle}}  # fmt: skip


def _result(issue: Issue, rule: int, text_files: set[str]) -> dict[str, Json]:
    place = issue.place
    cell = cell_text(issue)
    result: dict[str, Any] = {
        "ruleId": issue.code, "ruleIndex": rule, "level": _LEVELS[issue.severity],
        "message": {"text": f"{cell}: {issue_text(issue)}" if cell else issue_text(issue)},
        "partialFingerprints": {"cell/v1": _fingerprint(issue)},
    }  # fmt: skip
    if place.file:
        region = {"region": {"startLine": place.row}} if place.file in text_files and place.row else {}
        location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(place.file)}, **region}}
        if cell:
            location["logicalLocations"] = [{"fullyQualifiedName": cell, "kind": "cell"}]
        result["locations"] = [location]
    if issue.accepted:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": issue.accepted}]
    details = {"field": issue.field, "value": issue.value, "nearest": issue.nearest, "allowed": list(issue.allowed)}
    result["properties"] = {name: value for name, value in details.items() if value}
    return result


def _fingerprint(issue: Issue) -> str:
    """What stays the same when rows are put in above: the kind, the column and the value, in which file."""
    place = issue.place
    parts = (issue.code, place.file, place.sheet, place.column, issue.field, issue.value, place.id)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _uri(file: str) -> str:
    """A path or an address as a URI reference."""
    if file.startswith(("https://", "http://")):
        return file
    path = quote(file.replace("\\", "/").encode("utf-8", "surrogatepass"), safe="/")
    return f"file://{path}" if path.startswith("/") else path
