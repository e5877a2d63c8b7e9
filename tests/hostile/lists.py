"""Lists of made-up actors."""

from __future__ import annotations

import csv
from pathlib import Path


def write_list(path: Path, rows: int) -> list[str]:
    """A CSV of made-up actors; the names, in order."""
    names = [f"Actor {number:05d}" for number in range(rows)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Name", "Country", "Description"])
        writer.writerows([name, "IR", f"made up for {name}"] for name in names)
    return names
