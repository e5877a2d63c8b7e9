"""fleet.json: what many jobs came to, added up."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import WORST_FIRST, ExitCode, UsageError, worst
from importer.reports.fleet import (
    JobResult,
    fleet_json,
    fleet_of,
    fleet_schema,
    gathered,
    listing,
    read_fleet,
    write_fleet,
)
from importer.reports.screen import plain

_NUMBERS = st.integers(0, 1_000_000)
_RESULTS = st.lists(
    st.builds(
        JobResult, job=st.text(max_size=9), file=st.uuids().map(str), group=st.sampled_from(["", "aa", "bb"]),
        state=st.sampled_from(["waiting", "running", "ended", "not-attempted"]),
        exit_code=st.none() | st.sampled_from(WORST_FIRST), rows=_NUMBERS, calls=_NUMBERS, retries=_NUMBERS,
        answers_429=_NUMBERS, counts=st.dictionaries(st.sampled_from(["created", "failed", "unknown"]), _NUMBERS),
    ),
    max_size=8,
    unique_by=lambda job: job.file,
)  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(_RESULTS, _RESULTS)
def test_totals_are_the_sums_of_the_jobs(some: list[JobResult], others: list[JobResult]) -> None:
    """Whatever the jobs came to, the totals are their sums, also of several fleets as one; each keeps to the schema."""
    whole = gathered([fleet_of("apply", some, "2026", "2027"), fleet_of("apply", others, "2025", "2026")])
    jsonschema.validate(json.loads(json.dumps(fleet_json(whole))), fleet_schema())
    jobs, totals = [*some, *others], whole.totals
    assert (totals.jobs, len(whole.jobs)) == (len(jobs), len(jobs))
    assert totals.groups == len({job.group for job in jobs} - {""})
    for key in ("rows", "calls", "retries", "answers_429"):
        assert getattr(totals, key) == sum(getattr(job, key) for job in jobs)
    for status in ("created", "failed", "unknown"):
        assert totals.counts.get(status, 0) == sum(job.counts.get(status, 0) for job in jobs)
    ended = [job.exit_code for job in jobs if job.exit_code is not None]
    assert sum(totals.exit_codes.values()) == len(ended)
    assert whole.exit_code == (worst(ended) if len(ended) == len(jobs) else None)
    assert f"{len(jobs)} job" in plain(listing(whole).lines)


def test_every_exit_code_has_its_place() -> None:
    """The order of exit codes holds each of them once, from what needs a person to what is well."""
    assert sorted(WORST_FIRST) == sorted(ExitCode)
    assert (worst([0, 1, 6]), worst([6, 4, 2]), worst([])) == (6, 4, 0)


def test_the_later_word_on_a_job_counts() -> None:
    """Of a job in two fleets, such as one and its second try, the totals have what the later one says."""
    first, second = (JobResult(job="a", file="/a", group="g", rows=rows, exit_code=code, state="ended")
                     for rows, code in ((5, 6), (7, 0)))  # fmt: skip
    found = gathered([fleet_of("apply", [first], "1", "2"), fleet_of("apply", [second], "3", "4")])
    assert (found.totals.rows, found.exit_code, found.started, found.finished) == (7, 0, "1", "4")


def test_a_file_that_is_no_fleet_is_refused(tmp_path: Path) -> None:
    """What was written is read again as it was; anything else is refused with a sentence."""
    made = fleet_of("plan", [JobResult(job="a", file="/a", group="g")], "1")
    write_fleet(tmp_path / "new", made)
    assert read_fleet(tmp_path / "new") == made
    for text in ("", "[]", '{"schema": 2}', "\xff", "[" * 100_000):
        (tmp_path / "fleet.json").write_text(text, "latin-1")
        with pytest.raises(UsageError, match="is not a fleet"):
            read_fleet(tmp_path)
