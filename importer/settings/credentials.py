"""Secrets: read from where a setting points, never shown, never part of an error."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from importer.errors import JobError, UsageError

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LARGEST: Final = 65_536


@dataclass(frozen=True, slots=True)
class Credentials:
    """What it takes to talk to an account. The token is not in the repr."""

    account: str
    token: str = field(repr=False)
    base_url: str


def read_secret(path: str, what: str, variable: str) -> str:
    """The secret in a file: its one line, without blanks around it. `what` and `variable` name it in a UsageError."""
    hint = f"{variable}, or the job file, names this file."
    try:
        with Path(path).open("rb") as stream:
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
