"""decisions.yaml: what people have decided once about two actors, another name, a value or an issue.

    pairs:
      - actors: [{name: APT28, source: threat-actor.json}, {name: Forest Blizzard, source: MicrosoftMapping.json}]
        are: same
    values:
      - {value: Chnia, field: originCountryISO, means: CN}

The file is the person's: what is added to it leaves every other line as it was, comments too. Reading, adding and
taking back are functions of its text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from importer.errors import Position, UsageError
from importer.fields.codes import shipped_codes
from importer.fields.names import identity_key
from importer.fields.table import FIELDS, Kind, field_named
from importer.mapping.cells import CellReader
from importer.mapping.meanings import file_name, is_source
from importer.mapping.spec import Rule
from importer.mapping.write import flow
from importer.model import Issue, Json, Pair, Place, SourceFile
from importer.text.json_schema import schema
from importer.text.nearest_word import nearest, unknown
from importer.text.typed_yaml import read
from importer.text.yaml_nodes import Node, Problems, compose, read_file

KIND: Final = "decisions"
_ROOM: Final = 20
"""How many times more such a file may hold than others: thousands of pairs."""
_HEAD: Final = "# What was decided about actors, names and issues. Written by a person, or by: tag-importer review\n"


def _about(meaning: str, example: str = "") -> Meta:
    return Meta(description=meaning, examples=[example] if example else None)


def _field(name: Any) -> str:
    if field_named(str(name)) is None:
        raise ValueError(unknown("tag field", str(name), tuple(field.name for field in FIELDS)))
    return str(name)


_READ: Final = tuple(
    field.name
    for field in FIELDS
    if field.current and (field.vocabulary or field.kind not in (Kind.TEXT, Kind.OBJECT)) and not field.is_list
)
"""Fields that read their texts: words of a vocabulary, countries, dates, numbers."""


def _read_field(name: Any) -> str:
    if name not in _READ and not re.fullmatch(r"properties\..*\S.*", str(name)):
        raise ValueError(unknown("field with values that can be decided", str(name), (*_READ, "properties.<key>")))
    return str(name)


Text = Annotated[str, Meta(min_length=1)]
Target = Annotated[str, Meta(extra={"read": _field}, extra_json_schema={"enum": [field.name for field in FIELDS]})]
By = Annotated[str, _about("Who decided it.", "jane@example.org")]
On = Annotated[str, _about("When.", "2026-11-26")]
Why = Annotated[str, _about("Why.")]
Part = Literal["aliases", "links", "notes"]
PARTS: Final[tuple[Part, ...]] = ("aliases", "links", "notes")
Verdict = Literal["same", "different", "overlaps", "unsure"]


class Actor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An actor of a source, by its id there or by its name."""

    name: Annotated[str, _about("Its name.", "APT28")] = ""
    source: Annotated[
        str, _about("The file that it is in, with or without its folder; `account` for a tag. Any when left out.")
    ] = ""
    id: Annotated[str, _about("Its id in the source, the uuid of a tag: it counts, whatever the name has become.")] = ""
    spot: Position = Position("")

    SHORTHAND = {str: "name"}

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Something tells which one it is."""
        if not (self.name or self.id):
            yield (), "an actor needs a `name` or an `id`"

    def __str__(self) -> str:
        return repr(self.name or self.id) + (f" of {self.source}" if self.source else "")

    def is_in(self, file: str) -> bool:
        """Whether a file is its source."""
        return not self.source or is_source(self.source, file)


class PairDecision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What two actors are to each other."""

    actors: Annotated[tuple[Actor, ...], Meta(min_length=2, max_length=2), _about("The two.")]
    are: Annotated[
        Verdict,
        _about("`same`: one tag is made of both. `different`: never asked again. `overlaps`, `unsure`: two tags."),
    ]
    keep: Annotated[str, _about("Of `same`: the name of the tag; that of the earlier source when it is left out.")] = ""
    merge: Annotated[
        tuple[Part, ...], _about("Of `same`: the lists and notes that are united; all when it is left out.")
    ] = PARTS
    take: Annotated[
        dict[Target, str], _about("Of `same`: tag field -> the source, or the name, of the actor whose value counts.")
    ] = {}
    by: By = ""
    on: On = ""
    why: Why = ""
    spot: Position = Position("")

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Two actors, and nothing that only `same` has beside another word."""
        if len(self.actors) != 2:
            yield ("actors",), f"a decision is about two actors, not {len(self.actors)}"
            return
        if self.are != "same":
            for key in ("keep", "take"):
                if getattr(self, key):
                    yield (key,), f"`{key}` is for actors that are the same"
        names = [actor.name for actor in self.actors]
        if self.keep and all(names) and identity_key(self.keep) not in map(identity_key, names):
            yield ("keep",), f"`keep` is the name of one of the two, {names[0]!r} or {names[1]!r}"
        for field, chosen in self.take.items():
            if self.chosen(chosen) is None:
                yield ("take", field), f"{chosen!r} is neither the source nor the name of one of the two"

    def chosen(self, text: str) -> int | None:
        """Which of the two is meant: by its source, else by its name."""
        for matches in (
            [actor.source != "" and is_source(actor.source, text) for actor in self.actors],
            [actor.name != "" and identity_key(actor.name) == identity_key(text) for actor in self.actors],
        ):
            if sum(matches) == 1:
                return matches.index(True)
        return None


class AliasDecision(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"belongs_to": "belongs-to"}):
    """Whose another name is: it is left out of all others."""

    alias: Annotated[Text, _about("The other name.", "NOBELIUM")]
    belongs_to: Annotated[Actor, _about("The actor whose it is.")]
    by: By = ""
    on: On = ""
    why: Why = ""
    spot: Position = Position("")


class ValueDecision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a text means that cannot be read."""

    value: Annotated[Text, _about("The text, as it is in the source.", "Chnia")]
    field: Annotated[
        str, Meta(description="The tag field.", examples=["originCountryISO"], extra={"read": _read_field})
    ]
    means: Annotated[Text, _about("What is taken for it, as a cell would say it.", "CN")]
    source: Annotated[str, _about("The file; everywhere when it is left out.")] = ""
    by: By = ""
    on: On = ""
    why: Why = ""
    spot: Position = Position("")

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A field without words of its own, which a mapping may extend, says here what it takes."""
        field = field_named(self.field)
        if field is None or (field.vocabulary and field.kind is not Kind.TLP):
            return
        found = CellReader(Rule(self.field), {}).read(self.means)
        if found.value is None:
            seed = found.seeds[0] if found.seeds else None
            near = f"; nearest is {seed.nearest!r}" if seed and seed.nearest else ""
            yield ("means",), f"{self.means!r} {seed.message.partition(';')[0] if seed else 'says nothing'}{near}"

    def covers(self, value: str, field: str, file: str) -> bool:
        """Whether it is about this text of a field in a file."""
        return (
            self.field == field
            and identity_key(self.value) == identity_key(value)
            and (not self.source or is_source(self.source, file))
        )


class AcceptedIssue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An issue that is known: it is not shown any more until it changes."""

    code: Annotated[Text, _about("Its code.", "unclear-motive")]
    source: Annotated[str, _about("The file; any when it is left out.")] = ""
    name: Annotated[str, _about("The actor; any when it is left out.")] = ""
    field: Annotated[str, _about("The tag field; any when it is left out.")] = ""
    value: Annotated[str, _about("The value; any when it is left out.")] = ""
    by: By = ""
    on: On = ""
    why: Why = ""
    spot: Position = Position("")

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Its code is one that there is."""
        if self.code not in shipped_codes():
            near = nearest(self.code, list(shipped_codes()))
            said = f"did you mean '{near}'?" if near else "the terminal and results.csv give the code of each issue"
            yield ("code",), f"{self.code!r} is not a code; {said}"

    def covers(self, issue: Issue, name: str) -> bool:
        """Whether it is about this issue of an actor."""
        return (
            self.code == issue.code
            and (not self.source or is_source(self.source, issue.place.file))
            and (not self.name or identity_key(self.name) == identity_key(name))
            and (not self.field or self.field == issue.field)
            and (not self.value or self.value == issue.value)
        )


class DecisionsFile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What people have decided about the actors of some lists; kept, and never asked again."""

    pairs: Annotated[tuple[PairDecision, ...], _about("What two actors are to each other.")] = ()
    aliases: Annotated[tuple[AliasDecision, ...], _about("Whose another name is.")] = ()
    values: Annotated[tuple[ValueDecision, ...], _about("What texts mean that cannot be read.")] = ()
    accepted: Annotated[tuple[AcceptedIssue, ...], _about("Issues that are known.")] = ()

    UNKNOWN_KEYS = {
        word: f"`{word}` is what two actors are: pairs: [{{actors: [Amber Jackal, Iron Quokka], are: {word}}}]"
        for word in get_args(Verdict)
    }

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """One text of a field has one meaning in a source, two actors are one thing to each other, a name is one's."""
        yield from _contradictions(self.pairs)
        owned: dict[str, AliasDecision] = {}
        for alias in self.aliases:
            earlier = owned.setdefault(identity_key(alias.alias), alias)
            mine, theirs = (one.belongs_to.id or identity_key(one.belongs_to.name) for one in (alias, earlier))
            if mine != theirs:
                told = f"{alias.alias!r} belongs to {earlier.belongs_to} ({earlier.spot}) and to {alias.belongs_to}"
                yield (), f"{told} ({alias.spot}): take one out"
        known: dict[tuple[str, ...], ValueDecision] = {}
        for value in self.values:
            first = known.setdefault(_value_key(value), value)
            if first.means != value.means:
                told = f"{first.value!r} means {first.means!r} ({first.spot}) and {value.means!r} ({value.spot})"
                yield (), f"{told}: take one out"


