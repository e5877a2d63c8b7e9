"""Nothing is merged that no decision names, whatever the decisions are."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.model import Action, Header, Json, Outcome, Plan, RowRef, Severity, Status, Table
from importer.planning.build import build_plan
from importer.planning.decisions import (
    PARTS,
    Actor,
    AliasDecision,
    Decisions,
    DecisionsFile,
    PairDecision,
    Part,
    Verdict,
    parse,
)
from importer.planning.options import Account, PlanOptions
from importer.planning.source_ids import SourceIds

from .examples import ACCOUNT, MARK, draft, drafts, only, plan, tag

NAMES = ("Amber", "Basalt", "Cobalt", "Dune", "Ember")
_pairs = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda two: two[0] != two[1])
_verdicts = st.sampled_from(("same", "same", "different", "overlaps", "unsure"))


@settings(deadline=None)
@given(st.dictionaries(_pairs.map(lambda two: tuple(sorted(two))), _verdicts))
def test_rows_are_one_tag_only_by_a_chain_of_decisions(decided: dict[tuple[str, str], str]) -> None:
    """Rows that all share a name: each is a tag of its own but where `same` joins it; `different` stops a chain."""
    held = tuple(
        PairDecision(actors=(Actor(name=one), Actor(name=other)), are=are)  # type: ignore[arg-type]
        for (one, other), are in decided.items()
    )
    rows = drafts(*(draft(name, aliases=[{"value": "Shared"}]) for name in NAMES))
    made = plan(rows, decisions=Decisions("d.yaml", "", 0, DecisionsFile(pairs=held)))
    groups = {name: {name} for name in NAMES}
    for (one, other), are in decided.items():
        if are == "same":
            joined = groups[one] | groups[other]
            for name in joined:
                groups[name] = joined
    for change in made.changes:
        group = groups[change.name]
        broken = any({*two} <= group and are == "different" for two, are in decided.items())
        if broken:
            assert change.action is Action.CONFLICT
        elif change.name == min(group):
            assert change.action is Action.CREATE
            others = set(change.body.get("aliasGroupNamesInternal", ()))
            assert others == group - {change.name}
        else:
            assert (change.action, change.code) == (Action.SKIP, "merged-row")


def test_a_tag_that_stays_beside_its_row_s_own_is_told_and_not_asked_about() -> None:
    """A row has its own tag and is decided to be another, too: that one is named in a warning, and not asked about."""
    tags = [tag("Amber", 1, aliases=[{"value": "Basalt"}]), tag("Basalt", 2, aliases=[{"value": "Dust"}])]
    two = (Actor(name="Amber", source="actors.csv"), Actor(id=tags[1].uuid, source="account"))
    held = DecisionsFile(pairs=(PairDecision(actors=two, are="same", keep="Amber"),))
    rows = drafts(draft("Amber", aliases=[{"value": "Dust"}]))
    made = plan(rows, tags, mode="upsert", decisions=Decisions("d.yaml", "", 0, held))
    assert [note.code for note in made.notes if tags[1].uuid in note.message] == ["merged-tag-stays"]
    assert [pair.decision for pair in made.pairs] == ["same"]


def test_the_tag_of_a_row_that_went_into_another_is_not_asked_about() -> None:
    """Two rows that have a tag each are decided to be one: the tag left over is told, and its pair is closed."""
    tags = [tag("Amber", 1), tag("Basalt", 2, aliases=[{"value": "Dust"}])]
    pair = PairDecision(actors=(Actor(name="Amber"), Actor(name="Basalt")), are="same")
    held = Decisions("d.yaml", "", 0, DecisionsFile(pairs=(pair,)))
    made = plan(drafts(draft("Amber"), draft("Basalt")), tags, mode="upsert", decisions=held)
    assert [note.code for note in made.notes if tags[1].uuid in note.message] == ["merged-tag-stays"]
    assert [pair.decision for pair in made.pairs] == ["same"]


def test_what_two_are_to_each_other_holds_for_the_tag_of_one_that_went_into_a_third() -> None:
    """Two that overlap: one of them is the same as a third, and its tag, which is left, is not asked about again."""
    dust: list[Json] = [{"value": "Dust"}]
    rows = drafts(
        draft("Amber", aliases=dust), draft("Basalt", aliases=[{"value": "Sand"}]), draft("Cobalt", aliases=dust)
    )
    held = (
        PairDecision(actors=(Actor(name="Amber"), Actor(name="Cobalt")), are="overlaps"),
        PairDecision(actors=(Actor(name="Basalt"), Actor(name="Cobalt")), are="same"),
    )
    tags = [tag("Amber", 1, aliases=dust), tag("Basalt", 2), tag("Cobalt", 3, aliases=dust)]
    made = plan(rows, tags, mode="upsert", decisions=Decisions("d.yaml", "", 0, DecisionsFile(pairs=held)))
    assert [pair for pair in made.pairs if pair.open] == []
    undecided = plan(rows, tags, mode="upsert", decisions=Decisions("d.yaml", "", 0, DecisionsFile(pairs=held[1:])))
    assert [pair for pair in undecided.pairs if pair.open]


def _same(keep: str = "", merge: tuple[Part, ...] = PARTS, **take: str) -> Decisions:
    pair = PairDecision(actors=(Actor(name="Amber"), Actor(name="Basalt")), are="same", keep=keep, merge=merge,
                        take=take)  # fmt: skip
    return Decisions("d.yaml", "", 0, DecisionsFile(pairs=(pair,)))


def _dropped(made: Plan) -> list[tuple[str, str, str]]:
    """The cell, field and value of what is dropped."""
    return [
        (issue.place.cell, issue.field, issue.value)
        for issue in made.changes[0].issues
        if issue.code == "merge-drops" and issue.severity is Severity.INFO
    ]


def test_each_value_that_a_merge_of_rows_drops_is_named_with_its_cell() -> None:
    """Of one actor's rows a single value that loses is told, whichever row it is of; what is taken over is not."""
    rows = drafts(
        draft("Amber", originCountryISO="IR", motive="Espionage", tlp="green", priority=1),
        draft("Basalt", originCountryISO="CN", motive="Espionage", tlp="clear", priority=2, description="Said",
              aliases=[{"value": "Dust"}], properties={"rank": 3}),
    )  # fmt: skip
    assert _dropped(plan(rows, decisions=_same())) == [("C3", "originCountryISO", "CN"), ("C3", "priority", "2")]
    made = plan(rows, decisions=_same(merge=("links",), originCountryISO="Basalt"))
    assert _dropped(made) == [("C2", "originCountryISO", "IR"), ("C3", "priority", "2"), ("B3", "aliases", "Dust")]


