"""Random and broken input for everything that reads what strangers wrote.

    python -m tests.fuzz [SECONDS [TARGET...]]     60 seconds, shared by all targets, unless told otherwise
    python -m tests.fuzz --replay TARGET FILE      one input again, with its traceback

Anything but success or a sentence with an exit code is a finding: an exception, a hang, memory without bound. The input
is kept in fuzz-findings/, its kind goes into a test. Where atheris is installed it leads the search by coverage;
elsewhere seeds are mutated by the generator below, the same way for the same seed.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
SAMPLES: Final = ROOT / "samples"
FINDINGS: Final = Path("fuzz-findings")
MEMORY: Final = 3 << 30
"""Bytes that a target may map, the program itself included."""
HANGS: Final = 60.0
"""Seconds for one input."""
LARGEST: Final = 1 << 18


@dataclass(frozen=True)
class Target:
    """What is attacked: `run` gets a folder of its own and the input."""

    run: Callable[[Path, bytes], None]
    seeds: Callable[[], Sequence[bytes]]


def program(folder: Path, *words: str | Path) -> None:
    """The command line in this process. Raises what no user may ever see."""
    from importer.cli.main import main

    before, streams = Path.cwd(), (sys.stdin, sys.stdout, sys.stderr)
    os.environ["TAG_IMPORTER_TRACEBACK"] = "1"
    os.environ["TAG_IMPORTER_STATE_DIR"] = str(folder / "state")
    os.chdir(folder)
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO()), io.StringIO(), io.StringIO()
    try:
        code = main([str(word) for word in words])
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        os.chdir(before)
    assert code in {0, 1, 2, 3, 5, 6}, f"exit code {code}"


def _validate(ending: str, wrap: Callable[[bytes], bytes] = bytes) -> Callable[[Path, bytes], None]:
    """A list with this ending; `wrap` puts the input where a mutation of the whole file would not get to."""

    def run(folder: Path, data: bytes) -> None:
        (folder / f"list{ending}").write_bytes(wrap(data))
        program(folder, "validate", f"list{ending}", "--format", "json")

    return run


def _sample(name: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [(SAMPLES / name).read_bytes()[:LARGEST]]


def _member(name: str, member: str) -> bytes:
    with zipfile.ZipFile(SAMPLES / name) as archive:
        return archive.read(member)


def _zip(parts: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return made.getvalue()


def _ods(data: bytes) -> bytes:
    manifest = (
        b'<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        b'<manifest:file-entry manifest:full-path="/" manifest:media-type='
        b'"application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
    )
    return _zip({
        "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": manifest,
        "content.xml": data,
    })  # fmt: skip


def _ods_seeds() -> Sequence[bytes]:
    head = (
        '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body>'
        '<office:spreadsheet><table:table table:name="Actors">'
    )
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = [("Actor", "Country", "Confidence"), ("Red Fox", "CN", "High"), ("Blue Owl", "RU", "Low")]
    body = "".join(f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>" for row in rows)
    odd = (
        '<table:table-row table:number-rows-repeated="3"><table:table-cell '
        'office:value-type="string"><text:p>Gray Elk</text:p></table:table-cell><table:covered-table-cell/>'
        "</table:table-row>"
    )
    foot = "</table:table></office:spreadsheet></office:body></office:document-content>"
    return [f"{head}{body}{foot}".encode(), f"{head}{body}{odd}{foot}".encode()]


def _sheet(data: bytes) -> bytes:
    with zipfile.ZipFile(SAMPLES / "actors.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return _zip({**parts, "xl/worksheets/sheet2.xml": data})


def _strings(data: bytes) -> bytes:
    with zipfile.ZipFile(SAMPLES / "actors.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return _zip({**parts, "xl/workbook.xml": data})


def _mapping(folder: Path, data: bytes) -> None:
    (folder / "list.csv").write_text("Actor,Country,Aliases\nRed Fox,CN,APT-X;Y\n")
    (folder / "mapping.yaml").write_bytes(data)
    program(folder, "validate", "list.csv", "--mapping", "mapping.yaml")


def _job(folder: Path, data: bytes) -> None:
    (folder / "list.csv").write_text("Actor,Country\nRed Fox,CN\n")
    (folder / "job.yaml").write_bytes(data)
    program(folder, "validate", "job.yaml")


def _yaml_seeds(name: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [path.read_bytes() for path in sorted((ROOT / "config" / name).glob("*.yaml"))]


def _run_folder() -> dict[str, bytes]:
    """plan.json and journal.jsonl of a small run in the sandbox."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "list.csv").write_text("Actor,Country,Aliases\nRed Fox,CN,APT-X;Y\n,RU,\nBlue Owl,Narnia,\n")
        program(folder, "apply", "list.csv", "--sandbox", "--yes", "--grace", "0", "--out", "run")
        return {path.name: path.read_bytes() for path in (folder / "run").iterdir()}


