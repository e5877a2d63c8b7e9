"""Names and aliases that claim each other, among the rows of a run and against the account. Nothing is ever merged.

Both sides are named, each with the other's place. A row gets at most `PER_ROW` issues of a kind, then one that says how
many more there are: a list whose aliases all collide stays readable, and its plan file small.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from importer.fields.names import identity_key, loose_key
from importer.fields.table import ALIAS_FIELDS
from importer.model import Draft, Issue, Json, Severity, Tag
from importer.planning.collision_rules import CollisionRules
from importer.planning.identity import Match, name_place, place_seen_from

if TYPE_CHECKING:
    import pandas as pd

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
    drafts: Sequence[Draft], matches: Sequence[Match], tags: Sequence[Tag], rules: CollisionRules
) -> dict[int, list[Issue]]:
    """Issues by position of the draft. Rows that are invalid, left out or repeat another take no part."""
    if not any((rules.alias_is_name, rules.alias_shared, rules.alias_in_account, rules.similar_name)):
        return {}
    return _Search(drafts, matches, tags, rules).issues()


class _Search:
    """Who claims what: names and aliases by key, then a look at the few rows that are concerned."""

    def __init__(
        self, drafts: Sequence[Draft], matches: Sequence[Match], tags: Sequence[Tag], rules: CollisionRules
    ) -> None:
        import pandas as pd

        self.drafts, self.rules = drafts, rules
        rows = [row for row, match in enumerate(matches) if match.is_first]
        self.names = {matches[row].name_key: row for row in rows}
        ours = {tag.uuid for row in rows for tag in matches[row].tags}
        self.tag_names, self.tag_aliases, self.tag_loose = self._of_tags(tag for tag in tags if tag.uuid not in ours)
        claims = [
            (row, _key(label))
            for row in rows
            for name in ALIAS_FIELDS
            if name in drafts[row].fields
            for label in labels(drafts[row].fields[name])
        ]
        claimed = pd.Series([key for _, key in claims], [row for row, _ in claims], dtype=object)
        elsewhere = {*self.tag_names, *self.tag_aliases}
        shared = claimed.duplicated(keep=False) | claimed.isin(self.names) | claimed.isin(elsewhere)
        self.claimers = _groups(claimed[shared])
        """Identity key of an alias that is claimed more than once -> the rows that give it."""
        loose = pd.Series([_loose(key) for key in self.names], list(self.names.values()), dtype=object)
        alike = loose[loose != ""]
        self.alike = _groups(alike[alike.duplicated(keep=False) | alike.isin(self.tag_loose)])
        """Loose key of the names of several rows, or of a row and a tag -> those rows."""

    def _of_tags(self, tags: Iterable[Tag]) -> tuple[dict[str, Tag], dict[str, Tag], dict[str, list[Tag]]]:
        """By key the names, the aliases and the loose names of tags that no row is about."""
        names: dict[str, Tag] = {}
        aliases: dict[str, Tag] = {}
        loose: dict[str, list[Tag]] = {}
        for tag in tags:
            key = _key(tag.name)
            if key in self.names:
                continue
            names[key] = tag
            if loosened := _loose(key):
                loose.setdefault(loosened, []).append(tag)
            for field in ALIAS_FIELDS:
                for label in labels(tag.fields.get(field)):
                    aliases.setdefault(_key(label), tag)
        return names, aliases, loose

    def issues(self) -> dict[int, list[Issue]]:
        concerned = {row for group in (*self.claimers.values(), *self.alike.values()) for row in group}
        concerned |= {self.names[key] for key in self.names.keys() & (self.claimers.keys() | self.tag_aliases.keys())}
        found: dict[int, list[Issue]] = {}
        for row in sorted(concerned):
            issues = _Bounded(self.drafts[row])
            self._about_name(row, issues)
            self._about_aliases(row, issues)
            if issues.kept:
                found[row] = issues.closed()
        return found

    def _about_name(self, position: int, issues: _Bounded) -> None:
        name, file = self.drafts[position].name, self.drafts[position].row.header.file
        key = _key(name)
        claimers = [claimer for claimer in self.claimers.get(key, ()) if claimer != position]
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
        if len(group) > 1:
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
                claimers = self.claimers.get(key, ())
                if len(claimers) > 1 and rules.alias_shared:
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
        """`'APT28' (A17), 'Sofacy' (other.csv A40) and 3 more`, as a row of `file` has them."""
        named = ", ".join(self._named(position, file) for position in positions[:_OTHERS])
        more = (count or len(positions)) - min(len(positions), _OTHERS)
        return f"{named} and {more} more" if more > 0 else named

    def _named(self, position: int, file: str) -> str:
        draft = self.drafts[position]
        return f"{draft.name!r} ({place_seen_from(name_place(draft), file)})"


def _groups(keys: pd.Series[str]) -> dict[str, list[int]]:
    """For each key of a series that is indexed by rows the rows that have it, each once and in order."""
    groups: dict[str, list[int]] = {}
    for row, key in zip(keys.index.tolist(), keys.tolist(), strict=True):
        group = groups.setdefault(key, [])
        if not group or group[-1] != row:
            group.append(row)
    return groups


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
