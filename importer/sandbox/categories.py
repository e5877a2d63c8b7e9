"""The calls on tag categories: create, list, get, update, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from importer.clock import Clock
from importer.sandbox.answers import (
    Answer,
    FieldProblem,
    Problems,
    decode,
    encode,
    json_object,
    not_found,
    refused,
    result,
)
from importer.sandbox.bodies import name as check_name
from importer.sandbox.bodies import text as check_text
from importer.sandbox.filters import Query
from importer.sandbox.property_schema import check_schema
from importer.sandbox.store import Store
from importer.sandbox.tags import Tags, later, new_uuid, stamp

_FIELDS = ("name", "description", "schema")
_READ_ONLY = ("uuid", "createdAt", "updatedAt")


class Categories:
    """Answers the calls on categories; keeps the category's name in its tags up to date."""

    def __init__(self, store: Store, tags: Tags, clock: Clock, new_uuid: Callable[[], str] = new_uuid) -> None:
        self._store, self._tags, self._clock, self._new_uuid = store, tags, clock, new_uuid

    def create(self, body: bytes) -> Answer:
        given = _checked(json_object(body), required=True)
        now = stamp(self._clock.now())
        category = {"uuid": self._new_uuid(), **dict.fromkeys(_FIELDS), **given, "createdAt": now, "updatedAt": now}
        answer = encode(category)
        self._store.add_category(category["uuid"], category["name"].casefold(), answer.decode())
        return Answer(200, answer)

    def list(self, query: Query) -> Answer:
        found = self._store.categories(dict(query).get("search", "").casefold())
        return Answer(200, ('{"categories":[' + ",".join(found) + "]}").encode())

    def get(self, uuid: str) -> Answer:
        return result(self._existing(uuid))

    def update(self, uuid: str, body: bytes) -> Answer:
        given = json_object(body)
        with self._store.transaction():
            category = self._existing(uuid)
            changes = _checked(given, required=False)
            renamed = changes.get("name", category["name"]) != category["name"]
            category |= {**changes, "updatedAt": later(self._clock, category["updatedAt"])}
            answer = encode(category)
            self._store.replace_category(category["uuid"], category["name"].casefold(), answer.decode())
            if renamed:
                self._tags.category_changed(category["uuid"], category["name"])
        return Answer(200, answer)

    def delete(self, uuid: str) -> Answer:
        """Its tags stay, without a category (what the API does with them is not documented)."""
        with self._store.transaction():
            category = self._existing(uuid)
            self._tags.category_changed(category["uuid"], None)
            self._store.remove_category(category["uuid"])
        return result({"uuid": category["uuid"]})

    def _existing(self, uuid: str) -> dict[str, Any]:
        stored = self._store.category(uuid.lower())
        if stored is None:
            raise not_found("Category")
        return decode(stored)  # type: ignore[no-any-return]


def _checked(body: dict[str, Any], *, required: bool) -> dict[str, Any]:
    """What the body says of a category. Refusal (400) when something of it is wrong."""
    problems: Problems = [
        FieldProblem(("body", key), "Unrecognized key") for key in body if key not in (*_FIELDS, *_READ_ONLY)
    ]
    if "name" in body:
        check_name(body["name"], ("body", "name"), problems)
    elif required:
        problems.append(FieldProblem(("body", "name"), "Required"))
    if body.get("description") is not None:
        check_text(body["description"], ("body", "description"), problems)
    if body.get("schema") is not None:
        problems.extend(check_schema(body["schema"]))
    if problems:
        raise refused(problems)
    return {key: body[key] for key in _FIELDS if key in body}
