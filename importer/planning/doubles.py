"""Tags that are one actor's, which an account should hold once: found, compared, and planned to be made one.

The oldest of them stays and takes over what the others hold; those are deleted after it. Where two have a single value
each, the oldest one's counts, and the plan says what is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise, product
from typing import Final

from msgspec import Struct

from importer.clock import moment
from importer.fields.names import identity_key
from importer.fields.table import FIELDS
from importer.fields.values import same
from importer.model import Action, Change, Issue, Json, Place, Plan, Severity, Tag
from importer.planning.binding import AFTER, what_was_seen
from importer.planning.decisions import Decisions, PairDecision
from importer.planning.diff import differences, update_body
from importer.planning.identity import Tags
from importer.planning.marking import mark_of
from importer.planning.merging import ALL, DROPS, Decided, lost, merged_fields
from importer.planning.options import MERGE, Account
from importer.planning.plan_file import MERGED
from importer.planning.source_ids import SourceIds
from importer.planning.vanished import deletion

UNKNOWN: Final = -1
"""How often a tag is used, where the server does not say."""


class Double(Struct, frozen=True):
    """Several tags of one name, or of actors that a decision says are the same."""

    tags: tuple[Tag, ...]
    """The oldest first: it is the one that stays."""
    differing: Mapping[str, tuple[Json, ...]]
    """Field -> its value in each of the tags; None where it is absent."""
    name: str = ""
    """The name of the tag that stays."""
    decided: tuple[str, ...] = ()
    """Where it was decided that they are the same."""
    parts: tuple[Decided, ...] = ()
    """What is united of each of the tags, and the fields of which its value counts."""
    uses: tuple[int, ...] = ()
    """How many indicators refer to each of the tags; UNKNOWN where the server does not say."""
    barred: str = ""
    """Why they are not merged."""


def find_doubles(tags: Sequence[Tag], decisions: Decisions | None = None, ids: SourceIds | None = None) -> list[Double]:
    """Tags of one name, compared as names are, or decided to be the same; never two that are decided not to be."""
    groups = _Groups(Tags(tags, ids), decisions.held.pairs if decisions is not None else ())
    return sorted(groups.found(), key=lambda double: identity_key(double.tags[0].name))


class _Groups:
    def __init__(self, tags: Tags, pairs: Sequence[PairDecision]) -> None:
        self._tags = tags
        self._group: dict[str, list[Tag]] = {}
        """uuid -> the tags that are one actor with it."""
        self._same = [pair for pair in pairs if pair.are == "same"]
        self._apart = {
            frozenset((one.uuid, other.uuid))
            for pair in pairs
            if pair.are != "same"
            for one, other in product(*map(self._tags.of, pair.actors))
        }

    def found(self) -> Iterator[Double]:
        for key, held in self._tags.by_name.items():
            if key and len(held) > 1:
                self._join(held)
        for pair in self._same:
            for both in product(*map(self._tags.of, pair.actors)):
                self._join(both)
        for group in {id(group): group for group in self._group.values()}.values():
            apart = [frozenset((a.uuid, b.uuid)) in self._apart for a, b in combinations(group, 2)]
            if not all(apart):
                yield self._double(sorted(group, key=_age), contradicted=any(apart))

    def _join(self, tags: Sequence[Tag]) -> None:
        for one, other in pairwise(tags):
            ours, theirs = self._group.get(one.uuid, [one]), self._group.get(other.uuid, [other])
            if ours is not theirs and one is not other:
                ours += theirs
                self._group.update((tag.uuid, ours) for tag in ours)

    def _double(self, tags: Sequence[Tag], *, contradicted: bool) -> Double:
        decided = [
            pair
            for pair in self._same
            if all(any(one in tags for one in self._tags.of(actor)) for actor in pair.actors)
        ]
        return Double(
            tuple(tags),
            _differing(tags),
            next((pair.keep for pair in decided if pair.keep), tags[0].name),
            tuple(str(pair.spot) for pair in decided),
            tuple(self._by(tag, decided) for tag in tags),
            barred="some of them are decided not to be the same" if contradicted else _barred(tags),
        )

    def _by(self, tag: Tag, decided: Sequence[PairDecision]) -> Decided:
        """What of a tag is united, and the fields of which its value counts, as of a row."""
        about = [pair for pair in decided if any(tag in self._tags.of(actor) for actor in pair.actors)]
        if not about:
            return ALL
        taken = {
            field
            for pair in about
            for field, text in pair.take.items()
            if (chosen := pair.chosen(text)) is not None and tag in self._tags.of(pair.actors[chosen])
        }
        return frozenset(part for pair in about for part in pair.merge), frozenset(taken)


def _age(tag: Tag) -> tuple[bool, float, str]:
    """Sorts the oldest first; a tag that does not say when it was made is last."""
    made = moment(tag.created_at)
    return made is None, made.timestamp() if made is not None else 0.0, tag.uuid


def _differing(tags: Sequence[Tag]) -> dict[str, tuple[Json, ...]]:
    values = {
        field: tuple(tag.name if field.name == "value" else tag.fields.get(field.name) for tag in tags)
        for field in FIELDS
    }
    return {
        field.name: held for field, held in values.items() if any(not same(field, held[0], one) for one in held[1:])
    }


def _barred(tags: Sequence[Tag]) -> str:
    """Why tags are not to be merged by a program: what one of them is part of would become another one's."""
    marks = sorted({mark_of(tag) for tag in tags})
    if len(marks) > 1:
        whose = " and ".join(mark or "nobody's" for mark in marks)
        return f"they are not marked alike ({whose}): a sync of one job would then write to all of them"
    categories = {str(tag.fields.get("categoryUuid") or "") for tag in tags} - {""}
    if len(categories) > 1 and any(tag.fields.get("properties") for tag in tags):
        return f"they are in {len(categories)} categories and have properties, which are of one"
    return ""


