"""Transforms: each does what its example says, and none raises on any text."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.fields.aliases import split_labels
from importer.mapping.cells import CellReader, bind
from importer.mapping.load import presets
from importer.mapping.spec import Step
from importer.mapping.steps import WrittenStep, step
from importer.mapping.transforms import catalogue
from importer.mapping.transforms.catalogue import Transform
from importer.mapping.transforms.found import Found
from importer.mapping.transforms.lists import items, json_list, links
from importer.mapping.transforms.patterns import problem_with, replace
from importer.mapping.transforms.text import limit, strip_citations, strip_html
from importer.text.typed_yaml import read
from importer.text.yaml_nodes import Problems

ENTRIES = {entry.name: entry for entry in catalogue()}
STEPS = [entry for entry in catalogue() if entry.takes != "rule"]


def step_of(entry: Transform) -> Step:
    """The step of an entry's example, read as a mapping's YAML is."""
    written = f"{{{entry.example.step}}}" if ":" in entry.example.step else entry.name
    return step(read(written, WrittenStep, Problems("example")))


@pytest.mark.parametrize("entry", STEPS, ids=lambda entry: entry.name)
def test_every_step_does_what_its_example_says(entry: Transform) -> None:
    """The example that the documentation prints is the result that a mapping gets."""
    result = bind(step_of(entry), {}).function(entry.example.before)
    assert (result.value if isinstance(result, Found) else result) == entry.example.after


def test_the_transforms_of_rules_do_what_their_examples_say() -> None:
    """`first` and `template` are keys of a rule; their examples hold too."""
    first, template = ENTRIES["first"], ENTRIES["template"]
    assert first.function(first.example.before) == first.example.after
    assert template.function("{Name} ({Vendor})", template.example.before) == template.example.after


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_every_transform_is_documented(entry: Transform) -> None:
    """A transform has a sentence of documentation and a signature to print."""
    assert entry.doc.endswith(".")
    assert entry.signature.startswith(entry.name)


@given(text=st.text(max_size=300), number=st.integers(0, len(STEPS) - 1))
@settings(max_examples=600, deadline=None)
def test_no_transform_raises_on_any_text(text: str, number: int) -> None:
    """Whatever a cell holds, a transform answers."""
    bind(step_of(STEPS[number]), {}).function(text)


READERS = [CellReader(rule, {}) for preset in presets() for rule in preset.rules]


@given(text=st.text(max_size=200) | st.text('[]{}",:/\\ \n0123456789.-?htps<>&;', max_size=120))
@settings(max_examples=250, deadline=None)
def test_no_rule_of_a_preset_raises_on_any_text(text: str) -> None:
    """A cell becomes a value or issues, in every field of every preset."""
    for reader in READERS:
        reader.read(text)


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*,)*x", r"(\w+\s?)+$", r".*.*.*.*x", "(", "a" * 501, r"(?P<x>a)(?P<x>b)"]
)
def test_patterns_that_could_hang_or_are_none_are_refused(pattern: str) -> None:
    """A pattern whose time explodes is refused when the mapping is loaded."""
    assert problem_with(pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"^\?+$", r"(\d{4})-(\d{2})", r"^(.*) - (.*)$", r"(?:\d{1,3}\.){3}\d{1,3}", r"[ab]+", r"\s*\(merged.*\)"],
)
def test_ordinary_patterns_are_taken(pattern: str) -> None:
    """The bounds leave room for what analysts write."""
    assert problem_with(pattern) == ""


@pytest.mark.parametrize("pattern", [r".*.*.*=", r"\d+x", r"(.*) (.*)!", r"\s+$"])
def test_the_worst_accepted_pattern_ends_in_time(pattern: str) -> None:
    """The longer the text, the fewer endless repetitions are tried on it: a cell never hangs a run."""
    begun = time.process_time()
    for text in ("1" * 200, " " * 800 + "x", "1" * 10_000, "a " * 50_000):
        replace(text, pattern, "")
    assert time.process_time() - begun < 10


def test_a_text_too_long_for_a_pattern_is_told() -> None:
    """A text that the pattern is not tried on goes on unchanged, with a note."""
    result = replace("x" * 300_000, "a+", "")
    assert isinstance(result, Found)
    assert result.note is not None
    assert (result.note.code, len(result.value)) == ("too-long-for-pattern", 300_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["Sofacy", "Tsar, Team"]', ["Sofacy", "Tsar, Team"]),
        ("[Vault 7/8]", ["[Vault 7/8]"]),
        ("Sapphire Mushroom/Blue Mushroom", ["Sapphire Mushroom/Blue Mushroom"]),
        ("Sofacy, Sednit; Strontium", ["Sofacy", "Sednit", "Strontium"]),
        ("[]", []),
        ("[1, null]", [1]),
        ("['UNC1' 'Gilt Cat']", ["UNC1", "Gilt Cat"]),
        ("['Bell', None, nan]", ["Bell"]),
        ("array(['A', \"O'Neil\"], dtype=object)", ["A", "O'Neil"]),
        ("np.array(['A'\n 'B'])", ["A", "B"]),
        ('{A,"B, Inc",NULL}', ["A", "B, Inc"]),
        ("{'A', 'B'}", ["A", "B"]),
        ("('A',)", ["A"]),
        ('c("A", "B")', ["A", "B"]),
        ("set()", []),
        ("[Sofacy, Sednit]", ["Sofacy", "Sednit"]),
        ('{"a": 1}', ['{"a": 1}']),
        ("Bell (Microsoft)", ["Bell (Microsoft)"]),
    ],
)
def test_lists_are_read_as_they_are_written(text: str, expected: list[Any]) -> None:
    """JSON lists come apart by JSON's rules, others at separators; a name in brackets is not a list."""
    assert items(text) == expected


