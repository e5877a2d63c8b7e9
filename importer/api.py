"""The importer for notebooks and other programs: lists, drafts, plans and results as DataFrames.

Everything here is the pipeline that the command line runs through, with the same checks, limits, run folders and
errors (`importer.errors`). Each verb comes twice: `plan(...)` blocks, also inside a running event loop such as a
notebook's, and `plan_async(...)` is awaited.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field

from importer.clock import SystemClock
from importer.errors import UsageError
from importer.fields.table import FIELDS
from importer.model import Issue, Json
from importer.model import Plan as Changes
from importer.pipeline import verbs
from importer.pipeline.drafting import Inputs, collect, read_tables, tables_of_frame
from importer.pipeline.session import Session
from importer.reports.run_record import RunRecord, issues_of
from importer.reports.text import row_message
from importer.settings.merge import merge
from importer.settings.options import OPTIONS
from importer.settings.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
_INDEX = ("file", "sheet", "row")
_FLAGS = {"sandbox", "fault", "out", "quiet"}


class Account(Struct, frozen=True):
    """The account that a plan is made for: the one of the environment, or the embedded sandbox."""

    settings: Mapping[str, Json] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Account:
        """CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_TOKEN (or ..._FILE), CLOUDFLARE_BASE_URL: as for the command line."""
        return cls({}, dict(os.environ if environ is None else environ))

    @classmethod
    def sandbox(cls, database: str | Path = "") -> Account:
        """The embedded sandbox: no account is needed, and a second plan finds what the first one made."""
        given: dict[str, Json] = {"sandbox": True}
        return cls({**given, "sandbox_db": str(database)} if database else given)

    def __repr__(self) -> str:
        return (
            "Account.sandbox()" if self.settings.get("sandbox") else "Account.from_environment()"
        )  # without its token


class Drafts(Struct, frozen=True):
    """The tags that the rows of a list ask for, and what is wrong with them."""

    inputs: Inputs
    settings: Mapping[str, Json]

    def __len__(self) -> int:
        return len(self.inputs.drafts)

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


class Plan(Struct, frozen=True):
    """What would be done to the account, and for what reason; `apply` does just that."""

    changes: Changes
    settings: Mapping[str, Json]
    account: Account

    def __len__(self) -> int:
        return len(self.changes.changes)

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


class Result(Struct, frozen=True):
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


def read_actors(
    source: str | Path | Sequence[str | Path], mapping: str | None = None, **settings: Json
) -> pd.DataFrame:
    """A list as exact text: str cells, blank is "", index file, sheet, row; `.attrs["reading"]` names each table.

    `settings` are those of the command line (`sheet=["Actors"]`, `encoding="cp1252"`). Raises SourceError.
    """
    import pandas as pd

    tables = list(read_tables(_settings(source, {**settings, "mapping": mapping}, {})))
    frames = [table.frame for table in tables]
    frame = pd.concat(frames).fillna("") if len(frames) > 1 else frames[0].copy()
    frame.attrs["reading"] = [
        {"file": table.header.file, "sheet": table.header.sheet, "kind": table.header.kind, "rows": len(table)}
        for table in tables
    ]
    return frame


def draft(
    source: str | Path | pd.DataFrame | Sequence[str | Path], mapping: str | None = None, **settings: Json
) -> Drafts:
    """Check a list, or a frame of one: offline, as `tag-importer validate` does."""
    given = {**settings, "mapping": mapping}
    return Drafts(_inputs(source, given), given)


async def plan_async(
    source: str | Path | pd.DataFrame | Sequence[str | Path] | Drafts,
    account: Account | None = None,
    mapping: str | None = None,
    **settings: Json,
) -> Plan:
    """What would be done to the account, which is read and not written to. `settings` as on the command line:
    `mode="upsert"`, `category="Actors"`."""
    account = account or Account.from_environment()
    drafts = source if isinstance(source, Drafts) else draft(source, mapping, **settings)
    given = {**drafts.settings, **settings}
    session = Session(_settings((), given, account.environ, account.settings), SystemClock())
    return Plan((await verbs.plan(session, drafts.inputs)).plan, given, account)


async def apply_async(plan: Plan, out: str | Path | None = None, **settings: Json) -> Result:
    """Do what the plan says, each tag exactly once. Raises SafetyLimit where it goes beyond the limits
    (`max_updates="none"` lifts one). It deletes what the plan deletes, which a plan made with `prune=True` alone does.
    """
    given = {**plan.settings, **settings, "out": str(out) if out is not None else None}
    session = Session(_settings((), given, plan.account.environ, plan.account.settings), SystemClock())
    return Result(await verbs.apply(session, plan.changes))


def plan(
    source: str | Path | pd.DataFrame | Sequence[str | Path] | Drafts,
    account: Account | None = None,
    mapping: str | None = None,
    **settings: Json,
) -> Plan:
    """`plan_async`, blocking."""
    return _blocking(plan_async(source, account, mapping, **settings))


def apply(plan: Plan, out: str | Path | None = None, **settings: Json) -> Result:
    """`apply_async`, blocking."""
    return _blocking(apply_async(plan, out, **settings))


def _blocking(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; where an event loop runs in this thread already, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    ended: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            ended.append(asyncio.run(work))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="tag-importer")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return ended[0]


def _settings(
    source: str | Path | Sequence[str | Path],
    settings: Mapping[str, Json],
    environ: Mapping[str, str],
    more: Mapping[str, Json] = {},
) -> Settings:
    named = [source] if isinstance(source, str | Path) else source
    known = {name: value for name, value in {**settings, **more}.items() if value is not None}
    if unknown := known.keys() - {option.name for option in OPTIONS} - _FLAGS:
        raise UsageError(f"{', '.join(sorted(unknown))} is not a setting", hint="See `tag-importer apply --help`.")
    return merge({**known, "yes": True}, environ, [str(path) for path in named])


def _inputs(source: str | Path | pd.DataFrame | Sequence[str | Path], given: Mapping[str, Json]) -> Inputs:
    if isinstance(source, str | Path | list | tuple):
        return collect(_settings(source, given, {}))
    tables = list(tables_of_frame(source))  # type: ignore[arg-type]
    return collect(_settings((), given, {}), tables=tables)


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
