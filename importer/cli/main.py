"""Entry point: parse, hand over to the command, turn errors into a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise

from importer.cli.parser import COMMANDS, build_parser
from importer.cli.streams import hide, open_streams, undelivered
from importer.system import on_stop_signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from signal import Signals

    from importer.cli.console import Messages


_SECRET_VARIABLES = ("CLOUDFLARE_API_TOKEN", "TAG_IMPORTER_PING_URL")
"""Masked from the first moment; files and jobs with secrets are known only when the command line has been read."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (DESIGN: 0-7 and 10). It is that of the work, whoever hears of it."""
    open_streams()
    hide(filter(None, map(os.environ.get, _SECRET_VARIABLES)))
    words = list(sys.argv[1:] if argv is None else argv)
    namespace = Namespace()
    try:
        with _signals_interrupt():
            build_parser(next((word for word in words if not word.startswith("-")), "-")).parse_args(words, namespace)
            module = import_module(f"importer.cli.{COMMANDS[namespace.command][0]}")
            code: int = getattr(module, namespace.command)(namespace)
            return code
    except (Exception, KeyboardInterrupt) as error:
        return _ended(error, namespace, words)
    finally:
        if reason := undelivered():
            _messages(namespace).tell(
                f"standard output cannot be written ({reason}): its end is missing there",
                level="warning",
                event="not-delivered",
            )


def _ended(error: BaseException, namespace: Namespace, words: Sequence[str]) -> int:
    """Say why the command ended; with `--format json` that is the result, too."""
    from importer.cli.console import show_error  # only once `--help` is out of the way
    from importer.errors import ImporterError, ProgramFault, StoppedEarly

    if isinstance(error, KeyboardInterrupt):
        error = StoppedEarly("interrupted")
    elif not isinstance(error, ImporterError):
        if os.environ.get("TAG_IMPORTER_TRACEBACK"):
            raise error
        said = f"a fault in the program itself ({type(error).__name__})"
        error = ProgramFault(said, hint="Nothing of the run folder is lost. The command shows where; please report it.")
    if not hasattr(namespace, "command"):  # the parser's own complaint: it has kept no flag
        namespace.log_format, namespace.ping_url = _given("--log-format", words), _given("--ping-url", words)
    messages = _messages(namespace)
    messages.explain(error, words)
    if _given("--format", words) == "json":
        show_error(error, words)
    return error.exit_code


def _given(flag: str, words: Sequence[str]) -> str | None:
    """The last value of a flag, wherever it is."""
    found = [after for word, after in pairwise([*words, ""]) if word == flag]
    found += [word.partition("=")[2] for word in words if word.startswith(f"{flag}=")]
    return found[-1] if found else None


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """While inside, each signal that asks to end does as Ctrl-C does, so that the command can still say how it ended.

    The second one leaves at once. While rows are sent, a run catches them itself.
    """
    asked: list[Signals] = []

    def received(number: Signals) -> None:
        asked.append(number)
        if len(asked) > 1:
            from importer.errors import ExitCode

            os._exit(ExitCode.STOPPED_EARLY)
        raise KeyboardInterrupt

    with on_stop_signals(received):
        yield


def _messages(namespace: Namespace) -> Messages:
    """Errors in the form that the settings ask for, as far as those can be read."""
    from importer.cli.console import Messages
    from importer.settings.merge import glimpse

    settings = glimpse(vars(namespace), os.environ, getattr(namespace, "sources", ()))
    hide(settings.secrets())
    return Messages.of(settings)
