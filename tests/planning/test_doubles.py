"""Several tags of one actor: what one tag of all of them holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from importer.errors import UsageError
from importer.fields.names import identity_key
from importer.model import Action, Json, Plan, Tag
from importer.planning.decisions import Decisions, parse
from importer.planning.doubles import find_doubles, merge_plan
from importer.planning.options import Account
from importer.planning.verify import check_plan

WORDS = st.sampled_from(["Fox", "Owl", "Elk", "Asp", "Emu", "Ox-1", "Cat", "Gnu"])
LISTS = ("aliasGroupNames", "aliasGroupNamesInternal", "externalReferenceLinks")
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "aliasGroupNames": st.lists(WORDS, unique=True),
        "aliasGroupNamesInternal": st.lists(WORDS, unique=True),
        "externalReferenceLinks": st.lists(WORDS.map(lambda word: f"https://example.org/{word}"), unique=True),
        "motive": st.sampled_from(["Espionage", "Financial", {"value": "Espionage", "confidence": 8}]),
        "internalDescription": WORDS,
        "originCountryISO": st.sampled_from(["CN", "IR"]),
        "tlp": st.sampled_from(["clear", "green", "purple", "red"]),
    },
)


def tag(number: int, name: str, fields: Mapping[str, Json], made: str = "") -> Tag:
    return Tag(f"00000000-0000-4000-8000-{number:012}", name, fields, 1, made or f"2026-01-{number + 1:02}T00:00:00Z")


def merged(tags: Sequence[Tag], decisions: Decisions | None = None) -> Plan:
    return merge_plan(Account("a", tags), find_doubles(tags, decisions), decisions)


def afterwards(tags: Sequence[Tag], plan: Plan) -> list[Tag]:
    """The tags of an account that has carried the plan out."""
    changes = {change.uuid: change for change in plan.changes}
    gone = {uuid for uuid, change in changes.items() if change.action is Action.DELETE}
    bodies = {uuid: change.body for uuid, change in changes.items() if change.action is Action.UPDATE}
    return [
        Tag(one.uuid, str(body.get("value", one.name)), {**one.fields, **body}, 2, one.created_at)
        for one in tags
        if one.uuid not in gone
        for body in (bodies.get(one.uuid, {}),)
    ]


def texts(tags: Sequence[Tag], *fields: str) -> set[str]:
    return {identity_key(str(entry)) for one in tags for field in fields for entry in one.fields.get(field) or ()}


@given(st.lists(FIELDS, min_size=2, max_size=4))
def test_one_tag_holds_every_entry_and_what_it_drops_is_named(fields: list[dict[str, Json]]) -> None:
    """Whatever the tags hold: all entries of lists arrive, every other value arrives or is named as dropped, the
    order in which the account lists them does not matter, and then there is no double left."""
    tags = [tag(number, "Red Fox", held) for number, held in enumerate(fields)]
    plan = merged(tags)
    assert merged(tags[::-1]).changes == plan.changes
    left = afterwards(tags, plan)
    assert [one.uuid for one in left] == [tags[0].uuid]
    assert find_doubles(left) == []
    for names in (LISTS[:2], LISTS[2:]):
        assert texts(tags, *names) <= texts(left, *names)
    dropped = " ".join(issue.message for change in plan.changes for issue in change.issues)
    for one in tags:
        for field in ("motive", "originCountryISO", "internalDescription"):
            held, now = one.fields.get(field), left[0].fields.get(field)
            parts = held if isinstance(held, dict) else {"value": held}
            said = now if isinstance(now, dict) else {"value": now}
            for key, part in parts.items():
                assert part is None or str(part) in str(said.get(key)) or str(part) in dropped


def test_the_oldest_is_the_one_that_was_made_first_wherever_its_clock_is() -> None:
    """Times are compared as times; a tag that does not say when it was made is never taken for the oldest."""
    tags = [
        tag(1, "Red Fox", {}, "2026-01-01T00:00:00Z"),
        tag(2, "Red Fox", {}, "2026-01-01T01:00:00+02:00"),
        Tag("00000000-0000-4000-8000-000000000000", "Red Fox"),
    ]
    (double,) = find_doubles(tags)
    assert [one.uuid[-1] for one in double.tags] == ["2", "1", "0"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"properties": {"managed_by": "tag-importer:a"}}, {"properties": {"managed_by": "tag-importer:b"}}),
        ({}, {"properties": {"managed_by": "tag-importer:a"}}),
        ({"categoryUuid": "x", "properties": {"rank": 1}}, {"categoryUuid": "y"}),
    ],
)
def test_tags_of_several_owners_or_categories_are_left_to_a_person(one: Json, other: Json) -> None:
    """No mark and no schema of one tag becomes another one's by a merge."""
    plan = merged([tag(1, "Red Fox", one), tag(2, "Red Fox", other)])
    assert [change.action for change in plan.changes] == [Action.CONFLICT]


@pytest.mark.parametrize("backwards", [False, True])
def test_decisions_that_contradict_each_other_merge_nothing(backwards: bool) -> None:
    """A is B and B is C, but A is not C: in whichever order the file has it, a person has to look."""
    same = [
        "  - {actors: [{name: Asp}, {name: Owl}], are: same}\n",
        "  - {actors: [{name: Owl}, {name: Elk}], are: same}\n",
    ]
    lines = same[::-1] if backwards else same
    text = "pairs:\n" + "".join(lines) + "  - {actors: [{name: Asp}, {name: Elk}], are: different}\n"
    held = Decisions("who.yaml", "", 0, parse(text))
    plan = merged([tag(1, "Asp", {}), tag(2, "Owl", {}), tag(3, "Elk", {})], held)
    assert [change.action for change in plan.changes] == [Action.CONFLICT]


def test_a_plan_that_deletes_the_tag_that_takes_over_is_refused() -> None:
    """A forged plan in which two tags are merged into each other leaves neither: it is not carried out."""
    plan = merged([tag(1, "Red Fox", {}), tag(2, "Red Fox", {"motive": "Fun"})])
    check_plan(plan, made_here=True)
    kept, gone = plan.changes
    forged = [
        {**plan.options, "after": {}},
        {**plan.options, "after": {gone.key: gone.key}},
    ]
    for options in forged:
        with pytest.raises(UsageError):
            check_plan(Plan(plan.account, plan.mode, plan.changes, options=options), made_here=True)
    too = replace(kept, key="again", action=Action.DELETE, body={}, differences=())
    both = Plan(plan.account, plan.mode, (kept, gone, too), options=plan.options)
    with pytest.raises(UsageError):
        check_plan(both, made_here=True)
