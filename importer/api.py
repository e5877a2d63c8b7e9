"""The importer for notebooks and other programs: lists, drafts, plans and results as DataFrames.

Everything here is the pipeline that the command line runs through, with the same checks, limits, run folders and
errors (`importer.errors`). Each verb comes twice: `plan(...)` blocks, also inside a running event loop such as a
notebook's, and `plan_async(...)` is awaited. `settings` are always those of the command line, with underscores
(`mode="upsert"`, `sheet=["Actors"]`, `max_updates="none"`); UsageError names one that does not exist.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec import Struct, field

from importer.clock import SystemClock
from importer.engine.resume import open_resumable, open_run
from importer.engine.runs import find_run
from importer.engine.stop import StopSignal
from importer.errors import SourceError, UsageError
from importer.fields.table import FIELDS
from importer.frames import tables_of_frame
from importer.model import Issue, Json
from importer.model import Plan as Changes
from importer.pipeline import verbs
from importer.pipeline.drafting import Inputs, MappedTable, collect, mapped, tables
from importer.pipeline.session import Session
from importer.reports.run_record import RunRecord, issues_of
from importer.reports.text import row_message
from importer.settings.merge import merge
from importer.settings.options import OPTIONS
from importer.settings.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    Paths: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
    Source: TypeAlias = Paths | pd.DataFrame

T = TypeVar("T")
_INDEX = ("file", "sheet", "row")
_FLAGS = {"sandbox", "fault", "trust_plan"}
_READING = {option.name for option in OPTIONS if option.key[0] == "reading"}
_DRAFTING = _READING | {"mapping", "map"}


class Account(Struct, frozen=True):
    """The account that a plan is made for: the one of the environment, or the embedded sandbox."""

    settings: Mapping[str, Json] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Account:
        """CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_TOKEN (or ..._FILE), CLOUDFLARE_BASE_URL: as for the command line."""
        return cls({}, dict(os.environ if environ is None else environ))

    @classmethod
    def sandbox(cls, database: str | os.PathLike[str] = "") -> Account:
        """The embedded sandbox: no account is needed, and a second plan finds what the first one made."""
        return cls({"sandbox": True, "sandbox_db": os.fspath(database) or None})

    def __repr__(self) -> str:
        return f"Account.{'sandbox' if self.settings.get('sandbox') else 'from_environment'}()"  # without its token


class _Shown(Struct, frozen=True):
    """A notebook shows the frame; `repr` the numbers."""

    @property
    def frame(self) -> pd.DataFrame:
        raise NotImplementedError

    @property
    def counts(self) -> dict[str, int]:
        raise NotImplementedError

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __repr__(self) -> str:
        counts = ", ".join(f"{word.replace('_', ' ')} {number:,}" for word, number in self.counts.items())
        return f"<{type(self).__name__}: {counts or 'no row'}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(repr(self)[1:-1])}</p>{self.frame.to_html(max_rows=20, notebook=True)}"


class Drafts(_Shown, frozen=True):
    """The tags that the rows of a list ask for, and what is wrong with them."""

    inputs: Inputs
    settings: Mapping[str, Json]
    named: tuple[str, ...] = ()
    """The sources, as they were named: a job file among them has settings of its own."""

    @property
    def counts(self) -> dict[str, int]:
        """Rows without an error, and with one."""
        invalid = sum(draft.invalid for draft in self.inputs.drafts)
        return {"valid": len(self.inputs.drafts) - invalid, "invalid": invalid}

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each input row: index file, sheet, row; a column for each wire field; None where it is absent."""
        rows = [draft.fields for draft in self.inputs.drafts]
        names = [known.name for known in FIELDS if any(known.name in row for row in rows)]
        return _frame([{name: row.get(name) for name in names} for row in rows], names, self.inputs.drafts)

    @property
    def issues(self) -> pd.DataFrame:
        """A row for each issue: severity, code, field, file, sheet, row, cell, value, message, nearest, allowed."""
        return _issues([*self.inputs.notes, *(issue for draft in self.inputs.drafts for issue in draft.issues)])


