# ruff: noqa: RUF001 - broken characters are what is tested
"""What programs leave in a cell's text is taken out, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.text.cell_text import (
    decoded,
    guarded,
    has_markup,
    is_formula,
    undoubled,
    unguarded,
    without_links,
    without_markup,
)


@given(st.text(st.sampled_from("'=+-@ \tab\n＝1"), max_size=6) | st.text(max_size=20))
def test_the_guard_against_formulas_is_undone_exactly(cell: str) -> None:
    """Whatever a cell holds, a spreadsheet takes its guarded form for text, and it comes back as it was."""
    assert not is_formula(guarded(cell))
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize("cell", ["Bell", "'tis", "O'Neil", "'007"])
def test_an_apostrophe_that_guards_nothing_stays(cell: str) -> None:
    """Only what would be a formula has our apostrophe before it."""
    assert guarded(cell) == unguarded(cell) == cell


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"), ("R&#233;nard", "Rénard"), ("O&#x27;Neil", "O'Neil"),
        ("a&amp;amp;b", "a&b"), ("&nosuch;", "&nosuch;"),
        ("AT&T", "AT&T"), ("https://a.example/?a=1&copy=2;", "https://a.example/?a=1&copy=2;"),
    ],
)  # fmt: skip
def test_entities_are_decoded(text: str, plain: str) -> None:
    """Entities become characters, however often they were escaped; an ampersand stays one."""
    assert decoded(text) == plain


def test_html_becomes_its_text() -> None:
    """Tags go, blocks end lines, links are handed over; what only looks like a tag stays."""
    text = '<p><b>Bell</b> (<i>UNC1</i>)&nbsp;spies.</p><ul><li><a href="https://a.example/?x=1&amp;y=2">Report</a></li></ul>'
    assert without_markup(text, lambda words, url: f"{words} {url}") == (
        "Bell (UNC1) spies.\nReport https://a.example/?x=1&y=2"
    )
    assert not has_markup("<Lead Stoat> a < b > c")


def test_markdown_links_become_their_words() -> None:
    """Of a link the words stay and the address is handed over; brackets that are no link stay."""
    assert without_links("[Bell (mirror 1)](http://a.onion) [x]") == ("Bell (mirror 1) [x]", ["http://a.onion"])
    assert without_links("[Lead](https://a.example/Lead_(group))") == ("Lead", ["https://a.example/Lead_(group)"])
    assert without_links("f[x](y)") == ("f[x](y)", [])


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1251"])
@pytest.mark.parametrize("text", ["Müdafaa", "Équipe Rouge", "ı", "Привет мир", "中国"])
def test_doubled_utf8_is_read_right(text: str, encoding: str) -> None:
    """UTF-8 read as another encoding becomes what it was."""
    try:
        doubled = text.encode().decode(encoding)
    except UnicodeDecodeError:
        pytest.skip("the encoding lacks a byte of it")
    if encoding == "cp1251" and not text.startswith("П"):
        pytest.skip("too few letters of the other alphabet to tell")
    assert undoubled(doubled) == text


@pytest.mark.parametrize(
    "text", ["SÃO PAULO", "“MANHÃ”", "Россия", "Şahin", "Ångström", "naïve café", "Ελλάδα", "Русь"]
)
def test_ordinary_letters_stay(text: str) -> None:
    """A text that is right is not repaired."""
    assert undoubled(text) == text
