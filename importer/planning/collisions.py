"""Names and aliases that claim each other, among the rows of a run and against the account. Nothing is ever merged.

Both sides are told, each with the other's place. A row gets at most `PER_ROW` issues of a kind, then one that says how
many more there are: a list whose aliases all collide stays readable, and its plan file small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from importer.fields.names import identity_key, loose_key
from importer.fields.table import ALIAS_FIELDS
from importer.model import Draft, Issue, Json, Place, Severity, Tag
from importer.planning.cells import name_place, told_place
from importer.planning.collision_rules import CollisionRules
from importer.planning.identity import Standing

PER_ROW: Final = 5
_OTHERS: Final = 3
_PUNCTUATION: Final = bytes(number for number in range(128) if not chr(number).isalnum())


def labels(entries: Json) -> list[str]:
    """The names in the value of an alias field, whatever a server makes of one."""
    if type(entries) is not list:
        return []
    return [
        text for entry in entries if type(text := entry.get("value") if type(entry) is dict else entry) is str and text
    ]


def find_collisions(
    drafts: Sequence[Draft], standings: Sequence[Standing], tags: Sequence[Tag], rules: CollisionRules
) -> dict[int, list[Issue]]:
    """Issues by position of the draft. Rows that are invalid, left out or repeat another take no part."""
    if not any((rules.alias_is_name, rules.alias_shared, rules.alias_in_account, rules.similar_name)):
        return {}
    search = _Search(drafts, rules)
    search.read_rows(standings)
    search.read_tags(tags)
    return search.issues()


@dataclass(slots=True)
class _Search:
    """One pass over everything to see what is claimed twice, then a second over the few rows that are concerned."""

    drafts: Sequence[Draft]
    rules: CollisionRules
    names: dict[str, int] = field(default_factory=dict)
    """Identity key of a name -> the row that stands for it."""
    claims: dict[str, int] = field(default_factory=dict)
    """Identity key of an alias -> the first row that gives it."""
    shared: dict[str, list[int]] = field(default_factory=dict)
    """Identity key of an alias that several rows give -> those rows."""
    loose: dict[str, int] = field(default_factory=dict)
    """Loose key of a name -> the first row with it."""
    alike: dict[str, list[int]] = field(default_factory=dict)
    """Loose key of several rows' names -> those rows."""
    tag_names: dict[str, Tag] = field(default_factory=dict)
    """Of tags that no row stands for; the others speak through their rows."""
    tag_aliases: dict[str, Tag] = field(default_factory=dict)
    tag_loose: dict[str, list[Tag]] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    """Memo: where the name of a row stands."""

    def read_rows(self, standings: Sequence[Standing]) -> None:
        names, loose, claims = self.names, self.loose, self.claims
        for position, (draft, standing) in enumerate(zip(self.drafts, standings, strict=True)):
            if not standing.stands:
                continue
            name_key = standing.name_key
            names[name_key] = position
            loosened = _loose(name_key)
            if loosened and loose.setdefault(loosened, position) != position:
                _gather(loose, self.alike, loosened, position)
            fields = draft.fields
            for name in ALIAS_FIELDS:
                if name in fields:
                    for label in labels(fields[name]):
                        key = " ".join(label.split()).lower() if label.isascii() else identity_key(label)
                        if claims.setdefault(key, position) != position:
                            _gather(claims, self.shared, key, position)

    def read_tags(self, tags: Sequence[Tag]) -> None:
        for tag in tags:
            key = _key(tag.name)
            if key in self.names:
                continue
            self.tag_names[key] = tag
            loosened = _loose(key)
            if loosened:
                self.tag_loose.setdefault(loosened, []).append(tag)
            for name in ALIAS_FIELDS:
                for label in labels(tag.fields.get(name)):
                    self.tag_aliases.setdefault(_key(label), tag)

    def issues(self) -> dict[int, list[Issue]]:
        found: dict[int, list[Issue]] = {}
        for position in sorted(self._concerned()):
            issues = _Bounded(self.drafts[position])
            self._about_name(position, issues)
            self._about_aliases(position, issues)
            if issues.kept:
                found[position] = issues.closed()
        return found

    def _concerned(self) -> set[int]:
        """The rows of which anything collides."""
        rows: set[int] = set()
        for key in self.claims.keys() & self.names.keys():
            rows.add(self.names[key])
            rows.update(self._claimers(key))
        for group in (*self.shared.values(), *self.alike.values()):
            rows.update(group)
        for key in self.claims.keys() & (self.tag_names.keys() | self.tag_aliases.keys()):
            rows.update(self._claimers(key))
        rows.update(self.names[key] for key in self.names.keys() & self.tag_aliases.keys())
        for key in self.loose.keys() & self.tag_loose.keys():
            rows.update(self.alike.get(key) or (self.loose[key],))
        return rows

    def _claimers(self, key: str) -> Sequence[int]:
        several = self.shared.get(key)
        if several is not None:
            return several
        return (self.claims[key],) if key in self.claims else ()

    def _about_name(self, position: int, issues: _Bounded) -> None:
        name, file = self.drafts[position].name, self.drafts[position].row.header.file
        key = _key(name)
        claimers = [claimer for claimer in self._claimers(key) if claimer != position]
        if claimers and self.rules.alias_is_name:
            message = f"is given as an alias by {self._tell(file, claimers)}"
            issues.add(self.rules.alias_is_name, "name-is-alias", name, message)
        tag = self.tag_aliases.get(key)
        if tag is not None and self.rules.alias_in_account:
            message = f"is an alias of the existing tag {tag.name!r} ({tag.uuid})"
            issues.add(self.rules.alias_in_account, "name-is-tag-alias", name, message)
        severity = self.rules.similar_name
        if severity is None:
            return
        loosened = _loose(key)
        group = self.alike.get(loosened, ())
        if group:
            others = [other for other in group[: _OTHERS + 1] if other != position]
            message = f"differs only in punctuation from {self._tell(file, others, len(group) - 1)}; they stay two tags"
            issues.add(severity, "similar-name", name, message)
        for tag in self.tag_loose.get(loosened, ())[: PER_ROW + 1]:
            message = f"differs only in punctuation from the existing tag {tag.name!r} ({tag.uuid}); they stay two tags"
            issues.add(severity, "similar-name", name, message)

    def _about_aliases(self, position: int, issues: _Bounded) -> None:
        draft, rules = self.drafts[position], self.rules
        file = draft.row.header.file
        seen = {_key(draft.name)}
        for name in ALIAS_FIELDS:
            for label in labels(draft.fields.get(name)):
                key = _key(label)
                if key in seen:
                    continue
                seen.add(key)
                other = self.names.get(key)
                if other is not None and rules.alias_is_name:
                    message = f"is also the name of {self._tell(file, [other])}"
                    issues.add(rules.alias_is_name, "alias-is-name", label, message, name)
                claimers = self.shared.get(key)
                if claimers and rules.alias_shared:
                    others = [claimer for claimer in claimers[: _OTHERS + 1] if claimer != position]
                    message = f"is also an alias of {self._tell(file, others, len(claimers) - 1)}"
                    issues.add(rules.alias_shared, "alias-shared", label, message, name)
                if not rules.alias_in_account:
                    continue
                for code, what, tag in (
                    ("alias-is-tag", "the name", self.tag_names.get(key)),
                    ("alias-is-tag-alias", "also an alias", self.tag_aliases.get(key)),
                ):
                    if tag is not None:
                        message = f"is {what} of the existing tag {tag.name!r} ({tag.uuid})"
                        issues.add(rules.alias_in_account, code, label, message, name)

    def _tell(self, file: str, positions: Sequence[int], count: int = 0) -> str:
        """`'APT28' (A17), 'Sofacy' (other.csv A40) and 3 more`, as a row of `file` is told of them."""
        told = ", ".join(self._named(position, file) for position in positions[:_OTHERS])
        more = (count or len(positions)) - min(len(positions), _OTHERS)
        return f"{told} and {more} more" if more > 0 else told

    def _named(self, position: int, file: str) -> str:
        draft = self.drafts[position]
        place = self.places.get(position)
        if place is None:
            place = self.places[position] = name_place(draft)
        return f"{draft.name!r} ({told_place(place, file)})"


