"""A plan as a comment: harmless, bounded, honest about cuts."""

from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt

from importer.model import Action, FieldChange, Table
from importer.planning.cost import Cost
from importer.reports import markdown
from importer.reports.formats import Listing, PlanResult, Validation
from importer.reports.markdown import LIMIT, code

from .records import EXPOSURE, HEADER, change, issue, mixed_plan, plan, record, row

HOSTILE = "`` ` @octocat #12 ![x](http://evil) <script>alert(1)</script> | **b** \n# big </details>\u202e"


def test_the_comment_tells_the_plan() -> None:
    """Counts, differences old to new, visibility and cost are in the comment."""
    text = markdown.plan(PlanResult(mixed_plan(), exposure=EXPOSURE, cost=Cost(2, 1, 0, 0, 0.3, 1)))
    assert text.startswith("### Tag plan: create 2, update 1\n")
    assert "| **in all** | **7** |" in text
    assert '  - `motive`: `"Fun"` → `"Espionage"`' in text
    assert "**Visible to other accounts:** 4 values (aliases 4)" in text
    assert "Cost: 3 calls" in text
    assert '`B4 (Country): "Freedonia" this is not a country; nearest: France`' in text
    assert "Cut short" not in text


def test_values_are_never_markup(tmp_path: Path) -> None:
    """Names with backticks, links, mentions, HTML and line breaks stay code, in a plan, a run and a validation."""
    bad = row(2, HOSTILE, HOSTILE, HOSTILE)
    planned = plan([change(Action.UPDATE, bad, message=HOSTILE, issues=(issue(bad.place("Country"), HOSTILE),),
                           differences=(FieldChange("motive", HOSTILE, [HOSTILE]),))])  # fmt: skip
    validation = Validation((), (HOSTILE,), rows=1, invalid=1, left_out=0, issues=planned.changes[0].issues)
    failed = record(tmp_path, planned, {}, stopped=HOSTILE, hint=HOSTILE)
    for text in (
        markdown.plan(PlanResult(planned)),
        markdown.validation(validation),
        markdown.run(failed),
        markdown.listing(Listing([(HOSTILE,)], None)),
    ):
        assert "octocat" in text
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
        inline = [child for token in tokens for child in token.children or []]
        assert {child.type for child in inline} <= {"text", "code_inline", "strong_open", "strong_close", "softbreak"}
        loose = "".join(child.content for child in inline if child.type == "text")
        assert "@octocat" not in loose
        assert "evil" not in loose
        html = "".join(token.content for token in tokens if token.type == "html_block")
        assert "script" not in html


def test_any_text_is_one_code_span() -> None:
    """Backticks at the ends, blanks and nothing at all are shown as what they are."""
    for text in ("a", "`", "``a`", " a ", "a`b"):
        (token,) = MarkdownIt().parseInline(f"x {code(text)} y")
        spans = [child.content for child in token.children or [] if child.type == "code_inline"]
        assert spans == [text]
    assert code("") == "`''`"


def test_a_huge_plan_is_cut_and_says_so() -> None:
    """100,000 rows make a comment below the limit that says how much is shown."""
    table = Table.of_rows(HEADER, [("A", "", "")] * 105_000, range(105_000))
    rows = [
        change(Action.CREATE, one, f"A{one.number} " + "x" * 200)
        if one.number < 100_000
        else change(Action.UPDATE, one, "B", differences=(FieldChange("motive", "a", "b"),))
        for one in table.rows()
    ]
    text = markdown.plan(PlanResult(plan(rows)))
    assert len(text) <= LIMIT
    assert "Cut short to fit a comment: update: " in text
    assert " of 100,000" in text
