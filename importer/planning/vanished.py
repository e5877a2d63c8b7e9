"""Marked tags whose names no row has any more: reported, and deleted only where pruning was asked for and is safe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from importer.fields.names import identity_key
from importer.fields.table import FIELDS
from importer.model import Action, Change, Draft, FieldChange, Issue, Place, Severity, Tag
from importer.planning.identity import Match
from importer.planning.marking import Owner, owner
from importer.planning.options import PlanOptions
from importer.planning.plan_file import PRUNED

_SHOWN: Final = 20
_LEFT_OUT: Final = ("left-out-sheet", "left-out-file", "more-pages")
"""Tables that fit no mapping (a header that somebody renamed looks the same), and lists that go on elsewhere."""


def vanished(
    drafts: Sequence[Draft],
    matches: Sequence[Match],
    tags: Sequence[Tag],
    options: PlanOptions,
    notes: Sequence[Issue],
    decided: Collection[str] = (),
) -> tuple[list[Change], list[Issue]]:
    """The deletes, and the notes about tags of this job that the source no longer has.

    A row has its name even when it is invalid, repeated or left out: only a name that is gone from the source
    altogether has vanished. Where something of the source could not be read (an error among its `notes`, a sheet or
    file that no mapping fits any more, a row whose name is lost), what seems to have vanished may only be unread:
    nothing is deleted, and a note says so. `decided` are uuids of tags that are a row's actor by a decision.
    """
    present = {match.name_key for match in matches if match.name_key}
    named = {tag.uuid for match in matches for tag in (*match.tags, match.known_as) if tag is not None}
    named.update(decided)
    gone = [
        tag
        for tag in tags
        if owner(tag, options.managed_by) is Owner.OURS
        and identity_key(tag.name) not in present
        and tag.uuid not in named
    ]
    if not gone:
        return [], []
    found = [
        Issue(
            Severity.WARNING,
            "vanished",
            f"tag {tag.name!r} ({tag.uuid}) is marked as this job's and no row has its name any more"
            + ("" if options.prune else "; --prune deletes it"),
            Place(""),
            "value",
            tag.name,
        )
        for tag in gone[:_SHOWN]
    ]
    if len(gone) > _SHOWN:
        found.append(
            Issue(Severity.WARNING, "vanished", f"and {len(gone) - _SHOWN} more tags whose names no row has", Place(""))
        )
    if not options.prune:
        return [], found
    doubt = _doubt(drafts, matches, notes)
    if doubt is not None:
        found.append(doubt)
        return [], found
    return [deletion(tag, "vanished", PRUNED) for tag in gone], found


def _doubt(drafts: Sequence[Draft], matches: Sequence[Match], notes: Sequence[Issue]) -> Issue | None:
    for note in notes:
        if note.severity is Severity.ERROR or (note.severity is Severity.WARNING and note.code in _LEFT_OUT):
            message = f"nothing is deleted, because part of the source could not be read: {note.message}"
            return Issue(Severity.WARNING, "prune-withheld", message, note.place)
        if note.code == "feed-of-changes":
            return Issue(Severity.WARNING, "prune-withheld", f"nothing is deleted: {note.message}", note.place)
    for draft, match in zip(drafts, matches, strict=True):
        if not match.name_key and not draft.left_out:
            return Issue(
                Severity.WARNING,
                "prune-withheld",
                "nothing is deleted, because a row's name could not be read and may be that of a tag",
                draft.row.place(),
            )
    return None


def deletion(tag: Tag, code: str, message: str) -> Change:
    """The change that deletes a tag. It has all that the tag held: the plan, and an undo, know what is lost."""
    lost = tuple(
        FieldChange(field.name, tag.fields[field.name], None)
        for field in FIELDS
        if field.name != "value" and tag.fields.get(field.name) not in (None, "", [], {})
    )
    return Change(
        f"delete-{tag.uuid}",
        Action.DELETE,
        tag.name,
        uuid=tag.uuid,
        differences=(FieldChange("value", tag.name, None), *lost),
        code=code,
        message=message,
    )
