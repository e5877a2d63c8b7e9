"""Lists that belong together, or stand within or beside the one that was chosen, in a JSON or YAML document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from importer.sources.json_text import Repeated
from importer.text.header_words import name_cells

Steps = tuple[str, ...]
"""The keys that lead to a place in a document."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OTHER_LISTS = _words(
    "incidents events malware malwares families vulnerabilities cves indicators iocs techniques tactics software "
    "tools campaigns victims breaches hashes domains observables sightings attack_patterns features dependencies "
    "packages"
)
"""What a list is called that holds something else than actors."""
_NO_SIBLINGS = OTHER_LISTS | _words(
    "targets sectors industries countries regions locations places vendors sources references refs links reports "
    "authors contributors contacts people persons users organizations organisations identities sponsors aliases "
    "synonyms motivations categories types exploits ttps relations relationships history changes changelog fields "
    "columns schema"
)
_ACTORS = _words("actors threat_actors threatactors threat-actors adversaries intrusion_sets apts apt_groups groups")
_ALIASES = frozenset({"aliases", "alias", "aka", "synonyms"})
"""What has these beside its name is an actor itself, whatever lists it holds."""


def merged(first: Mapping[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """An object with keys put in front of it; that it has a key twice stays known."""
    whole: dict[str, Any] = {**first, **item}
    if isinstance(item, Repeated):
        repeated = Repeated(whole)
        repeated.keys_repeated = item.keys_repeated
        return repeated
    return whole


def is_objects(value: Any) -> bool:
    """Whether a value is a list of objects, and not an empty one."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def common_keys(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """The keys that at least half of some objects have."""
    counts: Counter[str] = Counter()
    for keys, many in Counter(map(tuple, rows)).items():  # most rows have the same
        counts.update(dict.fromkeys(keys, many))
    return {key for key, count in counts.items() if count * 2 >= len(rows)}


def are_alike(one: Steps, left: set[str], other: Steps, right: set[str]) -> bool:
    """Whether two lists with these common keys are plainly parts of one: neighbours, with the same name key."""
    if len(one) != len(other) or sum(mine != theirs for mine, theirs in zip(one, other, strict=True)) != 1:
        return False
    if any(step.lower() in _NO_SIBLINGS for step in (*one, *other)):
        return False
    return bool(name_cells(left & right)) and len(left & right) * 2 >= len(left | right)


def group_word(path: Steps, other: Steps) -> str:
    """The step that tells two neighbours apart, as the first of them has it."""
    return next(step for step, right in zip(path, other, strict=True) if step != right)


def inner_list(rows: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    """The key of objects under which the records proper are lists, and whether nothing else is a name there.

    `{"region": "RU", "actors": [{...}]}` is a region, not an actor. Empty where the objects are the records.
    """
    lists = Counter(key for row in rows for key, item in row.items() if type(item) is list and is_objects(item))
    texts: set[str] = set()
    for row in rows:
        texts.update([key for key, item in row.items() if isinstance(item, str)])
    named = bool(name_cells(texts))
    for key, count in lists.most_common():
        if key.lower() in _NO_SIBLINGS or (named and (key.lower() not in _ACTORS or _ALIASES & common_keys(rows))):
            continue
        inner = [one for row in rows if is_objects(row.get(key)) for one in row[key]]
        if count * 2 >= len(rows) and name_cells(common_keys(inner)):
            return key, not named
    return "", False


def unfolded(rows: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The objects of the lists under `key`, what stands beside the list in front of each.

    The name of what holds them is `@key`, as a group's word is elsewhere; another word that both have is `group.word`.
    An object without such a list stays a row, so that it is told.
    """
    inner = {word for row in rows if is_objects(row.get(key)) for one in row[key] for word in one}
    shown = {word: f"group.{word}" for word in inner}
    if "@key" not in inner:
        names = name_cells({word: None for row in rows for word, item in row.items() if isinstance(item, str)})
        shown.update(dict.fromkeys(names[:1], "@key"))
    found: list[dict[str, Any]] = []
    for row in rows:
        if is_objects(row.get(key)):
            around = {shown.get(word, word): item for word, item in row.items() if word != key}
            found += [merged(around, one) for one in row[key]]
        elif row.get(key) or key not in row:
            found.append(row)
    return found
