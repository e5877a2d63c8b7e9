"""A new field of the API is one line in importer/fields/table.py; everything else follows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.behaviour.program import environment

PROGRAM = """
import sys
from importer.fields import table
table.FIELDS += (
    table.Field("huntingLevel", table.Kind.TEXT, "5.10", table.NOW, table.Visibility.PUBLIC, "How it is hunted.",
                annotated=True, vocabulary="level"),
)
from importer.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""The program with that one line more."""


def test_a_new_field_is_one_line(tmp_path: Path) -> None:
    """Listed, in the schema, found by its header, its words normalised, public, taken, exported, unchanged after."""
    (tmp_path / "a.csv").write_text("Actor,Country,Hunting Level\nRed Fox,CN,high\nBlue Owl,RU,Low\n")

    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, "-c", PROGRAM, *words], cwd=tmp_path, env=environment(tmp_path),
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "huntingLevel" in run("fields")
    assert "huntingLevel" in json.dumps(json.loads(run("mapping", "schema")))
    assert "huntingLevel 2" in run("plan", "a.csv", "--sandbox")
    run("apply", "a.csv", "--sandbox", "--yes", "--quiet", "--grace", "0")
    run("plan", "a.csv", "--sandbox", "--mode", "upsert", "--detailed-exitcode")
    run("export", "out.json", "--sandbox")
    levels = [tag["huntingLevel"] for tag in json.loads((tmp_path / "out.json").read_text())["tags"]]
    assert sorted(levels) == ["High", "Low"]
