"""What a run leaves is for its owner alone, and is written where it was asked for and nowhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import pytest

from tests.behaviour.inside import Here, rows


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_folders_and_files_are_private_whatever_the_umask(here: Here) -> None:
    """Run folders, the sandbox's database, state and exports: 0700 and 0600 under any umask."""
    source = here.folder / "a.csv"
    rows(source, "Name,Country", "Tin Otter,CN", "Tin Mole,Freedonia")
    source.chmod(0o600)
    here("apply", "a.csv", "--sandbox", "--out", "deep/er/run")
    here("export", "held.csv", "--sandbox")
    found = [path for path in here.folder.rglob("*") if path != source]
    assert {"journal.jsonl", "results.csv", "sandbox.sqlite3", "plan.json", "plan-seal.key", "held.csv"} <= {
        path.name for path in found
    }
    for path in found:
        wanted = 0o700 if path.is_dir() else 0o600
        if path.suffix not in (".lock", ".yaml"):
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_nothing_is_written_through_a_link(here: Here) -> None:
    """--out that is a link, to a folder or to nowhere, is refused; so is a journal or a database laid as one."""
    rows(here.folder / "a.csv", "Name", "Tin Otter")
    there = here.folder / "there"
    there.mkdir()
    for target in (there, here.folder / "nowhere"):
        link = here.folder / f"to-{target.name}"
        link.symlink_to(target)
        ran = here("apply", "a.csv", "--sandbox", "--out", link)
        assert ran.code == 2
        assert "link" in ran.err
    assert not any(there.iterdir())
    assert not (here.folder / "nowhere").exists()
    (there / "journal.jsonl").symlink_to(here.folder / "elsewhere")
    assert here("apply", "a.csv", "--sandbox", "--out", there).code == 2
    (here.folder / "base.sqlite3").symlink_to(here.folder / "elsewhere")
    assert here("apply", "a.csv", "--sandbox", "--sandbox-db", "base.sqlite3").code == 2
    assert not (here.folder / "elsewhere").exists()


@pytest.mark.skipif("os.geteuid() != 0", reason="only root can make a folder of another user")
def test_a_folder_of_another_user_is_not_taken(here: Here) -> None:
    """--out in a folder that somebody else owns is refused: they could replace what is written."""
    rows(here.folder / "a.csv", "Name", "Tin Otter")
    theirs = here.folder / "theirs"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    ran = here("apply", "a.csv", "--sandbox", "--out", theirs)
    assert ran.code == 2
    assert "another user" in ran.err


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_names_and_headers_are_no_commands_to_a_build(here: Here, form: str) -> None:
    """Nothing that a list holds reaches the log of a build as `##[...]`, `##vso[` or a line that begins with `::`."""
    rows(
        here.folder / "a.csv",
        "Name,##[error]Header,::set-output name=x::y,Country",
        "##[command]Tin,a,b,Freedonia",
        "::error::Otter,a,b,##vso[task.complete]x",
        "Fine,::stop-commands::x,##[debug]y,China",
    )
    for ran in (
        here("validate", "a.csv", "--format", form),
        here("plan", "a.csv", "--sandbox", "--format", form),
        here("apply", "a.csv", "--sandbox", "--format", form),
    ):
        for line in (ran.out + ran.err).splitlines():
            assert "##[" not in line, line
            assert "##vso[" not in line, line
            assert not line.lstrip().startswith("::"), line