def _contradictions(pairs: Sequence[PairDecision]) -> Iterator[tuple[tuple[str, ...], str]]:
    known: dict[frozenset[str], list[PairDecision]] = {}
    for pair in pairs:
        names = [actor.id.lower() or identity_key(actor.name) for actor in pair.actors]
        about = known.setdefault(frozenset(names), [])
        mine = dict(zip(names, pair.actors, strict=True))
        for earlier in about:
            theirs = {actor.id.lower() or identity_key(actor.name): actor for actor in earlier.actors}
            alike = all(not theirs[key].source or actor.is_in(theirs[key].source) for key, actor in mine.items())
            if alike and len(mine) == 2 and earlier.are != pair.are:
                told = f"{pair.actors[0]} and {pair.actors[1]} are `{earlier.are}` ({earlier.spot})"
                yield (), f"{told} and `{pair.are}` ({pair.spot}): take one out"
        about.append(pair)


class Decisions(Struct, frozen=True):
    """The decisions of one file."""

    file: str
    sha256: str
    size: int
    held: DecisionsFile = DecisionsFile()

    @property
    def source(self) -> SourceFile:
        """For the plan that they shape."""
        return SourceFile(self.file, KIND, self.sha256, self.size)

    def place(self, spot: Position) -> Place:
        """Where one of them is, for an issue about it."""
        return Place(self.file, row=spot.line)