def merge_plan(account: Account, doubles: Iterable[Double], decisions: Decisions | None, *, created: str = "") -> Plan:
    """The plan that makes one tag of each double; sends nothing and changes nothing."""
    changes: list[Change] = []
    after: dict[str, str] = {}
    for double in doubles:
        oldest, *others = double.tags
        key = f"merge-{oldest.uuid}"
        if double.barred:
            changes.append(
                Change(
                    key, Action.CONFLICT, oldest.name, uuid=oldest.uuid, code="merge-withheld", message=double.barred
                )
            )
            continue
        wanted = merged_fields(double.name, list(zip(double.tags, double.parts, strict=True)))
        found = differences(wanted, oldest)
        action = Action.UPDATE if found else Action.UNCHANGED
        changes.append(
            Change(
                key, action, oldest.name, uuid=oldest.uuid, body=update_body(found), differences=found,
                message="the oldest tag of the actor; it stays", issues=tuple(_losses(double, wanted)),
            )
        )  # fmt: skip
        for tag in others:
            changes.append(deletion(tag, "merged-away", MERGED))
            after[changes[-1].key] = key
    notes = []
    if after:
        said = (
            f"{len(after):,} tags go: an undo makes them again with new uuids, and without what refers to the old ones"
        )
        notes.append(Issue(Severity.WARNING, "merge-loses-uuids", said, Place("")))
    return Plan(
        account.account_id,
        MERGE,
        tuple(changes),
        notes=tuple(notes),
        account_tags=len(account.tags),
        created=created,
        options={AFTER: after, **what_was_seen(changes, account.tags, untouched=Action)},
        shaped_by=(decisions.source,) if decisions is not None else (),
    )


def _losses(double: Double, wanted: Mapping[str, Json]) -> Iterator[Issue]:
    """What the merged tag will not have of the tags that go."""
    uses = double.uses or (UNKNOWN,) * len(double.tags)
    for tag, used in list(zip(double.tags, uses, strict=True))[1:]:
        if used > 0:
            said = f"{used:,} indicators refer to {tag.name!r} ({tag.uuid}), and do not go over to the tag that stays"
            yield Issue(Severity.WARNING, "merge-loses-uses", said, Place(""), "value", tag.name)
        for field, value, stays in lost(tag.fields, wanted):
            said = f"{value!r} of {tag.name!r} ({tag.uuid}) is dropped{stays}"
            yield Issue(Severity.WARNING, DROPS, said, Place(""), field, value)
