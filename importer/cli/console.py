"""Standard output carries the result; standard error everything else."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable

from importer.model import Json
from importer.reports.json_text import json_text
from importer.reports.screen import Line, Screen


def wants(namespace: Namespace, form: str) -> bool:
    """Whether `--format` asks for this form."""
    return bool(getattr(namespace, "format", "text") == form)


def show(lines: Iterable[Line]) -> None:
    """Print the result: plain on a pipe, styled on a terminal."""
    Screen.on(sys.stdout, os.environ).show(lines)


def show_json(value: Json) -> None:
    """Print the result as one JSON document."""
    sys.stdout.write(json_text(value))


def tell(text: str) -> None:
    """One line of the story, on standard error."""
    print(text, file=sys.stderr)