def _plan(folder: Path, data: bytes) -> None:
    """The plan inside its envelope, whose digest is right: a forged one would have that, too."""
    try:
        inside = json.dumps(json.loads(data), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError, UnicodeEncodeError):
        inside = data
    digest = hashlib.sha256(inside).hexdigest().encode()
    (folder / "run").mkdir(exist_ok=True)
    whole = b'{"created":"","format":"tag-importer-plan","plan":' + inside + b',"sha256":"' + digest + b'","version":2}'
    (folder / "run" / "plan.json").write_bytes(whole)
    program(folder, "report", "run", "--format", "json")


def _journal(folder: Path, data: bytes) -> None:
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run" / "plan.json").write_bytes(_RUN.files()["plan.json"])
    (folder / "run" / "journal.jsonl").write_bytes(data)
    program(folder, "report", "run", "--format", "json")
    program(folder, "runs", "--dir", ".")


class _Run:
    """The files of one run, made when they are first wanted."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def files(self) -> dict[str, bytes]:
        self._files = self._files or _run_folder()
        return self._files


_RUN: Final = _Run()


def _plan_seeds() -> Sequence[bytes]:
    return [json.dumps(json.loads(_RUN.files()["plan.json"])["plan"]).encode()]


def _answer(folder: Path, data: bytes) -> None:
    """A body that the endpoint sends, and its headers, as each kind of call reads them."""
    from importer.masking import Mask
    from importer.remote import limit_headers, wire

    mask = Mask(["a-token-0123456789"])
    with contextlib.suppress(wire.Unreadable, wire.SaysNo):
        wire.decode_written(data)
    with contextlib.suppress(wire.Unreadable, wire.SaysNo):
        found = wire.decode_object(data)
        for name, read in (("tags", wire.tag_of), ("categories", wire.category_of)):
            for item in items if isinstance(items := found.get(name), list) else ():
                with contextlib.suppress(wire.Unreadable):
                    read(item)
    words, _ = wire.errors_of(data)
    assert len(wire.shown(words, mask)) <= 300
    assert wire.foreign(data, data[:40].decode("latin-1"), mask).isprintable()
    text = data[:300].decode("latin-1")
    limit_headers.parse_retry_after(text, datetime.now(UTC))


def _answer_seeds() -> Sequence[bytes]:
    tag = {"uuid": "u1", "value": "Red Fox", "version": 3, "aliases": [{"value": "x", "tlp": "red"}]}
    page = {"tags": [tag], "pagination": {"page": 1, "pageSize": 1, "totalCount": 1, "totalPages": 1}}
    wrapped = {"success": True, "errors": [], "messages": [], "result": page}
    refused = {"success": False, "errors": [{"code": 10000, "message": "no", "error_chain": [{"code": 1}]}]}
    category = {"categories": [{"uuid": "c", "name": "n", "schema": [{"key": "k", "kind": "enum"}]}]}
    bodies = [json.dumps(body).encode() for body in (tag, page, wrapped, refused, category)]
    return [*bodies, b"<html><title>Attention</title><body>ray</body></html>", b"30", b"Wed, 21 Oct 2026 07:28:00 GMT"]


def _category(folder: Path, data: bytes) -> None:
    (folder / "category.yaml").write_bytes(data)
    program(folder, "categories", "create", "category.yaml", "--sandbox", "--dry-run")


TARGETS: Final[dict[str, Target]] = {
    "csv": Target(_validate(".csv"), _sample("actors.csv")),
    "json": Target(_validate(".json"), lambda: [b'[{"name": "Red Fox", "country": "CN", "aliases": ["a", {"b": 1}]}]',
                                                b'{"data": {"actors": [{"name": "Red Fox"}, {"name": "Owl"}]}}']),
    "stix": Target(_validate(".json"), _sample("actors.stix21.json")),
    "misp": Target(_validate(".json"), _sample("actors.misp.json")),
    "yaml": Target(_validate(".yaml"),
                   lambda: [b"- name: Red Fox\n  aliases: [a, &x b, *x]\n- {name: B, <<: {c: 1}}\n"]),
    "xlsx": Target(_validate(".xlsx"), _sample("actors.xlsx")),
    "sheet": Target(_validate(".xlsx", _sheet), lambda: [_member("actors.xlsx", "xl/worksheets/sheet2.xml")]),
    "book": Target(_validate(".xlsx", _strings), lambda: [_member("actors.xlsx", "xl/workbook.xml")]),
    "ods": Target(_validate(".ods", _ods), _ods_seeds),
    "gzip": Target(_validate(".csv.gz", gzip.compress), _sample("actors.csv")),
    "mapping": Target(_mapping, _yaml_seeds("mappings")),
    "job": Target(_job, _yaml_seeds("jobs")),
    "plan": Target(_plan, _plan_seeds),
    "journal": Target(_journal, lambda: [_RUN.files()["journal.jsonl"]]),
    "answer": Target(_answer, _answer_seeds),
}  # fmt: skip

_PIECES: Final = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\r", b"\n", b'"', b"'", b",", b";", b"\t", b"|",
    b"{", b"}", b"[", b"]", b"<", b">", b"&", b"&#0;", b"&#x110000;", b"<!--", b"<![CDATA[", b"<?x", b"\\", b"\\u0000",
    b"\\ud800", b"null", b"true", b"1e999", b"-0", b"1" * 400, b"9" * 20, b"0x7f", b"-1", b"NaN", b"1e400", b"*a",
    b"&a ", b"!!python/object:os.system ", b"<<: ", b"? ", b"- ", b": ", b"${HOME}", b"${", b"=cmd|' /C calc'!A0",
    b"\xe2\x80\xae", b"\xe2\x80\x8b", b" " * 200,
    b"(a?){30}a{30}", b"((a+)+)+$", b"A" * 5000, b"[" * 300, b"{\"a\":" * 150,
)  # fmt: skip


_VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1.5, 10**30, 1e308, "", "x", "\ud800", "NaN", "x" * 3000, [], {}, [[]], [None], {"a": {}}, ["x"],
    "2026-13-45T99:99:99Z", "00000000-0000-0000-0000-000000000000", [1, "a", None], {"": 1}, "../x", "\x00",
)  # fmt: skip
"""What stands in JSON where something else was expected."""


def retyped(random: random.Random, data: bytes) -> bytes:
    """JSON, or a line of JSON lines, with a value or two of another kind, or gone; empty where it is none."""
    lines = data.splitlines(keepends=True)
    at = random.randrange(len(lines)) if lines and data[:1] == b"{" and len(lines) > 1 and data[-2:-1] == b"}" else -1
    try:
        whole = json.loads(data if at < 0 else lines[at])
    except (ValueError, RecursionError):
        return b""
    places: list[tuple[Any, Any]] = []
    waiting = [whole]
    while waiting:
        one = waiting.pop()
        keys: Iterable[Any] = one if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            places.append((one, key))
            waiting.append(one[key])
    for _ in range(random.choice((1, 1, 2))):
        if places:
            inside, key = random.choice(places)
            if random.randrange(8) == 0 and isinstance(inside, dict):
                inside.pop(key, None)
            else:
                inside[key] = random.choice(_VALUES)
    made = json.dumps(whole).encode()
    if at < 0:
        return made
    lines[at] = made + b"\n"
    return b"".join(lines)


def mutated(random: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A seed with one to eight changes: bytes, pieces of syntax, parts doubled, cut or taken from another seed."""
    data = bytearray(random.choice(seeds))
    if random.randrange(3) == 0 and (other := retyped(random, bytes(data))):
        return other[:LARGEST]
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(len(data) + 1)
        to = min(len(data), at + random.choice((1, 2, 8, 64, 512)))
        change = random.randrange(9)
        if change == 0 and data:
            data[min(at, len(data) - 1)] = random.randrange(256)
        elif change <= 2:
            data[at:at] = random.choice(_PIECES)
        elif change == 3:
            data[at:to] = random.choice(_PIECES)
        elif change == 4:
            del data[at:to]
        elif change == 5:
            data[at:at] = data[at:to] * random.choice((1, 2, 50))
        elif change == 6:
            other = random.choice(seeds)
            start = random.randrange(len(other) + 1)
            data[at:at] = other[start : start + random.choice((8, 64, 512))]
        elif change == 7:
            del data[at:]
        elif digits := [place for place, byte in enumerate(data[:4096]) if 48 <= byte <= 57]:
            place = random.choice(digits)
            data[place : place + 1] = random.choice((b"-1", b"0", b"99999999999", b"1.5", b"1e9", b"", b"null"))
    return bytes(data[:LARGEST])


