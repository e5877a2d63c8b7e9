"""The calls on tags: create, list, update, delete."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from importer.clock import Clock
from importer.sandbox.answers import Answer, FieldProblem, Refusal, encode, error, not_found, refused_fields
from importer.sandbox.filters import matcher, narrowed, read_filters
from importer.sandbox.property_schema import check_properties
from importer.sandbox.settings import Duplicates, SandboxSettings
from importer.sandbox.store import Store, StoredTag, TagQuery
from importer.sandbox.tag_body import ANNOTATED, check_create, check_update

Query = list[tuple[str, str]]
decode = msgspec.json.Decoder().decode
_ANNOTATED = frozenset(ANNOTATED)


def stamp(moment: datetime) -> str:
    """`2026-01-31T09:05:00.123Z`"""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_body(body: bytes) -> Any:
    """The JSON value; Refusal (400) when it is none."""
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(error(400, 7001, "The request body is not valid JSON")) from None


class Tags:
    """Answers the calls on tags of one account from one store."""

    def __init__(
        self, store: Store, settings: SandboxSettings, clock: Clock, new_uuid: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        self._store, self._settings, self._clock, self._new_uuid = store, settings, clock, new_uuid
        self._account = settings.account_id

    def create(self, body: bytes) -> Answer:
        fields, problems = check_create(parse_body(body))
        if problems:
            raise Refusal(refused_fields(problems))
        category = fields.get("categoryUuid")
        category_name = self._checked_category(category, fields.get("properties") or {}, {}) if category else None
        folded = fields["value"].casefold()
        if self._settings.duplicates is not Duplicates.ALLOW:
            with self._store.write():
                self._refuse_duplicate(folded)
                return self._insert(fields, folded, category_name)
        with self._store.write(single=True):
            return self._insert(fields, folded, category_name)

    def _insert(self, fields: dict[str, Any], folded: str, category_name: str | None) -> Answer:
        now = self._clock.now()
        tag = self._stored(0, self._new_uuid(), fields, category_name, now.timestamp(), stamp(now), stamp(now), 1)
        self._store.add_tag(self._account, tag, folded, _needle(fields))
        return Answer(200, tag.answer.encode())

    def withdraw(self) -> None:
        """Delete the last tag that `intrude` made."""
        with self._store.write(single=True):
            self._store.remove_foreign_tag(self._account)

    def intrude(self, name: str) -> None:
        """Create a tag as somebody else would have: it is at the head of the list, and shows at once."""
        now = stamp(self._clock.now())
        tag = self._stored(0, self._new_uuid(), {"value": name}, None, 0.0, now, now, 1)
        with self._store.write(single=True):
            self._store.add_foreign_tag(self._account, tag, name.casefold(), name.casefold())

    def update(self, uuid: str, body: bytes) -> Answer:
        changes, problems = check_update(parse_body(body))
        with self._store.write():
            old = self._store.tag(self._account, uuid.lower())
            if old is None:
                raise Refusal(not_found("Tag"))
            if problems:
                raise Refusal(refused_fields(problems))
            fields: dict[str, Any] = decode(old.fields)
            properties_before = fields.get("properties") or {}
            for key, value in changes.items():
                if value is None:
                    fields.pop(key, None)
                elif key == "properties":
                    merged = {**properties_before, **value}
                    fields[key] = {name: content for name, content in merged.items() if content is not None}
                else:
                    fields[key] = value
            category = fields.get("categoryUuid")
            category_name = None
            if category and ("categoryUuid" in changes or "properties" in changes):
                before = properties_before if category == old.category else {}
                category_name = self._checked_category(category, fields.get("properties") or {}, before)
            elif category:
                category_name = self._category_name(category)
            folded = fields["value"].casefold()
            if "value" in changes and self._settings.duplicates is not Duplicates.ALLOW:
                self._refuse_duplicate(folded, besides=old.uuid)
            answer = decode(old.answer)
            # Two updates within a millisecond must still be told apart.
            moment = max(self._clock.now(), datetime.fromisoformat(answer["updatedAt"]) + timedelta(milliseconds=1))
            tag = self._stored(
                old.id,
                old.uuid,
                fields,
                category_name,
                old.created,
                answer["createdAt"],
                stamp(moment),
                answer["version"] + 1,
            )
            self._store.replace_tag(tag, folded, _needle(fields))
        return Answer(200, tag.answer.encode())

    def delete(self, uuid: str) -> Answer:
        with self._store.write(single=True):
            if not self._store.remove_tag(self._account, uuid.lower()):
                raise Refusal(not_found("Tag"))
        return Answer(200, encode({"uuid": uuid.lower()}))

    def list(self, query: Query) -> Answer:
        """A page of tags; `query` in the order of the address, because the SDK's filters depend on it."""
        parameters = dict(query)
        problems: list[FieldProblem] = []
        page = _whole(parameters, "page", 1, problems)
        size = min(_whole(parameters, "pageSize", self._settings.page_size, problems), self._settings.page_size_limit)
        filters = read_filters(query, self._settings.filtering, problems)
        if problems:
            raise Refusal(refused_fields(problems))
        stale = self._settings.stale_reads
        wanted = narrowed(
            filters,
            TagQuery(
                self._account,
                not_after=self._clock.now().timestamp() - stale if stale else None,
                category=parameters.get("categoryUuid", "").lower(),
                needle=parameters.get("search", "").casefold(),
            ),
        )
        if filters:
            matches = matcher(filters)
            found = [answer for answer in self._store.answers(wanted) if matches(decode(answer))]
            total, shown = len(found), found[(page - 1) * size : page * size]
        else:
            total = self._store.count(wanted)
            shown = self._store.answers(wanted, size, (page - 1) * size)
        pagination = {"page": page, "pageSize": size, "totalCount": total, "totalPages": math.ceil(total / size)}
        text = '{"tags":[' + ",".join(shown) + '],"pagination":'
        return Answer(200, text.encode() + encode(pagination) + b"}")

    def category_changed(self, uuid: str, name: str | None) -> None:
        """Write a category's new name into its tags, or (None) unlink them."""
        for tag in self._store.tags_in(uuid):
            fields, answer = decode(tag.fields), decode(tag.answer)
            if name is None:
                del fields["categoryUuid"]
            new = self._stored(
                tag.id, tag.uuid, fields, name, tag.created, answer["createdAt"], answer["updatedAt"], answer["version"]
            )
            self._store.replace_tag(new, fields["value"].casefold(), _needle(fields))

    def _stored(
        self,
        row: int,
        uuid: str,
        fields: dict[str, Any],
        category_name: str | None,
        created: float,
        created_at: str,
        updated_at: str,
        version: int,
    ) -> StoredTag:
        answer: dict[str, Any] = {"uuid": uuid, "originCountryISO": None, "properties": None, "categoryUuid": None}
        for key, value in fields.items():
            if key in _ANNOTATED and type(value) is dict:
                answer[key] = value["value"]
                answer[f"{key}_annotated"] = value
            else:
                answer[key] = value
        if answer["originCountryISO"] == "":
            answer["originCountryISO"] = None
        answer["categoryName"] = category_name
        answer["createdAt"], answer["updatedAt"], answer["version"] = created_at, updated_at, version
        return StoredTag(
            row, uuid, fields.get("categoryUuid"), created, encode(fields).decode(), encode(answer).decode()
        )

    def _refuse_duplicate(self, folded: str, besides: str = "") -> None:
        if self._store.name_taken(self._account, folded, besides):
            status = 409 if self._settings.duplicates is Duplicates.REFUSE_409 else 400
            raise Refusal(error(status, 7009, "A tag with this value already exists"))

    def _category_name(self, uuid: str) -> str | None:
        category = self._store.category(self._account, uuid)
        return str(decode(category)["name"]) if category else None

    def _checked_category(self, uuid: str, properties: Mapping[str, Any], before: Mapping[str, Any]) -> str:
        """The category's name. Refusal (400) when there is none, or `properties` do not keep to its schema."""
        stored = self._store.category(self._account, uuid)
        if stored is None:
            raise Refusal(refused_fields([FieldProblem(("body", "categoryUuid"), "No category has this uuid")]))
        category = decode(stored)
        problems = check_properties(
            category["schema"], properties, before=before, unknown_allowed=self._settings.unknown_properties
        )
        if problems:
            raise Refusal(refused_fields(problems))
        return str(category["name"])


def _needle(fields: Mapping[str, Any]) -> str:
    properties = fields.get("properties")
    name = str(fields["value"])
    return (name + "\n" + encode(properties).decode() if properties else name).casefold()


def _whole(parameters: Mapping[str, str], key: str, default: int, problems: list[FieldProblem]) -> int:
    text = parameters.get(key, "")
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (1 <= number < 2**53 and number.is_integer()):
        problems.append(FieldProblem(("query", key), "Expected a whole number from 1"))
        return default
    return int(number)
