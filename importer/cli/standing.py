"""Runs whose reports stand as they were written: of those that sent nothing, the plan does not keep every row."""

from __future__ import annotations

import json

from importer.cli.console import show
from importer.cli.voice import Voice
from importer.engine.resume import EarlierRun
from importer.errors import UsageError
from importer.planning.slim import LEFT_OUT
from importer.settings.settings import Settings


def reports_stand(earlier: EarlierRun, settings: Settings) -> int | None:
    """The exit code of a run whose plan left rows out, after telling that its reports stand; None for any other run.

    UsageError where those reports are gone: they cannot be written again.
    """
    if LEFT_OUT not in earlier.plan.options:
        return None
    folder = earlier.folder
    try:
        text = (folder.path / "summary.json").read_text("utf-8")
        code = int(json.loads(text)["exit_code"])
        if not (folder.path / "results.csv").is_file():
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"run {folder.run} had nothing to send, so that its plan does not hold every row, and its reports are gone",
            hint="Apply its source again: that writes them anew.",
        ) from None
    if settings.format == "json":
        show(text)
    else:
        Voice.of(settings, folder.run).tell(f"run {folder.run} changed nothing; its reports stand as they were written")
    return code
