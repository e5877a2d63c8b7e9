"""Taking a run back: deleting what it created, restoring what it updated, where the tag is still as the run left it.

An undo is a plan like any other, carried out by `execute` with its own folder, journal and report.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from importer.clock import Clock
from importer.engine.journal import Journal
from importer.engine.resume import EarlierRun, open_run
from importer.engine.run_folder import RunFolder
from importer.engine.settle import differing_fields
from importer.errors import ImporterError, UsageError
from importer.fields.names import clean, identity_key
from importer.fields.table import Field, field_named
from importer.model import Action, Change, FieldChange, Json, Outcome, Plan, Status, Tag
from importer.planning.binding import restamped, what_was_seen
from importer.planning.diff import cleared
from importer.planning.returned import lacking

MODE: Final = "undo"
UNDOES: Final = "undoes"
UNDOES_FOLDER: Final = "undoes_folder"
"""Options of an undo's plan: the run that it takes back, and where that run lay."""


def undo_plan(earlier: EarlierRun, tags: Sequence[Tag], *, created: str = "") -> Plan:
    """The plan that takes a run back, against the tags that the account holds now.

    One change for each row that the run created, updated or deleted; a tag that was changed since is a conflict and
    stays. A deleted tag is made again as the plan of the run saw it, with a new uuid. Raises UsageError when the run
    did nothing, is an undo itself, or holds a row that nobody knows the end of.
    """
    if earlier.plan.mode == MODE:
        raise UsageError("an undo cannot be undone", hint="Apply the original list again.")
    check_settled(earlier)
    outcomes = earlier.state.outcomes if earlier.state is not None else {}
    held = {tag.uuid: tag for tag in tags}
    named = {identity_key(tag.name): tag for tag in tags}
    changes = []
    # The last is taken back first, as far as order means anything.
    for change in reversed(earlier.plan.changes):
        outcome = outcomes.get(change.key)
        if outcome is not None and outcome.status is Status.DELETED:
            changes.append(_remake(change, named.get(identity_key(change.name))))
        elif outcome is not None and outcome.status in _TAKEN_BACK:
            changes.append(_TAKEN_BACK[outcome.status](change, outcome, held.get(outcome.uuid)))
        elif outcome is not None and outcome.code == "duplicates":
            changes.append(
                _stays(change, "duplicates", "several tags of this name were there; delete what is too many")
            )
    if not changes:
        raise UsageError(f"run {earlier.folder.run} changed nothing that could be undone")
    return Plan(
        account=earlier.plan.account, mode=MODE, changes=tuple(changes), account_tags=len(tags), created=created,
        options={
            UNDOES: earlier.folder.run, "plan": earlier.sha256, UNDOES_FOLDER: str(earlier.folder.path.resolve()),
            **what_was_seen(changes, tags, untouched=(Action.DELETE, Action.UPDATE)),
        },
    )  # fmt: skip


def check_settled(earlier: EarlierRun) -> None:
    """Raise UsageError when a call of the run may have been made unnoted: an undo would leave its tag behind."""
    state = earlier.state
    if state is None:
        return
    unknown = [key for key, outcome in state.outcomes.items() if outcome.status is Status.UNKNOWN]
    if number := len({*state.open, *unknown}):
        raise UsageError(
            f"what became of {number:,} row{'s' * (number > 1)} of run {earlier.folder.run} is not known",
            hint=f"Resume it first: tag-importer resume {shlex.quote(str(earlier.folder.path))}, then undo.",
        )


def mark_undoing(folder: RunFolder, by: RunFolder, clock: Clock) -> None:
    """Write into a run's journal that an undo begins: from its first delete on, the outcomes in it are not so."""
    _note(folder, clock, "undoing", by=by.run, folder=str(by.path.resolve()))


def mark_undone(folder: RunFolder, by: str, clock: Clock) -> None:
    """Write into a run's journal that the run `by` has taken it back."""
    _note(folder, clock, "undone", by=by)


