"""`categories`, `export` and `template`: what an account holds, and the workbook to fill in for it."""

from __future__ import annotations

import asyncio
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from importer.cli.apply import keep_and_show
from importer.cli.console import Messages, settings_of, show, show_listing, write_new
from importer.cli.observer import ask, observing, person, place
from importer.clock import SystemClock
from importer.errors import ExitCode, os_errors
from importer.model import Action, Category
from importer.pipeline import verbs
from importer.pipeline.account import Target, open_target
from importer.pipeline.categories import list_categories, make_changes, plan_changes
from importer.pipeline.session import Session
from importer.planning.categories import resolve_category
from importer.planning.category_file import WantedCategory, dump_category_yaml, load_category_yaml
from importer.planning.export import check_target
from importer.reports import listings
from importer.reports.formats import Listing
from importer.reports.text import count
from importer.settings.settings import Settings


def export(namespace: Namespace) -> int:
    """Write the account's tags into a file, and beside it the mapping that reads it back."""
    settings = settings_of(namespace)
    path, force = Path(namespace.file), bool(getattr(namespace, "force", False))
    check_target(path, force=force)
    session = Session(settings, SystemClock())
    with observing(session):
        exported = asyncio.run(verbs.export(session, path, force=force))
    for sentence in exported.unread:
        Messages.of(settings).tell(f"warning: {sentence}", level="warning", event="not-importable")
    if settings.format != "text" or not settings.quiet:
        value = {"file": str(exported.path), "mapping": str(exported.mapping), "tags": exported.tags,
                 "unread": list(exported.unread)}  # fmt: skip
        lines = [(f"{count(exported.tags, 'tag')}: {exported.path}",), (f"mapping: {exported.mapping}",)]
        show_listing(Listing(lines, value), settings.format)
    return ExitCode.DONE


def duplicates(namespace: Namespace) -> int:
    """List the tags that are one actor's, or write the plan that merges them; exit code 1 where there are any."""
    settings = settings_of(namespace)
    session = Session(settings, SystemClock(), path=settings.out)
    with observing(session):
        found, result = asyncio.run(verbs.duplicates(session))
    if settings.out is None:
        show_listing(listings.doubles(found), settings.format)
        return ExitCode.ROWS_NEED_WORK if found else ExitCode.DONE
    return keep_and_show(session, result)


def template(namespace: Namespace) -> int:
    """Write an empty workbook to fill in."""
    settings = settings_of(namespace)
    path, force = Path(namespace.file), bool(getattr(namespace, "force", False))
    check_target(path, force=force, endings=(".xlsx",))
    session = Session(settings, SystemClock())
    with observing(session):
        made = asyncio.run(verbs.template(session, path))
    words = ("tag-importer", "validate", str(path), *(("--mapping", made.mapping) if made.mapping else ()))
    lines = [(f"wrote {path}: {made.columns} columns",), (f"Fill it in; next: {shlex.join(words)}",)]
    show_listing(
        Listing(lines, {"file": str(path), "columns": made.columns, "mapping": made.mapping or None}), settings.format
    )
    return ExitCode.DONE


def doctor(namespace: Namespace) -> int:
    """Look at everything that a run needs."""
    from importer.pipeline.doctor import doctor, exit_code
    from importer.reports.listings import doctor as listing

    session = Session(settings_of(namespace), SystemClock())
    checks = asyncio.run(doctor(session))
    show_listing(listing(checks), session.settings.format)
    return exit_code(checks)


def categories(namespace: Namespace) -> int:
    """List, show, export and apply the account's tag categories."""
    session = Session(settings_of(namespace), SystemClock())
    wanted = _read_file(namespace.file) if namespace.categories_action == "apply" else ()
    with observing(session):
        return asyncio.run(_categories(namespace, session, wanted))


async def _categories(namespace: Namespace, session: Session, wanted: Sequence[WantedCategory]) -> int:
    async with open_target(session) as target:
        held = await list_categories(target)
        if namespace.categories_action == "apply":
            return await _apply(session, target, wanted, held)
    return {"list": _list, "show": _show, "export": _export}[namespace.categories_action](
        namespace, session.settings, held
    )


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
    with os_errors(f"{name} cannot be read"):
        return load_category_yaml(Path(name).read_bytes(), name)


async def _apply(session: Session, target: Target, wanted: Sequence[WantedCategory], held: Sequence[Category]) -> int:
    settings = session.settings
    changes, warnings = await plan_changes(target, wanted, held)
    pending = [change for change in changes if change.action is not Action.UNCHANGED]
    listing = listings.category_changes(changes, warnings)
    show_listing(listing, settings.format)
    if settings.dry_run or not pending:
        return ExitCode.DONE
    if not settings.yes and person():
        shown = settings.format == "text" and sys.stdout.isatty()
        question = f"Change {len(pending)} of {len(changes)} categories {place(target, settings)}?"
        ask(question, () if shown else listing.lines)
    await make_changes(session, target, pending)
    return ExitCode.DONE
