"""Many accounts in Apache Airflow, 3.3 or newer: a mapped task for each API token, as the rate limit is the token's.

    groups -> run_group.expand(...) -> gather

`groups` asks `tag-importer` which jobs share a token, `run_group` carries out the jobs of one token in turn, and
`gather` adds up what became of all of them in one fleet.json. Workers of different tokens go side by side; two on one
token would gain nothing, and what keeps the limit is the group, not a pool. A task that is tried again goes on where
the last try ended: what was made is found, and nothing is made twice.

It is set by variables of the workers' environment:
    TAG_IMPORTER_JOBS            a folder of job files, each of which names its account and its token file
    TAG_IMPORTER_FLEETS          a folder that all workers share, for the results of each run of the DAG
    TAG_IMPORTER_PROGRAM         the program, where it is not `tag-importer` on the path
    TAG_IMPORTER_RETRY_SECONDS   until another try, where the program names no wait of its own (300)
TAG_IMPORTER_STATE_DIR, too, has to be on a disk that all workers share: it holds what is known of each token's limit.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy
from airflow.sdk.exceptions import AirflowFailException

_LOG = logging.getLogger(__name__)
_AGAIN = (6, 7)
"""Exit codes that another try can better: stopped early, and a lock that was held."""


class TryAgain(Exception):
    """A group that did not come to its end and can be taken up again, after `wait` seconds where that is known."""

    def __init__(self, said: str, wait: float = 0.0) -> None:
        super().__init__(said)
        self.wait = wait


class AfterItsWait(RetryPolicy):
    """Another try when the wait is over that the last one named."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        wait = getattr(exception, "wait", 0.0)
        return RetryDecision.retry(timedelta(seconds=wait)) if wait else RetryDecision.default()


def _tag_importer(*words: str) -> subprocess.CompletedProcess[str]:
    program = shlex.split(os.environ.get("TAG_IMPORTER_PROGRAM", "tag-importer"))
    return subprocess.run([*program, *words], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)  # noqa: S603


def _folder() -> Path:
    """Where this run of the DAG keeps its results."""
    run = "".join(char if char.isalnum() else "-" for char in get_current_context()["run_id"])
    return Path(os.environ["TAG_IMPORTER_FLEETS"], run)


@task
def groups() -> list[str]:
    """The tokens of all jobs, each by a hash that tells nothing of it."""
    done = _tag_importer("apply", os.environ["TAG_IMPORTER_JOBS"], "--groups", "--format", "json")
    if done.returncode:
        raise AirflowFailException(f"the jobs cannot be read: exit code {done.returncode}\n{done.stdout}")
    return [group["group"] for group in json.loads(done.stdout)["groups"]]


@task(
    retries=5,
    retry_delay=timedelta(seconds=float(os.environ.get("TAG_IMPORTER_RETRY_SECONDS", "300"))),
    retry_policy=AfterItsWait(),
    map_index_template="{{ group }}",
)
def run_group(group: str) -> int:
    """Carry out the jobs of one token, or what is left of them. Codes that another try cannot better are results."""
    get_current_context()["group"] = group
    folder = str(_folder() / group)
    done = _tag_importer("apply", os.environ["TAG_IMPORTER_JOBS"], "--group", group, "--out", folder, "--resume",
                         "--yes", "--format", "json", "--log-format", "json")  # fmt: skip
    try:
        found = json.loads(done.stdout)
    except ValueError:  # it was killed; its folder knows how far it came
        raise TryAgain(f"ended without a result (exit code {done.returncode})") from None
    if "jobs" not in found:
        raise AirflowFailException(found["error"]["message"])
    jobs = found["jobs"]
    if left := [job for job in jobs if job["exit_code"] in _AGAIN]:
        said = "; ".join(f"{job['job']}: {job['message']}" for job in left)
        raise TryAgain(said, max(job["retry_after"] for job in left))
    for job in jobs:
        if job["exit_code"]:
            _LOG.warning("%s ended with exit code %s: %s", job["job"], job["exit_code"], job["message"])
    return done.returncode


@task(trigger_rule="all_done")
def gather() -> str:
    """One fleet.json of all groups, and the table in the log. It fails where a job did not come to its end."""
    folders = sorted(str(path.parent) for path in _folder().glob("*/fleet.json"))
    done = _tag_importer("report", *folders, "--format", "json")
    path = _folder() / "fleet.json"
    path.write_text(done.stdout, encoding="utf-8")
    _LOG.info("%s", _tag_importer("report", *folders).stdout)
    if done.returncode > 1:
        raise AirflowFailException(f"not every job came to its end (exit code {done.returncode}): {path}")
    return str(path)


@dag(schedule=None, catchup=False, max_active_runs=1, tags=["tag-importer"])
def tag_importer_fleet() -> None:
    """Brings the tags of many accounts up to date."""
    run_group.expand(group=groups()) >> gather()


tag_importer_fleet()