def undone_run(undo: EarlierRun) -> EarlierRun | None:
    """The run that an undo takes back: where it lay, or beside the undo; None where it is in neither place."""
    options = undo.plan.options
    places = (str(options.get(UNDOES_FOLDER) or ""), str(undo.folder.path.resolve().parent / str(options.get(UNDOES))))
    for place in filter(None, places):
        with suppress(ImporterError, OSError):
            found = open_run(Path(place))
            if found.sha256 == options.get("plan") and found.state is not None:
                return found
    return None


def _note(run: RunFolder, clock: Clock, event: str, /, **values: str) -> None:
    journal = Journal(run.journal_path, clock)
    try:
        journal.event(event, **values)
    finally:
        journal.close()


def as_left(tag: Tag, outcome: Outcome, body: Mapping[str, Json]) -> str:
    """Why a tag is not as the run left it; empty when it is."""
    after = outcome.after
    if how := restamped(after.get("version"), after.get("updatedAt"), tag):
        return how
    if "value" in body and clean(str(body["value"])) != clean(tag.name):
        return f"it is named {tag.name!r} now"
    # The server may not give back all that it takes; a tag that it has not stamped anew was not changed.
    stamped = bool((after.get("version") and tag.version) or (after.get("updatedAt") and tag.updated_at))
    if differing := differing_fields(body, tag, lambda *values: _lacks(*values, stamped=stamped)):
        return f"{', '.join(differing)} changed"
    return ""


def _lacks(field: Field, sent: Json, held: Json, *, stamped: bool) -> bool:
    if held is None and not field.current:
        return True
    return stamped and lacking(field.name, field, sent, held)[1]


def _delete(change: Change, outcome: Outcome, tag: Tag | None) -> Change:
    if tag is None:
        return _gone(change, outcome)
    if why := as_left(tag, outcome, change.body):
        return _stays(change, "changed-since", f"created by the run and changed since, so it stays: {why}", tag.uuid)
    return Change(change.key, Action.DELETE, tag.name, change.row, tag.uuid, message="created by the run")


def _restore(change: Change, outcome: Outcome, tag: Tag | None) -> Change:
    if tag is None:
        return _gone(change, outcome)
    if why := as_left(tag, outcome, change.body):
        return _stays(change, "changed-since", f"updated by the run and changed since, so it stays: {why}", tag.uuid)
    body: dict[str, Json] = {}
    back = []
    lasting = []
    for item in change.differences:
        field = field_named(item.field)
        if item.old is None and field is not None and not field.clearable:
            lasting.append(item.field)
            continue
        body[item.field] = cleared(field) if item.old is None and field is not None else item.old
        back.append(FieldChange(item.field, item.new, item.old))
    if not body:
        text = f"{', '.join(lasting)} cannot be emptied again, the API does not allow it"
        return _stays(change, "cannot-clear", text, tag.uuid)
    message = f"updated by the run; {', '.join(lasting)} cannot be emptied again" if lasting else "updated by the run"
    return Change(change.key, Action.UPDATE, tag.name, change.row, tag.uuid, body, tuple(back), message=message)


def _remake(change: Change, there: Tag | None) -> Change:
    """The plan of a delete holds every field that was lost; what pointed to the old uuid does not come back."""
    if there is not None:
        message = f"deleted by the run, and a tag of this name is there ({there.uuid}), so none is made"
        return _stays(change, "exists", message, there.uuid)
    body = {item.field: item.old for item in change.differences}
    if "value" not in body:
        return _stays(
            change, "deleted", "deleted by the run, and its plan does not hold what the tag held", change.uuid
        )
    message = f"deleted by the run as {change.uuid}; made again with a new uuid"
    return Change(change.key, Action.CREATE, change.name, change.row, body=body, message=message)


_TAKEN_BACK: Final = {Status.CREATED: _delete, Status.UPDATED: _restore}


def _gone(change: Change, outcome: Outcome) -> Change:
    return Change(
        change.key, Action.UNCHANGED, change.name, change.row, outcome.uuid, code="gone",
        message="the tag was deleted already",
    )  # fmt: skip


def _stays(change: Change, code: str, message: str, uuid: str = "") -> Change:
    return Change(change.key, Action.CONFLICT, change.name, change.row, uuid or change.uuid, code=code, message=message)
