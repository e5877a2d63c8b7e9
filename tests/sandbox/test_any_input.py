"""Whatever is sent, the answer is one of the API's: never a crash of the server."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.sandbox.answers import Answer, Refusal
from importer.sandbox.bodies import FIELDS
from importer.sandbox.categories import Categories
from importer.sandbox.filters import FIELDS as FILTERED
from importer.sandbox.filters import OPERATORS
from importer.sandbox.property_schema import Format, Kind
from importer.sandbox.server import HOST, Sandbox
from importer.sandbox.settings import SandboxSettings
from importer.sandbox.store import Store
from importer.sandbox.tags import Tags
from tests.sandbox.callers import SteppedClock

TEXT = st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "confidence", "tlp", "url", "k"]) | TEXT, inner, max_size=3)
    ),
    max_leaves=6,
)
DEFINITIONS = st.fixed_dictionaries(
    {"key": st.sampled_from("abc"), "kind": st.sampled_from(get_args(Kind))},
    optional={
        "format": st.sampled_from(get_args(Format)),
        "allowedValues": st.lists(TEXT, max_size=2),
        "required": st.booleans(),
        "maxLength": st.integers(0, 3),
        "numberConstraint": st.fixed_dictionaries({}, optional={"min": st.integers(), "integer": st.booleans()}),
        "annotations": st.fixed_dictionaries({}, optional={"confidence": st.booleans(), "tlp": st.booleans()}),
        "element": st.fixed_dictionaries({"kind": st.sampled_from(get_args(Kind))}),
        "properties": st.dictionaries(st.sampled_from("abc"), st.just({"kind": "string"}), max_size=2),
        "deprecated": st.booleans(),
        "label": VALUES,
    },
)


def _answered(call: Any) -> Answer | None:
    """The answer, None for a refusal with 400, 404 or 409; anything else that is raised is a crash."""
    refused: Answer | None = None
    try:
        answer: Answer = call()
    except Refusal as refusal:
        refused = refusal.answer
    if refused is None:
        json.loads(answer.body)
        return answer
    assert refused.status in (400, 404, 409)
    assert json.loads(refused.body)["success"] is False
    return None


def _server() -> tuple[Tags, Categories]:
    store, clock = Store(":memory:", "account"), SteppedClock()
    tags = Tags(store, SandboxSettings(), clock)
    return tags, Categories(store, tags, clock)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | TEXT, VALUES, max_size=4), st.data())
@settings(deadline=None, max_examples=150)
def test_any_body(body: dict[str, Any], data: st.DataObject) -> None:
    """A create or update with any JSON is carried out or refused, and what was carried out is listed."""
    tags, _ = _server()
    made = _answered(lambda: tags.create(json.dumps({"value": "Known"}).encode()))
    assert made is not None
    _answered(lambda: tags.create(json.dumps(body).encode()))
    _answered(lambda: tags.update(json.loads(made.body)["uuid"], json.dumps(body).encode()))
    search = data.draw(TEXT)
    assert _answered(lambda: tags.list([("search", search), ("categoryUuid", data.draw(TEXT))])) is not None


@given(st.lists(DEFINITIONS, max_size=3), st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=3))
@settings(deadline=None, max_examples=150)
def test_any_schema_and_properties(schema: list[Any], properties: dict[str, Any]) -> None:
    """Any schema that is accepted can judge any properties."""
    tags, categories = _server()
    category = _answered(lambda: categories.create(json.dumps({"name": "C", "schema": schema}).encode()))
    if category is not None:
        uuid = json.loads(category.body)["uuid"]
        body = {"value": "T", "categoryUuid": uuid, "properties": properties}
        tag = _answered(lambda: tags.create(json.dumps(body).encode()))
        if tag is not None:
            again = json.dumps({"properties": properties}).encode()
            assert _answered(lambda: tags.update(json.loads(tag.body)["uuid"], again)) is not None


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "field": st.sampled_from([*sorted(FILTERED), "properties.k", "properties.k.tlp"]),
                "op": st.sampled_from(sorted(OPERATORS)),
                "value": SCALARS | st.lists(SCALARS, max_size=3),
            }
        ),
        max_size=3,
    )
)
@settings(deadline=None, max_examples=200)
def test_any_filter(filters: list[Any]) -> None:
    """Any filter of known words finds some tags or none, or is refused."""
    tags, _ = _server()
    body = {"value": "T", "priority": 3, "originCountryISO": "DE", "properties": {"k": {"value": 1, "tlp": "red"}}}
    tags.create(json.dumps(body).encode())
    _answered(lambda: tags.list([("filters", json.dumps(filters))]))
    dotted = [(f"filters.{part}", str(one[part])) for part in ("field", "op", "value") for one in filters]
    _answered(lambda: tags.list(dotted))


@pytest.mark.parametrize(
    "value",
    [b'"\\ud800"', b'"\\u0000"', b"1e999", b"123456789012345678901234567890", b"-0.0", b'"' + b"x" * 1_000_000 + b'"'],
)
def test_odd_json(value: bytes) -> None:
    """Lone surrogates, NUL, huge numbers and long texts are stored as they are, or refused."""
    tags, _ = _server()
    for field in (b"description", b"priority", b"properties"):
        content = b'{"k":' + value + b"}" if field == b"properties" else value
        _answered(lambda body=b'{"value":"T","' + field + b'":' + content + b"}": tags.create(body))
    assert _answered(lambda: tags.list([("search", "t")])) is not None


def test_clock_before_the_last_update() -> None:
    """A wall clock that goes back does not make `updatedAt` fall."""
    clock = SteppedClock()
    tags = Tags(Store(":memory:", "account"), SandboxSettings(), clock)
    clock.elapsed = 100
    made = json.loads(tags.create(b'{"value":"T"}').body)
    clock.elapsed = 0
    edited = json.loads(tags.update(made["uuid"], b"{}").body)
    assert datetime.fromisoformat(edited["updatedAt"]) > datetime(2026, 1, 1, 0, 1, 40, tzinfo=UTC)


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01\n\r\n\r\n", b"GET / HTTP/9.9\r\nX\r\n\r\n"])
async def test_what_is_not_http_is_not_logged(garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that are not HTTP are refused, and nothing of them reaches the terminal or a log."""
    with caplog.at_level("DEBUG"):
        async with Sandbox() as sandbox:
            port = int(sandbox.base_url.split(":")[2].split("/")[0])
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(garbage)
            assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
            writer.close()
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []
