"""`validate` on large lists of each kind, against the bare reader of the kind."""

from __future__ import annotations

import csv
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.benchmarks.measure import Ratio, importer, python, took

HEAD = ["Actor", "Aliases", "Country", "Motive", "Actor category", "Sophistication", "First seen", "Confidence", "TLP",
        "References", "Description", "Notes", "Analyst", "Ticket", "Region"]  # fmt: skip
COUNTRIES = ["Iran", "CN", "Russia", "North Korea", "PAK", "Israel", "UAE", "Viet Nam", "Ukraine", "Brazil"]
MOTIVES = ["Espionage", "Financial", "Ideology", "Fun", "Grudge"]
BARE = {
    "csv": "import sys, pandas; pandas.read_csv(sys.argv[1], dtype=str)",
    "xlsx": "import sys, python_calamine as c; "
    "[sum(1 for _ in b.get_sheet_by_name(n).iter_rows()) for b in [c.CalamineWorkbook.from_path(sys.argv[1])] "
    "for n in b.sheet_names]",
    "json": """
import sys, msgspec
class Kind(msgspec.Struct):
    type: str
class Bundle(msgspec.Struct):
    objects: list[msgspec.Raw]
raw = msgspec.json.decode(open(sys.argv[1], 'rb').read(), type=Bundle).objects
kind = msgspec.json.Decoder(Kind)
print(len([msgspec.json.decode(o) for o in raw if kind.decode(o).type == 'intrusion-set']))
""",
}
TARGETS = {"csv": 4.0, "xlsx": 3.0, "json": 2.0}
MEGABYTES = 500


def row(number: int) -> list[str]:
    """A row of 15 cells, with names, aliases, links and texts that occur once, and words that repeat."""
    return [
        f"Actor {number}", f"Grey Heron {number}; UNC{number}", COUNTRIES[number % 10], MOTIVES[number % 5],
        "Nation State", "advanced", "2019-04-17", str(number % 10 + 1), "amber", f"https://e.example/{number}",
        f"Known from report {number}, and from the one before it.", "", "jd", f"T-{number}", "west",
    ]  # fmt: skip


