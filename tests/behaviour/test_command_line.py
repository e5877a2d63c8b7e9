"""The command line explains itself: examples that work, completion for three shells, a manual page."""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from importer.cli.examples import EXAMPLES
from importer.cli.man_page import man_page
from importer.cli.parser import build_parser
from tests.behaviour.inside import Here, rows
from tests.behaviour.program import Cli


def commands(parser: argparse.ArgumentParser, above: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command, with its action, and its parser."""
    yield above, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from commands(below, f"{above} {name}".strip())


@pytest.mark.parametrize("name", [name for name, _ in commands(build_parser())])
def test_each_help_has_two_examples_that_can_be_typed(name: str) -> None:
    """The help of every command shows two command lines, and the grammar takes each of them."""
    shown = dict(commands(build_parser()))[name].format_help()
    assert len(EXAMPLES[name]) == 2, "importer/cli/examples.py"
    for example in EXAMPLES[name]:
        assert f"  tag-importer {example}\n" in shown
        words = shlex.split(example.partition(" > ")[0])
        build_parser().parse_args(words)
        assert " ".join(words).startswith(name)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_commands_and_flags(here: Here, shell: str) -> None:
    """The script names every command and its flags, and the shell, where there is one, can read it."""
    script = here.ok("completion", shell).out
    assert all(word in script for word in ("validate", "--annotate" if shell != "fish" else "annotate", "sandbox"))
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)
    assert here("completion", "cmd").code == 2


def test_bash_completes_a_command_and_a_flag(here: Here) -> None:
    """What is typed half is completed as a shell would."""
    script = here.ok("completion", "bash").out
    for typed, wanted in (("valid", "validate"), ("validate --anno", "--annotate")):
        words = ["tag-importer", *typed.split()]
        function = "$(complete -p tag-importer | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
        ask = f"{script}\nCOMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}\n"
        ask += f"{function} tag-importer\necho ${{COMPREPLY[@]}}"
        done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=False)
        assert wanted in done.stdout.split(), done.stderr


def test_the_manual_page_holds_every_command_and_flag(here: Here) -> None:
    """It is made from the grammar when it is asked for, so that it is always the program's own."""
    page = here.ok("--man").out
    assert page == man_page(build_parser())
    assert page.startswith(".TH TAG-IMPORTER 1")
    for name, parser in commands(build_parser()):
        assert not name or f'.SS "{name}"' in page
        for flag in (flag for action in parser._actions[1:] for flag in action.option_strings if name):
            assert flag.replace("-", "\\-") in page
    if program := shutil.which("groff"):
        done = subprocess.run(
            [program, "-man", "-ww", "-Tutf8"], input=page, capture_output=True, text=True, check=True
        )
        assert not done.stderr.strip()


def test_the_sandbox_can_be_emptied(here: Here) -> None:
    """After `sandbox reset` a list is new again, with nothing of what an earlier run was told."""
    rows(here.folder / "a.csv", "Name,Country", "Red Fox,IR")
    here.ok("apply", "a.csv", "--sandbox")
    assert here.ok("plan", "a.csv", "--sandbox", "--format", "json").json["actions"]["unchanged"] == 1
    assert here.ok("sandbox", "reset").err == "the sandbox tag-importer-runs/sandbox.sqlite3 is empty\n"
    assert here.ok("plan", "a.csv", "--sandbox", "--format", "json").json["actions"]["create"] == 1
    here.ok("sandbox", "reset")
    here.ok("sandbox", "reset")


def test_a_terminal_without_any_secret_is_written_to(cli: Cli, samples: Path) -> None:
    """What is styled for a terminal is shown where no token is set, and nothing has to be masked."""
    ran = cli("validate", samples / "mistakes.xlsx", env={"FORCE_COLOR": "1"})
    assert ran.code == 1, ran.err
    assert "\x1b[" in ran.out or "15 rows" in ran.out


def test_an_error_is_json_where_json_is_asked_for(here: Here) -> None:
    """A fatal error of plan and of apply is a document on standard output too, with its exit code."""
    for command in ("plan", "apply"):
        ran = here(command, "missing.csv", "--sandbox", "--format", "json")
        assert ran.code == ran.json["error"]["exit_code"] == 3
        assert "missing.csv" in ran.json["error"]["message"]
        assert "missing.csv" in ran.err


def test_only_what_is_near_is_suggested(here: Here) -> None:
    """A command that is like none is not answered with all of them; a slip is answered with what is meant."""
    assert "choose from" not in here("foo").err
    assert "did you mean" not in here("foo").err
    assert "did you mean validate?" in here("valdate").err


def test_the_end_is_said_once_and_validate_ends_with_where(here: Here) -> None:
    """A run's end is one line with one duration; validate ends with which rows need work, and what explains them."""
    rows(here.folder / "a.csv", "Name,Country", "Red Fox,IR")
    ran = here.ok("apply", "a.csv", "--sandbox")
    assert (ran.out + ran.err).count("finished after") == 1
    rows(here.folder / "a.csv", "Name,Country", "Red Fox,IR", ",IR", "Grey Wolf,IR")
    *_, how, counts = here("validate", "a.csv").out.splitlines()
    assert how.endswith("tag-importer explain missing-name")
    assert counts == "3 rows: 2 ready, 1 needs work (row 3); 1 error"


def test_thousands_of_warnings_are_a_page(here: Here) -> None:
    """Several lists with warnings of many kinds take a page, in which each kind is counted, and each error is there."""
    head = "Name,Aliases,Country,Motive,First seen,Site"
    for one in "abcd":
        lines = [
            f"{one.upper()}x Fox {at},{one} {at};{one} {at},Land {at},Why {at},in {at},site {at}" for at in range(99)
        ]
        rows(here.folder / f"{one}.csv", head, *lines, ",,IR,,,")
    ran = here("validate", "a.csv", "b.csv", "c.csv", "d.csv")
    assert ran.code == 1
    assert len(ran.out.splitlines()) < 50
    assert "error missing-name (4 times)" in ran.out
    assert ran.out.splitlines()[-1].startswith(
        "400 rows: 396 ready, 4 need work (a.csv row 101, b.csv row 101, c.csv row 101, d.csv row 101); 4 errors, "
    )
    codes = {issue["code"] for issue in here("validate", "a.csv", "b.csv", "--format", "json").json["issues"]}
    assert {code for code in codes - {"unread-columns"} if code not in ran.out} == set()


def test_runs_finds_what_out_put_elsewhere(here: Here) -> None:
    """A run with --out is listed by its folder, which the other commands take, as long as it is there."""
    rows(here.folder / "a.csv", "Name,Country", "Red Fox,IR")
    here.ok("apply", "a.csv", "--sandbox", "--out", "deep/mine")
    here.ok("apply", "a.csv", "--sandbox")
    first, second = here.ok("runs", "--format", "json").json["runs"]
    assert second["run"] == "deep/mine"
    assert first["run"] != second["run"]
    assert here.ok("undo", second["run"], "--sandbox", "--yes").code == 0
    shutil.rmtree(here.folder / "deep")
    assert len(here.ok("runs", "--format", "json").json["runs"]) == 2, "the undo has a folder of its own"
    assert here.ok("runs", "--dir", ".", "--format", "json").json["runs"] == []


def test_what_is_no_list_is_named_for_what_it_is(here: Here) -> None:
    """A lock file, a run's folder, a folder without a list, a job with a slip in `sources`: each is told as that."""
    rows(here.folder / "a.csv", "Name,Country", "Red Fox,IR")
    (here.folder / "~$a.csv").write_bytes(b"\x05Alice")
    assert "Next: tag-importer validate a.csv" in here("validate", "~$a.csv").err
    assert "1 ready" in here.ok("validate", "*.csv").out
    here.ok("apply", "a.csv", "--sandbox", "--out", "mine")
    run = here("apply", "mine", "--sandbox")
    assert (run.code, "apply mine/plan.json" in run.err) == (3, True)
    (here.folder / "texts").mkdir()
    (here.folder / "texts" / "read.txt").write_text("hello\nyou there\n")
    empty = here("validate", "texts")
    assert (empty.code, "no list of actors was found there" in empty.err) == (3, True)
    (here.folder / "job.yaml").write_text("name: nightly\nsoruces: [a.csv]\n")
    job = here("validate", "job.yaml")
    assert (job.code, "did you mean 'sources'?" in job.err) == (2, True)
    (here.folder / "actor.yaml").write_text("- name: Red Fox\n  source: somebody\n")
    assert here("validate", "actor.yaml").code == 0


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_plan_beyond_its_limits_is_one_json_document(here: Here, command: str) -> None:
    """With --format json what stops a run is one document, whatever was known by then."""
    rows(here.folder / "a.csv", "Name", "Red Fox", "Tin Owl")
    ran = here(command, "a.csv", "--sandbox", "--max-creates", "1", "--format", "json")
    assert (ran.code, ran.json["error"]["exit_code"]) == (5, 5)
