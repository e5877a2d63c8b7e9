"""The long campaigns, by hand: `python -m tests.hostile.campaign NAME ...`. Each prints a line a run and a verdict."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile.audit import Folder, difference, problems
from tests.hostile.drive import apply_until_done, run
from tests.hostile.faults import Hostility
from tests.hostile.lists import write_list
from tests.hostile.server import HostileServer

MISP = Path(__file__).parents[3] / "shared" / "catalogs" / "misp" / "threat-actor.json"


def misp_names() -> list[str]:
    return [item["value"] for item in json.loads(MISP.read_text("utf-8"))["values"]]


def hostility_of(args: argparse.Namespace, seed: int) -> Hostility:
    return Hostility(
        seed=seed, lost=args.lost, cut=args.cut, error=args.error, slow=args.slow, garbage=args.garbage, lag=args.lag,
        latency=args.latency, answer_latency=args.answer_latency, filters=args.filters, search=args.search,
        page_limit=args.page_limit, shift=args.shift, envelope=args.envelope, unique=args.unique, quota=args.quota,
        window=args.window, block=args.block, neighbour=args.neighbour, headers=args.headers,
    )  # fmt: skip


async def faulty(args: argparse.Namespace, base: Path) -> int:
    """A fresh account and a fault mix for each seed."""
    bad = 0
    for seed in range(args.first, args.first + args.runs):
        folder = base / f"faulty-{seed}"
        folder.mkdir()
        source, names, column = (MISP, misp_names(), "value")
        if args.rows:
            source, column = folder / "actors.csv", "Name"
            names = write_list(source, args.rows)
        async with HostileServer(hostility_of(args, seed)) as server:
            ran = await run(server, folder, "apply", source, "--yes", "--out", "run", *args.options, timeout=500)
            stops = 0
            while ran.code == 6 and stops < 5:
                stops += 1
                print("   stopped:", [line for line in ran.text.splitlines() if "top" in line][-2:])
                ran = await run(server, folder, "resume", "run", *args.options, timeout=500)
            await server.quiet()
            found = problems(folder / "run", server.account, names, column=column)
            tags = len(server.account.ours())
            if tags != len(names):
                found.append(f"{tags} tags, {len(names)} expected")
            if ran.code != 0:
                found.append(f"exit code {ran.code}")
            summary = Folder(folder / "run").summary
            print(
                f"seed {seed}: {tags} tags, {ran.seconds:.1f} s (execute {summary['timings'].get('execute')}), "
                f"{len(server.calls)} calls, adopted {summary['adopted']}, retries {summary['retries']}, "
                f"429s {len(server.limit.refused)}, most in a window {server.limit.most}, stops {stops}: "
                f"{found or 'good'}",
                flush=True,
            )
            bad += bool(found)
        if not found and not args.keep:
            shutil.rmtree(folder)
    return bad


async def kills(args: argparse.Namespace, base: Path) -> int:
    """SIGKILL at random moments, with resumes that are killed too."""
    source = base / "actors.csv"
    names = write_list(source, args.rows or 150)
    async with HostileServer() as server:
        calm = base / "calm"
        await run(server, base, "apply", source, "--yes", "--out", calm)
    bad, fell, processes = 0, dict.fromkeys(("start", "plan", "sending", "report", "late"), 0), 0
    for seed in range(args.first, args.first + args.runs):
        folder = base / f"kill-{seed}"
        folder.mkdir()
        dice = random.Random(f"kills {seed}")
        async with HostileServer(hostility_of(args, seed)) as server:
            runs, moments = await apply_until_done(
                server, folder, source, *args.options, dice=dice, kills=dice.choice((1, 1, 2, 3))
            )
            while runs[-1].code == 6:
                runs.append(await run(server, folder, "resume", "run", *args.options))
            await server.quiet()
            found = problems(folder / "run", server.account, names, column="Name")
            found += difference(calm, folder / "run")
            if len(server.account.ours()) != len(names) or runs[-1].code != 0:
                found.append(f"{len(server.account.ours())} tags, exit code {runs[-1].code}")
        for moment in moments.split(","):
            fell[moment] += 1
        processes += len(runs)
        print(f"seed {seed}: {moments} {sum(r.seconds for r in runs):.1f} s: {found or 'good'}", flush=True)
        bad += bool(found)
        if not found and not args.keep:
            shutil.rmtree(folder)
    print(f"kills fell: {fell}; {processes} processes")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=("faulty", "kills"))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--rows", type=int, default=0, help="made-up rows; 0 is MISP's list")
    parser.add_argument("--keep", action="store_true")
    for number in ("lost", "cut", "error", "slow", "garbage", "lag", "latency", "answer-latency", "shift", "neighbour",
                   "block"):  # fmt: skip
        parser.add_argument(f"--{number}", type=float, default=0.0)
    parser.add_argument("--window", type=float, default=5.0)
    parser.add_argument("--quota", type=int, default=0)
    parser.add_argument("--page-limit", type=int, default=1000)
    parser.add_argument("--filters", default="json")
    parser.add_argument("--search", default="works")
    parser.add_argument("--envelope", default="bare")
    parser.add_argument("--headers", default="right")
    parser.add_argument("--unique", action="store_true")
    args, options = parser.parse_known_args()
    args.options = [option for option in options if option != "--"]
    base = Path(tempfile.mkdtemp(prefix="hostile-"))
    began = time.monotonic()
    bad = asyncio.run({"faulty": faulty, "kills": kills}[args.name](args, base))
    print(f"{args.runs} runs, {bad} bad, {time.monotonic() - began:.0f} s; folders of bad runs in {base}")
    return min(1, bad)


if __name__ == "__main__":
    sys.exit(main())
