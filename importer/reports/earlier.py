"""What earlier runs of the same sources left behind: for the limit on sources that shrink."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

_FINISHED = (0, 1)


def previous_rows(runs: Path, files: Sequence[str]) -> int | None:
    """How many rows the last finished run with exactly these source files had; None where there is none."""
    newest = sorted(runs.glob("*/summary.json"), key=lambda path: path.parent.name, reverse=True)
    wanted = sorted(files)
    for path in newest:
        try:
            told = json.loads(path.read_text("utf-8"))
            sources = sorted(source["file"] for source in told["sources"])
            if told["exit_code"] in _FINISHED and sources == wanted and told["command"] == "apply":
                return int(told["rows"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a summary that cannot be read says nothing; the limit then has nothing to compare with
    return None
