"""A plan as a comment: harmless, bounded, honest about cuts."""

from __future__ import annotations

from markdown_it import MarkdownIt

from importer.model import Action, FieldChange
from importer.planning.cost import Cost
from importer.reports.markdown import LIMIT, code, plan_markdown

from .records import EXPOSURE, change, issue, mixed_plan, plan, row

HOSTILE = "`` ` @octocat #12 ![x](http://evil) <script>alert(1)</script> | **b** \n# big </details>\u202e"


def test_the_comment_tells_the_plan() -> None:
    """Counts, differences old to new, visibility and cost are in the comment."""
    text = plan_markdown(mixed_plan(), exposure=EXPOSURE, cost=Cost(2, 1, 0, 0, 0.3, 1))
    assert text.startswith("### Tag plan: create 2, update 1\n")
    assert "| **in all** | **7** |" in text
    assert '  - `motive`: `"Fun"` → `"Espionage"`' in text
    assert "**Visible to other accounts:** 4 values (aliases 4)" in text
    assert "Cost: 3 calls" in text
    assert '`B4 (Country): "Freedonia" this is no country; nearest: France`' in text
    assert "Cut short" not in text


def test_values_are_never_markup() -> None:
    """Names with backticks, links, mentions, HTML and line breaks stay inside code spans."""
    bad = row(2, HOSTILE, HOSTILE, HOSTILE)
    planned = plan([change(Action.UPDATE, bad, message=HOSTILE, issues=(issue(bad.place("Country"), HOSTILE),),
                           differences=(FieldChange("motive", HOSTILE, [HOSTILE]),))])  # fmt: skip
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(plan_markdown(planned))
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
    """100,000 rows make a comment below the limit that tells how much is shown."""
    rows = [change(Action.CREATE, row(number, f"A{number} " + "x" * 200, "", "")) for number in range(100_000)]
    rows += [change(Action.UPDATE, row(number, f"B{number}", "", ""), differences=(FieldChange("motive", "a", "b"),))
             for number in range(5_000)]  # fmt: skip
    text = plan_markdown(plan(rows))
    assert len(text) <= LIMIT
    assert "Cut short to fit a comment: update: " in text
    assert " of 100,000" in text
