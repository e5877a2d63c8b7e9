"""What comes over the wire is read, or refused, and never breaks anything."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.remote.limit_headers import Policy, Remaining, parse_policies, parse_remaining, parse_retry_after
from importer.remote.wire import SaysNo, Unreadable, decode_object, decode_written, errors_of, tag_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["uuid", "value", "success", "errors", "result", "code", "message", "version", "aliases", "motive_annotated"]
    ), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(st.binary(max_size=60))
def test_no_bytes_break_the_readers(body: bytes) -> None:
    """Any bytes are read or refused as Unreadable or SaysNo."""
    for read in (decode_written, decode_object):
        with suppress(Unreadable, SaysNo):
            read(body)
    errors_of(body)


@given(_JSON)
def test_no_json_breaks_the_readers(value: object) -> None:
    """Any JSON is read or refused."""
    test_no_bytes_break_the_readers.hypothesis.inner_test(json.dumps(value).encode())  # type: ignore[attr-defined]
    with suppress(Unreadable):
        tag_of(value)


def test_annotated_fields() -> None:
    """An annotated field carries its confidence and TLP; one that has neither stays bare, a null is absent."""
    tag = tag_of({
        "uuid": "u", "value": "A", "version": 3, "updatedAt": "t", "motive": "Fun", "priority": 5, "description": None,
        "motive_annotated": {"value": "Fun", "confidence": 7, "tlp": None},
        "priority_annotated": {"value": 5, "confidence": None, "tlp": None},
    })  # fmt: skip
    assert tag.fields == {"value": "A", "motive": {"value": "Fun", "confidence": 7}, "priority": 5}
    assert (tag.version, tag.updated_at) == (3, "t")


def test_limit_headers() -> None:
    """Lists of policies are read; what makes no sense is left out."""
    assert parse_policies('"default";q=1200;w=300, "burst";q=10;w=1') == (
        Policy("default", 1200, 300.0), Policy("burst", 10, 1.0),
    )  # fmt: skip
    assert parse_policies('"a";q=0;w=1, "b";q=-1;w=5, "c";q=1;w=0, "d";q=nan;w=inf, "e";q=1e9;w=1, "f";q=5') == ()
    assert parse_remaining('"default";r=50;t=30, x;r=0') == (Remaining("default", 50, 30.0), Remaining("x", 0, -1.0))
    assert parse_remaining('"default";r=-1;t=30' + ";" * 2000) == ()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("300", 300), ("0", 0), ("-5", 0), ("", 0), ("soon", 0), ("Thu, 01 Jan 2026 00:01:00 GMT", 60), ("9" * 40, 604800),
     ("Wed, 31 Dec 2025 00:00:00 GMT", 0)],
)  # fmt: skip
def test_retry_after(header: str, seconds: float) -> None:
    """Whole seconds and dates are read; nonsense is not a wait, absurd ones end."""
    assert parse_retry_after(header, NOW) == seconds
