"""The short way for ordinary texts gives what the long way gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.mapping.cells import Cell, CellReader
from importer.mapping.spec import Rule

TARGETS = ("value", "description", "attributionOrganization", "aliasGroupNamesInternal", "externalReferenceLinks")
ORDINARY = {
    "value": "Grey Heron 7",
    "description": " Steals mail, and waits. ",
    "attributionOrganization": "Unit 61398",
    "aliasGroupNamesInternal": "Grey Heron; UNC7, Blue|",
    "externalReferenceLinks": "https://reports.example.org/7?a=b",
}
texts = st.one_of(
    st.text(),
    st.text(alphabet="aB1 ,;|/\"'.#[]{}()\n\t-of"),
    st.text(alphabet="\u00e9\u0416\u4e2d\u0627\uac00\u03a9\u30ac\u3001\uff0c\uff1b\u300c\u300d"
            "\u00ab\u201c\u2022\uff08\uff0f ,;a'"),
    st.lists(
        st.sampled_from(
            ["#CLEAR", "Iran, Islamic Republic Of", "Inc.", ",", "; ", "|", "  ", "http://a.b/c", "https://x.y", "[1]",
             "{}", "\u00a0", "\u200b", "APT 1", "a" * 300, "hxxp://a[.]b", "javascript:x", "the", "\u0661"]
        ),
        max_size=4,
    ).map("".join),
)  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=400)
@given(text=texts)
def test_quick_is_the_long_way(target: str, text: str) -> None:
    """What the short way answers, the long way answers too, without anything to say."""
    reader = CellReader(Rule(target), {})
    assert reader.quick is not None
    value = reader.quick(text)
    if value is not None:
        assert reader._read(text) == Cell(value)


@pytest.mark.parametrize("target", TARGETS)
def test_ordinary_texts_are_quick(target: str) -> None:
    """The texts that lists consist of take the short way."""
    quick = CellReader(Rule(target), {}).quick
    assert quick is not None
    assert quick(ORDINARY[target])
