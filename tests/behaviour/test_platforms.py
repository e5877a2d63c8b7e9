"""Linux and macOS are supported; nothing but importer/system.py uses a name that Windows does not have."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import importer
from tests.behaviour.program import ROOT, environment

PACKAGE = Path(importer.__file__).parent
EVERYWHERE = {
    "os": "_exit close devnull environ fsencode fspath fstat fsync ftruncate getcwd getpid lseek name open path read "
    "PathLike "
    "replace strerror unlink write O_APPEND O_CREAT O_EXCL O_RDONLY O_RDWR O_TRUNC O_WRONLY SEEK_END SEEK_SET",
    "signal": "Signals SIGINT SIGTERM SIG_DFL SIG_IGN getsignal signal",
    "select": "select",
    "socket": "AF_INET AF_INET6 SOCK_STREAM SOL_SOCKET SO_LINGER create_connection gaierror getaddrinfo timeout",
    "time": "monotonic perf_counter sleep time",
}
"""What the package may use of the modules that differ: names that their documentation has for every system."""
UNIX_MODULES = {"crypt", "fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
UNIX_METHODS = {"add_signal_handler", "remove_signal_handler", "open_unix_connection", "start_unix_server", "lchmod"}


def _of_some_systems(node: ast.AST) -> list[str]:
    """The names in one piece of code that only some systems have."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name in UNIX_MODULES]
    if isinstance(node, ast.ImportFrom):
        allowed = EVERYWHERE.get(node.module or "")
        names = [alias.name for alias in node.names if allowed is not None and alias.name not in allowed.split()]
        return [str(node.module)] if node.module in UNIX_MODULES else names
    if isinstance(node, ast.Attribute):
        of = node.value.id if isinstance(node.value, ast.Name) else ""
        if node.attr in UNIX_METHODS or (of in EVERYWHERE and node.attr not in EVERYWHERE[of].split()):
            return [f"{of}.{node.attr}"]
    return []


def test_one_file_alone_knows_what_systems_differ_in() -> None:
    """No other file of the package names a module, function or constant that only some systems have."""
    files = [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "system.py"]
    trees = {path: ast.parse(path.read_text("utf-8")) for path in files}
    found = {str(path): names for path, tree in trees.items() for node in ast.walk(tree)
             if (names := _of_some_systems(node))}  # fmt: skip
    assert len(trees) > 100
    assert not found, "to be used in importer/system.py alone"


CRIPPLED = f"""
import asyncio, os, select, signal, subprocess, sys, tempfile, warnings
import pandas  # it asks for the name of the system, and finds Linux
for name in '''O_ACCMODE O_ASYNC O_CLOEXEC O_DIRECT O_DIRECTORY O_DSYNC O_NDELAY O_NOATIME O_NOCTTY O_NOFOLLOW
    O_NONBLOCK O_PATH O_RSYNC O_SYNC O_TMPFILE F_LOCK F_TLOCK EX_OK EX_USAGE EX_SOFTWARE EX_TEMPFAIL
    chown chroot confstr copy_file_range ctermid environb fchdir fchmod fchown fdatasync fork forkpty
    fpathconf fstatvfs fwalk get_blocking getegid geteuid getgid getgroups getloadavg getpgid getpgrp
    getpriority getrandom getsid getuid getxattr killpg lchown lockf login_tty memfd_create mkfifo
    mknod nice openpty pathconf pipe2 posix_fadvise posix_fallocate pread preadv pwrite
    pwritev readv register_at_fork sched_getaffinity sched_yield sendfile set_blocking setpgid setsid
    setuid setxattr statvfs sync sysconf tcgetpgrp ttyname uname wait writev'''.split():
    if hasattr(os, name):
        delattr(os, name)
for name in '''SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGIO SIGPIPE SIGPROF SIGQUIT SIGSTOP SIGSYS SIGTRAP SIGTSTP
    SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ SIG_BLOCK SIG_UNBLOCK
    alarm getitimer pause pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigwait'''.split():
    if hasattr(signal, name):
        delattr(signal, name)
sys.modules.update(dict.fromkeys({UNIX_MODULES!r}))
def refused(*args): raise NotImplementedError
for name in ("add_signal_handler", "remove_signal_handler"):
    setattr(asyncio.SelectorEventLoop, name, refused)
warnings.filterwarnings("error", category=EncodingWarning, module="importer")
from importer.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""An interpreter without what Windows lacks, as far as the standard library for Unix can do without it itself."""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("apply", ROOT / "samples" / "actors.csv", "--sandbox", "--yes"), 0, "created             38"),
        (("validate", ROOT / "samples" / "mistakes.xlsx"), 1, "15 rows: 13 ready, 2 need work"),
        (("plan", ROOT / "samples" / "actors.misp.json", "--sandbox"), 0, "To do: create 38"),
    ],
)
def test_the_main_job_without_what_only_unix_has(
    words: tuple[str | Path, ...], code: int, said: str, tmp_path: Path
) -> None:
    """Without those names, and where text is not UTF-8 unless somebody says so, the jobs do as they do here."""
    env = environment(tmp_path, {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"})
    done = subprocess.run(
        [sys.executable, "-c", CRIPPLED, *map(str, words)], cwd=tmp_path, env=env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, encoding="cp1252", timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert said in done.stdout


def test_no_file_of_a_run_has_a_name_that_windows_refuses(tmp_path: Path) -> None:
    """Run folders and what is in them, state and downloads: no colon, no reserved sign, no blank or dot at the end."""
    done = subprocess.run(
        [sys.executable, "-m", "importer", "apply", str(ROOT / "samples" / "mistakes.xlsx"), "--sandbox", "--yes"],
        cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    names = [path.name for path in tmp_path.rglob("*")]
    assert len(names) > 6
    assert not [name for name in names if set(name) & set('<>:"/\\|?*') or name[-1] in ". "]