def attempt(name: str, data: bytes) -> str:
    """One input; the traceback of a finding, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            TARGETS[name].run(Path(folder), data)
        except Exception:
            return traceback.format_exc()
    return ""


def _bounded() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _child(name: str, seconds: float, seed: int, current: Path) -> int:
    """Attack one target until the time is over; how many findings there were. Each input is on disk before its use."""
    _bounded()
    seeds, source = TARGETS[name].seeds(), random.Random(seed)
    known: set[str] = set()
    ends, tried = time.monotonic() + seconds, 0
    while time.monotonic() < ends or not tried:
        data = seeds[tried] if tried < len(seeds) else mutated(source, seeds)
        current.write_bytes(data)
        found = attempt(name, data)
        tried += 1
        kind = "".join(line for line in found.splitlines() if line.lstrip().startswith("File"))
        if found and kind not in known:
            known.add(kind)
            _keep(name, data, found)
    print(f"{name:8} {tried:7,} inputs, {len(known)} findings", flush=True)
    return len(known)


def _keep(name: str, data: bytes, why: str) -> None:
    FINDINGS.mkdir(exist_ok=True)
    path = FINDINGS / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(why, encoding="utf-8", errors="backslashreplace")
    print(f"{name}: FOUND {path}: {why.strip().splitlines()[-1][:200]}", flush=True)


def _led_by_coverage(name: str, seconds: float, current: Path) -> int:
    """The same by atheris, which ends the process at its first finding."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    _bounded()
    with atheris.instrument_imports(include=["importer"]):
        seeds = TARGETS[name].seeds()
        for seed in seeds:
            attempt(name, seed)

    def one(data: bytes) -> None:
        current.write_bytes(data)
        if found := attempt(name, data):
            _keep(name, data, found)
            raise AssertionError(found)

    with tempfile.TemporaryDirectory() as corpus:
        for at, seed in enumerate(seeds):
            (Path(corpus) / str(at)).write_bytes(seed)
        atheris.Setup([name, f"-max_total_time={int(seconds) or 1}", f"-max_len={LARGEST}", "-verbosity=0",
                       "-rss_limit_mb=0", corpus], one)  # fmt: skip
        atheris.Fuzz()
    return 0


