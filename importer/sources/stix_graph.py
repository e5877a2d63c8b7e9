"""What the STIX files of a run say about actors outside the actors: links, places, identities and markings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from importer.sources.flatten import cell
from importer.sources.tlp import is_label, strictness, word_of

PREDEFINED: Mapping[str, str] = MappingProxyType(
    {
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "white",
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
        "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
        "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
        "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
        "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
    }
)
KNOWN = frozenset({*PREDEFINED, "marking-definition--fa42a846-8d90-4e51-bc29-71d5b4802168"})
"""Needs no definition: the predefined ones, and MITRE's copyright, which ATT&CK's files of one object leave out."""
_TLP_2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"


def marking_tlp(marking: Mapping[str, Any]) -> str:
    """The TLP word that a marking-definition object defines; empty for a statement or anything else."""
    definition, extensions = marking.get("definition"), marking.get("extensions")
    said = [text for key, text in marking.items() if key.startswith("x_") or key in ("name", "definition")]
    if isinstance(definition, dict):
        said += [text for key, text in definition.items() if key.lower() == "statement"]
    words = [word_of(text) for text in said if is_label(text)]
    if isinstance(definition, dict):
        words += [word_of(text) for key, text in definition.items() if key.lower() == "tlp"]
    if isinstance(extensions, dict) and isinstance(extensions.get(_TLP_2), dict):
        words.append(word_of(extensions[_TLP_2].get("tlp_2_0")))
    return max(words, key=strictness, default="")


def strictest(ids: Iterable[Any], defined: Mapping[str, str]) -> str:
    """The most restrictive TLP among marking ids; empty when none of them is a TLP."""
    words = [PREDEFINED.get(id_) or defined.get(id_, "") for id_ in ids if isinstance(id_, str)]
    return max(words, key=strictness, default="")


def marking_ids(value: Any) -> list[Any]:
    """`object_marking_refs` as a list; a single id counts as a list of one."""
    return value if isinstance(value, list) else [value] if value else []


def granular(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(marking id, what it marks) of an object's granular markings; those of languages have no id."""
    for one in marking_ids(value.get("granular_markings")):
        if isinstance(one, dict) and isinstance(one.get("marking_ref"), str):
            yield one["marking_ref"], ", ".join(str(part) for part in marking_ids(one.get("selectors")))


SAME_ACTOR = frozenset(
    ("similar", "similar-to", "same-as", "duplicate-of", "duplicate", "equivalent", "alias-of", "also-known-as")
)
"""Kinds of links, of STIX and of MISP, by which a source says that two actors are one."""
_PLACE_LINKS = ("originates-from", "located-at")
_STEPS = 4
"""How far `attributed-to` is followed: from a campaign's intrusion set to its actor, its sponsor, its ministry."""


