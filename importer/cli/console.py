"""Standard output carries the result; standard error everything else. Neither ever fails: see `streams`."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable

from importer.model import Json
from importer.reports.screen import Line, Screen
from importer.reports.visible import visible


def wants(namespace: Namespace, form: str) -> bool:
    """Whether `--format` asks for this form."""
    return bool(getattr(namespace, "format", "text") == form)


def show(lines: Iterable[Line], *, aside: bool = False) -> None:
    """Print the result, or what is only said `aside`, on standard error: plain on a pipe, styled on a terminal."""
    Screen.on(sys.stderr if aside else sys.stdout, os.environ).show(lines)


def show_text(text: str) -> None:
    """Print the result as it is: a file's text, a document of its own form."""
    sys.stdout.write(text)


def show_json(value: Json) -> None:
    """Print the result as one JSON document."""
    from importer.reports.json_text import json_text

    show_text(json_text(value))


def tell(text: str) -> None:
    """One line of the story, on standard error. Nothing in it can move the cursor or begin another line."""
    print(visible(text), file=sys.stderr, flush=True)
