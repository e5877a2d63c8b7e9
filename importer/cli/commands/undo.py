"""`tag-importer undo`: take a run back, as a run of its own."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace

from importer.cli.asking import refuse_to_delete
from importer.cli.console import show
from importer.cli.messages import show_record
from importer.cli.notifier import Notifier
from importer.cli.observer import observing
from importer.cli.runs import find_run
from importer.clock import Clock, SystemClock
from importer.errors import ExitCode
from importer.pipeline import verbs
from importer.pipeline.session import Session
from importer.reports.formats import report
from importer.settings.merge import merge
from importer.settings.settings import Settings


def run(namespace: Namespace) -> int:
    """Delete what the run created and restore what it updated, where the tag is still as the run left it."""
    clock = SystemClock()
    settings = merge(vars(namespace), os.environ)
    notifier = Notifier(settings, clock)
    if settings.dry_run:
        return asyncio.run(_undo(namespace.run, settings, clock, notifier))
    return notifier.of(lambda: _undo(namespace.run, settings, clock, notifier))


async def _undo(words: str, settings: Settings, clock: Clock, notifier: Notifier) -> int:
    earlier = verbs.open_run(find_run(words, settings.runs_dir))
    if not settings.dry_run:
        refuse_to_delete("undo", settings)
    with observing(settings, clock, notifier, run=notifier.run) as observer:
        session = Session(settings, clock, observer, notifier.path)
        if settings.dry_run:
            result = await verbs.plan_undo(session, earlier)
        else:
            record = await verbs.undo(session, earlier)
    if settings.dry_run:
        show(report(settings.format).plan(result))
        return ExitCode.DONE
    show_record(record, settings)
    return record.exit_code
