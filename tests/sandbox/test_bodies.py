"""What the server refuses, field by field, and what it keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from importer.sandbox.bodies import FIELDS, check_create
from importer.sandbox.property_schema import check_properties, check_schema
from importer.sandbox.server import Sandbox
from importer.sandbox.settings import SandboxSettings
from tests.sandbox.callers import Caller, calling

BAD: list[tuple[str, Any]] = [
    ("value", ""),
    ("value", " "),
    ("value", 1),
    ("value", None),
    ("categoryUuid", "nope"),
    ("categoryUuid", "6f2b7f0e-7d7b-4a53-9c3a-0a5d8f6f0b11"),
    ("activeDuration", 3),
    ("motive", {"value": "Fun", "confidence": 0}),
    ("motive", {"value": "Fun", "tlp": "white"}),
    ("motive", {"value": "Fun", "extra": 1}),
    ("motive", {"confidence": 5}),
    ("priority", "1"),
    ("priority", True),
    ("priority", {"value": "high"}),
    ("aliasGroupNames", "one"),
    ("aliasGroupNames", ["one", 2]),
    ("aliases", ["one"]),
    ("aliases", [{"confidence": 5}]),
    ("aliases", [{"value": "x", "confidence": 11}]),
    ("internalAliases", [{"value": "x", "tlp": "AMBER"}]),
    ("externalReferences", [{"description": "no url"}]),
    ("dateOfDiscovery", "2025-2-1"),
    ("dateOfDiscovery", "2023-02-29"),
    ("dateOfDiscovery", "2023-02-28T00:00:00Z"),
    ("confidence", 5.5),
    ("confidence", "5"),
    ("originCountryISO", "Russia"),
    ("originCountryISO", {"value": "R2"}),
    ("originCountryConfidence", 11),
    ("originCountryTlp", "none"),
    ("properties", []),
    ("tlp", "TLP:RED"),
    ("tlp", None),
    ("lastseen", "2025"),
]


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling(Sandbox()) as running:
        yield running


@pytest.mark.parametrize(("field", "value"), BAD, ids=lambda part: str(part)[:24])
async def test_wrong_fields_are_refused(caller: Caller, field: str, value: Any) -> None:
    """A field that breaks the reference's rules is a 400 that names the field, on create and on update alike."""
    made = (await caller.create("Good"))[1]
    for method, path, body in (
        ("POST", "tags/create", {"value": "Bad", field: value}),
        ("PATCH", f"tags/{made['uuid']}", {field: value}),
    ):
        status, answer, _ = await caller.call(method, path, body)
        assert status == 400
        assert answer["success"] is False
        assert answer["errors"][0]["path"][:2] == ["body", field]
    assert await caller.names() == ["Good"]


async def test_all_mistakes_come_at_once(caller: Caller) -> None:
    """A body with several mistakes is answered with all of them; one that is not JSON, or not an object, with one."""
    status, answer, _ = await caller.call("POST", "tags/create", {"tlp": "x", "priority": "y", "aliases": [{}]})
    assert status == 400
    assert {error["message"].split(":")[0] for error in answer["errors"]} == {
        "value",
        "tlp",
        "priority",
        "aliases[0].value",
    }
    for body in (b"", b"{", b"[]", b'"x"', b'{"value": NaN}', b"\xff", b"[" * 5_000):
        status, answer, _ = await caller.call("POST", "tags/create", data=body)
        assert (status, answer["success"]) == (400, False)


async def test_fields_of_every_generation_are_kept(caller: Caller) -> None:
    """Each field of the reference, old generations too, is accepted and listed as it was sent."""
    sent: dict[str, Any] = {
        "activeDuration": "x",
        "actorCategory": "Activist",
        "actorCategoryConfidence": 1,
        "aliasGroupNames": ["a"],
        "aliasGroupNamesInternal": ["b"],
        "aliases": [{"value": "c"}],
        "analyticPriority": 2,
        "attributionConfidence": "high",
        "attributionConfidenceScore": 3,
        "attributionOrganization": "org",
        "confidence": 4,
        "dateOfDiscovery": "2024-02-29",
        "description": "d",
        "externalReferenceLinks": ["l"],
        "externalReferences": [{"url": "u"}],
        "internalAliases": [{"value": "e", "tlp": "purple"}],
        "internalDescription": "i",
        "lastSeen": "2020",
        "motive": "Fear",
        "motiveConfidence": 5,
        "opsecLevel": "Low",
        "originCountryConfidence": 6,
        "originCountryISO": "DEU",
        "originCountryTlp": "green",
        "priority": -1.5,
        "properties": {"k": {"value": 1}},
        "sophisticationLevel": "s",
        "tlp": "amber-strict",
    }
    assert sent.keys() | {"value", "categoryUuid"} == FIELDS.keys()
    assert (await caller.create("All", **sent))[0] == 200
    _, body, _ = await caller.call("GET", "tags")
    assert {key: body["tags"][0][key] for key in sent} == sent