def decisions_schema() -> dict[str, Json]:
    """The JSON Schema of such files, for editors."""
    return schema(DecisionsFile, "tag-importer decisions")


def load_decisions(path: str) -> Decisions:
    """The decisions of a file. UsageError with every mistake, its line and column."""
    problems = _problems(path)
    data = read_file(Path(path), problems)
    return Decisions(path, hashlib.sha256(data).hexdigest(), len(data), _read(data, problems))


def parse(text: str, file: str = "decisions.yaml") -> DecisionsFile:
    """The decisions in a text; none in one that is blank or holds comments only."""
    return _read(text.encode(), _problems(file))


def _problems(file: str) -> Problems:
    return Problems(file, what="decisions file", room=_ROOM)


def _read(data: bytes, problems: Problems) -> DecisionsFile:
    lines = (line.strip() for line in data.splitlines())
    if all(not line or line.startswith(b"#") for line in lines):
        return DecisionsFile()
    return read(data, DecisionsFile, problems)


# ---- writing


Decision = PairDecision | ValueDecision | AcceptedIssue


_SECTIONS: Final[Mapping[str, type[Decision]]] = {
    "pairs": PairDecision, "values": ValueDecision, "accepted": AcceptedIssue,
}  # fmt: skip


def with_decisions(text: str, decided: Iterable[Decision], file: str = "decisions.yaml") -> str:
    """The text with these decisions added; an earlier one about the same is replaced. All other lines stay.

    UsageError for a text that is wrong, or has a list in brackets instead of lines.
    """
    held = list(decided)
    for section, kind in _SECTIONS.items():
        if added := [one for one in held if isinstance(one, kind)]:
            text = _with(text, section, added, file)
    return text


