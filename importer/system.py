"""What differs between operating systems: no other file uses a name that only some have. And Python's own collector."""

from __future__ import annotations

import errno
import gc
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:  # `--help` imports this file, and should not wait for them
    from pathlib import Path
    from types import FrameType
    from typing import BinaryIO, Final, TextIO

STOP_SIGNALS: Final = tuple(
    signal.Signals(getattr(signal, name))
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)
"""What asks a program to end: Ctrl-C, `kill`, a terminal that goes away (Unix), Ctrl-Break (Windows)."""

BINARY: Final[int] = getattr(os, "O_BINARY", 0)
"""For `os.open`: Windows would translate line ends otherwise."""

NO_LINK: Final[int] = getattr(os, "O_NOFOLLOW", 0)
"""For `os.open`: a link is an error, and not what it points to."""


def user_id() -> int | None:
    """The user that this process acts for; None where systems have no numbers for users."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def set_mode(file: int, mode: int) -> None:
    """Give an open file this mode, where systems have modes: the umask may have taken something away."""
    if hasattr(os, "fchmod"):
        os.fchmod(file, mode)


THREAD_SECONDS: Final[Callable[[], float]] = getattr(time, "thread_time", time.process_time)
"""The processor time of this thread; of the process where systems do not tell threads apart."""

TIME_EXCEEDED: Final[int | None] = -signal.Signals(signal.SIGXCPU) if hasattr(signal, "SIGXCPU") else None
"""How a process ends that has used up its processor time, where systems tell."""

CHILD_LIMITS: Final = """
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({bytes}, {bytes}))
    resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds} + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except Exception:
    pass
"""
"""Python code (a format with `bytes` and `seconds`) that bounds memory and processor time of the process that runs it,
where the system can."""


_NEEDED: Final = ("PATH", "HOME", "LANG", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """What a process needs that parses a stranger's file: it gets no token, and nothing else it can do without."""
    return {name: value for name, value in environment.items() if name.upper() in _NEEDED}


def open_regular(path: str | Path) -> BinaryIO:
    """Opens a regular file for reading; OSError for what has no end of its own: a device, a pipe, a socket."""
    # Opening a pipe would wait for its writer.
    file = os.open(path, os.O_RDONLY | BINARY | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return open(file, "rb")  # noqa: PTH123 - it is open already


@contextmanager
def on_stop_signals(received: Callable[[signal.Signals], object]) -> Iterator[None]:
    """While inside, a signal that asks to end calls `received`, between two instructions of the main thread.

    SIGHUP stays ignored where it was (nohup). Outside the main thread, where none can be caught, nothing changes.
    """
    caught: list[tuple[signal.Signals, Callable[[int, FrameType | None], object] | int]] = []
    try:
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                before = signal.getsignal(number)
                if before is None or (before == signal.SIG_IGN and number.name == "SIGHUP"):
                    continue  # None: not Python's to give back
                caught.append((number, before))
                signal.signal(number, lambda got, _: received(signal.Signals(got)))
        yield
    finally:
        for number, before in caught:
            signal.signal(number, before)


def open_terminal() -> TextIO | None:
    """For writing: the terminal that standard input reads from, else the one that started the program."""
    names = ["CON" if sys.platform == "win32" else "/dev/tty"]
    if name_of := getattr(os, "ttyname", None):
        with suppress(OSError, ValueError):  # it may go by no name here: another mount namespace
            names.insert(0, name_of(sys.stdin.fileno()))
    for name in names:
        with suppress(OSError):
            file = os.open(name, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
            return open(file, "w", encoding=sys.stdin.encoding, errors="backslashreplace")  # noqa: PTH123
    return None


@contextmanager
def one_key() -> Iterator[tuple[Callable[[], str], Callable[[], str]]]:
    """Two readers of the terminal on standard input: of one key, and of a line.

    Where systems have no such terminals, a key is the first letter of a line.
    """
    try:
        import termios
        import tty
    except ImportError:
        yield lambda: sys.stdin.readline().strip()[:1], lambda: sys.stdin.readline().strip()
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)

    def line() -> str:
        termios.tcsetattr(number, termios.TCSADRAIN, before)
        try:
            return os.read(number, 4_096).decode(sys.stdin.encoding or "utf-8", "replace").strip()
        finally:
            tty.setcbreak(number)

    try:
        tty.setcbreak(number)
        yield lambda: os.read(number, 1).decode("ascii", "replace"), line
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Leave the cycle collector alone: there are no cycles to find here, and looking takes half of the time.

    What there is at the end is left out of all later looks as well: nearly all of it stays as long as the command.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()
