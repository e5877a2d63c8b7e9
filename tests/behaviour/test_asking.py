"""What changes an account asks the person at the terminal first, wherever its outputs go; without one, nothing is
deleted that nobody has agreed to."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.behaviour.inside import Here, rows
from tests.behaviour.program import Served, environment

QUESTION = "[y/N] "
SANDBOX = ("--sandbox", "--sandbox-db", "s.sqlite3")


@dataclass
class Asked:
    """A finished command that had a terminal for its standard input."""

    code: int
    screen: str
    """What came to the terminal until the question (all of it, where there was none)."""
    out: str
    err: str

    @property
    def question(self) -> str:
        return self.screen.splitlines()[-1]


@dataclass
class Person:
    """Sits at a terminal from which a command reads; `shows` are the streams that are shown there, others are files."""

    folder: Path

    def __call__(
        self, *args: str | Path, answer: str = "", shows: str = "", env: dict[str, str] | None = None,
        number: signal.Signals | None = None,
    ) -> Asked:  # fmt: skip
        keys, terminal = pty.openpty()
        env = environment(self.folder, {"COLUMNS": "1000", "TERM": "dumb", **(env or {})})
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would be ignored, as it should
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "importer", *map(str, args)], cwd=self.folder, env=env, stdin=terminal,
                stdout=terminal if "out" in shows else out, stderr=terminal if "err" in shows else err,
            )  # fmt: skip
        signal.signal(signal.SIGHUP, before)
        os.close(terminal)
        seen = b""
        while QUESTION.encode() not in seen:
            try:
                seen += os.read(keys, 4096)
            except OSError:  # nobody has the terminal open any more: it ended without a question
                break
        if number is not None:
            process.send_signal(number)
        elif QUESTION.encode() in seen:
            os.write(keys, answer.encode())
        while True:  # what follows the answer is of no interest, but it must be read
            try:
                os.read(keys, 4096)
            except OSError:
                break
        os.close(keys)
        texts = ((self.folder / name).read_text("utf-8") for name in ("out", "err"))
        return Asked(process.wait(60), seen.decode(), *texts)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """A command with a person, in the folder of the test."""
    rows(tmp_path / "a.csv", "name,country,aliases", "Red Fox,France,Fox", "Blue Owl,France,", ",France,")
    return Person(tmp_path)


@pytest.mark.parametrize("shows", ["", "err", "out", "out err"])
def test_a_person_at_the_keyboard_is_asked_wherever_the_outputs_go(shows: str, person: Person, here: Here) -> None:
    """The question comes to the terminal, as the last thing on it, with the plan above it; y goes on."""
    ran = person("apply", "a.csv", *SANDBOX, answer="y\n", shows=shows)
    assert ran.code == 1, "one row is in error"
    assert ran.screen.endswith(QUESTION)
    assert "+ create           2" in ran.screen
    assert QUESTION not in ran.out + ran.err
    assert len(here.tags(*SANDBOX)) == 2


def test_the_question_says_what_would_happen_and_where(person: Person, served: Served, here: Here) -> None:
    """Account, an endpoint that isn't Cloudflare's own, creates, updates, deletes, rows in error, values others see."""
    ran = person("apply", "a.csv", env=served.env, shows="err", answer="n\n")
    account, url = served.env["CLOUDFLARE_ACCOUNT_ID"], served.env["CLOUDFLARE_BASE_URL"]
    assert f"account {account} at {url}: 2 creates, 0 updates, 0 deletes; 1 row in error" in ran.question
    shown = here("plan", "a.csv", "--format", "json", env=served.env).json["exposure"]
    public, undocumented = shown["public_values"], shown["undocumented_values"]
    assert public
    assert undocumented
    assert f"others will see {public} values, and perhaps {undocumented} more" in ran.question
    assert f"sandbox {SANDBOX[-1]}: 2 creates" in person("apply", "a.csv", *SANDBOX, answer="n\n").question


@pytest.mark.parametrize("answer", ["n\n", "no\n", "\n", "\x04", "maybe\n", "yy\n", "nyes\n"])
def test_only_yes_is_yes(answer: str, person: Person, here: Here) -> None:
    """No, nothing, an end of input and everything else change nothing: exit code 6, and it is told."""
    ran = person("apply", "a.csv", *SANDBOX, answer=answer)
    assert ran.code == 6
    assert "nothing was attempted" in ran.err
    assert ("no answer" in ran.err) == (answer == "\x04")
    assert not list(here.folder.glob("tag-importer-runs/*/journal.jsonl"))
    assert not here.tags(*SANDBOX)


@pytest.mark.parametrize("answer", ["yes\n", " Y \n"])
def test_yes_in_other_words(answer: str, person: Person, here: Here) -> None:
    """`yes` and a capital, with blanks around, are a yes."""
    assert person("apply", "a.csv", *SANDBOX, answer=answer).code == 1
    assert len(here.tags(*SANDBOX)) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_question(number: signal.Signals, person: Person, here: Here) -> None:
    """Ctrl-C, or a terminal that goes away, at the question: nothing was attempted, exit code 6."""
    ran = person("apply", "a.csv", *SANDBOX, number=number)
    assert ran.code == 6
    assert "nothing was attempted" in ran.err
    assert not here.tags(*SANDBOX)


@pytest.mark.parametrize("given", [("--yes",), ("--dry-run",)])
def test_nobody_is_asked_who_has_answered(given: tuple[str, ...], person: Person) -> None:
    """--yes, or a command that changes nothing, asks nothing."""
    ran = person("apply", "a.csv", *SANDBOX, *given, shows="out err")
    assert ran.code == 1
    assert QUESTION not in ran.screen


def test_nobody_is_asked_about_nothing(person: Person, here: Here) -> None:
    """A plan that would change no tag is not asked about."""
    here("apply", "a.csv", *SANDBOX)
    assert QUESTION not in person("apply", "a.csv", *SANDBOX, shows="err").screen


def test_a_saved_plan_and_an_undo_ask_too(person: Person, here: Here) -> None:
    """`apply PLAN` and `undo RUN` ask as `apply` does, and go by the answer."""
    here("plan", "a.csv", *SANDBOX, "--out", "run")
    assert person("apply", "run/plan.json", *SANDBOX, answer="n\n").code == 6
    assert not here.tags(*SANDBOX)
    assert person("apply", "run/plan.json", *SANDBOX, answer="y\n").code == 1
    asked = person("undo", "run", *SANDBOX, answer="n\n")
    assert "Undo run run in the sandbox s.sqlite3: 0 creates, 0 updates, 2 deletes" in asked.question
    assert len(here.tags(*SANDBOX)) == 2
    assert person("undo", "run", *SANDBOX, answer="y\n").code == 0
    assert not here.tags(*SANDBOX)


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A sandbox with its own process, whose quota comes back each second."""
    return serve("--quota", "9", "--window", "1")


