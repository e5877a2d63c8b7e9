"""Parquet, where pyarrow is installed: it is not in the tests' own environment, since pandas changes with it."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.inside import Here
from tests.behaviour.program import environment
from tests.beside import beside

MAKE = """
import datetime as dt, sys
from decimal import Decimal
import pyarrow as pa
from pyarrow import parquet

day, moment = dt.date(2024, 3, 1), dt.datetime(2024, 3, 1, 4, 5, 6)
columns = {
    "name": ["Red Fox", "Blue Owl", None],
    "aliases": [["Fox", "A, B"], [], None],
    "country": pa.array(["FR", "DE", "FR"]).dictionary_encode(),
    "seen": [day, None, dt.date(1999, 12, 31)],
    "midnight": [dt.datetime(2024, 3, 1), moment, None],
    "utc": pa.array([moment, None, None], pa.timestamp("ns", "UTC")),
    "whole": [5.0, None, float("nan")],
    "part": [2.5, -0.001, 1e300],
    "short": pa.array([0.1, 3, None], pa.float32()),
    "money": [Decimal("1.50"), Decimal("0.00"), Decimal("-12345678901234567890.25")],
    "large": [0, 2**63 - 1, -1],
    "flag": [True, False, None],
    "text": ["007", "1e5", "NA"],
    "bytes": [b"ab", b"\\xff", None],
    "meta": [{"rank": 1, "more": {"tags": ["q", "r"]}}, None, {"rank": 0, "more": None}],
    "links": pa.array([[("site", "https://a.example")], [], None], pa.map_(pa.string(), pa.string())),
}
parquet.write_table(pa.table(columns), "kinds.parquet")
long = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000), ["x" * 2_000_000])
parquet.write_table(pa.table({"name": long}), "bomb.parquet")
parquet.write_table(pa.table({"name": pa.array([1] * 2_000_001, pa.int8())}), "rows.parquet")
parquet.write_table(pa.table({f"c{n}": [1] for n in range(20_000)}), "columns.parquet")
parquet.write_table(pa.table({"name": pa.array([], pa.string())}), "empty.parquet")
data = open("kinds.parquet", "rb").read()
open("cut.parquet", "wb").write(data[:-20])
open("twisted.parquet", "wb").write(data[:200] + b"\\x00" * 40 + data[240:])
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The interpreter that has pyarrow, and a folder with files."""
    python = beside("pyarrow", "--no-deps pyarrow==26.0.1", ours=True)
    folder = tmp_path_factory.mktemp("parquet")
    subprocess.run([python, "-c", MAKE], cwd=folder, check=True, timeout=120)
    return python, folder


@pytest.fixture
def ran(made: tuple[Path, Path]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`tag-importer WORDS...` in that folder."""
    python, folder = made

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([python, "-m", "importer", *words], cwd=folder, env=environment(folder),
                              capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        assert "Traceback" not in done.stderr
        return done

    return run


def test_every_kind_of_value_is_the_text_that_is_meant(
    ran: Callable[..., subprocess.CompletedProcess[str]], made: tuple[Path, Path]
) -> None:
    """Dates, decimals, whole and other numbers, lists and objects: results.csv has what a person would have typed."""
    done = ran("apply", "kinds.parquet", "--sandbox", "--out", "run", "--quiet")
    assert done.returncode == 1, done.stderr
    text = (made[1] / "run" / "results.csv").read_text("utf-8-sig")
    rows = [{key: value for key, value in row.items() if not key.startswith("_")}
            for row in csv.DictReader(text.splitlines())]  # fmt: skip
    assert rows[0] == {
        "name": "Red Fox", "aliases": '["Fox", "A, B"]', "country": "FR", "seen": "2024-03-01",
        "midnight": "2024-03-01", "utc": "2024-03-01T04:05:06Z", "whole": "5", "part": "2.5", "short": "0.1",
        "money": "1.50", "large": "0", "flag": "true", "text": "007", "bytes": "ab", "meta.rank": "1",
        "meta.more.tags": '["q", "r"]', "links": '{"site": "https://a.example"}',
    }  # fmt: skip
    second, third = rows[1], rows[2]
    assert [second[name] for name in ("midnight", "part", "short", "money", "large", "text", "meta.rank")] == [
        "2024-03-01T04:05:06", "'-0.001", "3", "0.00", "9223372036854775807", "1e5", ""
    ]  # fmt: skip
    assert [third[name] for name in ("seen", "whole", "text", "meta.rank", "part")] == [
        "1999-12-31",
        "",
        "NA",
        "0",
        "1e+300",
    ]


@pytest.mark.parametrize(
    ("file", "said"),
    [("bomb", "MiB of text"), ("rows", "more than 2,000,000 rows"), ("columns", "more than 16,384 columns"),
     ("empty", "a table without rows"), ("cut", "is damaged"), ("twisted", "is damaged")],
)  # fmt: skip
def test_what_is_too_large_or_damaged_is_refused(
    file: str, said: str, ran: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A small file that claims 100 GB, too many rows or columns, and broken ones, end in one sentence."""
    done = ran("validate", f"{file}.parquet", "--map", "value=name")
    assert (done.returncode, said in done.stderr) == (3, True), done.stderr[:500] + done.stdout[:500]


def test_without_pyarrow_the_extra_is_named(here: Here) -> None:
    """Where pyarrow is missing the message says what to install."""
    (here.folder / "a.parquet").write_bytes(b"PAR1\x15\x00" + bytes(200) + b"PAR1")
    done = here("validate", "a.parquet", "--format", "json")
    told: Any = json.loads(done.out)
    assert (done.code, "pyarrow" in told["error"]["message"]) == (3, True)
    assert "tag-importer[parquet]" in told["error"]["hint"]
