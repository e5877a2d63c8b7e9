"""Nothing large by accident: limits with an override that works, marks, pruning, and one run at a time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from importer.engine.lock import account_lock
from tests.behaviour.inside import Here, last, rows
from tests.behaviour.program import Cli, Served, environment
from tests.behaviour.test_main_job import results

NAMES = [f"Actor {number:02d}" for number in range(11)]
UPSERT = ("--sandbox", "--mode", "upsert")


def listed(here: Here, names: list[str], country: str = "IR", file: str = "a.csv") -> None:
    rows(here.folder / file, "Name,Country", *(f"{name},{country}" for name in names))


def settled(here: Here) -> None:
    """An account that holds the eleven, made by an earlier run of the same list."""
    listed(here, NAMES)
    here.ok("apply", "a.csv", "--sandbox")


def override(error: str) -> list[str]:
    """The flags that the message offers."""
    found = re.search(r"allow with (--[^\n]+)", error)
    assert found, error
    return found[1].split()


def stopped_then_allowed(here: Here, *command: str, said: str) -> None:
    """The command stops with exit code 5 and these words, and passes with what the message offers."""
    stop = here(*command)
    assert stop.code == 5
    assert said in stop.err
    here.ok(*command, *override(stop.err))


def test_many_updates_stop_with_counts_and_an_override_that_works(here: Here) -> None:
    """Eight of eleven tags would change: the message counts them, and its flag lets exactly this through."""
    settled(here)
    listed(here, NAMES[:8], "RU")
    with (here.folder / "a.csv").open("a") as file:
        file.writelines(f"{name},IR\n" for name in NAMES[8:])
    said = "72.7 % of tags would change (8/11), limit 30 %; allow with --max-updates 8"
    stopped_then_allowed(here, "apply", "a.csv", *UPSERT, said=said)
    assert last(here.folder / "tag-importer-runs")["counts"]["updated"] == 8


@pytest.mark.parametrize("limit", ["5", "45%"])
def test_a_limit_may_be_a_number_or_a_per_cent(here: Here, limit: str) -> None:
    """`--max-updates` takes both; one below what is planned stops, one above lets it pass."""
    settled(here)
    listed(here, [*NAMES[:6], *(f"Other {number}" for number in range(5))], "RU")
    ran = here("apply", "a.csv", *UPSERT, "--max-updates", limit)
    assert ran.code == 5
    assert "6/11" in ran.err
    here.ok("apply", "a.csv", *UPSERT, "--max-updates", "6" if limit == "5" else "55%")


def test_creates_can_be_limited(here: Here) -> None:
    """A limit on creates stops with the count, and the override lets it pass."""
    listed(here, NAMES)
    stopped_then_allowed(here, "apply", "a.csv", "--sandbox", "--max-creates", "10", said="11 tags would be created")


def test_a_plan_over_a_limit_is_shown_but_not_written(here: Here) -> None:
    """`plan --out` leaves no plan.json that could be applied past the limit."""
    settled(here)
    listed(here, NAMES, "RU")
    ran = here("plan", "a.csv", *UPSERT, "--out", "p")
    assert ran.code == 5
    assert "~ update          11" in ran.out
    assert not (here.folder / "p" / "plan.json").exists()


@pytest.mark.parametrize(("content", "code"), [("Name,Country\n", 5), ("", 3)])
def test_an_empty_source_stops(here: Here, content: str, code: int) -> None:
    """A list without rows, or without anything, changes nothing and says what it had last time."""
    settled(here)
    (here.folder / "a.csv").write_text(content)
    ran = here("apply", "a.csv", *UPSERT)
    assert ran.code == code
    if code == 5:
        assert "last time it had 11" in ran.err
        here.ok("apply", "a.csv", *UPSERT, *override(ran.err))
    assert len(here.tags("--sandbox")) == 11


def test_a_shrunken_source_stops(here: Here) -> None:
    """A list that lost more than a third of its rows since last time is looked at by a person first."""
    settled(here)
    listed(here, NAMES[:6])
    stopped_then_allowed(here, "apply", "a.csv", *UPSERT, said="45.5 % fewer rows than last time (6 after 11)")


def test_one_source_of_several_that_goes_empty_stops(here: Here) -> None:
    """The small feed beside the large list may fail without a sound; it is named."""
    listed(here, [f"Actor {number:02d}" for number in range(40)], file="a.csv")
    listed(here, ["Red Fox", "Blue Owl"], file="b.csv")
    (here.folder / "job.yaml").write_text("sources: [a.csv, b.csv]\nmode: upsert\n")
    here.ok("apply", "job.yaml", "--sandbox")
    (here.folder / "b.csv").write_text("Name,Country\n")
    stopped_then_allowed(here, "apply", "job.yaml", "--sandbox", said="b.csv gives no rows any more (last time 2)")


MARKED = (*UPSERT, "--managed-by", "nightly")


def test_nothing_unmarked_is_updated_until_it_is_adopted(here: Here) -> None:
    """With marking on, a tag that somebody else made stays as it is; --adopt updates and marks it."""
    settled(here)
    listed(here, [*NAMES, "New One"], "RU")
    here.ok("apply", "a.csv", *MARKED, "--out", "one")
    assert {row["_status"] for row in results(here.folder / "one")} == {"skipped", "created"}
    assert here.tags("--sandbox")[NAMES[0]]["originCountryISO"] == "IR"
    here.ok("apply", "a.csv", *MARKED, "--adopt", "--max-updates", "none")
    held = here.tags("--sandbox")
    assert held[NAMES[0]]["originCountryISO"] == "RU"
    assert {json.loads(tag["properties"])["managed_by"] for tag in held.values()} == {"tag-importer:nightly"}


def test_what_vanished_is_told_and_pruned_only_when_asked_and_only_if_marked(here: Here) -> None:
    """A tag that left the list is reported; --prune deletes it under its limit, and never one without the mark."""
    listed(here, ["Stranger"])
    here.ok("apply", "a.csv", "--sandbox")
    listed(here, NAMES)
    here.ok("apply", "a.csv", *MARKED)
    listed(here, NAMES[:9])
    told = here.ok("apply", "a.csv", *MARKED)
    assert f"'{NAMES[10]}'" in told.out
    assert len(here.tags("--sandbox")) == 12
    said = "18.2 % of this job's tags would be deleted (2/11), limit 10 %; allow with --max-deletes 2"
    stopped_then_allowed(here, "apply", "a.csv", *MARKED, "--prune", "--yes", said=said)
    assert set(here.tags("--sandbox")) == {*NAMES[:9], "Stranger"}


def test_prune_without_a_mark_is_refused(here: Here) -> None:
    """Pruning what is not marked is not a combination of flags at all."""
    settled(here)
    ran = here("apply", "a.csv", *UPSERT, "--prune")
    assert ran.code == 2
    assert "mark" in ran.err


def test_another_jobs_tags_are_not_touched(here: Here) -> None:
    """A tag that carries another job's mark is a conflict, so that two jobs never undo each other."""
    listed(here, NAMES)
    here.ok("apply", "a.csv", *UPSERT, "--managed-by", "weekly")
    listed(here, NAMES[:1], "RU")
    ran = here("apply", "a.csv", *MARKED, "--adopt", "--out", "run", "--max-shrink", "none", "--max-drift", "none")
    assert ran.code == 1
    assert results(here.folder / "run")[0]["_code"] == "managed-elsewhere"


def test_one_run_at_a_time(cli: Cli, serve: Callable[..., Served], tmp_path: Path) -> None:
    """A second run on the account is exit code 7 with who holds it and since when; with --wait it takes its turn."""
    served = serve()
    rows(tmp_path / "a.csv", "Name", "Red Fox")
    state = Path(environment(tmp_path)["TAG_IMPORTER_STATE_DIR"])
    with account_lock(served.env["CLOUDFLARE_ACCOUNT_ID"], state, command="tag-importer apply", run="the-other"):
        refused = cli("apply", "a.csv", "--yes", env=served.env)
        waiting = subprocess.Popen(
            [sys.executable, "-m", "importer", "apply", "a.csv", "--yes", "--wait", "60"],
            cwd=tmp_path, env=environment(tmp_path, served.env), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert waiting.stderr is not None
        first_line = next(line for line in waiting.stderr if line.startswith("waiting: "))
    with waiting:
        assert waiting.wait(30) == 0, waiting.stderr.read()
    assert refused.code == 7
    assert re.search(rf"process {os.getpid()}, .*since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d.*run the-other", refused.err)
    assert f"process {os.getpid()}" in first_line
