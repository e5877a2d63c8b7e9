"""What the plan says of one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from importer.fields.table import FIELDS, field_named
from importer.model import Action, Asked, Category, Change, Draft, FieldChange, Issue, Json, Severity, Tag
from importer.planning.diff import differences, update_body
from importer.planning.identity import Standing
from importer.planning.marking import MARK_KEY, Owner, mark_of, marked, owner
from importer.planning.options import PlanOptions
from importer.planning.properties import check_properties, property_place


@dataclass(frozen=True, slots=True)
class Setting:
    """What every row of a plan is decided against."""

    options: PlanOptions
    category: str
    """UUID of the category for new tags; empty for none, or for one that the run is to create."""
    categories: Mapping[str, Category] | None
    """By lower-case UUID; None where the account's categories are not known."""
    unseen: frozenset[str]
    """Fields the server never answers with, see `diff.unanswered`."""


def decide(
    draft: Draft, standing: Standing, drafts: Sequence[Draft], collisions: Sequence[Issue], setting: Setting
) -> Change:
    """The change for one row; `drafts` are all of them, to name the row it repeats."""
    row = draft.row
    missed = tuple(issue for issue in row.issues if issue not in draft.issues) if row.issues else ()
    issues = (*draft.issues, *missed)
    # The change carries every issue, so the row's own copy would only be stored twice in the plan file.
    change = Change(
        standing.key, Action.SKIP, draft.name, replace(row, issues=()) if row.issues else row, issues=issues
    )

    if draft.left_out:
        return replace(change, code="left-out", message=draft.left_out)
    if draft.asked is Asked.SKIP:
        return replace(change, code="asked-skip", message="its action column says skip")
    if any(issue.severity is Severity.ERROR for issue in issues):
        return _invalid(change)
    if not standing.name_key:
        blank = Issue(Severity.ERROR, "missing-name", "the row has no name", row.place(), "value")
        return _invalid(replace(change, issues=(*issues, blank)))
    if standing.first >= 0:
        return _repeat(change, draft, drafts[standing.first], standing)

    change = replace(change, issues=(*issues, *_unclearable(draft), *collisions))
    creates, updates = setting.options.allowed(draft.asked)
    if not standing.tags:
        if not creates:
            return replace(change, code="absent", message=_absent(draft, setting.options))
        return _create(change, draft, setting)
    if len(standing.tags) > 1:
        return _ambiguous(change, standing.tags, updates)
    return _existing(change, draft, standing.tags[0], updates, setting)


def _existing(change: Change, draft: Draft, tag: Tag, updates: bool, setting: Setting) -> Change:
    options = setting.options
    change = replace(change, uuid=tag.uuid)
    found = differences(draft.fields, tag, draft.clear, unseen=setting.unseen)
    message = ""
    if options.managed_by:
        whose = owner(tag, options.managed_by)
        if whose is Owner.NOBODY and options.adopt and updates:
            found = differences(marked(draft.fields, options.managed_by), tag, draft.clear, unseen=setting.unseen)
            message = "adopted: it will carry this job's mark"
        elif found and whose is Owner.NOBODY and updates:
            return replace(
                change,
                code="unmanaged",
                differences=found,
                message=("the tag exists and is not marked as this job's; --adopt updates and marks it"),
            )
        elif found and whose is Owner.OTHERS and updates:
            return replace(
                change,
                action=Action.CONFLICT,
                code="managed-elsewhere",
                differences=found,
                message=(f"the tag is marked as {mark_of(tag)!r}, not as this job's; two jobs must not write one tag"),
            )
        elif whose is Owner.OURS:
            # The mark is the program's: a row that says otherwise, or clears it, does not take it away.
            wanted = marked(draft.fields, options.managed_by)
            found = differences(wanted, tag, draft.clear, unseen=setting.unseen)
    if not found:
        return replace(change, action=Action.UNCHANGED)
    if not updates:
        return replace(change, code="exists", differences=found, message=_exists(draft, options, found))
    body = update_body(found)
    held = {**tag.fields, **body, "properties": _merged(tag.fields.get("properties"), body.get("properties"))}
    new_issues: tuple[Issue, ...] = ()
    if "properties" in body or body.get("categoryUuid"):
        new_issues = _property_issues(draft, held, setting)
    change = replace(change, action=Action.UPDATE, differences=found, body=body, message=message)
    return _settled(change, new_issues)


def _create(change: Change, draft: Draft, setting: Setting) -> Change:
    wanted: Mapping[str, Json] = draft.fields
    if setting.category and "categoryUuid" not in wanted:
        wanted = {**wanted, "categoryUuid": setting.category}
    if setting.options.managed_by:
        wanted = marked(wanted, setting.options.managed_by)
    body = {field.name: wanted[field.name] for field in FIELDS if field.name in wanted}
    return _settled(replace(change, action=Action.CREATE, body=body), _property_issues(draft, body, setting))


