"""What the plan says of one row."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from importer.fields.table import FIELDS, field_named
from importer.model import Action, Asked, Category, Change, Draft, FieldChange, Issue, Json, Severity, Tag
from importer.planning.diff import differences, update_body
from importer.planning.identity import UUID_COLUMN, Match, name_place, place_seen_from
from importer.planning.marking import MARK_KEY, Owner, mark_of, marked, owner
from importer.planning.merging import with_lists
from importer.planning.options import Mode, PlanOptions
from importer.planning.properties import READABLE, check_properties, how_to_read
from importer.planning.returned import Returned
from importer.planning.source_ids import with_id

UPDATED_COLUMN: Final = "_updated"
"""The column of exports that says when the tag had last been changed."""
LISTS: Final = tuple(field.name for field in FIELDS if field.is_list)


class Setting(Struct, frozen=True):
    """What every row of a plan is decided against."""

    options: PlanOptions
    category: str
    """UUID of the category for new tags; empty for none, or for one that the run is to create."""
    categories: Mapping[str, Category] | None
    """By lower-case UUID; None where the account's categories are not known."""
    returned: Returned | None = None
    several: bool = False
    """Whether the run reads several sources, of which more than one may feed a tag."""
    kept: list[str] = field(default_factory=list)
    """Names of tags in whose lists there are entries that the row does not have: they stay."""

    @property
    def plain_creates(self) -> bool:
        """Whether an absent tag is created without any further question."""
        return self.categories is None and self.options.mode != Mode.UPDATE


def decide(
    draft: Draft, match: Match, drafts: Sequence[Draft], collisions: Sequence[Issue], setting: Setting
) -> Change:
    """The change for one row; `drafts` are all of them, to name the row it repeats."""
    if (
        match.is_first
        and match.shares < 0
        and not (match.tags or collisions or draft.issues or draft.clear or draft.asked is not None)
        and setting.plain_creates
    ):
        # Nothing to weigh: the bulk of a migration comes through here.
        return Change(
            match.key,
            Action.CREATE,
            draft.name,
            draft.row,
            "",
            _wanted(draft, setting),
            column=draft.column(),
        )
    return _Decision(draft, match, setting, list(draft.issues)).change(drafts, collisions)


