"""What programs wrap lists of actors in: search hits, a user interface's export, pages of an API, a head with facts.

Taken off before the records are looked for; what it announces and what it says of all its records is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from importer.model import Issue, Place, Severity
from importer.sources.json_lists import OTHER_LISTS, is_objects
from importer.sources.json_text import NumberText
from importer.sources.tlp import marked
from importer.text.header_words import known_count, name_cells, normalised

MORE_PAGES = "more-pages"
"""The issue of a list that says itself that there is more of it."""
_NEXT = (
    "next", "next_page", "nextPage", "nextLink", "@odata.nextLink", "next_url", "next_cursor", "nextCursor",
    "more", "has_more", "hasMore", "hasNextPage", "has_next_page", "has_next",
)  # fmt: skip
_COUNTS = (
    "count", "total", "total_count", "totalCount", "total_results", "totalResults", "@odata.count", "recordsTotal",
    "totalElements", "totalItems", "total_items",
)  # fmt: skip
_PAGING = ("links", "_links", "meta", "metadata", "paging", "pagination", "page", "pageInfo", "page_info", "hits")
"""Objects beside the records in which the same is said."""
_OF_ALL = re.compile(r"(?:country|nation|origin|tlp|marking|motiv|sponsor)")
"""What the head of a document says once for all its actors (compared with normalised keys)."""
_NOT_OF_ALL = re.compile(r"target|victim|affected|publisher|vendor")
_SAID_OF_ACTORS = ("alias", "aka", "synonym", "other name", "also known", "country", "origin", "motiv", "sponsor")


class Envelope(Struct, frozen=True):
    """A document without its wrapping."""

    value: Any
    announced: int = 0
    """How many records there are, as the document says; 0 where it says nothing."""
    pages: bool = False
    """Whether it says that there are more pages."""
    head: Mapping[str, Any] = {}
    """What its head says of all its records, by key."""


def unwrapped(value: Any) -> Envelope:
    """The document with its records where they are looked for."""
    if isinstance(value, dict):
        around = [value, *(value[key] for key in _PAGING if isinstance(value.get(key), dict))]
        pages = any(one.get(key) not in (None, "", False, [], {}) for one in around for key in _NEXT)
        announced = next((int(one[key]) for one in around for key in _COUNTS if _whole(one.get(key))), 0)
        hits = value.get("hits")
        if isinstance(hits, dict) and is_objects(hits.get("hits")):
            total = hits.get("total")
            total = total.get("value") if isinstance(total, dict) else total
            return Envelope(_sources(hits["hits"]), int(str(total)) if _whole(total) else 0, pages)
        if set(value) == {"response"}:
            return Envelope(_clusters(value["response"]), announced, pages)
        if (clusters := value.get("GalaxyCluster")) and set(value) <= {"Galaxy", "GalaxyCluster"}:
            return Envelope(_clusters(clusters if isinstance(clusters, list) else [value]), announced, pages)
        if isinstance(value.get("GalaxyElement"), list):
            return Envelope(_clusters([value]), announced, pages)
        head = {
            key: item
            for one in around
            for key, item in one.items()
            if isinstance(item, str) and item and (_is_of_all(key) if one is value else normalised(key) == "tlp")
        }
        if "tlp" not in map(normalised, head) and "tlp" in (whole := marked({**value, "meta": None})):
            head["tlp"] = whole["tlp"]
        return Envelope([value] if _is_actor(value) else value, announced, pages, head)
    if is_objects(value):
        return Envelope(_clusters(_sources(value)))
    return Envelope(value)


def issues(file: str, envelope: Envelope, rows: int) -> Iterator[Issue]:
    """A warning where the document says that there is more than it holds."""
    if envelope.announced <= rows and not envelope.pages:
        return
    said = f"{envelope.announced:,} records" if envelope.announced > rows else "more pages"
    message = f"The document announces {said}, and holds {rows:,}; get the others, too, or actors are missing."
    yield Issue(Severity.WARNING, MORE_PAGES, message, Place(file))


def with_head(rows: list[dict[str, Any]], head: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records with what the head says of all of them, where a record does not say it itself."""
    if not head:
        return rows
    own = {normalised(key): key for row in rows for key in row}
    more = {own.get(normalised(key), key): item for key, item in head.items()}
    return [{**row, **{key: item for key, item in more.items() if not row.get(key)}} if row else row for row in rows]


def _sources(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents of search hits (`_index`, `_id`, `_source`)."""
    if all(isinstance(row.get("_source"), dict) and "_id" in row for row in rows):
        return [row["_source"] for row in rows]
    return rows


def _clusters(rows: Any) -> Any:
    """Galaxy clusters as MISP's user interface exports them: elements become the cluster's `meta`."""
    if not is_objects(rows):
        return rows
    inside = [row.get("GalaxyCluster") or row for row in rows]
    found = [one for item in inside for one in (item if is_objects(item) else [item]) if isinstance(one, dict)]
    if not any(isinstance(row.get("GalaxyElement"), list) for row in found):
        return rows
    return {
        "name": str(found[0].get("type") or ""), "type": found[0].get("type"), "authors": [], "version": "",
        "values": [_cluster(one) for one in found],
    }  # fmt: skip


def _cluster(one: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, list[Any]] = {}
    for element in one.get("GalaxyElement") or ():
        if isinstance(element, dict) and isinstance(element.get("key"), str):
            meta.setdefault(element["key"], []).append(element.get("value"))
    kept: dict[str, Any] = {
        key: one[key] for key in ("value", "uuid", "description", "deleted", "revoked", "Tag", "tlp") if key in one
    }
    return {**kept, "meta": {key: held[0] if len(held) == 1 else held for key, held in meta.items()}}


def _is_actor(value: dict[str, Any]) -> bool:
    """Whether a document is one actor: it has a name and what is said of actors, and no list of others in it."""
    plain = [key for key, item in value.items() if isinstance(item, str) and item]
    said = [key for key in value if any(word in normalised(key) for word in _SAID_OF_ACTORS)]
    lists = [key for key, item in value.items() if is_objects(item) and key.lower() not in OTHER_LISTS]
    inside = [key for key in lists if name_cells({word for one in value[key] for word in one})]
    return bool(name_cells(plain)) and bool(said) and known_count(value) > 1 and not inside


def _is_of_all(key: str) -> bool:
    word = normalised(key)
    return bool(_OF_ALL.search(word)) and not _NOT_OF_ALL.search(word)


def _whole(value: Any) -> bool:
    return isinstance(value, (NumberText, int)) and not isinstance(value, bool) and str(value).isdecimal()
