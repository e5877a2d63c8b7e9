"""Two lists feed one account, night after night, while people work on the lists, on the tags and on decisions.yaml."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import chain
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from msgspec.structs import replace

from importer.fields.names import identity_key
from importer.fields.table import FIELDS
from importer.mapping.draft import Drafter
from importer.mapping.meanings import Meaning
from importer.model import ACCOUNT as TAGS
from importer.model import Action, Draft, Outcome, Pair, Plan, Side, Status, Tag
from importer.planning.build import build_plan
from importer.planning.collisions import labels_of
from importer.planning.decisions import (
    Decisions,
    decision_of,
    parse,
    undecided,
    undecided_values,
    value_decision_of,
    with_pairs,
    with_values,
)
from importer.planning.merging import entry_text
from importer.planning.options import Account, PlanOptions
from importer.planning.source_ids import SourceIds

from ..mapping.tables import mapping, table
from .examples import ACCOUNT, apply_to

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
    """No name twice, no entry lost, nothing merged undecided or asked again, and a second run has nothing to do.

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
        self.one_actor: dict[Hashable, Hashable] = {}
        """What has the same name, or is the same by a decision: a forest of rows, names and tags."""

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

    @precondition(lambda self: self.pairs)
    @rule(which=st.integers(0, 9), are=st.sampled_from(("same", "same", "different", "unsure")),
          keep=st.sampled_from((-1, 0, 1)))  # fmt: skip
    def a_pair_is_decided(self, which: int, are: Any, keep: int) -> None:
        pair = self.pairs.pop(which % len(self.pairs))
        name = (pair.one, pair.other)[keep].name if are == "same" and keep >= 0 else ""
        self.text = with_pairs(self.text, [decision_of(pair, are, keep=name)])
        self.decided.add(frozenset(map(_who, (pair.one, pair.other))))
        if are == "same":
            self._join(_who(pair.one), _who(pair.other))

    @precondition(lambda self: self.values)
    @rule(which=st.integers(0, 9), everywhere=st.booleans())
    def a_value_is_decided(self, which: int, everywhere: bool) -> None:
        decision = value_decision_of(asked := self.values.pop(which % len(self.values)), "Espionage",
                                     everywhere=everywhere)  # fmt: skip
        self.text = with_values(self.text, [decision])
        self.meant |= {(asked.value, file) for file in ([decision.source] if decision.source else FILES)}

    # ---- the job

    @rule()
    def night(self) -> None:
        before, drafts, made = self.tags, *self._planned()
        self.tags = apply_to(before, made)
        by_name = {identity_key(tag.name): tag for tag in self.tags}
        assert len(by_name) == len(self.tags), "a name is there twice"
        outcomes = [
            Outcome(change.key, Status.UPDATED, change.uuid or by_name[identity_key(change.name)].uuid)
            for change in made.changes
            if change.action in (Action.CREATE, Action.UPDATE, Action.UNCHANGED)
        ]
        self.ids.learn({change.key: change.row for change in made.changes if change.row}, outcomes)
        self._merged_by_decisions(drafts)
        self._nothing_lost(before, drafts)
        self._asked_once(made)
        drafts, again = self._planned()
        assert [change for change in again.changes if change.action.calls] == []
        self._asked_once(again)
        held = parse(self.text)
        self.pairs = undecided(again.pairs, held)
        self.values = undecided_values(chain.from_iterable(draft.issues for draft in drafts), held)

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
        options = PlanOptions(mode="upsert", decisions=Decisions("decisions.yaml", "", 0, held))
        return drafts, build_plan(drafts, Account(ACCOUNT, self.tags, ids=self.ids), options)

    # ---- what holds

    def _nothing_lost(self, before: list[Tag], drafts: list[Draft]) -> None:
        """Each entry of a list is still there, and a person's motive where no row of the actor gives one."""
        after = {tag.uuid: tag for tag in self.tags}
        for tag in before:
            now = after[tag.uuid]
            if not any(self._root(_row(draft)) == self._root(tag.uuid) for draft in drafts if "motive" in draft.fields):
                assert now.fields.get("motive") == tag.fields.get("motive"), f"motive of {tag.name!r} was changed"
            for field in LISTS:
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

    def _asked_once(self, made: Plan) -> None:
        for pair in made.pairs:
            assert not pair.open or frozenset(map(_who, (pair.one, pair.other))) not in self.decided, pair
        for change in made.changes:
            for issue in change.issues:
                assert issue.code != "unknown-motive" or (issue.value, issue.place.file) not in self.meant, issue

    def _join(self, one: Hashable, other: Hashable) -> None:
        self.one_actor[self._root(one)] = self._root(other)

    def _root(self, node: Hashable) -> Hashable:
        while (parent := self.one_actor.get(node, node)) != node:
            node = parent
        return node


def _who(side: Side) -> Hashable:
    return side.id if side.source == TAGS else (side.source, side.id)


def _row(draft: Draft) -> Hashable:
    return draft.row.header.file, draft.row.id


def _entries(tag: Tag, field: str) -> set[str]:
    return {identity_key(entry_text(entry)) for entry in tag.fields.get(field) or ()}


TestNights = Nights.TestCase
TestNights.settings = settings(
    max_examples=30, stateful_step_count=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
