"""MISP galaxy clusters: a document with `values[]`, each with a name in `value` and details in `meta`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from importer.model import Issue, Place, Severity, SourceFile, Table
from importer.sources.flatten import flatten, object_tables, repeated_key_issues
from importer.sources.located import Opened, not_a_list
from importer.sources.options import ReadOptions
from importer.sources.tlp import marked

_ACTORS = re.compile(
    r"actor|activity.group|intrusion.set|adversar|\bapt\b|(threat|hacker|hacking|criminal).group", re.IGNORECASE
)
_OFTEN_ACTORS = re.compile(r"ransomware|\bgang|\bgroups?\b|campaign|operation|agenc", re.IGNORECASE)
COLUMNS = ("uuid", "value", "description")


def is_galaxy(value: Any) -> bool:
    """Whether a document is a galaxy cluster."""
    if not isinstance(value, dict) or not isinstance(value.get("values"), list):
        return False
    about = {"authors", "source", "category", "type", "uuid", "version", "name", "description"} & set(value)
    items = [item for item in value["values"][:20] if isinstance(item, dict)]
    return len(about) >= 3 and bool(items) and all("value" in item for item in items)


def read_galaxy(
    opened: Opened, value: dict[str, Any], options: ReadOptions, repeats: bool
) -> Iterator[SourceFile | Issue | Table]:
    """SourceFile, a warning for a galaxy of something close to actors, then the values; `repeats`: see `Parser`."""
    kind, category = str(value.get("type") or ""), str(value.get("category") or "")
    name = str(value.get("name") or kind or "a galaxy")
    rows = value["values"]
    details = {"galaxy": name, "type": kind, "category": category, "values": f"{len(rows):,}"}
    doubtful = False
    if not (_ACTORS.search(kind) or _ACTORS.search(category) or _ACTORS.search(name)):
        if not (_OFTEN_ACTORS.search(kind) or _OFTEN_ACTORS.search(name) or _OFTEN_ACTORS.search(category)):
            what = category or kind
            raise not_a_list(opened.file, f"the MISP galaxy {name!r}, {len(rows):,} entries of the category {what!r}")
        doubtful = True
    yield SourceFile(
        opened.file, "misp", opened.sha256, opened.size, {key: text for key, text in details.items() if text}
    )
    if doubtful:
        yield Issue(
            Severity.WARNING,
            "not-quite-actors",
            f"The galaxy lists {kind or name}, not actors; check that its names are what you want as tags.",
            Place(opened.file),
            value=category,
        )
    yield from object_tables(opened, "misp", _rows(opened.file, rows, repeats), options, COLUMNS)


def _rows(file: str, rows: list[Any], repeats: bool) -> Iterator[tuple[int, str, dict[str, str], list[Issue]]]:
    for number, item in enumerate(rows, 1):
        value = item if isinstance(item, dict) else {"value": item}
        value = marked(_bare_name(value))
        uuid = value.get("uuid")
        id_ = uuid if isinstance(uuid, str) else ""
        issues = repeated_key_issues(value, Place(file, row=number, id=id_)) if repeats else []
        yield number, id_, flatten(value, {}), issues


def _bare_name(value: dict[str, Any]) -> dict[str, Any]:
    """`Tin Weasel - G9001` is called Tin Weasel: MISP puts the id of ATT&CK behind it, which `meta` has, too."""
    meta, name = value.get("meta"), value.get("value")
    id_ = meta.get("external_id") if isinstance(meta, dict) else None
    if isinstance(name, str) and isinstance(id_, str) and id_ and name.endswith(f" - {id_}"):
        return {**value, "value": name.removesuffix(f" - {id_}")}
    return value
