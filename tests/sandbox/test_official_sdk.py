"""The official SDK is the judge: what it writes it must read back, through its own types."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import cloudflare
import pytest
from cloudflare import AsyncCloudflare, Cloudflare

from importer.sandbox.server import Sandbox
from importer.sandbox.settings import SandboxSettings

SCHEMA: list[dict[str, Any]] = [
    {
        "key": "sector",
        "kind": "enum",
        "allowedValues": ["energy", "finance"],
        "required": True,
        "label": "Sector",
        "deprecatedValues": [],
        "enforcement": "error",
    },
    {
        "key": "budget",
        "kind": "number",
        "numberConstraint": {"min": 0, "max": 10, "integer": True},
        "annotations": {"confidence": True, "tlp": True},
    },
    {"key": "site", "kind": "string", "format": "url", "maxLength": 40},
    {"key": "tools", "kind": "array", "element": {"kind": "string"}},
    {"key": "contact", "kind": "object", "properties": {"since": {"kind": "date"}}},
]
TAG: dict[str, Any] = {
    "value": "APT28",
    "active_duration": "since 2004",
    "actor_category": {"value": "Nation State", "confidence": 8, "tlp": "green"},
    "aliases": [{"value": "Fancy Bear", "confidence": 9, "tlp": "clear"}, {"value": "Sofacy"}],
    "alias_group_names": ["STRONTIUM"],
    "alias_group_names_internal": ["our bear"],
    "attribution_organization": "GRU Unit 26165",
    "confidence": 7,
    "date_of_discovery": "2007-01-31",
    "description": "Seen by everyone.",
    "external_reference_links": ["https://example.org/apt28"],
    "external_references": [{"url": "https://example.org/report", "description": "A report"}],
    "internal_aliases": [{"value": "Case 7", "confidence": 1}],
    "internal_description": "For us alone.",
    "last_seen": "2025-11",
    "motive": "Espionage",
    "opsec_level": "High",
    "origin_country_iso": {"value": "ru", "confidence": 10, "tlp": "amber"},
    "priority": {"value": 2.5, "tlp": "red"},
    "properties": {"free": ["form", 1]},
    "sophistication_level": "Expert",
    "tlp": "amber+strict",
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxSettings(page_size_limit=100)) as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[AsyncCloudflare]:
    async with AsyncCloudflare(base_url=sandbox.base_url, api_token=sandbox.settings.token, max_retries=0) as made:
        yield made


def _is_read_back(tag: Any) -> None:
    """Every field of TAG, in the SDK's types."""
    assert tag.value == "APT28"
    assert tag.active_duration == "since 2004"
    assert tag.active_duration_annotated is None
    assert (tag.actor_category, tag.actor_category_annotated.confidence) == ("Nation State", 8)
    assert tag.actor_category_annotated.tlp == "green"
    assert [(alias.value, alias.confidence, alias.tlp) for alias in tag.aliases] == [
        ("Fancy Bear", 9, "clear"),
        ("Sofacy", None, None),
    ]
    assert tag.alias_group_names == ["STRONTIUM"]
    assert tag.alias_group_names_internal == ["our bear"]
    assert tag.attribution_organization == "GRU Unit 26165"
    assert tag.confidence == 7
    assert tag.date_of_discovery == "2007-01-31"
    assert tag.description == "Seen by everyone."
    assert tag.external_reference_links == ["https://example.org/apt28"]
    assert [(one.url, one.description) for one in tag.external_references] == [
        ("https://example.org/report", "A report")
    ]
    assert [(alias.value, alias.confidence) for alias in tag.internal_aliases] == [("Case 7", 1)]
    assert tag.internal_description == "For us alone."
    assert tag.last_seen == "2025-11"
    assert tag.motive == "Espionage"
    assert tag.opsec_level == "High"
    assert (tag.origin_country_iso, tag.origin_country_iso_annotated.value) == ("RU", "RU")
    assert (tag.origin_country_iso_annotated.confidence, tag.origin_country_iso_annotated.tlp) == (10, "amber")
    assert (tag.priority, tag.priority_annotated.value, tag.priority_annotated.tlp) == (2.5, 2.5, "red")
    assert tag.properties == {"free": ["form", 1]}
    assert tag.sophistication_level == "Expert"
    assert tag.tlp == "amber+strict"
    assert tag.version == 1
    assert tag.created_at == tag.updated_at
    assert tag.created_at.endswith("Z")


