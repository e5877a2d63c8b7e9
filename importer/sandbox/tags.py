"""The calls on tags: create, list, update, delete."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from importer.clock import Clock
from importer.sandbox.answers import (
    Answer,
    FieldProblem,
    Problems,
    Refusal,
    decode,
    encode,
    error,
    json_object,
    not_found,
    refused,
    result,
)
from importer.sandbox.bodies import ANNOTATED, check_create, check_update
from importer.sandbox.filters import Query, matcher, narrowed, read_filters
from importer.sandbox.property_schema import check_properties
from importer.sandbox.settings import SandboxSettings
from importer.sandbox.store import Store, StoredTag, TagQuery


def new_uuid() -> str:
    return str(uuid4())


def stamp(moment: datetime) -> str:
    """`2026-01-31T09:05:00.123Z`"""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def later(clock: Clock, updated: str) -> str:
    """The stamp of an update now. Two updates within a millisecond must still differ."""
    return stamp(max(clock.now(), datetime.fromisoformat(updated) + timedelta(milliseconds=1)))


class Tags:
    """Answers the calls on tags from one store."""

    def __init__(
        self, store: Store, settings: SandboxSettings, clock: Clock, new_uuid: Callable[[], str] = new_uuid
    ) -> None:
        self._store, self._settings, self._clock, self._new_uuid = store, settings, clock, new_uuid

    def create(self, body: bytes) -> Answer:
        fields, problems = check_create(json_object(body))
        if problems:
            raise refused(problems)
        with self._store.transaction():
            category_name = self._category_name(fields, {})
            self._refuse_duplicate(fields["value"])
            now = self._clock.now()
            tag = _stored(0, self._new_uuid(), fields, category_name, now.timestamp(), stamp(now), stamp(now), 1)
            self._store.add_tag(tag)
        return Answer(200, tag.answer.encode())

    def add_foreign(self, name: str) -> None:
        """Create a tag as somebody else would have: it is at the head of the list, and shows at once."""
        now = stamp(self._clock.now())
        self._store.add_tag(_stored(0, self._new_uuid(), {"value": name}, None, 0.0, now, now, 1), foreign=True)

    def update(self, uuid: str, body: bytes) -> Answer:
        changes, problems = check_update(json_object(body))
        with self._store.transaction():
            old = self._store.tag(uuid.lower())
            if old is None:
                raise not_found("Tag")
            if problems:
                raise refused(problems)
            before: dict[str, Any] = decode(old.fields)
            if changes.get("properties") is not None:
                merged = {**before.get("properties", {}), **changes["properties"]}
                changes["properties"] = {key: value for key, value in merged.items() if value is not None}
            fields = {key: value for key, value in {**before, **changes}.items() if value is not None}
            answer = decode(old.answer)
            if "categoryUuid" in changes or "properties" in changes:
                same = before.get("categoryUuid") == fields.get("categoryUuid")
                category_name = self._category_name(fields, before.get("properties", {}) if same else {})
            else:
                category_name = answer["categoryName"]
            if "value" in changes:
                self._refuse_duplicate(fields["value"], besides=old.uuid)
            updated = later(self._clock, answer["updatedAt"])
            created, version = answer["createdAt"], answer["version"] + 1
            tag = _stored(old.id, old.uuid, fields, category_name, old.created, created, updated, version)
            self._store.replace_tag(tag)
        return Answer(200, tag.answer.encode())

    def delete(self, uuid: str) -> Answer:
        if not self._store.remove_tag(uuid.lower()):
            raise not_found("Tag")
        return result({"uuid": uuid.lower()})

    def list(self, query: Query) -> Answer:
        """A page of tags; `query` in the order of the address, because the SDK's filters depend on it."""
        parameters = dict(query)
        problems: Problems = []
        page = _whole(parameters, "page", 1, problems)
        size = min(_whole(parameters, "pageSize", self._settings.page_size, problems), self._settings.page_size_limit)
        filters = read_filters(query, self._settings.filters, problems)
        if problems:
            raise refused(problems)
        lag = self._settings.stale_reads
        wanted = TagQuery(
            not_after=self._clock.now().timestamp() - lag if lag else None,
            category=parameters.get("categoryUuid", "").lower(),
            needle=parameters.get("search", "").casefold(),
        )
        first = (page - 1) * size
        if filters:
            matches = matcher(filters)
            found = [one for one in self._store.answers(narrowed(filters, wanted)) if matches(decode(one))]
            total, shown = len(found), found[first : first + size]
        else:
            total, shown = self._store.count(wanted), self._store.answers(wanted, size, first)
        pagination = {"page": page, "pageSize": size, "totalCount": total, "totalPages": math.ceil(total / size)}
        text = '{"tags":[' + ",".join(shown) + '],"pagination":'
        return Answer(200, text.encode() + encode(pagination) + b"}")

    def indicators(self, uuid: str) -> Answer:
        """How many indicators refer to a tag; none of them is shown."""
        if self._store.tag(uuid.lower()) is None:
            raise not_found("Tag")
        total = self._settings.indicators or 0
        return result({"indicators": [], "pagination": {"page": 1, "pageSize": 1, "totalCount": total}})

    def category_changed(self, uuid: str, name: str | None) -> None:
        """Write a category's new name into its tags, or (None) unlink them."""
        for tag in self._store.tags_in(uuid):
            fields, answer = decode(tag.fields), decode(tag.answer)
            if name is None:
                del fields["categoryUuid"]
            moments = answer["createdAt"], answer["updatedAt"]
            self._store.replace_tag(_stored(tag.id, tag.uuid, fields, name, tag.created, *moments, answer["version"]))

    def _refuse_duplicate(self, name: str, besides: str = "") -> None:
        habit = self._settings.duplicates
        if habit != "allow" and self._store.name_taken(name.casefold(), besides):
            status = 409 if habit == "refuse-409" else 400
            raise Refusal(error(status, 7009, "A tag with this value already exists"))

    def _category_name(self, fields: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
        """The name of the tag's category. Refusal (400) when it does not exist, or the properties, which were
        `before`, do not keep to its schema."""
        uuid = fields.get("categoryUuid")
        if not uuid:
            return None
        stored = self._store.category(uuid)
        if stored is None:
            raise refused([FieldProblem(("body", "categoryUuid"), "No category has this uuid")])
        category = decode(stored)
        allowed, properties = self._settings.unknown_properties, fields.get("properties") or {}
        problems = check_properties(category["schema"], properties, before=before, unknown_allowed=allowed)
        if problems:
            raise refused(problems)
        return str(category["name"])


def _stored(
    row: int,
    uuid: str,
    fields: dict[str, Any],
    category_name: str | None,
    created: float,
    created_at: str,
    updated_at: str,
    version: int,
) -> StoredTag:
    """The line of a tag whose stored form is `fields`."""
    answer: dict[str, Any] = {"uuid": uuid, "originCountryISO": None, "properties": None, "categoryUuid": None}
    for key, value in fields.items():
        if key in ANNOTATED and type(value) is dict:
            answer[key], answer[f"{key}_annotated"] = value["value"], value
        else:
            answer[key] = value
    answer["originCountryISO"] = answer["originCountryISO"] or None
    answer |= {"categoryName": category_name, "createdAt": created_at, "updatedAt": updated_at, "version": version}
    name, properties = str(fields["value"]), fields.get("properties")
    needle = (name + "\n" + encode(properties).decode() if properties else name).casefold()
    texts = encode(fields).decode(), encode(answer).decode()
    return StoredTag(row, uuid, name.casefold(), fields.get("categoryUuid"), created, *texts, needle)


def _whole(parameters: Mapping[str, str], key: str, default: int, problems: Problems) -> int:
    text = parameters.get(key) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (1 <= number < 2**53 and number.is_integer()):
        problems.append(FieldProblem(("query", key), "Expected a whole number from 1"))
        return default
    return int(number)
