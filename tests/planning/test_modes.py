"""What each mode may do, and what it says of the rows it leaves alone."""

from __future__ import annotations

import pytest

from importer.errors import UsageError
from importer.model import Action, Asked, FieldChange, Severity
from importer.planning.options import PlanOptions

from .examples import draft, drafts, only, plan, said, tag, uuid


def test_create_sends_the_whole_tag() -> None:
    """A name the account lacks becomes a create whose body is the row's fields."""
    change = only(plan([draft("APT28", description="Bears")]))
    assert (change.action, change.body) == (Action.CREATE, {"value": "APT28", "description": "Bears"})


def test_create_shows_how_an_existing_tag_differs() -> None:
    """In create mode an existing name is skipped, with its differences recorded and nothing to send."""
    change = only(plan([draft("apt28", description="new")], [tag("APT28", description="old")]))
    assert (change.action, change.code, change.uuid, change.body) == (Action.SKIP, "exists", uuid(1), {})
    assert [item.field for item in change.differences] == ["value", "description"]
    assert "description" in change.message


def test_an_identical_tag_is_unchanged_in_every_mode() -> None:
    """A row that the account already holds as it is costs nothing, whatever the mode."""
    for mode in ("create", "update", "upsert"):
        change = only(plan([draft("APT28", priority=3)], [tag("APT28", priority=3.0)], mode=mode))
        assert (change.action, change.uuid) == (Action.UNCHANGED, uuid(1))


def test_update_never_creates() -> None:
    """In update mode an absent name is skipped as absent."""
    assert said(plan([draft("APT28")], mode="update")) == [("skip", "absent")]


def test_upsert_does_both() -> None:
    """Upsert creates what is absent and patches what differs, with the differing fields alone."""
    rows = drafts(draft("APT28", motive="Espionage", priority=1), draft("APT29"))
    made = plan(rows, [tag("APT28", motive="Espionage", priority=2)], mode="upsert")
    assert said(made) == [("update", ""), ("create", "")]
    assert made.changes[0].body == {"priority": 1}
    assert made.changes[0].differences == (FieldChange("priority", 2, 1),)


@pytest.mark.parametrize(
    ("mode", "asked", "absent", "present"),
    [
        ("upsert", Asked.CREATE, ("create", ""), ("skip", "exists")),
        ("upsert", Asked.UPDATE, ("skip", "absent"), ("update", "")),
        ("upsert", Asked.UPSERT, ("create", ""), ("update", "")),
        ("upsert", Asked.SKIP, ("skip", "asked-skip"), ("skip", "asked-skip")),
        ("create", Asked.UPDATE, ("skip", "absent"), ("skip", "exists")),
        ("create", Asked.UPSERT, ("create", ""), ("skip", "exists")),
        ("update", Asked.CREATE, ("skip", "absent"), ("skip", "exists")),
        ("update", Asked.UPSERT, ("skip", "absent"), ("update", "")),
    ],
)
def test_the_action_column_narrows_and_never_widens(
    mode: str, asked: Asked, absent: tuple[str, str], present: tuple[str, str]
) -> None:
    """A row may ask for less than the run's mode allows, never for more."""
    row = draft("APT28", asked=asked, priority=1)
    assert said(plan([row], mode=mode)) == [absent]
    assert said(plan([row], [tag("APT28", priority=2)], mode=mode)) == [present]


def test_left_out_rows_are_skipped_with_the_mappings_word() -> None:
    """A row that `when:` leaves out is a skip that says why."""
    change = only(plan([draft("APT28", left_out="kind is malware")]))
    assert (change.action, change.code, change.message) == (Action.SKIP, "left-out", "kind is malware")


def test_invalid_rows_carry_their_first_error() -> None:
    """A row with an error is invalid under that error's code and has nothing to send."""
    change = only(plan([draft("APT28", error="unknown-country")], [tag("APT28")], mode="upsert"))
    assert (change.action, change.code, change.body) == (Action.INVALID, "unknown-country", {})


def test_a_row_without_a_name_is_invalid() -> None:
    """A row that reaches planning without a name is invalid, not a tag called nothing."""
    change = only(plan([draft("")]))
    assert (change.action, change.code) == (Action.INVALID, "missing-name")
    assert change.issues[-1].severity is Severity.ERROR


def test_impossible_options_are_refused() -> None:
    """Options that contradict one another are a usage error before anything is read."""
    for options in ({"mode": "sync"}, {"prune": True, "mode": "upsert"}, {"adopt": True},
                    {"prune": True, "managed_by": "tag-importer:x", "mode": "create"}):  # fmt: skip
        with pytest.raises(UsageError):
            PlanOptions(**options)
