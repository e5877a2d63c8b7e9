"""A scheduled job is watched by its exit code, its log, its metrics, its heartbeat, and the folder it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.inside import Here, last, rows, summaries
from tests.behaviour.program import Served, environment

TOKEN = "sandbox-token"
JOB = """\
name: nightly
account: ${TEAM}
sources: lists/a.csv
mode: upsert
output: {runs: runs, log_format: json, metrics_file: out/x.prom, ping_url: "${PING}"}
"""


@pytest.fixture
def pinged() -> Iterator[tuple[str, list[str]]]:
    """A heartbeat's URL, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ping-s3cr3t", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def job(here: Here, serve: Callable[..., Served], pinged: tuple[str, list[str]]) -> dict[str, str]:
    """A job file with everything that watches, and the environment it runs in."""
    served = serve()
    rows(here.folder / "lists" / "a.csv", "Name,Country", "Red Fox,CN", "Blue Owl,RU")
    (here.folder / "job.yaml").write_text(JOB)
    return {
        "TEAM": served.env["CLOUDFLARE_ACCOUNT_ID"],
        "CLOUDFLARE_API_TOKEN": TOKEN,
        "CLOUDFLARE_BASE_URL": served.env["CLOUDFLARE_BASE_URL"],
        "PING": pinged[0],
    }


def objects(text: str) -> list[dict[str, Any]]:
    """The lines of a JSON log; each must be an object."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, dict) for line in found)
    return found


def metric(here: Here, name: str, labels: str = "") -> float | None:
    for line in (here.folder / "out" / "x.prom").read_text().splitlines():
        if line.startswith(f'{name}{{import="nightly"{labels}}} '):
            return float(line.rpartition(" ")[2])
    return None


def test_a_quiet_night_says_nothing(here: Here, job: dict[str, str], pinged: tuple[str, list[str]]) -> None:
    """`apply job.yaml --quiet` prints nothing when all went well; folder, metrics and heartbeat tell the rest."""
    ran = here.ok("apply", "job.yaml", "--quiet", env=job)
    assert ran.out == ran.err == ""
    told = last(here.folder / "runs")
    assert (told["exit_code"], told["job"], told["counts"]["created"]) == (0, "nightly", 2)
    assert metric(here, "tag_importer_last_run_rows", ',status="created"') == 2
    assert pinged[1] == ["/ping-s3cr3t"]


def test_every_line_of_the_log_is_an_object_with_the_run_and_without_a_secret(here: Here, job: dict[str, str]) -> None:
    """Whatever a run says on standard error under --log-format json is JSON, has the run's id, and no secret."""
    (here.folder / "lists" / "a.csv").write_text(f"Name,Country\nRed Fox,CN\n{TOKEN},US\n,IR\n")
    for extra in ((), ("--quiet",)):
        ran = here("apply", "job.yaml", *extra, env=job)
        assert ran.code == 1
        lines = objects(ran.err)
        run = last(here.folder / "runs")["run"]
        assert lines
        assert {line["run"] for line in lines} == {run}
        assert all(line.keys() >= {"time", "level", "event", "message"} for line in lines)
        assert TOKEN not in ran.err
        assert "s3cr3t" not in ran.err
    assert lines[-1]["level"] == "error"
    assert lines[-1]["exit_code"] == 1


def broken_job(here: Here, env: dict[str, str]) -> None:
    (here.folder / "job.yaml").write_text(JOB.replace("mode: upsert", "mode: upsrt"))


def missing_list(here: Here, env: dict[str, str]) -> None:
    (here.folder / "lists" / "a.csv").unlink()


def refused_token(here: Here, env: dict[str, str]) -> None:
    env["CLOUDFLARE_API_TOKEN"] = "expired-token-0000"


def empty_list(here: Here, env: dict[str, str]) -> None:
    (here.folder / "lists" / "a.csv").write_text("Name,Country\n")


def no_server(here: Here, env: dict[str, str]) -> None:
    env["CLOUDFLARE_BASE_URL"] = "http://127.0.0.1:9/client/v4"


