"""Development commands that are not part of every change: `nox --list` names them, `nox -s NAME` runs one.

Another Python than the one nox runs with: `nox -s releases --force-python 3.13`.
"""

from __future__ import annotations

from pathlib import Path

import nox

nox.options.sessions = []
LOCKS = ("requirements.lock", "requirements-dev.lock")


@nox.session
def lock(session: nox.Session) -> None:
    """Writes both lock files from pyproject.toml; `-- --upgrade` moves every pin to its newest release."""
    session.install("uv")
    build = Path(session.create_tmp()) / "build.in"
    build.write_text("\n".join(nox.project.load_toml("pyproject.toml")["build-system"]["requires"]))
    compiled = (
        *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--fork-strategy", "fewest"),
        *("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--custom-compile-command", "nox -s lock"),
        *("pyproject.toml", str(build), *session.posargs),
    )
    session.run(*compiled, "--output-file", LOCKS[0])
    # What is pinned for every system already is not pinned again.
    pins = [line for line in Path(LOCKS[0]).read_text("utf-8").splitlines() if "==" in line and ";" not in line]
    held = [f"--no-emit-package={pin.partition('==')[0]}" for pin in pins]
    session.run(*compiled, "--extra", "dev", "--constraint", LOCKS[0], *held, "--output-file", LOCKS[1])


@nox.session
@nox.parametrize("resolution", ["highest", "lowest-direct"], ids=["newest", "lowest"])
def releases(session: nox.Session, resolution: str) -> None:
    """Runs the tests on the newest release of everything, and on the lower bounds of pyproject.toml."""
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
    session.install("--require-hashes", *(option for name in LOCKS for option in ("--requirement", name)))
    session.install("mutmut==3.8.1")
    session.run("mutmut", "run", "--max-children", "2", *session.posargs)
    session.run("mutmut", "results")
