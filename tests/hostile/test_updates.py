"""Updates under faults, kills and an undo: the account ends as the list says, and goes back to what it was."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.hostile.audit import Folder
from tests.hostile.drive import Blow, run
from tests.hostile.faults import Hostility
from tests.hostile.lists import write_list
from tests.hostile.server import HostileServer

MIX = Hostility(seed=4, lost=0.15, cut=0.05, error=0.1, latency=0.2)
OPTIONS = ("--grace", "1", "--concurrency", "4")


async def test_updates_that_are_lost_and_killed_arrive_once_and_can_be_taken_back(tmp_path: Path) -> None:
    """Updates with lost answers, a kill and a resume leave as many new texts; undo brings the old ones back."""
    names = write_list(tmp_path / "actors.csv", 24)
    async with HostileServer(Hostility()) as server:
        assert (await run(server, tmp_path, "apply", "actors.csv", "--yes", "--out", "one", *OPTIONS)).code == 0
        before = {held.uuid: dict(held.body) for held in server.account.ours()}
        source = tmp_path / "actors.csv"
        source.write_text(source.read_text("utf-8").replace("made up for", "seen again as"), "utf-8")
        server.change(MIX)
        calls = len(server.calls)
        killed = await run(
            server, tmp_path, "apply", "actors.csv", "--yes", "--out", "two", "--mode", "upsert", "--max-updates",
            "none", *OPTIONS, blow=Blow(signal.SIGKILL, 0.05, lambda: len(server.calls) > calls + 12),
        )  # fmt: skip
        assert killed.killed
        ran = await run(server, tmp_path, "resume", "two", *OPTIONS)
        assert ran.code == 0, ran.text
        assert Folder(tmp_path / "two").summary["counts"]["updated"] == len(names)
        texts = [str(value) for held in server.account.ours() for value in held.body.values()]
        assert sum("seen again as" in text for text in texts) == len(names)
        assert not any("made up for" in text for text in texts)
        undone = await run(server, tmp_path, "undo", "two", "--yes", "--out", "undo", *OPTIONS)
        assert undone.code == 0, undone.text
        await server.quiet()
        assert {held.uuid: held.body for held in server.account.ours()} == before
