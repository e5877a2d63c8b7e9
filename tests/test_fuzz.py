"""The fuzzer reaches what it attacks and keeps what it finds; what it once found stays mended."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from importer.cli.main import main
from tests import fuzz


def _offset_before_the_file() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("[Content_Types].xml", "<Types/>")
    data = bytearray(made.getvalue())
    end = data.rfind(b"PK\x05\x06")
    data[end + 16 : end + 20] = struct.pack("<I", struct.unpack("<I", data[end + 16 : end + 20])[0] + 60)
    return bytes(data)


def _journal(old: bytes, new: bytes) -> bytes:
    (journal,) = fuzz.TARGETS["journal"].seeds()
    assert old in journal
    return journal.replace(old, new)


def _stix(part: bytes) -> bytes:
    return b'{"type": "bundle", "objects": [{"type": "intrusion-set", "id": "i", "name": "Red Fox"}, ' + part + b"]}"


FOUND: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a journal with an exit code that is none": ("journal", lambda: _journal(b'"exit_code":1', b'"exit_code":[]')),
    "a journal with an exit code of its own": (
        "journal",
        lambda: _journal(b'"exit_code":1', b'"exit_code":1000000000'),
    ),
    "an identity in STIX that is not UTF-8": ("stix", lambda: _stix(b'{"type": "identity", "name": "\xed\xa0\xfc"}')),
    "a key in STIX that is not UTF-8": ("stix", lambda: _stix(b'{"type": "threat-actor", "\xbe": 1, "name": "x"}')),
    "a ZIP whose directory points before its beginning": ("xlsx", _offset_before_the_file),
}
"""Findings, by what was wrong: the target and the input."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(name: str) -> None:
    """Each input that once broke the program ends in success or in a sentence with an exit code."""
    target, data = FOUND[name]
    assert fuzz.attempt(target, data()) == ""


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_every_target_takes_its_seeds_and_a_few_mutations(target: str) -> None:
    """No finding among the seeds, which the rest is made from, and among the first inputs of the generator."""
    seeds, source = fuzz.TARGETS[target].seeds(), random.Random(1)
    assert seeds
    for data in [*seeds, *(fuzz.mutated(source, seeds) for _ in range(3))]:
        assert fuzz.attempt(target, data) == "", data[:200]


@pytest.mark.parametrize("target", ["csv", "json", "stix", "misp", "yaml", "xlsx", "sheet", "ods", "gzip"])
def test_the_seeds_are_lists(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unchanged input gets past every outer layer, a ZIP's too: rows are read, so that a mutation gets there."""
    monkeypatch.chdir(tmp_path)
    seen: list[int] = []
    monkeypatch.setattr(fuzz, "program", lambda folder, *words: seen.append(_code(folder, words)))
    for seed in fuzz.TARGETS[target].seeds():
        fuzz.TARGETS[target].run(tmp_path, seed)
    assert set(seen) <= {0, 1}, capsys.readouterr().err


def _code(folder: Path, words: tuple[str | Path, ...]) -> int:
    return main([str(folder / word) if str(word).startswith("list") else str(word) for word in words])


def test_a_finding_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception is counted once for its place, and its input lies in the folder of findings with its traceback."""

    def broken(folder: Path, data: bytes) -> None:
        raise KeyError("x")

    monkeypatch.setitem(fuzz.TARGETS, "broken", fuzz.Target(broken, lambda: [b"one", b"two"]))
    monkeypatch.setattr(fuzz, "FINDINGS", tmp_path / "findings")
    monkeypatch.setattr(fuzz, "_bounded", lambda: None)
    assert fuzz._child("broken", 0, 0, tmp_path / "current") == 1
    kept = sorted((tmp_path / "findings").iterdir())
    assert [path.suffix for path in kept] == ["", ".txt"]
    assert kept[0].read_bytes() == b"one"
    assert "KeyError" in kept[1].read_text()


def test_mutations_are_the_same_for_the_same_seed() -> None:
    """A run can be repeated: the generator depends on its seed alone."""
    made = [[fuzz.mutated(random.Random(number), [b"name,country\nRed Fox,CN\n"]) for number in range(20)]] * 2
    assert made[0] == made[1]
    assert len(set(made[0])) > 15
