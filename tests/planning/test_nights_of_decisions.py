"""Two lists feed one account, night after night, while people work on the lists, on the tags and on decisions.yaml."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import chain
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from importer.engine.journal_state import JournalState
from importer.engine.resume import EarlierRun
from importer.engine.run_folder import RunFolder
from importer.engine.undo import undo_plan
from importer.errors import UsageError
from importer.fields.names import identity_key
from importer.fields.table import FIELDS
from importer.mapping.draft import Drafter
from importer.mapping.meanings import Meaning
from importer.model import ACCOUNT as TAGS
from importer.model import Action, Change, Draft, Outcome, Pair, Plan, Side, Tag
from importer.planning.build import build_plan
from importer.planning.collisions import labels_of
from importer.planning.decisions import (
    AliasDecision,
    Decisions,
    actor_of,
    decision_of,
    left_as_it_is,
    parse,
    undecided,
    undecided_values,
    value_decision_of,
    with_decisions,
)
from importer.planning.marking import mark_of
from importer.planning.merging import bare, entry_text
from importer.planning.options import Account, PlanOptions
from importer.planning.source_ids import SourceIds

from ..mapping.tables import mapping, table
from .examples import ACCOUNT, MARK, apply_to

MAPPING = mapping(
    "id: Ref\nfields:\n  value: Name\n  aliases: Names\n  motive: Motive\n  externalReferenceLinks: Link\n"
)
FILES = ("one.csv", "two.csv")
COLUMNS = ("Ref", "Name", "Names", "Motive", "Link")
NAMES = st.sampled_from(("Amber Jackal", "Basalt Heron", "Cobalt Newt", "Dune Lynx", "Ember Stork", "Fjord Wasp"))
ALIASES = st.sampled_from(("Shared", "Dust", "Sand", "Amber Jackal", "Cobalt Newt", "Iron Quokka"))
MOTIVES = st.sampled_from(("", "Espionage", "Spyng", "Lootng"))
LISTS = tuple(field.name for field in FIELDS if field.is_list)

Row = tuple[str, tuple[str, ...], str]
"""Name, other names, motive."""


class Nights(RuleBasedStateMachine):
    """No name twice, no entry lost, nothing merged or left out undecided, nothing asked again, and a second run has
    nothing to do; an undo gives back what was there.

    Both lists number their actors in the same way: an actor of one is told from one of the other by its file alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, dict[str, Row]] = {
            "one.csv": {"1": ("Amber Jackal", ("Shared",), "Spyng"), "2": ("Basalt Heron", ("Dust",), "")},
            "two.csv": {"1": ("Cobalt Newt", ("Shared",), "Espionage"), "2": ("Dune Lynx", ("Dust", "Sand"), "Spyng")},
        }
        self.tags: list[Tag] = []
        self.ids = SourceIds()
        self.text = ""
        self.pairs: list[Pair] = []
        self.values: list[Any] = []
        self.decided: set[frozenset[Hashable]] = set()
        self.meant: set[tuple[str, str]] = set()
        self.job: dict[str, Any] = {}
        self.owners: dict[str, tuple[str, str]] = {}
        self.left: set[tuple[str, str]] = set()
        self.last: EarlierRun | None = None
        self.before: list[Tag] = []
        self.after: list[Tag] = []
        self.number = 10_000
        self.one_actor: dict[Hashable, Hashable] = {}
        """What has the same name, or is the same by a decision: a forest of rows, names and tags."""

    @initialize(mark=st.booleans(), more=st.sampled_from(("", "adopt", "prune")))
    def a_job_is_written(self, mark: bool, more: str) -> None:
        self.job = {"managed_by": MARK, **({more: True} if more else {})} if mark else {}

    # ---- people

    @rule(file=st.sampled_from(FILES), ref=st.sampled_from("12345"), name=NAMES, names=st.lists(ALIASES, max_size=2),
          motive=MOTIVES)  # fmt: skip
    def a_row_is_written(self, file: str, ref: str, name: str, names: list[str], motive: str) -> None:
        """A new row, or one that is renamed and edited."""
        self.lists[file][ref] = (name, tuple(names), motive)

    @rule(file=st.sampled_from(FILES), ref=st.sampled_from("12345"), name=NAMES)
    def a_row_is_renamed(self, file: str, ref: str, name: str) -> None:
        if ref in self.lists[file]:
            self.lists[file][ref] = (name, *self.lists[file][ref][1:])

    @rule(file=st.sampled_from(FILES), order=st.permutations("12345"), gone=st.sets(st.sampled_from("12345")))
    def a_list_is_sorted_and_shrinks(self, file: str, order: list[str], gone: set[str]) -> None:
        rows = self.lists[file]
        self.lists[file] = {ref: rows[ref] for ref in order if ref in rows and ref not in gone}

    @precondition(lambda self: self.tags)
    @rule(which=st.integers(0, 9), alias=ALIASES | st.just("By hand"), motive=st.sampled_from(("Financial Gain", "")))
    def a_person_edits_a_tag(self, which: int, alias: str, motive: str) -> None:
        at = which % len(self.tags)
        tag = self.tags[at]
        fields: dict[str, Any] = {**tag.fields, **({"motive": motive} if motive else {})}
        if identity_key(alias) not in {identity_key(tag.name), *map(identity_key, labels_of(tag.fields))}:
            fields["aliases"] = [*(fields.get("aliases") or ()), {"value": alias, "confidence": 3}]
        self.tags[at] = replace(tag, fields=fields, version=tag.version + 1)

    @rule(name=NAMES | ALIASES)
    def a_person_makes_a_tag(self, name: str) -> None:
        if identity_key(name) not in {identity_key(tag.name) for tag in self.tags}:
            self.number += 1
            self.tags.append(Tag(f"00000000-0000-4000-9000-{self.number:012d}", name, {"motive": "Ideology"}, 1))

    @rule(alias=st.sampled_from(("Shared", "Dust", "Sand")), file=st.sampled_from(FILES), ref=st.sampled_from("12345"))
    def a_name_is_said_to_belong_to(self, alias: str, file: str, ref: str) -> None:
        if ref in self.lists[file]:
            self.owners[alias] = (file, ref)

    @precondition(lambda self: self.pairs)
    @rule(which=st.integers(0, 9), are=st.sampled_from(("same", "same", "different", "unsure")),
          keep=st.sampled_from((-1, 0, 1)),
          take=st.sampled_from((-1, 0, 1)))  # fmt: skip
    def a_pair_is_decided(self, which: int, are: Any, keep: int, take: int) -> None:
        pair = self.pairs.pop(which % len(self.pairs))
        name = (pair.one, pair.other)[keep].name if are == "same" and keep >= 0 else ""
        decision = decision_of(pair, are, keep=name)
        if are == "same" and take >= 0 and decision.chosen(taken := decision.actors[take].source) is not None:
            decision = replace(decision, take={"motive": taken})
        self.text = with_decisions(self.text, [decision])
        self.decided.add(frozenset(map(_who, (pair.one, pair.other))))
        if are == "same":
            self._join(_who(pair.one), _who(pair.other))

    @precondition(lambda self: self.values)
    @rule(which=st.integers(0, 9), everywhere=st.booleans())
    def a_value_is_decided(self, which: int, everywhere: bool) -> None:
        decision = value_decision_of(asked := self.values.pop(which % len(self.values)), "Espionage",
                                     everywhere=everywhere)  # fmt: skip
        self.text = with_decisions(self.text, [decision])
        self.meant |= {(asked.value, file) for file in ([decision.source] if decision.source else FILES)}

    @precondition(lambda self: self.values)
    @rule(which=st.integers(0, 9))
    def a_value_is_accepted(self, which: int) -> None:
        accepted = left_as_it_is(asked := self.values.pop(which % len(self.values)))
        self.text = with_decisions(self.text, [accepted])
        self.left |= {(asked.value, file) for file in ([accepted.source] if accepted.source else FILES)}

    # ---- the job

    @rule()
    def night(self) -> None:
        before, drafts, made = self.tags, *self._planned()
        self.number += 100
        self.tags = apply_to(before, made, self.number)
        self.after = list(self.tags)
        by_name = {identity_key(tag.name): tag for tag in self.tags}
        assert len(by_name) == len(self.tags), "a name is there twice"
        outcomes = list(map(self._outcome, made.changes))
        self.last, self.before = (
            EarlierRun(RunFolder(Path("run")), made, "", JournalState({}, {one.key: one for one in outcomes}, {})),
            before,
        )
        self.ids.learn({change.key: change.row for change in made.changes if change.row}, outcomes)
        self._merged_by_decisions(drafts)
        self._nothing_lost(before, drafts)
        self._drops_are_named(drafts, made)
        self._belongs(before, made)
        self._asked_once(made)
        drafts, again = self._planned()
        more = [(change.name, change.differences) for change in again.changes if change.action.calls]
        assert not more, more
        self._asked_once(again)
        held = parse(self.text)
        self.pairs = undecided(again.pairs, held)
        self.values = undecided_values(chain.from_iterable(draft.issues for draft in drafts), held)
        assert not any((asked.value, file) in self.left for asked in self.values for file in asked.files)

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_last_night_is_undone(self) -> None:
        earlier, self.last, now = self.last, None, self.tags
        assert earlier is not None
        try:
            made = undo_plan(earlier, now)
        except UsageError:
            return  # it changed nothing
        self.number += 100
        self.tags = apply_to(now, made, self.number)
        stays = {change.uuid for change in made.changes if change.action is Action.CONFLICT}
        assert {tag.uuid for tag in now if tag.uuid in stays} <= {tag.uuid for tag in self.tags}
        if not stays and now == self.after:
            assert sorted(map(_said, self.tags)) == sorted(map(_said, self.before))

    def teardown(self) -> None:
        self.night()

    def _planned(self) -> tuple[list[Draft], Plan]:
        held = parse(self.text)
        drafter = Drafter(MAPPING, [Meaning(one.field, one.value, one.means, one.source) for one in held.values])
        drafts: list[Draft] = []
        for file, rows in self.lists.items():
            cells = [
                (ref, name, ";".join(names), motive, f"https://{file}/{ref}")
                for ref, (name, names, motive) in rows.items()
            ]
            if cells:
                drafts += drafter.draft(table(COLUMNS, *cells, file=file))
        owners = tuple(AliasDecision(alias=alias, belongs_to=actor_of("", file, ref))
                       for alias, (file, ref) in self.owners.items())  # fmt: skip
        held = replace(held, aliases=owners)
        options = PlanOptions(mode="upsert", decisions=Decisions("decisions.yaml", "", 0, held), **self.job)
        return drafts, build_plan(drafts, Account(ACCOUNT, self.tags, ids=self.ids), options)

    # ---- what holds

    def _nothing_lost(self, before: list[Tag], drafts: list[Draft]) -> None:
        """Each entry of a list is still there, and a person's motive where no row of the actor gives one."""
        after = {tag.uuid: tag for tag in self.tags}
        names = {identity_key(draft.name) for draft in drafts}
        for tag in before:
            if tag.uuid not in after:
                assert self.job.get("prune"), f"{tag.name!r} was deleted"
                assert (mark_of(tag), identity_key(tag.name) in names) == (MARK, False), f"{tag.name!r} was deleted"
                continue
            now = after[tag.uuid]
            if self.job and not mark_of(tag):
                assert now == tag or self.job.get("adopt"), f"{tag.name!r} is not the job's"
            if not any(self._root(_row(draft)) == self._root(tag.uuid) for draft in drafts if "motive" in draft.fields):
                assert now.fields.get("motive") == tag.fields.get("motive"), f"motive of {tag.name!r} was changed"
            for field in () if mark_of(tag) and not self.job.get("adopt") else LISTS:  # such a tag has one source
                kept = {*_entries(now, field), identity_key(now.name)}
                assert _entries(tag, field) <= kept, f"{field} of {tag.name!r} lost entries"

    def _merged_by_decisions(self, drafts: list[Draft]) -> None:
        """Rows of which a tag has the links have, or had, one name, or a chain of decisions joins them."""
        for draft in drafts:
            self._join(_row(draft), identity_key(draft.name))
        for tag in self.tags:
            self._join(tag.uuid, identity_key(tag.name))
        for tag in self.tags:
            for link in tag.fields.get("externalReferenceLinks", ()):
                file, ref = link.removeprefix("https://").split("/")
                assert self._root((file, ref)) == self._root(tag.uuid), f"{link} went into {tag.name!r} undecided"

    def _drops_are_named(self, drafts: list[Draft], made: Plan) -> None:
        """A motive of a row that went into another one is that of a tag of theirs, or it is told that it is not."""
        told = {(issue.value, issue.place) for change in made.changes for issue in change.issues
                if issue.code == "merge-drops"}  # fmt: skip
        for draft, change in zip(drafts, made.changes, strict=False):
            motive = bare(draft.fields.get("motive"))
            if change.code == "merged-row" and motive and (motive, draft.place("motive")) not in told:
                held = [
                    bare(tag.fields.get("motive"))
                    for tag in self.tags
                    if self._root(tag.uuid) == self._root(_row(draft))
                ]
                left = any(one.code in ("unmanaged", "id-of-another") for one in made.changes)
                assert left or motive in held, f"{motive!r} of {draft.name!r} went away untold"

    def _belongs(self, before: list[Tag], made: Plan) -> None:
        """A name that belongs to an actor comes into no other one's tag."""
        had = {tag.uuid: set(map(identity_key, labels_of(tag.fields))) for tag in before}
        for change in made.changes:
            new = set(map(identity_key, labels_of(change.body))) - had.get(change.uuid, set())
            for alias, owner in self.owners.items():
                if change.row is not None and identity_key(alias) in new:
                    row = change.row.header.file, change.row.id
                    assert self._root(row) == self._root(owner), f"{change.name!r} got {alias!r}"

    def _outcome(self, change: Change) -> Outcome:
        tag = next((tag for tag in self.tags if tag.uuid == change.uuid), None) or next(
            (tag for tag in self.tags if identity_key(tag.name) == identity_key(change.name)), None
        )
        uuid, version = (tag.uuid, tag.version) if tag is not None else (change.uuid, 0)
        return Outcome(change.key, change.action.status, uuid, after={"version": version})

    def _asked_once(self, made: Plan) -> None:
        for pair in made.pairs:
            assert not pair.open or frozenset(map(_who, (pair.one, pair.other))) not in self.decided, pair
        for change in made.changes:
            for issue in change.issues:
                if issue.code == "unknown-motive":
                    assert (issue.value, issue.place.file) not in self.meant, issue
                    assert ((issue.value, issue.place.file) in self.left) <= bool(issue.accepted), issue

    def _join(self, one: Hashable, other: Hashable) -> None:
        self.one_actor[self._root(one)] = self._root(other)

    def _root(self, node: Hashable) -> Hashable:
        while (parent := self.one_actor.get(node, node)) != node:
            node = parent
        return node


def _who(side: Side) -> Hashable:
    return side.id if side.source == TAGS else (side.source, side.id)


def _said(tag: Tag) -> str:
    return repr(
        (tag.name, sorted((name, value) for name, value in tag.fields.items() if value not in (None, "", [], {})))
    )


def _row(draft: Draft) -> Hashable:
    return draft.row.header.file, draft.row.id


def _entries(tag: Tag, field: str) -> set[str]:
    return {identity_key(entry_text(entry)) for entry in tag.fields.get(field) or ()}


TestNights = Nights.TestCase
TestNights.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
