"""Which rows and tags are the same actor, and which are not."""

from __future__ import annotations

from importer.model import Action, Header, Severity

from .examples import draft, drafts, only, plan, said, tag, uuid


def test_a_later_row_of_the_same_name_is_skipped() -> None:
    """The first row of a name stands for it; a later one is skipped and names the first one's place."""
    made = plan(drafts(draft("APT28"), draft(" apt28 ")))
    assert said(made) == [("create", ""), ("skip", "repeats-row")]
    assert made.changes[1].message == "repeats 'APT28' (A2), which is used"
    assert made.changes[1].issues == ()


def test_a_repeat_that_differs_is_a_warning() -> None:
    """A repeated row that says other things is skipped too, with a warning that names the fields."""
    made = plan(drafts(draft("APT28", priority=1), draft("APT28", priority=2)))
    assert said(made)[1] == ("skip", "repeats-row")
    issue = made.changes[1].issues[-1]
    assert (issue.severity, issue.code) == (Severity.WARNING, "repeats-row-differs")
    assert "of A2 and" in issue.message
    assert "in priority;" in issue.message
    assert made.changes[1].differences == ()


def test_an_unusable_row_does_not_take_the_name() -> None:
    """When the first row of a name is invalid or left out, the next good one stands for the name."""
    made = plan(drafts(draft("APT28", error="x"), draft("APT28", left_out="no"), draft("APT28")))
    assert said(made) == [("invalid", "x"), ("skip", "left-out"), ("create", "")]


def test_names_without_letters_stay_apart() -> None:
    """`?`, `???` and `$$$` are distinct names and never collapse."""
    assert said(plan(drafts(draft("?"), draft("???"), draft("$$$")))) == [("create", "")] * 3


def test_unicode_spellings_of_one_name_are_one() -> None:
    """A Unicode hyphen, a full-width letter and letter case do not make a second tag."""
    made = plan([draft("Larva\u201125012")], [tag("LARVA-25012")], mode="create")
    assert only(made).action is Action.SKIP


def test_two_tags_of_one_name_are_a_conflict_for_updates() -> None:
    """When the account holds a name twice, an update is a conflict that lists both UUIDs."""
    held = [tag("APT28", 1, priority=2), tag("apt28", 2)]
    change = only(plan([draft("APT28", priority=1)], held, mode="upsert"))
    assert (change.action, change.code) == (Action.CONFLICT, "ambiguous-name")
    assert uuid(1) in change.message
    assert uuid(2) in change.message
    change = only(plan([draft("APT28", priority=1)], held))
    assert (change.action, change.code) == (Action.SKIP, "exists")
    assert change.issues[-1].code == "ambiguous-name"


def test_the_uuid_column_decides_between_tags_of_one_name() -> None:
    """Rows that name the tag's UUID, as exports and results do, each stand for their own of two equal names."""
    header = Header("export.csv", "csv", ("Name", "_uuid"), ("A", "B"))
    rows = drafts(*(draft("APT28", header=header, cells=("APT28", uuid(n)), priority=n) for n in (2, 1)))
    made = plan(rows, [tag("APT28", 1, priority=1), tag("APT28", 2, priority=5)], mode="upsert")
    assert [(change.action, change.uuid) for change in made.changes] == [
        (Action.UPDATE, uuid(2)), (Action.UNCHANGED, uuid(1)),
    ]  # fmt: skip


def test_keys_are_unique_and_the_same_when_planned_again() -> None:
    """Change keys go by the name, not by the position, and are unique even among repeats and nameless rows."""
    rows = drafts(draft("APT28"), draft("APT28"), draft("", error="x"), draft("", error="x"), draft("APT29"))
    keys = [change.key for change in plan(rows).changes]
    assert len(set(keys)) == len(keys)
    again = {change.name: change.key for change in plan(drafts(draft("New"), draft("APT29"))).changes}
    assert again["APT29"] == keys[-1]


def test_the_account_may_space_a_name_as_it_likes() -> None:
    """Blanks around a name in the account are no difference to the trimmed name of a row."""
    made = plan([draft("Stealth Mango")], [tag(" Stealth  Mango\n")], mode="upsert")
    assert only(made).action is Action.UNCHANGED


def test_a_name_that_an_invalid_row_has_too_is_told_at_once() -> None:
    """Of two rows of one name one is invalid: the later one says so, before mending shows that it repeats the other."""
    bad, good = draft("APT28", error="x"), draft("apt28")
    for rows in ((bad, good), (good, bad), (bad, bad)):
        made = plan(drafts(*rows, draft("APT28", left_out="no")))
        codes = [[issue.code for issue in change.issues if issue.code != "x"] for change in made.changes]
        assert codes == [[], ["repeats-invalid-row"], []]
        assert "of A2," in made.changes[1].issues[-1].message
    assert said(plan(drafts(bad, good, good))) == [("invalid", "x"), ("create", ""), ("skip", "repeats-row")]
