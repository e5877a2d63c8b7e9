"""`--man`: the manual page, made from the same grammar as the help. `tag-importer --man | man -l -` shows it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from importer import __version__
from importer.cli.examples import EXAMPLES


def man_page(parser: argparse.ArgumentParser) -> str:
    """The page in roff, section 1."""
    lines = [f'.TH TAG-IMPORTER 1 "" "tag-importer {__version__}"', ".SH NAME"]
    lines += [f"tag-importer \\- {_text(parser.description or '')}", ".SH SYNOPSIS", ".B tag-importer", "COMMAND ..."]
    lines += [
        ".SH DESCRIPTION",
        ".nf",
        *map(_text, (parser.epilog or "").partition("\nexamples:")[0].splitlines()),
        ".fi",
    ]
    lines += [".SH COMMANDS", *_commands(parser), ".SH EXAMPLES", *_examples("")]
    return "\n".join(lines) + "\n"


def _commands(parser: argparse.ArgumentParser, above: str = "") -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                called = f"{above} {name}".strip()
                yield from (f'.SS "{_text(called)}"', _text(below.description or ""))
                yield from _options(below)
                yield from _examples(called)
                yield from _commands(below, called)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
            continue
        names = ", ".join(action.option_strings)
        value = "" if action.nargs == 0 else str(action.metavar or "|".join(map(str, action.choices or (action.dest,))))
        said = (action.help or "").replace("%%", "%")
        yield from (".TP", f"\\fB{_text(names)}\\fR {_text(value)}".replace("\\fB\\fR ", ""), _text(said) or "\\&")


def _examples(command: str) -> Iterator[str]:
    examples = EXAMPLES.get(command, ())
    yield from (".PP", ".nf", *(_text(f"    tag-importer {one}") for one in examples), ".fi") if examples else ()


def _text(text: str) -> str:
    """A line that roff takes as it is."""
    text = " ".join(text.replace("\\", "\\e").replace("-", "\\-").splitlines())
    return f"\\&{text}" if text.startswith((".", "'")) else text
