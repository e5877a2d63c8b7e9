"""The folder of a run: everything there is to know about one execution, and where each part of it stands."""

from __future__ import annotations

import os
import re
import secrets
import shlex
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from importer.atomic import own_folder
from importer.errors import UsageError, os_errors
from importer.planning.plan_file import is_plan_file

_UNFINISHED: Final = re.compile(r"\.(plan|results|failed|summary|report)\.[a-z]+\.[0-9a-f]{8}(\.part)?")
"""Files that were being written beside their place when their writer was killed."""
_REPLACED: Final = ("plan.json", "results.csv", "failed.csv", "failed.xlsx", "report.html")


def name_run(now: datetime) -> str:
    """A new run's id, `<UTC time>-<short id>`: it can be told before the folder is there."""
    return f"{now.strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(3)}"


class RunFolder:
    """Paths inside a run's folder. The folder's name is the run's id."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plan_path = path / "plan.json"
        self.journal_path = path / "journal.jsonl"

    @property
    def run(self) -> str:
        """The id of the run."""
        try:
            return self.path.resolve().name
        except OSError:  # the working directory was deleted
            return self.path.name

    @classmethod
    def make(cls, path: Path) -> RunFolder:
        """A new run's folder at exactly this path (`--out`). Raises UsageError when a run stands there already.

        A folder that holds something already is somebody's: its mode stays, and only our files in it are private.
        """
        folder = cls(path)
        with os_errors(f"the run folder {path} cannot be made"):
            own_folder(path)
            if os.path.lexists(folder.journal_path):
                raise UsageError(
                    f"{path} holds a run already",
                    hint="Take another folder, or go on with that run.",
                    then=f"tag-importer resume {shlex.quote(str(path))}{{place}}",
                )
            theirs = [name for name in _REPLACED if (path / name).exists()]
            if theirs and not (folder.plan_path.exists() and is_plan_file(folder.plan_path)):
                raise UsageError(
                    f"{path} holds {', '.join(theirs)}, which no run left there", hint="Take another folder."
                )
            if not any(path.iterdir()):
                path.chmod(0o700)
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of an earlier run. Raises UsageError when there is none."""
        folder = cls(path if path.is_dir() else path.parent)
        if not folder.plan_path.is_file():
            raise UsageError(f"{path} is not a run folder: it has no plan.json", then="tag-importer runs")
        return folder

    def sweep(self) -> None:
        """Remove what a writer that was killed left half-written. For whoever holds the account's lock."""
        with suppress(OSError):
            for path in self.path.iterdir():
                if _UNFINISHED.fullmatch(path.name):
                    path.unlink(missing_ok=True)
