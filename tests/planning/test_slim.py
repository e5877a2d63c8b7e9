"""The plan that a run without work leaves in its folder."""

from __future__ import annotations

from pathlib import Path

from importer.model import Action
from importer.planning.plan_file import read_plan, write_plan
from importer.planning.slim import FEW, LEFT_OUT, slim

from .examples import draft, drafts, plan, tag


def test_a_plan_without_work_keeps_what_needs_a_look_and_counts_the_rest(tmp_path: Path) -> None:
    """Unchanged rows are counted instead of kept; a row with a mistake stays."""
    names = [f"Actor {number}" for number in range(FEW + 1)]
    rows = drafts(*(draft(name) for name in names), draft("Odd", error="bad"))
    made = plan(rows, [tag(name, number) for number, name in enumerate(names)], mode="upsert")
    small = slim(made)
    assert [change.action for change in small.changes] == [Action.INVALID]
    assert small.options[LEFT_OUT] == {"unchanged": FEW + 1}
    write_plan(tmp_path / "plan.json", small)
    assert (tmp_path / "plan.json").stat().st_size < 2_000
    assert read_plan(tmp_path / "plan.json").options[LEFT_OUT] == {"unchanged": FEW + 1}


def test_a_plan_with_work_or_with_few_rows_stays_whole() -> None:
    """One row to send, or a list that is small anyhow, and nothing is left out."""
    names = [f"Actor {number}" for number in range(FEW + 1)]
    rows = drafts(*(draft(name) for name in names), draft("New"))
    tags = [tag(name, number) for number, name in enumerate(names)]
    made = plan(rows, tags, mode="upsert")
    assert slim(made) is made
    few = plan(rows[:3], tags, mode="upsert")
    assert slim(few) is few
