"""What a saved plan must hold to before it is carried out: its own mode and mark, and the account as it is now.

A plan file can be written by anybody. Whatever a plan made now would refuse, a saved one may not do either.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from importer.errors import SafetyLimit, UsageError
from importer.fields.names import clean, identity_key
from importer.fields.table import FIELDS, Kind
from importer.fields.values import check, same
from importer.model import Action, Change, FieldChange, Json, Plan, Tag
from importer.planning.binding import AFTER, SEEN, STAMPS, Moved, moved
from importer.planning.marking import MARK_KEY, Owner, mark_of, owner
from importer.planning.options import MERGE, Account, Mode

_SHOWN: Final = 50
AGAIN: Final = "Plan again, look at the plan, and apply that one."
_FIELDS: Final = {field.name: field for field in FIELDS}
_ALLOWED: Final[Mapping[str, tuple[Action, ...]]] = {
    Mode.CREATE: (Action.CREATE,),
    Mode.UPDATE: (Action.UPDATE,),
    MERGE: (Action.UPDATE, Action.DELETE),
}


def check_plan(plan: Plan, *, made_here: bool) -> None:
    """Raise UsageError, with the places, where the plan contradicts itself: what its mode or its marking rules out.

    Of a plan that was made elsewhere each value that is sent is checked as one of a list would be.
    """
    by_key: dict[str, Change] = {}
    if plan.mode == MERGE:
        deleted = {change.uuid for change in plan.changes if change.action is Action.DELETE}
        by_key = {change.key: change for change in plan.changes if change.uuid not in deleted}
    _raise(plan, [(one, how) for one in plan.changes if (how := _contradiction(one, plan, made_here, by_key))])


def check_marks(plan: Plan, tags: Sequence[Tag]) -> None:
    """Raise UsageError for changes of tags that a plan made now would leave alone: other names, other marks."""
    held = {tag.uuid: tag for tag in tags}
    found: list[tuple[Change, str]] = []
    for change in plan.changes:
        if change.action not in (Action.UPDATE, Action.DELETE) or (tag := held.get(change.uuid)) is None:
            continue
        if how := _not_this_tag(change, tag) or _not_marked(change, tag, plan.options):
            found.append((change, how))
    _raise(plan, found)


def check_not_moved(plan: Plan, account: Account) -> None:
    """Raise SafetyLimit, with the rows, where the account is not any more as the plan saw it."""
    if rows := moved(plan, account) or _shown_otherwise(plan, account.tags):
        raise SafetyLimit(
            f"the account changed since the plan was made: {len(rows):,} of {len(plan.changes):,} rows moved",
            hint=AGAIN,
            then=plan_again(plan),
            details=some(tuple(map(str, rows))),
        )


def plan_again(plan: Plan) -> str:
    """The command that makes a plan of the same job, or the same sources."""
    named = dict.fromkeys(source.file for source in plan.sources[:_SHOWN])
    job = plan.options.get("job")
    return (
        f"tag-importer plan {shlex.join([str(job)] if job else [*named, '--mode', plan.mode])} --out new-plan{{place}}"
    )


def some(lines: Sequence[str]) -> tuple[str, ...]:
    """The first of many lines, and how many more there are."""
    more = (f"... and {len(lines) - _SHOWN:,} more",) if len(lines) > _SHOWN else ()
    return (*lines[:_SHOWN], *more)


def _raise(plan: Plan, found: Sequence[tuple[Change, str]]) -> None:
    if not found:
        return
    place = {change.key: number for number, change in enumerate(plan.changes)}
    raise UsageError(
        f"the plan contradicts itself, or what the account holds, in {len(found):,} of {len(plan.changes):,} changes",
        hint="It was not made by this program, or was altered; nothing was attempted. Make the plan again.",
        details=some(tuple(f"changes[{place[one.key]}] {clean(one.name)[:80]!r}: {how}" for one, how in found)),
    )


def _contradiction(change: Change, plan: Plan, made_here: bool, by_key: Mapping[str, Change]) -> str:
    if not change.action.calls:
        return ""
    undo = plan.mode == "undo"
    if not undo and plan.mode not in (*Mode, MERGE):
        return f"mode {plan.mode[:40]!r} is not one of {', '.join((*Mode, MERGE))}"
    allowed = _ALLOWED.get(plan.mode)
    if allowed is not None and change.action not in allowed:
        return f"a plan of mode {plan.mode} does not {change.action}"
    if change.action is not Action.CREATE and change.key not in (plan.options.get(SEEN) or {}):
        return "it does not say what it saw of the tag"
    if change.action is Action.DELETE:
        if change.key not in (plan.options.get(STAMPS) or {}):
            return "it does not say which version of the tag it saw"
        if plan.mode == MERGE:
            stays = by_key.get((plan.options.get(AFTER) or {}).get(change.key, ""))
            if stays is None or stays.action not in (Action.UPDATE, Action.UNCHANGED):
                return "it does not say into which tag, one that stays, it is merged"
        elif not undo and not (plan.options.get("prune") and plan.options.get("managed_by")):
            return "it deletes, and was not planned with --prune and marking"
    return "" if made_here else _not_sendable(change)


def _not_sendable(change: Change) -> str:
    for name, value in change.body.items():
        field = _FIELDS[name]
        empty = value is None or value in ("", [])
        if empty and change.action is Action.UPDATE and field.clearable:
            continue
        if (problem := check(field, value).problem) is not None:
            return f"body.{name}: {problem.message}"
    return ""


def _not_this_tag(change: Change, tag: Tag) -> str:
    """Why the tag that the uuid names is not the one that is shown."""
    names = {identity_key(tag.name)}
    if "value" in change.body:
        names.add(identity_key(str(change.body["value"])))
    return "" if identity_key(change.name) in names else f"its uuid is that of {clean(tag.name)[:80]!r}"


def _not_marked(change: Change, tag: Tag, options: Mapping[str, Json]) -> str:
    mark = str(options.get("managed_by") or "")
    if not mark:
        return ""
    whose = owner(tag, mark)
    properties = change.body.get("properties")
    marks = isinstance(properties, Mapping) and properties.get(MARK_KEY) == mark
    adopts = change.action is Action.UPDATE and whose is Owner.NOBODY and bool(options.get("adopt")) and marks
    if whose is Owner.OURS or adopts:
        return ""
    carried = mark_of(tag)
    return f"the tag is marked as {carried!r}, not as this job's" if carried else "the tag is not marked as this job's"


def _shown_otherwise(plan: Plan, tags: Sequence[Tag]) -> list[Moved]:
    """Rows of which the plan shows another old value than the account holds."""
    held = {tag.uuid: tag for tag in tags}
    found: list[Moved] = []
    for change in plan.changes:
        tag = held.get(change.uuid) if change.action is Action.UPDATE else None
        if tag is not None and (others := [item.field for item in change.differences if _other_value(item, tag)]):
            found.append(Moved(change, f"the account holds another {', '.join(others)} than the plan shows"))
    return found


def _other_value(item: FieldChange, tag: Tag) -> bool:
    field = _FIELDS[item.field]
    now: Json = tag.name if item.field == "value" else tag.fields.get(item.field)
    old = item.old
    if field.kind is Kind.OBJECT:
        table = now if isinstance(now, Mapping) else {}
        was = old if isinstance(old, Mapping) else {}
        return not all(same(field, {key: was.get(key)}, {key: table.get(key)}) for key in {**was, **(item.new or {})})
    return clean(str(old)) != clean(tag.name) if item.field == "value" else not same(field, old, now)