def _with(text: str, section: str, decided: Sequence[Decision], file: str) -> str:
    """The text with decisions added to one section of it."""
    before: Sequence[Decision] = getattr(parse(text, file), section)
    lines = text.splitlines(keepends=True) if text.strip() else [_HEAD]
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    about = {_about_key(decision) for decision in decided}
    old = [decision for decision in before if _about_key(decision) in about]
    root = compose(text, _problems(file)) if before else None
    node = root.find(section) if root is not None else None
    at, indent = len(lines), 0
    if root is not None and node is not None:
        items = node.value if isinstance(node.value, list) else [node]
        first = items[0].spot.line
        dash = lines[first - 1].lstrip()[:2]
        if first <= root.keys[section].line or not dash.startswith("-"):
            raise UsageError(
                f"{root.keys[section]}: nothing can be added to `{section}:` as it is written",
                hint="Write each decision below it, on lines of its own that begin with a dash.",
            )
        indent = len(lines[first - 1]) - len(lines[first - 1].lstrip())
        at = _end(lines, first, root)
        starts = [item.spot.line for item in items]
        for decision in reversed(old):
            begin = decision.spot.line
            end = next((line for line in starts if line > begin), at + 1)
            del lines[begin - 1 : _last(lines, begin, end - 1)]
        at -= len(text.splitlines()) - len(lines)
    added = [part for decision in decided for part in _lines(decision, " " * indent)]
    left = len(before) - len(old)
    if not added:
        return "".join(lines)
    if node is None or (not left and f"{section}:" not in "".join(lines)):
        added = [f"{section}:\n", *added]
    lines[at:at] = added
    made = "".join(lines)
    assert len(getattr(parse(made, file), section)) == left + len(decided)
    return made


def _end(lines: Sequence[str], first: int, root: Node) -> int:
    """After how many lines the pairs end: before the next key, and the comment that belongs to it."""
    end = min((spot.line - 1 for spot in root.keys.values() if spot.line > first), default=len(lines))
    return _last(lines, first, end)


def _last(lines: Sequence[str], begin: int, end: int) -> int:
    while end > begin and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _about_key(decision: Decision) -> frozenset[tuple[str, ...]]:
    """What tells what it is about."""
    if isinstance(decision, PairDecision):
        return frozenset(
            (actor.id.lower() or identity_key(actor.name), file_name(actor.source).casefold())
            for actor in decision.actors
        )
    if isinstance(decision, ValueDecision):
        return frozenset((_value_key(decision),))
    return frozenset(((decision.code, decision.source, decision.name, decision.field, decision.value),))


def _value_key(decision: ValueDecision) -> tuple[str, ...]:
    return decision.field, identity_key(decision.value), file_name(decision.source).casefold()


def _lines(decision: Decision, indent: str) -> Iterator[str]:
    plain: dict[str, Json] = msgspec.to_builtins(decision)
    plain.pop("spot", None)
    if not isinstance(decision, PairDecision):
        yield f"{indent}- {flow(plain)}\n"
        return
    actors = plain.pop("actors")
    yield f"{indent}- actors:\n"
    for actor in actors:
        actor.pop("spot", None)
        yield f"{indent}    - {flow(actor)}\n"
    for key, value in plain.items():
        yield f"{indent}  {key}: {flow(value)}\n"


def actor_of(name: str, source: str, id_: str = "") -> Actor:
    """An actor as a decision names it: the source without its folder."""
    return Actor(name=name, source=file_name(source), id=id_)


