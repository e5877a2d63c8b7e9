"""Actors that may be one are told by pair, with both cells and what speaks for it; nothing is merged."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.model import ACCOUNT, Change, Draft, Header, Pair, Plan, RowRef, Severity, Table
from importer.planning.collision_rules import CollisionRules, severity
from importer.planning.collisions import CROWD, speaks_for
from importer.planning.near_names import near_names
from importer.planning.statements import Evidence

from .examples import draft, drafts, plan, said, tag, uuid


def codes(change: Change) -> list[str]:
    return [issue.code for issue in change.issues]


def pair(made: Plan) -> Pair:
    """The one pair of a plan."""
    assert len(made.pairs) == 1
    return made.pairs[0]


def elsewhere(name: str, number: int = 3, *, related: str = "", id_: str = "", **fields: object) -> Draft:
    """A row of another file, an object with an id and edges."""
    header = Header("b.json", "misp", ("name", "related"))
    row = RowRef(Table.of_rows(header, [(name, related)], [number], [id_]), 0)
    return Draft(row, {"value": name, **fields})


def names(*labels: str) -> list[dict[str, str]]:
    return [{"value": label} for label in labels]


def test_an_alias_that_is_another_rows_name_is_one_pair_with_both_cells() -> None:
    """One record, one warning on the later row, and both stay to be created."""
    made = plan(drafts(draft("APT28", aliases=names("Sofacy")), draft("sofacy")))
    assert said(made) == [("create", ""), ("create", "")]
    assert [codes(change) for change in made.changes] == [[], ["alias-is-name"]]
    found = pair(made)
    assert (found.one.name, found.one.place.cell, found.other.name, found.other.place.cell) == (
        "APT28", "A2", "sofacy", "A3"
    )  # fmt: skip
    assert [(item.label, item.cell, item.other_cell) for item in found.shared] == [("Sofacy", "B2", "A3")]
    assert made.changes[1].issues[0].message == "'sofacy' may be 'APT28' (A2): both have the name 'Sofacy' (B2 and A3)"


def test_many_shared_names_are_one_pair() -> None:
    """However many names two rows share, whichever of the four fields holds them, they are told once."""
    made = plan(drafts(
        draft("A", aliasGroupNames=["NOBELIUM", "X", "Y", "Z"]),
        draft("B", internalAliases=names("Nobelium", "x", "y", "z")),
    ))  # fmt: skip
    assert [codes(change) for change in made.changes] == [[], ["alias-shared"]]
    assert len(pair(made).shared) == 4
    assert "and 1 more" in made.changes[1].issues[0].message
    assert made.changes[1].issues[0].field == "internalAliases"


def test_rows_of_other_files_are_named_with_their_file() -> None:
    """Across files and kinds the other side is named with its file, an object by its number."""
    made = plan([draft("A", 7, aliases=names("X")), elsewhere("B", aliases=names("x"))])
    assert "may be 'A' (actors.csv A7)" in made.changes[1].issues[0].message
    assert pair(made).other.seen_from("actors.csv") == "'B' (b.json #3)"


def test_the_pair_of_which_most_speaks_for_it_comes_first() -> None:
    """Rare names count more than common ones, another's own name more than a shared alias, another country less."""
    made = plan(drafts(
        draft("Common 1", aliases=names("Crowd")), draft("Common 2", aliases=names("Crowd")),
        draft("Common 3", aliases=names("Crowd")),
        draft("Rare 1", aliases=names("Seldom")), draft("Rare 2", aliases=names("Seldom")),
        draft("Named", aliases=names("Own")), draft("Own"),
        draft("Far 1", aliases=names("Far"), originCountryISO="IR"),
        draft("Far 2", aliases=names("Far"), originCountryISO={"value": "CN", "confidence": 3}),
    ))  # fmt: skip
    ranked = [found.one.name for found in made.pairs]
    assert ranked == ["Named", "Rare 1", "Common 1", "Common 1", "Common 2", "Far 1"]
    assert "(1 more has it)" in speaks_for(made.pairs[2])
    assert "from IR and CN" in speaks_for(made.pairs[-1])


def test_one_row_may_repeat_itself() -> None:
    """An alias in two fields of one row, or equal to its own name, collides with nothing."""
    made = plan([draft("A", aliases=names("a", "X"), aliasGroupNames=["X"])])
    assert codes(made.changes[0]) == []
    assert made.pairs == ()