def test_a_resume_asks_with_what_is_left(person: Person, served: Served, here: Here) -> None:
    """`resume` says how much of its run is left, and a no leaves it as it is."""
    rows(here.folder / "a.csv", "name", *(f"Actor {number}" for number in range(12)))
    assert here("apply", "a.csv", "--out", "run", "--max-wait", "0", env=served.env).code == 6
    left = json.loads((here.folder / "run" / "summary.json").read_text("utf-8"))["counts"]["not_attempted"]
    assert 0 < left < 12
    journal = (here.folder / "run" / "journal.jsonl").read_bytes()
    asked = person("resume", "run", env=served.env, answer="n\n")
    assert asked.code == 6
    assert f": {left} creates, 0 updates" in asked.question
    assert (here.folder / "run" / "journal.jsonl").read_bytes() == journal
    assert person("resume", "run", env=served.env, answer="y\n").code == 0
    assert QUESTION not in person("resume", "run", env=served.env).screen, "nothing is left"
    assert len(here.tags(env=served.env)) == 12


def test_an_undo_that_nobody_agreed_to(here: Here) -> None:
    """Without a terminal and without --yes an undo deletes nothing: exit code 2, and how to go on."""
    rows(here.folder / "a.csv", "name", "Red Fox")
    here.ok("apply", "a.csv", *SANDBOX, "--out", "run")
    ran = here("undo", "run", *SANDBOX)
    assert ran.code == 2
    assert "--yes" in ran.err
    assert len(here.tags(*SANDBOX)) == 1
    here.ok("undo", "run", *SANDBOX, "--dry-run")
    here.ok("undo", "run", *SANDBOX, "--yes")
    assert not here.tags(*SANDBOX)


