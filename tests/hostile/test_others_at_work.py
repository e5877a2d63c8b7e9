"""Others work in the account meanwhile: nothing is made twice, no edit of a person is overwritten or deleted."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hostile.account import Held
from tests.hostile.audit import Folder, problems
from tests.hostile.drive import Blow, Ran, environment, run
from tests.hostile.faults import Hostility
from tests.hostile.limit import SlidingLimit
from tests.hostile.lists import write_list
from tests.hostile.server import HostileServer

ROWS = 60
CALM = Hostility()
SLOW = Hostility(latency=0.2)
BLIND = Hostility(filters="ignored", search="ignored", page_limit=10)
"""A server on which only the list, in small pages, tells anything."""
OPTIONS = ("--grace", "1", "--concurrency", "5")
UPSERT = ("--mode", "upsert", "--max-updates", "none")


async def apply(server: HostileServer, folder: Path, out: str, *more: str, blow: Blow | None = None) -> Ran:
    return await run(server, folder, "apply", "actors.csv", "--yes", "--out", out, *OPTIONS, *more, blow=blow)


async def stop_early(server: HostileServer, folder: Path, how: str, *more: str) -> None:
    """A first night that ends after a part of its rows: over the limit, or killed."""
    if how == "429":
        server.limit = SlidingLimit(21, 3600.0, 3600.0, "none")
        ran = await apply(server, folder, "one", "--max-wait", "5", *more)
        assert ran.code == 6, ran.text
        server.limit = SlidingLimit(0, 1.0, 0.0)
    else:
        server.change(SLOW)
        calls = len(server.calls)
        ran = await apply(
            server, folder, "one", *more, blow=Blow(signal.SIGKILL, 0.0, lambda: len(server.calls) > calls + 20)
        )
        assert ran.killed
    await server.quiet()


@pytest.mark.parametrize("how", ["429", "kill"])
@pytest.mark.parametrize("mood", [CALM, BLIND], ids=["filters", "lists-only"])
async def test_a_resume_makes_nothing_that_another_run_made_meanwhile(
    how: str, mood: Hostility, tmp_path: Path
) -> None:
    """Night 1 stops, night 2 makes the rest, then night 1 is resumed: every tag is there once, and that is told."""
    names = write_list(tmp_path / "actors.csv", ROWS)
    async with HostileServer(mood) as server:
        await stop_early(server, tmp_path, how)
        server.change(mood)
        made = len(server.account.ours())
        assert 0 < made < ROWS
        second = await apply(server, tmp_path, "two")
        assert second.code == 0, second.text
        calls, commits = len(server.calls), len(server.account.commits)
        resumed = await run(server, tmp_path, "resume", "one", *OPTIONS)
        assert resumed.code == 0, resumed.text
        assert len(server.account.commits) == commits, "nothing was left to send"
        assert server.account.repeated() == []
        assert len(server.calls) - calls <= 25, "not a call a row"
        counts = Folder(tmp_path / "one").summary["counts"]
        assert counts["created"] + counts["unchanged"] == ROWS
        assert counts["unchanged"] >= ROWS - made - 5
        told = [row for row in Folder(tmp_path / "one").rows if row["_code"] == "made-meanwhile"]
        uuids = {held.name: held.uuid for held in server.account.ours()}
        assert [row["_uuid"] for row in told] == [uuids[row["Name"]] for row in told]
        assert len(names) == len(uuids)


async def test_a_resume_leaves_a_tag_of_the_name_that_is_another_alone(tmp_path: Path) -> None:
    """A tag that somebody made meanwhile with other contents is a conflict with its uuid and fields."""
    write_list(tmp_path / "actors.csv", ROWS)
    async with HostileServer(CALM) as server:
        await stop_early(server, tmp_path, "429", *UPSERT)
        last = server.account.create({"value": f"Actor {ROWS - 1:05d}", "description": "by an analyst"}, foreign=True)
        ran = await run(server, tmp_path, "resume", "one", *OPTIONS)
        assert ran.code == 1, ran.text
        row = Folder(tmp_path / "one").rows[-1]
        assert (row["_status"], row["_code"], row["_uuid"]) == ("conflict", "exists", last.uuid)
        assert "description" in row["_message"]
        assert last.body["description"] == "by an analyst"
        assert sum(held.name == last.name for held in server.account.tags.values()) == 1


@pytest.mark.parametrize("how", ["429", "kill"])
@pytest.mark.parametrize("mood", [CALM, BLIND], ids=["filters", "lists-only"])
async def test_a_resumed_upsert_writes_over_no_newer_edit(how: str, mood: Hostility, tmp_path: Path) -> None:
    """An analyst's edit of a field that the plan would change stays, with was and is; one of another field is kept."""
    write_list(tmp_path / "actors.csv", ROWS)
    source = tmp_path / "actors.csv"
    async with HostileServer(mood) as server:
        assert (await apply(server, tmp_path, "zero")).code == 0
        source.write_text(source.read_text().replace("made up for", "seen again as"))
        await stop_early(server, tmp_path, how, *UPSERT)
        server.change(mood)
        left = [held for held in server.account.ours() if "made up for" in held.body["description"]]
        edited, beside, done, gone = left[-1], left[-2], left[-3], left[-4]
        server.account.update(edited.uuid, {"description": "an analyst knows better"})
        server.account.update(beside.uuid, {"motive": "Fun"})
        server.account.update(
            done.uuid, {"description": done.body["description"].replace("made up for", "seen again as")}
        )
        server.account.delete(gone.uuid)
        version = done.version
        ran = await run(server, tmp_path, "resume", "one", *OPTIONS)
        assert ran.code == 1, ran.text
        rows = {row["Name"]: row for row in Folder(tmp_path / "one").rows}
        assert edited.body["description"] == "an analyst knows better"
        assert rows[edited.name]["_code"] == "changed-since"
        assert "an analyst knows better" in rows[edited.name]["_message"]
        assert "made up for" in rows[edited.name]["_message"]
        assert (beside.body["description"], beside.body["motive"]) == (f"seen again as {beside.name}", "Fun")
        assert (rows[done.name]["_status"], done.version) == ("unchanged", version)
        assert (rows[gone.name]["_status"], rows[gone.name]["_code"]) == ("conflict", "gone")
        assert Folder(tmp_path / "one").summary["counts"]["conflict"] == 2


