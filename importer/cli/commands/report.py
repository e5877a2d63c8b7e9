"""`tag-importer report`: a run's reports, written again from its plan and its journal."""

from __future__ import annotations

import os
from argparse import Namespace
from datetime import UTC, datetime

from importer.cli.messages import show_record
from importer.cli.runs import find_run
from importer.engine.resume import open_run
from importer.errors import ExitCode
from importer.masking import Mask
from importer.reports.run_record import RunRecord
from importer.reports.summary import earlier_seconds, earlier_traffic
from importer.reports.write import write_reports
from importer.settings.merge import merge


def run(namespace: Namespace) -> int:
    """Write results, failed rows, summary and page; exits as the run did."""
    settings = merge(vars(namespace), os.environ)
    earlier = open_run(find_run(namespace.run, settings.runs_dir))
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
        mask=Mask(settings.secrets()),
    )
    write_reports(record)
    show_record(record, settings)
    return record.exit_code


def _exit_code(noted: object) -> ExitCode:
    """That of the run; the journal may be somebody else's, and hold anything."""
    return next((code for code in ExitCode if code == noted), ExitCode.STOPPED_EARLY)


def _time(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
