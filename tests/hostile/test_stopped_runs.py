"""Runs that are stopped: by a person, by the system, by the server; each ends with the right code and can go on."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
from pathlib import Path

import pytest

from tests.hostile.audit import Folder, problems
from tests.hostile.drive import Blow, Ran, run
from tests.hostile.faults import Hostility
from tests.hostile.lists import write_list
from tests.hostile.server import HostileServer

ROWS = 40
CALM = Hostility()
SLOW = Hostility(latency=0.25)
OPTIONS = ("--grace", "1", "--concurrency", "5")


async def apply(server: HostileServer, folder: Path, *more: str, blow: Blow | None = None) -> tuple[list[str], Ran]:
    names = write_list(folder / "actors.csv", ROWS)
    ran = await run(server, folder, "apply", "actors.csv", "--yes", "--out", "run", *OPTIONS, *more, blow=blow)
    return names, ran


async def finish(server: HostileServer, folder: Path, names: list[str], out: str = "run") -> None:
    """Resume on a server that works, and find everything as an undisturbed run leaves it."""
    await server.quiet()
    server.change(CALM)
    sha256 = json.loads((folder / out / "plan.json").read_text())["sha256"]
    ran = await run(server, folder, "resume", out, "--trust-plan", sha256, *OPTIONS)
    assert ran.code == 0, ran.text
    assert problems(folder / out, server.account, names, column="Name") == []
    assert len(server.account.ours()) == len(names)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_one_signal_ends_a_run_with_reports_that_add_up(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C or SIGTERM: requests under way finish, reports are written, exit 6, and the resume command is printed."""
    async with HostileServer(SLOW) as server:
        names, ran = await apply(server, tmp_path, blow=Blow(number, 0.1, lambda: len(server.calls) > 12))
        assert ran.code == 6, ran.text
        assert "tag-importer resume run" in ran.text
        assert problems(tmp_path / "run", server.account, names, column="Name") == []
        counts = Folder(tmp_path / "run").summary["counts"]
        assert 0 < counts["created"] < ROWS
        assert counts["unknown"] == 0, "requests under way were given no time"
        await finish(server, tmp_path, names)


async def test_a_second_signal_leaves_at_once_and_the_run_can_be_resumed(tmp_path: Path) -> None:
    """Ctrl-C twice does not wait for answers; the journal is whole."""
    async with HostileServer(CALM) as server:
        server.turn(lambda: len(server.calls) >= 12, Hostility(answer_latency=60.0))
        blow = Blow(signal.SIGINT, 0.2, lambda: len(server.calls) >= 12 + 5, again=0.5)
        names, ran = await apply(server, tmp_path, blow=blow)
        assert ran.code == 6, ran.text
        assert ran.seconds < 30
        assert "tag-importer resume run" in ran.text
        told = await run(server, tmp_path, "report", "run")
        assert told.code == 6
        assert Folder(tmp_path / "run").summary["counts"]["unknown"] == 5, "five requests were under way"
        server.change(CALM)
        await finish(server, tmp_path, names)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_while_the_account_is_read_changes_nothing_and_exits_6(
    number: signal.Signals, tmp_path: Path
) -> None:
    """A stop before anything was sent is a stop like any other: exit 6 and a sentence."""
    async with HostileServer(Hostility(latency=10.0)) as server:
        _, ran = await apply(server, tmp_path, blow=Blow(number, 0.2, lambda: bool(server.calls)))
        assert ran.code == 6, (ran.code, ran.text)
        assert "tag-importer:" in ran.err
        assert not server.account.ours()


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_revoked_half_way_stops_the_run_with_4(status: int, tmp_path: Path) -> None:
    """401 or 403 in the middle: no other row is tried, exit 4, and after a new token resume finishes the job."""
    async with HostileServer(Hostility(latency=0.05, revoke_after=30, revoke_status=status)) as server:
        names, ran = await apply(server, tmp_path)
        assert ran.code == 4, ran.text
        assert "resume run" in ran.text
        assert len(server.calls) <= 30 + (5 if status == 401 else 15)  # a 403 may be one row's: a few more are tried
        assert problems(tmp_path / "run", server.account, names, column="Name") == []
        await finish(server, tmp_path, names)