async def ask(server: HostileServer, folder: Path, *args: str, meanwhile: Callable[[], None]) -> int:
    """A command with a person at its terminal, who says yes after something has happened."""
    keys, terminal = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "importer", *args, cwd=folder, env=environment(folder, {**server.env, "TERM": "dumb"}),
        stdin=terminal, stdout=asyncio.subprocess.DEVNULL, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    seen = b""
    while b"[y/N] " not in seen:
        seen += await asyncio.to_thread(os.read, keys, 4096)
    meanwhile()
    os.write(keys, b"y\n")

    def rest() -> None:
        try:
            while os.read(keys, 4096):
                pass
        except OSError:
            os.close(keys)

    await asyncio.to_thread(rest)
    return await process.wait()


@pytest.mark.parametrize("saved", [True, False], ids=["saved plan", "fresh"])
async def test_what_happens_while_the_question_is_on_the_screen_counts(saved: bool, tmp_path: Path) -> None:
    """A plan that fitted when it was shown is compared again after the answer, row by row."""
    write_list(tmp_path / "actors.csv", 4)
    source = tmp_path / "actors.csv"
    text = source.read_text()
    async with HostileServer(CALM) as server:
        source.write_text("".join(text.splitlines(keepends=True)[:3]))
        assert (await apply(server, tmp_path, "zero")).code == 0
        first, second = server.account.ours()
        source.write_text(text.replace("made up for", "seen again as"))
        await run(server, tmp_path, "plan", "actors.csv", "--out", "run", *UPSERT)
        made: list[Held] = []

        def meanwhile() -> None:
            server.account.update(first.uuid, {"description": "an analyst knows better"})
            made.append(server.account.create({"value": "ACTOR 00003"}, foreign=True))

        command = ("run/plan.json", *OPTIONS) if saved else ("actors.csv", "--out", "run", *UPSERT, *OPTIONS)
        if not saved:
            (tmp_path / "run" / "plan.json").unlink()
        code = await ask(server, tmp_path, "apply", *command, meanwhile=meanwhile)
        assert code == 1
        rows = Folder(tmp_path / "run").rows
        assert [row["_status"] for row in rows] == ["conflict", "updated", "created", "conflict"]
        assert (rows[0]["_code"], rows[3]["_code"], rows[3]["_uuid"]) == ("changed-since", "exists", made[0].uuid)
        assert first.body["description"] == "an analyst knows better"
        assert second.body["description"] == "seen again as Actor 00001"


CHANGES: dict[str, Callable[[HostileServer, Held], object]] = {
    "edited": lambda server, held: server.account.update(held.uuid, {"description": "an analyst knows better"}),
    "renamed": lambda server, held: held.body.update(value="Another Name"),
    "only its version": lambda server, held: setattr(held, "version", held.version + 1),
    "only its time": lambda server, held: setattr(held, "updated", "2031-01-01T00:00:00Z"),
    "taken over": lambda server, held: server.account.update(held.uuid, {"properties": {"managed_by": "x"}}),
}


@pytest.mark.parametrize("late", [False, True], ids=["before", "between the reading and the delete"])
@pytest.mark.parametrize("change", CHANGES)
async def test_an_undo_deletes_nothing_that_was_changed_since(change: str, late: bool, tmp_path: Path) -> None:
    """Version, time, name, content or mark: each alone keeps a tag, also when it changes after the undo has read it."""
    write_list(tmp_path / "actors.csv", 6)
    async with HostileServer(CALM) as server:
        assert (await apply(server, tmp_path, "run")).code == 0
        held = server.account.ours()[2]
        calls = len(server.calls)
        if late:
            server.other(lambda: len(server.calls) == calls + 1, lambda: CHANGES[change](server, held))
        else:
            CHANGES[change](server, held)
        undone = await run(server, tmp_path, "undo", "run", "--yes", "--out", "undo", *OPTIONS)
        assert undone.code == 1, undone.text
        assert server.account.ours() == [held]
        counts = Folder(tmp_path / "undo").summary["counts"]
        assert (counts["deleted"], counts["conflict"]) == (5, 1)
        assert "changed since" in undone.text