async def test_patch_semantics(caller: Caller) -> None:
    """An update keeps the unmentioned, empties what is null, replaces annotations, and counts the version."""
    made = (
        await caller.create(
            "Bear",
            description="d",
            motive={"value": "Fun", "confidence": 2},
            lastSeen="x",
            tlp="red",
            properties={"a": 1, "b": {"c": 2}},
        )
    )[1]
    path = f"tags/{made['uuid'].upper()}"
    body = {"motive": "Fear", "lastSeen": None, "properties": {"b": {"d": 3}, "a": None}}
    status, tag, _ = await caller.call("PATCH", path, body)
    assert (status, tag["motive"], tag["description"], tag["tlp"]) == (200, "Fear", "d", "red")
    assert "motive_annotated" not in tag
    assert tag.get("lastSeen") is None
    assert tag["properties"] == {"b": {"d": 3}}
    stamps = [made["updatedAt"], tag["updatedAt"]]
    for version in (3, 4):
        _, tag, _ = await caller.call("PATCH", path, {})
        assert tag["version"] == version
        stamps.append(tag["updatedAt"])
    assert stamps == sorted(set(stamps))
    _, body, _ = await caller.call("GET", "tags")
    assert body["tags"] == [tag]


async def test_changing_category_validates_again(caller: Caller) -> None:
    """A new category holds the existing properties to its schema; null unlinks and frees them."""
    schema = [{"key": "size", "kind": "number", "required": True}]
    uuid = (await caller.call("POST", "tags/categories/create", {"name": "Sized", "schema": schema}))[1]["uuid"]
    tag = (await caller.create("Bear", properties={"size": "large"}))[1]
    path = f"tags/{tag['uuid']}"
    assert (await caller.call("PATCH", path, {"categoryUuid": uuid}))[0] == 400
    assert (await caller.call("PATCH", path, {"categoryUuid": uuid, "properties": {"size": 3}}))[0] == 200
    assert (await caller.call("PATCH", path, {"properties": {"size": None}}))[0] == 400
    assert (await caller.call("PATCH", path, {"description": "untouched"}))[1]["categoryName"] == "Sized"
    assert (await caller.call("PATCH", path, {"categoryUuid": None, "properties": {"size": "any"}}))[0] == 200
    status, body, _ = await caller.call("POST", "tags/categories/create", {"name": "", "schema": [{"kind": "x"}]})
    assert status == 400
    assert [error["path"] for error in body["errors"]] == [["body", "name"], ["body", "schema", 0]]


VALUES: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    ({"kind": "string"}, ["", "x"], [1, [], {}]),
    ({"kind": "string", "maxLength": 2}, ["ab"], ["abc"]),
    ({"kind": "string", "format": "date"}, ["2024-02-29"], ["2023-02-29", "x"]),
    ({"kind": "string", "format": "url"}, ["https://a.example/x?y"], ["a.example", "http://", "http://a b"]),
    ({"kind": "string", "format": "duration"}, ["P1Y", "PT5M", "P1DT2H"], ["P", "PT", "1 day", "P1H"]),
    ({"kind": "string", "format": "country"}, ["DE", "deu"], ["Germany", "D"]),
    ({"kind": "number"}, [1, -2.5], ["1", True]),
    ({"kind": "number", "numberConstraint": {"min": 1, "max": 3, "integer": True}}, [1, 3, 2.0], [0, 4, 1.5]),
    ({"kind": "enum", "allowedValues": ["a", "b"]}, ["a"], ["c", "A", 1]),
    ({"kind": "enum", "allowedValues": ["a", "b"], "deprecatedValues": ["b"]}, ["a"], ["b"]),
    ({"kind": "date"}, ["2024-01-31"], ["31.1.2024", 2024]),
    ({"kind": "array"}, [[], [1, "x"]], ["x", {}]),
    ({"kind": "array", "element": {"kind": "number"}}, [[1, 2]], [[1, "2"]]),
    (
        {"kind": "object", "properties": {"n": {"kind": "number", "required": True}}},
        [{"n": 1}],
        [{}, {"n": 1, "m": 2}, []],
    ),
    (
        {"kind": "string", "annotations": {"confidence": True}},
        ["x", {"value": "x", "confidence": 3}],
        [{"value": "x", "confidence": 0}, {"value": "x", "tlp": "red"}, {"value": 1}],
    ),
    ({"kind": "string", "enforcement": "warn", "maxLength": 1}, ["long", 5], []),
    ({"kind": "string", "enforcement": "off", "required": True}, [None, 5], []),
    ({"kind": "string", "required": True}, ["x"], [None]),
    ({"kind": "string", "deprecated": True}, [None], ["x"]),
]


@pytest.mark.parametrize(("definition", "right", "wrong"), VALUES, ids=lambda part: str(part)[:40])
def test_properties_keep_to_the_schema(definition: dict[str, Any], right: list[Any], wrong: list[Any]) -> None:
    """Each kind, format, constraint and enforcement takes what it should and refuses the rest."""
    schema = [{"key": "k", **definition}]
    assert check_schema(schema) == []
    for value in right:
        assert check_properties(schema, {"k": value}) == [], value
    for value in wrong:
        problems = check_properties(schema, {"k": value})
        assert problems, value
        assert problems[0].path[:3] == ("body", "properties", "k")


