"""The short way for ordinary texts gives what the long way gives."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.mapping.cells import Cell, CellReader
from importer.mapping.doubts import is_plain_name, odd_names
from importer.mapping.spec import Rule, Step
from importer.mapping.transforms.lists import json_list

TARGETS = ("value", "description", "attributionOrganization", "aliasGroupNamesInternal", "externalReferenceLinks")
ORDINARY = {
    "value": "Grey Heron 7",
    "description": " Steals mail, and waits. ",
    "attributionOrganization": "Unit 61398",
    "aliasGroupNamesInternal": "Grey Heron; UNC7, Blue|",
    "externalReferenceLinks": "https://reports.example.org/7?a=b",
}
STRIPPED = Rule("internalDescription", steps=(Step("strip_html", {}), Step("strip_citations", {})))
entries = st.lists(
    st.sampled_from(["Moss Egret", "n", "a", "N/A", " TA-17", "aka Bear", "unknown", "", "UNC7", "x (y)", 'q"', "\\"]),
    min_size=1, max_size=4,
)  # fmt: skip
texts = st.one_of(
    entries.map(json.dumps),
    entries.map(lambda labels: '["' + '", "'.join(labels) + '"]'),
    entries.map(" ".join),
    st.text(),
    st.text(alphabet="\u092c\u0917\u0941\u0932\u093e\u0964\u0e19\u0e01\u0e35\u0e48e\u0301\u0308 7-'"),
    st.text(alphabet="aB1 ,;|/\"'.#[]{}()\n\t-of"),
    st.text(alphabet="\u00e9\u0416\u4e2d\u0627\uac00\u03a9\u30ac\u3001\uff0c\uff1b\u300c\u300d"
            "\u00ab\u201c\u2022\uff08\uff0f ,;a'"),
    st.lists(
        st.sampled_from(
            ["#CLEAR", "Iran, Islamic Republic Of", "Inc.", ",", "; ", "|", "  ", "http://a.b/c", "https://x.y", "[1]",
             "{}", "<b>", "&amp;", " (Citation: A)", "[a](https://b.c/d)",
             "\u00a0", "\u200b", "APT 1", "a" * 300, "hxxp://a[.]b", "javascript:x", "the", "\u0661"]
        ),
        max_size=4,
    ).map("".join),
)  # fmt: skip


@pytest.mark.parametrize("rule", [*map(Rule, TARGETS), STRIPPED], ids=lambda rule: rule.target)
@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_quick_is_the_long_way(rule: Rule, text: str) -> None:
    """What the short way answers, the long way answers too, without anything to say."""
    reader = CellReader(rule, {})
    assert reader.quick is not None
    value = reader.quick(text)
    if value is not None:
        assert reader._read(text) == Cell(value)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=200, deadline=None)
@given(
    given=st.lists(
        st.one_of(texts, st.sampled_from(["APT 28", "\u00c9gret 7", "\u0421\u043e\u0432\u0430"])), max_size=6
    )
)
def test_a_column_is_read_as_its_texts_are(target: str, given: list[str]) -> None:
    """Texts that are read at once have the values that each has by itself, where they have one without a long look."""
    reader = CellReader(Rule(target), {})
    assert reader.quick is not None
    for text, value in zip(given, reader.quickly(given), strict=True):
        if value is not None:
            assert reader._read(text) == Cell(value)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["Grey Heron", "APT 28", "\u0421\u043e\u0432\u0430", "aka Bear", "Iran", "see Bear", "x -y",
                             "\u0420\u043e\u0441\u0441\u0438\u044f", "7x", "Grey Heron of the whole of the North"]),
            texts,
        ),
        max_size=5,
    )
)  # fmt: skip
def test_names_of_a_column_are_odd_as_each_is(names: list[str]) -> None:
    """Of names that are looked at together those are odd that are no plain names by themselves."""
    assert odd_names(names) == {name for name in names if name and not is_plain_name(name)}


@pytest.mark.parametrize("target", TARGETS)
def test_ordinary_texts_are_quick(target: str) -> None:
    """The texts that lists consist of take the short way."""
    quick = CellReader(Rule(target), {}).quick
    assert quick is not None
    assert quick(ORDINARY[target])


def test_texts_without_markup_are_quick() -> None:
    """A text in which the mapping's steps find nothing takes the short way, one in which they do does not."""
    quick = CellReader(STRIPPED, {}).quick
    assert quick is not None
    assert (quick("Steals mail."), quick("Steals <b>mail</b>."), quick("Mail (Citation: A).")) == (
        "Steals mail.",
        None,
        None,
    )


@pytest.mark.parametrize("text", ['["Moss Egret", "TA-17"]', '["n", "a"]', '["Moss \\"Egret\\""]', '[""]', '["'])
def test_a_list_is_what_json_says(text: str) -> None:
    """A list of texts without escapes, which is cut and not parsed, has the entries that a parser finds."""
    try:
        parsed = [entry for entry in json.loads(text) if entry]
    except ValueError:
        parsed = None
    assert json_list(text) == parsed
