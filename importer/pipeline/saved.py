"""A saved plan, and whether its sources and the account are still as they were when it was made."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from importer.engine.lock import downloads_dir
from importer.engine.origin import check_origin, local_key
from importer.engine.resume import file_of
from importer.engine.undo import MODE as UNDO
from importer.errors import ImporterError, SafetyLimit, SourceError, UsageError
from importer.model import Change, Plan, RowRef, SourceFile, Table, Tag
from importer.pipeline.account import Target, read_account
from importer.pipeline.session import Timings
from importer.planning.plan_file import is_plan_file, read_plan
from importer.planning.verify import AGAIN, check_marks, check_not_moved, check_plan, plan_again, some
from importer.settings.model import Origin
from importer.settings.settings import Settings
from importer.sources.fetch import fetch
from importer.sources.read import ReadOptions, read

_SETTLED: Final = ("mapping", "sheet", "include_hidden", "include_revoked", "header_row", "encoding", "delimiter",
                   "records", "mode", "category", "create_category", "managed_by", "adopt", "prune",
                   "lists", "decisions", "evidence", "only", "exclude", "limit")  # fmt: skip


def saved_plan(words: Sequence[str]) -> Path | None:
    """The plan.json that the command is given instead of sources; None where it is given sources."""
    if len(words) != 1 or not words[0].endswith(".json"):
        return None
    path = Path(words[0])
    try:
        ours = is_plan_file(path)
    except OSError:
        return None  # a source that cannot be read is reported by whoever reads sources
    return path if ours or path.name == "plan.json" else None


def refuse_what_a_plan_settles(settings: Settings) -> None:
    """Raise UsageError for flags beside a saved plan that would have changed it: they would do nothing now."""
    given = [name for name in _SETTLED if (given := settings.given.get(name)) and given.origin is Origin.FLAG]
    if given:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"a saved plan is carried out as it is: {flags} came too late", hint=f"Plan with {flags}.")


class Saved(Struct, frozen=True):
    """A plan that may be carried out."""

    plan: Plan
    tags: Sequence[Tag] | None = None
    """What the account holds now, where the plan was not made a moment ago."""
    origin: str = ""
    """What is to be said of where it was made; empty where that is here."""


async def read_saved(path: Path, target: Target, settings: Settings, timings: Timings, *, asked: bool) -> Saved:
    """A saved plan, if the sources and the account are still as they were when it was made.

    UsageError for a plan that is damaged, forged or of another account, and for one that was made elsewhere where
    nobody is `asked`; SafetyLimit for one whose sources or account changed, with the rows. A source that
    cannot be had again (standard input, a URL with a query) is taken as it was; so is a URL in a plan from elsewhere.
    """
    saved = read_plan(path)
    plan, made_here = saved.plan, saved.made_with(local_key())
    if plan.mode == UNDO:
        raise UsageError(
            f"{path} is the plan of an undo",
            hint="Resume the undo.",
            then=f"tag-importer resume {shlex.quote(str(path.parent))}{{place}}",
        )
    if plan.account != target.account_id:
        raise UsageError(f"{path} is a plan for account {plan.account}, not for {target.account_id}")
    check_plan(plan, made_here=made_here)
    origin = check_origin(
        f"the plan {path}", saved.sha256, made_here=made_here, trusted=settings.trust_plan, asked=asked
    )
    _check_sources(plan, made_here=made_here)
    timings.done("read")
    sent = _categories(plan)
    account = await read_account(target, categories=bool(sent))
    timings.done("account")
    if gone := sent - {category.uuid.lower() for category in account.categories or ()}:
        raise SafetyLimit(
            f"the account changed since the plan was made: category {', '.join(sorted(gone))} is not there any more",
            hint=AGAIN,
            then=plan_again(plan),
        )
    check_not_moved(plan, account)
    check_marks(plan, account.tags)
    return Saved(plan, account.tags, origin)


def _categories(plan: Plan) -> set[str]:
    """UUIDs of the categories that the plan sends, in lower case."""
    sent = {str(change.body.get("categoryUuid") or "") for change in plan.changes if change.action.calls}
    return {uuid.lower() for uuid in sent if uuid}


def _check_sources(plan: Plan, *, made_here: bool) -> None:
    problems: list[str] = []
    rows: list[str] = []
    for source in (*plan.sources, *plan.shaped_by):
        if "://" in source.file and not made_here:
            continue  # a stranger does not say what this machine asks for
        now = _sha256_now(source)
        if now == "":
            seen = "" if "://" in source.file or Path(source.file).is_absolute() else f" (as seen from {Path.cwd()})"
            problems.append(f"{source.file} is not there any more{seen}")
        elif now is not None and now != source.sha256:
            problems.append(f"{source.file} changed")
            rows += _rows_moved(plan, source)
    if problems:
        said = f"since the plan was made, {'; '.join(problems)}"
        raise SafetyLimit(
            said + (f": {len(rows):,} rows moved" if rows else ""),
            hint=AGAIN,
            then=plan_again(plan),
            details=some(rows),
        )


def _sha256_now(source: SourceFile) -> str | None:
    """The digest of a source as it is now: empty where it is gone, None where it cannot be had again."""
    scheme, _, address = source.file.partition("://")
    if source.file == "-" or not source.sha256 or "?" in address or (address and "+" in scheme):
        return None
    try:
        if "://" in source.file:
            with fetch(source.file, _reading()).open() as stream:
                return hashlib.sha256(stream.read()).hexdigest()
        path = file_of(source)
        if path is None:
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise SourceError(f"{source.file} cannot be compared with the plan: {error}") from error


def _rows_moved(plan: Plan, source: SourceFile) -> list[str]:
    """The rows of a source that are others now, as far as reading it anew can tell."""
    try:
        rows = [row for table in read([source.file], _reading()) if isinstance(table, Table) for row in table.rows()]
    except ImporterError:
        return []
    then = [change for change in plan.changes if change.row is not None and change.row.header.file == source.file]
    return list(_differing(then, rows))


def _differing(then: Sequence[Change], now: Sequence[RowRef]) -> Iterator[str]:
    was = [(change.name, change.row) for change in then if change.row is not None]
    if {row.header.columns for _, row in was} != {row.header.columns for row in now}:
        yield "its columns are others now"
        return
    left = Counter((row.header.sheet, row.cells) for row in now)
    gone: list[tuple[str, RowRef]] = []
    for name, row in was:
        if left[row.header.sheet, row.cells] > 0:
            left[row.header.sheet, row.cells] -= 1
        else:
            gone.append((name, row))
    new: dict[tuple[str, int], RowRef] = {}
    for row in reversed(now):  # of equal rows the last ones are the new ones
        if left[row.header.sheet, row.cells] > 0:
            left[row.header.sheet, row.cells] -= 1
            new[row.header.sheet, row.number] = row
    for name, row in gone:
        changed = new.pop((row.header.sheet, row.number), None) is not None
        yield f"{name!r} ({row.place()}): the row {'changed' if changed else 'is gone'}"
    for row in sorted(new.values(), key=lambda row: (row.header.sheet, row.number)):
        yield f"{row.place()}: the row is new"


def _reading() -> ReadOptions:
    return ReadOptions(cache_dir=downloads_dir())
