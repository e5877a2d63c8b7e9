"""Standard output carries the result; standard error everything else. Neither ever fails: see `streams`."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from importer.reports.formats import Document, Listing, report
from importer.reports.screen import Screen
from importer.reports.text import visible


def form_of(namespace: Namespace) -> str:
    """The form that `--format` asks for."""
    return str(getattr(namespace, "format", "text"))


def show(document: Document, *, aside: bool = False) -> None:
    """Print the result, or what is only said `aside`, on standard error: plain on a pipe, styled on a terminal."""
    stream = sys.stderr if aside else sys.stdout
    if isinstance(document, str):
        stream.write(document)
    else:
        Screen.on(stream, os.environ).show(document)


def show_listing(listing: Listing, form: str) -> None:
    """Print a table or a few facts in the form that `--format` asks for."""
    show(report(form).listing(listing))


def tell(text: str) -> None:
    """One line of the story, on standard error. Nothing in it can move the cursor or begin another line."""
    print(visible(text), file=sys.stderr, flush=True)
