"""`review` at a terminal: one key a pair, back and stop, and what was decided is written at once and asked no more."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from importer.planning.decisions import parse
from tests.behaviour.inside import Here, rows
from tests.behaviour.program import environment

PROMPT = b"q stop] "


def sit(folder: Path, keys: Sequence[str], *args: str) -> tuple[int, str]:
    """Answer each question with one key, or with one and a line; the exit code and what the terminal showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "importer", "review", *args], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
        env=environment(folder, {"COLUMNS": "200", "TERM": "dumb"}),
    )  # fmt: skip
    os.close(theirs)
    shown, asked = b"", 0
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:
            break
        if shown.count(PROMPT) > asked and keys:
            asked = shown.count(PROMPT)
            os.write(ours, keys[0].encode())
            keys = keys[1:]
    os.close(ours)
    return process.wait(60), shown.decode()


def lists(folder: Path) -> None:
    rows(folder / "one.csv", "name,aliases", "Amber Jackal,Dust", "Tin Owl,Sand", "Red Fox,Rust")
    rows(folder / "two.csv", "name,aliases", "Iron Quokka,Dust", "Mud Heron,Sand", "Blue Eel,Rust")


def test_each_pair_takes_a_key_and_a_second_sitting_goes_on(here: Here) -> None:
    """Both cells are shown; a decision is taken back with b; stopped with q, it goes on where it was left."""
    lists(here.folder)
    path = here.folder / "decisions.yaml"
    code, shown = sit(here.folder, "dbsnq", "one.csv", "two.csv")
    assert code == 0, shown
    assert "1 of 3" in shown
    assert "Dust  (B2 | B2)" in shown
    (held,) = parse(path.read_text("utf-8")).pairs
    assert ([actor.name for actor in held.actors], held.are) == (["Amber Jackal", "Iron Quokka"], "same")
    assert held.on
    path.write_text("# mine\n" + path.read_text("utf-8"))
    code, shown = sit(here.folder, "Su", "one.csv", "two.csv")
    assert "1 of 2" in shown
    text = path.read_text("utf-8")
    assert text.startswith("# mine\n")
    assert [(one.are, one.keep) for one in parse(text).pairs] == [("same", ""), ("same", "Mud Heron"), ("unsure", "")]
    assert "0 decided, 0 left" in sit(here.folder, "", "one.csv", "two.csv")[1]
    given = ("one.csv", "two.csv", "--decisions", "decisions.yaml", "--format", "json")
    assert here.ok("validate", *given).json["pairs"]["open"] == 0


def test_the_pairs_of_a_run_are_asked(here: Here) -> None:
    """A run folder is as good as its sources; without a terminal nobody is asked."""
    lists(here.folder)
    here.ok("plan", "one.csv", "two.csv", "--sandbox", "--sandbox-db", "s.sqlite3", "--out", "run")
    assert "1 of 3" in sit(here.folder, "ddd", "run", "--decisions", "mine.yaml")[1]
    assert len(parse((here.folder / "mine.yaml").read_text("utf-8")).pairs) == 3
    assert here("review", "run").code == 2


def test_values_are_asked_after_pairs(here: Here) -> None:
    """What a text means is taken from the nearest word or typed; what the field cannot take is asked again."""
    rows(
        here.folder / "one.csv", "name,country", "Amber Jackal,Chnia", "Tin Owl,Chnia", "Red Fox,Mordor", "Mud Heron,Oz"
    )
    code, shown = sit(here.folder, ["y", "mGondor\n", "mCôte d'Ivoire\n", "l"], "one.csv")
    assert code == 0, shown
    assert '"Chnia"' in shown
    assert "2 rows: one.csv B2, one.csv B3" in shown
    assert "'Gondor' is not a country" in shown
    assert "3 decided, 0 left" in shown
    held = parse((here.folder / "decisions.yaml").read_text("utf-8"))
    assert [(one.value, one.means) for one in held.values] == [("Chnia", "China (CN)"), ("Mordor", "Côte d'Ivoire")]
    assert [one.value for one in held.accepted] == ["Oz"]
    assert "0 decided, 0 left" in sit(here.folder, "", "one.csv")[1]