async def test_a_short_outage_is_waited_out(tmp_path: Path) -> None:
    """Two seconds of 503 cost time and nothing else: the run goes on by itself and ends well."""
    async with HostileServer(Hostility(outage_after=20, outage_seconds=2.0)) as server:
        names, ran = await apply(server, tmp_path)
        assert ran.code == 0, ran.text
        assert problems(tmp_path / "run", server.account, names, column="Name") == []
        assert len(server.account.ours()) == ROWS


@pytest.mark.skipif("HOSTILE_LONG" not in os.environ, reason="takes 40 s; set HOSTILE_LONG=1 to run it")
async def test_an_outage_opens_the_circuit_breaker(tmp_path: Path) -> None:
    """A server that answers nothing but 503 is left alone after a few calls: exit 6, nothing lost."""
    async with HostileServer(Hostility(outage_after=20)) as server:
        names, ran = await apply(server, tmp_path)
        assert ran.code == 6, ran.text
        assert "in a row failed" in ran.text
        assert len(server.calls) < 20 + 60
        assert problems(tmp_path / "run", server.account, names, column="Name") == []
        await finish(server, tmp_path, names)


async def test_a_full_disk_stops_the_run_before_the_next_request(tmp_path: Path) -> None:
    """When the journal cannot grow, nothing more is sent: exit 6, and with room again resume finishes."""
    plain = tmp_path / "plain"
    plain.mkdir()
    async with HostileServer(CALM) as other:
        await apply(other, plain)
    room = (plain / "run" / "plan.json").stat().st_size + 500
    assert (plain / "run" / "journal.jsonl").stat().st_size > room
    async with HostileServer(Hostility(latency=0.02)) as server:
        names = write_list(tmp_path / "actors.csv", ROWS)
        ran = await run(
            server, tmp_path, "apply", "actors.csv", "--yes", "--out", "run", *OPTIONS,
            before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        )  # fmt: skip
        assert ran.code == 6, ran.text
        assert "journal.jsonl cannot be written" in ran.err
        assert "tag-importer resume run" in ran.text
        made = len(server.account.ours())
        assert 0 < made < ROWS
        await finish(server, tmp_path, names)


async def test_a_copied_folder_is_resumed_in_another_place(tmp_path: Path) -> None:
    """The run folder alone is enough: copied elsewhere, without the source, it is finished there, once it is named."""
    there = tmp_path / "elsewhere"
    there.mkdir()
    async with HostileServer(SLOW) as server:
        names, ran = await apply(server, tmp_path, blow=Blow(signal.SIGKILL, 0.1, lambda: len(server.calls) > 20))
        assert ran.killed
        shutil.copytree(tmp_path / "run", there / "copy")
        refused = await run(server, there, "resume", "copy", *OPTIONS)
        assert refused.code == 2
        assert "--trust-plan" in refused.err
        await finish(server, there, names, "copy")


async def test_resume_refuses_a_folder_whose_plan_or_source_was_changed(tmp_path: Path) -> None:
    """A changed plan or source is named, exit 2, and nothing is sent, wherever the command is given."""
    async with HostileServer(SLOW) as server:
        names, ran = await apply(server, tmp_path, blow=Blow(signal.SIGINT, 0.1, lambda: len(server.calls) > 12))
        assert ran.code == 6
        server.change(CALM)
        calls, plan, source = len(server.calls), tmp_path / "run" / "plan.json", tmp_path / "actors.csv"
        was, text = plan.read_bytes(), source.read_bytes()
        plan.write_bytes(was.replace(b"Actor 00039", b"Actor 99999"))
        refused = await run(server, tmp_path, "resume", "run")
        assert refused.code == 2, refused.text
        assert "plan" in refused.err
        plan.write_bytes(was)
        source.write_bytes(text + b"One more,US,new\n")
        refused = await run(server, tmp_path, "resume", "run")
        assert refused.code == 2, refused.text
        assert "actors.csv" in refused.err
        other = tmp_path / "other"
        other.mkdir()
        refused = await run(server, other, "resume", "../run")
        assert refused.code == 2, refused.text
        assert "actors.csv" in refused.err
        assert len(server.calls) == calls
        source.write_bytes(text)
        (other / "actors.csv").write_text("Name\nSomebody else\n")
        await finish(server, other, names, "../run")


