"""A new field of the API is one line in importer/fields/table.py; everything else follows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.behaviour.program import environment
from tests.readme.documents import block

PROGRAM = """
import sys
from importer.fields import table
from importer.fields.table import NOW, Field, Kind, Visibility
table.FIELDS += ({line},)
from importer.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""The program with one line more: the one of docs/adding-a-field.md."""


def test_a_new_field_is_one_line(tmp_path: Path) -> None:
    """Listed, in the schema, found by its header, its words normalised, public, taken, exported, unchanged after."""
    (tmp_path / "a.csv").write_text("Actor,Country,Hunting Level\nRed Fox,CN,high\nBlue Owl,RU,Low\n")

    program = PROGRAM.format(line=block("adding-a-field.md", "field").strip())

    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, "-c", program, *words], cwd=tmp_path, env=environment(tmp_path),
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "huntingLevel" in run("fields")
    assert "huntingLevel" in json.dumps(json.loads(run("mapping", "schema")))
    assert "huntingLevel 2" in run("plan", "a.csv", "--sandbox"), "what other accounts may see is told"
    run("apply", "a.csv", "--sandbox", "--yes", "--quiet", "--grace", "0")
    run("plan", "a.csv", "--sandbox", "--mode", "upsert", "--detailed-exitcode")
    run("export", "out.json", "--sandbox")
    levels = [tag["huntingLevel"] for tag in json.loads((tmp_path / "out.json").read_text())["tags"]]
    assert sorted(levels) == ["High", "Low"]