def test_a_decision_holds_for_the_tag_of_a_row_that_left_its_list() -> None:
    """A row is gone, its tag (known by the row's id, whatever its name is now) is not: what was decided still counts,
    and neither `different` is asked again nor is a second tag made of `same`."""
    tags = [tag("Amber", 1), tag("Renamed", 2, aliases=[{"value": "Dust"}])]
    ids = SourceIds()
    header = Header("two.csv", "csv", ("Name", "Aliases", "Notes"), ("A", "B", "C"))
    gone = RowRef(Table.of_rows(header, [("Basalt", "", "")], [2], ["7"]), 0)
    ids.learn({"k": gone}, [Outcome("k", Status.CREATED, tags[1].uuid)])
    for are in get_args(Verdict):
        two = (Actor(name="Amber", source="actors.csv"), Actor(name="Basalt", source="C:\\lists\\two.csv", id="7"))
        held = Decisions("d.yaml", "", 0, DecisionsFile(pairs=(PairDecision(actors=two, are=are),)))
        options = PlanOptions(mode="upsert", decisions=held)
        rows = drafts(draft("Amber", aliases=[{"value": "Dust"}]))
        made = build_plan(rows, Account(ACCOUNT, tags, ids=ids), options)
        assert [pair.decision for pair in made.pairs] == [are]
        assert "decision-not-applied" not in {note.code for note in made.notes}
        made = build_plan(rows, Account(ACCOUNT, tags[1:], ids=ids), options)
        assert only(made).action is (Action.UPDATE if are == "same" else Action.CREATE)


def test_a_row_that_is_invalid_tonight_costs_its_actor_no_second_tag() -> None:
    """One of two rows that are the same cannot be used: the other one is still about the tag of both."""
    made = plan(drafts(draft("Amber", error="x"), draft("Basalt")), [tag("Amber")], mode="upsert", decisions=_same())
    assert [change.action for change in made.changes] == [Action.INVALID, Action.UPDATE]
    assert made.changes[1].name == "Amber"


def test_a_name_that_is_not_kept_leaves_its_tag_named() -> None:
    """`keep` is the other row's name, which has a tag: the tag of the first row's own name is told, not forgotten."""
    tags = [tag("Amber", 1), tag("Basalt", 2)]
    made = plan(drafts(draft("Amber"), draft("Basalt")), tags, mode="upsert", decisions=_same(keep="Basalt"))
    assert made.changes[0].uuid == tags[1].uuid
    assert [tags[0].uuid in note.message for note in made.notes if note.code == "merged-tag-stays"] == [True]
    assert not any(pair.open for pair in made.pairs)
    made = plan(drafts(draft("Amber"), draft("Basalt")), tags[:1], mode="upsert", decisions=_same(keep="Basalt"))
    assert (made.changes[0].action, made.changes[0].uuid) == (Action.UPDATE, tags[0].uuid)


