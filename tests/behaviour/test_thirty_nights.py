"""Thirty nights of a scheduled sync, good and bad ones, and what is there afterwards for a person to read."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cloudflare import Cloudflare

from importer.clock import SystemClock
from importer.sandbox.server import Sandbox
from importer.sandbox.settings import SandboxSettings, read_options
from tests.behaviour.inside import Here, rows, summaries
from tests.behaviour.program import Ran

JOB = """\
name: nightly
sources: lists/actors.csv
mode: upsert
category: Threat actors
create_category: true
limits: {updates: 20%, deletes: 10%, shrink: 20%}
marking: {managed_by: nightly, prune: true}
pacing: {max_wait: 3, grace: 1}
output: {runs: runs, metrics_file: nightly.prom, log_format: json}
"""
COUNTRIES = ("CN", "RU", "IR", "KP", "US", "VN")
NIGHTS = 30


class Hurried(SystemClock):
    """A clock that runs ten times as fast, for nights on which the program waits for a server that does not come."""

    def monotonic(self) -> float:
        return time.monotonic() * 10

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


class Server:
    """A sandbox on a socket of its own, in a thread: its manners change often, and a process takes long to start."""

    def __init__(self, database: Path, faults: Sequence[str], window: float) -> None:
        self.env: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._leave = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(database, faults, window), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
            self._thread.join(20)

    def _run(self, database: Path, faults: Sequence[str], window: float) -> None:
        self._loop.run_until_complete(self._serve(database, faults, window))
        self._loop.close()

    async def _serve(self, database: Path, faults: Sequence[str], window: float) -> None:
        settings = read_options(faults=faults, base=SandboxSettings(window=window, block=window))
        async with Sandbox(settings, database=database) as sandbox:
            self.env = {
                "CLOUDFLARE_BASE_URL": sandbox.base_url,
                "CLOUDFLARE_ACCOUNT_ID": settings.account_id,
                "CLOUDFLARE_API_TOKEN": settings.token,
            }
            self._ready.set()
            await self._leave.wait()


@dataclass
class World:
    """The team's list, the account, and the sandbox that serves it: another process whenever its manners change."""

    here: Here
    chance: random.Random
    wanted: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name -> country and description, as the list has them."""
    server: Server | None = None
    client: Cloudflare = field(default_factory=lambda: Cloudflare(api_token="sandbox-token"))
    made: int = 0

    def manners(self, *faults: str, window: float = 300.0) -> None:
        """From now on the account's server behaves like this; with `away` there is none."""
        if self.server is not None:
            self.server.stop()
        if faults != ("away",):
            self.server = Server(self.here.folder / "account.sqlite3", faults, window)
            self.client.base_url = self.server.env["CLOUDFLARE_BASE_URL"]

    @property
    def analyst(self) -> Any:
        """What an analyst works with: the official SDK."""
        return self.client.cloudforce_one.threat_events

    @property
    def account_id(self) -> str:
        assert self.server is not None
        return self.server.env["CLOUDFLARE_ACCOUNT_ID"]

    def new(self) -> None:
        self.made += 1
        self.wanted[f"Actor {self.made:03d}"] = (self.chance.choice(COUNTRIES), f"Seen {self.made} times")

    def day(self) -> None:
        """The team works on its list: some actors more, some changed, now and then one less."""
        for _ in range(self.chance.randint(1, 3)):
            self.new()
        for name in self.chance.sample(sorted(self.wanted), self.chance.randint(0, 4)):
            self.wanted[name] = (self.chance.choice(COUNTRIES), self.wanted[name][1] + "!")
        for name in self.chance.sample(sorted(self.wanted), self.chance.randint(0, 2)):
            del self.wanted[name]

    def publish(self, wanted: dict[str, tuple[str, str]] | None = None) -> None:
        lines = (f"{name},{country},{text}" for name, (country, text) in (wanted or self.wanted).items())
        rows(self.here.folder / "lists" / "actors.csv", "Name,Country,Description", *lines)

    def night(self, **env: str) -> Ran:
        """What cron runs."""
        assert self.server is not None
        return self.here("apply", "job.yaml", "--quiet", env={**self.server.env, **env})

    def account(self) -> dict[str, Any]:
        """What the account holds, read with the official SDK; it also asserts that no name is there twice."""
        tags = list(self.analyst.tags.list(account_id=self.account_id, page_size=1000).tags)
        assert len({tag.value for tag in tags}) == len(tags), "a name is there twice"
        return {tag.value: tag for tag in tags}

    def in_step(self) -> None:
        """The account is as the list says, and the analysts' own tag is as they left it."""
        tags = self.account()
        analyst = tags.pop("Analyst's own")
        assert (analyst.origin_country_iso, analyst.description) == ("FR", "Do not touch")
        found = {name: (tag.origin_country_iso, tag.description) for name, tag in tags.items()}
        assert found == self.wanted
        assert {tag.category_name for tag in tags.values()} == {"Threat actors"}


