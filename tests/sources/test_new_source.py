"""A new kind of source is a file and a line: those of docs/adding-a-source.md, done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.behaviour.program import environment
from tests.readme.documents import block

PROGRAM = """
import sys, importer.sources
importer.sources.__path__.append({folder!r})
from importer.sources import readers
from importer.sources.readers import Reader
readers.READERS += ({line},)
from importer.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_new_kind_of_source_is_a_file_and_a_line(tmp_path: Path) -> None:
    """Known by its beginning and in a folder by its ending, recognised, planned, and its odd line is told."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "actor_lines.py").write_text(block("adding-a-source.md", "reader"), encoding="utf-8")
    program = PROGRAM.format(folder=str(tmp_path / "more"), line=block("adding-a-source.md", "line").strip())
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "a.actors").write_text("#actors 1\nRed Fox | CN | APT-X\n\nBlue Owl | RU | | too much\n")
    (tmp_path / "plain").write_bytes((tmp_path / "lists" / "a.actors").read_bytes())

    for source in ("lists", "plain"):
        done = subprocess.run(
            [sys.executable, "-c", program, "validate", source, "--format", "json"], cwd=tmp_path,
            env=environment(tmp_path), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        told = json.loads(done.stdout)
        assert [one["kind"] for one in told["sources"]] == ["actor-lines"]
        assert [(issue["code"], issue["row"]) for issue in told["issues"] if issue["code"] == "long-row"] == [
            ("long-row", 4)
        ]