class Plan(_Shown, frozen=True):
    """What would be done to the account, and for what reason; `apply` does just that."""

    changes: Changes
    settings: Mapping[str, Json]
    account: Account
    named: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Action -> number of rows."""
        return {action: number for action, number in self.changes.counts().items() if number}

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each change: action, name, uuid, code, message, and `changes`, field -> (old, new)."""
        names = ["action", "name", "uuid", "code", "message", "changes"]
        values = [
            {
                "action": change.action.value, "name": change.name, "uuid": change.uuid, "code": change.code,
                "message": change.message, "changes": {item.field: (item.old, item.new) for item in change.differences},
            }
            for change in self.changes.changes
        ]  # fmt: skip
        return _frame(values, names, self.changes.changes)

    @property
    def issues(self) -> pd.DataFrame:
        """As `Drafts.issues`, with what only the account could show."""
        return _issues(issues_of(self.changes))


class Result(_Shown, frozen=True):
    """What has become of each row."""

    record: RunRecord

    @property
    def exit_code(self) -> int:
        """As the command line's: 0, 1 where rows need work, 6 where it stopped early and can be resumed."""
        return int(self.record.exit_code)

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.record.folder

    @property
    def counts(self) -> dict[str, int]:
        """Status -> number of rows; their sum is the number of rows."""
        return {status: number for status, number in self.record.counts().items() if number}

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each input row: status, name, uuid, code, message, attempts."""
        names = ["status", "name", "uuid", "code", "message", "attempts"]
        ended = list(self.record.ended())
        values = [
            {
                "status": outcome.status.value, "name": change.name, "uuid": outcome.uuid, "code": outcome.code,
                "message": row_message(change, outcome), "attempts": outcome.attempts,
            }
            for change, outcome in ended
        ]  # fmt: skip
        return _frame(values, names, [change for change, _ in ended])


def read_actors(source: Paths, mapping: str | None = None, **settings: Json) -> pd.DataFrame:
    """The lists of a source as exact text: str cells, blank is "", index file, sheet, row.

    `.attrs["reading"]` says of each list: file, sheet, kind, rows, mapping, `columns` (column -> the tag field that it
    feeds, or "") and `cells` (column -> its letter); `.attrs["issues"]` what was found on the way. Raises SourceError.
    """
    import pandas as pd

    found = list(tables(_settings(_named(source), {**settings, "mapping": mapping}, {})))
    lists = [item for item in found if isinstance(item, MappedTable)]
    if not lists:
        raise SourceError(f"no list of actors was found in {', '.join(_named(source))}")
    frames = [item.table.frame for item in lists]
    frame = pd.concat(frames).fillna("") if len(frames) > 1 else frames[0].copy()
    frame.attrs["reading"] = [
        {
            "file": item.table.header.file, "sheet": item.table.header.sheet, "kind": item.table.header.kind,
            "rows": len(item.table), "mapping": item.mapping,
            "columns": {use.column: use.field for use in item.reading.columns},
            "cells": dict(zip(item.table.header.columns, item.table.header.letters, strict=False)),
        }
        for item in lists
    ]  # fmt: skip
    notes = [item for item in found if isinstance(item, Issue)]
    in_rows = [issue for item in lists for issues in item.table.issues.values() for issue in issues]
    frame.attrs["issues"] = _issues([*notes, *in_rows]).to_dict("records")
    return frame


async def read_actors_async(source: Paths, mapping: str | None = None, **settings: Json) -> pd.DataFrame:
    """As `read_actors`, to be awaited."""
    return await asyncio.to_thread(read_actors, source, mapping, **settings)


def draft(source: Source, mapping: str | None = None, **settings: Json) -> Drafts:
    """Check a list, or a frame of one: offline, as `tag-importer validate` does."""
    import pandas as pd

    given: dict[str, Json] = {**settings, "mapping": mapping}
    if not isinstance(source, pd.DataFrame):
        named = _named(source)
        return Drafts(collect(tables(_settings(named, given, {}))), given, named)
    _refuse(_READING, given, "a DataFrame has been read already")
    return Drafts(collect(mapped(_settings((), given, {}), tables_of_frame(source))), given)


async def draft_async(source: Source, mapping: str | None = None, **settings: Json) -> Drafts:
    """As `draft`, to be awaited."""
    return await asyncio.to_thread(draft, source, mapping, **settings)


def plan(source: Source | Drafts, account: Account | None = None, mapping: str | None = None, **settings: Json) -> Plan:
    """What would be done to the account, by default that of the environment; it is read and not written to.

    Raises SourceError, UsageError, AccessRefused, and StoppedEarly where the account cannot be read.
    """
    return _blocking(plan_async(source, account, mapping, **settings))


async def plan_async(
    source: Source | Drafts, account: Account | None = None, mapping: str | None = None, **settings: Json
) -> Plan:
    """As `plan`, to be awaited."""
    account = account or Account.from_environment()
    if isinstance(source, Drafts):
        _refuse(_DRAFTING, {**settings, "mapping": mapping}, "drafts have been made already")
        drafts = source
    else:
        drafts = await draft_async(source, mapping, **settings)
    given = {**drafts.settings, **settings}
    session = _session(drafts.named, given, account)
    return Plan((await verbs.plan(session, drafts.inputs)).plan, given, account, drafts.named)


def apply(plan: Plan, out: str | os.PathLike[str] | None = None, **settings: Json) -> Result:
    """Do what the plan says, each tag exactly once. `out` is the run folder. Nobody is asked.

    Raises SafetyLimit where the plan goes beyond the limits (`max_updates="none"` lifts one). It deletes what the plan
    deletes, which only a plan made with `prune=True` does. Ctrl-C stops it: the result is that of a run to be resumed.
    """
    stop = StopSignal()
    return _blocking(_apply(plan, out, settings, stop), stop)


async def apply_async(plan: Plan, out: str | os.PathLike[str] | None = None, **settings: Json) -> Result:
    """As `apply`, to be awaited."""
    return await _apply(plan, out, settings, StopSignal())


async def _apply(
    plan: Plan, out: str | os.PathLike[str] | None, settings: Mapping[str, Json], stop: StopSignal
) -> Result:
    if not isinstance(plan, Plan):
        raise UsageError(f"apply takes what importer.plan gives, not {type(plan).__name__}")
    given = {**plan.settings, **settings, "out": os.fspath(out) if out is not None else None}
    return Result(await verbs.apply(_session(plan.named, given, plan.account, stop), plan.changes))


def resume(run: str | os.PathLike[str], account: Account | None = None, **settings: Json) -> Result:
    """Finish a run that stopped early: its folder, or the start of its name."""
    stop = StopSignal()
    return _blocking(_resume(run, account, settings, stop), stop)


async def resume_async(run: str | os.PathLike[str], account: Account | None = None, **settings: Json) -> Result:
    """As `resume`, to be awaited."""
    return await _resume(run, account, settings, StopSignal())


async def _resume(
    run: str | os.PathLike[str], account: Account | None, settings: Mapping[str, Json], stop: StopSignal
) -> Result:
    session = _session((), settings, account or Account.from_environment(), stop)
    found = find_run(os.fspath(run), session.settings.runs_dir)
    session.path = found if found.is_dir() else found.parent
    return Result(await verbs.resume(session, open_resumable(found)))


def undo(
    run: str | os.PathLike[str],
    account: Account | None = None,
    out: str | os.PathLike[str] | None = None,
    **settings: Json,
) -> Result:
    """Delete what a run created and restore what it updated, where the tag is still as the run left it."""
    stop = StopSignal()
    return _blocking(_undo(run, account, out, settings, stop), stop)


async def undo_async(
    run: str | os.PathLike[str],
    account: Account | None = None,
    out: str | os.PathLike[str] | None = None,
    **settings: Json,
) -> Result:
    """As `undo`, to be awaited."""
    return await _undo(run, account, out, settings, StopSignal())


async def _undo(
    run: str | os.PathLike[str],
    account: Account | None,
    out: str | os.PathLike[str] | None,
    settings: Mapping[str, Json],
    stop: StopSignal,
) -> Result:
    given = {**settings, "out": os.fspath(out) if out is not None else None}
    session = _session((), given, account or Account.from_environment(), stop)
    return Result(await verbs.undo(session, open_run(find_run(os.fspath(run), session.settings.runs_dir))))


def _blocking(work: Coroutine[Any, Any, T], stop: StopSignal | None = None) -> T:
    """The result of `work`, done by an event loop in a thread of its own: the caller may be inside a running one.

    Ctrl-C asks `stop`, so that a run ends resumable and with its reports; a second one, or no `stop`, cancels.
    """
    result: Future[T] = Future()
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def main() -> T:
        begun.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work

    def run() -> None:
        try:
            result.set_result(asyncio.run(main()))
        except asyncio.CancelledError:
            result.set_exception(KeyboardInterrupt())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, name="tag-importer", daemon=True).start()
    while True:
        try:
            return result.result()
        except KeyboardInterrupt:
            if result.done():
                raise
            loop, task = begun.result()
            if stop is not None and not stop:
                loop.call_soon_threadsafe(stop.request, "interrupted")
            elif task is not None:
                loop.call_soon_threadsafe(task.cancel)


def _named(source: Paths) -> tuple[str, ...]:
    """The paths and URLs of a source."""
    several = source if isinstance(source, list | tuple) else [source]
    if wrong := [one for one in several if not isinstance(one, str | os.PathLike)]:
        raise UsageError(
            f"a source is a path, a URL, a list of them or a pandas DataFrame, not {type(wrong[0]).__name__}"
        )
    return tuple(map(os.fspath, several))


def _refuse(names: set[str], given: Mapping[str, Json], why: str) -> None:
    if late := sorted(name for name in names if given.get(name) is not None):
        raise UsageError(f"{', '.join(late)} would change nothing: {why}")


def _session(
    named: Sequence[str], given: Mapping[str, Json], account: Account, stop: StopSignal | None = None
) -> Session:
    settings = _settings(named, {**given, **account.settings}, account.environ)
    return Session(settings, SystemClock(), stop=StopSignal() if stop is None else stop)


def _settings(named: Sequence[str], settings: Mapping[str, Json], environ: Mapping[str, str]) -> Settings:
    known = {name: value for name, value in settings.items() if value is not None}
    if unknown := known.keys() - {option.name for option in OPTIONS} - _FLAGS - {"out"}:
        raise UsageError(f"{', '.join(sorted(unknown))} is not a setting", hint="See `tag-importer apply --help`.")
    return merge({**known, "yes": True}, environ, named)


def _frame(values: Sequence[Mapping[str, Json]], columns: Sequence[str], rows: Sequence[Any]) -> pd.DataFrame:
    """A frame with the places of the rows as its index; a change that is about no row has none."""
    import pandas as pd

    places = [(row.row.header.file, row.row.header.sheet, row.row.number) if row.row else ("", "", 0) for row in rows]
    empty = pd.MultiIndex.from_arrays([[], [], []], names=_INDEX)
    index = pd.MultiIndex.from_tuples(places, names=_INDEX) if places else empty
    return pd.DataFrame(values, index=index, columns=list(columns), dtype=object)


def _issues(issues: Sequence[Issue]) -> pd.DataFrame:
    import pandas as pd

    columns = ["severity", "code", "field", "file", "sheet", "row", "cell", "value", "message", "nearest", "allowed"]
    rows = [
        (
            issue.severity.value, issue.code, issue.field, issue.place.file, issue.place.sheet, issue.place.row,
            issue.place.cell, issue.value, issue.message, issue.nearest, issue.allowed,
        )
        for issue in issues
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)
