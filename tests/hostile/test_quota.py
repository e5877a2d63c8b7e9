"""The rate limit of a server that counts every call: nobody is locked out, and what is there is used."""

from __future__ import annotations

import asyncio
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.hostile.audit import Folder, problems
from tests.hostile.drive import run
from tests.hostile.faults import Hostility
from tests.hostile.lists import write_list
from tests.hostile.server import HostileServer


async def test_a_run_longer_than_the_quota_uses_all_of_it_and_never_goes_over(tmp_path: Path) -> None:
    """Under 40 calls in 1 s with no reserve, 120 rows meet no 429 and take hardly longer than the limit asks."""
    names = write_list(tmp_path / "actors.csv", 120)
    async with HostileServer(Hostility(quota=40, window=1.0, block=30.0, latency=0.005)) as server:
        ran = await run(server, tmp_path, "apply", "actors.csv", "--yes", "--out", "run", "--reserve", "0")
        assert ran.code == 0, ran.text
        assert server.limit.refused == []
        assert server.limit.most <= 40
        assert problems(tmp_path / "run", server.account, names, column="Name") == []
        assert Folder(tmp_path / "run").summary["timings"]["execute"] < 3.0 * 2  # a busy machine; alone it is 1.03


async def test_a_neighbour_on_the_same_token_is_left_room(tmp_path: Path) -> None:
    """With somebody else using half the quota and a block after each overrun, there is at most one 429 a window."""
    names = write_list(tmp_path / "actors.csv", 60)
    hostility = Hostility(seed=1, quota=40, window=1.0, block=1.0, neighbour=20.0, latency=0.01)
    async with HostileServer(hostility) as server:
        ran = await run(server, tmp_path, "apply", "actors.csv", "--yes", "--out", "run")
        assert ran.code == 0, ran.text
        assert all(later - earlier >= 1.0 for earlier, later in pairwise(server.limit.refused))
        assert problems(tmp_path / "run", server.account, names, column="Name") == []


async def test_a_neighbour_that_was_there_is_seen_in_the_headers(tmp_path: Path) -> None:
    """Beside somebody who uses a quarter nobody goes over the limit: the block of half a minute never comes."""
    names = write_list(tmp_path / "actors.csv", 130)
    hostility = Hostility(seed=1, quota=120, window=4.0, block=30.0, neighbour=7.5, latency=0.01)
    async with HostileServer(hostility) as server:
        ran = await run(server, tmp_path, "apply", "actors.csv", "--yes", "--out", "run")
        assert ran.code == 0, ran.text
        assert server.limit.refused == []
        assert server.limit.most <= 120
        assert problems(tmp_path / "run", server.account, names, column="Name") == []


async def test_a_block_longer_than_max_wait_stops_the_run_and_is_honoured_by_the_resume(tmp_path: Path) -> None:
    """A long Retry-After ends the run with 6 at once; a resume after it finishes, without a call in between."""
    names = write_list(tmp_path / "actors.csv", 40)
    async with HostileServer(Hostility(quota=20, window=3.0, block=3.0, headers="none")) as server:
        began = time.monotonic()
        ran = await run(
            server, tmp_path, "apply", "actors.csv", "--yes", "--out", "run", "--max-wait", "1", "--concurrency", "5"
        )
        assert ran.code == 6, ran.text
        assert re.search(r"Resume after \d\d:\d\d:\d\d UTC", ran.text), ran.text
        assert "attempt 2 when the limit allows" in ran.text
        assert "tag-importer resume run" in ran.text
        refused, calls = len(server.limit.refused), len(server.calls)
        assert problems(tmp_path / "run", server.account, names, column="Name") == []
        assert refused <= 5, "only those that were under way"
        await asyncio.sleep(max(0.0, server.limit.blocked_until - time.monotonic()))
        assert len(server.calls) == calls
        server.limit.quota = 0
        again = await run(server, tmp_path, "resume", "run")
        assert again.code == 0, again.text
        assert time.monotonic() - began >= 3.0
        assert problems(tmp_path / "run", server.account, names, column="Name") == []


@pytest.mark.parametrize("headers", ["none", "wrong"])
async def test_a_limit_that_is_not_announced_is_learned_from_its_refusals(headers: str, tmp_path: Path) -> None:
    """Without Ratelimit headers, or with ones that lie, a block is met once or twice and not at every window."""
    names = write_list(tmp_path / "actors.csv", 100)
    async with HostileServer(Hostility(quota=40, window=1.0, block=1.0, headers=headers, latency=0.01)) as server:
        ran = await run(server, tmp_path, "apply", "actors.csv", "--yes", "--out", "run", timeout=60)
        assert ran.code == 0, ran.text
        blocks = sum(later - earlier > 0.5 for earlier, later in pairwise([-1e9, *server.limit.refused]))
        assert blocks <= 2
        assert problems(tmp_path / "run", server.account, names, column="Name") == []