async def test_async_sdk_reads_back_every_field(sandbox: Sandbox, client: AsyncCloudflare) -> None:
    """Each writable field that the async SDK creates comes back the same from the create and from the list."""
    account, tags = sandbox.settings.account_id, client.cloudforce_one.threat_events.tags
    made = await tags.create(account_id=account, **TAG)
    _is_read_back(made)
    listed = await tags.list(account_id=account)
    assert [tag.uuid for tag in listed.tags] == [made.uuid]
    _is_read_back(listed.tags[0])
    assert (listed.pagination.page, listed.pagination.page_size) == (1, 50)
    assert (listed.pagination.total_count, listed.pagination.total_pages) == (1, 1)


async def test_async_sdk_edits_with_patch_semantics(sandbox: Sandbox, client: AsyncCloudflare) -> None:
    """An edit keeps what it does not mention, merges properties key by key and raises version and updatedAt."""
    account, tags = sandbox.settings.account_id, client.cloudforce_one.threat_events.tags
    made = await tags.create(account_id=account, **TAG)
    edited = await tags.edit(
        made.uuid,
        account_id=account,
        motive={"value": "Fun", "confidence": 3},
        properties={"new": True, "free": None},
        origin_country_iso="  ",
    )
    assert (edited.motive, edited.motive_annotated.confidence) == ("Fun", 3)  # type: ignore[union-attr]
    assert edited.properties == {"new": True}
    assert edited.origin_country_iso is None
    assert edited.description == "Seen by everyone."
    assert edited.version == 2
    assert edited.updated_at is not None
    assert made.updated_at is not None
    assert edited.updated_at > made.updated_at
    assert edited.created_at == made.created_at
    with pytest.raises(cloudflare.BadRequestError):
        await tags.edit(made.uuid, account_id=account, extra_body={"tlp": None})


async def test_async_sdk_lists_in_pages_searches_and_filters(sandbox: Sandbox, client: AsyncCloudflare) -> None:
    """Pages, the substring search and the SDK's own encoding of filters find exactly what they should."""
    account, tags = sandbox.settings.account_id, client.cloudforce_one.threat_events.tags
    names = [f"Actor {number:03}" for number in range(120)]
    for name in names:
        await tags.create(
            account_id=account,
            value=name,
            origin_country_iso="IR" if name < "Actor 003" else "CN",
            priority=float(name[-3:]),
            properties={"note": "Quiet" if name == "Actor 007" else "loud"},
        )
    first = await tags.list(account_id=account, page=1, page_size=5_000)
    second = await tags.list(account_id=account, page=2, page_size=5_000)
    assert (first.pagination.page_size, first.pagination.total_pages) == (100, 2)
    assert [tag.value for tag in first.tags + second.tags] == names

    async def found(*filters: Any) -> list[str]:
        return [tag.value for tag in (await tags.list(account_id=account, filters=list(filters))).tags]

    assert [tag.value for tag in (await tags.list(account_id=account, search="ACTOR 01")).tags] == names[10:20]
    assert [tag.value for tag in (await tags.list(account_id=account, search="quiet")).tags] == ["Actor 007"]
    assert await found({"field": "value", "op": "in", "value": ["actor 001", "ACTOR 100", "nobody"]}) == [
        "Actor 001",
        "Actor 100",
    ]
    assert await found({"field": "value", "op": "equals", "value": "actor 05"}) == []
    assert await found({"field": "originCountryISO", "op": "equals", "value": "Iran"}) == names[:3]
    assert await found(
        {"field": "priority", "op": "gte", "value": 117}, {"field": "value", "op": "not", "value": "Actor 118"}
    ) == ["Actor 117", "Actor 119"]
    assert await found({"field": "properties.note", "op": "startsWith", "value": "qui"}) == ["Actor 007"]
    uuid = first.tags[4].uuid
    assert await found({"field": "uuid", "op": "in", "value": [uuid.upper()]}) == ["Actor 004"]
    with pytest.raises(cloudflare.BadRequestError):
        await found({"field": "uuid", "op": "contains", "value": uuid})


async def test_async_sdk_deletes(sandbox: Sandbox, client: AsyncCloudflare) -> None:
    """A deleted tag is gone, and deleting it again is a 404."""
    account, tags = sandbox.settings.account_id, client.cloudforce_one.threat_events.tags
    made = await tags.create(account_id=account, value="Gone")
    assert (await tags.delete(made.uuid, account_id=account)).uuid == made.uuid
    assert (await tags.list(account_id=account)).tags == []
    with pytest.raises(cloudflare.NotFoundError):
        await tags.delete(made.uuid, account_id=account)


