"""All files that a run leaves for people, written in one go."""

from __future__ import annotations

from importer.reports.failed import write_failed
from importer.reports.html import write_html
from importer.reports.results import write_results
from importer.reports.run_record import RunRecord
from importer.reports.summary import write_summary


def write_reports(record: RunRecord) -> None:
    """Write results.csv, failed.csv or .xlsx, summary.json and report.html into the run's folder.

    The summary comes last: where it stands, the other files are complete. May be called again after a resume.
    """
    write_results(record.folder / "results.csv", record)
    write_failed(record.folder, record)
    write_html(record.folder / "report.html", record)
    write_summary(record.folder / "summary.json", record)