def test_pruning_needs_a_word_of_somebody(here: Here) -> None:
    """Without a terminal `--prune` needs --yes or a job file that says so; with a flag alone nothing is attempted."""
    marked = ("--mode", "upsert", "--managed-by", "nightly", "--max-deletes", "none", "--max-shrink", "none")
    names = ["Red Fox", "Blue Owl", "Grey Cat"]
    rows(here.folder / "a.csv", "name", *names)
    here.ok("apply", "a.csv", *SANDBOX, *marked)
    rows(here.folder / "a.csv", "name", *names[:2])
    refused = here("apply", "a.csv", *SANDBOX, *marked, "--prune")
    assert refused.code == 2
    assert "--yes" in refused.err
    here.ok("plan", "a.csv", *SANDBOX, *marked, "--prune", "--out", "plan")
    refused = here("apply", "plan/plan.json", *SANDBOX)
    assert refused.code == 2
    assert len(here.tags(*SANDBOX)) == 3
    here.ok("apply", "plan/plan.json", *SANDBOX, "--yes")
    assert len(here.tags(*SANDBOX)) == 2
    rows(here.folder / "a.csv", "name", *names[:1])
    (here.folder / "job.yaml").write_text(
        "sources: [a.csv]\nmode: upsert\nmarking: {managed_by: nightly, prune: true}\n"
        "limits: {deletes: none, shrink: none}\n"
    )
    here.ok("apply", "job.yaml", *SANDBOX)
    assert len(here.tags(*SANDBOX)) == 1


def test_categories_ask_too(person: Person, here: Here) -> None:
    """`categories apply` asks at the terminal as well, with the place and what would change."""
    (here.folder / "c.yaml").write_text("categories:\n  - name: Spiders\n")
    asked = person("categories", "apply", "c.yaml", *SANDBOX, answer="n\n")
    assert asked.code == 6, asked.err
    assert "1 of 1 categories in the sandbox s.sqlite3" in asked.question
    assert "Spiders" in asked.screen


def test_many_jobs_are_asked_about_once(person: Person, here: Here) -> None:
    """One question has the sum of what all jobs would do; n attempts nothing, y applies what was shown."""
    (person.folder / "jobs").mkdir()
    for name in ("one", "two"):
        rows(person.folder / f"{name}.csv", "name", f"{name} Fox", "Blue Owl")
        (person.folder / "jobs" / f"{name}.yaml").write_text(f"sources: ../{name}.csv\nmode: upsert\n")
    (person.folder / "jobs" / "gone.yaml").write_text("sources: gone.csv\n")
    no = person("apply", "jobs", *SANDBOX, answer="n\n")
    assert (no.code, "Apply 2 jobs on 1 token: 4 creates" in no.question) == (6, True), no.screen
    assert "1 job cannot be planned" in no.question
    assert here.tags(*SANDBOX) == {}
    yes = person("apply", "jobs", *SANDBOX, answer="y\n")
    assert (yes.code, sorted(here.tags(*SANDBOX))) == (3, ["Blue Owl", "one Fox", "two Fox"]), yes.err
