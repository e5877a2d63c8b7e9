"""What is handed to others: a wheel and an archive of the sources that hold what they should, under known licences."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tools.licences import licence, needed, refused

ROOT = Path(__file__).parents[1]
JUNK = re.compile(r"(^|/)(\.|__pycache__|tag-importer-runs|node_modules)|\.(pyc|sqlite3|log|part|env|pem|key)$")


def _tracked(*folders: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a checkout")
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the archive of the sources."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    return folder


def test_the_wheel_holds_the_package_and_its_yaml_alone(built: Path) -> None:
    """Every tracked file of importer/ and config/, the licence and metadata; no test, no leftover, nothing else."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    expected = _tracked("importer") | {f"importer/{name}" for name in _tracked("config")}
    own = {name for name in names if ".dist-info/" in name}
    assert names - own == expected
    assert {name.rpartition("/")[2] for name in own} == {
        "METADATA", "WHEEL", "RECORD", "LICENSE", "LGPL-2.1-or-later.txt", "entry_points.txt"
    }  # fmt: skip


def test_the_sources_hold_what_a_packager_needs(built: Path) -> None:
    """What git tracks, and nothing that lay about in the checkout; enough to build the wheel and to run the tests."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert names >= {"pyproject.toml", "README.md", "LICENSE", "SECURITY.md", "PKG-INFO", "importer/cli/main.py"}
    assert names - {"PKG-INFO"} <= _tracked()
    assert names >= _tracked("importer", "config", "samples", "tests", "docs", "tools")
    assert not [name for name in names if JUNK.search(name) and name not in _tracked()]


def test_no_link_leads_out_of_what_is_handed_out(built: Path) -> None:
    """Neither archive holds a link or a path that leaves its folder."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        for member in archive.getmembers():
            assert member.isfile() or member.isdir()
            assert not member.name.startswith("/")
            assert ".." not in member.name.split("/")


def test_every_dependency_has_a_licence_that_was_agreed_to() -> None:
    """Of the packages that the lock pins none has a licence that nobody has looked at."""
    seen = 0
    for name in needed():
        try:
            said = licence(distribution(name))
        except PackageNotFoundError:
            continue
        seen += 1
        assert not refused(name, said), f"{name}: {said}"
    assert seen > 10
    assert refused("x", "GPL-3.0-only")
    assert refused("x", "MIT AND SSPL-1.0")
    assert not refused("x", "MIT OR Apache-2.0")
