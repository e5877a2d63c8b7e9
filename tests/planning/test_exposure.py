"""The plan says how many values others will see."""

from __future__ import annotations

from importer.fields.table import Visibility
from importer.planning.exposure import Exposure, exposure

from .examples import draft, drafts, plan, tag


def test_new_public_values_are_counted_by_field() -> None:
    """Names, aliases, references and descriptions of new tags count as public, entry by entry; private ones never."""
    made = plan(drafts(
        draft("A", aliases=[{"value": "x"}, {"value": "y"}], internalDescription="secret", motive="Fun"),
        draft("B", aliases=[{"value": "z"}, {"value": "p", "tlp": "purple"}], aliasGroupNamesInternal=["q"]),
    ))  # fmt: skip
    assert exposure(made) == (
        Exposure("value", Visibility.PUBLIC, 2, 2),
        Exposure("aliases", Visibility.PUBLIC, 2, 3, withheld=1),
        Exposure("motive", Visibility.UNDOCUMENTED, 1, 1),
    )


def test_an_update_counts_what_it_adds() -> None:
    """Entries that others already see do not count again; emptying a field shows nobody anything."""
    held = [tag("A", aliases=[{"value": "x"}], description="old")]
    made = plan([draft("A", aliases=[{"value": "x"}, {"value": "y"}], clear=("description",))], held, mode="upsert")
    assert exposure(made) == (Exposure("aliases", Visibility.PUBLIC, 1, 1),)


def test_rows_that_send_nothing_expose_nothing() -> None:
    """Unchanged, skipped and invalid rows count for nothing."""
    rows = drafts(draft("A", description="d"), draft("B", description="d", error="bad"), draft("a", description="d"))
    assert exposure(plan(rows, [tag("A", description="d")])) == ()