def decision_of(pair: Pair, are: Verdict, *, keep: str = "", by: str = "", on: str = "") -> PairDecision:
    """What was decided of a pair, each actor by its source and id or name."""
    actors = tuple(actor_of(side.name, side.source, side.id) for side in (pair.one, pair.other))
    return PairDecision(actors=actors, are=are, keep=keep, by=by, on=on)


def undecided(pairs: Sequence[Pair], held: DecisionsFile, *, stated: bool = False) -> list[Pair]:
    """The pairs that a person has to decide and has not, then with `stated` those that a source or one name settles."""
    known = {_about_key(decision) for decision in held.pairs}
    left = [pair for pair in pairs if not pair.decision and _about_key(decision_of(pair, "unsure")) not in known]
    return [pair for pair in left if pair.open] + [pair for pair in left if stated and not pair.open]


# ---- values


class AskedValue(Struct, frozen=True):
    """A text of a field that could not be read, as a person is asked about it."""

    value: str
    field: str
    """The field that a decision names."""
    count: int
    cells: tuple[str, ...]
    """The first of them, each with its file."""
    files: tuple[str, ...]
    nearest: str
    """The allowed word that comes closest; empty where none does."""
    issue: Issue
    """The first of them."""


_CELLS: Final = 4


def undecided_values(issues: Iterable[Issue], held: DecisionsFile) -> list[AskedValue]:
    """The texts that could not be read and of which nobody has decided what they mean, the most frequent first."""
    groups: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        field = _unread_field(issue)
        if not field or issue.accepted or not issue.value.strip():
            continue
        if any(one.covers(issue.value, field, issue.place.file) for one in held.values):
            continue
        if not any(one.covers(issue, "") for one in held.accepted):
            groups.setdefault((field, identity_key(issue.value)), []).append(issue)
    found = [
        AskedValue(
            one[0].value,
            field,
            len(one),
            tuple(str(issue.place) for issue in one[:_CELLS]),
            tuple(dict.fromkeys(issue.place.file for issue in one)),
            next((issue.nearest for issue in one if issue.nearest), ""),
            one[0],
        )
        for (field, _), one in groups.items()
    ]
    return sorted(found, key=lambda asked: -asked.count)


def value_decision_of(
    asked: AskedValue, means: str, *, everywhere: bool = False, by: str = "", on: str = ""
) -> ValueDecision:
    """What a text means: in its source where it was found in one only, else everywhere."""
    source = "" if everywhere or len(asked.files) > 1 else file_name(asked.files[0])
    return ValueDecision(value=asked.value, field=asked.field, means=means, source=source, by=by, on=on)


def left_as_it_is(asked: AskedValue, *, by: str = "", on: str = "") -> AcceptedIssue:
    """That a text is left out, as it is, and not asked about again."""
    issue, source = asked.issue, "" if len(asked.files) > 1 else file_name(asked.files[0])
    return AcceptedIssue(code=issue.code, source=source, field=issue.field, value=issue.value, by=by, on=on)


def _unread_field(issue: Issue) -> str:
    """The field of which an issue says that a text of it cannot be read; empty for any other issue."""
    if issue.field.startswith("properties."):
        return issue.field if issue.code in _UNREAD_PROPERTY else ""
    return next((name for name in (issue.field, "confidence", "tlp") if issue.code in _unread_codes(name)), "")


@cache
def _unread_codes(name: str) -> frozenset[str]:
    field = field_named(name)
    if field is None or name not in _READ:
        return frozenset()
    if field.vocabulary:
        return frozenset(f"{how}-{field.vocabulary}" for how in ("unknown", "unclear", "several"))
    return _UNREAD.get(field.kind, frozenset())


_UNREAD: Final = {
    Kind.COUNTRY: frozenset(("unknown-country", "several-countries", "region", "unclear-country")),
    Kind.DATE: frozenset(("bad-date", "ambiguous-date", "partial-date")),
    Kind.NUMBER: frozenset(("bad-number",)),
    Kind.SCORE: frozenset(("bad-score", "unclear-score")),
}
_UNREAD_PROPERTY: Final = frozenset(("property-value", "property-format", "property-kind"))
