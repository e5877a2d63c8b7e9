"""Where programs run: closed, full and vanished streams, signals at any moment, no home, a clock that jumps."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from importer.clock import SystemClock
from tests.behaviour.inside import Here, last, rows
from tests.behaviour.program import Ran, environment

PROGRAM = f"'{sys.executable}' -m importer"
NOISE = ("Traceback", "Exception ignored", "BrokenPipe", "lost sys.std")


def shell(folder: Path, line: str) -> Ran:
    """A line of bash in which TAG is the program; what Python says in its own name fails the test."""
    done = subprocess.run(
        ["bash", "-c", line.replace("TAG", PROGRAM)], cwd=folder, env=environment(folder), text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert not any(noise in done.stderr + done.stdout for noise in NOISE), done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "streams", [">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1", "1</dev/null"]
)
def test_a_run_without_working_streams_does_all_its_work(streams: str, tmp_path: Path) -> None:
    """`apply` makes its tags, exits as the rows ended, and no print gets into a file that it has open."""
    rows(tmp_path / "a.csv", "name,country", "Red Fox,France", "Blue Owl,France", ",France")
    assert shell(tmp_path, f"TAG apply a.csv --sandbox --yes --out run {streams}").code == 1
    journal = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_bytes().splitlines()]
    assert [line["event"] for line in journal][-1] == "end"
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["counts"]["created"] == 2


@pytest.mark.parametrize("command", ["--help", "--version", "fields", "mapping list", "validate a.csv",
                                     "plan a.csv --sandbox --detailed-exitcode", "runs", "nonsense", "validate no.csv",
                                     "validate a.csv --format json"])  # fmt: skip
def test_no_command_ends_otherwise_because_nobody_gets_its_result(command: str, tmp_path: Path) -> None:
    """Result full, closed or read by somebody who went away: the exit code is that of the work, as with a reader."""
    rows(tmp_path / "a.csv", "name", "Red Fox")
    usual = shell(tmp_path, f"TAG {command}")
    assert usual.code in (0, 2, 3, 10)
    full = shell(tmp_path, f"TAG {command} >/dev/full")
    closed = shell(tmp_path, f"TAG {command} >&-")
    away = shell(tmp_path, f"TAG {command} | true; exit ${{PIPESTATUS[0]}}")
    assert {full.code, closed.code, away.code} == {usual.code}
    assert ("cannot be written (No space left" in full.err) == bool(usual.out), "what got lost is told"
    assert "cannot be written" not in closed.err + away.err, "and what nobody wants is not"


@pytest.mark.parametrize("command", ["validate no.csv", "--nonsense", "apply no.csv --log-format json"])
def test_an_error_never_gets_into_the_result(command: str, tmp_path: Path) -> None:
    """With standard error closed or full, its text is gone, not on standard output."""
    usual = shell(tmp_path, f"TAG {command}")
    assert usual.err
    for streams in ("2>&-", "2>/dev/full"):
        ran = shell(tmp_path, f"TAG {command} {streams}")
        assert (ran.code, ran.out, ran.err) == (usual.code, "", "")


def test_a_terminal_that_went_away(tmp_path: Path) -> None:
    """A run whose terminal is gone (writes fail with EIO) ends as its rows do."""
    rows(tmp_path / "a.csv", "name", "Red Fox")
    terminal, gone = pty.openpty()
    os.close(terminal)
    done = subprocess.run(
        [sys.executable, "-m", "importer", "apply", "a.csv", "--sandbox", "--yes"],
        cwd=tmp_path, env=environment(tmp_path), stdin=gone, stdout=gone, stderr=gone, timeout=60, check=False,
    )  # fmt: skip
    os.close(gone)
    assert done.returncode == 0
    assert last(tmp_path / "tag-importer-runs")["counts"]["created"] == 1


def reading(folder: Path, *args: str, ignored: bool = False) -> subprocess.Popen[bytes]:
    """The program in the middle of reading a long list from standard input."""

    def hangup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)

    process = subprocess.Popen(
        [sys.executable, "-m", "importer", *args], cwd=folder, env=environment(folder), preexec_fn=hangup,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"name\nRed Fox\n" + b"\n" * 200_000)  # more than a pipe holds: it is being read when this ends
    process.stdin.flush()
    while fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)) != bytes(4) or not _sleeps(process.pid):
        time.sleep(0.005)  # until all of it is read, and more is waited for
    return process


def _sleeps(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "S"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", [("validate", "-"), ("apply", "-", "--sandbox")])
def test_a_signal_before_the_run(number: signal.Signals, command: tuple[str, ...], tmp_path: Path) -> None:
    """While sources are read, whatever asks to end does so with exit code 6 and a sentence; nothing was attempted."""
    process = reading(tmp_path, *command)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 6
    assert b"interrupted" in said
    assert b"Traceback" not in said


def test_a_hangup_that_was_ignored_at_the_start_stays_so(tmp_path: Path) -> None:
    """Under nohup a run goes on when the terminal goes away."""
    process = reading(tmp_path, "validate", "-", ignored=True)
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert b"1 ready" in out


def test_the_second_signal_does_not_wait(tmp_path: Path) -> None:
    """A command that was asked to end and is stuck in telling of it leaves at once when it is asked again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/ping"
        process = reading(tmp_path, "apply", "-", "--sandbox", "--ping-url", url)
        process.send_signal(signal.SIGTERM)
        with server.accept()[0]:  # the heartbeat, which will never be answered
            process.send_signal(signal.SIGHUP)
            process.communicate(timeout=30)
    assert process.returncode == 6


