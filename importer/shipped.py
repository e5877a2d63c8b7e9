"""Where the files that ship with the program stand: in config/ of a checkout, inside the package of a wheel."""

from __future__ import annotations

from pathlib import Path


def shipped(*parts: str) -> Path:
    """The path of a shipped file or folder, `shipped("mappings", "attack.yaml")`."""
    package = Path(__file__).parent
    inside = package / "config"
    root = inside if inside.is_dir() else package.parent / "config"
    return root.joinpath(*parts)
