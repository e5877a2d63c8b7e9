"""Secrets: read from where a setting points, never shown, never part of an error."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from importer.errors import JobError, UsageError

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_NAME: Final = re.compile(r"TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|COOKIE|SESSION", re.IGNORECASE)
_PLACE_NAME: Final = re.compile(r"(FILE|DIR|DIRECTORY|PATH|HOME|FOLDER|ROOT)$", re.IGNORECASE)
_BEAT_NAME: Final = re.compile(r"PING|HEART|BEAT|HEALTH|UPTIME|CRONITOR|\bHC_", re.IGNORECASE)
_LARGEST: Final = 8_192
"""Bytes of a secret's file."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_.~+/=-]{6,512}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What it takes to talk to an account. The token is not in the repr."""

    account: str
    token: str = field(repr=False)
    base_url: str
    remarks: tuple[str, ...] = ()
    """What whoever uses them should know: another endpoint than usual, a token that others may read."""


def read_secret(path: str, what: str, variable: str) -> str:
    """The secret in a file: its one line, without blanks around it. `what` and `variable` name it in a UsageError."""
    hint = f"{variable}, or the job file, names this file."
    try:
        # Opening a FIFO would wait for its writer.
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as stream:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise UsageError(f"the file with the {what}, {path}, is not a regular file", hint=hint)
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"the file with the {what}, {path}, cannot be read: {reason}", hint=hint) from None
    except ValueError:
        raise UsageError(f"the name of the file with the {what} is not valid", hint=hint) from None
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or len(data) > _LARGEST or len(text.splitlines()) > 1:
        raise UsageError(f"the file {path} does not hold a {what}: one line is expected", hint=hint)
    return text


def read_token(path: str, variable: str) -> str:
    """The API token in a file. UsageError where it has anything around it, or is something else."""
    text = read_secret(path, "API token", variable)
    fault = token_fault(text)
    if not fault and not _TOKEN.fullmatch(text):
        fault = "a token has 6 to 512 letters, digits and signs"
    if fault:
        raise UsageError(f"the file {path} does not hold an API token alone: {fault}",
                         hint="Write the token into it and nothing else.")  # fmt: skip
    return text


def token_fault(text: str) -> str:
    """What surrounds a token that was pasted with it, without repeating any of it; "" for nothing."""
    if text[:1] in "\"'`" or text[-1:] in "\"'`":
        return "take away the quotes around it"
    if re.match(r"(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*[=:]", text):
        return "take away the `NAME=` before it"
    if re.match(r"bearer\s", text, re.IGNORECASE):
        return "take away the word `Bearer` before it"
    return "take away the blanks in it" if re.search(r"\s", text) else ""


def open_to_others(path: str) -> bool:
    """Whether other users of the machine may read or write a file; False where the system has no such modes."""
    try:
        return os.name == "posix" and bool(Path(path).stat().st_mode & 0o077)
    except (OSError, ValueError):
        return False


def not_fillable(setting: str, text: str) -> str:
    """Why a job file may not have a variable filled in here, as a sentence; "" where it may.

    A job file may come from a stranger: no secret goes where it was not meant for, least of all to a host it names.
    """
    names = _VARIABLE.findall(text)
    for name in names:
        if _SECRET_NAME.search(name) and not (
            (setting.endswith("_file") and _PLACE_NAME.search(name))
            or (setting == "ping_url" and _BEAT_NAME.search(name) and not re.search("TOKEN|SECRET|PASS", name, re.I))
            or (setting.endswith("_file") and name == "CREDENTIALS_DIRECTORY")
        ):
            return f"`${{{name}}}` is not filled in here: by its name it holds a secret"
        if setting == "ping_url" and not _BEAT_NAME.search(name) and (len(names) > 1 or not text.startswith("${")):
            return (
                f"`${{{name}}}` is not sent to a host that the job file names; a variable that holds the whole URL is, "
                "or one that has PING or HEARTBEAT in its name"
            )
    return ""


def filled_in(text: str, environ: Mapping[str, str], place: str) -> str:
    """`text` with each `${VARIABLE}` replaced. JobError, with its place in the job file, for one that is not set."""
    missing = [name for name in _VARIABLE.findall(text) if not environ.get(name)]
    if missing:
        names = " and ".join(dict.fromkeys(missing))
        raise JobError(
            f"{place}: the environment variable {names} is not set", hint=f"Set {names}, or change the line."
        )
    return _VARIABLE.sub(lambda match: environ[match[1]], text)


def from_folder(folder: Path, text: str) -> str:
    """A path that a job file names, meant from the file's folder; `~` is the home directory, where there is one."""
    return str(folder / os.path.expanduser(text))  # noqa: PTH111  Path.expanduser fails without a home
