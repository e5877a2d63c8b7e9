"""Decisions, put to the rows of a run and the tags of its account: what is merged, what is never asked again.

Nothing is merged that no decision names, and nothing that a chain of them would force on two actors that another one
keeps apart: then none of the chain is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from importer.errors import Position
from importer.fields.names import identity_key, loose_key
from importer.fields.table import ALIAS_FIELDS
from importer.mapping.cells import DECIDED
from importer.mapping.meanings import is_source
from importer.model import ACCOUNT, Change, Draft, Issue, Json, Severity, SourceFile, Tag
from importer.planning.collisions import Node
from importer.planning.decisions import AcceptedIssue, Actor, AliasDecision, Decisions, PairDecision
from importer.planning.identity import Match, Tags, name_place, usable
from importer.planning.merging import MERGED, entry_text, merged
from importer.planning.source_ids import source_id


class Decided(Struct, frozen=True):
    """What decisions make of the rows."""

    drafts: Sequence[Draft]
    merges: Mapping[int, str] = {}
    """By position the rows that went into others, with where they went."""
    also: Mapping[int, Sequence[Draft | Tag]] = {}
    """By position of a merged row what else it is: other rows, or a tag of the account."""
    held: Mapping[int, Mapping[str, Tag]] = {}
    """By position of a merged row the tags that are its actor's, by uuid."""
    verdicts: Mapping[frozenset[Node], str] = {}
    """What two actors are to each other, those that went into others by the row that they went into."""
    issues: Mapping[int, Sequence[Issue]] = {}
    notes: Sequence[Issue] = ()

    def changed(self, position: int, planned: tuple[Change, Match]) -> Change:
        """The change of a row, or that it went into another; a row of one name that was decided is not told again."""
        change, match = planned
        if (why := self.merges.get(position)) is not None:
            return replace(change, code=MERGED, message=why)
        if match.first >= 0 and frozenset((match.first, position)) in self.verdicts:
            issues = (
                replace(issue, severity=Severity.INFO) if issue.code == "repeats-row-differs" else issue
                for issue in change.issues
            )
            return replace(change, issues=tuple(issues))
        return change

    def tags_left(self, matches: Sequence[Match]) -> Iterator[Issue]:
        """Tags that the account has of one actor beside the one that its row is about."""
        for position, held in self.held.items():
            own = matches[position].tags
            if own and (found := [tag for tag in held.values() if tag not in own]):
                draft = self.drafts[position]
                told = ", ".join(f"{tag.name!r} ({tag.uuid})" for tag in found)
                message = f"is one actor with {told}, which stays in the account beside its tag ({own[0].uuid})"
                yield Issue(Severity.WARNING, "merged-tag-stays", message, name_place(draft), "value", draft.name)


def decide_rows(drafts: Sequence[Draft], tags: Tags, decisions: Decisions | None) -> Decided:
    """Rows that are one actor as one draft, the first of them; other names left out of actors whose they are not."""
    if decisions is None:
        return Decided(drafts)
    return _Deciding(drafts, tags, decisions).decided()


