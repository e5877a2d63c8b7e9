"""Development commands: `nox --list` names them, `nox -s NAME` runs one, `-- WORDS` hands words on to it.

Each makes an environment of its own from the lock. In the one of the README, which has everything already:
`.venv/bin/nox -s test --no-venv`. Another Python than the one nox runs with: `nox -s newest --force-python 3.13`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nox

nox.options.sessions = ["lint", "test"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
LOCKED = ("--require-hashes", *(word for name in LOCKS for word in ("--requirement", name)))


def _ready(session: nox.Session) -> None:
    """The environment of the lock, with this checkout in it; with --no-venv that which nox itself is in."""
    if not session.virtualenv.is_sandboxed:
        os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    else:
        session.install(*LOCKED)
        session.install("--no-deps", "--no-build-isolation", "--editable", ".")


@nox.session
def test(session: nox.Session) -> None:
    """All tests, or those that are named: `-- tests/engine -k undo`."""
    _ready(session)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types and layers; `-- --fix` mends what can be mended."""
    _ready(session)
    session.run("ruff", "check", ".", *session.posargs)
    session.run("ruff", "format", *(() if session.posargs else ("--check",)), ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Whether README and docs say what the program does: their commands and their code are run."""
    _ready(session)
    session.run("python", "-m", "pytest", "tests/readme", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """How fast it is, against bare clients; `-- --smoke` for a short look."""
    _ready(session)
    session.run("python", "tests/benchmarks/run.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Random and broken input for every reader: `-- 600` seconds in all, `-- 60 ods json` for these alone."""
    _ready(session)
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
@nox.parametrize("resolution", ["highest", "lowest-direct"], ids=["highest", "lowest"])
def newest(session: nox.Session, resolution: str) -> None:
    """The tests on the newest release of everything, and on the lower bounds of pyproject.toml."""
    session.install("uv")
    python = ("--python", session.virtualenv.location)
    session.run("uv", "pip", "install", *python, "--upgrade", "--resolution", resolution, "--editable", ".[dev]")
    session.run("uv", "pip", "list", *python)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def mutate(session: nox.Session) -> None:
    """Changes engine/ and remote/ a little at a time and runs the tests that reach the change; lists what they miss.

    Hours for everything; `-- 'importer.engine.undo*'` for a part. It goes on where it was stopped.
    """
    session.install(*LOCKED)
    session.install("mutmut==3.8.1")
    session.run("mutmut", "run", "--max-children", "2", *session.posargs)
    session.run("mutmut", "results")


@nox.session
def audit(session: nox.Session) -> None:
    """Known holes in what the lock pins. Where their database is out of reach it says so, and does not fail."""
    session.install("pip-audit")
    found = Path(session.create_tmp()) / "audit.json"
    found.unlink(missing_ok=True)
    session.run("pip-audit", "--disable-pip", "--require-hashes", "--requirement", LOCKS[0], "--format", "json",
                "--output", str(found), success_codes=[0, 1])  # fmt: skip
    packages = json.loads(found.read_text("utf-8"))["dependencies"] if found.exists() else []
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):
        session.warn("The database of holes is out of reach: nothing was audited.")
    elif unknown:
        session.warn(f"Not in the database: {', '.join(unknown)}")
    holes = [f"{package['name']} {package['version']}: {hole['id']}" for package in packages
             for hole in package.get("vulns", ())]  # fmt: skip
    if holes:
        session.error("\n".join(holes))


@nox.session
def licences(session: nox.Session) -> None:
    """The licence of each package that the program needs; fails on one that nobody has agreed to."""
    _ready(session)
    session.run("python", "-m", "tools.licences")


@nox.session
def lock(session: nox.Session) -> None:
    """Writes the lock files from pyproject.toml; `-- --upgrade` moves every pin to its newest release."""
    session.install("uv")
    build = Path(session.create_tmp()) / "build.in"
    build.write_text("\n".join(nox.project.load_toml("pyproject.toml")["build-system"]["requires"]))
    # Extras stay in the pins: beside a bare `coverage==1`, an older pip takes the newest release for `coverage[toml]`.
    pinned = (
        *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--fork-strategy", "fewest"),
        *("--no-strip-extras", "--no-emit-index-url", "--no-annotate", "--custom-compile-command", "nox -s lock"),
        *session.posargs,
    )
    compiled = (*pinned, "--generate-hashes", "pyproject.toml", str(build))
    session.run(*compiled, "--output-file", LOCKS[0])
    # What is pinned for every system already is not pinned again.
    pins = [line for line in Path(LOCKS[0]).read_text("utf-8").splitlines() if "==" in line and ";" not in line]
    held = [f"--no-emit-package={pin.partition('==')[0].partition('[')[0]}" for pin in pins]
    session.run(*compiled, "--extra", "dev", "--constraint", LOCKS[0], *held, "--output-file", LOCKS[1])
    # What the DAG is tested with; tests/beside.py installs it.
    airflow = Path(session.create_tmp()) / "airflow.in"
    airflow.write_text("apache-airflow-core==3.3.2")
    session.run(*pinned, str(airflow), "--output-file", "tests/network/airflow.lock")
