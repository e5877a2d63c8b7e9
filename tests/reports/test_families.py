"""Columns that nothing reads are told by family."""

from __future__ import annotations

import pytest

from importer.model import Action, ColumnUse, Reading
from importer.reports.families import families
from importer.reports.html import check_page

from .records import change, plan, row


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (["steps.0", "steps.1", "steps.2", "steps.3", "colour"], ["steps.*", "colour"]),
        (["a.0.kind", "a.0.name", "a.1.kind", "a.1.name"], ["a.*"]),
        (["custom_colour", "note", "custom_size", "custom_a_b", "custom_a_c"], ["custom_*", "note"]),
        (["x_acme_one", "x_acme_two", "x_acme_three", "x_acme_four"], ["x_acme_*"]),
        (["Link 1", "Link 2", "Link 3"], ["Link 1", "Link 2", "Link 3"]),
        (["meta.origin:A", "meta.origin:B", "meta.origin:C", "meta.origin:D"], ["meta.origin:*"]),
        (["First a", "First b", "First c", "First d"], ["First a", "First b", "First c", "First d"]),
    ],
)  # fmt: skip
def test_four_columns_that_belong_together_are_one(columns: list[str], told: list[str]) -> None:
    """Numbered columns, those behind a colon, and those of one prefix are one; sentences that begin alike are not."""
    found = families([ColumnUse(column, filled=1) for column in columns])
    assert [name for name, _ in found] == told
    assert sorted(use.column for _, uses in found for use in uses) == sorted(columns)


def test_a_page_has_a_line_for_a_family() -> None:
    """On the page a family is one line with the sum of its cells, and its columns can be unfolded."""
    uses = [ColumnUse("Name", field="value", filled=9), *(ColumnUse(f"steps.{at}", filled=at + 1) for at in range(40))]
    text = check_page(plan([change(Action.CREATE, row(2, "A"))], readings=(Reading("a.csv", "", "p", 9, tuple(uses)),)))
    table = text.partition("<tbody>")[2].partition("</tbody>")[0]
    assert table.count("<tr>") == 2
    assert "<td>820</td>" in table
    assert "steps.0, steps.1" in table
