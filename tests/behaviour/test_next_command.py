"""However a command fails, the next one to type is said, and it can be typed."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress

import pytest

import importer
from importer.cli import offline
from importer.cli.console import Messages
from importer.cli.main import main
from importer.cli.parser import build_parser
from importer.errors import ExitCode, ImporterError, UsageError
from importer.sandbox.settings import DEFAULT_ACCOUNT
from tests.behaviour.inside import Here

LIST = "Actor,Country\nGilt Otter,Chile\nPlum Heron,Peru\n"


def kinds() -> Iterator[type[ImporterError]]:
    """Every class of error in the program."""
    for module in pkgutil.walk_packages(importer.__path__, "importer."):
        if not module.name.endswith(("__main__", "workbook_child")):
            importlib.import_module(module.name)
    todo: list[type[ImporterError]] = [ImporterError]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind is not ImporterError:
            yield kind


def typed(err: str) -> str:
    """The command that the last lines name; it fails where there is none, or the parser does not know it."""
    found = re.findall(r"^ {2}(?:Next|To try again): (.+)$", err, re.MULTILINE)
    assert len(found) == 1, err
    command: str = found[0]
    words = [word for word in shlex.split(command) if not re.match("[A-Z_]+=", word)]
    assert words[0] == "tag-importer"
    with suppress(SystemExit):  # --help
        build_parser().parse_args(words[1:])
    return command


def test_every_kind_of_error_has_one(capsys: pytest.CaptureFixture[str]) -> None:
    """No class of error can be added without a command that gets a person on."""
    for kind in kinds():
        error = kind.__new__(kind)
        ImporterError.__init__(error, "It went wrong.")
        Messages().explain(error, ["apply", "a list.csv"])
        said = typed(capsys.readouterr().err)
        assert "apply" in said or "doctor" in said, kind


@pytest.mark.parametrize(
    ("words", "code", "then"),
    [
        ("", 2, "tag-importer --help"),
        ("validte list.csv", 2, "tag-importer validate list.csv"),
        ("validate", 2, "tag-importer validate --help"),
        ("validate list.csv --frob", 2, "tag-importer validate --help"),
        ("validate list.csv --by knd", 2, "tag-importer validate list.csv --by kind"),
        ("validate lst.csv", 3, "tag-importer validate list.csv"),
        ("validate list.csv --annotate out.csv", 2, "tag-importer validate list.csv --annotate out.xlsx"),
        ("validate lsts/list.csv", 3, "tag-importer validate lists/list.csv"),
        ("export backup --sandbox", 2, "tag-importer export backup.csv --sandbox"),
        ("validate other/none.csv", 3, "tag-importer validate other/none.csv"),
        ("validate prices.csv", 3, "tag-importer validate prices.csv --map value=COLUMN"),
        ("validate list.csv --mapping broken.yaml", 2, "tag-importer validate list.csv --mapping broken.yaml"),
        ("plan job.yaml", 2, "tag-importer plan job.yaml"),
        ("plan list.csv", 2, "tag-importer plan list.csv --sandbox"),
        ("apply list.csv --sandbox --max-creates 1", 5,
         "tag-importer apply list.csv --sandbox --max-creates 1 --max-creates 2"),
        ("plan list.csv --sandbox --out list.csv/run", 2, "tag-importer plan list.csv --sandbox --out list.csv/run"),
        ("resume none", 2, "tag-importer runs"),
        ("mapping show none", 2, "tag-importer mapping list"),
        ("mapping show atack", 2, "tag-importer mapping show attack"),
        ("explain unknown-contry", 2, "tag-importer explain unknown-country"),
        ("categories show None --sandbox", 2, "tag-importer categories list --sandbox"),
        ("export list.csv --sandbox", 2, "tag-importer export list.csv --sandbox --force"),
    ],
)  # fmt: skip
def test_after_a_failure_it_is_said(here: Here, words: str, code: int, then: str) -> None:
    """In text the last line is the command; with --format json the error is JSON, for the parser's complaints too."""
    (here.folder / "list.csv").write_text(LIST)
    (here.folder / "lists").mkdir()
    (here.folder / "lists" / "list.csv").write_text(LIST)
    (here.folder / "prices.csv").write_text("Widget,Price\nBolt,12\nNut,13\n")
    (here.folder / "broken.yaml").write_text("fields: [")
    (here.folder / "job.yaml").write_text("sources: [list.csv]\nodd: 1\n")
    ran = here(*words.split())
    assert (ran.code, typed(ran.err)) == (code, then)
    told = json.loads(here(*words.split(), "--format", "json").out)["error"]
    assert told["exit_code"] == code
    assert told["next"].replace(" --format json", "").split()[:2] == then.split()[:2]


def test_a_fault_of_the_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody thought of ends with a sentence, in JSON too, and the command that shows where."""

    def broken(_namespace: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(offline, "fields", broken)
    assert main(["fields", "--format", "json"]) == ExitCode.PROGRAM_FAULT
    said = capsys.readouterr()
    assert typed(said.err) == "TAG_IMPORTER_TRACEBACK=1 tag-importer fields --format json"
    assert json.loads(said.out)["error"]["exit_code"] == 70


def test_what_was_typed_is_said_without_what_is_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """The command line is repeated, but not the password of a URL in it, nor what is behind an unknown flag."""
    Messages().explain(UsageError("Wrong.", then="{again}"), ["plan", "https://me:hunter22@feeds.example/x"])
    assert "hunter22" not in capsys.readouterr().err
    main(["plan", "x.csv", "--tokn", "hunter22"])
    assert "hunter22" not in capsys.readouterr().err


def test_a_run_of_the_sandbox_says_so(here: Here) -> None:
    """A run that was made in the sandbox and is taken up without --sandbox: the way back is one command."""
    (here.folder / "list.csv").write_text(LIST)
    here.ok("apply", "list.csv", "--sandbox", "--yes", "--out", "run")
    ran = here("resume", "run")
    assert ran.code == 2
    assert "run run was made in the sandbox" in ran.err
    assert typed(ran.err) == "tag-importer resume run --sandbox"
    here.ok("resume", "run", "--sandbox")
    assert here("undo", "run", "--yes", env={"CLOUDFLARE_ACCOUNT_ID": DEFAULT_ACCOUNT}).code == 2
