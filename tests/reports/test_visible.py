"""Hostile text is shown, never obeyed."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from importer.reports.text import quoted, shortened, visible


def test_escapes_and_overrides_are_written_out() -> None:
    """ANSI escapes, bidi overrides, line breaks and invisible characters show as escapes."""
    assert visible("\x1b[2J") == "\\x1b[2J"
    assert visible("a\u202eb\u2066c") == "a\\u202eb\\u2066c"
    assert visible("a\r\n\tb") == "a\\r\\n\\tb"
    assert visible("\x9b31m\u200b\ufeff") == "\\x9b31m\\u200b\\ufeff"
    assert visible("\ud800 \U000e0041") == "\\ud800 \\U000e0041"


def test_names_of_any_script_stay_as_they_are() -> None:
    """Letters, accents, emoji and joiners of real names are not touched."""
    for name in ("海莲花", "Sath-ı Müdafaa", "می\u200cخواهم", "Ω🔥", "שלום"):  # noqa: RUF001
        assert visible(name) == name


@given(st.text())
def test_one_clean_line_comes_out(text: str) -> None:
    """Whatever goes in, no control character and no line break comes out."""
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in shown)


def test_long_values_are_cut_and_say_so() -> None:
    """A value of a million characters takes a line, and its length is shown."""
    assert shortened("x" * 1_000_000, 5) == "xxxxx… (1,000,000 characters)"
    assert quoted("abc") == '"abc"'
