"""summary.json and the JSON texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from importer.errors import SourceError, StoppedEarly
from importer.fields.table import FIELDS
from importer.model import Action, Issue, Place, Severity
from importer.planning.plan_file import plan_digest
from importer.reports import FORMATS, OF_ISSUES, json_text, listings
from importer.reports.formats import PlanResult, Validation, report
from importer.reports.run_record import Traffic
from importer.reports.screen import plain
from importer.reports.summary import (
    Previous,
    earlier_traffic,
    issue_json,
    previous_run,
    summary,
    write_failure,
    write_summary,
)
from importer.reports.write import write_reports

from .records import EXPOSURE, START, change, mixed_plan, plan, record, row


def test_the_totals_are_checked(tmp_path: Path) -> None:
    """Counts by status add up to the rows, and the summary says that they do."""
    made = summary(record(tmp_path))
    assert made["totals"] == {"rows": 7, "changes": 7, "sum_of_counts": 7, "agree": True}
    assert sum(made["counts"].values()) == made["rows"] == 7
    assert made["calls"] == {"list": 1, "create": 3, "total": 4}
    assert made["waits"] == {"count": 1, "seconds": 212.0}
    assert made["exposure"]["public_values"] == 4
    assert made["stopped"] is None
    assert made["resumable"] is True
    assert made["issues"]["by_code"]["unknown-country"] == 1


def test_the_file_is_json_whatever_the_names(tmp_path: Path) -> None:
    """A lone surrogate in a file name does not stop the summary, and the file reads back."""
    odd = Issue(Severity.WARNING, "odd", "odd \ud800", Place("x\udcff.csv"))
    write_summary(tmp_path / "summary.json", record(tmp_path, plan([], notes=(odd,))))
    read = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert read["notes"][0]["message"] == "odd \ud800"
    assert read["schema"] == 1


def test_a_resumed_run_adds_to_its_earlier_calls(tmp_path: Path) -> None:
    """What an earlier part of the run asked for is read back from its summary; a broken one counts for nothing."""
    write_summary(tmp_path / "summary.json", record(tmp_path))
    both = earlier_traffic(tmp_path) + Traffic({"create": 2, "delete": 1}, 1, 0, 0.0, 0)
    assert both == Traffic({"list": 1, "create": 5, "delete": 1}, 2, 1, 212.0, 1)
    (tmp_path / "summary.json").write_text('{"calls": [')
    assert earlier_traffic(tmp_path) == Traffic()
    assert earlier_traffic(tmp_path / "none") == Traffic()


def test_all_files_are_written_or_it_is_said(tmp_path: Path) -> None:
    """A run's reports are in its folder; a disk that refuses them is a sentence with what to do."""
    write_reports(record(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "failed.csv", "report.html", "results.csv", "summary.json",
    ]  # fmt: skip
    with pytest.raises(StoppedEarly, match="cannot be written") as caught:
        write_reports(record(tmp_path / "nowhere"))
    assert "tag-importer report" in caught.value.hint


def test_a_run_that_failed_at_once_leaves_a_word(tmp_path: Path) -> None:
    """A run that ended before it had a plan says in its summary when, why and what to do."""
    error = SourceError("no file matches x.csv", hint="Look again.")
    write_failure(tmp_path, error, started=START, finished=START)
    found = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert (found["exit_code"], found["stopped"], found["hint"]) == (3, "no file matches x.csv", "Look again.")
    assert earlier_traffic(tmp_path) == Traffic()


def test_the_last_run_of_the_same_sources_is_found(tmp_path: Path) -> None:
    """How many rows the sources had last time is read from the newest finished run of exactly these files."""
    for name, code in (("1", 0), ("2", 1), ("3", 6)):
        (tmp_path / name).mkdir()
        write_summary(tmp_path / name / "summary.json", record(tmp_path / name, exit_code=code))
    (tmp_path / "4").mkdir()
    (tmp_path / "4" / "summary.json").write_text("{")
    assert previous_run(tmp_path, ["actors.csv"]) == Previous(7, {"actors.csv": 7}, tmp_path / "2")
    assert previous_run(tmp_path, ["actors.csv", "more.csv"]) is None
    assert previous_run(tmp_path / "none", ["actors.csv"]) is None


def test_an_issue_names_its_cell() -> None:
    """An issue for a script has file, cell, value and nearest; what does not apply is absent."""
    found = issue_json(mixed_plan().changes[2].issues[0])
    assert found["cell"] == "B4"
    assert found["value"] == "Freedonia"
    assert found["nearest"] == "France"
    assert "sheet" not in found


def test_each_command_has_its_document(tmp_path: Path) -> None:
    """plan, apply, validate and fields print one JSON document with a schema version each."""
    validation = Validation((), (), rows=0, invalid=0, left_out=0, issues=mixed_plan().notes[:1])
    documents = [
        json.loads(text)
        for text in (
            json_text.plan(PlanResult(mixed_plan(), exposure=EXPOSURE)),
            json_text.run(record(tmp_path)),
            json_text.validation(validation),
            json_text.listing(listings.fields(FIELDS)),
        )
    ]
    assert [document["schema"] for document in documents] == [1] * 4
    assert documents[0]["plan_sha256"] == plan_digest(mixed_plan())
    assert documents[0]["changes"][5]["differences"] == [{"field": "motive", "old": "Fun", "new": "Espionage"}]
    assert [result["status"] for result in documents[1]["results"]][:3] == ["created", "created", "invalid"]


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in OF_ISSUES])
def test_each_format_shows_each_result(tmp_path: Path, name: str) -> None:
    """Every format shows a plan, a validation, a run and a listing, and each names what it is about."""
    shown = report(name)
    validation = Validation((), (), rows=3, invalid=1, left_out=0, issues=mixed_plan().changes[2].issues)
    for document, words in (
        (shown.plan(PlanResult(mixed_plan(), exposure=EXPOSURE)), ("Espionage", "aliases")),
        (shown.validation(validation), ("Freedonia", "B4")),
        (shown.run(record(tmp_path, stopped="Ctrl-C")), ("Ctrl-C",)),
        (shown.listing(listings.fields(FIELDS)), ("originCountryISO",)),
    ):
        text = document if isinstance(document, str) else plain(document)
        assert all(word in text for word in words), text


def test_changes_without_a_row_are_counted_apart(tmp_path: Path) -> None:
    """Tags that prune deletes are not counted as rows of the input."""
    made = summary(record(tmp_path, plan([change(Action.DELETE, None, "x"), change(Action.SKIP, row(2, "a"))])))
    assert (made["rows"], made["changes_without_row"]) == (1, 1)
    assert made["totals"]["agree"] is True
