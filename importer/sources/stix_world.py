"""What the STIX files of a run say about actors outside the actors themselves: links, places, identities, markings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from importer.sources.flatten import cell
from importer.sources.stix_markings import KNOWN, granular, marking_ids, marking_tlp, strictest

_PLACE_LINKS = ("originates-from", "located-at")
_STEPS = 4
"""How far `attributed-to` is followed: from a campaign's intrusion set to its actor, its sponsor, its ministry."""


@dataclass(slots=True)
class World:
    """Filled while the files of a run are gone through, asked when rows are made."""

    links: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Source id -> (kind of link, target id)."""
    places: dict[str, str] = field(default_factory=dict)
    """Location id -> its country, else region, else name."""
    identities: dict[str, str] = field(default_factory=dict)
    tlp: dict[str, str] = field(default_factory=dict)
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
                self.tlp[id_] = word
            if word or value.get("definition_type") != "tlp":
                self.markings.add(id_)

    def countries(self, id_: str) -> list[str]:
        """Where an actor comes from: its own places, else those of what it is attributed to."""
        return next((found for found in map(self._places_of, self._attributed(id_)) if found), [])

    def organizations(self, id_: str) -> list[str]:
        """Names of the identities that an actor is attributed to, the nearest first."""
        names = [self.identities.get(target, "") for level in list(self._attributed(id_))[1:] for target in level]
        return list(dict.fromkeys(name for name in names if name))

    def strictest_tlp(self, markings: Any) -> str:
        """The TLP of `object_marking_refs`, which is a list, or one id where a program wrote it wrongly."""
        return strictest(marking_ids(markings), self.tlp)

    def unknown_markings(self, value: dict[str, Any]) -> list[str]:
        """What an actor is marked with that nothing defines, or that defines a TLP which is no known word."""
        ids = [*marking_ids(value.get("object_marking_refs")), *(id_ for id_, _ in granular(value))]
        return [id_ for id_ in dict.fromkeys(map(cell, ids)) if id_ not in KNOWN and id_ not in self.markings]

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