@pytest.mark.parametrize("mood", [CALM, BLIND], ids=["filters", "lists-only"])
@pytest.mark.parametrize("change", CHANGES)
async def test_a_prune_deletes_nothing_that_was_changed_since_it_was_planned(
    change: str, mood: Hostility, tmp_path: Path
) -> None:
    """A tag that was edited, renamed or taken over after the list was read stays, and the row says so."""
    write_list(tmp_path / "actors.csv", 12)
    marked = ("--managed-by", "nightly", *UPSERT)
    source = tmp_path / "actors.csv"
    async with HostileServer(CALM) as server:
        assert (await apply(server, tmp_path, "one", *marked)).code == 0
        text = source.read_text().splitlines(keepends=True)
        source.write_text("".join(text[:-3]))
        held = server.account.ours()[-1]
        server.change(mood)
        calls = len(server.calls)
        pages = 1 if mood is CALM else 2
        server.other(lambda: len(server.calls) == calls + pages, lambda: CHANGES[change](server, held))
        ran = await apply(server, tmp_path, "two", *marked, "--prune", "--max-deletes", "none")
        assert ran.code == 1, ran.text
        assert [left.name for left in server.account.ours()[9:]] == [held.name]
        counts = Folder(tmp_path / "two").summary["counts"]
        assert (counts["deleted"], counts["conflict"]) == (2, 1)


@pytest.mark.parametrize(
    "mood", [SLOW, replace(SLOW, lag=0.7), replace(BLIND, latency=0.1)], ids=["plain", "reads lag", "lists-only"]
)
async def test_two_state_folders_at_once_find_what_both_made(mood: Hostility, tmp_path: Path) -> None:
    """No lock reaches another machine: each name that was made twice is told by a run that made it, with both uuids."""
    async with HostileServer(mood) as server:
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            folder.mkdir()
            write_list(folder / "actors.csv", ROWS)
        # Nothing is written until both have planned.
        server.hold = lambda: sum((call.method, call.status) == ("GET", 200) for call in server.calls) < 2
        ran = await asyncio.gather(*(apply(server, folder, "run") for folder in folders))
        twice = server.account.repeated()
        assert len(twice) == ROWS
        assert 1 in {one.code for one in ran}
        told: dict[str, str] = {}
        for folder, one in zip(folders, ran, strict=True):
            rows = [row for row in Folder(folder / "run").rows if row["_code"] == "duplicates"]
            assert one.code == (1 if rows else 0), one.text
            assert len(rows) == Folder(folder / "run").summary["counts"]["conflict"]
            assert problems(folder / "run", server.account, [f"Actor {n:05d}" for n in range(ROWS)], column="Name") == [
                f"{len(twice)} duplicates on the server: {twice[:5]}"
            ]
            told |= {row["Name"].casefold(): row["_message"] for row in rows}
        assert sorted(told) == twice
        for held in server.account.ours():
            if held.name.casefold() in told:
                assert held.uuid in told[held.name.casefold()]


async def test_a_run_that_stops_early_tells_the_doubles_that_it_has_made_so_far(tmp_path: Path) -> None:
    """What was made before Ctrl-C is listed as well."""
    write_list(tmp_path / "actors.csv", ROWS)
    async with HostileServer(SLOW) as server:
        server.other(
            lambda: len(server.account.ours()) >= 10,
            lambda: server.account.create({"value": "Actor 00000"}, foreign=True),
        )
        ran = await apply(server, tmp_path, "run", blow=Blow(signal.SIGINT, 0.1, lambda: len(server.calls) > 20))
        assert ran.code == 6, ran.text
        row = Folder(tmp_path / "run").rows[0]
        assert (row["_status"], row["_code"]) == ("conflict", "duplicates")
        assert all(held.uuid in row["_message"] for held in server.account.tags.values() if held.name == "Actor 00000")
        again = await run(server, tmp_path, "resume", "run", *OPTIONS)
        assert again.code == 1, again.text


async def test_a_small_import_costs_two_lists_beside_its_creates(tmp_path: Path) -> None:
    """Nothing is looked up before a create that was just planned, the end is one list, an unchanged sync one more."""
    write_list(tmp_path / "actors.csv", ROWS)
    async with HostileServer(CALM) as server:
        assert (await apply(server, tmp_path, "one")).code == 0
        assert len(server.calls) == 1 + ROWS + 1
        assert (await apply(server, tmp_path, "two")).code == 0
        assert len(server.calls) == 1 + ROWS + 1 + 1
