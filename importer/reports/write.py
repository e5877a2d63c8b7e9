"""All files that a run leaves for people, written in one go."""

from __future__ import annotations

import shlex

from importer.errors import StoppedEarly
from importer.reports.failed import write_failed
from importer.reports.html import write_html
from importer.reports.results import write_results
from importer.reports.run_record import RunRecord
from importer.reports.summary import write_summary


def write_reports(record: RunRecord) -> None:
    """Write results.csv, failed.csv or .xlsx, summary.json and report.html into the run's folder.

    The summary comes last: where it exists, the other files are complete. May be called again after a resume.
    Raises StoppedEarly when the disk does not take them; plan and journal are untouched by that.
    """
    try:
        write_results(record.folder / "results.csv", record)
        write_failed(record.folder, record)
        write_html(record.folder / "report.html", record)
        write_summary(record.folder / "summary.json", record)
    except OSError as error:
        command = record.resume_command if record.stopped else f"tag-importer report {shlex.quote(str(record.folder))}"
        raise StoppedEarly(
            f"the reports in {record.folder} cannot be written: {error.strerror or type(error).__name__}",
            hint=f"What was done is in the journal. Make room, then: {command}",
        ) from error
