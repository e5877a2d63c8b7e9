"""Where the records are in a JSON or YAML document, and what a document is that has none."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from msgspec import Struct

from importer.errors import SourceError, UsageError
from importer.sources.header_words import known_count
from importer.sources.refusal import not_a_list

_LIKELY = tuple(
    "values data actors threat_actors threatactors threat-actors groups items results records rows entries "  # noqa: SIM905
    "objects list content intrusion_sets adversaries resources hits tags result".split()
)
_OTHER_LISTS = frozenset(
    "incidents events malware malwares families vulnerabilities cves indicators iocs techniques tactics software "  # noqa: SIM905
    "tools campaigns victims breaches hashes domains observables sightings attack_patterns features dependencies "
    "packages".split()
)
_RECORDS_HINT = "If it lists actors all the same, name it as the records path, `{}`, in the mapping."
_STEP = re.compile(r"\A([^\[\]]*)((?:\[\d*\])*)\Z")


class Records(Struct, frozen=True):
    """The records of a document: (1-based position, object or dictionary entry)."""

    path: str
    rows: list[dict[str, Any]]
    shape: str
    """objects, dictionary, grouped or texts: what the document was made of."""


def find_records(file: str, value: Any, path: str = "") -> Records:
    """The records at `path`, or at the likeliest place; SourceError saying what it looks like when there are none."""
    if path:
        found = _at(file, value, path)
        records = _as_records(path, found)
        if records is None:
            raise SourceError(f"{file} has no list of records at {path}: {_kind(found)} stands there.")
        return records
    looks = _looks_like(value)
    if looks:
        raise not_a_list(file, looks)
    best: tuple[float, Records] | None = None
    for where, item, depth in _places(value):
        records = _as_records(where or "$", item)
        if records is None or (records.shape in ("dictionary", "texts") and depth > 1):
            continue
        score = _score(records, where, depth)
        if best is None or score > best[0]:
            best = score, records
    if best is None or best[0] <= 0:
        raise not_a_list(file, f"{_kind(value)} without a list of records in it")
    about = best[1].path.rpartition(".")[2].lower()
    if about in _OTHER_LISTS:
        raise not_a_list(file, f"a list of {about.replace('_', ' ')}", hint=_RECORDS_HINT.format(best[1].path))
    return best[1]


def _places(value: Any, path: str = "", depth: int = 0) -> list[tuple[str, Any, int]]:
    """The document itself and everything in it down to three levels of keys."""
    found = [(path, value, depth)]
    if isinstance(value, dict) and depth < 3 and len(value) <= 200:
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                found += _places(item, f"{path}.{key}" if path else key, depth + 1)
    return found


def _score(records: Records, where: str, depth: int) -> float:
    key = where.rpartition(".")[2].lower()
    score = {"grouped": 12.0, "objects": 10.0, "dictionary": 4.0, "texts": 3.0}[records.shape] - depth
    if key in _LIKELY:
        score += 5 - _LIKELY.index(key) * 0.05
    elif depth and records.shape in ("dictionary", "texts"):
        score -= 5
    return score + min(len(records.rows), 1000) / 1000


def _as_records(path: str, value: Any) -> Records | None:
    if isinstance(value, list) and value:
        objects = sum(1 for item in value if isinstance(item, dict))
        if objects * 2 > len(value):
            return Records(path, [item if isinstance(item, dict) else {"@value": item} for item in value], "objects")
        if all(not isinstance(item, (dict, list)) for item in value):
            return Records(path, [{"@value": item} for item in value], "texts")
        if all(isinstance(item, list) for item in value):
            return _from_arrays(path, value)
        return None
    if isinstance(value, dict) and value:
        return _from_dictionary(path, value)
    return None


def _from_arrays(path: str, value: list[list[Any]]) -> Records | None:
    """A table as an array of arrays, its first one the header."""
    words = value[0]
    if not words or not all(isinstance(word, str) and word for word in words) or len(set(words)) != len(words):
        return None
    if len(value) < 2 or any(len(row) > len(words) for row in value):
        return None
    return Records(path, [dict(zip(words, row, strict=False)) for row in value[1:]], "objects")


def _from_dictionary(path: str, value: dict[str, Any]) -> Records | None:
    """Name -> aliases, or name -> object: the key is `@key`, a plain value `@value`."""
    items = list(value.items())
    if all(isinstance(item, dict) for _, item in items):
        if not _alike([item for _, item in items]):
            return None
        return Records(path, [{"@key": key, **item} for key, item in items], "dictionary")
    if all(isinstance(item, list) and all(isinstance(one, str) for one in item) for _, item in items):
        return Records(path, [{"@key": key, "@value": item} for key, item in items], "dictionary")
    grouped = [(key, item) for key, item in items if isinstance(item, list) and item]
    if len(grouped) > 1 and all(isinstance(one, dict) for _, item in grouped for one in item):
        return _from_groups(path, items, grouped)
    plain = sum(1 for _, item in items if isinstance(item, str) or item is None)
    lists = sum(1 for _, item in items if isinstance(item, list) and all(isinstance(one, str) for one in item))
    words = plain == len(items) > 1 and not known_count(value) and not any(str(key).startswith("$") for key in value)
    if plain + lists == len(items) and (lists or words):
        return Records(path, [{"@key": key, "@value": item} for key, item in items], "dictionary")
    return None


def _from_groups(
    path: str, items: list[tuple[str, Any]], grouped: list[tuple[str, list[dict[str, Any]]]]
) -> Records | None:
    """Group -> records (`{"Russia": [...], "China": [...]}`): all of them, the group's word as `@key`.

    Only where the groups are alike and nothing else stands beside them; else one of the lists is meant.
    """
    if any(isinstance(item, dict) for _, item in items) or any(key.lower() in _OTHER_LISTS for key, _ in grouped):
        return None
    shared = set.intersection(*({key for one in item for key in one} for _, item in grouped))
    if not known_count(shared):
        return None
    return Records(path, [{"@key": key, **one} for key, item in grouped for one in item], "grouped")


def _alike(entries: list[dict[str, Any]]) -> bool:
    """Whether objects are of one kind: most share a key, or a lone one has a key that lists of actors have."""
    counts = Counter(key for entry in entries for key in entry)
    if set(counts) <= {"type", "format", "pattern", "properties", "$ref", "description", "items", "required"}:
        return False
    if len(entries) == 1:
        return known_count(counts) > 0
    return any(count * 2 >= len(entries) for count in counts.values())


def _at(file: str, value: Any, path: str) -> Any:
    if path in ("$", "."):
        return value
    here = value
    for step in path.removeprefix("$.").split("."):
        match = _STEP.match(step)
        if match is None:
            raise UsageError(f"{path!r} is no records path; one is written like `data.actors[]` or `values`.")
        key, brackets = match[1], re.findall(r"\[(\d*)\]", match[2])
        if key:
            if isinstance(here, list):
                here = [item[key] for item in here if isinstance(item, dict) and key in item]
                here = [one for item in here for one in (item if isinstance(item, list) else [item])]
            elif isinstance(here, dict) and key in here:
                here = here[key]
            else:
                known = ", ".join(list(here)[:20]) if isinstance(here, dict) else ""
                raise SourceError(
                    f"{file} has no {key!r} on the way to its records ({path}).",
                    hint=f"Its keys are: {known}." if known else "",
                )
        for index in brackets:
            if index:
                if not isinstance(here, list) or int(index) >= len(here):
                    raise SourceError(f"{file} has no item {index} on the way to its records ({path}).")
                here = here[int(index)]
    return here


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        keys = ", ".join(str(key)[:40] for key in list(value)[:6])
        return f"an object with the keys {keys}" if keys else "an empty object"
    if isinstance(value, list):
        return "an empty list" if not value else "a list of mixed values"
    return "a single value"


def _looks_like(value: Any) -> str:
    """Well-known documents that hold lists of something else."""
    if isinstance(value, list):
        first = value[0] if value else None
        if isinstance(first, dict) and isinstance(first.get("Event"), dict) and "info" in first["Event"]:
            return "a list of MISP events"
        return "an empty list" if value == [] else ""
    if not isinstance(value, dict):
        return "a single value"
    keys = set(value)
    if isinstance(value.get("collections"), list) and any(
        isinstance(item, dict) and "versions" in item for item in value["collections"]
    ):
        return "an ATT&CK collection index, which only says where bundles are; give it a bundle (…-attack.json)"
    if isinstance(value.get("Event"), dict) and keys <= {"Event", "response"}:
        return "a MISP event"
    if {"namespace", "predicates"} <= keys:
        return "a MISP taxonomy"
    if {"list", "matching_attributes"} <= keys or ({"list", "version", "type"} <= keys and "name" in keys):
        return "a MISP warninglist"
    if {"namespace", "icon", "uuid"} <= keys and "values" not in keys:
        return "the description of a MISP galaxy, without its cluster of values"
    if value.get("type") in ("FeatureCollection", "Topology"):
        return "a map (GeoJSON)"
    if "techniques" in keys and ("domain" in keys or "versions" in keys):
        return "an ATT&CK Navigator layer"
    if "$schema" in keys and ("properties" in keys or "definitions" in keys or "$defs" in keys or "allOf" in keys):
        return "a JSON schema"
    if {"openapi", "paths"} <= keys or {"swagger", "paths"} <= keys:
        return "an API description (OpenAPI)"
    if value.get("type") == "bundle" and not value.get("objects"):
        return "a STIX bundle without objects"
    return ""
