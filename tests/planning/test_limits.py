"""Nothing large happens by accident."""

from __future__ import annotations

from typing import Any

import pytest

from importer.errors import SafetyLimit
from importer.model import Plan
from importer.planning.limits import NO_LIMIT, Limit, RunLimits, check_limits, limit_problems, parse_limit

from .examples import MARK, draft, drafts, plan, tag

OURS: dict[str, Any] = {"properties": {"managed_by": MARK}}


def updates(changed: int, held: int, **options: Any) -> Plan:
    """A plan that updates `changed` of `held` tags."""
    rows = drafts(*(draft(f"A{number}", priority=2 if number < changed else 1) for number in range(held)))
    return plan(rows, [tag(f"A{number}", number, priority=1) for number in range(held)], mode="upsert", **options)


def test_the_message_has_the_counts_and_the_exact_override() -> None:
    """Going over says what share would change, of how many, and the option that allows just that."""
    with pytest.raises(SafetyLimit) as caught:
        check_limits(updates(8, 11), RunLimits())
    assert caught.value.message == "72.7 % of tags would change (8/11), limit 30 %; allow with --max-updates 8"
    assert caught.value.exit_code == 5


def test_the_override_in_the_message_is_enough() -> None:
    """Running again with the option that the message names goes through."""
    check_limits(updates(8, 11), RunLimits(updates=parse_limit("8")))


def test_a_migration_into_an_empty_account_needs_no_override() -> None:
    """A thousand creates into an empty account pass the defaults."""
    check_limits(plan(drafts(*(draft(f"A{number}") for number in range(1_000)))), RunLimits())


def test_small_accounts_are_not_nagged() -> None:
    """The default per cent asks for ten tags to take a per cent of; a limit that is set holds always."""
    check_limits(updates(5, 9), RunLimits())
    with pytest.raises(SafetyLimit):
        check_limits(updates(5, 9), RunLimits(updates=parse_limit("30%")))


@pytest.mark.parametrize(
    ("limit", "passes"), [("3", True), ("2", False), ("30%", True), ("29%", False), ("none", True)]
)
def test_absolute_and_per_cent(limit: str, passes: bool) -> None:
    """A limit is inclusive: exactly as many as it says pass."""
    problems = limit_problems(updates(3, 10), RunLimits(updates=parse_limit(limit)))
    assert bool(problems) is not passes


def test_creates_can_be_limited() -> None:
    """`--max-creates` counts new tags."""
    with pytest.raises(SafetyLimit, match=r"2 tags would be created .*allow with --max-creates 2"):
        check_limits(plan(drafts(draft("A"), draft("B"))), RunLimits(creates=Limit(count=1)))


def test_deletes_are_measured_against_the_jobs_own_tags() -> None:
    """Ten strangers' tags in the account do not make three of twelve own ones a small share."""
    held = [tag(f"A{number}", number, **OURS) for number in range(12)]
    held += [tag(f"B{number}", 100 + number) for number in range(1_000)]
    rows = drafts(*(draft(f"A{number}") for number in range(9)))
    made = plan(rows, held, mode="upsert", managed_by=MARK, prune=True)
    with pytest.raises(SafetyLimit, match=r"25.0 % of this job's tags would be deleted \(3/12\), limit 10 %"):
        check_limits(made, RunLimits())


def test_an_empty_source_stops() -> None:
    """A source without rows stops, unless that is allowed by name."""
    with pytest.raises(SafetyLimit, match="no rows; last time it had 30; allow with --allow-empty"):
        check_limits(plan([]), RunLimits(), previous_rows=30)
    check_limits(plan([]), RunLimits(allow_empty=True))


def test_one_empty_file_among_several_stops() -> None:
    """A file that had rows last time and has none stops, however small its part; a renamed one is no loss."""
    made = plan(drafts(*(draft(f"A{number}") for number in range(97))))
    with pytest.raises(SafetyLimit, match=r"feed.csv gives no rows any more \(last time 3\); allow with --allow-empty"):
        check_limits(made, RunLimits(), previous_rows=100, previous_files={"actors.csv": 97, "feed.csv": 3})
    check_limits(made, RunLimits(allow_empty=True), previous_rows=100, previous_files={"actors.csv": 97, "feed.csv": 3})
    check_limits(made, RunLimits(), previous_rows=97, previous_files={"old-name.csv": 97})


def test_a_shrunken_source_stops() -> None:
    """Half as many rows as last time stop; a few less do not."""
    rows = drafts(*(draft(f"A{number}") for number in range(50)))
    with pytest.raises(SafetyLimit, match=r"50.0 % fewer rows than last time \(50 after 100\).*--max-shrink 50"):
        check_limits(plan(rows), RunLimits(), previous_rows=100)
    check_limits(plan(rows), RunLimits(shrink=parse_limit("50")), previous_rows=100)
    check_limits(plan(rows), RunLimits(), previous_rows=55)
    check_limits(plan(rows), RunLimits(), previous_rows=None)


def test_marked_tags_stand_for_the_last_run_where_that_is_unknown() -> None:
    """Without the last run's count a source with far fewer rows than the job has tags stops too."""
    held = [tag(f"A{number}", number, **OURS) for number in range(20)]
    made = plan(drafts(*(draft(f"A{number}") for number in range(5))), held, mode="upsert", managed_by=MARK)
    with pytest.raises(SafetyLimit, match="fewer rows than this job's tags"):
        check_limits(made, RunLimits())


def test_every_problem_is_named_at_once() -> None:
    """Two limits gone over are one message with both overrides."""
    limits = RunLimits(creates=Limit(count=0), updates=Limit(count=0))
    made = plan(drafts(draft("A", priority=1), draft("B")), [tag("A")], mode="upsert")
    with pytest.raises(SafetyLimit, match="--max-creates 1 --max-updates 1"):
        check_limits(made, limits)


def test_limits_are_read_from_words() -> None:
    """Numbers, per cents and none are limits; anything else is refused."""
    assert [parse_limit(word) for word in ("25", " 30 %", "2.5%", "none", 7)] == [
        Limit(25), Limit(percent=30), Limit(percent=2.5), NO_LIMIT, Limit(7),
    ]  # fmt: skip
    for word in ("", "-3", "many", "2.5", "30%%"):
        with pytest.raises(ValueError, match="expected a number"):
            parse_limit(word)


def test_a_per_cent_that_is_set_holds_for_an_empty_account_too() -> None:
    """Of nothing, every tag is more than any per cent: whoever set one is asked; the defaults ask nobody."""
    creates = plan(drafts(*(draft(f"A{number}") for number in range(20))))
    with pytest.raises(SafetyLimit, match="allow with --max-creates 20"):
        check_limits(creates, RunLimits(creates=parse_limit("10%")))
    check_limits(creates, RunLimits(creates=parse_limit("20")))


def test_adopted_tags_count_as_changed() -> None:
    """A night that adopts and changes everything is over the limit, although no tag was the job's own before."""
    with pytest.raises(SafetyLimit) as caught:
        check_limits(updates(20, 20, managed_by=MARK, adopt=True), RunLimits())
    assert "100.0 % of this job's tags would change (20/20)" in caught.value.message
    assert "allow with --max-updates 20" in caught.value.message
