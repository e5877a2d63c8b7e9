"""`tag-importer resume`: finish a run that stopped early."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from importer.cli.messages import show_record
from importer.cli.notifier import Notifier
from importer.cli.observer import observing
from importer.cli.runs import find_run
from importer.clock import Clock, SystemClock
from importer.errors import ImporterError
from importer.pipeline import verbs
from importer.pipeline.session import Session
from importer.settings.merge import merge
from importer.settings.settings import Settings


def run(namespace: Namespace) -> int:
    """Take the run up where its journal ends."""
    clock = SystemClock()
    settings = merge(vars(namespace), os.environ)
    notifier = Notifier(settings, clock, path=Path(namespace.run))
    try:
        found = find_run(namespace.run, settings.runs_dir)
    except ImporterError as error:
        return notifier.failed(error)
    notifier = Notifier(settings, clock, path=found if found.is_dir() else found.parent)
    return notifier.of(lambda: _resume(found, settings, clock, notifier))


async def _resume(path: Path, settings: Settings, clock: Clock, notifier: Notifier) -> int:
    with observing(settings, clock, notifier, run=notifier.run) as observer:
        record = await verbs.resume(Session(settings, clock, observer, notifier.path), path)
    show_record(record, settings)
    return record.exit_code
