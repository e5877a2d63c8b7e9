"""Every limit on what a source may cost, from both sides: over it the flag that raises it is named, and works."""

from __future__ import annotations

import gzip
import json
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from importer.errors import SourceError
from importer.mapping.column_profile import _TESTS
from importer.sources.options import MIB, Limits

from .reading import Got, got, written
from .test_ods import cell, ods
from .test_workbook import actors, workbook

LIST = "name,country\nWren,IR\nVole,PE\n"
MANY = [{"name": f"Wren {number}", "country": "IR"} for number in range(50)]


def _csv(text: str = LIST) -> Callable[[Path], str]:
    return lambda folder: str(written(folder, "a.csv", text))


def _json(value: Any) -> Callable[[Path], str]:
    return lambda folder: str(written(folder, "a.json", json.dumps(value)))


def _yaml(text: str) -> Callable[[Path], str]:
    return lambda folder: str(written(folder, "a.yaml", text))


def _gzip(text: str) -> Callable[[Path], str]:
    return lambda folder: str(written(folder, "a.csv.gz", gzip.compress(text.encode(), 1)))


def _folder(glob: str) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        for number in range(3):
            written(folder, f"{number}.csv", LIST)
        return f"{folder}{glob}"

    return make


def _workbook(rows: int = 2) -> Callable[[Path], str]:
    listed = [(f"Wren {number}", "IR") for number in range(rows)]
    return lambda folder: str(actors(folder / "a.xlsx", ("Actor", "Country"), *listed))


def _sheets(folder: Path) -> str:
    def fill(book: Any) -> None:
        for name in ("A", "B", "C"):
            book.create_sheet(name).append(["Actor"])
            book[name].append([f"Wren {name}"])

    return str(workbook(folder / "a.xlsx", fill))


def _wide(folder: Path) -> str:
    def fill(book: Any) -> None:
        book.active.append(["Actor"])
        book.active.append(["Wren"])
        book.active["Z40"] = "x"

    return str(workbook(folder / "a.xlsx", fill))


def _merged(folder: Path) -> str:
    row = ">" + cell("Actor") + cell("Country")
    pair = ">" + cell("Wren", "rows=2") + cell("IR", "rows=2")
    return str(ods(folder / "a.ods", row, pair, ">" + cell("Vole") + cell("PE")))


LIMITS: dict[str, list[tuple[str, str, Callable[[Path], str]]]] = {
    "file_bytes": [("1k", "1m", _csv(LIST + "Wren,IR\n" * 200)), ("1k", "1m", _gzip(LIST + "Wren,IR\n" * 200))],
    "json_bytes": [("1k", "1m", _json(MANY))],
    "yaml_bytes": [("1k", "1m", _yaml("actors:\n  - name: Wren\n" + "    # more\n" * 200))],
    "download_bytes": [("10", "1m", lambda _: "/list.csv")],
    "download_seconds": [("0.000001", "60", lambda _: "/list.csv")],
    "ratio": [("30", "100000", _gzip(f"name,a,b,c\nWren{f',{chr(120) * 22 * MIB}' * 3}\n"))],
    "rows": [("1", "2", _csv()), ("1", "50", _json(MANY)), ("3", "50", _csv(LIST + "\n" * 9)), ("1", "9", _workbook())],
    "columns": [("1", "2", _csv()), ("1", "2", _json(MANY)), ("1", "2", _merged)],
    "sheets": [("3", "4", _sheets)],
    "sheet_cells": [
        ("3", "4", _csv()),
        ("5", "6", _json([{"name": "Wren", "a": "x"}, {"name": "Vole", "b": "y"}])),
        ("1000", "1040", _wide),
        ("8", "9", _merged),
    ],
    "noted_cells": [("1", "9", _merged)],
    "cell_chars": [("1000", "1k", _csv(f"name,note\nWren,{'x' * 1010}\n")),
                   ("1000", "2k", _csv("name,note\nWren,\"" + f"{'x' * 99}\n" * 11 + "\"\n"))],
    "quoted_lines": [("3", "4", _csv('name,note\nWren,"a\nb\nc\nd"\n'))],
    "depth": [("3", "4", _json([{"name": "Wren", "a": {"b": ["c"]}}])),
              ("3", "4", _yaml("- name: Wren\n  a: {b: [c]}\n"))],
    "nodes": [("90", "200", _json(MANY)), ("8", "9", _yaml("- &a {name: Wren, x: y}\n- *a\n"))],
    "folder_files": [("2", "3", _folder("")), ("2", "3", _folder("/*.csv"))],
    "seconds": [("0", "60", _csv()), ("0", "60", _gzip(LIST)), ("0", "60", _json(MANY)),
                ("0", "60", _yaml("- name: A\n"))],
    "workbook_seconds": [("0.001", "60", _workbook(2000))],
    "workbook_memory": [("24m", "768m", _workbook(2000))],
}  # fmt: skip
"""By name: too little, enough, and a source that shows it."""