def test_the_tag_of_a_row_that_went_into_another_is_not_pruned() -> None:
    """A marked tag whose row is one with another by a decision has not vanished, whatever name was kept."""
    marked = {"properties": {"managed_by": MARK}}
    tags = [tag("Amber", 1, **marked), tag("Basalt", 2, **marked)]
    for rows in ((draft("Amber"), draft("Basalt")), (draft("Amber"),)):
        made = plan(drafts(*rows), tags, mode="upsert", managed_by=MARK, prune=True, decisions=_same(keep="Basalt"))
        assert not any(change.action is Action.DELETE for change in made.changes)
        assert [note.code for note in made.notes if tags[0].uuid in note.message] == ["merged-tag-stays"]


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("pairs: [{actors: [Amber, Bassalt], are: same}]", "did you mean 'Basalt'?"),
        ("pairs: [{actors: [“Amber”, “Basalt”], are: same}]", "did you mean 'Amber' and 'Basalt'?"),
        ("pairs: [{actors: [amber, {name: AMBER, source: actors.csv}], are: different}]", "both actors are 'Amber'"),
        ("pairs: [{actors: [Amber, {name: Basalt, source: aktors.csv}], are: same}]", "aktors.csv do not apply"),
        ("aliases: [{alias: Dust, belongs-to: Basallt}]", "did you mean 'Basalt'?"),
    ],
)
def test_what_a_person_wrote_wrong_is_told(decision: str, said: str) -> None:
    """A misspelt name, curly quotes, one actor twice, a file that was not read: none of them is passed over."""
    held = Decisions("d.yaml", "", 0, parse(decision))
    made = plan(drafts(draft("Amber"), draft("Basalt")), decisions=held)
    assert [said in note.message for note in made.notes if note.code == "decision-not-applied"] == [True]
    assert all(change.action is Action.CREATE for change in made.changes)


def test_a_name_that_is_near_but_has_another_number_is_not_meant() -> None:
    """A decision about APT28 and another list is not taken for one about APT29."""
    held = Decisions("d.yaml", "", 0, parse("pairs: [{actors: [APT28, Basil], are: different}]"))
    assert not plan(drafts(draft("APT29"), draft("Zinc")), decisions=held).notes


@pytest.mark.parametrize(
    "text",
    [
        "pairs:\n- {actors: [Amber, Basalt], are: same}\n- {actors: [basalt, {name: AMBER, source: x}], are: unsure}\n",
        "aliases:\n- {alias: Dust, belongs-to: Amber}\n- {alias: DUST, belongs-to: Basalt}\n",
    ],
)
def test_two_decisions_about_one_thing_are_refused_with_both_lines(text: str) -> None:
    """Two actors are one thing to each other, and another name is one actor's."""
    with pytest.raises(UsageError) as refused:
        parse(text)
    told = str(refused.value) + "".join(map(str, getattr(refused.value, "details", ())))
    assert "decisions.yaml:2:3" in told
    assert "decisions.yaml:3:3" in told
    parse(text.replace("unsure", "same").replace("to: Basalt", "to: amber"))


def test_a_tag_keeps_a_name_that_belongs_to_another_actor_and_is_not_left_beside_itself() -> None:
    """What the account has already is the person's; the tag that a row is decided to be is its own."""
    held = [tag("Amber", 1, aliases=[{"value": "Dust"}])]
    two = (Actor(name="Basalt"), Actor(name="Amber", source="account", id=held[0].uuid))
    said = DecisionsFile(
        pairs=(PairDecision(actors=two, are="same"),),
        aliases=(AliasDecision(alias="Dust", belongs_to=Actor(name="Cobalt")),),
    )
    made = plan(
        drafts(draft("Basalt", aliases=[{"value": "Sand"}]), draft("Cobalt", aliases=[{"value": "Dust"}])), held,
        mode="upsert", decisions=Decisions("d.yaml", "", 0, said),
    )  # fmt: skip
    assert made.changes[0].uuid == held[0].uuid
    assert {entry["value"] for entry in made.changes[0].body["aliases"]} == {"Dust", "Sand"}
    assert "merged-tag-stays" not in {note.code for note in made.notes}
