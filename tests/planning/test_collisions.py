"""Names and aliases that claim each other are told on both sides, and nothing is merged."""

from __future__ import annotations

import time

import pytest

from importer.model import Change, Header, Severity
from importer.planning.collision_rules import CollisionRules, severity
from importer.planning.collisions import PER_ROW

from .examples import draft, drafts, plan, said, tag, uuid


def codes(change: Change) -> list[str]:
    return [issue.code for issue in change.issues]


def test_an_alias_that_is_another_rows_name_is_told_on_both_rows() -> None:
    """Both rows are warned, each with the other's place; the cell of the alias is named."""
    made = plan(drafts(draft("APT28", aliases=[{"value": "Sofacy"}]), draft("sofacy")))
    first, second = made.changes
    assert said(made) == [("create", ""), ("create", "")]
    assert (codes(first), codes(second)) == (["alias-is-name"], ["name-is-alias"])
    assert first.issues[0].place.cell == "B2"
    assert first.issues[0].field == "aliases"
    assert first.issues[0].message == "is also the name of 'sofacy' (A3)"
    assert "'APT28' (A2)" in second.issues[0].message


def test_rows_of_other_files_are_named_with_their_file() -> None:
    """Across files and kinds the other side is named with its file, an object by its number."""
    objects = Header("b.json", "json", ("name",))
    rows = [
        draft("A", 7, aliases=[{"value": "X"}]),
        draft("B", 3, header=objects, cells=("B",), aliases=[{"value": "x"}]),
    ]
    made = plan(rows)
    assert made.changes[0].issues[0].message == "is also an alias of 'B' (b.json #3)"
    assert made.changes[1].issues[0].message == "is also an alias of 'A' (actors.csv A7)"


def test_an_alias_on_two_rows_is_told_on_both() -> None:
    """One alias on two rows, in whichever of the four alias fields, is a warning on each."""
    made = plan(drafts(draft("A", aliasGroupNames=["NOBELIUM"]), draft("B", internalAliases=[{"value": "Nobelium"}])))
    assert [codes(change) for change in made.changes] == [["alias-shared"], ["alias-shared"]]
    assert "'B'" in made.changes[0].issues[0].message
    assert "'A'" in made.changes[1].issues[0].message


def test_one_row_may_repeat_itself() -> None:
    """An alias in two fields of one row, or equal to its own name, collides with nothing."""
    made = plan([draft("A", aliases=[{"value": "a"}, {"value": "X"}], aliasGroupNames=["X"])])
    assert codes(made.changes[0]) == []


def test_the_account_collides_too() -> None:
    """An alias that is an existing tag's name or alias, and a name that is one's alias, are warnings with its UUID."""
    held = [tag("Sofacy", 1, aliases=[{"value": "Pawn Storm"}, {"value": "Newcomer"}])]
    made = plan(drafts(draft("APT28", aliases=[{"value": "SOFACY"}, {"value": "pawn storm"}]), draft("Newcomer")), held)
    assert codes(made.changes[0]) == ["alias-is-tag", "alias-is-tag-alias"]
    assert codes(made.changes[1]) == ["name-is-tag-alias"]
    assert all(uuid(1) in change.issues[0].message for change in made.changes)


def test_a_rows_own_tag_is_no_collision() -> None:
    """The tag that a row stands for holds the same aliases, which is as it should be."""
    held = [tag("APT28", aliases=[{"value": "Sofacy"}])]
    assert codes(plan([draft("APT28", aliases=[{"value": "Sofacy"}])], held).changes[0]) == []


def test_names_that_differ_only_in_punctuation_are_a_warning_and_two_tags() -> None:
    """`APT-28` and `APT 28` stay two creates, each warned of the other; so is one against the account."""
    made = plan(drafts(draft("APT-28"), draft("APT 28")))
    assert said(made) == [("create", ""), ("create", "")]
    assert [codes(change) for change in made.changes] == [["similar-name"], ["similar-name"]]
    assert codes(plan([draft("APT-28")], [tag("APT 28")]).changes[0]) == ["similar-name"]


def test_the_mapping_may_make_a_collision_a_conflict_or_nothing() -> None:
    """`error` turns both rows into conflicts, `off` does not look."""
    rows = drafts(draft("A", aliases=[{"value": "X"}]), draft("B", aliases=[{"value": "X"}]))
    made = plan(rows, collisions=CollisionRules(alias_shared=Severity.ERROR))
    assert said(made) == [("conflict", "alias-shared")] * 2
    assert all(change.body == {} for change in made.changes)
    off = plan(rows, collisions=CollisionRules(alias_shared=None))
    assert [codes(change) for change in off.changes] == [[], []]


def test_severities_are_read_from_words() -> None:
    """`off`, which an editor may have made `false`, does not look; a misspelt word is refused with the nearest."""
    assert [severity(word) for word in ("error", "info", "off", False)] == [Severity.ERROR, Severity.INFO, None, None]
    with pytest.raises(ValueError, match="did you mean 'error'"):
        severity("eror")


def test_the_issues_of_a_row_are_bounded_and_counted() -> None:
    """A row whose every alias collides gets a few issues and one that counts the rest."""
    aliases = [{"value": f"alias {number}"} for number in range(40)]
    made = plan(drafts(draft("A", aliases=aliases), draft("B", aliases=aliases)))
    for change in made.changes:
        assert len(change.issues) == PER_ROW + 1
        assert f"{40 - PER_ROW} more" in change.issues[-1].message


def test_unusable_rows_take_no_part() -> None:
    """Rows that are invalid, left out or repeated neither collide nor are collided with."""
    made = plan(drafts(
        draft("A", aliases=[{"value": "X"}]), draft("X", error="bad"), draft("X", left_out="no"),
        draft("a", aliases=[{"value": "X"}]),
    ))  # fmt: skip
    assert codes(made.changes[0]) == []


def test_everything_alike_takes_no_quadratic_time() -> None:
    """Thousands of rows that share one alias and one loose name are planned in linear time."""
    rows = drafts(*(draft("x" + "-" * number, aliases=[{"value": "Y"}]) for number in range(1, 3_000)))
    started = time.perf_counter()
    plan(rows)
    assert time.perf_counter() - started < 5
