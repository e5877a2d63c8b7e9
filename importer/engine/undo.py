"""Taking a run back: deleting what it created, restoring what it updated, where the tag is still as the run left it.

An undo is a plan like any other, carried out by `execute` with its own folder, journal and report.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from importer.clock import Clock, moment
from importer.engine.journal import Journal
from importer.engine.journal_state import JournalState
from importer.engine.resume import EarlierRun, open_run
from importer.engine.run_folder import RunFolder
from importer.engine.settle import differing_fields
from importer.errors import ImporterError, UsageError
from importer.fields.names import clean, identity_key
from importer.fields.table import Field, field_named
from importer.model import Action, Change, FieldChange, Json, Outcome, Plan, Status, Tag
from importer.planning.binding import AFTER, BESIDE, restamped, what_was_seen
from importer.planning.diff import cleared
from importer.planning.identity import index_tags
from importer.planning.options import MERGE
from importer.planning.plan_file import DELETES
from importer.planning.returned import lacking

_NOTHING: Final[tuple[object, ...]] = (None, "", [], {}, 0)
_AT_ONCE: Final = timedelta(minutes=5)
_CLOCKS: Final = timedelta(hours=1)
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
    state = earlier.state
    outcomes = state.outcomes if state is not None else {}
    held = {tag.uuid: tag for tag in tags}
    named = index_tags(tags)
    merged = earlier.plan.mode == MERGE
    changes: list[Change] = []
    # The last is taken back first, as far as order means anything.
    for change in reversed(earlier.plan.changes):
        outcome = outcomes.get(change.key)
        if outcome is not None and change.action is Action.DELETE and outcome.status is Status.DELETED:
            changes.append(_remake(change, () if merged else named.get(identity_key(change.name), ())))
        elif state is not None and outcome is not None and (change.action, outcome.status) in _TAKEN_BACK:
            take_back = _TAKEN_BACK[change.action, outcome.status]
            changes.append(take_back(change, outcome, held.get(outcome.uuid), state))
        elif outcome is not None and outcome.code == "duplicates":
            changes.append(
                _stays(change, "duplicates", "several tags of this name were there; delete what is too many")
            )
    moves = {change.uuid for change in changes if change.action is Action.DELETE or "value" in change.body}
    for at, change in enumerate(changes):
        of_name = named.get(identity_key(str(change.body.get("value", ""))), ()) if change.uuid else ()
        if there := [tag.uuid for tag in of_name if tag.uuid not in moves]:
            why = f"renamed by the run, and another tag has its old name now ({there[0]}), so it stays"
            changes[at] = _stays(change, "exists", why)
    if not changes:
        raise UsageError(f"run {earlier.folder.run} changed nothing that could be undone")
    return Plan(
        account=earlier.plan.account, mode=MODE, changes=tuple(changes), account_tags=len(tags), created=created,
        options={
            **(_one_by_one(earlier.plan, changes, named) if merged else {}),
            UNDOES: earlier.folder.run, "plan": earlier.sha256, UNDOES_FOLDER: str(earlier.folder.path.resolve()),
            **what_was_seen(changes, tags, untouched=(Action.DELETE, Action.UPDATE)),
        },
    )  # fmt: skip


def _one_by_one(merge: Plan, changes: Sequence[Change], named: Mapping[str, Sequence[Tag]]) -> dict[str, Json]:
    """The options by which tags that were merged are made again: beside those of their name, one after the other, so
    that a lost answer is never looked for among two of them; the tag that stayed gives back only once they are there.
    """
    into = merge.options.get(AFTER) or {}
    after: dict[str, str] = {}
    beside: dict[str, list[str]] = {}
    last: dict[str, str] = {}
    for change in changes:
        stayed = into.get(change.key, change.key)
        if stayed in last and change.action.calls:
            after[change.key] = last[stayed]
        if change.action is Action.CREATE:
            beside[change.key] = [tag.uuid for tag in named.get(identity_key(change.name), ())]
            last[stayed] = change.key
    return {AFTER: after, BESIDE: beside}


def check_settled(earlier: EarlierRun) -> None:
    """Raise UsageError when a call of the run may have been made unnoted: an undo would leave its tag behind."""
    state = earlier.state
    if state is None:
        return
    unknown = [key for key, outcome in state.outcomes.items() if outcome.status is Status.UNKNOWN]
    if number := len({*state.open, *unknown}):
        raise UsageError(
            f"what became of {number:,} row{'s' * (number > 1)} of run {earlier.folder.run} is not known",
            hint="Resume it first, then undo it.",
            then=f"tag-importer resume {shlex.quote(str(earlier.folder.path))}{{place}}",
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


def as_left(tag: Tag, outcome: Outcome, change: Change, state: JournalState) -> str:
    """Why a tag is not as the run left it, or not the run's at all; empty when the account itself shows that it is.

    A run's folder can be written by anybody. What counts is what the account says: the name and the content that were
    sent, the version and the time of the answer, and of a tag that was made, that it was made at that time.
    """
    after, body = outcome.after, change.body
    version, updated = after.get("version"), after.get("updatedAt")
    if how := restamped(version, updated, tag):
        return how
    if clean(str(body.get("value", change.name))) != clean(tag.name) and (
        "value" in body or identity_key(change.name) != identity_key(tag.name)
    ):
        return f"it is named {tag.name!r} now"
    # The server may not give back all that it takes; a tag that it has not stamped anew was not changed.
    dated = bool(updated and tag.updated_at)
    stamped = dated or bool(version and tag.version)
    if differing := differing_fields(body, tag, lambda *values: _lacks(*values, stamped=stamped)):
        return f"{', '.join(differing)} changed"
    if outcome.status is Status.CREATED:
        if how := _made_at_another_time(tag, str(updated or ""), state):
            return how
        more = [
            name for name, held in tag.fields.items() if name not in (*body, "categoryUuid") and held not in _NOTHING
        ]
        if more and not dated:
            return f"it holds more than was sent: {', '.join(more)}"
    return ""


def _made_at_another_time(tag: Tag, updated: str, state: JournalState) -> str:
    """Why a tag cannot be the one that the run made; empty where its times do not say so.

    A new tag's two times are one. The run's own clock may be wrong, but not by hours.
    """
    made = moment(tag.created_at)
    if made is None:
        return ""
    answered = moment(updated)
    if answered is not None and abs(made - answered) > _AT_ONCE:
        return f"it was made at {tag.created_at}, and the run says that it made it at {updated}"
    began = moment(state.header.get("started"))
    if (began is not None and made < began - _CLOCKS) or (state.last is not None and made > state.last + _CLOCKS):
        return f"it was made at {tag.created_at}, and not while the run was at work"
    return ""


def _lacks(field: Field, sent: Json, held: Json, *, stamped: bool) -> bool:
    if held is None and not field.current:
        return True
    return stamped and lacking(field.name, field, sent, held)[1]


def _delete(change: Change, outcome: Outcome, tag: Tag | None, state: JournalState) -> Change:
    if tag is None:
        return _gone(change, outcome)
    if why := as_left(tag, outcome, change, state):
        return _stays(change, "changed-since", f"created by the run and changed since, so it stays: {why}", tag.uuid)
    return Change(change.key, Action.DELETE, tag.name, change.row, tag.uuid, message=DELETES[MODE])


def _restore(change: Change, outcome: Outcome, tag: Tag | None, state: JournalState) -> Change:
    if tag is None:
        return _gone(change, outcome)
    if why := as_left(tag, outcome, change, state):
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
        back.append(FieldChange(item.field, item.new, body[item.field]))
    if not body:
        text = f"{', '.join(lasting)} cannot be emptied again, the API does not allow it"
        return _stays(change, "cannot-clear", text, tag.uuid)
    message = f"updated by the run; {', '.join(lasting)} cannot be emptied again" if lasting else "updated by the run"
    return Change(change.key, Action.UPDATE, tag.name, change.row, tag.uuid, body, tuple(back), message=message)


def _remake(change: Change, there: Sequence[Tag]) -> Change:
    """The plan of a delete holds every field that was lost; what pointed to the old uuid does not come back."""
    if there:
        message = f"deleted by the run, and a tag of this name is there ({there[0].uuid}), so none is made"
        return _stays(change, "exists", message, there[0].uuid)
    body = {item.field: item.old for item in change.differences}
    if "value" not in body:
        return _stays(
            change, "deleted", "deleted by the run, and its plan does not hold what the tag held", change.uuid
        )
    message = f"deleted by the run as {change.uuid}; made again with a new uuid"
    return Change(change.key, Action.CREATE, str(body["value"]), change.row, body=body, message=message)


_TAKEN_BACK: Final = {
    (Action.CREATE, Status.CREATED): _delete,
    (Action.UPDATE, Status.UPDATED): _restore,
}


def _gone(change: Change, outcome: Outcome) -> Change:
    return Change(
        change.key, Action.UNCHANGED, change.name, change.row, outcome.uuid, code="gone",
        message="the tag was deleted already",
    )  # fmt: skip


def _stays(change: Change, code: str, message: str, uuid: str = "") -> Change:
    return Change(change.key, Action.CONFLICT, change.name, change.row, uuid or change.uuid, code=code, message=message)
