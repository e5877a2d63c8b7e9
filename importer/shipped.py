"""Where the files that ship with the program stand: in config/ of a checkout, inside the package of a wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final


def shipped(*parts: str) -> Path:
    """The path of a shipped file or folder, `shipped("mappings", "attack.yaml")`."""
    package = Path(__file__).parent
    inside = package / "config"
    root = inside if inside.is_dir() else package.parent / "config"
    return root.joinpath(*parts)


def shipped_yaml(*parts: str) -> Any:
    """What a shipped YAML file holds."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(shipped(*parts).read_bytes(), loader)  # noqa: S506 - a safe loader, the one in C where there is one


PRESETS: Final = ("microsoft", "apt-spreadsheet", "attack", "stix", "misp-galaxy", "spreadsheet")
"""The presets, the most particular first: the order in which they are tried on a table."""


def preset_path(name: str) -> Path | None:
    """The file of a shipped preset; None where there is none of that name."""
    return shipped("mappings", f"{name}.yaml") if name in PRESETS else None
