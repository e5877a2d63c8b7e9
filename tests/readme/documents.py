"""The pages in docs/: their blocks, found by the word behind the fence."""

from __future__ import annotations

import re
from pathlib import Path

from tests.behaviour.program import ROOT

DOCS = ROOT / "docs"


def pages() -> list[Path]:
    """Every page of docs/, and those at the top that are for people who work on it."""
    return [*sorted(DOCS.glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]


def blocks(page: Path, word: str) -> list[str]:
    """The blocks of a page that are fenced with this word, in their order."""
    return re.findall(rf"^```{word}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def block(name: str, word: str) -> str:
    """The only such block of a page of docs/."""
    (found,) = blocks(DOCS / name, word)
    return found