def test_thirty_nights(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right tags and the right exit code every night, no accident, and each night can be read in its folder."""
    world = World(here, random.Random(7))
    (here.folder / "job.yaml").write_text(JOB)
    world.manners()
    world.analyst.tags.create(
        account_id=world.account_id, value="Analyst's own", description="Do not touch", origin_country_iso="FR"
    )
    for _ in range(60):
        world.new()
    expected: list[tuple[int, str]] = []
    for night in range(1, NIGHTS + 1):
        world.day()
        world.publish()
        before = world.account()
        code, said, env, untouched = 0, "", {}, True
        if night == 6:  # the export of the list broke: a header, no rows
            world.publish({})
            rows(here.folder / "lists" / "actors.csv", "Name,Country,Description")
            code, said = 5, "no rows; last time it had"
        elif night == 8:  # not even a header
            (here.folder / "lists" / "actors.csv").write_text("")
            code, said = 3, "empty file"
        elif night == 9:  # the disk with the lists was not mounted
            (here.folder / "lists" / "actors.csv").unlink()
            code, said = 3, "does not exist"
        elif night == 11:  # the service is down
            world.manners("away")
            code, said = 6, "reading the account's tags failed"
        elif night == 13:  # it goes down in the middle of the run
            world.manners("faults: [{do: outage, first: 4}]")
            code, said, untouched = 6, "", False
        elif night == 15:  # blocked for a second: the run waits, and comes to its end
            world.manners("faults: [{do: rate-limit-block, first: 4, last: 4}]", window=1)
        elif night == 17:  # blocked for longer than the job may wait
            world.manners("faults: [{do: rate-limit-block, first: 3, last: 3, seconds: 30}]")
            code, said, untouched = 6, "limit", False
        elif night == 19:  # the token has expired
            code, said, env = 4, "refused", {"CLOUDFLARE_API_TOKEN": "expired-0123456789"}
        elif night == 20:  # a new one is revoked while the run goes on
            world.manners("faults: [{do: refuse-token, first: 5}]")
            code, said, untouched = 4, "", False
        elif night == 22:  # half of the list is gone
            kept = dict(sorted(world.wanted.items())[: len(world.wanted) // 2])
            world.publish(kept)
            code, said = 5, "fewer rows than last time"
        elif night == 24:  # somebody sorted one column of the sheet alone
            others = sorted((country for country, _ in world.wanted.values()), reverse=True)
            world.publish({n: (c, text) for (n, (_, text)), c in zip(world.wanted.items(), others, strict=True)})
            code, said = 5, "would change"
        elif night == 26:  # answers get lost on the way
            world.manners("{stale_reads: 0.3, faults: [{do: lose-after-commit, calls: create, chance: 50%}]}")
            time.sleep(0.35)  # what lags behind tonight must not be last night's: there is a day between them
        elif night == 28:  # an analyst edited one of the job's tags by hand: the list is what counts
            tag = next(tag for name, tag in before.items() if name in world.wanted)
            world.analyst.tags.edit(tag.uuid, account_id=world.account_id, description="Edited by hand")
            before = world.account()
        with monkeypatch.context() as patched:
            if night in (11, 13):
                patched.setattr("importer.cli.apply.SystemClock", Hurried)
            ran = world.night(**env)
        assert ran.code == code, f"night {night}: {ran.code}\n{ran.err}"
        expected.append((code, said))
        if night in (11, 13, 15, 17, 20, 26):
            world.manners()
        if code == 0:
            assert ran.err == "", f"night {night}: {ran.err}"
            world.in_step()
        else:
            assert all(json.loads(line)["run"] for line in ran.err.splitlines())
            assert (world.account() == before) or not untouched, f"night {night} changed something"
    world.in_step()

    nights = summaries(here.folder / "runs")
    assert len(nights) == NIGHTS
    for told, (code, said) in zip(nights, expected, strict=True):
        assert told["exit_code"] == code
        assert bool(told["stopped"]) == (code != 0)
        assert said in (told["stopped"] or "")
        if told.get("counts"):
            assert sum(told["counts"].values()) == told["rows"] + told["changes_without_row"]
        if code == 0:
            assert told["counts"]["failed"] == told["counts"]["unknown"] == 0
    listed = here.ok("runs", "--dir", "runs").out.splitlines()
    assert len(listed) == NIGHTS + 1
    for line, told in zip(listed[1:], nights, strict=True):
        assert told["run"] in line
        assert line.rpartition("  ")[2].strip(), "each line says what came of it"
    world.manners("away")
    metrics = (here.folder / "nightly.prom").read_text()
    assert 'tag_importer_last_run_exit_code{import="nightly"} 0.0' in metrics
