"""What one process of a token has used is there for the next, and never stands in its way for no reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from importer.clock import Clock
from importer.engine.shared_budget import SharedBudget
from importer.remote.pacer import Pacer, PacerSettings
from tests.remote.virtual_time import VirtualClock, run


@dataclass
class JumpingClock:
    """A clock whose wall clock can jump."""

    clock: VirtualClock
    jump: float = 0.0
    started: float = 0.0

    def monotonic(self) -> float:
        return self.clock.monotonic() - self.started

    def now(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.jump)

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def _used(folder: Path, clock: Clock, calls: int, *, settings: PacerSettings | None = None) -> None:
    pacer = Pacer(settings or PacerSettings(), clock)
    async with SharedBudget(folder, clock).kept(pacer):
        for _ in range(calls):
            pacer.answered(await pacer.acquire(), ("", ""))
            await clock.sleep(0.25)


def test_calls_are_handed_on_with_their_age(tmp_path: Path) -> None:
    """Each process's calls are found by another, as old as they are, until their window is over; then the file goes."""

    async def main(clock: VirtualClock) -> None:
        await _used(tmp_path, clock, 8)
        await _used(tmp_path, clock, 4)
        own = SharedBudget(tmp_path, clock)
        found = sorted(own.earlier())
        assert sum(count for _, count in found) == 12
        assert all(count <= 3 for _, count in found)
        assert 2.0 <= found[-1][0] <= 3.1
        await clock.sleep(299)
        assert sum(count for _, count in own.earlier()) < 12
        await clock.sleep(3)
        assert list(own.earlier()) == []
        assert _files(tmp_path) == []

    run(main)


def test_the_file_is_written_while_the_run_goes_on(tmp_path: Path) -> None:
    """A run that is killed has left what it used up to half a second before, calls under way included."""

    async def main(clock: VirtualClock) -> None:
        pacer = Pacer(PacerSettings(), clock)
        async with SharedBudget(tmp_path, clock).kept(pacer):
            pacer.answered(await pacer.acquire(), ("", ""))
            await pacer.acquire()
            await clock.sleep(0.6)
            assert sum(count for _, count in SharedBudget(tmp_path, clock).earlier()) == 2
            pacer.give_back()

    run(main)


def test_the_file_is_small_and_its_owners_alone(tmp_path: Path) -> None:
    """However many calls are made, and whatever the umask: mode 0600 in a folder of 0700, and a few kilobytes."""

    async def main(clock: VirtualClock) -> None:
        await _used(tmp_path / "new", clock, 5_000, settings=PacerSettings(100_000, 86_400))
        (path,) = _files(tmp_path / "new")
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert path.stat().st_size < 32_768
        assert sum(count for _, count in SharedBudget(path.parent, clock).earlier()) > 1_000

    run(main)


@pytest.mark.parametrize("jump", [-86_400.0, -30.0, 86_400.0])
def test_calls_count_as_long_however_the_clock_is_set(jump: float, tmp_path: Path) -> None:
    """A clock that jumps hides no call of before; after a new start of the machine, too, nobody waits for nothing."""

    async def main(virtual: VirtualClock) -> None:
        clock = JumpingClock(virtual)
        await virtual.sleep(1000)
        await _used(tmp_path, clock, 4)
        clock.jump = jump
        assert sum(count for age, count in SharedBudget(tmp_path, clock).earlier() if age <= 2) == 4
        clock.started = virtual.monotonic()
        assert list(SharedBudget(tmp_path, clock).earlier()) == []
        assert _files(tmp_path) == []

    run(main)


@pytest.mark.parametrize("content", [
    b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"at": 0, "window": 300, "calls": []}',
    json.dumps({"at": 1e300, "window": 300, "calls": [[1, 1]]}).encode(),
    json.dumps({"at": "now", "window": 300, "calls": [[1, 1]]}).encode(),
    json.dumps({"at": 1767225600, "window": 1e12, "calls": [[1, 1]]}).encode(),
    json.dumps({"at": 1767225600, "window": 300, "calls": [[-1, 1]]}).encode(),
    json.dumps({"at": 1767225600, "window": 300, "calls": [[1, -1]]}).encode(),
    json.dumps({"at": 1767225600, "window": 300, "calls": [[1, 1]] * 701}).encode(),
])  # fmt: skip
def test_a_file_that_makes_no_sense_is_void(content: bytes, tmp_path: Path) -> None:
    """Whatever stands in it, no run waits for it or breaks over it."""
    (tmp_path / "1-ab.json").write_bytes(content)

    async def main(clock: VirtualClock) -> None:
        assert list(SharedBudget(tmp_path, clock).earlier()) == []
        assert _files(tmp_path) == []

    run(main)


def test_a_file_that_makes_sense_counts(tmp_path: Path) -> None:
    """What the files above are spoiled from is believed."""
    used = {"at": 1767225600, "window": 300, "calls": [[1, 1]] * 700}
    (tmp_path / "1-ab.json").write_text(json.dumps(used))

    async def main(clock: VirtualClock) -> None:
        assert list(SharedBudget(tmp_path, clock).earlier()) == [(1.0, 1)] * 700

    run(main)


def test_a_folder_that_cannot_be_used_is_no_reason_to_stop(tmp_path: Path) -> None:
    """A read needs no state: where none can be kept it is made without."""

    async def main(clock: VirtualClock) -> None:
        (tmp_path / "file").write_text("")
        await _used(tmp_path / "file" / "budget", clock, 2)
        assert list(SharedBudget(tmp_path / "file" / "budget", clock).earlier()) == []

    run(main)