class _Deciding:
    def __init__(self, drafts: Sequence[Draft], tags: Tags, decisions: Decisions) -> None:
        self.drafts, self.decisions = list(drafts), decisions
        self.account, self.tags = tags, {tag.uuid: tag for tag in tags.by_uuid.values()}
        self.sources = {draft.row.header.file for draft in drafts}
        self.by_name: dict[str, list[int]] = {}
        self.by_id: dict[str, list[int]] = {}
        self.first: dict[str, int] = {}
        for position, draft in enumerate(drafts):
            key = identity_key(draft.name)
            self.by_name.setdefault(key, []).append(position)
            if usable(draft):
                self.first.setdefault(key, position)
            if id_ := draft.row.id:
                self.by_id.setdefault(id_.lower(), []).append(position)
                if (long := source_id(draft.row)) != id_.lower():
                    self.by_id.setdefault(long, []).append(position)
        self.parents: dict[Node, Node] = {}
        self.same: list[tuple[Node, Node, PairDecision]] = []
        self.meant: dict[Node, dict[Node, None]] = {}
        """By the row that is used for a name: the rows and tags of it that decisions are about."""
        self.bare: dict[str, str] = {}
        self.unread: dict[str, None] = {}
        self.owners: dict[str, list[Node]] = {}
        """Other names that belong to an actor: the key, the actor's rows and tags."""
        self.into: dict[Node, Node] = {}
        self.merges: dict[int, str] = {}
        self.also: dict[int, Sequence[Draft | Tag]] = {}
        self.held: dict[int, Mapping[str, Tag]] = {}
        self.verdicts: dict[frozenset[Node], str] = {}
        self.issues: dict[int, list[Issue]] = {}
        self.notes: list[Issue] = []

    def decided(self) -> Decided:
        self._stale_values()
        for alias in self.decisions.held.aliases:
            self._alias(alias)
        apart: list[tuple[Node, Node, PairDecision]] = []
        for decision in self.decisions.held.pairs:
            one, other = (self._nodes(actor) for actor in decision.actors)
            if one == other and len(one) == 1:
                message = f"both actors are {self._called(one[0])}: name the other one"
                self.notes.append(self._issue(Severity.WARNING, "decision-not-applied", message, decision.spot))
            elif not (one and other):
                self._stale(decision, one, other)
            elif decision.are == "same":
                first, second = self._one_of_each(one, other)
                if first is not None and second is not None and first != second:
                    self.same.append((first, second, decision))
            else:
                apart += [(*self._known_as(a, b), decision) for a in one for b in other if a != b]
        if self.unread:
            message = f"decisions about actors of {', '.join(self.unread)} do not apply: it was not read"
            self.notes.append(self._issue(Severity.INFO, "decision-not-applied", message, Position("")))
        for nodes in self._groups(apart):
            self._merge(nodes)
        said: dict[frozenset[Node], str] = {}
        for a, b, decision in (*apart, *self.same):  # a tag that went into a row may stay in the account beside it
            for two in product(self._all_of(a), self._all_of(b)):
                said.setdefault(frozenset(two), decision.are)
        return Decided(
            self.drafts, self.merges, self.also, self.held, {**self.verdicts, **said}, self.issues, self.notes
        )

    # ---- who is meant

    def _all_of(self, node: Node) -> set[Node]:
        """A row or tag, what else is meant by it, the row that it went into, and that one's tags."""
        into = self.into.get(node, node)
        tags = self.held.get(into, {}) if isinstance(into, int) else {}
        return {*self.meant.get(node, (node,)), node, into, *tags}

    def _nodes(self, actor: Actor) -> list[Node]:
        """The rows of an actor; where none can be used, its tags before them: what it has been stays one with it."""
        found = self.by_id.get(actor.id.lower(), []) if actor.id else self.by_name.get(identity_key(actor.name), [])
        rows = [row for row in found if actor.is_in(self.drafts[row].row.header.file)]
        used = [row for row in rows if usable(self.drafts[row])]
        tags = [] if used else [tag.uuid for tag in self.account.of(actor, strictly=True)]
        return [*used, *tags, *(row for row in rows if row not in used)]

    def _one_of_each(self, one: list[Node], other: list[Node]) -> tuple[Node | None, Node | None]:
        """The two actors of `same`: of each name the row that is used for it, unless rows of one name are meant."""
        a, b = (next((node for node in nodes if self._usable(node)), None) for nodes in (one, other))
        if isinstance(a, int) and isinstance(b, int) and self._name(a) == self._name(b):
            return a, b if a != b else next((node for node in other if node != a and self._usable(node)), None)
        return (a, b) if a is None or b is None else self._known_as(a, b)

    def _usable(self, node: Node) -> bool:
        return isinstance(node, str) or usable(self.drafts[node])

    def _name(self, node: Node) -> str:
        return identity_key(self.tags[node].name if isinstance(node, str) else self.drafts[node].name)

    def _known_as(self, a: Node, b: Node) -> tuple[Node, Node]:
        """The rows that are used for two names; two of one name as they are."""
        one, other = self._name(a), self._name(b)
        return (a, b) if one == other else (self._used(one, a), self._used(other, b))

    def _used(self, name: str, node: Node) -> Node:
        used = self.first.get(name, node)
        self.meant.setdefault(used, {})[node] = None
        return used

    def _stale(self, decision: PairDecision, one: list[Node], other: list[Node]) -> None:
        """A decision of which one actor is gone, or both are, from sources that were read."""
        gone = [actor for actor, nodes in zip(decision.actors, (one, other), strict=True) if not nodes]
        near = list(filter(None, map(self._near, gone)))
        if not near:
            if not all(map(self._read, gone)):
                self.unread.update((actor.source, None) for actor in gone if not self._read(actor))
                return
            if not (one or other) and not all(actor.source for actor in decision.actors):
                return  # it may be about other sources altogether
        hint = f"; did you mean {' and '.join(near)}?" if near else ""
        told = " and ".join(map(str, gone))
        message = f"a decision no longer applies, {told} is not there: that two actors are `{decision.are}`{hint}"
        self.notes.append(self._issue(Severity.WARNING, "decision-not-applied", message, decision.spot))

    def _stale_values(self) -> None:
        """Decisions about a value that their source, which was read, does not have."""
        left = [one for one in self.decisions.held.values if any(is_source(one.source, file) for file in self.sources)]
        if not left:
            return
        met = {
            (issue.place.file, identity_key(issue.value))
            for draft in self.drafts
            for issue in draft.issues
            if issue.code in (DECIDED, "decision-not-used", "decision-not-allowed")
        }
        for one in left:
            if not any(identity_key(one.value) == value and is_source(one.source, file) for file, value in met):
                message = f"a decision no longer applies, nobody in {one.source} has {one.value!r} as {one.field}"
                self.notes.append(self._issue(Severity.WARNING, "decision-not-applied", message, one.spot))

    def _near(self, actor: Actor) -> str:
        """The name that may be meant by one that nobody has: it differs by a letter, or two of ten, but in no digit."""
        if actor.source == ACCOUNT or actor.id or not self._read(actor):
            return ""
        from rapidfuzz.distance import OSA

        wanted = loose_key(identity_key(actor.name))
        digits = [*filter(str.isdigit, wanted)]
        most = 1 + (len(wanted) >= 10)
        self.bare = self.bare or {key: loose_key(key) for key in self.by_name}
        for key, rows in self.by_name.items():
            bare = self.bare[key]
            alike = (
                len(wanted) > 3
                and abs(len(bare) - len(wanted)) <= most
                and OSA.distance(wanted, bare, score_cutoff=most) <= most
            )
            if alike and [*filter(str.isdigit, bare)] == digits:
                found = next((row for row in rows if actor.is_in(self.drafts[row].row.header.file)), None)
                if found is not None:
                    return repr(self.drafts[found].name)
        return ""

    def _read(self, actor: Actor) -> bool:
        """Whether an actor that was not found would have been if it were there."""
        if not actor.source:
            return True
        return bool(self.tags) if actor.source == ACCOUNT else any(map(actor.is_in, self.sources))

    # ---- what comes of it

    def _groups(self, apart: Iterable[tuple[Node, Node, PairDecision]]) -> list[list[Node]]:
        """Actors that are one by decisions, but for groups that another decision keeps apart."""
        for a, b, _ in self.same:
            self.parents[self._root(a)] = self._root(b)
        groups: dict[Node, dict[Node, None]] = {}
        for a, b, _ in self.same:
            groups.setdefault(self._root(a), {}).update({a: None, b: None})
        for a, b, decision in apart:
            together = a in self.parents and b in self.parents and self._root(a) == self._root(b)
            nodes = groups.pop(self._root(a), None) if together and decision.are == "different" else None
            if nodes is not None:
                self._contradiction(nodes, a, b, decision)
        return [self._in_order(nodes) for nodes in groups.values()]

    def _root(self, node: Node) -> Node:
        while (parent := self.parents.setdefault(node, node)) != node:
            node = parent
        return node

    @staticmethod
    def _in_order(nodes: Iterable[Node]) -> list[Node]:
        return sorted(nodes, key=lambda node: (isinstance(node, str), node))

    def _contradiction(self, nodes: Iterable[Node], a: Node, b: Node, decision: PairDecision) -> None:
        said = self._called(a), self._called(b)
        chain = [other for one, two, other in self.same if one in nodes and two in nodes]
        lines = " and ".join(str(other.spot) for other in chain[:5])
        message = (
            f"decisions contradict each other: {said[0]} and {said[1]} are `different` ({decision.spot}), and by "
            f"{lines} they are one; none of these was merged"
        )
        self.notes.append(self._issue(Severity.ERROR, "decisions-contradict", message, decision.spot))
        for node in nodes:
            if isinstance(node, int):
                draft = self.drafts[node]
                issue = Issue(Severity.ERROR, "decisions-contradict", message, name_place(draft), "value", draft.name)
                self.issues.setdefault(node, []).append(issue)

    def _merge(self, nodes: list[Node]) -> None:
        rows = [node for node in nodes if isinstance(node, int)]
        barred = {key for key, owners in self.owners.items() if not set(owners) & set(nodes)}
        held = [
            replace(tag, fields=_without(tag.fields, barred)[0]) if barred else tag
            for tag in (self.tags[node] for node in nodes if isinstance(node, str))
        ]
        if not rows:
            return  # two tags: see the command `duplicates`
        first, before = rows[0], {row: self.drafts[row] for row in rows}
        decided = [decision for a, b, decision in self.same if a in nodes and b in nodes]
        spots = ", ".join(str(decision.spot) for decision in decided)
        name = self._kept(decided, before[first], held)
        parts = [(before[row], self._by(before[row], decided)) for row in rows]
        self.drafts[first], told = merged(name, parts, held, spots)
        self.issues.setdefault(first, []).extend(told)
        alike = (*nodes, *(node for row in rows for node in self.meant.get(row, ()) if node not in nodes))
        self.also[first] = [
            self.tags[node] if isinstance(node, str) else before.get(node, self.drafts[node]) for node in alike
        ]
        self.held[first] = {tag.uuid: tag for one in self.also[first] for tag in self.account.about(one)}
        self.verdicts.update((frozenset((first, uuid)), "same") for uuid in self.held[first])
        self.into.update(dict.fromkeys(nodes, first))
        for row in rows[1:]:
            place = name_place(before[first])
            why = f"is one actor with {before[first].name!r} ({place}), as decided in {spots}; its tag is {name!r}"
            self.merges[row] = why
            self.drafts[row] = replace(before[row], left_out=why)

    def _kept(self, decided: Sequence[PairDecision], first: Draft, held: Sequence[Tag]) -> str:
        chosen = {identity_key(decision.keep): decision.keep for decision in decided if decision.keep}
        if len(chosen) > 1:
            message = (
                f"decisions keep several names of one actor, {', '.join(map(repr, chosen.values()))}: the first is"
            )
            self.notes.append(self._issue(Severity.WARNING, "several-kept", message, decided[0].spot))
        return next(iter(chosen.values()), held[0].name if held else first.name)

    def _by(self, draft: Draft, decided: Sequence[PairDecision]) -> tuple[frozenset[str], frozenset[str]]:
        """What of a row is united, and the fields of which its value counts."""
        united: set[str] = set()
        taken: set[str] = set()
        for decision in decided:
            for at, actor in enumerate(decision.actors):
                if not self._is(actor, draft):
                    continue
                united.update(decision.merge)
                taken.update(field for field, chosen in decision.take.items() if decision.chosen(chosen) == at)
        return frozenset(united), frozenset(taken)

    def _is(self, actor: Actor, draft: Draft) -> bool:
        if not actor.is_in(draft.row.header.file):
            return False
        if actor.id:
            return actor.id.lower() in (draft.row.id.lower(), source_id(draft.row))
        return identity_key(actor.name) == identity_key(draft.name)

    def _alias(self, decision: AliasDecision) -> None:
        key, actor = identity_key(decision.alias), decision.belongs_to
        found = False
        owners = self.owners[key] = self._nodes(actor)
        for position, draft in enumerate(self.drafts):
            kept, field = _without(draft.fields, {key})
            if not field:
                continue
            found = True
            if position in owners:
                continue
            message = f"is left out: {decision.spot} says that it belongs to {actor}"
            issue = Issue(
                Severity.INFO, "alias-of-another", message, draft.place(field, decision.alias), field, decision.alias
            )
            self.drafts[position] = replace(draft, fields=kept, issues=(*draft.issues, issue))
        near = "" if owners else self._near(actor)
        if near or (not found and not owners and self._read(actor) and actor.source):
            message = f"a decision no longer applies: nobody has the name {decision.alias!r}"
            if near:
                message = f"{decision.alias!r} belongs to {actor}, which is not there; did you mean {near}?"
            self.notes.append(self._issue(Severity.WARNING, "decision-not-applied", message, decision.spot))

    def _called(self, node: Node) -> str:
        if isinstance(node, str):
            return f"the tag {self.tags[node].name!r}"
        return f"{self.drafts[node].name!r} ({self.drafts[node].row.place()})"

    def _issue(self, severity: Severity, code: str, message: str, spot: Position) -> Issue:
        return Issue(severity, code, message, self.decisions.place(spot))


