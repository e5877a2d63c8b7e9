"""The lock files hold what pyproject.toml asks for, and nothing that one machine alone can install."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUN = PROJECT["build-system"]["requires"] + PROJECT["project"]["dependencies"]
DEVELOP = RUN + PROJECT["project"]["optional-dependencies"]["dev"]


def pins(*names: str) -> dict[str, Requirement]:
    """The pins of these lock files by name."""
    found: dict[str, Requirement] = {}
    for name in names:
        for line in (ROOT / name).read_text("utf-8").splitlines():
            if line and not line.startswith(("#", " ")):
                pin = Requirement(line.removesuffix("\\"))
                assert found.setdefault(pin.name, pin).specifier == pin.specifier, f"{pin.name} is pinned twice"
    return found


@pytest.mark.parametrize(
    ("files", "wanted"),
    [(["requirements.lock"], RUN), (["requirements.lock", "requirements-dev.lock"], DEVELOP)],
    ids=["run", "develop"],
)
def test_each_dependency_is_pinned_at_a_version_that_fits(files: list[str], wanted: list[str]) -> None:
    """A lock that is older than pyproject.toml is noticed; `nox -s lock` mends it."""
    found = pins(*files)
    for text in wanted:
        requirement = Requirement(text)
        pin = found.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not in {' or '.join(files)}: run nox -s lock"
        (version,) = [specifier.version for specifier in pin.specifier]
        assert requirement.specifier.contains(version), f"{pin} is not {requirement}: run nox -s lock"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_each_pin_is_exact_and_has_hashes(name: str) -> None:
    """Only pins with `==`, each with its hashes: no address, no path, no option of one machine."""
    text = (ROOT / name).read_text("utf-8")
    pin = re.compile(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==[\w.]+( ; [^\\]+)? \\(\n    --hash=sha256:[0-9a-f]{64}( \\)?)+")
    assert not re.sub(r"#.*|" + pin.pattern, "", text).strip()


def test_what_a_package_needs_with_an_extra_is_pinned_with_it() -> None:
    """A newer release of `coverage` stops no installation: pip looks for `coverage[toml]` under a pin of its own."""
    locked = pins("requirements.lock", "requirements-dev.lock")
    asked = 0
    for package in importlib.metadata.distributions():
        if canonicalize_name(package.name) not in locked:
            continue
        for text in package.requires or ():
            needed = Requirement(text)
            if needed.extras and (needed.marker is None or needed.marker.evaluate({"extra": ""})):
                pin = locked[canonicalize_name(needed.name)]
                assert needed.extras <= pin.extras, f"{package.name} needs {needed}: run nox -s lock"
                asked += 1
    assert asked, "no package here needs another with an extra: pytest-cov did"