def test_what_is_deprecated_may_stay() -> None:
    """A deprecated field or word that the tag has already is kept; a new one is refused."""
    schema: list[dict[str, Any]] = [
        {"key": "old", "kind": "string", "deprecated": True},
        {"key": "word", "kind": "enum", "allowedValues": ["a", "b"], "deprecatedValues": ["a"]},
    ]
    kept = {"old": "x", "word": "a"}
    assert check_properties(schema, kept, before=kept) == []
    assert len(check_properties(schema, {"old": "y", "word": "a"}, before={"old": "x", "word": "b"})) == 2


def test_unknown_properties_are_a_setting() -> None:
    """A property that the schema does not name is refused, unless the setting lets it pass."""
    assert check_properties([], {"x": 1})
    assert check_properties([], {"x": 1}, unknown_allowed=True) == []
    assert check_properties(None, {"x": 1}) == []


@pytest.mark.parametrize("definition", [
    {}, {"key": "", "kind": "string"}, {"key": "a"}, {"key": "a", "kind": "enum"}, {"key": "a", "kind": "object"},
    {"key": "a", "kind": "string", "format": "email"}, {"key": "a", "kind": "string", "maxLength": -1},
    {"key": "a", "kind": "number", "numberConstraint": {"min": "0"}}, {"key": "a", "kind": "string", "oops": 1},
    {"key": "a", "kind": "array", "element": {"kind": "none"}}, {"key": "a", "kind": "string", "annotations": 1},
    {"key": "a", "kind": "string", "enforcement": "maybe"}, {"key": "a", "kind": "string", "required": 1}, 5,
])  # fmt: skip
def test_wrong_schemas_are_refused(definition: Any) -> None:
    """What is not a schema is refused with the path of what is wrong."""
    problems = check_schema([definition])
    assert problems
    assert problems[0].path[:3] == ("body", "schema", 0)
    assert check_schema({}) != []
    assert check_schema([{"key": "a", "kind": "string"}] * 2) != []


async def test_who_may_call() -> None:
    """No or a wrong token is a 401, a read-only one that writes a 403, a foreign path a 404, a wrong method a 405."""
    settings = SandboxSettings(read_only_token="reader")
    async with calling(Sandbox(settings)) as caller:
        for header in ("", "Bearer", "Bearer other", "Basic sandbox-token"):
            status, body, _ = await caller.call("GET", "tags", headers={"Authorization": header})
            assert (status, body["errors"]) == (401, [{"code": 10000, "message": "Authentication error"}])
        reader = {"Authorization": "Bearer reader"}
        assert (await caller.call("GET", "tags", headers=reader))[0] == 200
        assert (await caller.call("POST", "tags/create", {"value": "x"}, headers=reader))[0] == 403
        for path in ("tag", "tags/a/b", "../../../other", "tags/categories/a/b"):
            assert (await caller.call("GET", path))[0] == 404
        status, _, headers = await caller.call("DELETE", "tags/no-such-tag")
        assert (status, "Ratelimit" in headers) == (404, True)
        assert (await caller.call("PATCH", "tags/no-such-tag", {}))[0] == 404
        assert (await caller.call("PATCH", "tag-categories/none", {"name": "x"}))[0] == 404
        assert (await caller.call("PUT", "tags/create", {"value": "x"}))[0] == 405
        assert (await caller.call("GET", "tags", params={"page": "0"}))[0] == 400
        assert (await caller.call("GET", "tags", params={"pageSize": "x"}))[0] == 400
        for text in (
            "{",
            "{}",
            '[{"field":"nope","op":"equals","value":1}]',
            '[{"field":"value","op":"is","value":1}]',
            "[" + ",".join(['{"field":"value","op":"equals","value":"a"}'] * 11) + "]",
        ):
            assert (await caller.call("GET", "tags", params={"filters": text}))[0] == 400
        assert check_create({"value": "x", "uuid": "read-only", "version": 2, "motive_annotated": None}) == (
            {"value": "x"},
            [],
        )


@pytest.mark.parametrize(("paths", "there"), [("both", (True, True)), ("old", (True, False)), ("new", (False, True))])
async def test_where_one_category_is_found(paths: Any, there: tuple[bool, bool]) -> None:
    """Before, during and after the move of a category's path: what is there serves GET, PATCH and DELETE."""
    async with calling(Sandbox(SandboxSettings(category_paths=paths))) as caller:
        for prefix, found in zip(("tags/categories", "tag-categories"), there, strict=True):
            made = (await caller.call("POST", "tags/categories/create", {"name": prefix}))[1]["uuid"]
            for method, body in (("PATCH", {"name": "x"}), ("GET", None), ("DELETE", None)):
                status, answer, _ = await caller.call(method, f"{prefix}/{made}", body)
                assert status == (200 if found else 404)
                assert answer["uuid"] == made if found else answer["errors"][0]["code"] == 7003
            status, answer, _ = await caller.call("GET", f"{prefix}/{made}")
            assert (status, answer["errors"][0]["code"]) == (404, 7002 if found else 7003)
        assert (await caller.call("GET", "tags/categories"))[0] == 200