def test_the_account_is_compared_too() -> None:
    """An alias that is a tag's name or alias, and a name that is one's alias, are pairs with the tag and its uuid."""
    held = [tag("Sofacy", 1, aliases=names("Pawn Storm", "Newcomer"))]
    made = plan(drafts(draft("APT28", aliases=names("SOFACY", "pawn storm")), draft("Newcomer")), held)
    assert [codes(change) for change in made.changes] == [["alias-is-tag"], ["name-is-tag-alias"]]
    assert all(uuid(1) in change.issues[0].message for change in made.changes)
    assert {(found.other.source, found.other.id) for found in made.pairs} == {(ACCOUNT, uuid(1))}
    again = plan([draft("APT28", aliases=names("pawn storm"))], held)
    assert codes(again.changes[0]) == ["alias-is-tag-alias"]


def test_a_rows_own_tag_is_no_collision() -> None:
    """The tag that a row is about holds the same aliases, which is as it should be."""
    held = [tag("APT28", aliases=names("Sofacy"))]
    assert plan([draft("APT28", aliases=names("Sofacy"))], held).pairs == ()


@pytest.mark.parametrize(("one", "other"), [
    ("APT-28", "APT 28"), ("BERSERK BEAR", "BERSERKBEAR"), ("Moss Egret", "Moss Egrett"), ("Moss Egret", "Mos Egret"),
    ("Moss Egret", "Moss Egrte"), ("Moss Egret", "Moss Egrat"), ("Fjällräv Ström", "Fjällräv Strom"),
])  # fmt: skip
def test_names_that_are_nearly_the_same_are_a_pair(one: str, other: str) -> None:
    """Punctuation, blanks and one slip of a letter: two creates and a warning; against the account as well."""
    made = plan(drafts(draft(one), draft(other)))
    assert said(made) == [("create", ""), ("create", "")]
    assert [codes(change) for change in made.changes] == [[], ["similar-name"]]
    assert "nearly the same" in made.changes[1].issues[0].message
    assert codes(plan([draft(one)], [tag(other)]).changes[0]) == ["similar-name"]


@pytest.mark.parametrize(("one", "other"), [
    ("APT28", "APT29"), ("Storm-0156 Group", "Storm-0157 Group"), ("Lead", "Lear"), ("Moss Egret", "Moss Heron"),
    ("Tin Sparrow 1", "Tin Sparrow"),
])  # fmt: skip
def test_names_that_are_others(one: str, other: str) -> None:
    """Another number, a short name, another word: no pair."""
    assert plan(drafts(draft(one), draft(other))).pairs == ()


def test_a_family_of_names_is_no_slip() -> None:
    """Names that differ from many others by one letter only are counted by letters."""
    assert plan(drafts(*(draft(f"Jackal Group {letter}") for letter in "ABCDEF"))).pairs == ()


@given(st.text("abcd", min_size=8, max_size=12), st.integers(0, 12), st.sampled_from("abcd"), st.sampled_from("drsi"))
def test_one_slip_is_found_wherever_it_is(name: str, at: int, letter: str, slip: str) -> None:
    """A letter dropped, replaced, swapped with its neighbour or inserted anywhere in a name leaves a near name."""
    at = min(at, len(name) - 1)
    before, after = name[:at], name[at + 1 :]
    swapped = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
    other = {"d": before + after, "r": before + letter + after, "s": swapped, "i": before + letter + name[at:]}[slip]
    if other != name and len(other) >= 8:
        assert list(near_names([(name, 1), ("something", 9), (other, 2)], CROWD)) in ([(1, 2)], [(2, 1)])


def test_an_edge_in_the_source_states_it() -> None:
    """MISP's `related: similar` and ids of STIX: known as one, nothing for a person to look at, and still two tags."""
    mine, theirs = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    edge = json.dumps([{"dest-uuid": theirs.upper(), "type": "similar"}, {"dest-uuid": mine, "type": "uses"}])
    made = plan([
        elsewhere("Amber Jackal", 1, id_=mine, related=edge, aliases=names("Dust")),
        elsewhere("Iron Quokka", 2, id_=f"intrusion-set--{theirs}", aliases=names("Dust")),
    ])  # fmt: skip
    assert said(made) == [("create", ""), ("create", "")]
    assert [codes(change) for change in made.changes] == [[], []]
    found = pair(made)
    assert not found.open
    assert found.stated == ("b.json #1 related says similar",)


@pytest.mark.parametrize("edge", ["not json", '[{"dest-uuid": 3}]', '{"a": 1}', '[{"dest-uuid": "x", "type": "uses"}]'])
def test_edges_that_say_nothing(edge: str) -> None:
    """Edges of other kinds, to others, or that are not edges at all, state nothing."""
    made = plan([elsewhere("A", 1, id_="y", related=edge, aliases=names("S")), elsewhere("B", 2, id_="x",
                aliases=names("S"))])  # fmt: skip
    assert pair(made).open


