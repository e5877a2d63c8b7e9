"""report.html is safe, self-contained and bounded."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

from importer.model import Action, Status
from importer.reports.html import ROWS_SHOWN, page, write_html

from .records import change, issue, mixed_plan, outcomes, plan, record, row

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}</style></title>\u202e'


class Tags(HTMLParser):
    """Collects start tags and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_nothing_hostile_becomes_markup(tmp_path: Path) -> None:
    """Names, cells, values, files and messages full of HTML make no element of their own."""
    bad = row(2, HOSTILE, HOSTILE, HOSTILE)
    hostile = page(record(tmp_path, plan([change(Action.INVALID, bad, message=HOSTILE, code=HOSTILE,
                                                 issues=(issue(bad.place("Country"), HOSTILE),))])))  # fmt: skip
    tame = page(record(tmp_path, plan([change(Action.INVALID, row(2, "a", "b", "c"), message="m", code="c",
                                              issues=(issue(bad.place("Country"), "v"),))])))  # fmt: skip
    assert [tag for tag, _ in Tags(hostile).tags] == [tag for tag, _ in Tags(tame).tags]
    assert "{{7*7}}" in hostile, "values are not taken for templates"
    assert "\u202e" not in hostile


def test_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    """The page loads nothing, and its policy admits exactly its own style and script."""
    text = page(record(tmp_path))
    tags = Tags(text).tags
    assert not [attrs for _, attrs in tags if {"src", "href", "srcset", "action", "style", "onclick"} & attrs.keys()]
    policy = next(attrs["content"] for tag, attrs in tags if tag == "meta" and "http-equiv" in attrs) or ""
    assert policy.startswith("default-src 'none'")
    for element in ("style", "script"):
        inline = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        assert len(inline) == 1
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy


def test_the_page_tells_the_run(tmp_path: Path) -> None:
    """Counts that add up, issues with their cells, rows with their tags, and what to do next are on the page."""
    words = " ".join(Tags(page(record(tmp_path, stopped="the API was down"))).words)
    assert "2 created + 1 unchanged + 1 skipped + 1 conflict + 1 invalid + 1 not attempted = 7 rows" in words
    assert "Stopped: the API was down" in words
    assert "B4" in words
    assert 'motive: "Fun" -> "Espionage"' in words
    assert "11111111-2222-4333-8444-555555555555" in words


def test_size_is_bounded_and_the_cut_is_told(tmp_path: Path) -> None:
    """10,000 rows with long cells stay under 3 MB; rows that need work are among those shown."""
    rows = [change(Action.CREATE, row(number, f"A{number} " + "x" * 500, "RU", "")) for number in range(10_000)]
    bad = row(20_000, "Last One", "Freedonia", "")
    rows.append(change(Action.INVALID, bad, issues=(issue(bad.place("Country")),)))
    made = record(tmp_path, plan(rows), outcomes(*((one.key, Status.CREATED) for one in rows[:-1])))
    write_html(tmp_path / "report.html", made)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert len(text) < 3_000_000
    assert f"{ROWS_SHOWN:,} of 10,001 rows are shown" in text
    assert "Last One" in text
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o600
    assert mixed_plan().changes
