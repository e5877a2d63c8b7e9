"""What the importer costs, as ratios against what it competes with, all taken in one run on one machine.

    python tests/benchmarks/run.py                    everything, some minutes
    python tests/benchmarks/run.py apply help         some of it
    python tests/benchmarks/run.py --page FILE        write docs/performance.md: ratios, and growth to a million rows
    python tests/benchmarks/run.py --smoke            small and forgiving: does it still work, is nothing far off?

Exits 1 when a ratio misses its target (with --smoke: by a factor of three or more).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks import growth
from tests.benchmarks.bare_clients import TOKEN, body
from tests.benchmarks.measure import HERE, Ratio, fast_server, importer, in_turn, python, took
from tests.benchmarks.pages import pages
from tests.benchmarks.parts import PARTS
from tests.benchmarks.readers import reading
from tests.benchmarks.sandboxed import limited, unchanged


class Bench:
    """Sizes, and the folder for what is written."""

    def __init__(self, folder: Path, *, smoke: bool) -> None:
        self.folder = folder
        self.smoke = smoke
        self.runs = 1 if smoke else 5
        self.slack = 3.0 if smoke else 1.0
        self.number = 0

    def at_least(self, name: str, value: float, target: float, detail: str = "") -> Ratio:
        """A ratio that should be high."""
        return Ratio(name, value, f">= {target:g}", value * self.slack >= target, detail)

    def at_most(self, name: str, value: float, target: float, detail: str = "") -> Ratio:
        """A ratio that should be low."""
        return Ratio(name, value, f"<= {target:g}", value <= target * self.slack, detail)

    def actors(self, count: int) -> Path:
        """A CSV of the tags that the bare clients send."""
        path = self.folder / f"actors-{count}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Actor", "Aliases", "Country", "Motive", "Actor category", "Sophistication", "References",
                             "Description"])  # fmt: skip
            for number in range(count):
                tag = body(number)
                aliases, links = tag["aliasGroupNamesInternal"], tag["externalReferenceLinks"]
                assert isinstance(aliases, list) and isinstance(links, list)  # noqa: PT018
                words = [tag[name] for name in ("originCountryISO", "motive", "actorCategory", "sophisticationLevel")]
                writer.writerow([tag["value"], "; ".join(aliases), *words, links[0], tag["description"]])
        return path

    def apply(self, source: Path, base_url: str, *flags: str) -> dict[str, float]:
        """Phases of one apply without a limit in the way; `rate` is rows a second of the execution and its reports."""
        self.number += 1
        out = self.folder / f"run-{self.number}"
        env = {"CLOUDFLARE_BASE_URL": base_url, "CLOUDFLARE_ACCOUNT_ID": f"{self.number:032x}",
               "CLOUDFLARE_API_TOKEN": TOKEN, "TAG_IMPORTER_STATE_DIR": str(self.folder / "state")}  # fmt: skip
        whole = took(
            importer("apply", source, "--yes", "--quiet", "--out", out, "--quota", "1000000", "--window", "1",
                     "--reserve", "0", *flags), env
        )  # fmt: skip
        told = json.loads((out / "summary.json").read_text("utf-8"))
        assert told["counts"]["created"] == told["rows"], told["counts"]
        return {**told["timings"], "whole": whole.seconds, "rows": told["rows"]}


def bench_help(bench: Bench) -> Iterator[Ratio]:
    """`--help` against an interpreter that does nothing."""
    runs = 3 if bench.smoke else 15
    start = "import sys; from importer.cli.main import main; sys.exit(main(['--help']))"
    ours, nothing = in_turn(
        runs, lambda: took(python("-c", start)).seconds, lambda: took(python("-c", "pass")).seconds
    )  # fmt: skip
    yield bench.at_most("--help / python -c pass", ours / nothing, 3, f"{ours * 1000:.0f} ms")


def bench_apply(bench: Bench) -> Iterator[Ratio]:
    """`apply` with everything on, against a bare aiohttp pool with json= and against the official async SDK."""
    count, wide = (500, 32) if bench.smoke else (5_000, 32)
    source = bench.actors(count)
    with fast_server() as url:

        def bare(kind: str, number: int) -> float:
            return number / float(took(python(HERE / "bare_clients.py", kind, url, str(number), str(wide))).out)

        def ours(*flags: str) -> Callable[[], float]:
            def rate() -> float:
                phases = bench.apply(source, url, "--concurrency", str(wide), *flags)
                return phases["rows"] / phases["execute"]

            return rate

        loop, applied, sdk = in_turn(
            bench.runs, lambda: bare("bare", count), ours(), lambda: bare("sdk", min(count, 1_000))
        )
        yield bench.at_least(
            "apply / bare aiohttp pool", applied / loop, 0.9, f"{applied:,.0f}/s against {loop:,.0f}/s"
        )
        yield bench.at_least("apply / official async SDK", applied / sdk, 15, f"{sdk:,.0f}/s")
        none, always = in_turn(bench.runs, ours("--fsync", "none"), ours("--fsync", "always"))
        yield bench.at_most("apply, --fsync batch / none: time", none / applied, 1.2)
        yield bench.at_most("apply, --fsync always / none: time", none / always, 6)


def bench_latency(bench: Bench) -> Iterator[Ratio]:
    """1,000 creates of 50 ms, 50 at once: the ideal is one second, without the list at the end (one more call), without
    opening connections and without any work of a client's; the bare pool pays for the latter two as well."""
    count = 200 if bench.smoke else 1_000
    source = bench.actors(count)
    with fast_server(50) as url:
        bare = python(HERE / "bare_clients.py", "bare", url, str(count), "50")
        seconds, loop = in_turn(
            bench.runs, lambda: bench.apply(source, url, "--concurrency", "50")["execute"],
            lambda: float(took(bare).out),
        )  # fmt: skip
    ideal = count / 50 * 0.05
    yield bench.at_most("creates of 50 ms, 50 wide / ideal", seconds / ideal, 1.2, f"{seconds:.2f} s")
    yield bench.at_most("creates of 50 ms, 50 wide / bare aiohttp pool", seconds / loop, 1.1, f"{loop:.2f} s")


