"""`tag-importer categories`: list, show, export and apply the account's tag categories."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from importer.cli.asking import ask, person, place
from importer.cli.commands.mapping import write_new
from importer.cli.console import show, show_listing
from importer.cli.messages import Messages
from importer.cli.observer import observing
from importer.clock import SystemClock
from importer.errors import AccessRefused, ExitCode, StoppedEarly, UsageError
from importer.model import Action, Category
from importer.pipeline.account import Target, explained, open_target
from importer.pipeline.locking import locked
from importer.planning.categories import resolve_category
from importer.planning.category_diff import CategoryChange, broken_tags, plan_categories
from importer.planning.category_file import WantedCategory, dump_category_yaml, load_category_yaml
from importer.remote.failures import CallFailed
from importer.reports import listings
from importer.settings.merge import merge
from importer.settings.settings import Settings


def run(namespace: Namespace) -> int:
    """One of list, show, export, apply."""
    settings = merge(vars(namespace), os.environ)
    return asyncio.run(_run(namespace, settings))


async def _run(namespace: Namespace, settings: Settings) -> int:
    clock = SystemClock()
    wanted = _read_file(namespace.file) if namespace.categories_action == "apply" else ()
    with observing(settings, clock) as observer:
        async with open_target(settings, clock, observer.observe) as target:
            with explained("reading the account's categories", target.api):
                held = await target.api.list_categories()
            if namespace.categories_action == "apply":
                return await _apply(wanted, held, target, settings)
    return {"list": _list, "show": _show, "export": _export}[namespace.categories_action](namespace, settings, held)


def _named(name: str, held: Sequence[Category]) -> Category:
    found = resolve_category(name, held)
    assert found is not None  # it raises for a name that is not there
    return found


def _list(namespace: Namespace, settings: Settings, held: Sequence[Category]) -> int:
    show_listing(listings.categories(held), settings.format)
    return ExitCode.DONE


def _show(namespace: Namespace, settings: Settings, held: Sequence[Category]) -> int:
    show_listing(listings.category(_named(namespace.name, held)), settings.format)
    return ExitCode.DONE


def _export(namespace: Namespace, settings: Settings, held: Sequence[Category]) -> int:
    name = getattr(namespace, "name", None)
    text = dump_category_yaml([_named(name, held)] if name else held)
    if settings.out is None:
        show(text)
    else:
        write_new(settings.out, text, force=bool(getattr(namespace, "force", False)))
    return ExitCode.DONE


def _read_file(name: str) -> tuple[WantedCategory, ...]:
    try:
        text = Path(name).read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8 text") from None
    return load_category_yaml(text, name)


async def _apply(wanted: Sequence[WantedCategory], held: Sequence[Category], target: Target, settings: Settings) -> int:
    changes = plan_categories(wanted, held)
    pending = [change for change in changes if change.action is not Action.UNCHANGED]
    warnings = []
    if any("schema" in change.body and change.uuid for change in pending):
        with explained("reading the account's tags", target.api):
            tags = await target.api.list_tags()
        warnings = [issue for change in pending for issue in broken_tags(change, tags)]
    listing = listings.category_changes(changes, warnings)
    show_listing(listing, settings.format)
    if settings.dry_run or not pending:
        return ExitCode.DONE
    if not settings.yes and person():
        shown = settings.format == "text" and sys.stdout.isatty()
        ask(
            f"Change {len(pending)} of {len(changes)} categories {place(target, settings)}?",
            () if shown else listing.lines,
        )
    messages = Messages.of(settings)
    async with locked(settings, target, messages.tell):
        for done, change in enumerate(pending):
            with _told(change, done, len(pending)):
                if change.action is Action.CREATE:
                    body = change.body
                    await target.api.create_category(
                        change.name,
                        description=str(body.get("description", "")),
                        schema=body.get("schema"),
                        grace=settings.pacing.grace,
                    )
                else:
                    await target.api.update_category(change.uuid, change.body)
            messages.tell(f"{change.action.value}d category {change.name}", event="category-changed", name=change.name)
    return ExitCode.DONE


@contextmanager
def _told(change: CategoryChange, done: int, pending: int) -> Iterator[None]:
    """A change that failed, with what was changed before it."""
    doing = f"category {change.name!r} could not be {change.action.value}d"
    before = f"{done} of {pending} categories were changed before it." if done else "Nothing was changed."
    try:
        yield
    except CallFailed as failed:
        if failed.failure.access:
            hint = f"The token needs the permission Cloudforce One Write on this account. {before}"
            raise AccessRefused(f"{doing}: {failed}", hint=hint) from failed
        if 400 <= failed.status < 500 and failed.status != 429:
            mend = "Mend the file and apply it again. " if failed.failure.code == "bad-request" else ""
            raise UsageError(f"{doing}: {failed}", hint=f"{mend}{before}") from failed
        raise StoppedEarly(f"{doing}: {failed}", hint=f"Apply the file again. {before}") from failed
