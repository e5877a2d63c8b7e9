"""Entry point: parse, hand over to the command, turn errors into a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from importer.cli.parser import build_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from importer.cli.voice import Voice

INTERNAL_ERROR = 70
"""A fault of the program itself (EX_SOFTWARE); nothing that a user does should lead here."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (DESIGN: 0-7 and 10)."""
    _never_fail_on_encoding()
    words = sys.argv[1:] if argv is None else argv
    namespace = build_parser(next((word for word in words if not word.startswith("-")), "-")).parse_args(words)
    from importer.errors import ImporterError, StoppedEarly  # after --help has answered

    try:
        module = import_module(f"importer.cli.commands.{namespace.command}")
        code: int = module.run(namespace)
        _flush()
    except ImporterError as error:
        _voice(namespace).explain(error)
        return error.exit_code
    except KeyboardInterrupt:
        _voice(namespace).tell("tag-importer: interrupted", level="error", event="interrupted")
        return StoppedEarly.exit_code
    except Exception as error:
        if os.environ.get("TAG_IMPORTER_TRACEBACK"):
            raise
        _voice(namespace).tell(
            f"tag-importer: a fault in the program itself ({type(error).__name__}). Nothing of the run folder is "
            "lost; set TAG_IMPORTER_TRACEBACK=1 to see where, and please report it.",
            level="error",
            event="fault",
        )
        return INTERNAL_ERROR
    return code


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        from importer.cli.console import silence

        silence(sys.stdout)


def _never_fail_on_encoding() -> None:
    """Names from any script must print on a terminal of any encoding."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _voice(namespace: Namespace) -> Voice:
    """How errors are told, as far as the settings can be made out."""
    from importer.cli.voice import Voice
    from importer.job.merge import glimpse

    return Voice.of(glimpse(vars(namespace), os.environ, getattr(namespace, "sources", ())))
