"""Names and aliases that claim each other, among the rows of a run and against the account. Nothing is ever merged.

Both sides are told, each with the other's place. A row gets at most `PER_ROW` issues of a kind, then one that says how
many more there are: a list whose aliases all collide stays readable, and its plan file small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from importer.fields.names import identity_key, loose_key
from importer.model import Draft, Issue, Json, Severity, Tag
from importer.planning.cells import find_cell, name_place
from importer.planning.collision_rules import CollisionRules
from importer.planning.identity import Standing, usable

ALIAS_FIELDS: Final = ("aliases", "internalAliases", "aliasGroupNames", "aliasGroupNamesInternal")
PER_ROW: Final = 5
_OTHERS: Final = 3


def labels(fields: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Every alias in these fields, with the one of the four fields that it stands in."""
    for name in ALIAS_FIELDS:
        for entry in fields.get(name) or ():
            text = entry if type(entry) is str else entry.get("value")
            if text:
                yield text, name


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
    drafts: Sequence[Draft]
    rules: CollisionRules
    names: dict[str, int] = field(default_factory=dict)
    """Identity key of a name -> the row that stands for it."""
    aliases: dict[int, dict[str, tuple[str, str]]] = field(default_factory=dict)
    """Row -> identity key of an alias -> the alias as written, and its field."""
    claims: dict[str, list[int]] = field(default_factory=dict)
    """Identity key of an alias -> the rows that give it."""
    loose: dict[str, list[int]] = field(default_factory=dict)
    tag_names: dict[str, Tag] = field(default_factory=dict)
    """Of tags that no row stands for; the others speak through their rows."""
    tag_aliases: dict[str, Tag] = field(default_factory=dict)
    tag_loose: dict[str, list[Tag]] = field(default_factory=dict)
    told: dict[int, str] = field(default_factory=dict)
    """Memo: how a row is named to the others."""

    def read_rows(self, standings: Sequence[Standing]) -> None:
        for position, (draft, standing) in enumerate(zip(self.drafts, standings, strict=True)):
            if not standing.name_key or standing.first >= 0 or not usable(draft):
                continue
            self.names[standing.name_key] = position
            loosened = loose_key(draft.name)
            if loosened:
                self.loose.setdefault(loosened, []).append(position)
            own: dict[str, tuple[str, str]] = {}
            for alias in labels(draft.fields):
                key = _key(alias[0])
                if key and key != standing.name_key and key not in own:
                    own[key] = alias
                    claimers = self.claims.get(key)
                    if claimers is None:
                        self.claims[key] = [position]
                    else:
                        claimers.append(position)
            self.aliases[position] = own

    def read_tags(self, tags: Sequence[Tag]) -> None:
        for tag in tags:
            key = _key(tag.name)
            if key in self.names:
                continue
            self.tag_names[key] = tag
            loosened = loose_key(tag.name)
            if loosened:
                self.tag_loose.setdefault(loosened, []).append(tag)
            for label, _ in labels(tag.fields):
                self.tag_aliases.setdefault(_key(label), tag)

    def issues(self) -> dict[int, list[Issue]]:
        found: dict[int, list[Issue]] = {}
        for key, position in self.names.items():
            issues = _Bounded(self.drafts[position])
            self._about_name(key, position, issues)
            self._about_aliases(position, issues)
            if issues.kept:
                found[position] = issues.closed()
        return found

    def _about_name(self, key: str, position: int, issues: _Bounded) -> None:
        name = self.drafts[position].name
        claimers = self.claims.get(key)
        if claimers and self.rules.alias_is_name:
            issues.add(
                self.rules.alias_is_name,
                "name-is-alias",
                name,
                f"is given as an alias by {self._tell(claimers)}",
            )
        tag = self.tag_aliases.get(key)
        if tag is not None and self.rules.alias_in_account:
            issues.add(
                self.rules.alias_in_account,
                "name-is-tag-alias",
                name,
                f"is an alias of the existing tag {tag.name!r} ({tag.uuid})",
            )
        if not self.rules.similar_name:
            return
        loosened = loose_key(name)
        group = self.loose.get(loosened, ())
        if len(group) > 1:
            alike = [other for other in group[: _OTHERS + 1] if other != position]
            issues.add(
                self.rules.similar_name,
                "similar-name",
                name,
                f"differs only in punctuation from {self._tell(alike, len(group) - 1)}; they stay two tags",
            )
        for tag in self.tag_loose.get(loosened, ())[: PER_ROW + 1]:
            issues.add(
                self.rules.similar_name,
                "similar-name",
                name,
                f"differs only in punctuation from the existing tag {tag.name!r} ({tag.uuid}); they stay two tags",
            )

    def _about_aliases(self, position: int, issues: _Bounded) -> None:
        rules = self.rules
        for key, (label, name) in self.aliases[position].items():
            other = self.names.get(key)
            if other is not None and rules.alias_is_name:
                issues.add(
                    rules.alias_is_name,
                    "alias-is-name",
                    label,
                    f"is also the name of {self._tell([other])}",
                    name,
                )
            claimers = self.claims[key]
            if len(claimers) > 1 and rules.alias_shared:
                others = [claimer for claimer in claimers[: _OTHERS + 1] if claimer != position]
                issues.add(
                    rules.alias_shared,
                    "alias-shared",
                    label,
                    f"is also an alias of {self._tell(others, len(claimers) - 1)}",
                    name,
                )
            if not rules.alias_in_account:
                continue
            tag = self.tag_names.get(key)
            if tag is not None:
                issues.add(
                    rules.alias_in_account,
                    "alias-is-tag",
                    label,
                    f"is the name of the existing tag {tag.name!r} ({tag.uuid})",
                    name,
                )
            tag = self.tag_aliases.get(key)
            if tag is not None:
                issues.add(
                    rules.alias_in_account,
                    "alias-is-tag-alias",
                    label,
                    f"is also an alias of the existing tag {tag.name!r} ({tag.uuid})",
                    name,
                )

    def _tell(self, positions: Sequence[int], count: int = 0) -> str:
        """`'APT28' (actors.csv A17), 'Sofacy' (actors.csv A40) and 3 more`."""
        told = ", ".join(map(self._named, positions[:_OTHERS]))
        more = (count or len(positions)) - min(len(positions), _OTHERS)
        return f"{told} and {more} more" if more > 0 else told

    def _named(self, position: int) -> str:
        said = self.told.get(position)
        if said is None:
            draft = self.drafts[position]
            said = self.told[position] = f"{draft.name!r} ({name_place(draft)})"
        return said


def _key(text: str) -> str:
    """The identity key. Most labels are plain ASCII, for which it is the lower-case text."""
    if text.isascii() and text.isprintable() and "  " not in text and text.strip() == text:
        return text.lower()
    return identity_key(text)


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
            row = self.draft.row
            place = row.place(find_cell(row, label))
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
