"""The quota belongs to the token: processes that share one take turns, and each begins with what others have used."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from pathlib import Path

import pytest

from .many_tokens import QUOTA, Server, ended, many_tokens, start

TOKEN = "one-token-of-two-accounts"


async def _start(server: Server, folder: Path, account: str, *arguments: str) -> asyncio.subprocess.Process:
    return await start(server, folder, *arguments, CLOUDFLARE_ACCOUNT_ID=account, CLOUDFLARE_API_TOKEN=TOKEN)


async def _ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    done = await ended(process)
    return done.code, done.err


def _list(folder: Path, rows: int) -> None:
    (folder / "actors.csv").write_text("name\n" + "".join(f"Actor {number}\n" for number in range(rows)))


APPLY = ("apply", "actors.csv", "--yes", "--quiet")


@pytest.mark.parametrize("headers", ["none", "right"])
async def test_two_accounts_of_one_token_take_turns(headers: str, tmp_path: Path) -> None:
    """Two runs at once with --wait, and a plan beside them, each do their work without a single 429."""
    _list(tmp_path, 50)
    async with many_tokens(headers) as server:
        runs = [await _start(server, tmp_path, account, *APPLY, "--wait", "60") for account in ("one", "two")]
        while not server.made.get("one") and not server.made.get("two"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        plan = await _start(server, tmp_path, "three", "plan", "actors.csv")
        assert [code for code, _ in await asyncio.gather(*map(_ended, [*runs, plan]))] == [0, 0, 0]
        assert [len(server.made[account]) for account in ("one", "two")] == [50, 50]
        assert (server.refused, server.most <= QUOTA) == ([], True)


async def test_the_second_is_told_that_the_token_is_in_use(tmp_path: Path) -> None:
    """Without --wait the other account's run ends with 7 and says why; nothing on the disk holds the token."""
    _list(tmp_path, 3_000)
    async with many_tokens("right") as server:
        first = await _start(server, tmp_path, "one", *APPLY)
        while len(server.made.get("one", ())) < 20:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        code, told = await _ended(await _start(server, tmp_path, "two", *APPLY))
        same, told_same = await _ended(await _start(server, tmp_path, "one", *APPLY))
        first.send_signal(signal.SIGTERM)
        assert (await _ended(first))[0] == 6
    assert (code, "another run holds the lock for this token: process " in told) == (7, True)
    assert (same, "another run holds the lock for this account: process " in told_same) == (7, True)
    assert "two" not in server.made
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert any(path.parent.parent.name == "budgets" for path in files)
    assert not any(TOKEN.encode() in str(path).encode() + path.read_bytes() for path in files)


@pytest.mark.parametrize("ends", ["ends", "killed"])
@pytest.mark.parametrize("headers", ["none", "right"])
async def test_what_a_run_has_used_is_handed_on(headers: str, ends: str, tmp_path: Path) -> None:
    """The next run of the token goes on under the same limit, after a run that came to its end and after kill -9."""
    _list(tmp_path, 45)
    async with many_tokens(headers) as server:
        first = await _start(server, tmp_path, "one", *APPLY)
        if ends == "killed":
            while len(server.made.get("one", ())) < 40:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.005)
            for _ in range(100):  # the file is written a moment after the calls
                with contextlib.suppress(StopIteration, ValueError):
                    path = next((tmp_path / "state").glob("budgets/*/*.json"))
                    if sum(calls for _, calls in json.loads(path.read_text())["calls"]) >= 40:
                        break
                await asyncio.sleep(0.01)
            first.kill()
            await _ended(first)
        else:
            assert (await _ended(first))[0] == 0
        assert (await _ended(await _start(server, tmp_path, "two", *APPLY)))[0] == 0
        assert len(server.made["two"]) == 45
        assert (server.refused, server.most <= QUOTA) == ([], True)