def _gather(firsts: dict[str, int], groups: dict[str, list[int]], key: str, position: int) -> None:
    """Note that a row has a key. Only a key of several rows gets a list: most are of one, and lists cost."""
    first = firsts.setdefault(key, position)
    if first == position:
        return
    group = groups.get(key)
    if group is None:
        groups[key] = [first, position]
    elif group[-1] != position:
        group.append(position)


def _key(text: str) -> str:
    """The identity key. Most labels are plain ASCII, for which it is the lower-case text with single blanks."""
    return " ".join(text.split()).lower() if text.isascii() else identity_key(text)


def _loose(key: str) -> str:
    """The loose key of an identity key."""
    return key.encode().translate(None, _PUNCTUATION).decode() if key.isascii() else loose_key(key)


class _Bounded:
    """The issues of one row, at most PER_ROW of each code and then a count."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.kept: list[Issue] = []
        self.counts: dict[str, int] = {}
        self.severities: dict[str, Severity] = {}

    def add(self, severity: Severity, code: str, label: str, message: str, field_name: str = "value") -> None:
        count = self.counts.get(code, 0) + 1
        self.counts[code] = count
        self.severities[code] = severity
        if count <= PER_ROW:
            place = self.draft.place(field_name, label)
            self.kept.append(Issue(severity, code, message, place, field_name, label))

    def closed(self) -> list[Issue]:
        for code, count in self.counts.items():
            if count > PER_ROW:
                self.kept.append(
                    Issue(
                        self.severities[code],
                        code,
                        f"and {count - PER_ROW} more of its names collide in this way",
                        self.draft.row.place(),
                    )
                )
        return self.kept
