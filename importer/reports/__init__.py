"""What people and programs read: terminal, JSON, Markdown, page, results, metrics, logs."""

from __future__ import annotations

from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {"text": "terminal", "json": "json_text", "markdown": "markdown", "github": "github", "sarif": "sarif"}
)
"""The words of `--format`, and the module here that shows each: see formats.py. `--help` needs nothing but this."""
OF_ISSUES: Final = ("github", "sarif")
"""Those that show issues and no tables: of `validate` and `plan`."""