def test_lists_that_name_each_other_state_it() -> None:
    """Two lists of which each gives the other's name say the same; two rows of one list may be a slip of one person."""
    mutual = draft("Iron Quokka", aliases=names("Rust Wallaby"))
    assert not pair(plan([mutual, elsewhere("Rust Wallaby", aliases=names("iron quokka"))])).open
    assert pair(plan(drafts(mutual, draft("Rust Wallaby", aliases=names("iron quokka"))))).open
    assert pair(plan([mutual, elsewhere("Rust Wallaby")])).open
    held = [tag("Rust Wallaby", aliases=names("IRON QUOKKA"))]
    assert not pair(plan([mutual], held)).open


def test_the_groups_of_attack_state_their_other_names() -> None:
    """What ATT&CK lists as other names of a group are groups that it takes for the same."""
    header = Header("attack.json", "stix", ("name", "x_mitre_version"))
    group = draft("G-One", header=header, cells=("G-One", "1"), aliases=names("Tin Weasel"))
    assert pair(plan([group, draft("Tin Weasel")])).stated == ("an associated group of ATT&CK",)


def test_a_file_of_evidence_backs_a_pair() -> None:
    """A row of the evidence that has both names is enough, one that has a shared alias of both is not."""
    rows = drafts(draft("A Jackal", aliases=names("Dust")), draft("B Quokka", aliases=names("Dust")))
    backed = Evidence([("map.json #4", ["a jackal", "Other", "B  QUOKKA"])])
    assert pair(plan(rows, evidence=backed)).stated == ("map.json #4 names both",)
    assert pair(plan(rows, evidence=Evidence([("map.json #4", ["A Jackal", "Dust"])]))).open


def test_one_name_in_two_files_is_a_pair_that_needs_nobody() -> None:
    """The earlier row is used, and what the later one says otherwise is kept as a pair; other countries are asked."""
    rows = [draft("Amber Jackal", originCountryISO="IR"), elsewhere("AMBER JACKAL", aliases=names("Dust"))]
    found = pair(plan(rows))
    assert (found.code, found.open) == ("repeats-row", False)
    assert pair(plan([rows[0], elsewhere("Amber Jackal", originCountryISO="CN")])).open
    assert plan([rows[0], elsewhere("Amber Jackal", originCountryISO="IR")]).pairs == ()
    assert plan(drafts(rows[0], draft("Amber Jackal", motive="Fun"))).pairs == ()


def test_the_mapping_may_make_a_collision_a_conflict_or_nothing() -> None:
    """`error` turns both rows into conflicts, also where a source states it; `off` does not look."""
    rows = drafts(draft("A", aliases=names("X")), draft("B", aliases=names("X")))
    strict = CollisionRules(alias_shared=Severity.ERROR)
    made = plan(rows, collisions=strict, evidence=Evidence([("e", ["A", "B"])]))
    assert said(made) == [("conflict", "alias-shared")] * 2
    assert all(change.body == {} for change in made.changes)
    assert "may be 'B'" in made.changes[0].issues[0].message
    assert plan(rows, collisions=CollisionRules(alias_shared=None)).pairs == ()


def test_severities_are_read_from_words() -> None:
    """`off`, which an editor may have made `false`, does not look; a misspelt word is refused with the nearest."""
    assert [severity(word) for word in ("error", "info", "off", False)] == [Severity.ERROR, Severity.INFO, None, None]
    with pytest.raises(ValueError, match="did you mean 'error'"):
        severity("eror")


def test_a_name_that_very_many_have_is_told_once() -> None:
    """It says nothing about two of them: no pairs, one issue with the count; as an error it stops all of them."""
    rows = drafts(*(draft(f"Actor {number}", aliases=names("Group")) for number in range(CROWD + 1)))
    made = plan(rows)
    assert made.pairs == ()
    assert [codes(change) for change in made.changes] == [["alias-of-many"], *[[]] * CROWD]
    assert f"is a name of {CROWD + 1} actors" in made.changes[0].issues[0].message
    strict = plan(rows, collisions=CollisionRules(alias_shared=Severity.ERROR))
    assert {change.code for change in strict.changes} == {"alias-of-many"}


def test_unusable_rows_take_no_part() -> None:
    """Rows that are invalid, left out or repeated neither collide nor are collided with."""
    made = plan(drafts(
        draft("A", aliases=names("X")), draft("X", error="bad"), draft("X", left_out="no"),
        draft("a", aliases=names("X")),
    ))  # fmt: skip
    assert made.pairs == ()


def test_everything_alike_takes_no_quadratic_time() -> None:
    """Thousands of rows that share one alias and one loose name are planned in linear time."""
    rows = drafts(*(draft("x" + "-" * number, aliases=names("Y")) for number in range(1, 3_000)))
    started = time.perf_counter()
    plan(rows)
    assert time.perf_counter() - started < 5