def _without(fields: Mapping[str, Json], names: Collection[str]) -> tuple[Mapping[str, Json], str]:
    """Fields without these other names, by their keys, and the first field that had one; empty for none."""
    kept: dict[str, Json] = {}
    for field in ALIAS_FIELDS:
        entries = fields.get(field)
        if isinstance(entries, list) and any(identity_key(entry_text(entry)) in names for entry in entries):
            kept[field] = [entry for entry in entries if identity_key(entry_text(entry)) not in names]
    if not kept:
        return fields, ""
    return {name: value for name, value in {**fields, **kept}.items() if value != []}, next(iter(kept))


def accept(
    changes: Sequence[Change], notes: Sequence[Issue], decisions: Decisions, sources: Sequence[SourceFile]
) -> tuple[list[Change], list[Issue]]:
    """Changes and notes, accepted issues marked as such; a note tells of accepted ones that are there no more."""
    accepted, met = decisions.held.accepted, set[AcceptedIssue]()

    def marked(issues: Iterable[Issue], name: str) -> Iterator[Issue]:
        for issue in issues:
            by = next((one for one in accepted if one.covers(issue, name)), None)
            if by is not None:
                met.add(by)
            yield issue if by is None else replace(issue, accepted=str(by.spot))

    kept = [replace(one, issues=tuple(marked(one.issues, one.name))) if one.issues else one for one in changes]
    told = list(marked(notes, ""))
    for one in accepted:
        if one not in met and any(is_source(one.source, source.file) for source in sources):
            about = f" with {one.value!r}" if one.value else ""
            message = f"a decision no longer applies, {one.source} has no issue {one.code!r}{about}"
            told.append(Issue(Severity.WARNING, "decision-not-applied", message, decisions.place(one.spot)))
    return kept, told
