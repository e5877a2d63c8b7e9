"""Answers that are lost, calls that are cut, reads that lag: one tag for each row all the same."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hostile.audit import Folder, problems
from tests.hostile.drive import Blow, run
from tests.hostile.faults import Hostility
from tests.hostile.lists import write_list
from tests.hostile.server import HostileServer

MIX = Hostility(lost=0.12, cut=0.06, error=0.06, lag=0.4)


@pytest.mark.parametrize(
    "hostility",
    [
        replace(MIX, seed=1),
        replace(MIX, seed=2, filters="ignored", search="ignored", page_limit=50, envelope="mixed"),
        replace(MIX, seed=3, filters="refused", garbage=0.04, shift=0.3, page_limit=50, unique=True),
    ],
    ids=["filters", "lists-only", "garbage-shifting-unique"],
)
async def test_a_server_that_loses_answers_ends_up_with_each_tag_once(hostility: Hostility, tmp_path: Path) -> None:
    """Whatever is lost, cut, broken or late, every row has exactly one tag and all totals agree."""
    names = write_list(tmp_path / "actors.csv", 60)
    async with HostileServer(hostility) as server:
        ran = await run(server, tmp_path, "apply", "actors.csv", "--yes", "--out", "run", "--grace", "0.9")
        assert ran.code == 0, ran.text
        assert len(server.account.ours()) == len(names)
        assert problems(tmp_path / "run", server.account, names, column="Name") == []
        assert Folder(tmp_path / "run").summary["adopted"] >= 4


async def test_a_request_that_the_server_was_still_working_on_when_the_run_died_is_not_sent_again(
    tmp_path: Path,
) -> None:
    """The grace time of a killed run's open call counts from when the call may have ended, not from when it began."""
    # The three creates are carried out 4.7 to 5.9 s after they came and show 0.7 s later: after the grace time of 6 s
    # has passed since they began, but well before it has passed since the run was killed.
    names = write_list(tmp_path / "actors.csv", 3)
    async with HostileServer(Hostility(lag=0.7)) as server:
        server.turn(lambda: len(server.calls) >= 1, Hostility(seed=73, latency=8.0, lag=0.7))  # the first is a list
        first = await run(
            server, tmp_path, "apply", "actors.csv", "--yes", "--out", "run", "--grace", "6",
            blow=Blow(signal.SIGKILL, 1.5, lambda: len(server.calls) >= 4),
        )  # fmt: skip
        assert first.killed
        assert not server.account.ours(), "the server is still at work"
        server.change(Hostility(lag=0.7))
        again = await run(server, tmp_path, "resume", "run", "--grace", "6")
        await server.quiet()
        assert again.code == 0, again.text
        assert server.account.repeated() == []
        assert problems(tmp_path / "run", server.account, names, column="Name") == []


async def test_nothing_is_sent_twice_while_the_server_may_still_show_it(tmp_path: Path) -> None:
    """With every answer lost, a row is posted once, found when it shows, and adopted."""
    names = write_list(tmp_path / "actors.csv", 12)
    async with HostileServer(Hostility()) as server:
        server.turn(lambda: len(server.calls) >= 1, Hostility(lost=1.0, lag=1.0))  # the first call is a list
        server.turn(lambda: len(server.account.commits) >= len(names), Hostility(lag=1.0))
        ran = await run(server, tmp_path, "apply", "actors.csv", "--yes", "--out", "run", "--grace", "2")
        assert ran.code == 0, ran.text
        assert len(server.account.commits) == len(names)
        assert problems(tmp_path / "run", server.account, names, column="Name") == []
