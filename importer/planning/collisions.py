"""Actors that may be one: rows of a run, and tags of the account, that claim each other's names. Nothing is merged.

One record a pair, with what speaks for it and both cells. A pair that a source states to be one (see `statements.py`)
needs no person; neither does one that was decided. A name that very many actors have says nothing about two of them:
it is told once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from importer.fields.names import identity_key, loose_key
from importer.fields.table import ALIAS_FIELDS
from importer.model import ACCOUNT, Draft, Issue, Json, Pair, Place, Severity, Shared, Side, Tag
from importer.planning.collision_rules import CollisionRules
from importer.planning.identity import Match, name_place
from importer.planning.near_names import MOST, near_names
from importer.planning.statements import NO_EVIDENCE, Evidence, stated_edges, states_names

if TYPE_CHECKING:
    import pandas as pd

CROWD: Final = 12
"""A name that more actors than this have tells no pair of them."""
_NAMED: Final = 3
_SEVERITIES: Final = (Severity.INFO, Severity.WARNING, Severity.ERROR)
_CODES: Final = ("alias-is-tag", "name-is-tag-alias", "alias-is-name", "repeats-row", "alias-shared",
                 "alias-is-tag-alias", "similar-name", "stated-same")  # fmt: skip
"""The codes of pairs, the first that applies counts."""
PAIR_CODES: Final = frozenset((*_CODES, "alias-of-many"))

Node = int | str
"""A row by its position, a tag by its uuid."""


class Found(Struct, frozen=True):
    """The pairs, those of which most speaks for it first, and issues by position of the draft."""

    pairs: tuple[Pair, ...] = ()
    issues: Mapping[int, Sequence[Issue]] = {}
    notes: Sequence[Issue] = ()


def labels(entries: Json) -> list[str]:
    """The names in the value of an alias field, whatever a server makes of one."""
    if type(entries) is not list:
        return []
    return [
        text for entry in entries if type(text := entry.get("value") if type(entry) is dict else entry) is str and text
    ]


def find_collisions(
    drafts: Sequence[Draft],
    matches: Sequence[Match],
    tags: Sequence[Tag],
    rules: CollisionRules,
    evidence: Evidence | None = None,
    verdicts: Mapping[frozenset[Node], str] = MappingProxyType({}),
    issues: Mapping[int, Sequence[Issue]] = MappingProxyType({}),
    alone: int = 0,
) -> Found:
    """Rows that are invalid or left out take no part; one that repeats another is only compared with that one.

    `verdicts` are what people have decided of two; `issues` are added to those that are found; `alone` is how many
    more rows there are, none of which claims a name that another one has.
    """
    if not any((rules.alias_is_name, rules.alias_shared, rules.alias_in_account, rules.similar_name)):
        return Found(issues=issues)
    return _Search(drafts, matches, tags, rules, evidence or NO_EVIDENCE, verdicts, alone).found(issues)


class _Evidence(Struct):
    """What is known of one pair while it is gathered."""

    codes: set[str]
    labels: dict[str, int]
    """Identity keys of shared names -> how many actors have them."""
    stated: dict[str, None]
    near: bool = False


class _Search:
    """Who claims what: names and aliases by key, then a look at the few rows that are concerned."""

    def __init__(
        self,
        drafts: Sequence[Draft],
        matches: Sequence[Match],
        tags: Sequence[Tag],
        rules: CollisionRules,
        evidence: Evidence,
        verdicts: Mapping[frozenset[Node], str],
        alone: int,
    ) -> None:
        self.drafts, self.matches, self.rules, self.alone = drafts, matches, rules, alone
        self.evidence, self.verdicts = evidence, verdicts
        self.rows = [row for row, match in enumerate(matches) if match.is_first]
        self.names = {matches[row].name_key: row for row in self.rows}
        ours = {tag.uuid for row in self.rows for tag in matches[row].tags}
        self.tags: dict[str, Tag] = {}
        self.tag_names: dict[str, list[Node]] = {}
        self.tag_aliases: dict[str, list[Node]] = {}
        for tag in tags:
            if tag.uuid not in ours and (key := identity_key(tag.name)) not in self.names:
                self.tags[tag.uuid] = tag
                self.tag_names.setdefault(key, []).append(tag.uuid)
                for label in dict.fromkeys(map(identity_key, labels_of(tag.fields))):
                    self.tag_aliases.setdefault(label, []).append(tag.uuid)
        self.pairs: dict[tuple[Node, Node], _Evidence] = {}
        self.notes: list[Issue] = []
        self.crowds: dict[str, list[Node]] = {}

    def found(self, told: Mapping[int, Sequence[Issue]]) -> Found:
        self._by_labels()
        self._by_names()
        self._repeated()
        for row, also, how in stated_edges(self.drafts, self.rows):
            self._pair(row, also, "stated-same").stated[how] = None
        pairs = [self._judged(one, other, known) for (one, other), known in self.pairs.items()]
        issues = {row: list(given) for row, given in told.items()}
        for key, nodes in self.crowds.items():
            self._tell_crowd(key, nodes, issues)
        kept: list[Pair] = []
        for (one, other), pair in zip(self.pairs, pairs, strict=True):
            if pair is None:
                continue
            kept.append(pair)
            if pair.open and pair.code != "repeats-row":
                self._tell(pair, one, other, issues)
        kept.sort(key=lambda pair: (not pair.open, -pair.score))
        return Found(tuple(kept), issues, self.notes)

    # ---- who has what in common

    def _by_labels(self) -> None:
        import pandas as pd

        claims = [(row, identity_key(label)) for row in self.rows for label in labels_of(self.drafts[row].fields)]
        claimed = pd.Series([key for _, key in claims], [row for row, _ in claims], dtype=object)
        elsewhere = {*self.tag_names, *self.tag_aliases}
        groups = _groups(claimed[claimed.duplicated(keep=False) | claimed.isin(self.names) | claimed.isin(elsewhere)])
        for key in self.names.keys() & self.tag_aliases.keys():
            groups.setdefault(key, [])
        for key, claimers in groups.items():
            self._by_label(key, claimers)

    def _by_label(self, key: str, claimers: list[int]) -> None:
        named = self.names.get(key)
        nodes: list[Node] = [*claimers, *(self.tag_names.get(key) or ()), *(self.tag_aliases.get(key) or ())]
        nodes = list(dict.fromkeys(nodes if named is None else [named, *nodes]))
        if len(nodes) > CROWD:
            self.crowds[key] = nodes
            return
        tag_names = self.tag_names.get(key, ())
        for one, other in combinations(nodes, 2):
            if isinstance(one, str) and isinstance(other, str):
                continue  # two tags of the account are nothing that this run could do anything about
            tag = other if isinstance(other, str) else one
            if isinstance(tag, str):
                code = (
                    "name-is-tag-alias" if named in (one, other)
                    else "alias-is-tag" if tag in tag_names
                    else "alias-is-tag-alias"
                )  # fmt: skip
            else:
                code = "alias-is-name" if named in (one, other) else "alias-shared"
            self._pair(one, other, code).labels[key] = len(nodes)

    def _by_names(self) -> None:
        if self.rules.similar_name is None:
            return
        nodes: list[tuple[str, Node]] = []
        nodes += [(loose_key(key), row) for key, row in self.names.items()]
        nodes += [(loose_key(key), uuid) for key, uuids in self.tag_names.items() for uuid in uuids[:1]]
        if (many := len(nodes) + self.alone) > MOST:
            message = f"of {many:,} names only those were compared that are equal but for punctuation"
            self.notes.append(Issue(Severity.INFO, "names-not-compared", message, Place("")))
        for one, other in near_names(nodes, CROWD, self.alone):
            if not (isinstance(one, str) and isinstance(other, str)):
                self._pair(one, other, "similar-name").near = True

    def _repeated(self) -> None:
        """A row of another file that has the same name and says something else: its data is not used."""
        for row, match in enumerate(self.matches):
            if match.first >= 0:
                mine, theirs = self.drafts[row], self.drafts[match.first]
                if mine.row.header.file != theirs.row.header.file and mine.fields != theirs.fields:
                    self._pair(match.first, row, "repeats-row").labels[match.name_key] = 2

    def _pair(self, one: Node, other: Node, code: str) -> _Evidence:
        if isinstance(one, str) or (isinstance(other, int) and other < one):
            one, other = other, one
        known = self.pairs.get((one, other))
        if known is None:
            known = self.pairs[one, other] = _Evidence({code}, {}, {})
        known.codes.add(code)
        return known

    # ---- what it comes to

    def _judged(self, one: Node, other: Node, known: _Evidence) -> Pair | None:
        code = next(code for code in _CODES if code in known.codes)
        rules = [self._severity(code) for code in known.codes]
        severity = max(filter(None, rules), key=_SEVERITIES.index, default=None)
        if severity is None:
            return None
        sides = self._side(one), self._side(other)
        for how in self._statements(one, other):
            known.stated[how] = None
        decision = self.verdicts.get(frozenset((one, other)), "")
        if decision:
            severity = Severity.INFO
        countries = {side.country for side in sides if side.country}
        one_name = code == "repeats-row" and len(countries) < 2
        if (known.stated or one_name) and severity is Severity.WARNING:
            severity = Severity.INFO
        score = sum(1 / (actors - 1) for actors in known.labels.values()) + 3 * bool(known.stated) + known.near / 2
        score += sum(key in known.labels for key in (identity_key(sides[0].name), identity_key(sides[1].name)))
        if sides[0].country and sides[1].country:
            score += 0.5 if len(countries) == 1 else -1
        shared = sorted(known.labels.items(), key=lambda item: item[1])
        return Pair(
            *sides, severity, code, tuple(self._shared(one, other, key, actors) for key, actors in shared),
            tuple(known.stated), known.near, round(score, 3), decision,
        )  # fmt: skip

    def _severity(self, code: str) -> Severity | None:
        rules = self.rules
        return {
            "alias-is-name": rules.alias_is_name, "alias-shared": rules.alias_shared,
            "similar-name": rules.similar_name, "stated-same": Severity.INFO, "repeats-row": Severity.WARNING,
        }.get(code, rules.alias_in_account)  # fmt: skip

    def _statements(self, one: Node, other: Node) -> Iterator[str]:
        if isinstance(one, str):
            return
        mine = self.drafts[one]
        theirs = self.tags[other] if isinstance(other, str) else self.drafts[other]
        yield from self.evidence.about(mine.name, theirs.name)
        if isinstance(theirs, Draft) and mine.row.header.file == theirs.row.header.file:
            return
        by_mine = identity_key(theirs.name) in map(identity_key, labels_of(mine.fields))
        by_theirs = identity_key(mine.name) in map(identity_key, labels_of(theirs.fields))
        if by_mine and by_theirs:
            yield "each list gives the other's name"
        elif (by_mine and states_names(mine)) or (by_theirs and isinstance(theirs, Draft) and states_names(theirs)):
            yield "an associated group of ATT&CK"

    def _shared(self, one: Node, other: Node, key: str, actors: int) -> Shared:
        label, cell = self._label(one, key)
        again, other_cell = self._label(other, key)
        return Shared(label or again, cell, other_cell, actors)

    def _label(self, node: Node, key: str) -> tuple[str, str]:
        """The spelling of a name that a row has, and its cell."""
        if isinstance(node, str):
            return "", ""
        draft = self.drafts[node]
        if identity_key(draft.name) == key:
            return draft.name, name_place(draft).cell
        for field in ALIAS_FIELDS:
            for label in labels(draft.fields.get(field)):
                if identity_key(label) == key:
                    return label, draft.place(field, label).cell
        return "", ""

    def _side(self, node: Node) -> Side:
        if isinstance(node, str):
            tag = self.tags[node]
            return Side(tag.name, ACCOUNT, id=tag.uuid, country=_country(tag.fields))
        draft = self.drafts[node]
        return Side(draft.name, draft.row.header.file, name_place(draft), draft.row.id, _country(draft.fields))

    def _tell(self, pair: Pair, one: Node, other: Node, issues: dict[int, list[Issue]]) -> None:
        """A warning on the later row; what stops rows is an error on both."""
        told = [(other, pair.one), (one, pair.other)]
        if pair.severity is not Severity.ERROR:
            told = [item for item in told if isinstance(item[0], int)][:1]
        for row, side in told:
            if isinstance(row, int):
                issues.setdefault(row, []).append(self._issue(row, side, pair))

    def _issue(self, row: int, side: Side, pair: Pair) -> Issue:
        draft = self.drafts[row]
        file = draft.row.header.file
        label, field = next(
            (
                (label, name)
                for item in pair.shared
                for name in ALIAS_FIELDS
                for label in labels(draft.fields.get(name))
                if identity_key(label) == identity_key(item.label)
            ),
            (draft.name, "value"),
        )
        place = draft.place(field, label) if field != "value" else name_place(draft)
        message = f"{draft.name!r} may be {side.seen_from(file)}: {speaks_for(pair)}"
        return Issue(pair.severity, pair.code, message, place, field, label)

    def _tell_crowd(self, key: str, nodes: list[Node], issues: dict[int, list[Issue]]) -> None:
        severity = max(
            filter(None, (self.rules.alias_shared, self.rules.alias_is_name)), key=_SEVERITIES.index, default=None
        )
        rows = [node for node in nodes if isinstance(node, int)]
        if severity is None or not rows:
            return
        for row in rows if severity is Severity.ERROR else rows[:1]:
            draft, (label, _) = self.drafts[row], self._label(row, key)
            others = [other for other in rows[: _NAMED + 1] if other != row][:_NAMED]
            named = ", ".join(self._side(other).seen_from(draft.row.header.file) for other in others)
            message = f"is a name of {len(nodes):,} actors, {named} among them: too many to compare them in pairs"
            field = next((name for name in ALIAS_FIELDS if label in labels(draft.fields.get(name))), "value")
            found = issues.setdefault(row, [])
            found.append(Issue(severity, "alias-of-many", message, draft.place(field, label), field, label))


def speaks_for(pair: Pair) -> str:
    """What speaks for it, and against it, in words."""
    said = []
    if pair.shared:
        first = pair.shared[0]
        cells = " and ".join(filter(None, (first.cell, first.other_cell)))
        named = repr(first.label) + (f" ({cells})" if cells else "")
        named = ", ".join((named, *(repr(item.label) for item in pair.shared[1:_NAMED])))
        more = f" and {len(pair.shared) - _NAMED} more" if len(pair.shared) > _NAMED else ""
        rarest = pair.shared[0].actors
        them = f"{'has' if rarest == 3 else 'have'} {'it' if len(pair.shared) == 1 else 'them'}"
        others = f" ({rarest - 2} more {them})" if rarest > 2 else ""
        said.append(f"both have the name{'s' * (len(pair.shared) > 1)} {named}{more}{others}")
    if pair.near:
        said.append("their names are nearly the same")
    if pair.one.country and pair.other.country:
        same = pair.one.country == pair.other.country
        said.append(f"both from {pair.one.country}" if same else f"from {pair.one.country} and {pair.other.country}")
    return "; ".join((*said, *pair.stated))


def labels_of(fields: Mapping[str, Json]) -> list[str]:
    """All other names of a draft or a tag."""
    return [label for name in ALIAS_FIELDS if name in fields for label in labels(fields[name])]


def _country(fields: Mapping[str, Json]) -> str:
    held = fields.get("originCountryISO")
    held = held.get("value") if isinstance(held, Mapping) else held
    return held if isinstance(held, str) else ""


def _groups(keys: pd.Series[str]) -> dict[str, list[int]]:
    """For each key of a series that is indexed by rows the rows that have it, each once and in order."""
    groups: dict[str, list[int]] = {}
    for row, key in zip(keys.index.tolist(), keys.tolist(), strict=True):
        group = groups.setdefault(key, [])
        if not group or group[-1] != row:
            group.append(row)
    return groups
