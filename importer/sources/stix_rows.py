"""Rows of STIX actors: their own keys, and what follows from references, links and markings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from importer.model import Issue, Place, Severity, SourceFile, Table
from importer.sources.flatten import cell, flatten, object_tables, repeated_key_issues
from importer.sources.json_text import json_text, parse
from importer.sources.options import ReadOptions
from importer.sources.stix_gather import Actor, StixFile, keys_of
from importer.sources.stix_graph import StixGraph, marking_ids
from importer.sources.tlp import is_label, is_property, labelled, properties, strictest, strictness, word_of

COLUMNS = [
    "type",
    "id",
    "name",
    "description",
    "aliases",
    "created",
    "modified",
    "first_seen",
    "last_seen",
    "labels",
    "threat_actor_types",
    "roles",
    "sophistication",
    "resource_level",
    "primary_motivation",
    "secondary_motivations",
    "personal_motivations",
    "goals",
    "confidence",
    "revoked",
    "external_references",
    "urls",
    "attack_id",
    "country",
    "organization",
    "tlp",
    "related",
    "x_mitre_deprecated",
]
"""The columns that presets may count on, in this order; those that no actor fills are left out, but for the name."""

Version = tuple[int, int]
"""(position of the file in the run, position of the actor in the file's list)"""


def choose_versions(files: Iterable[StixFile]) -> tuple[set[Version], dict[int, list[Issue]]]:
    """Which version of each actor counts, the newest; and by file the issues for those that do not."""
    best: dict[str, tuple[str, Version]] = {}
    lost: list[tuple[Version, str]] = []
    kept: set[Version] = set()
    listed = list(files)
    for file_position, file in enumerate(listed):
        for position, actor in enumerate(file.actors):
            version = (file_position, position)
            if not actor.id:
                kept.add(version)
                continue
            other = best.get(actor.id)
            if other is None:
                best[actor.id] = (_moment(actor.modified), version)
            elif _moment(actor.modified) > other[0]:
                lost.append((other[1], actor.id))
                best[actor.id] = (_moment(actor.modified), version)
            else:
                lost.append((version, actor.id))
    kept.update(version for _, version in best.values())
    issues: dict[int, list[Issue]] = {}
    for (file_position, position), id_ in lost:
        issues.setdefault(file_position, []).append(_same_id(listed, (file_position, position), best[id_][1]))
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
    for group in groups:
        rows = (_row(opened.file, actor, graph) for actor in group)
        yield from object_tables(opened, "stix", rows, options, COLUMNS)


def _is_mitres(actor: Actor) -> bool:
    """Whether the actor is an object of ATT&CK itself, not one of somebody else's that refers to it."""
    return b'"x_mitre_' in actor.raw and any(key.startswith("x_mitre_") for key in keys_of(actor.raw))


def _row(file: str, actor: Actor, graph: StixGraph) -> tuple[int, str, dict[str, str], list[Issue]]:
    value: dict[str, Any] = parse(file, actor.raw)
    issues = repeated_key_issues(value, Place(file, row=actor.number, id=actor.id))
    issues += _unused(file, actor, value, graph)
    cells: dict[str, str] = {"name": cell(value.pop("name", ""))}
    references = value.pop("external_references", None)
    if isinstance(references, list):
        cells["external_references"] = json_text(references) if references else ""
        found = [item for item in references if isinstance(item, dict)]
        urls = list(dict.fromkeys(item["url"] for item in found if isinstance(item.get("url"), str) and item["url"]))
        cells["urls"] = json_text(urls) if urls else ""
        ids = (
            item["external_id"]
            for item in found
            if isinstance(item.get("external_id"), str)
            and isinstance(item.get("source_name"), str)
            and item["source_name"].startswith("mitre")
        )
        cells["attack_id"] = next(ids, "")
    cells["tlp"] = _tlp(value, graph)
    for key, held in value.items():
        # MISP writes each of its own properties as a list, of one text as a rule.
        if key.startswith("x_misp_") and isinstance(held, list) and len(held) == 1 and isinstance(held[0], str):
            value[key] = held[0]
    linked = actor.id in graph.links
    cells["related"] = cell(graph.same_actors(actor.id)) if linked else ""
    cells["organization"] = _one_or_list(graph.organizations(actor.id)) if linked else ""
    countries = graph.countries(actor.id) if linked else []
    if countries:
        own = value.pop("country", None)
        countries = list(dict.fromkeys([*countries, own] if isinstance(own, str) and own else countries))
        cells["country"] = _one_or_list(countries)
    flatten(value, cells)
    return actor.number, actor.id, {key: text for key, text in cells.items() if text or key == "name"}, issues


def _tlp(value: dict[str, Any], graph: StixGraph) -> str:
    """The strictest TLP of markings, labels and properties; those are taken out of the actor.

    Where no word of them is known, it is what stands there: the mapping tells that it is unknown.
    """
    said = [*labelled(value), *properties(value)]
    if not said:
        return graph.tlp_of(value)
    labels = value.get("labels")
    if isinstance(labels, list):
        value["labels"] = [one for one in labels if not is_label(one)]
    elif is_label(labels):
        del value["labels"]
    for key in [key for key in value if is_property(key)]:
        del value[key]
    unknown = next((text for text in said if text and not word_of(text)), "")
    return max(graph.tlp_of(value), strictest(iter(said)), key=strictness) or unknown


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
    same = actor.raw == other.raw
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
