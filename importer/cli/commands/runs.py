"""`tag-importer runs`: list the runs with their state and counts; `runs prune` deletes old ones."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from importer.cli.console import show_listing, tell
from importer.engine.runs import list_runs, prune_runs
from importer.errors import ExitCode, UsageError
from importer.reports import listings
from importer.settings.merge import merge

KEEP = 30


def run(namespace: Namespace) -> int:
    """List the runs, or delete the oldest finished ones."""
    settings = merge(vars(namespace), os.environ)
    base = Path(getattr(namespace, "dir", settings.runs_dir))
    if namespace.runs_action == "prune":
        keep = settings.output.keep_runs if settings.output.keep_runs is not None else KEEP
        if keep < 0:
            raise UsageError("--keep must be 0 or more")
        listed = prune_runs(base, keep)
        tell(f"deleted {len(listed)} of {len(listed) + len(list_runs(base))} runs in {base}")
    else:
        listed = list_runs(base)
    values = [{**asdict(info), "path": str(info.path), "state": info.state.value} for info in listed]
    show_listing(listings.runs(values), settings.format)
    return ExitCode.DONE