PIECES = (
    *("APT28", " ", "Iran", "Islamic Republic of", ",", ", ", ";", "|", "\n", "Co", "Inc.", "the", "Ltd", "S.A.", "/"),
    *(
        "(",
        ")",
        "a b",
        "\t",
        "\r\n",
        "Ltd.",
        "of",
        "Of",
        "'",
        "-",
        "B.V",
        "Jr",
        "State of",
        "Korea",
        "é",
        "China",
        " / ",
    ),
    *("O.O.O.", ", Province of China", "plc", "Federation of the"),
)


@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(st.characters(max_codepoint=127), max_size=60)
)
@settings(max_examples=500, deadline=None)
def test_the_short_way_of_cutting_gives_the_same_labels(text: str) -> None:
    """Plain cells are cut without the full apparatus; the result is the apparatus's."""
    if json_list(text) is None and not text.strip().startswith("["):
        assert items(text) == split_labels(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/1,2", ["https://a.example/1,2"]),
        ("https://a.example/1, https://b.example", ["https://a.example/1", "https://b.example"]),
        (
            "https://a.example/x;https://b.example/y\nhttp://c.example",
            ["https://a.example/x", "https://b.example/y", "http://c.example"],
        ),
        ("hxxps://a[.]example/x", ["https://a.example/x"]),
        (
            "https://web.archive.org/web/2019/http://a.example/x",
            ["https://web.archive.org/web/2019/http://a.example/x"],
        ),
        ("https://en.example/wiki/Lead_(group)", ["https://en.example/wiki/Lead_(group)"]),
        ("a.example/report b.example/report", ["a.example/report", "b.example/report"]),
    ],
)
def test_links_are_found_whole(text: str, expected: list[str]) -> None:
    """URLs come apart where they end, not at each comma."""
    found = links(text)
    assert (found.value if isinstance(found, Found) else found) == expected


def test_words_beside_links_are_told() -> None:
    """What stands beside a link is not lost without a word."""
    result = links("Mandiant report: https://a.example/1 (2013)")
    assert isinstance(result, Found)
    assert result.value == ["https://a.example/1"]
    assert result.note is not None
    assert "Mandiant report" in result.note.text


def test_words_are_no_links() -> None:
    """`Mandiant report` is not published as if it were a link."""
    result = links("Mandiant report")
    assert isinstance(result, Found)
    assert result.value is None
    assert result.note is not None
    assert result.note.code == "not-a-link"


def test_markup_goes_and_text_stays() -> None:
    """Tags, entities and citation marks go; `<` in a text does not take the text with it."""
    assert strip_html("a<br>b &lt; c <3 d") == "a\nb < c <3 d"
    assert strip_citations("It spies.(Citation: A (B) 2018)(Citation: C) More.") == "It spies. More."


def test_a_cut_text_is_told() -> None:
    """`limit` never shortens in silence."""
    result = limit("Sofacy", 3)
    assert isinstance(result, Found)
    assert result.note is not None
    assert (result.value, result.note.code) == ("Sof", "shortened")


def test_references_without_a_link_are_told_and_mere_citations_are_not() -> None:
    """A links field holds links: ATT&CK's alias citations leave no trace there, a printed report is told and kept."""
    cited = (
        '[{"source_name": "Elfin", "description": "(Citation: Symantec Elfin (2019))"}, {"url": "https://a.example"}]'
    )
    assert links(cited) == [{"url": "https://a.example"}]
    found = links('[{"source_name": "capec", "external_id": "CAPEC-1"}, {"title": "R", "href": "https://b.example"}]')
    assert isinstance(found, Found)
    assert found.note is not None
    assert (found.value, found.note.text) == ([{"title": "R", "href": "https://b.example"}], "capec CAPEC-1")


@pytest.mark.parametrize("pattern", ["a?" * 30 + "a" * 30, "(?:a|aa)" * 24, "(?:a{0,3}){12}b", "(?:ab|cd|ef|gh)" * 11])
def test_a_pattern_of_too_many_choices_is_refused(pattern: str) -> None:
    """What may be there or not doubles what has to be tried each time: too many of those are refused."""
    assert "may be there or not" in problem_with(pattern) or "repetition" in problem_with(pattern)