def bench_parts(bench: Bench) -> Iterator[Ratio]:
    """What pacing, retries and the journal each add to a call that works."""
    count, wide = (500, 32) if bench.smoke else (5_000, 32)
    with fast_server() as url:

        def seconds(part: str) -> Callable[[], float]:
            command = python(HERE / "parts.py", part, url, str(count), str(wide))
            return lambda: float(took(command).out)

        found = in_turn(bench.runs, *map(seconds, PARTS))
    for part, before, here in zip(PARTS[1:], found, found[1:], strict=False):
        told = f"{here / count * 1e6:.0f} us a call"
        yield bench.at_most(f"{part}: time with it / without", here / before, 1.25, told)


def bench_unchanged(bench: Bench) -> Iterator[Ratio]:
    """A sync of 10,000 tags of which none has changed."""
    count = 1_000 if bench.smoke else 10_000
    yield from unchanged(bench.folder, bench.actors(count), count, 1 if bench.smoke else 3, bench.at_most)


def bench_limit(bench: Bench) -> Iterator[Ratio]:
    """Staying under a limit that the server enforces, and close to it."""
    count = 119 if bench.smoke else 599  # with the list call whole windows
    yield from limited(bench.folder, bench.actors(count), count, bench.at_least)


def bench_validate(bench: Bench) -> Iterator[Ratio]:
    """`validate` against the bare readers: time and peak memory."""
    if bench.smoke:  # small files tell of nothing but the start, so they are only shown
        yield from reading(bench.folder, 2_000, 1, lambda *told: replace(bench.at_most(*told), good=True))
    else:
        yield from reading(bench.folder, 100_000, 3, bench.at_most)


def bench_page(bench: Bench) -> Iterator[Ratio]:
    """The page of 10,000 and of 100,000 rows in a browser; left out where there is none."""
    if bench.smoke:  # a busy machine's frames tell of nothing, so they are only shown
        shown = lambda *told: replace(bench.at_most(*told), good=True)  # noqa: E731
        yield from pages(bench.folder, bench.actors, (1_000, 2_000), 1, shown)
    else:
        yield from pages(bench.folder, bench.actors, (10_000, 100_000), bench.runs, bench.at_most)


BENCHES: dict[str, Callable[[Bench], Iterator[Ratio]]] = {
    "help": bench_help,
    "apply": bench_apply,
    "parts": bench_parts,
    "latency": bench_latency,
    "limit": bench_limit,
    "unchanged": bench_unchanged,
    "validate": bench_validate,
    "page": bench_page,
}


def page(ratios: list[Ratio], grown: list[growth.Grown]) -> str:
    """docs/performance.md: what was measured, in one run on one machine."""
    lines = ["| what | measured | target | |", "|---|---|---|---|"]
    lines += [f"| {one.name} | {one.value:.2f} | {one.target} | {one.detail} |" for one in ratios]
    table = "\n".join([*growth.HEAD, *(one.line() for one in grown)])
    return (HERE / "performance.md.in").read_text("utf-8").format(ratios="\n".join(lines), growth=table)


def main() -> int:
    """Run what is asked for and print a line for each ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--page", type=Path, metavar="FILE")
    given = parser.parse_args()
    good, ratios = True, []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), smoke=given.smoke)
        took(importer("fields"))  # compiles the modules that every command loads
        for name in given.names or BENCHES:
            for ratio in BENCHES[name](bench):
                print(ratio, flush=True)
                good &= ratio.good
                ratios.append(ratio)
        if given.page:
            grown = list(growth.growth(bench.folder, 10_000 if given.smoke else growth.ROWS[-1]))
            given.page.write_text(page(ratios, grown), "utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
