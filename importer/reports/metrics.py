"""Prometheus metrics of the last run, for node_exporter's textfile collector (`--metrics-file`).

All series carry `import`, the job's name. `last_success` is kept from the file that is there when a run fails, so that
an alert on its age works: success is exit code 0, completion 0 or 1 (finished, but some rows need work).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from importer.atomic import atomic_text
from importer.errors import ExitCode
from importer.reports.run_record import RunRecord

_READABLE: Final = 0o644
"""The collector runs as another user, and there are only numbers in the file."""
_PASSABLE: Final = 0o755
_SUCCESS: Final = "tag_importer_last_success_timestamp_seconds"
_COMPLETED: Final = "tag_importer_last_completion_timestamp_seconds"
_LARGEST: Final = 1_000_000

Sample = tuple[dict[str, str], float]


class RunEnd(Struct, frozen=True):
    """How a run of a job ended, also where it ended before there was a plan."""

    job: str
    exit_code: int
    finished: datetime
    seconds: float
    record: RunRecord | None = None


def write_metrics(path: Path, end: RunEnd) -> str:
    """Write the metrics to `path`, atomically, mode 0644. Never raises for the disk: returns the reason, or ""."""
    try:
        text = metrics_text(end, _earlier(path))
        _make_folder(path.parent)
        with atomic_text(path, _READABLE) as stream:
            stream.write(text)
    except OSError as error:
        return f"the metrics file {path} cannot be written: {error.strerror or type(error).__name__}"
    return ""


def _make_folder(folder: Path) -> None:
    """The folder, open to the collector, whatever the umask of a hardened service is. One that exists is left alone."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in made:
        path.chmod(_PASSABLE)


def metrics_text(end: RunEnd, earlier: str = "") -> str:
    """The file's text; `earlier` is what the file held before."""
    lines: list[str] = []
    for name, meaning, samples in _families(end, earlier):
        lines.append(f"# HELP {name} {meaning}")
        lines.append(f"# TYPE {name} gauge")
        for labels, value in samples:
            pairs = {"import": end.job, **labels}
            listed = ",".join(f'{label}="{_escaped(text)}"' for label, text in pairs.items())
            lines.append(f"{name}{{{listed}}} {value!r}")
    return "\n".join(lines) + "\n"


def _families(end: RunEnd, earlier: str) -> Iterator[tuple[str, str, list[Sample]]]:
    finished = end.finished.timestamp()
    yield "tag_importer_last_run_timestamp_seconds", "When the last run ended.", [({}, finished)]
    success = finished if end.exit_code == ExitCode.DONE else _kept(_SUCCESS, earlier, end.job)
    if success is not None:
        yield _SUCCESS, "When a run last ended with exit code 0.", [({}, success)]
    completed = (
        finished if end.exit_code in (ExitCode.DONE, ExitCode.ROWS_NEED_WORK) else _kept(_COMPLETED, earlier, end.job)
    )
    if completed is not None:
        yield _COMPLETED, "When a run last came to its end, with exit code 0 or 1.", [({}, completed)]
    yield "tag_importer_last_run_exit_code", "Exit code of the last run.", [({}, float(end.exit_code))]
    yield "tag_importer_last_run_duration_seconds", "How long the last run took.", [({}, end.seconds)]
    record = end.record
    if record is None:
        return
    yield (
        "tag_importer_last_run_rows",
        "Rows of the last run by how they ended; they add up to all.",
        [({"status": status}, float(number)) for status, number in record.counts().items()],
    )
    traffic = record.traffic
    if traffic.calls:
        yield (
            "tag_importer_last_run_calls",
            "Requests sent by the last run.",
            [({"call": call}, float(number)) for call, number in traffic.calls.items()],
        )
    yield "tag_importer_last_run_retries", "Requests repeated by the last run.", [({}, float(traffic.retries))]
    yield "tag_importer_last_run_answers_429", "Answers with status 429.", [({}, float(traffic.too_many))]
    yield "tag_importer_last_run_wait_seconds", "Time spent waiting for the rate limit.", [({}, traffic.waited)]
    yield (
        "tag_importer_last_run_outage_wait_seconds",
        "Time spent waiting while the server failed.",
        [({}, traffic.outage_seconds)],
    )
    yield (
        "tag_importer_account_tags",
        "Tags in the account before the last run.",
        [({}, float(record.plan.account_tags))],
    )


def _earlier(path: Path) -> str:
    """What the file holds now; empty where it does not exist or cannot be ours."""
    try:
        if path.stat().st_size > _LARGEST:
            return ""
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _kept(name: str, earlier: str, job: str) -> float | None:
    """The value that a series of this job had in the earlier file."""
    series = re.escape(f'{name}{{import="{_escaped(job)}"}}')
    match = re.search(rf"^{series} ([0-9.e+]+)$", earlier, re.MULTILINE)
    try:
        return float(match[1]) if match else None
    except ValueError:
        return None


def _escaped(text: str) -> str:
    safe = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return safe.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