def _attack(name: str, seconds: float, seed: int) -> bool:
    """One target in a process of its own, which is watched; whether anything was found."""
    with tempfile.TemporaryDirectory() as folder:
        current = Path(folder) / "current"
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", "--child", name, str(seconds), str(seed), str(current)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        began, last = time.monotonic(), 0.0
        while child.poll() is None:
            time.sleep(0.2)
            stamp = current.stat().st_mtime if current.exists() else 0.0
            if stamp != last:
                last, began = stamp, time.monotonic()
            elif time.monotonic() - began > HANGS:
                child.kill()
                child.wait()
                _keep(name, current.read_bytes() if current.exists() else b"", f"a hang of more than {HANGS:.0f} s")
                return True
        if child.returncode < 0:
            _keep(name, current.read_bytes() if current.exists() else b"", f"ended by signal {-child.returncode}")
    return child.returncode != 0


def main(words: Sequence[str]) -> int:
    """The command line described above."""
    if words[:1] == ["--child"]:
        name, seconds, seed, current = words[1], float(words[2]), int(words[3]), Path(words[4])
        try:
            import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401
        except ImportError:
            return min(_child(name, seconds, seed, current), 1)
        return _led_by_coverage(name, seconds, current)
    if words[:1] == ["--replay"]:
        found = attempt(words[1], Path(words[2]).read_bytes())
        print(found or "nothing was found")
        return 1 if found else 0
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("seconds", nargs="?", type=float, default=60.0, help="for all targets together")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seed", type=int, default=0, help="of the mutations")
    given = parser.parse_args(words)
    names = given.targets or list(TARGETS)
    if wrong := [name for name in names if name not in TARGETS]:
        parser.error(f"no target {wrong[0]}; there are {', '.join(TARGETS)}")
    each = given.seconds / len(names)
    return 1 if sum([_attack(name, each, given.seed) for name in names]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