async def test_async_sdk_keeps_categories(sandbox: Sandbox, client: AsyncCloudflare) -> None:
    """A category and its schema are created, listed, edited and deleted, and tags in it are held to the schema."""
    account, tags = sandbox.settings.account_id, client.cloudforce_one.threat_events.tags
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        category = await tags.categories.create(account_id=account, name="Actor", description="People", schema=SCHEMA)  # type: ignore[arg-type]
        assert category.schema_ is not None
        assert [(field.key, field.kind) for field in category.schema_] == [
            ("sector", "enum"),
            ("budget", "number"),
            ("site", "string"),
            ("tools", "array"),
            ("contact", "object"),
        ]
        assert category.schema_[1].number_constraint is not None
        assert category.schema_[1].number_constraint.max == 10
        assert [one.name for one in (await tags.categories.list(account_id=account, search="ACT")).categories] == [
            "Actor"
        ]
        assert (await tags.categories.list(account_id=account, search="other")).categories == []
        properties: dict[str, object] = {
            "sector": "energy",
            "budget": {"value": 3, "confidence": 5},
            "site": "https://a.example/",
            "tools": ["x"],
            "contact": {"since": "2020-02-29"},
        }
        tag = await tags.create(account_id=account, value="Bear", category_uuid=category.uuid, properties=properties)
        assert (tag.category_name, tag.category_uuid, tag.properties) == ("Actor", category.uuid, properties)
        with pytest.raises(cloudflare.BadRequestError) as refused:
            await tags.create(
                account_id=account, value="Wolf", category_uuid=category.uuid, properties={"budget": 11, "site": "no"}
            )
        assert {str(error.message).split(":")[0] for error in refused.value.errors} == {
            "properties.sector",
            "properties.budget",
            "properties.site",
        }
        renamed = await tags.categories.edit(category.uuid, account_id=account, name="Group")
        assert (renamed.name, renamed.description) == ("Group", "People")
        assert (await tags.list(account_id=account, category_uuid=category.uuid)).tags[0].category_name == "Group"
        freed = await tags.edit(tag.uuid, account_id=account, extra_body={"categoryUuid": None})
        assert (freed.category_uuid, freed.category_name) == (None, None)
        assert (await tags.categories.delete(category.uuid, account_id=account)).uuid == category.uuid
        assert (await tags.categories.list(account_id=account)).categories == []


async def test_sync_sdk_does_the_same(sandbox: Sandbox, in_thread: Callable[..., Awaitable[Any]]) -> None:
    """The synchronous SDK creates, lists, filters, searches, edits and deletes tags and categories too."""
    account = sandbox.settings.account_id

    def work() -> None:
        with Cloudflare(base_url=sandbox.base_url, api_token=sandbox.settings.token, max_retries=0) as client:
            tags = client.cloudforce_one.threat_events.tags
            made = tags.create(account_id=account, **TAG)
            _is_read_back(made)
            _is_read_back(tags.list(account_id=account).tags[0])
            _is_read_back(tags.list(account_id=account, search="pt2").tags[0])
            wanted = [{"field": "value", "op": "in", "value": ["apt28"]}]
            _is_read_back(tags.list(account_id=account, filters=wanted).tags[0])  # type: ignore[arg-type]
            assert tags.edit(made.uuid, account_id=account, value="APT 28").value == "APT 28"
            category = tags.categories.create(account_id=account, name="Actor")
            assert category.schema_ is None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                assert tags.categories.edit(category.uuid, account_id=account, description="People").description
                tags.categories.delete(category.uuid, account_id=account)
            tags.delete(made.uuid, account_id=account)
            assert tags.list(account_id=account).tags == []

    await in_thread(work)


async def test_sdk_understands_refusals(sandbox: Sandbox, client: AsyncCloudflare) -> None:
    """Each refusal arrives as the SDK's own exception, with the message of the error body."""
    account = sandbox.settings.account_id
    async with AsyncCloudflare(base_url=sandbox.base_url, api_token="wrong", max_retries=0) as stranger:
        with pytest.raises(cloudflare.AuthenticationError) as refused:
            await stranger.cloudforce_one.threat_events.tags.list(account_id=account)
        assert [(error.code, error.message) for error in refused.value.errors] == [(10000, "Authentication error")]
    tags = client.cloudforce_one.threat_events.tags
    with pytest.raises(cloudflare.NotFoundError):
        await tags.list(account_id="0" * 32)
    mistakes: dict[str, Any] = {
        "confidence": 11,
        "date_of_discovery": "2025-02-30",
        "tlp": "white",
        "motive": {"confidence": 1},
    }
    with pytest.raises(cloudflare.BadRequestError) as wrong:
        await tags.create(account_id=account, value="X", **mistakes)
    assert {str(error.message).split(":")[0] for error in wrong.value.errors} == {
        "confidence",
        "dateOfDiscovery",
        "tlp",
        "motive.value",
    }
