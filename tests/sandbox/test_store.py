"""The file behind the server: it persists, it is shared, and it survives being killed."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from importer.errors import UsageError
from importer.sandbox.server import Sandbox, serve
from importer.sandbox.settings import SandboxSettings
from importer.sandbox.store import Store
from tests.sandbox.callers import Caller, calling

_SERVE = """
import asyncio, sys
from importer.sandbox.server import serve
asyncio.run(serve(on_listening=lambda url: print(url, flush=True), database=sys.argv[1]))
"""


async def test_tags_persist_between_runs(tmp_path: Path) -> None:
    """What one run of the server has made, the next one finds, in the same order."""
    database = tmp_path / "new folder" / "sandbox.sqlite3"
    for number in range(3):
        async with calling(Sandbox(database=database)) as caller:
            await caller.create(f"Run {number}")
            assert await caller.names() == [f"Run {one}" for one in range(number + 1)]


async def test_two_servers_share_a_file(tmp_path: Path) -> None:
    """Two servers on one file see each other's tags at once, and no write is lost."""
    database = tmp_path / "sandbox.sqlite3"
    async with calling(Sandbox(database=database)) as one, calling(Sandbox(database=database)) as other:

        async def fill(caller: Caller, letter: str) -> None:
            for number in range(50):
                assert (await caller.create(f"{letter}{number}"))[0] == 200

        await asyncio.gather(fill(one, "a"), fill(other, "b"))
        assert await one.names(pageSize="200") == await other.names(pageSize="200")
        assert one.sandbox.stats()["tags"] == 100


async def test_killed_server_keeps_what_it_answered(tmp_path: Path) -> None:
    """After kill -9 every tag whose create was answered is in the file."""
    database = tmp_path / "sandbox.sqlite3"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVE, str(database), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with calling(Sandbox(SandboxSettings(quota=0))) as here:
        events = f"{url}/accounts/{here.sandbox.settings.account_id}/cloudforce-one/events/tags/create"
        headers = {"Authorization": f"Bearer {here.sandbox.settings.token}"}
        for number in range(20):
            async with here.session.post(events, json={"value": f"T{number}"}, headers=headers) as answer:
                assert answer.status == 200
    process.kill()
    await process.wait()
    async with calling(Sandbox(database=database)) as again:
        assert await again.names() == [f"T{number}" for number in range(20)]


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
async def test_the_server_stops_on_a_signal(tmp_path: Path, name: signal.Signals) -> None:
    """`serve` gives its URL once it listens, and a signal ends it in order, with nothing printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVE, str(tmp_path / "db"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"http://127.0.0.1:")
    process.send_signal(name)
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")


async def test_serve_ends_with_its_event() -> None:
    """In another program's loop the server can be ended without a signal."""
    stop, urls = asyncio.Event(), list[str]()

    def listening(url: str) -> None:
        urls.append(url)
        stop.set()

    await asyncio.wait_for(serve(on_listening=listening, stop=stop), 5)
    assert urls[0].endswith("/client/v4")


async def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """A taken port, a file that is not a database, another program's database: one sentence each, nothing changed."""
    async with Sandbox() as running:
        port = int(running.base_url.split(":")[2].split("/")[0])
        for unusable in (port, 70_000, -1):
            with pytest.raises(UsageError, match=str(unusable)):
                await Sandbox(port=unusable).__aenter__()
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to be looked at" * 10)
    foreign = tmp_path / "foreign.sqlite3"
    with sqlite3.connect(foreign) as other:
        other.execute("CREATE TABLE people (name TEXT)")
    other.close()
    for path in (text, foreign, tmp_path):
        with pytest.raises(UsageError, match=r"cannot be used as the sandbox's store"):
            Store(path, "account")
    assert text.read_text().startswith("not a database")


async def test_pages_are_complete() -> None:
    """Reading all pages of any size gives every tag once, and a page past the end is empty."""
    async with calling(Sandbox(SandboxSettings(quota=0, page_size_limit=40))) as caller:
        made = [f"T{number}" for number in range(95)]
        for name in made:
            await caller.create(name)
        for size in ("1000", "7"):
            seen: list[str] = []
            page, pages = 1, 1
            while page <= pages:
                _, body, _ = await caller.call("GET", "tags", params={"page": str(page), "pageSize": size})
                seen += [tag["value"] for tag in body["tags"]]
                pages, page = body["pagination"]["totalPages"], page + 1
            assert seen == made
        assert await caller.names(page="999") == []
        assert len(await caller.names()) == 40


async def test_statistics_over_the_wire() -> None:
    """GET /sandbox/stats needs no token, costs nothing and answers what `stats()` gives."""
    async with calling(Sandbox()) as caller:
        await caller.create("One")
        await caller.names()
        async with caller.session.get(caller.sandbox.stats_url) as answer:
            answered = await answer.json()
        assert answered == caller.sandbox.stats()
        assert answered["calls"] == {"create": 1, "list": 1}
        assert answered["max_calls_in_window"] == 2