def write_csv(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        writer.writerows(row(number) for number in range(count))


ALPHABETS = (
    "Серая цапля",
    "灰色苍鹭",
    "البلشون الرمادي",
    "재색 왜가리",
    "Γκρίζος ερωδιός",
    "Héron cendré",
    "グレーヘロン",
)


def write_alphabets(path: Path, count: int) -> None:
    """The same list with names, aliases and texts in seven other alphabets."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for number in range(count):
            cells, heron = row(number), ALPHABETS[number % len(ALPHABETS)]
            cells[0], cells[1] = f"{heron} {number}", f"{heron} {number + count}; UNC{number}"
            cells[10] = f"{heron} {number}, {heron}."
            writer.writerow(cells)


def write_xlsx(path: Path, count: int) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Actors")
    sheet.append(HEAD)
    for number in range(count):
        sheet.append(row(number))
    book.save(path)


def write_json(path: Path, count: int) -> None:
    """A STIX bundle of which one object in a hundred is an actor, as it is in ATT&CK."""
    objects: list[dict[str, Any]] = []
    for number in range(count):
        kind = "intrusion-set" if number % 100 == 0 else "attack-pattern"
        objects.append({
            "type": kind, "id": f"{kind}--{uuid.UUID(int=number)}", "name": f"Object {number}",
            "created": "2020-01-01T00:00:00Z", "modified": "2020-01-01T00:00:00Z",
            "description": "What an object of this kind is like, told at some length. " * 6,
            "external_references": [{"source_name": "mitre-attack", "external_id": f"X{number}",
                                     "url": f"https://attack.example/{number}"}],
            **({"aliases": [f"Object {number}", f"Alias {number}"]} if kind == "intrusion-set" else {}),
        })  # fmt: skip
    path.write_text(json.dumps({"type": "bundle", "id": f"bundle--{uuid.UUID(int=1)}", "objects": objects}), "utf-8")


def described(number: int) -> dict[str, Any]:
    """What the three shapes below say alike of an actor."""
    return {
        "description": f"Known from report {number}, and from the one before it. " * 3,
        "aliases": [f"Grey Heron {number}", f"UNC{number}"],
    }


def write_actors(path: Path, count: int) -> None:
    """A STIX bundle of actors alone."""
    times = {
        "created": "2020-01-01T00:00:00Z",
        "modified": "2020-01-01T00:00:00Z",
        "first_seen": "2019-04-17T00:00:00Z",
    }
    objects = [
        {
            "type": "intrusion-set", "spec_version": "2.1", "id": f"intrusion-set--{uuid.UUID(int=number)}",
            "name": f"Actor {number}", **times, **described(number), "primary_motivation": "organizational-gain",
            "goals": ["access"], "sophistication": "advanced", "resource_level": "government",
            "external_references": [{"source_name": "vendor", "url": f"https://e.example/{number}"}],
        }
        for number in range(count)
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "bundle", "id": f"bundle--{uuid.UUID(int=1)}", "objects": objects}), "utf-8")


def plain(number: int) -> dict[str, Any]:
    return {"name": f"Actor {number}", "country": COUNTRIES[number % 10], **described(number)}


def write_lines(path: Path, count: int) -> None:
    """One JSON object a line."""
    path.write_text("".join(f"{json.dumps(plain(number))}\n" for number in range(count)), "utf-8")


def write_list(path: Path, count: int) -> None:
    """The same objects as one list."""
    path.write_text(json.dumps([plain(number) for number in range(count)]), "utf-8")


def write_galaxy(path: Path, count: int) -> None:
    """A MISP galaxy of actors."""
    values = []
    for number in range(count):
        more = described(number)
        meta = {"synonyms": more.pop("aliases"), "country": "CN", "refs": [f"https://e.example/{number}"]}
        values.append({"value": f"Actor {number}", "uuid": str(uuid.UUID(int=number)), **more, "meta": meta})
    about = {"authors": ["x"], "category": "actor", "name": "Threat Actor", "type": "threat-actor", "version": 1}
    path.write_text(json.dumps({**about, "values": values}), "utf-8")


class Shape(Struct, frozen=True):
    """A list of documents whose rows are all actors."""

    write: Callable[[Path, int], None]
    microseconds: float = 0.0
    """At most for a row; 0 where the ratio to msgspec counts."""
    ratio: float = 0.0


SHAPES: dict[str, Shape] = {
    "actors.stix.json": Shape(write_actors, ratio=6.0),
    "actors.jsonl": Shape(write_lines, microseconds=30.0),
    "actors.list.json": Shape(write_list, microseconds=30.0),
    "actors.misp.json": Shape(write_galaxy, microseconds=47.0),
}
RAW = "import sys, msgspec; msgspec.json.decode(open(sys.argv[1], 'rb').read())"


def shapes(folder: Path, count: int, runs: int, at_most: Callable[[str, float, float, str], Ratio]) -> Iterator[Ratio]:
    """Time and peak memory of each shape of document, less what a start with a list of one row costs."""
    for name, shape in SHAPES.items():
        path, one = folder / name, folder / f"one.{name}"
        took(python(__file__, name, path, str(count)))
        took(python(__file__, name, one, "1"))
        timed = [
            (took(importer("validate", path, "--quiet")), took(importer("validate", one, "--quiet")))
            for _ in range(runs)
        ]
        ours, start = sorted(timed, key=lambda pair: pair[0].seconds - pair[1].seconds)[len(timed) // 2]
        seconds = ours.seconds - start.seconds
        if shape.ratio:
            bare = took(python("-c", RAW, path)).seconds - took(python("-c", RAW, one)).seconds
            detail = f"{seconds:.1f} s against {bare:.1f} s"
            yield at_most(f"validate {count:,} of {name} / msgspec", seconds / max(bare, 0.001), shape.ratio, detail)
        else:
            each = seconds / count * 1e6
            yield at_most(f"validate {count:,} of {name}: us a row", each, shape.microseconds, f"{seconds:.1f} s")
        yield at_most(
            f"validate {count:,} of {name}: peak MB", ours.megabytes, MEGABYTES, f"{start.megabytes:.0f} for one"
        )


WRITERS: dict[str, Callable[[Path, int], None]] = {"csv": write_csv, "xlsx": write_xlsx, "json": write_json}
LETTERS = "letters"
MOST_FOR_LETTERS = 1.3


def reading(folder: Path, count: int, runs: int, at_most: Callable[[str, float, float, str], Ratio]) -> Iterator[Ratio]:
    """For each kind the ratio of times, whole processes, and the peak memory."""
    for kind in WRITERS:
        path = folder / f"large.{kind}"
        # In a process of its own: what this one holds would count as the peak of those it starts.
        took(python(__file__, kind, path, str(count)))
        pairs = [
            (took(importer("validate", path, "--quiet")), took(python("-c", BARE[kind], path))) for _ in range(runs)
        ]
        ours, bare = sorted(pairs, key=lambda pair: pair[0].seconds / pair[1].seconds)[len(pairs) // 2]
        name = "STIX" if kind == "json" else kind.upper()
        detail = f"{ours.seconds:.1f} s against {bare.seconds:.1f} s"
        yield at_most(f"validate {count:,} of {name} / bare reader", ours.seconds / bare.seconds, TARGETS[kind], detail)
        yield at_most(f"validate {count:,} of {name}: peak MB", ours.megabytes, MEGABYTES, f"bare {bare.megabytes:.0f}")
    path = folder / "letters.csv"
    took(python(__file__, LETTERS, path, str(count)))
    plain = folder / "large.csv"
    twice = [
        (took(importer("validate", path, "--quiet")), took(importer("validate", plain, "--quiet"))) for _ in range(runs)
    ]
    ours, ascii_ = sorted(twice, key=lambda pair: pair[0].seconds / pair[1].seconds)[len(twice) // 2]
    detail = f"{ours.seconds:.1f} s against {ascii_.seconds:.1f} s"
    ratio = ours.seconds / ascii_.seconds
    yield at_most(f"validate {count:,} in seven alphabets / in ASCII", ratio, MOST_FOR_LETTERS, detail)
    yield from shapes(folder, count, runs, at_most)


if __name__ == "__main__":
    kind_, path_, count_ = sys.argv[1:]
    writers = {**WRITERS, LETTERS: write_alphabets, **{name: shape.write for name, shape in SHAPES.items()}}
    writers[kind_](Path(path_), int(count_))
