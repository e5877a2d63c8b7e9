"""The calls on tag categories: create, list, update, delete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from importer.clock import Clock
from importer.sandbox.answers import Answer, FieldProblem, Refusal, encode, not_found, refused_fields
from importer.sandbox.property_schema import check_schema
from importer.sandbox.store import Store
from importer.sandbox.tag_body import name as check_name
from importer.sandbox.tag_body import text as check_text
from importer.sandbox.tags import Query, Tags, decode, parse_body, stamp


class Categories:
    """Answers the calls on categories of one account; keeps the category's name in its tags up to date."""

    def __init__(
        self, store: Store, account: str, tags: Tags, clock: Clock, new_uuid: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        self._store, self._account, self._tags, self._clock, self._new_uuid = store, account, tags, clock, new_uuid

    def create(self, body: bytes) -> Answer:
        given = _checked(parse_body(body), required=True)
        now = stamp(self._clock.now())
        category = {
            "uuid": self._new_uuid(),
            "name": given["name"],
            "description": given.get("description"),
            "schema": given.get("schema"),
            "createdAt": now,
            "updatedAt": now,
        }
        answer = encode(category)
        with self._store.write(single=True):
            self._store.add_category(self._account, category["uuid"], given["name"].casefold(), answer.decode())
        return Answer(200, answer)

    def list(self, query: Query) -> Answer:
        found = self._store.categories(self._account, dict(query).get("search", "").casefold())
        return Answer(200, ('{"categories":[' + ",".join(found) + "]}").encode())

    def update(self, uuid: str, body: bytes) -> Answer:
        given = parse_body(body)
        with self._store.write():
            stored = self._store.category(self._account, uuid.lower())
            if stored is None:
                raise Refusal(not_found("Category"))
            category = decode(stored)
            moment = max(self._clock.now(), datetime.fromisoformat(category["updatedAt"]) + timedelta(milliseconds=1))
            changes = _checked(given, required=False)
            renamed = changes.get("name", category["name"]) != category["name"]
            category.update(changes, updatedAt=stamp(moment))
            answer = encode(category)
            self._store.replace_category(self._account, category["uuid"], category["name"].casefold(), answer.decode())
            if renamed:
                self._tags.category_changed(category["uuid"], category["name"])
        return Answer(200, answer)

    def delete(self, uuid: str) -> Answer:
        """Its tags stay, without a category (what the API does with them is not documented)."""
        with self._store.write():
            if self._store.category(self._account, uuid.lower()) is None:
                raise Refusal(not_found("Category"))
            self._tags.category_changed(uuid.lower(), None)
            self._store.remove_category(self._account, uuid.lower())
        return Answer(200, encode({"uuid": uuid.lower()}))


def _checked(body: Any, *, required: bool) -> dict[str, Any]:
    problems: list[FieldProblem] = []
    if type(body) is not dict:
        raise Refusal(refused_fields([FieldProblem(("body",), "Expected object")]))
    given = {key: body[key] for key in ("name", "description", "schema") if key in body}
    problems.extend(
        FieldProblem(("body", key), "Unrecognized key")
        for key in body.keys() - given.keys() - {"uuid", "createdAt", "updatedAt"}
    )
    if "name" in given:
        check_name(given["name"], ("body", "name"), problems)
    elif required:
        problems.append(FieldProblem(("body", "name"), "Required"))
    if given.get("description") is not None:
        check_text(given["description"], ("body", "description"), problems)
    if given.get("schema") is not None:
        problems.extend(check_schema(given["schema"]))
    if problems:
        raise Refusal(refused_fields(problems))
    return given
