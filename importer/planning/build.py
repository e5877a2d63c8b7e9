"""Drafts and the account into a Plan: one Change a row, in source order, then the deletes that pruning asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from importer.model import Action, Change, Draft, Issue, Json, Place, Plan, Reading, Severity, SourceFile, Tag
from importer.planning.binding import what_was_seen
from importer.planning.categories import resolve_category
from importer.planning.collisions import find_collisions
from importer.planning.decide import Setting, decide
from importer.planning.decided import accept, decide_rows
from importer.planning.identity import Tags, match_rows
from importer.planning.marking import MARK_KEY, Owner, owner
from importer.planning.options import Account, Lists, Mode, PlanOptions
from importer.planning.vanished import vanished
from importer.system import gc_paused

CREATE_CATEGORY: Final = "create_category"
"""Key of `Plan.options`: the name of the category that the run has to make before its first tag; absent for none."""


def build_plan(
    drafts: Iterable[Draft],
    account: Account,
    options: PlanOptions | None = None,
    sources: Sequence[SourceFile] = (),
    mappings: Sequence[str] = (),
    notes: Sequence[Issue] = (),
    *,
    readings: Sequence[Reading] = (),
    created: str = "",
    alone: int = 0,
) -> Plan:
    """The plan for these drafts against this account; sends nothing and changes nothing.

    `notes` are the issues of files and sheets; what the plan has to say of the run as a whole is added to them.
    `created` is the UTC time, ISO 8601, and not part of the plan's digest. `alone` is how many rows there are beside
    these that are no issue and have no name that another one has.
    Raises UsageError for a category that is unknown or ambiguous.
    """
    with gc_paused():
        return _plan(list(drafts), account, options or PlanOptions(), sources, mappings, notes, created, readings,
                     alone)  # fmt: skip


def _plan(
    rows: Sequence[Draft],
    account: Account,
    options: PlanOptions,
    sources: Sequence[SourceFile],
    mappings: Sequence[str],
    notes: Sequence[Issue],
    created: str,
    readings: Sequence[Reading],
    alone: int,
) -> Plan:
    setting, to_create = _setting(account, options, several=len(sources) > 1)
    if account.returned is not None:
        account.returned.only([tag.uuid for tag in account.tags])
    tags = Tags(account.tags, account.ids)
    if account.ids is not None:
        account.ids.only(tags.by_uuid)
    decided = decide_rows(rows, tags, options.decisions)
    rows = decided.drafts
    matches = match_rows(rows, tags, decided.also, decided.verdicts)
    collisions = find_collisions(
        rows, matches, account.tags, options.collisions, options.evidence, decided.verdicts, decided.issues, alone
    )
    changes = [
        decide(draft, match, rows, collisions.issues.get(position, ()), setting)
        for position, (draft, match) in enumerate(zip(rows, matches, strict=True))
    ]
    more_notes = [*notes, *collisions.notes, *decided.notes, *_unmarkable(changes, setting), *_lists_kept(setting)]
    if options.decisions is not None:
        changes = [decided.changed(*item) for item in enumerate(zip(changes, matches, strict=True))]
        more_notes += decided.tags_left(matches)
    if account.returned is not None:
        more_notes += account.returned.not_compared()
    if options.managed_by:
        kept = {uuid for held in decided.held.values() for uuid in held}
        deletes, vanished_notes = vanished(rows, matches, account.tags, options, notes, kept)
        changes.extend(deletes)
        more_notes.extend(vanished_notes)
    if options.decisions is not None and options.decisions.held.accepted:
        changes, more_notes = accept(changes, more_notes, options.decisions, sources)
    shaped_by = [] if options.decisions is None else [options.decisions.source]
    shaped_by += options.evidence.files if options.evidence is not None else ()
    return Plan(
        account=account.account_id,
        mode=options.mode,
        changes=tuple(changes),
        sources=tuple(sources),
        mappings=tuple(mappings),
        notes=tuple(more_notes),
        category=setting.category,
        account_tags=len(account.tags),
        created=created,
        options=_recorded(options, to_create, account.tags, changes),
        readings=tuple(readings),
        shaped_by=tuple(shaped_by),
        pairs=collisions.pairs,
    )


def with_category(plan: Plan, uuid: str) -> Plan:
    """The plan once its category exists: every new tag that names none gets it.

    A plan that waits for no category is returned as it is.
    """
    if CREATE_CATEGORY not in plan.options:
        return plan
    changes = tuple(
        replace(change, body={**change.body, "categoryUuid": uuid})
        if change.action is Action.CREATE and "categoryUuid" not in change.body
        else change
        for change in plan.changes
    )
    left = {key: value for key, value in plan.options.items() if key != CREATE_CATEGORY}
    return replace(plan, changes=changes, category=uuid, options=left)


def _setting(account: Account, options: PlanOptions, *, several: bool) -> tuple[Setting, str]:
    """What rows are decided against, and the name of the category that is to be made."""
    uuid, to_create = "", ""
    if options.category:
        found = resolve_category(options.category, account.categories or (), create=options.create_category)
        uuid = found.uuid if found is not None else ""
        to_create = "" if found is not None else options.category.strip()
    by_uuid = None
    if account.categories is not None:
        by_uuid = {category.uuid.lower(): category for category in account.categories}
    return Setting(options, uuid, by_uuid, account.returned, several), to_create


def _lists_kept(setting: Setting) -> list[Issue]:
    """That lists of tags hold more than the rows say, and keep it: once for the plan, unless that was asked for."""
    if not setting.kept or setting.options.lists is not Lists.AUTO or setting.options.mode == Mode.CREATE:
        return []
    first = ", ".join(map(repr, setting.kept[:3])) + (", ..." if len(setting.kept) > 3 else "")
    who = f"{len(setting.kept):,} tags" if len(setting.kept) > 1 else "one tag"
    message = f"other names or links of {who} that the rows do not have stay ({first}); `lists: replace` removes them"
    return [Issue(Severity.INFO, "lists-kept", message, Place(""))]


def _unmarkable(changes: Sequence[Change], setting: Setting) -> list[Issue]:
    """Categories of marked new tags whose schema has no room for the mark: their server may refuse it."""
    if not setting.options.managed_by or setting.categories is None:
        return []
    used = {str(change.body.get("categoryUuid") or "").lower() for change in changes if change.action is Action.CREATE}
    return [
        Issue(
            Severity.WARNING,
            "mark-not-in-schema",
            f"the schema of category {category.name!r} has no property {MARK_KEY!r}, and a server may refuse tags with "
            "it; add it with: tag-importer categories apply FILE",
            Place(""),
            f"properties.{MARK_KEY}",
        )
        for uuid, category in setting.categories.items()
        if uuid in used
        and category.schema is not None
        and not any(entry.get("key") == MARK_KEY for entry in category.schema)
    ]


def _recorded(
    options: PlanOptions, to_create: str, tags: Sequence[Tag], changes: Sequence[Change]
) -> Mapping[str, Json]:
    recorded: dict[str, Json] = {}
    if to_create:
        recorded[CREATE_CATEGORY] = to_create
    if options.managed_by:
        recorded["managed_by"] = options.managed_by
        recorded["managed_tags"] = sum(owner(tag, options.managed_by) is Owner.OURS for tag in tags)
        recorded["adopt"] = options.adopt
        recorded["prune"] = options.prune
    return {**recorded, **what_was_seen(changes, tags)}