def _over(name: str, value: str, spec: str) -> tuple[str, Got]:
    """What is said under this limit, in the error or in an issue, and what was read."""
    try:
        read = got(spec, limits=Limits().changed([f"{name}={value}"]))
    except SourceError as error:
        return error.hint, Got()
    return " ".join(issue.message for issue in [*read.row_issues(), *read.notes]), read


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a connection that was given up
@pytest.mark.parametrize(
    ("name", "case"), [(name, case) for name in Limits.__struct_fields__ for case in range(len(LIMITS.get(name, [1])))]
)
def test_each_limit_is_named_and_can_be_raised(tmp_path: Path, name: str, case: int) -> None:
    """Over a limit, whichever there is, the message names the flag that raises it; with the flag all is read."""
    too_little, enough, make = LIMITS[name][case]
    spec = make(tmp_path)
    with _served() if spec.startswith("/list") else nullcontext("") as server:
        said, _ = _over(name, too_little, server + spec)
        assert f"--limit {name}=N" in said
        said, read = _over(name, enough, server + spec)
        assert "--limit" not in said
        assert read.rows


@contextmanager
def _served() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(LIST.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_the_interpreter_cannot_follow_is_said_at_once() -> None:
    """Depth can be raised as far as it works, and no further."""
    with pytest.raises(ValueError, match="300 at most"):
        Limits().changed(["depth=5000"])


@pytest.mark.parametrize("kind", ["json", "yaml", "stix"])
def test_the_deepest_that_is_allowed_is_read(tmp_path: Path, kind: str) -> None:
    """At the highest depth no step of reading runs out of the interpreter's own stack; far beyond, it is an error."""
    for depth, fits in ((290, True), (700, False), (100_000, False)):
        nested = "[" * depth + "]" * depth
        actor = f'{{"type": "intrusion-set", "id": "intrusion-set--{"0" * 8}", "name": "Wren", "x_a": {nested}}}'
        content = {
            "json": f'[{{"name": "Wren", "a": {nested}}}]',
            "yaml": f"- name: Wren\n  a: {nested}\n",
            "stix": f'{{"type": "bundle", "objects": [{actor}]}}',
        }[kind]
        path = written(tmp_path, f"{depth}.{kind}", content)
        if fits:
            assert got(path, limits=Limits(depth=300)).column("name") == ["Wren"]
        else:
            with pytest.raises(SourceError) as caught:
                got(path, limits=Limits(depth=300))
            assert "--limit depth=N" in caught.value.hint or depth > 1000  # libyaml has a limit of its own


def test_a_short_row_costs_as_many_cells_as_the_header_has(tmp_path: Path) -> None:
    """A wide header over many rows of one cell is a large table made of a small file."""
    wide = ",".join(["name", *(f"c{number}" for number in range(2000))])
    path = written(tmp_path, "a.csv", f"{wide}\n" + "Wren\n" * 40_000)
    with pytest.raises(SourceError, match="cells"):
        got(path)


def _ole(circle: str) -> bytes:
    """An OLE container of one workbook stream, whose chain of sectors, or that of its folder or its tables, circles."""
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    chain = {0: 0xFFFFFFFD, 1: 1 if circle == "folder" else end, **{at: at + 1 for at in range(2, 9)}}
    chain[9] = 2 if circle == "stream" else end
    names = (("Root Entry", 5, end, 0, 1), ("Workbook", 2, 2, 0x7FFFFFFF, free))
    folder = b"".join(
        struct.pack("<64sHBBIII36xIQ", f"{name}\0".encode("utf-16-le"), 2 * len(name) + 2, kind, 1, free, free, child,
                    start, size)
        for name, kind, start, size, child in names
    )  # fmt: skip
    tables = (10, 1_000_000) if circle == "tables" else (end, 0)
    head = struct.pack("<8s16x5H6x9I109I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096,
                       end, 0, *tables, *[0, *[free] * 108])  # fmt: skip
    sectors = [struct.pack("<128I", *(chain.get(at, free) for at in range(128))), folder]
    sectors += [b"\x09\x08\x10\0\0\x06\x05\0"] * 8 + [struct.pack("<128I", *[0] * 127, 10)]
    return head + b"".join(sector.ljust(512, b"\0") for sector in sectors)


@pytest.mark.parametrize("circle", ["stream", "folder", "tables"])
def test_sectors_of_an_old_workbook_that_go_in_circles_are_refused(tmp_path: Path, circle: str) -> None:
    """Six kilobytes that seem to hold two gigabytes end in a sentence, within the memory of the process that reads."""
    with pytest.raises(SourceError, match="damaged"):
        got(written(tmp_path, "a.xls", _ole(circle)))


def test_a_long_cell_of_blanks_or_digits_costs_linear_time() -> None:
    """What looks like a number is told without trying each of its blanks again: a cell may hold a million."""
    test = _TESTS["number"]
    assert not test("80" + " " * 1_000_000 + "x")
    assert not test("1" * 1_000_000 + "x")
    assert all(map(test, ("5", "80 %", "~ 1,000.5", "7 / 10", "-3  ")))