def no_account(here: Here, env: dict[str, str]) -> None:
    del env["TEAM"]


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        (broken_job, 2, "job.yaml has 1 problem"),
        (no_account, 2, "TEAM is not set"),
        (missing_list, 3, "a.csv does not exist"),
        (refused_token, 4, "refused"),
        (empty_list, 5, "no rows"),
        (no_server, 6, "reading the account's tags failed"),
    ],
)
def test_each_early_end_is_told_in_every_way(
    here: Here,
    job: dict[str, str],
    pinged: tuple[str, list[str]],
    what: Callable[[Here, dict[str, str]], None],
    code: int,
    said: str,
) -> None:
    """A night that ends before its first call has its exit code, a folder with the reason, metrics and a heartbeat."""
    here.ok("apply", "job.yaml", "--quiet", env=job)
    success = metric(here, "tag_importer_last_success_timestamp_seconds")
    what(here, job)
    ran = here("apply", "job.yaml", "--quiet", "--max-wait", "1", env=job)
    assert ran.code == code
    told = last(here.folder / "runs")
    assert told["exit_code"] == code
    assert said in told["stopped"]
    lines = objects(ran.err)
    assert said in lines[0]["message"]
    assert {line["run"] for line in lines} == {told["run"]}
    assert pinged[1] == ["/ping-s3cr3t", f"/ping-s3cr3t/{code}"]
    assert metric(here, "tag_importer_last_run_exit_code") == code
    assert metric(here, "tag_importer_last_success_timestamp_seconds") == success
    listed = here.ok("runs", "--dir", "runs").out
    assert told["run"] in listed
    assert f"exit {code}: " in listed


def test_a_heartbeat_that_cannot_be_sent_changes_nothing(here: Here, job: dict[str, str]) -> None:
    """The run ends as it did; a warning says that the heartbeat was not taken, without its URL's secret."""
    ran = here.ok("apply", "job.yaml", "--quiet", env={**job, "PING": "http://127.0.0.1:9/ping-s3cr3t"})
    (line,) = objects(ran.err)
    assert line["level"] == "warning"
    assert "s3cr3t" not in ran.err


def test_old_runs_are_tidied_failed_ones_too(here: Here, job: dict[str, str]) -> None:
    """`keep_runs` after every run, and `runs prune --keep N`, leave the newest and the last good one."""
    (here.folder / "job.yaml").write_text(JOB.replace("{runs: runs,", "{runs: runs, keep_runs: 4,"))
    for night in range(7):
        if night == 3:
            missing_list(here, job)
        assert here("apply", "job.yaml", "--quiet", env=job).code == (3 if night >= 3 else 0)
    kept = summaries(here.folder / "runs")
    assert [told["exit_code"] for told in kept] == [0, 3, 3, 3, 3], "the last good one is what a list is compared with"
    ran = here.ok("runs", "prune", "--keep", "1", "--dir", "runs")
    assert "deleted 3 of 5 runs" in ran.err
    assert [told["run"] for told in summaries(here.folder / "runs")] == [kept[0]["run"], kept[-1]["run"]]


def test_a_terminated_job_says_so(here: Here, serve: Callable[..., Served], tmp_path: Path) -> None:
    """SIGTERM while the account is read ends with exit code 6 and a folder; while rows are sent it is resumable."""
    served = serve("--latency", "300")
    rows(here.folder / "a.csv", "Name", *(f"Actor {number}" for number in range(10)))
    (here.folder / "job.yaml").write_text("sources: a.csv\noutput: {runs: runs}\npacing: {concurrency: 2}\n")
    for wait_for in ("held", "journal"):
        process = subprocess.Popen(
            [sys.executable, "-m", "importer", "apply", "job.yaml", "--quiet"],
            cwd=tmp_path, env=environment(tmp_path, served.env), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until = time.monotonic() + 20
        pattern = "state/locks/*.json" if wait_for == "held" else "runs/*/journal.jsonl"
        while not list(tmp_path.glob(pattern)) and time.monotonic() < until:
            time.sleep(0.01)
        if wait_for == "journal":
            time.sleep(0.4)
        os.kill(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 6, err
        assert "Traceback" not in err
        told = last(here.folder / "runs")
        assert told["exit_code"] == 6
        assert told["resumable"] == (wait_for == "journal")
    done = here.ok("resume", "runs/" + told["run"], env=served.env)
    assert "created" in done.out
    assert len(here.tags(env=served.env)) == 10