@dataclass(slots=True)
class StixGraph:
    """Filled while the files of a run are gone through, asked when rows are made."""

    links: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Source id -> (kind of link, target id)."""
    places: dict[str, str] = field(default_factory=dict)
    """Location id -> its country, else region, else name."""
    identities: dict[str, str] = field(default_factory=dict)
    tlp: dict[str, str] = field(default_factory=dict)
    disputed: set[str] = field(default_factory=set)
    """Ids of markings that two definitions give different words: the stricter counts."""
    markings: set[str] = field(default_factory=set)
    """Ids of the markings that are understood: a TLP, or plainly something else."""

    def add(self, value: Any) -> None:
        """One relationship, location, identity or marking-definition."""
        if not isinstance(value, dict) or value.get("revoked") is True:
            return
        id_ = value.get("id")
        kind = value.get("type")
        if kind == "relationship":
            source, target = value.get("source_ref"), value.get("target_ref")
            if isinstance(source, str) and isinstance(target, str):
                found = self.links.setdefault(source, [])
                if (link := (str(value.get("relationship_type")), target)) not in found:
                    found.append(link)
        elif not isinstance(id_, str):
            return
        elif kind == "location":
            self.places[id_] = _first_text(value, ("country", "region", "name"))
        elif kind == "identity":
            self.identities[id_] = _first_text(value, ("name",))
        elif kind == "marking-definition":
            word = marking_tlp(value)
            if word:
                before = self.tlp.get(id_, word)
                if before != word:
                    self.disputed.add(id_)
                self.tlp[id_] = max(before, word, key=strictness)
            kind_of_marking = value.get("definition_type")
            if word or not (isinstance(kind_of_marking, str) and kind_of_marking.strip().lower().startswith("tlp")):
                self.markings.add(id_)

    def countries(self, id_: str) -> list[str]:
        """Where an actor comes from: its own places, else those of what it is attributed to."""
        return next((found for found in map(self._places_of, self._attributed(id_)) if found), [])

    def organizations(self, id_: str) -> list[str]:
        """Names of the identities that an actor is attributed to, the nearest first."""
        names = [self.identities.get(target, "") for level in list(self._attributed(id_))[1:] for target in level]
        return list(dict.fromkeys(name for name in names if name))

    def same_actors(self, id_: str) -> list[dict[str, str]]:
        """The objects that are the same actor, as the edges of a MISP cluster."""
        return [{"dest-uuid": target, "type": kind} for kind, target in self.links.get(id_, ()) if kind in SAME_ACTOR]

    def unknown_markings(self, value: dict[str, Any]) -> list[str]:
        """What an actor is marked with that nothing defines, or that defines a TLP which is not a known word."""
        ids = [*marking_ids(value.get("object_marking_refs")), *(id_ for id_, _ in granular(value))]
        return [id_ for id_ in dict.fromkeys(map(cell, ids)) if id_ not in KNOWN and id_ not in self.markings]

    def tlp_of(self, value: dict[str, Any]) -> str:
        """The strictest TLP that an actor is marked with, as a whole or in parts."""
        ids = [*marking_ids(value.get("object_marking_refs")), *(id_ for id_, _ in granular(value))]
        return strictest(ids, self.tlp)

    def granular_tlp(self, value: dict[str, Any]) -> list[str]:
        """`red (description)` for each TLP that marks parts of an actor only."""
        found = [(strictest([id_], self.tlp), parts) for id_, parts in granular(value)]
        return list(dict.fromkeys(f"{word} ({parts})" if parts else word for word, parts in found if word))

    def lost_places(self, id_: str) -> list[str]:
        """What an actor is linked to as its places, but that leads to none: not there, revoked, or without a word."""
        lost: list[str] = []
        for level in self._attributed(id_):
            ends = self._ends(level)
            homes = [place for end in ends if end in self.identities for place in self._ends([end], ("located-at",))]
            lost += [end for end in [*ends, *homes] if not self.places.get(end) and end not in self.identities]
            if self._places_of(level):
                break
        return list(dict.fromkeys(lost))

    def _ends(self, ids: Iterable[str], kinds: tuple[str, ...] = _PLACE_LINKS) -> list[str]:
        return [target for id_ in ids for kind, target in self.links.get(id_, ()) if kind in kinds]

    def _attributed(self, id_: str) -> Iterator[list[str]]:
        """The actor itself, then what it is attributed to, then what those are, each object once."""
        level, seen = [id_], {id_}
        for _ in range(_STEPS):
            if not level:
                return
            yield level
            level = [
                target
                for source in level
                for kind, target in self.links.get(source, ())
                if kind == "attributed-to" and target not in seen
            ]
            level = list(dict.fromkeys(level))
            seen.update(level)

    def _places_of(self, ids: Iterable[str]) -> list[str]:
        for wanted in _PLACE_LINKS:
            found = [
                self.places.get(target, "") for id_ in ids for kind, target in self.links.get(id_, ()) if kind == wanted
            ]
            # a link that ends at an identity means that identity's own place
            ends = [
                target
                for id_ in ids
                for kind, target in self.links.get(id_, ())
                if kind == wanted and target.startswith("identity--")
            ]
            for target in ends:
                found.extend(
                    self.places.get(place, "") for kind, place in self.links.get(target, ()) if kind == "located-at"
                )
            known = list(dict.fromkeys(place for place in found if place))
            if known:
                return known
        return []


def _first_text(value: dict[str, Any], keys: Iterable[str]) -> str:
    return next((value[key].strip() for key in keys if isinstance(value.get(key), str) and value[key].strip()), "")
