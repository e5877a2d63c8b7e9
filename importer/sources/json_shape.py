"""Which part of a JSON or YAML document is the list of records."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from msgspec import Struct

from importer.errors import SourceError, UsageError
from importer.masking import guarded
from importer.sources.json_lists import (
    OTHER_LISTS,
    Steps,
    are_alike,
    common_keys,
    group_word,
    inner_list,
    is_objects,
    merged,
    unfolded,
)
from importer.sources.json_text import Repeated
from importer.sources.located import not_a_list
from importer.text.header_words import known_count, name_cells


def kind_of(value: Any) -> str:
    """A value in a few words, for a sentence."""
    if isinstance(value, dict):
        keys = ", ".join(guarded(str(key), 40) for key in list(value)[:6])
        return f"an object with the keys {keys}" if keys else "an empty object"
    if isinstance(value, list):
        return "an empty list" if not value else "a list of mixed values"
    return "a single value"


def looks_like(value: Any) -> str:
    """Well-known documents that hold lists of something else."""
    if isinstance(value, list):
        first = value[0] if value else None
        if isinstance(first, dict) and isinstance(first.get("Event"), dict) and "info" in first["Event"]:
            return "a list of MISP events"
        if isinstance(first, dict) and isinstance(first.get("Galaxy"), dict) and "GalaxyCluster" not in first:
            return "MISP's list of galaxies; one of them is at galaxies/view/ID.json"
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


_LIKELY = tuple(
    "values data actors threat_actors threatactors threat-actors groups items results records rows entries "  # noqa: SIM905
    "objects list content intrusion_sets adversaries resources hits tags result".split()
)
_RECORDS_HINT = "If it lists actors all the same, name it as the records path, `{}`, in the mapping."
_STEP = re.compile(r"\A([^\[\]]*)((?:\[\d*\])*)\Z")


class Other(Struct, frozen=True):
    """A list beside the records that was not read."""

    path: str
    count: int
    likely: bool
    """Whether it may hold actors too."""


class Records(Struct, frozen=True):
    """The records of a document: (1-based position, object or dictionary entry)."""

    path: str
    rows: list[dict[str, Any]]
    shape: str
    """objects, dictionary, grouped or texts: what the document was made of."""
    others: tuple[Other, ...] = ()
    repeated: tuple[str, ...] = ()
    """Key paths outside the records that stand more than once in their object."""


Place = tuple[float, Steps, Records]
"""A list in a document with its score."""


def find_records(file: str, value: Any, path: str = "") -> Records:
    """The records at `path`, or at the likeliest place; SourceError saying what it looks like when there are none."""
    if path:
        there = _at(file, value, path)
        named = _as_records(path, there)
        if named is None:
            raise SourceError(f"{file} has no list of records at {path}: {kind_of(there)} stands there.")
        return named
    looks = looks_like(value)
    if looks:
        raise not_a_list(file, looks)
    places = _places(value)
    found: list[Place] = []
    for steps, item in places:
        records = _as_records(".".join(steps) or "$", item)
        if records is not None and not (records.shape in ("dictionary", "texts") and len(steps) > 1):
            found.append((_score(records, steps), steps, records))
    best = max(found, key=lambda one: one[0], default=None)
    if best is None or best[0] <= 0:
        raise not_a_list(file, f"{kind_of(value)} without a list of records in it")
    about = best[1][-1].lower() if best[1] else ""
    if about in OTHER_LISTS:
        raise not_a_list(file, f"a list of {about.replace('_', ' ')}", hint=_RECORDS_HINT.format(best[2].path))
    return _with_others(best, found, _repeated(places, best[1]))


def _with_others(best: Place, found: list[Place], repeated: tuple[str, ...]) -> Records:
    """The chosen list, with those that are plainly parts of it; the others are named."""
    _, steps, records = best
    parts, others = [], []
    taken, keys = {steps}, common_keys(records.rows)
    for place in sorted(found, key=lambda one: len(one[1])):
        _, at, more = place
        within = any(at[:length] in taken for length in range(len(at) + 1)) or steps[: len(at)] == at
        if within and at != steps:
            continue
        theirs = common_keys(more.rows)
        if at == steps or (records.shape == more.shape == "objects" and are_alike(steps, keys, at, theirs)):
            parts.append(place)
        elif more.shape in ("objects", "grouped") or (more.shape == "dictionary" and at[-1].lower() in _LIKELY):
            likely = at[-1].lower() not in OTHER_LISTS and (more.shape == "dictionary" or bool(name_cells(theirs)))
            others.append(Other(more.path, len(more.rows), likely))
        else:
            continue
        taken.add(at)
    path, rows, shape = records.path, records.rows, records.shape
    if len(parts) > 1:
        order = {at: number for number, (_, at, _) in enumerate(found)}
        parts.sort(key=lambda one: order[one[1]])
        words = [group_word(at, steps if at != steps else _another(parts, at)) for _, at, _ in parts]
        rows = [
            merged({"@key": word}, row) for word, (_, _, part) in zip(words, parts, strict=True) for row in part.rows
        ]
        path, shape = ", ".join(part.path for _, _, part in parts[:3]), "grouped"
        path += f" and {len(parts) - 3:,} more" if len(parts) > 3 else ""
    for _ in range(3):
        key, alone = inner_list(rows)
        inner = f"{path}[].{key}" if path != "$" else key
        if not key:
            break
        if not alone:  # a country by its name, most likely; were it an actor, the list would be taken for its name
            others.append(Other(path, len(rows), likely=True))
        path, rows = inner, unfolded(rows, key)
    return Records(path, rows, shape, tuple(others), repeated)


def _another(parts: list[Place], at: Steps) -> Steps:
    return next(other for _, other, _ in parts if other != at)


def _repeated(places: list[tuple[Steps, Any]], chosen: Steps) -> tuple[str, ...]:
    """Keys that stand twice in the objects around the records, or in the dictionary that they are."""
    return tuple(
        ".".join((*steps, key))
        for steps, item in places
        if isinstance(item, Repeated) and (steps == chosen or steps[: len(chosen)] != chosen)
        for key in item.keys_repeated
    )


def _places(value: Any, steps: Steps = ()) -> list[tuple[Steps, Any]]:
    """The document itself and everything in it down to three levels of keys."""
    found = [(steps, value)]
    if isinstance(value, dict) and len(steps) < 3 and len(value) <= 1000:
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                found += _places(item, (*steps, key))
    return found


def _score(records: Records, steps: Steps) -> float:
    key, depth = steps[-1].lower() if steps else "", len(steps)
    score = {"grouped": 12.0, "objects": 10.0, "dictionary": 4.0, "texts": 3.0}[records.shape] - depth
    if key in _LIKELY:
        score += 5 - _LIKELY.index(key) * 0.05
    elif depth and records.shape in ("dictionary", "texts"):
        score -= 5
    elif depth > 1 and records.shape == "objects" and not name_cells(common_keys(records.rows)):
        score -= 6  # the references of an actor, more likely than a list of actors
    if records.shape == "dictionary":
        told = [row for row in records.rows if set(row) > {"@key"}]
        plain = [{word for word, item in row.items() if not is_objects(item)} for row in told]
        counts = Counter(word for words in plain for word in words)
        if known_count(word for word, count in counts.items() if count * 2 >= len(plain) and word[:1] != "@") > 1:
            score += 6  # what is said of each entry is what is said of actors
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
        return Records(path, [merged({"@key": key}, item) for key, item in items], "dictionary")
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
    if any(isinstance(item, dict) for _, item in items) or any(key.lower() in OTHER_LISTS for key, _ in grouped):
        return None
    shared = set.intersection(*({key for one in item for key in one} for _, item in grouped))
    if not known_count(shared):
        return None
    return Records(path, [merged({"@key": key}, one) for key, item in grouped for one in item], "grouped")


def _alike(entries: list[dict[str, Any]]) -> bool:
    """Whether objects are of one kind: most share a key, or a lone one has a key that lists of actors have."""
    entries = [entry for entry in entries if entry]  # of many an actor nothing is known but the name
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
            raise UsageError(f"{path!r} is not a records path; one is written like `data.actors[]` or `values`.")
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
