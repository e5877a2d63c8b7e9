"""`completion`: what a shell needs to complete this command line, made from its grammar by shtab."""

from __future__ import annotations

import argparse
from argparse import Namespace

from importer.cli.console import show
from importer.cli.parser import build_parser
from importer.errors import ExitCode

_FOLDERS = ("DIR", "RUN")
_NO_PATHS = ("N", "TIME", "TEXT", "ID", "MS", "SECONDS", "P%|N", "P%", "PLAN", "URL", "CODE", "FIELD=COLUMN", "SHA256")


def completion(namespace: Namespace) -> int:
    """Print the script."""
    import shtab

    parser = build_parser()
    for one in _parsers(parser):
        for action in one._actions:
            metavar = str(action.metavar or "")
            if action.nargs == 0 or action.choices is not None or metavar in _NO_PATHS:
                continue
            action.complete = shtab.DIRECTORY if metavar in _FOLDERS else shtab.FILE  # type: ignore[attr-defined]  # shtab looks for it
    show(shtab.complete(parser, namespace.shell))
    return ExitCode.DONE


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The parser and all below it."""
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found += _parsers(below)
    return found
