"""`tag-importer export`: the account's tags as a file that can be imported again."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from pathlib import Path

from importer.cli.console import show_listing
from importer.cli.messages import Messages
from importer.cli.observer import observing
from importer.clock import SystemClock
from importer.errors import ExitCode
from importer.pipeline.account import open_target, read_account
from importer.planning.categories import resolve_category
from importer.planning.export_file import Exported, check_target, write_export
from importer.reports.formats import Listing
from importer.settings.merge import merge
from importer.settings.settings import Settings


def run(namespace: Namespace) -> int:
    """Write the file, and beside it the mapping that reads it back."""
    settings = merge(vars(namespace), os.environ)
    path = Path(namespace.file)
    force = bool(getattr(namespace, "force", False))
    check_target(path, force=force)
    exported = asyncio.run(_export(path, settings, force=force))
    for sentence in exported.unread:
        Messages.of(settings).tell(f"warning: {sentence}", level="warning", event="not-importable")
    if settings.format != "text" or not settings.quiet:
        value = {"file": str(exported.path), "mapping": str(exported.mapping), "tags": exported.tags,
                 "unread": list(exported.unread)}  # fmt: skip
        lines = [(f"{exported.tags:,} tags: {exported.path}",), (f"mapping: {exported.mapping}",)]
        show_listing(Listing(lines, value), settings.format)
    return ExitCode.DONE


async def _export(path: Path, settings: Settings, *, force: bool) -> Exported:
    clock = SystemClock()
    with observing(settings, clock) as observer:
        async with open_target(settings, clock, observer.observe) as target:
            observer.phase("reading the account's tags")
            account = await read_account(target, categories=True)
    tags = account.tags
    if settings.category:
        category = resolve_category(settings.category, account.categories or ())
        uuid = category.uuid.lower() if category is not None else ""
        tags = [tag for tag in tags if str(tag.fields.get("categoryUuid") or "").lower() == uuid]
    return write_export(path, tags, account.categories or (), force=force)
