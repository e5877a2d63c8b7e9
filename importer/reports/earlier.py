"""What earlier runs of the same sources left behind: for the limit on sources that shrink."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

_FINISHED = (0, 1)


class Previous(Struct, frozen=True):
    """The last finished run: how many rows it had, and how many from each file as far as its summary says."""

    rows: int
    files: Mapping[str, int] = field(default_factory=dict)


def previous_run(runs: Path, files: Sequence[str], job: str = "") -> Previous | None:
    """The last finished run of this job, or without a job of exactly these source files; None where there is none."""
    wanted = sorted(files)
    for path in sorted(runs.glob("*/summary.json"), key=_age, reverse=True):
        try:
            told = json.loads(path.read_text("utf-8"))
            sources: list[dict[str, Any]] = told["sources"]
            same = told.get("job") == job if job else sorted(source["file"] for source in sources) == wanted
            if told["exit_code"] in _FINISHED and same and told["command"] == "apply":
                return Previous(int(told["rows"]), {source["file"]: int(source.get("rows", 0)) for source in sources})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # a summary that cannot be read says nothing; the limit then has nothing to compare with
    return None


def _age(path: Path) -> tuple[str, int]:
    """By the second in the run's name; of two in one second that which ended later is the later one."""
    try:
        return path.parent.name.partition("-")[0], path.stat().st_mtime_ns
    except OSError:
        return path.parent.name.partition("-")[0], 0