async def test_undo_after_a_faulty_run_leaves_what_was_edited_since(tmp_path: Path) -> None:
    """Undo deletes each tag that the run made, adopted ones too, and keeps the one that somebody has edited."""
    async with HostileServer(Hostility(seed=5, lost=0.2, error=0.1, lag=0.3)) as server:
        _, ran = await apply(server, tmp_path)
        assert ran.code == 0, ran.text
        assert len(server.account.ours()) == ROWS
        server.account.lag = 0.0
        edited = next(held for held in server.account.ours() if held.name == "Actor 00007")
        server.account.update(edited.uuid, {"description": "looked at by a person"})
        undone = await run(server, tmp_path, "undo", "run", "--yes", "--out", "undo", *OPTIONS)
        assert undone.code == 1, undone.text
        assert [held.name for held in server.account.ours()] == ["Actor 00007"]
        counts = Folder(tmp_path / "undo").summary["counts"]
        assert (counts["deleted"], counts["conflict"]) == (ROWS - 1, 1)
        assert "Actor 00007" in undone.text


async def test_an_undo_that_was_stopped_is_finished_by_resume(tmp_path: Path) -> None:
    """While an undo is stopped half-way its run cannot be resumed; resuming the undo ends it, and the run is undone."""
    async with HostileServer(CALM) as server:
        _, ran = await apply(server, tmp_path)
        assert ran.code == 0, ran.text
        server.change(SLOW)
        calls = len(server.calls)
        blow = Blow(signal.SIGINT, 0.1, lambda: len(server.calls) > calls + 12)
        stopped = await run(server, tmp_path, "undo", "run", "--yes", "--out", "undo", *OPTIONS, blow=blow)
        assert stopped.code == 6, stopped.text
        assert 0 < len(server.account.ours()) < ROWS
        server.change(CALM)
        calls = len(server.calls)
        refused = await run(server, tmp_path, "resume", "run", *OPTIONS)
        assert refused.code == 2, refused.text
        assert f"tag-importer resume {tmp_path / 'undo'}" in refused.err
        assert len(server.calls) == calls
        finished = await run(server, tmp_path, "resume", "undo", *OPTIONS)
        assert finished.code == 0, finished.text
        assert not server.account.ours()
        refused = await run(server, tmp_path, "resume", "run", *OPTIONS)
        assert refused.code == 2, refused.text
        assert "was undone" in refused.err


async def test_an_undo_waits_until_every_row_is_settled(tmp_path: Path) -> None:
    """A run that was killed with calls under way is not undone before it was resumed, so that no tag is left behind."""
    async with HostileServer(SLOW) as server:
        names, ran = await apply(server, tmp_path, blow=Blow(signal.SIGKILL, 0.1, lambda: len(server.calls) > 20))
        assert ran.killed
        await server.quiet()
        calls = len(server.calls)
        refused = await run(server, tmp_path, "undo", "run", "--yes", "--out", "undo", *OPTIONS)
        assert refused.code == 2, refused.text
        assert "tag-importer resume run" in refused.err
        assert len(server.calls) == calls
        await finish(server, tmp_path, names)
        undone = await run(server, tmp_path, "undo", "run", "--yes", "--out", "undo", *OPTIONS)
        assert undone.code == 0, undone.text
        assert not server.account.ours()


async def test_a_run_that_was_stopped_cleanly_is_undone_as_it_is(tmp_path: Path) -> None:
    """Rows that were not attempted are no hindrance: what was made is taken back, without a resume."""
    async with HostileServer(SLOW) as server:
        _, ran = await apply(server, tmp_path, blow=Blow(signal.SIGINT, 0.1, lambda: len(server.calls) > 12))
        assert ran.code == 6, ran.text
        assert server.account.ours()
        server.change(CALM)
        undone = await run(server, tmp_path, "undo", "run", "--yes", "--out", "undo", *OPTIONS)
        assert undone.code == 0, undone.text
        assert not server.account.ours()


async def test_a_kill_while_reports_are_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """Half-written files of a process that was killed are gone after the resume, and the reports are the usual ones."""
    async with HostileServer(CALM) as server:
        names, ran = await apply(server, tmp_path)
        assert ran.code == 0
        usual = sorted(path.name for path in (tmp_path / "run").iterdir())
        for left in (".report.html.0a1b2c3d.part", ".plan.json.0a1b2c3d"):
            (tmp_path / "run" / left).write_text("half")
        (tmp_path / "run" / ".notes").write_text("a person's own")
        await finish(server, tmp_path, names)
        assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted([*usual, ".notes"])
