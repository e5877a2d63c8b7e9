"""Whoever watches a run that nobody looks at: however it ends, metrics, the heartbeat and a run folder say so."""

from __future__ import annotations

from pathlib import Path

from importer.engine.run_folder import RunFolder
from importer.engine.runs import prune_runs
from importer.errors import ImporterError
from importer.masking import Mask
from importer.pipeline.session import Session
from importer.reports.metrics import RunEnd, write_metrics
from importer.reports.ping import ping
from importer.reports.summary import write_failure


def notify(session: Session, code: int) -> list[str]:
    """Metrics, the heartbeat, old runs' folders. None of it changes how the run ended: returns what did not work."""
    settings, output = session.settings, session.settings.output
    problems = []
    if output.metrics_file:
        end = RunEnd(settings.name, code, session.clock.now(), session.timings.whole(), session.record)
        problems.append(write_metrics(Path(output.metrics_file), end))
    try:
        if url := settings.heartbeat():
            problems.append(ping(url, code))
    except ImporterError as error:
        problems.append(error.message)
    if output.keep_runs is not None and settings.out is None:
        try:
            prune_runs(settings.runs_dir, output.keep_runs)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            problems.append(f"old runs in {settings.runs_dir} cannot be deleted: {reason}")
    return list(filter(None, problems))


def note_failure(session: Session, error: ImporterError) -> list[str]:
    """A summary in the run folder where a run would have left one; returns what did not work."""
    settings = session.settings
    if session.record is not None or not (session.begun or settings.job):
        return []
    try:
        if not session.begun and session.folder.plan_path.exists():
            return []  # a run that was to be taken up again has its summary already
        folder = session.folder if session.begun else RunFolder.make(session.folder.path)
        write_failure(folder.path, error, started=session.started, finished=session.clock.now(),
                      job=settings.job.name if settings.job else "", mask=Mask(settings.secrets()))  # fmt: skip
    except (OSError, ImporterError) as problem:
        return [f"the failure could not be noted in a run folder: {problem}"]
    return []
