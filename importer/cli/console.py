"""Standard output carries the result; standard error everything else.

Whoever reads one of them may go away at any time (`| head`, a closed terminal). That is their right, and changes
nothing about what a command does or how it exits: what is still to be said goes nowhere.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO

from importer.model import Json
from importer.reports.screen import Line, Screen
from importer.reports.visible import visible


def wants(namespace: Namespace, form: str) -> bool:
    """Whether `--format` asks for this form."""
    return bool(getattr(namespace, "format", "text") == form)


def show(lines: Iterable[Line], *, aside: bool = False) -> None:
    """Print the result, or what is only said `aside`, on standard error: plain on a pipe, styled on a terminal."""
    stream = sys.stderr if aside else sys.stdout
    try:
        Screen.on(stream, os.environ).show(lines)
    except BrokenPipeError:
        silence(stream)


def show_text(text: str) -> None:
    """Print the result as it is: a file's text, a document of its own form."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        silence(sys.stdout)


def show_json(value: Json) -> None:
    """Print the result as one JSON document."""
    from importer.reports.json_text import json_text

    show_text(json_text(value))


def tell(text: str) -> None:
    """One line of the story, on standard error. Nothing in it can move the cursor or begin another line."""
    try:
        print(visible(text), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Lead a stream that nobody reads any more into nothing, so that the interpreter's last flush does not fail."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
