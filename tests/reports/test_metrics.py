"""The metrics file is what Prometheus reads, and remembers the last success."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from importer.reports.metrics import RunEnd, metrics_text, write_metrics

from .records import START, record

parser = pytest.importorskip("prometheus_client.parser")


def end(exit_code: int, folder: Path | None = None, job: str = "nightly", later: int = 0) -> RunEnd:
    started = START + timedelta(seconds=later)
    return RunEnd(job, exit_code, started + timedelta(seconds=125), 125.0, record(folder) if folder else None)


def read(text: str) -> dict[str, Any]:
    return {family.name: family for family in parser.text_string_to_metric_families(text)}


def test_prometheus_reads_it(tmp_path: Path) -> None:
    """The official parser finds every family once, with help, type and our label."""
    assert write_metrics(tmp_path / "m" / "x.prom", end(0, tmp_path)) == ""
    families = read((tmp_path / "m" / "x.prom").read_text("utf-8"))
    rows = {one.labels["status"]: one.value for one in families["tag_importer_last_run_rows"].samples}
    assert rows["created"] == 2
    assert sum(rows.values()) == 7
    calls = {one.labels["call"]: one.value for one in families["tag_importer_last_run_calls"].samples}
    assert calls == {"list": 1, "create": 3}
    for family in families.values():
        assert family.type == "gauge"
        assert family.documentation
        assert {one.labels["import"] for one in family.samples} == {"nightly"}


def test_the_last_success_outlives_failures(tmp_path: Path) -> None:
    """A failed run keeps the time of the last success; the next success renews it."""
    path = tmp_path / "x.prom"

    def success() -> float:
        value: float = read(path.read_text("utf-8"))["tag_importer_last_success_timestamp_seconds"].samples[0].value
        return value

    write_metrics(path, end(0))
    first = success()
    write_metrics(path, end(4, later=3600))
    write_metrics(path, end(1, later=7200))
    assert success() == first
    write_metrics(path, end(0, later=9000))
    assert success() == first + 9000


def test_no_success_yet_is_no_series(tmp_path: Path) -> None:
    """A job that never succeeded has no success time, not a zero one; another job's file is not believed."""
    path = tmp_path / "x.prom"
    write_metrics(path, end(0, job="other"))
    write_metrics(path, end(3))
    assert "tag_importer_last_success_timestamp_seconds" not in read(path.read_text("utf-8"))
    path.write_bytes(b"\xff\xfegarbage")
    assert write_metrics(path, end(3)) == ""


def test_odd_job_names_are_escaped() -> None:
    """Quotes, backslashes and line breaks in a job's name come back from the parser as they were."""
    for job in ('a"b', "a\\nb", "a\nb", "日本"):
        family = read(metrics_text(end(0, job=job)))["tag_importer_last_run_exit_code"]
        assert family.samples[0].labels["import"] == job


def test_it_is_readable_and_whole(tmp_path: Path) -> None:
    """The collector's user can read the file, and no temporary file stays beside it."""
    write_metrics(tmp_path / "x.prom", end(0))
    assert (tmp_path / "x.prom").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["x.prom"]


def test_its_new_folder_is_open_to_the_collector_under_any_umask(tmp_path: Path) -> None:
    """A hardened service has umask 077; the collector is another user and must get to the file all the same."""
    before = os.umask(0o077)
    try:
        assert write_metrics(tmp_path / "a" / "b" / "x.prom", RunEnd("nightly", 0, START, 0.0)) == ""
    finally:
        os.umask(before)
    for path in (tmp_path / "a", tmp_path / "a" / "b"):
        assert path.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_cannot_be_written_is_a_word_and_no_error(tmp_path: Path) -> None:
    """Metrics never end a run: the reason comes back as a sentence."""
    (tmp_path / "file").touch()
    assert "cannot be written" in write_metrics(tmp_path / "file" / "x.prom", end(0))
