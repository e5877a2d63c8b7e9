"""All files that a run leaves for people, written in one go."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

from importer.engine.resume import open_run
from importer.errors import ExitCode, StoppedEarly
from importer.masking import Mask
from importer.reports.failed import write_failed
from importer.reports.html import write_run_page
from importer.reports.results import write_results
from importer.reports.run_record import RunRecord
from importer.reports.summary import earlier_seconds, earlier_traffic, write_summary


def write_reports(record: RunRecord) -> None:
    """Write results.csv, failed.csv or .xlsx, summary.json and report.html into the run's folder.

    The summary comes last: where it exists, the other files are complete. May be called again after a resume.
    Raises StoppedEarly when the disk does not take them; plan and journal are untouched by that.
    """
    try:
        write_results(record.folder / "results.csv", record)
        write_failed(record.folder, record)
        write_run_page(record.folder / "report.html", record)
        write_summary(record.folder / "summary.json", record)
    except OSError as error:
        command = record.resume_command if record.stopped else f"tag-importer report {shlex.quote(str(record.folder))}"
        raise StoppedEarly(
            f"the reports in {record.folder} cannot be written: {error.strerror or type(error).__name__}",
            hint=f"What was done is in the journal. Make room, then: {command}",
        ) from error


def write_again(path: Path, mask: Mask) -> RunRecord:
    """Write the reports of an earlier run anew, from its plan and its journal. UsageError where `path` is not a run."""
    earlier = open_run(path)
    state = earlier.state
    end = state.ends[-1] if state is not None and state.ends else {}
    started = _time(state.header.get("started") if state is not None else None)
    record = RunRecord(
        run=earlier.folder.run,
        folder=earlier.folder.path,
        plan=earlier.plan,
        outcomes=state.standing() if state is not None else {},
        started=started,
        finished=(state.last if state is not None and state.last else started),
        seconds=earlier_seconds(earlier.folder.path),
        exit_code=_exit_code(end.get("exit_code")),
        traffic=earlier_traffic(earlier.folder.path),
        stopped="" if state is not None and state.complete else str(end.get("reason") or "it was interrupted"),
        command=str(state.header.get("command", "apply")) if state is not None else "apply",
        plan_sha256=earlier.sha256,
        mask=mask,
    )
    write_reports(record)
    return record


def _exit_code(noted: object) -> ExitCode:
    """That of the run; the journal may be somebody else's, and hold anything."""
    return next((code for code in ExitCode if code == noted), ExitCode.STOPPED_EARLY)


def _time(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
