"""Rows of STIX actors: their own keys, and what follows from references, links and markings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from importer.model import Issue, Place, Severity, SourceFile, Table
from importer.sources.flatten import cell, flatten, object_tables, repeated_key_issues
from importer.sources.json_text import Parser, json_text, parse
from importer.sources.options import ReadOptions
from importer.sources.stix_gather import Actor, StixFile, keys_of
from importer.sources.stix_graph import StixGraph, marking_ids
from importer.sources.tlp import is_label, said_of, strictest, strictness, word_of

COLUMNS = [
    "type", "id", "name", "description", "aliases", "created", "modified", "first_seen", "last_seen", "labels",
    "threat_actor_types", "roles", "sophistication", "resource_level", "primary_motivation", "secondary_motivations",
    "personal_motivations", "goals", "confidence", "revoked", "external_references", "urls", "attack_id", "country",
    "organization", "tlp", "related", "x_mitre_deprecated",
]  # fmt: skip
"""The columns that presets may count on, in this order; those that no actor fills are left out, but for the name."""

Version = tuple[int, int]
"""(position of the file in the run, position of the actor in the file's list)"""


def choose_versions(files: Iterable[StixFile]) -> tuple[set[Version], dict[int, list[Issue]]]:
    """Which version of each actor counts, the newest; and by file the issues for those that do not."""
    best: dict[str, Version] = {}
    lost: list[tuple[Version, str]] = []
    kept: set[Version] = set()
    listed = list(files)
    for file_position, file in enumerate(listed):
        for position, actor in enumerate(file.actors):
            version = (file_position, position)
            if not actor.id:
                kept.add(version)
                continue
            other = best.setdefault(actor.id, version)
            if other == version:
                continue
            if _moment(actor.modified) > _moment(listed[other[0]].actors[other[1]].modified):
                best[actor.id], version = version, other
            lost.append((version, actor.id))
    kept.update(best.values())
    issues: dict[int, list[Issue]] = {}
    for (file_position, position), id_ in lost:
        issues.setdefault(file_position, []).append(_same_id(listed, (file_position, position), best[id_]))
    return kept, issues


def read_stix(
    file: StixFile, kept: set[int], lost: list[Issue], graph: StixGraph, options: ReadOptions
) -> Iterator[SourceFile | Issue | Table]:
    """SourceFile, what was left out and why, then the actors; `kept` are positions in `file.actors`."""
    opened = file.opened
    details = {"STIX version": file.version, "objects": f"{file.objects:,}", "actors": f"{len(file.actors):,}"}
    if file.bundles > 1:
        details["bundles"] = f"{file.bundles:,}"
    if opened.packed:
        details["packed"] = opened.packed
    yield SourceFile(opened.file, "stix", opened.sha256, opened.size, details)
    if not file.actors:
        yield Issue(
            Severity.INFO,
            "no-actors",
            f"The file holds no actor, but {file.holds}; what it says of places, identities and markings is used.",
            Place(opened.file),
        )
    if file.more:
        yield Issue(
            Severity.WARNING,
            "more-pages",
            "The file is one page of a TAXII server's answer, and says that there are more; "
            "actors of the other pages are missing unless those are read along.",
            Place(opened.file),
        )
    yield from lost
    actors = [actor for position, actor in enumerate(file.actors) if position in kept]
    if not options.include_revoked:
        yield from _left_out(opened.file, [actor for actor in actors if actor.left_out])
        actors = [actor for actor in actors if not actor.left_out]
    # Which preset is right is a question of each actor: MITRE's own objects are published, other people's are not.
    groups: tuple[list[Actor], list[Actor]] = [], []
    for actor in actors:
        groups[_is_mitres(actor)].append(actor)
    parser = Parser(opened.file)
    for group in groups:
        rows = (_row(opened.file, actor, graph, parser) for actor in group)
        yield from object_tables(opened, "stix", rows, options, COLUMNS, sparse=True)


def _is_mitres(actor: Actor) -> bool:
    """Whether the actor is an object of ATT&CK itself, not one of somebody else's that refers to it."""
    return b'"x_mitre_' in bytes(actor.raw) and any(key.startswith("x_mitre_") for key in keys_of(actor.raw))


def _row(file: str, actor: Actor, graph: StixGraph, parser: Parser) -> tuple[int, str, dict[str, str], list[Issue]]:
    parser.repeats = False
    value: dict[str, Any] = parser.parse(actor.raw)
    issues = repeated_key_issues(value, Place(file, row=actor.number, id=actor.id)) if parser.repeats else []
    linked = actor.id in graph.links
    marked = "object_marking_refs" in value or "granular_markings" in value
    if linked or marked:
        issues += _unused(file, actor, value, graph)
    cells: dict[str, str] = {"name": cell(value.pop("name", ""))}
    references = value.pop("external_references", None)
    if isinstance(references, list):
        cells["external_references"] = json_text(references) if references else ""
        urls: dict[str, None] = {}
        attack_id: str | None = None
        for item in references:
            if not isinstance(item, dict):
                continue
            url, id_, source = item.get("url"), item.get("external_id"), item.get("source_name")
            if url and isinstance(url, str):
                urls[url] = None
            if attack_id is None and isinstance(id_, str) and isinstance(source, str) and source.startswith("mitre"):
                attack_id = id_
        cells["urls"] = json_text(list(urls)) if urls else ""
        cells["attack_id"] = attack_id or ""
    cells["tlp"] = _tlp(value, graph, marked)
    for key in _misps(tuple(value)):
        held = value[key]
        if isinstance(held, list) and len(held) == 1 and isinstance(held[0], str):
            value[key] = held[0]
    cells["related"] = cell(graph.same_actors(actor.id)) if linked else ""
    cells["organization"] = _one_or_list(graph.organizations(actor.id)) if linked else ""
    countries = graph.countries(actor.id) if linked else []
    if countries:
        own = value.pop("country", None)
        countries = list(dict.fromkeys([*countries, own] if isinstance(own, str) and own else countries))
        cells["country"] = _one_or_list(countries)
    flatten(value, cells)
    actor.raw = b""  # what is a row now need not be held twice
    return actor.number, actor.id, cells, issues


@lru_cache(maxsize=4_096)
def _misps(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of MISP's own properties: it writes each as a list, of one text as a rule."""
    return tuple(key for key in keys if key.startswith("x_misp_"))


def _tlp(value: dict[str, Any], graph: StixGraph, marked: bool) -> str:
    """The strictest TLP of markings, labels and properties; those are taken out of the actor.

    Where no word of them is known, it is what stands there: the mapping tells that it is unknown.
    """
    said, keys = said_of(value)
    by_marking = graph.tlp_of(value) if marked else ""
    if not said:
        return by_marking
    labels = value.get("labels")
    if isinstance(labels, list):
        value["labels"] = [one for one in labels if not is_label(one)]
    elif is_label(labels):
        del value["labels"]
    for key in keys:
        del value[key]
    unknown = next((text for text in said if text and not word_of(text)), "")
    return max(by_marking, strictest(iter(said)), key=strictness) or unknown


def _unused(file: str, actor: Actor, value: dict[str, Any], graph: StixGraph) -> Iterator[Issue]:
    """A warning for each kind of thing that other objects should say of an actor, but that is not in its row."""
    if "object_marking_refs" in value or "granular_markings" in value:
        for code, column, found, message in (
            (
                "unknown-marking",
                "object_marking_refs",
                graph.unknown_markings(value),
                "The marking's definition, or a TLP word in it, is not in what was read, so it does not count; "
                "read the file that defines it along, or check the TLP by hand.",
            ),
            (
                "disputed-marking",
                "object_marking_refs",
                [id_ for id_ in map(cell, marking_ids(value.get("object_marking_refs"))) if id_ in graph.disputed],
                "The marking is defined twice, with different TLP words; the stricter one was taken.",
            ),
            (
                "granular-marking",
                "granular_markings",
                graph.granular_tlp(value),
                "The TLP marks parts of the actor only; the strictest counts for the whole tag.",
            ),
        ):
            if found:
                yield Issue(
                    Severity.WARNING,
                    code,
                    message,
                    Place(file, row=actor.number, column=column, id=actor.id),
                    value=", ".join(found),
                )
    if actor.id in graph.links and (lost := graph.lost_places(actor.id)):
        yield Issue(
            Severity.WARNING,
            "unknown-place",
            "The actor is linked to a place that is not in what was read, is revoked or names no country; "
            "read the file that holds it along, or check the country by hand.",
            Place(file, row=actor.number, column="country", id=actor.id),
            value=", ".join(lost),
        )


def _one_or_list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else json_text(names) if names else ""


def _left_out(file: str, actors: list[Actor]) -> Iterator[Issue]:
    if actors:
        counts = Counter(actor.left_out for actor in actors)
        shown = " and ".join(f"{count:,} {word}" for word, count in sorted(counts.items(), reverse=True))
        yield Issue(
            Severity.INFO,
            "revoked-left-out",
            f"{shown} actor{'s were' if len(actors) > 1 else ' was'} left out; --include-revoked takes them in.",
            Place(file),
            value=", ".join(_name(file, actor) for actor in actors[:20]),
        )


def _same_id(files: list[StixFile], loser: Version, winner: Version) -> Issue:
    file, actor = files[loser[0]].opened.file, files[loser[0]].actors[loser[1]]
    other_file, other = files[winner[0]].opened.file, files[winner[0]].actors[winner[1]]
    same = bytes(actor.raw) == bytes(other.raw)
    if actor.modified == other.modified:
        reason = "the same" if same else "another version of the same time; the first was taken"
    else:
        reason = f"that one is newer ({other.modified}, this one {actor.modified}) and was taken"
    return Issue(
        Severity.INFO if same or actor.modified != other.modified else Severity.WARNING,
        "same-id",
        f"The actor stands in {other_file} #{other.number} too: {reason}.",
        Place(file, row=actor.number, column="id", id=actor.id),
        value=_name(file, actor),
    )


def _name(file: str, actor: Actor) -> str:
    value = parse(file, actor.raw)
    name = value.get("name")
    return str(name) if isinstance(name, str) else actor.id


def _moment(modified: str) -> str:
    """A STIX time for comparing: `...00Z` and `...00.000Z` are the same."""
    text = modified.strip().rstrip("Z")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(9, '0')}"
