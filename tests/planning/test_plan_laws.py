"""What holds for every account and every list."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from importer.fields.names import identity_key
from importer.fields.table import FIELDS as ALL
from importer.fields.table import field_named
from importer.fields.values import same
from importer.model import Action, Asked, Category, Draft, Tag
from importer.planning.binding import moved
from importer.planning.build import build_plan
from importer.planning.export import export_table
from importer.planning.exposure import exposure
from importer.planning.options import Account, PlanOptions
from importer.planning.plan_file import plan_digest, read_plan, write_plan

from .examples import ACCOUNT, MARK, apply_to, draft, drafts, tag

NAMES = st.sampled_from(
    [
        "APT28",
        "apt28",
        "APT-28",
        "APT\u201128",
        " A ",
        "?",
        "???",
        "Larva",
        "\uff2c\uff21\uff32\uff36\uff21",
        "Sofacy",
        "İx",
    ]
)
TLP = st.sampled_from(["red", "amber", "amber-strict", "amber+strict", "purple"])
TEXT = st.sampled_from(["x", "X", "two\nlines", "cafe\u0301", "café", "007", "NA"])


def annotated(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    extras = st.fixed_dictionaries({}, optional={"confidence": st.integers(1, 10), "tlp": TLP})
    return values | st.builds(lambda value, more: {"value": value, **more}, values, extras)


def entries(key: str, more: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    return st.lists(
        st.builds(lambda text, extra: {key: text, **extra}, NAMES, st.fixed_dictionaries({}, optional=more)), max_size=3
    )


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "motive": annotated(TEXT),
        "priority": annotated(st.sampled_from([0, 1, 1.0, 2.5])),
        "originCountryISO": annotated(st.sampled_from(["RU", "RUS", "ru", "CN"])),
        "aliases": entries("value", {"confidence": st.integers(1, 10), "tlp": TLP}),
        "internalAliases": entries("value", {"confidence": st.none() | st.integers(1, 2)}),
        "aliasGroupNames": st.lists(NAMES, max_size=3),
        "externalReferences": entries("url", {"description": TEXT}),
        "dateOfDiscovery": st.sampled_from(["2024-01-01", "2024-01-02"]),
        "confidence": st.integers(1, 10),
        "tlp": TLP,
        "description": TEXT,
        "properties": st.dictionaries(
            st.sampled_from(["a", "b", "managed_by"]),
            TEXT | st.integers(0, 2) | st.lists(st.integers(0, 2), max_size=2)
            | st.builds(lambda value: {"value": value, "confidence": 2}, TEXT),
            max_size=3,
        ),
    },
)  # fmt: skip
CLEAR = st.lists(
    st.sampled_from(["motive", "priority", "aliases", "tlp", "value", "properties", "properties.a", "description"]),
    max_size=2,
)
DRAFTS = st.lists(
    st.builds(
        lambda name, fields, clear, asked, left_out, error: draft(
            name, clear=[item for item in clear if item not in fields], asked=asked, left_out=left_out, error=error,
            **fields,
        ),
        NAMES | st.just(""), FIELDS, CLEAR, st.none() | st.sampled_from(list(Asked)),
        st.sampled_from(["", "", "", "why"]), st.sampled_from(["", "", "", "bad"]),
    ),
    max_size=6,
).map(lambda items: drafts(*items))  # fmt: skip
TAGS = st.lists(st.tuples(NAMES, FIELDS), max_size=5).map(
    lambda items: [tag(name, number, **fields) for number, (name, fields) in enumerate(items, 1)]
)
OPTIONS = st.builds(
    lambda mode, mark, adopt, prune: PlanOptions(
        mode=mode, managed_by=mark, adopt=adopt and bool(mark), prune=prune and bool(mark) and mode == "upsert"
    ),
    st.sampled_from(["create", "update", "upsert"]), st.sampled_from(["", MARK]), st.booleans(), st.booleans(),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(DRAFTS, TAGS, OPTIONS)
def test_every_row_is_one_change_and_applying_it_settles_it(
    rows: list[Draft], held: list[Tag], options: PlanOptions
) -> None:
    """Counts add up to the rows; once the plan is carried out, the same list changes nothing more."""
    made = build_plan(rows, Account(ACCOUNT, held), options)
    counts = made.counts()
    assert [change.row for change in made.changes if change.row] == [item.row for item in rows]
    assert sum(counts.values()) == len(made.changes) == len(rows) + counts["delete"]
    assert len({change.key for change in made.changes}) == len(made.changes)
    after = apply_to(held, made)
    again = build_plan(rows, Account(ACCOUNT, after), options)
    assert [change for change in again.changes if change.action.calls] == []
    assert {identity_key(item.name) for item in after} >= {
        identity_key(change.name) for change in made.changes if change.action in (Action.CREATE, Action.UPDATE)
    }


@settings(max_examples=200, deadline=None)
@given(DRAFTS, TAGS, OPTIONS)
def test_a_patch_holds_no_equal_field(rows: list[Draft], held: list[Tag], options: PlanOptions) -> None:
    """Whatever an update sends differs from what the tag holds, and only changes that call have a body."""
    by_uuid = {item.uuid: item for item in held}
    for change in build_plan(rows, Account(ACCOUNT, held), options).changes:
        if change.action not in (Action.CREATE, Action.UPDATE):
            assert not change.body
        if change.action is not Action.UPDATE:
            continue
        assert change.body
        fields = {**by_uuid[change.uuid].fields, "value": by_uuid[change.uuid].name}
        for name, value in change.body.items():
            field = field_named(name)
            assert field is not None
            if name == "properties":
                old = fields.get(name) or {}
                assert value
                assert all(not same(field, {key: old.get(key)}, {key: new}) for key, new in value.items())
            else:
                assert not same(field, fields.get(name), value)


@settings(max_examples=100, deadline=None)
@given(DRAFTS, TAGS, OPTIONS)
def test_a_plan_survives_its_file_and_fits_the_account_it_was_made_for(
    rows: list[Draft], held: list[Tag], options: PlanOptions
) -> None:
    """Written and read back it is equal, under the same digest, and no row has moved on an account that has not."""
    made = build_plan(rows, Account(ACCOUNT, held), options, created="2026-11-23T18:00:00Z")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        digest = write_plan(path, made)
        back = read_plan(path).plan
    assert back == made
    assert digest == plan_digest(back) == plan_digest(build_plan(rows, Account(ACCOUNT, held), options))
    assert moved(back, Account(ACCOUNT, held)) == ()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "url", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ODD_TAGS = st.lists(
    st.tuples(NAMES | st.text(max_size=3), st.dictionaries(st.sampled_from([field.name for field in ALL]), ANYTHING)),
    max_size=4,
).map(lambda items: [Tag(f"u{number}", name, fields) for number, (name, fields) in enumerate(items)])


@settings(max_examples=200, deadline=None)
@given(DRAFTS, ODD_TAGS, OPTIONS)
def test_no_answer_of_a_server_is_a_traceback(rows: list[Draft], held: list[Tag], options: PlanOptions) -> None:
    """Whatever shapes an account's fields come in, planning, binding, counting, costing and exporting go through."""
    account = Account(ACCOUNT, held, [Category("u", "c", schema=[{"key": "a", "kind": "number"}])])
    made = build_plan(rows, account, options)
    plan_digest(made)
    exposure(made)
    assert moved(made, account) == ()
    export_table(held)