@dataclasses.dataclass(slots=True)
class _Decision:
    draft: Draft
    match: Match
    setting: Setting
    issues: list[Issue]
    uuid: str = ""
    found: tuple[FieldChange, ...] = ()
    body: Mapping[str, Json] = dataclasses.field(default_factory=dict)

    def change(self, drafts: Sequence[Draft], collisions: Sequence[Issue]) -> Change:
        draft, match = self.draft, self.match
        if draft.left_out:
            return self._is(Action.SKIP, "left-out", draft.left_out)
        if draft.asked is Asked.SKIP:
            return self._is(Action.SKIP, "asked-skip", "its action column says skip")
        if not match.name_key and not self._errors():
            self.issues.append(Issue(Severity.ERROR, "missing-name", "the row has no name", draft.row.place(), "value"))
        if match.shares >= 0 and (match.first < 0 or match.first == match.shares):
            place = place_seen_from(name_place(drafts[match.shares]), draft.row.header.file)
            message = f"repeats the name of {place}, and one of the two is invalid: mended, the earlier one is used"
            self._warn("repeats-invalid-row", message)
        if self._errors():
            return self._invalid()
        if match.first >= 0:
            return self._repeat(drafts[match.first])
        if match.known_as is not None:
            return self._other_tag(match.known_as, drafts)
        self.issues += collisions
        if draft.clear:
            self.issues += self._unclearable()
        creates, updates = self.setting.options.allowed(draft.asked)
        if len(match.tags) > 1:
            own = self._own(match.tags)
            return self._existing(own, updates) if own else self._ambiguous(updates)
        if match.tags:
            return self._existing(match.tags[0], updates)
        return self._create() if creates else self._is(Action.SKIP, "absent", self._absent())

    def _create(self) -> Change:
        self.body = _wanted(self.draft, self.setting)
        return self._settled(Action.CREATE, "", self._property_issues(self.body))

    def _existing(self, tag: Tag, updates: bool) -> Change:
        self.uuid = tag.uuid
        draft, mark = self.draft, self.setting.options.managed_by
        whose = owner(tag, mark) if mark else Owner.OURS
        # The mark is the program's: a row that says otherwise, or clears it, does not take it away.
        adopts = whose is Owner.NOBODY and self.setting.options.adopt and updates
        wanted = marked(draft.fields, mark) if mark and (adopts or whose is Owner.OURS) else draft.fields
        header = draft.row.header
        alone = bool(mark) and whose is Owner.OURS and not self.setting.several
        if self.setting.options.unites(header.file, header.sheet, alone=alone):
            bare, wanted = wanted, with_lists(wanted, tag, draft.clear)
            if any(len(wanted[name]) > len(bare[name]) for name in LISTS if name in bare):
                self.setting.kept.append(tag.name)
        self.found = differences(wanted, tag, draft.clear)
        if self.setting.returned is not None:
            self.found = self.setting.returned.unsettled(tag, wanted, self.found)
        if not self.found:
            return self._is(Action.UNCHANGED)
        if not updates:
            return self._is(Action.SKIP, "exists", self._exists())
        if whose is Owner.NOBODY and not adopts:
            message = "the tag exists and is not marked as this job's; --adopt updates and marks it"
            return self._is(Action.SKIP, "unmanaged", message)
        if whose is Owner.OTHERS:
            message = f"the tag is marked as {mark_of(tag)!r}, not as this job's; two jobs must not write one tag"
            return self._is(Action.CONFLICT, "managed-elsewhere", message)
        self.body = update_body(self.found)
        if draft.row.text(UUID_COLUMN) and _later(tag.updated_at, draft.row.text(UPDATED_COLUMN)):
            message = f"the tag was changed since it was exported (at {tag.updated_at}); the row is from before that"
            self._warn("changed-since-export", message)
        more = self._other_category(tag)
        if "properties" in self.body or self.body.get("categoryUuid"):
            held = tag.fields.get("properties")
            merged = _merged(held, self.body.get("properties"))
            moved = "categoryUuid" in self.body
            more += self._property_issues({**tag.fields, **self.body, "properties": merged}, None if moved else held)
        said = [f"renamed {tag.name!r} -> {draft.name!r}"] if any(item.field == "value" for item in self.found) else []
        said += ["adopted: it will carry this job's mark"] if adopts else []
        return self._settled(Action.UPDATE, "; ".join(said), more)

    def _other_category(self, tag: Tag) -> list[Issue]:
        """An update leaves its tag's category alone. (Of unchanged tags it is not said: it would be, every night.)"""
        asked, held = self.setting.category.lower(), str(tag.fields.get("categoryUuid") or "").lower()
        if not asked or asked == held or "categoryUuid" in self.body:
            return []
        category = (self.setting.categories or {}).get(held)
        where = f"is in category {(category.name if category else held)!r}" if held else "has no category"
        message = f"the tag {where}, and stays so: --category is for new tags"
        place = self.draft.row.place()
        return [Issue(Severity.INFO, "other-category", message, place, "categoryUuid")]

    def _settled(self, action: Action, message: str, more: list[Issue]) -> Change:
        """The change that is meant, unless one of the last issues or a collision stops it."""
        collision = next(iter(self._errors()), None)
        self.issues += more
        if any(issue.severity is Severity.ERROR for issue in more):
            return self._invalid(more)
        if collision is not None:
            self.body = {}
            return self._is(Action.CONFLICT, collision.code, f"{collision.value!r} {collision.message}")
        return self._is(action, "", message)

    def _invalid(self, among: list[Issue] | None = None) -> Change:
        errors = [issue for issue in among or self.issues if issue.severity is Severity.ERROR]
        self.body, self.found = {}, ()
        return self._is(Action.INVALID, errors[0].code, errors[0].message)

    def _repeat(self, first: Draft) -> Change:
        """The earlier row is used for the name. Blank cells of this one do not differ."""
        place = place_seen_from(name_place(first), self.draft.row.header.file)
        others = {name: value for name, value in self.draft.fields.items() if name != "value"}
        differing = ", ".join(item.field for item in differences(others, Tag("", first.name, first.fields)))
        if differing:
            warning = f"repeats the name of {place} and differs from that row in {differing}; the earlier row is used"
            self._warn("repeats-row-differs", warning)
        return self._is(Action.SKIP, "repeats-row", f"repeats {first.name!r} ({place}), which is used")

    def _other_tag(self, tag: Tag, drafts: Sequence[Draft]) -> Change:
        """The row's id names a tag, and its name another one; or another row is about the same tag."""
        self.uuid = tag.uuid
        if self.match.rival >= 0:
            other = drafts[self.match.rival]
            place = place_seen_from(name_place(other), self.draft.row.header.file)
            message = f"its id is that of the tag {tag.name!r} ({tag.uuid}), and so is {other.name!r} ({place})"
        else:
            held = self.match.tags[0]
            message = (
                f"its id is that of the tag {tag.name!r} ({tag.uuid}), and its name that of another tag ({held.uuid})"
            )
        return self._is(Action.CONFLICT, "id-of-another", message)

    def _own(self, tags: Sequence[Tag]) -> Tag | None:
        """Of several tags of one name the one that carries this job's mark, where just one does."""
        mark = self.setting.options.managed_by
        own = [tag for tag in tags if mark and owner(tag, mark) is Owner.OURS]
        return own[0] if len(own) == 1 else None

    def _ambiguous(self, updates: bool) -> Change:
        tags = self.match.tags
        uuids = ", ".join(tag.uuid for tag in tags[:5]) + (f" and {len(tags) - 5} more" if len(tags) > 5 else "")
        message = f"the account holds {len(tags)} tags of this name: {uuids}"
        if updates:
            return self._is(Action.CONFLICT, "ambiguous-name", message)
        self.uuid = tags[0].uuid
        self._warn("ambiguous-name", message)
        return self._is(Action.SKIP, "exists", message)

    def _property_issues(self, fields: Mapping[str, Json], before: Json = None) -> list[Issue]:
        categories = self.setting.categories
        uuid = str(fields.get("categoryUuid") or "").lower()
        if not uuid or categories is None:
            return []
        category = categories.get(uuid)
        if category is None:
            message = "the account has no category with this UUID"
            place = self.draft.row.place()
            return [Issue(Severity.ERROR, "unknown-category", message, place, "categoryUuid", uuid)]
        if category.schema is None:
            return []
        held = fields.get("properties") or {}
        entries = {entry.get("key"): entry for entry in category.schema if isinstance(entry, Mapping)}
        found: list[Issue] = []
        hinted: set[str] = set()
        for problem in check_properties(category.schema, held, before=before, known={MARK_KEY}):
            key = problem.field.removeprefix("properties.").split("[")[0]
            place = self.draft.place(f"properties.{key}")
            message = f"{problem.message} (category {category.name!r})"
            if key in entries and key not in hinted and problem.code in READABLE:
                hint = how_to_read(entries[key], held.get(key), self.draft.row, place.column)
                message += f"; {hint}" if hint else ""
                hinted.add(key)
            found.append(replace(problem, message=message, place=place))
        return found

    def _unclearable(self) -> list[Issue]:
        return [
            Issue(
                Severity.WARNING,
                "cannot-clear",
                f"the API cannot empty {name}; it is left as it is",
                self.draft.row.place(),
                name,
            )
            for name in sorted(self.draft.clear)
            if (known := field_named(name)) is not None and not known.clearable
        ]

    def _absent(self) -> str:
        if self.setting.options.allowed(None)[0]:
            return f"the account has no tag of this name, and its action column says {self.draft.asked}"
        return f"the account has no tag of this name, and mode {self.setting.options.mode} creates none"

    def _exists(self) -> str:
        asked = self.setting.options.allowed(None)[1]
        why = (
            f"its action column says {self.draft.asked}" if asked else f"mode {self.setting.options.mode} updates none"
        )
        return f"the tag exists and differs in {', '.join(item.field for item in self.found)}; {why}"

    def _errors(self) -> list[Issue]:
        return self.issues and [issue for issue in self.issues if issue.severity is Severity.ERROR]

    def _warn(self, code: str, message: str) -> None:
        place = name_place(self.draft)
        self.issues.append(Issue(Severity.WARNING, code, message, place, "value", self.draft.name))

    def _is(self, action: Action, code: str = "", message: str = "") -> Change:
        row, name = self.draft.row, self.draft.name
        return Change(
            self.match.key, action, name, row, self.uuid, self.body, self.found, code, message, tuple(self.issues),
            self.draft.column(),
        )  # fmt: skip


def _wanted(draft: Draft, setting: Setting) -> Mapping[str, Json]:
    """The body of a create."""
    fields = draft.fields
    if setting.category and "categoryUuid" not in fields:
        fields = {**fields, "categoryUuid": setting.category}
    if setting.categories is not None:
        category = setting.categories.get(str(fields.get("categoryUuid") or "").lower())
        fields = with_id(fields, draft.row, category)
    return marked(fields, setting.options.managed_by) if setting.options.managed_by else fields


def _later(a: str, b: str) -> bool:
    try:
        return datetime.fromisoformat(a) > datetime.fromisoformat(b.strip())
    except (ValueError, TypeError):  # no time, or one that a spreadsheet program has rewritten without its zone
        return False


def _merged(held: Json, patch: Json) -> dict[str, Json]:
    merged = {**(held if isinstance(held, Mapping) else {}), **(patch or {})}
    return {key: value for key, value in merged.items() if value is not None}