@pytest.mark.parametrize("place", ["~nobody-of-this-name/state", "", "/dev/null/state"])
def test_no_place_for_the_state(place: str, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """No home, no entry in passwd, a place that can't be written: exit code 2 and the variable to set."""

    def no_entry(uid: int) -> None:
        raise KeyError(uid)

    rows(here.folder / "a.csv", "name", "Red Fox")
    monkeypatch.setattr("pwd.getpwuid", no_entry)
    monkeypatch.delenv("HOME", raising=False)
    env = {"TAG_IMPORTER_STATE_DIR": place, "XDG_STATE_HOME": "relative/is/ignored"}
    ran = here("apply", "a.csv", "--sandbox", "--yes", env=env)
    assert ran.code == 2
    assert "TAG_IMPORTER_STATE_DIR" in ran.err
    assert here("validate", "a.csv", env=env).code == 0
    assert here("plan", "a.csv", "--sandbox", env=env).code == 0
    assert here("apply", "a.csv", "--sandbox", "--yes", env={**env, "TAG_IMPORTER_STATE_DIR": "here"}).code == 0


@pytest.mark.parametrize("command", ["apply {} --sandbox --yes", "plan {} --sandbox", "resume x", "undo x --yes"])
def test_a_working_directory_that_was_deleted(command: str, tmp_path: Path) -> None:
    """Where relative names lead nowhere a command says so, with exit code 2; what needs none of them works."""
    rows(tmp_path / "a.csv", "name", "Red Fox")
    (tmp_path / "gone").mkdir()
    line = f"cd gone && rmdir ../gone && TAG {command.format(tmp_path / 'a.csv')}"
    assert shell(tmp_path, line).code == 2
    (tmp_path / "gone").mkdir()
    assert shell(tmp_path, f"cd gone && rmdir ../gone && TAG validate {tmp_path / 'a.csv'}").code == 0


def test_a_clock_that_jumps(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that is set while the run works changes no duration, in the summary, the metrics or a report."""
    moments = (datetime(2026, 11, 25, tzinfo=UTC) - timedelta(hours=number) for number in range(10_000))
    monkeypatch.setattr(SystemClock, "now", lambda self: next(moments))
    rows(here.folder / "a.csv", "name", "Red Fox")
    here.ok("apply", "a.csv", "--sandbox", "--out", "run", "--metrics-file", "m.prom")
    seconds = json.loads((here.folder / "run" / "summary.json").read_text())["seconds"]
    assert 0 < seconds < 60
    metrics = dict(line.rsplit(" ", 1) for line in (here.folder / "m.prom").read_text().splitlines())
    told = next(float(value) for name, value in metrics.items() if name.startswith("tag_importer_last_run_duration"))
    assert 0 < told < 60
    here.ok("report", "run")
    assert json.loads((here.folder / "run" / "summary.json").read_text())["seconds"] == seconds


def test_standard_input_that_is_closed(tmp_path: Path) -> None:
    """A list from a closed standard input is an empty list, and a command that could ask does not."""
    rows(tmp_path / "a.csv", "name", "Red Fox")
    assert shell(tmp_path, "TAG validate - <&-").code == 3
    assert shell(tmp_path, "TAG apply a.csv --sandbox <&-").code == 0
