"""The mapping that an export leaves beside its file, by which it is read again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MAPPING_ENDING: Final = ".mapping.yaml"


def mapping_beside(source: str | Path) -> Path | None:
    """The mapping that an export left beside this file, `actors.csv.mapping.yaml`; None where there is none."""
    beside = Path(f"{source}{MAPPING_ENDING}")
    try:
        return beside if beside.is_file() else None
    except (OSError, ValueError):  # a URL or a glob as `source`
        return None
