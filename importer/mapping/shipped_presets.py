"""Where the presets are, and in which order they are tried; light, for whoever only needs their names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from importer.shipped import shipped

ORDER: Final = ("microsoft", "apt-spreadsheet", "attack", "stix", "misp-galaxy", "spreadsheet")
"""The presets, the most particular first: the order in which they are tried on a table."""


def preset_path(name: str) -> Path | None:
    """The file of a shipped preset; None where there is none of that name."""
    return shipped("mappings", f"{name}.yaml") if name in ORDER else None