def _settled(change: Change, more: tuple[Issue, ...]) -> Change:
    """The change with the last issues, which may still stop it."""
    errors = [issue for issue in more if issue.severity is Severity.ERROR]
    collision = next((issue for issue in change.issues if issue.severity is Severity.ERROR), None)
    change = replace(change, issues=(*change.issues, *more))
    if errors:
        return _invalid(change)
    if collision is not None:
        return replace(change, action=Action.CONFLICT, body={}, code=collision.code, message=collision.message)
    return change


def _invalid(change: Change) -> Change:
    errors = [issue for issue in change.issues if issue.severity is Severity.ERROR]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return replace(
        change, action=Action.INVALID, body={}, differences=(), code=errors[0].code, message=errors[0].message + more
    )


def _repeat(change: Change, draft: Draft, first: Draft, standing: Standing) -> Change:
    place = first.row.place()
    message = f"repeats {first.name!r} of {place}, which stands for it"
    as_tag = Tag("", first.name, first.fields)
    differing = differences(draft.fields, as_tag)
    # What only the earlier row says is a difference too; a blank cell of this one is not.
    names = [item.field for item in differing]
    if not names:
        return replace(change, code="repeats-row", message=message)
    told = ", ".join(names)
    issue = Issue(
        Severity.WARNING,
        "repeats-row-differs",
        f"this row repeats {first.name!r} of {place} and differs in {told}; the earlier row is used",
        draft.row.place(),
        "value",
        draft.name,
    )
    return replace(
        change,
        code="repeats-row",
        message=f"{message}; differs in {told}",
        differences=differing,
        issues=(*change.issues, issue),
    )


def _ambiguous(change: Change, tags: Sequence[Tag], updates: bool) -> Change:
    uuids = ", ".join(tag.uuid for tag in tags[:5]) + (f" and {len(tags) - 5} more" if len(tags) > 5 else "")
    message = f"the account holds {len(tags)} tags of this name: {uuids}"
    if updates:
        return replace(change, action=Action.CONFLICT, code="ambiguous-name", message=message)
    place = change.row.place() if change.row else None
    warning = Issue(Severity.WARNING, "ambiguous-name", message, place, "value", change.name) if place else None
    issues = (*change.issues, warning) if warning else change.issues
    return replace(change, code="exists", message=message, uuid=tags[0].uuid, issues=issues)


def _unclearable(draft: Draft) -> tuple[Issue, ...]:
    """Said once here, whoever asked for it; the fields are left as they are."""
    return tuple(
        Issue(
            Severity.WARNING,
            "cannot-clear",
            f"the API cannot empty {name}; it is left as it is",
            draft.row.place(),
            name,
        )
        for name in sorted(draft.clear)
        if (field := field_named(name)) is not None and not field.clearable
    )


def _property_issues(draft: Draft, fields: Mapping[str, Json], setting: Setting) -> tuple[Issue, ...]:
    uuid = str(fields.get("categoryUuid") or "").lower()
    if not uuid or setting.categories is None:
        return ()
    category = setting.categories.get(uuid)
    if category is None:
        return (
            Issue(
                Severity.ERROR,
                "unknown-category",
                "the account has no category with this UUID",
                draft.row.place(),
                "categoryUuid",
                uuid,
            ),
        )
    if category.schema is None:
        return ()
    return tuple(
        Issue(
            problem.severity,
            problem.code,
            f"{problem.message} (category {category.name!r})",
            property_place(draft.row, problem.path, problem.value),
            f"properties.{problem.path}",
            problem.value,
            problem.allowed,
            problem.nearest,
        )
        for problem in check_properties(category.schema, fields.get("properties") or {}, known={MARK_KEY})
    )


def _merged(held: Json, patch: Json) -> dict[str, Json]:
    merged = {**(held or {}), **(patch or {})}
    return {key: value for key, value in merged.items() if value is not None}


def _absent(draft: Draft, options: PlanOptions) -> str:
    if options.allowed(None)[0]:
        return f"the account has no tag of this name, and its action column says {draft.asked}"
    return f"the account has no tag of this name, and mode {options.mode} creates none"


def _exists(draft: Draft, options: PlanOptions, found: Sequence[FieldChange]) -> str:
    why = f"its action column says {draft.asked}" if options.allowed(None)[1] else f"mode {options.mode} updates none"
    return f"the tag exists and differs in {', '.join(item.field for item in found)}; {why}"
