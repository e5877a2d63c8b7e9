"""What holds for any text and any value."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from importer.fields.aliases import SEPARATORS, split_labels
from importer.fields.countries import resolve
from importer.fields.country_names import codes
from importer.fields.dates import is_date, parse_date
from importer.fields.names import clean, identity_key, identity_keys, loose_key, loose_keys
from importer.fields.numbers import parse_number, parse_score
from importer.fields.table import FIELDS
from importer.fields.values import canonical, check, same
from importer.fields.vocabulary import NAMES, load_vocabulary

ANY = st.characters(codec=None)
NASTY = st.sampled_from(
    list(
        "?$-\u2011\u2013\u2212\u00ad\u200b\u200d\u0130\u0131\u1e9e\ufb01\u0345\u03c2\u212a\u00b5"
        " \u00a0\u3000\n\r\t()[]\"'/,;|{}"
    )
)
TEXT = st.text(st.one_of(ANY, NASTY, st.characters(max_codepoint=0x24F)), max_size=40)
DATE_LIKE = st.text(st.sampled_from("0123456789-/. TZ:MarchApril,"), max_size=24)
COUNTRY_LIKE = st.lists(
    st.sampled_from(
        ["Russia", "China", "Korea", "or", "and", ",", "/", " ", "(", ")", "EU", "?", "Republic of", "-", "NA"]
    ),
    max_size=6,
).map("".join)
FIELD = st.sampled_from(FIELDS)
SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**5000), 10**5000), st.floats(), TEXT,
    st.sampled_from(["RU", "rus", "red", "TLP:WHITE", "amber-strict", "2015-03-03", "2015-03-03T00:00:00Z", 5, 5.0]),
)  # fmt: skip
KEYS = st.one_of(st.sampled_from(["value", "confidence", "tlp", "url", "description"]), TEXT)
VALUE: st.SearchStrategy[Any] = st.recursive(
    SCALAR, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)), max_leaves=8
)


@given(TEXT)
@settings(max_examples=500, deadline=None)
def test_normalising_twice_changes_nothing(text: str) -> None:
    """Cleaning, the identity key and the loose key are settled after one step, and a visible name has a key."""
    assert clean(clean(text)) == clean(text)
    key = identity_key(text)
    assert identity_key(key) == key
    assert identity_key(clean(text)) == key or not clean(text)
    assert loose_key(loose_key(text)) == loose_key(text)
    assert bool(key) == bool(text.strip())


@given(st.lists(TEXT | st.text("aB1 -\n\t'\x1c", max_size=5), max_size=5))
def test_many_keys_are_the_keys_of_each(names: list[str]) -> None:
    """Names that are taken at once have the keys that each has by itself."""
    assert identity_keys(names) == list(map(identity_key, names))
    assert loose_keys(identity_keys(names)) == list(map(loose_key, names))


@given(st.one_of(TEXT, COUNTRY_LIKE))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_country_or_has_a_reason(text: str) -> None:
    """A code comes with `found` and is ISO's; nothing raises."""
    match = resolve(text)
    assert bool(match.code) == (match.reason == "found")
    assert match.code in {"", *codes().values()}
    assert match.nearest in {"", *codes().values()}


@given(st.one_of(TEXT, DATE_LIKE), st.sampled_from(("", "ymd", "dmy", "mdy")), st.sampled_from(("", "start", "end")))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_date_or_has_a_reason(text: str, order: str, fill: str) -> None:
    """A date that was found is a real day, and reading it again gives the same."""
    match = parse_date(text, order, fill)
    assert bool(match.date) == (match.reason == "found")
    if match.date:
        assert is_date(match.date)
        assert parse_date(match.date) == match


@given(
    st.one_of(TEXT, st.text(st.sampled_from("0123456789,.' eE+-%/"), max_size=20)),
    st.sampled_from(("", ".", ",")),
    st.sampled_from(("10", "100", "1", "5", "?")),
)
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_number_or_has_a_reason(text: str, decimal: str, scale: str) -> None:
    """Numbers are finite and scores from 1 to 10; nothing raises."""
    number = parse_number(text, decimal)
    assert (number.value is not None) == (number.reason == "found")
    assert number.value is None or math.isfinite(number.value)
    score = parse_score(text, scale, mixed=bool(decimal))
    assert (score.value is not None) == (score.reason == "found")
    assert score.value is None or 1 <= score.value <= 10


@given(st.sampled_from(NAMES), TEXT)
@settings(deadline=None)
def test_any_text_is_a_word_or_has_a_reason(name: str, text: str) -> None:
    """A word that was found is allowed, and looking it up again gives the same."""
    vocabulary = load_vocabulary(name)
    match = vocabulary.lookup(text)
    assert bool(match.value) == (match.reason == "found")
    assert match.value in {"", *vocabulary.allowed}
    assert not match.value or vocabulary.lookup(match.value) == match


@given(TEXT, st.lists(st.sampled_from([*SEPARATORS, "/", " ", "", "--", "\t"])))
@settings(max_examples=300, deadline=None)
def test_any_cell_is_split(text: str, separators: list[str]) -> None:
    """Labels are tidy and not blank, whatever they are cut at."""
    labels = split_labels(text, separators)
    assert all(label and label == clean(label) for label in labels)


@given(FIELD, VALUE)
@settings(max_examples=600, deadline=None)
def test_any_value_has_one_canonical_form(field: Any, value: Any) -> None:
    """The canonical form is settled after one step, is the same as the value, and checking never raises."""
    form = canonical(field, value)
    assert same(field, form, value)
    assert same(field, canonical(field, form), form)
    checked = check(field, value)
    if checked.problem is None:
        assert check(field, checked.value).problem is None
        assert same(field, checked.value, value)


@given(FIELD, VALUE, VALUE, VALUE)
@settings(max_examples=300, deadline=None)
def test_sameness_is_an_equivalence(field: Any, a: Any, b: Any, c: Any) -> None:
    """Every value is the same as itself, both ways round, and what is the same as the same is the same."""
    assert same(field, a, a)
    assert same(field, a, b) == same(field, b, a)
    if same(field, a, b) and same(field, b, c):
        assert same(field, a, c)
