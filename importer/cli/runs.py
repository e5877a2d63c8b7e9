"""`runs` and `report`: what earlier runs left behind."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from importer.cli.console import settings_of, show_listing, show_record, tell
from importer.engine.runs import find_run, list_runs, prune_runs, runs_elsewhere
from importer.errors import ExitCode, UsageError
from importer.masking import Mask
from importer.reports import listings

KEEP = 30


def runs(namespace: Namespace) -> int:
    """List the runs with their state and counts, or delete the oldest finished ones."""
    settings = settings_of(namespace)
    base = Path(getattr(namespace, "dir", settings.runs_dir))
    if namespace.runs_action == "prune":
        keep = settings.output.keep_runs if settings.output.keep_runs is not None else KEEP
        if keep < 0:
            raise UsageError("--keep must be 0 or more")
        listed = prune_runs(base, keep)
        tell(f"deleted {len(listed)} of {len(listed) + len(list_runs(base))} runs in {base}")
        others = []
    else:
        listed = list_runs(base)
        others = [] if hasattr(namespace, "dir") else runs_elsewhere(base)
    # A run that --out put elsewhere is called by its folder, as `resume` and `undo` take it.
    called = [*((info, info.run) for info in listed), *((info, _short(info.path)) for info in others)]
    values = [{**asdict(info), "run": name, "path": str(info.path), "state": info.state.value} for info, name in called]
    show_listing(listings.runs(values), settings.format)
    return ExitCode.DONE


def _short(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)


def report(namespace: Namespace) -> int:
    """Write results, failed rows, summary and page again, or show fleets as one; exits as the run did."""
    from importer.reports.fleet import is_fleet
    from importer.reports.write import write_again

    settings = settings_of(namespace)
    if all(is_fleet(Path(run)) for run in namespace.run):
        from importer.cli import fleet

        return fleet.report(namespace.run, settings.format)
    if len(namespace.run) > 1:
        raise UsageError("several runs were named; only fleets (fleet.json) are gathered into one report")
    record = write_again(find_run(namespace.run[0], settings.runs_dir), Mask(settings.secrets()))
    show_record(record, settings)
    return record.exit_code
