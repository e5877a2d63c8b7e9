"""Secrets are found in what is shown, in every form that SECURITY.md names, and nothing else is touched."""

from __future__ import annotations

import html
import io
import json
import string
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.masking import MASK, Mask, MaskedStream, guarded

SECRET = "cfut_0aB+c/D&1e=F2g"
FORMS = {
    "plain": SECRET,
    "upper": SECRET.upper(),
    "reversed": SECRET[::-1],
    "hex": SECRET.encode().hex(),
    "hex upper": SECRET.encode().hex().upper(),
    "json": json.dumps(SECRET)[1:-1],
    "html": html.escape(SECRET),
    "url": quote(SECRET, safe=""),
    "zero width": "\u200b".join(SECRET),
    "soft hyphens": "\u00ad".join(SECRET),
    "controls": "\x00\x1b".join(SECRET),
    "lines": "\n".join(SECRET),
    "escaped by JSON": json.dumps("\u200d".join(SECRET))[1:-1],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_each_form_of_a_secret_is_masked(form: str) -> None:
    """A secret that a server gives back in another form shows no more than the mask, and the rest of the line stays."""
    assert Mask([SECRET]).text(f"before {form} after") == f"before {MASK} after"


@given(st.text(string.printable, max_size=7), st.text(string.printable, max_size=7), st.sampled_from("bu"))
def test_base64_is_masked_at_any_offset(before: str, after: str, kind: str) -> None:
    """Whatever was encoded together with the secret, at most four characters of its own encoding are left over."""
    encode = b64encode if kind == "b" else urlsafe_b64encode
    shown = Mask([SECRET]).text(encode((before + SECRET + after).encode()).decode())
    assert MASK in shown
    assert len(shown) <= len(MASK) + len(encode((before + after).encode())) + 8


@given(st.text(max_size=200))
def test_other_text_is_left_alone(text: str) -> None:
    """A mask changes nothing in a text without the secret, and without secrets nothing at all."""
    assert Mask([SECRET]).text(text) == text
    assert Mask().text(SECRET) == SECRET
    assert Mask(["a", ""]).text("a cat") == "a cat", "what is shorter than six characters is in ordinary words"


def test_values_and_streams_are_masked_throughout() -> None:
    """Keys, lists and nested objects of JSON, and all that is written to a masked stream."""
    mask = Mask([SECRET, "another-secret"])
    assert mask.value({SECRET: [1, None, {"a": f"x{SECRET}"}]}) == {MASK: [1, None, {"a": f"x{MASK}"}]}
    stream = io.StringIO()
    assert MaskedStream(stream, mask).write("another-secret\r\n") == 16
    assert stream.getvalue() == f"{MASK}\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "cfut_Zx81kQpLmN0v2bT7yR4sWqE9aHdJfGcU3oKi",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "aBcDeFgHiJkLmNoPqRsTuVwX",
        "CLOUDFLARE_API_TOKEN=hunter2",
        "SHELL=/bin/sh\x00SECRET=hunter2\x00",
        "https://me:hunter2@feeds.example/list.csv",
        "https:/me:hunter2@feeds.example/list.csv",
    ],
)
def test_what_looks_like_a_key_is_not_quoted(text: str) -> None:
    """Of a file that was refused no key, no value of a variable and no user in a URL is shown."""
    shown = guarded(text)
    assert MASK in shown
    assert "hunter2" not in shown
    assert text[6:] not in shown


@pytest.mark.parametrize(
    "text",
    ["Actor", "Threat Actor (alias)", "x_mitre_contributors", "SophisticationLevelOfActor", "Discovery 2024-11-26",
     "aliasGroupNamesInternal", "T1059.001", "Акторы", "col_10", "Hersteller / Lieferant"],
)  # fmt: skip
def test_header_words_are_quoted_as_they_are(text: str) -> None:
    """The words above a table are what a refusal is understood by."""
    assert guarded(text) == text


def test_a_long_text_is_shortened() -> None:
    """At most the limit, and a sign that there was more."""
    assert guarded("word " * 40, 20) == "word word word word …"
