"""A mapping laid over one header: which column of this table feeds which field and how it is read, what is unread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from importer.errors import MappingError
from importer.fields.conventions import USUAL, judge
from importer.fields.table import ALIAS_FIELDS
from importer.fields.vocabulary import Vocabulary, load_vocabulary
from importer.mapping.cells import CellReader
from importer.mapping.choose import read_columns
from importer.mapping.columns import guessed, is_ours, left_alone, missing, named
from importer.mapping.meanings import Meaning, meanings_of
from importer.mapping.recogniser import recognise
from importer.mapping.spec import PSEUDO_COLUMNS, Blank, Condition, Mapping, Rule, Section
from importer.mapping.transforms.text import columns_in
from importer.model import ColumnUse, Header, Issue, Place, Severity, Table
from importer.text.header_words import normalised
from importer.text.nearest_word import nearest


class BoundRule(Struct, frozen=True):
    """A rule and the columns of this table that feed it."""

    rule: Rule
    reader: CellReader
    columns: tuple[str, ...]
    parts: MappingABC[str, BoundRule]
    clears_blank: bool = False

    @property
    def collects(self) -> bool:
        """Whether every column counts, instead of the first filled one."""
        field = self.reader.field
        return field is not None and field.is_list and self.rule.join is None


class BoundMapping(Struct, frozen=True):
    """Everything that is known before the first row is read."""

    feeds: tuple[BoundRule, ...]
    conditions: tuple[Condition, ...]
    id: str
    """The column with the ids of actors; empty for none."""
    action: str
    action_told: bool
    """Whether the mapping names the action column, or it was found by its header word."""
    publishes_marked: bool
    """Whether rows marked TLP amber or stricter may fill public fields."""
    skip: str
    """Why the whole table is left out; empty when it is not."""
    notes: tuple[Issue, ...]
    uses: tuple[ColumnUse, ...] = ()
    """What becomes of each column."""

    @property
    def name_columns(self) -> tuple[str, ...]:
        feed = next((feed for feed in self.feeds if feed.rule.target == "value"), None)
        return () if feed is None else feed.columns


def own_vocabularies(mapping: Mapping) -> dict[str, Vocabulary]:
    """The vocabularies that the mapping extends or replaces, by name."""
    own: dict[str, Vocabulary] = {}
    for change in mapping.vocabularies:
        words = dict(change.words)
        if change.replace:
            targets = tuple(dict.fromkeys(word for word in words.values() if word))
            silent = tuple(word for word, target in words.items() if not target)
            kept = {word: target for word, target in words.items() if target}
            own[change.name] = Vocabulary(change.name, targets, kept, nothing=silent)
        else:
            own[change.name] = (own.get(change.name) or load_vocabulary(change.name)).extended(words)
    return own


class Binder:
    """Lays one mapping over headers; readers and what they remember are shared by all tables."""

    def __init__(self, mapping: Mapping, decided: Sequence[Meaning] = ()) -> None:
        self.mapping = mapping
        self.decided = decided
        self.own = own_vocabularies(mapping)
        self.readers: dict[tuple[int, bool, frozenset[Meaning]], tuple[Rule, CellReader]] = {}

    def lay(self, table: Table) -> BoundMapping:
        """The layout for a table: by its header, and where the mapping leaves that open, by what its columns hold."""
        header, mapping = table.header, self.mapping
        if mapping.guesses and mapping.reading is None:
            mapping = read_columns(mapping, table)
        sections = self._sections(header)
        rules = {rule.target: rule for rule in mapping.rules}
        conditions = list(self.mapping.when)
        skip = ""
        for section in sections:
            for target in section.dropped:
                rules.pop(target, None)
            rules.update({rule.target: rule for rule in section.rules})
            conditions.extend(section.when)
            if section.skip:
                what = f"sheet {header.sheet}" if header.sheet else f"file {header.file}"
                skip = f"the mapping {self.mapping.name} leaves the {what} out"
        taken: dict[str, str] = {}
        notes: list[Issue] = []
        feeds = [self._feed(rule, header, taken, notes) for rule in rules.values()]
        used = [feed for feed in feeds if feed.columns or feed.rule.constant is not None or feed.rule.template]
        action, told = self._action(header)
        if not self.mapping.shipped:
            notes.extend(self._unasked(header, conditions))
            notes.extend(self._unfilled(header, used))
            notes.extend(self._without_ids(header))
        id_ = next(iter(named(header.columns, (self.mapping.id,))), "") if self.mapping.id else ""
        uses = [] if skip else self._uses(table, mapping, used, conditions, (action, id_))
        notes.extend(self._unread(header, mapping, uses))
        return BoundMapping(
            tuple(used), tuple(conditions), id_, action, told, self.mapping.publishes_marked, skip, tuple(notes),
            tuple(uses),
        )  # fmt: skip

    def _sections(self, header: Header) -> list[Section]:
        name = header.file.rsplit("/", 1)[-1].casefold()
        found = [
            s
            for s in self.mapping.sources
            if fnmatchcase(name, s.pattern.casefold()) or fnmatchcase(header.file.casefold(), s.pattern.casefold())
        ]
        if header.sheet:
            sheet = header.sheet.strip().casefold()
            found += [s for s in self.mapping.sheets if fnmatchcase(sheet, s.pattern.strip().casefold())]
        return found

    def _feed(self, rule: Rule, header: Header, taken: dict[str, str], notes: list[Issue]) -> BoundRule:
        columns = self._columns(rule, header, taken, notes)
        parts = {}
        for name, part in rule.parts.items():
            found = self._columns(part, header, {}, notes)
            if found or part.constant is not None or part.template:
                parts[name] = BoundRule(part, self._reader(part, header, True), found, {})
        blank = rule.on_blank or self.mapping.on_blank
        reader = self._reader(rule, header)
        clearable = reader.field is None or reader.field.clearable
        return BoundRule(rule, reader, columns, parts, blank is Blank.CLEAR and clearable and rule.default is None)

    def _columns(self, rule: Rule, header: Header, taken: dict[str, str], notes: list[Issue]) -> tuple[str, ...]:
        """The columns of this table that a rule means; of header words a scalar field takes the best one only."""
        columns = named(header.columns, rule.columns)
        matches = [match for match in guessed(header.columns, rule.words) if match.column not in taken]
        reader_field = self._reader(rule, header).field
        if matches and (rule.join is not None or (reader_field is not None and reader_field.is_list)):
            found = {match.column for match in matches} - set(columns)
            columns.extend(column for column in header.columns if column in found)
        elif matches and not columns:
            best = matches[0]
            others = [match for match in matches[1:] if not self._read_elsewhere(match.column, rule)]
            columns.append(best.column)
            if others:
                listed = ", ".join(f"'{match.column}'" for match in others)
                message = f"{rule.target} is read from '{best.column}'; {listed} could be meant too and is left alone"
                notes.append(self._note(header, "several-columns", message, rule.target, best.column))
        for column in columns:
            taken.setdefault(column, rule.target)
        lacking = missing(header.columns, rule.columns) if rule.columns and not columns else []
        if lacking and not self.mapping.shipped:
            near = nearest(lacking[0], header.columns)
            hint = f"; did the mapping mean '{near}'?" if near else ""
            message = f"{rule.target} is not filled: there is no column '{lacking[0]}'{hint} ({rule.spot})"
            severity = Severity.WARNING if near else Severity.INFO
            notes.append(self._note(header, "missing-column", message, rule.target, "", severity))
        return tuple(columns)

    def _read_elsewhere(self, column: str, rule: Rule) -> bool:
        """Whether another rule has a word for a column: vendors' names are aliases where a column has the name."""
        return any(
            guessed((column,), other.words)
            for other in self.mapping.rules
            if other.target != rule.target and other.words
        )

    def _reader(self, rule: Rule, header: Header, part: bool = False) -> CellReader:
        meanings = meanings_of(self.decided, rule.target, header.file)
        key = (id(rule), part, frozenset(meanings.values()))
        if key not in self.readers:
            self.readers[key] = (rule, CellReader(rule, self.own, part, meanings=meanings))
        return self.readers[key][1]

    def forget(self) -> None:
        """Between two tables: see CellReader.forget."""
        for _, reader in self.readers.values():
            reader.forget()

    def _action(self, header: Header) -> tuple[str, bool]:
        if self.mapping.action:
            found = named(header.columns, (self.mapping.action,))
            return (found[0], True) if found else ("", True)
        return next(
            (column for column in header.columns if normalised(column) == "action" and column[0] != "_"), ""
        ), False

    def _unasked(self, header: Header, conditions: list[Condition]) -> Iterator[Issue]:
        """Conditions on columns that this table lacks. A mistyped one ends it: rows would come in that must not."""
        for condition in conditions:
            if named(header.columns, (condition.column,)) or condition.column.startswith("$"):
                continue
            near = nearest(condition.column, header.columns)
            told = f"there is no column '{condition.column}' in {header.sheet or header.file} for `when:`"
            if near:
                raise MappingError(f"{condition.spot}: {told}; did the mapping mean '{near}'?")
            message = f"{told}, so its rows are not asked ({condition.spot})"
            yield self._note(header, "missing-column", message, severity=Severity.WARNING)

    def _without_ids(self, header: Header) -> Iterator[Issue]:
        """The column of ids, where this table lacks it: a renamed actor of it is not found again."""
        if self.mapping.id and not named(header.columns, (self.mapping.id,)):
            near = nearest(self.mapping.id, header.columns)
            hint = f"; did the mapping mean '{near}'?" if near else ""
            message = f"there is no column '{self.mapping.id}' for `id:` in {header.sheet or header.file}{hint}"
            yield self._note(header, "missing-column", message, severity=Severity.WARNING)

    def _unfilled(self, header: Header, feeds: list[BoundRule]) -> Iterator[Issue]:
        """Columns in a template that this table lacks: their places stay empty."""
        for feed in feeds:
            for column in columns_in(feed.rule.template) if feed.rule.template else ():
                if named(header.columns, (column,)) or column.startswith("$"):
                    continue
                near = nearest(column, header.columns)
                hint = f"; did the mapping mean '{near}'?" if near else ""
                message = f"the template's '{column}' is empty: there is no such column{hint} ({feed.rule.spot})"
                yield self._note(header, "missing-column", message, feed.rule.target, "", Severity.WARNING)

    def _uses(
        self,
        table: Table,
        mapping: Mapping,
        feeds: list[BoundRule],
        conditions: list[Condition],
        others: tuple[str, ...],
    ) -> list[ColumnUse]:
        """What becomes of each column, in the table's order."""
        header = table.header
        fed: dict[str, list[str]] = {}
        for feed in feeds:
            target = feed.rule.target
            for column in (*feed.columns, *named(header.columns, columns_in(feed.rule.template))):
                fed.setdefault(column, []).append(target)
            for part, inner in feed.parts.items():
                for column in inner.columns:
                    fed.setdefault(column, []).append(f"{target}.{part}")
        asked = {*others, *named(header.columns, [condition.column for condition in conditions])}
        ignored = set(left_alone(header.columns, mapping.ignore))
        known = {one.column: one for one in mapping.reading.columns} if mapping.reading is not None else {}
        left = [
            column for column in header.columns if column not in fed and column not in asked and not is_ours(column)
        ]
        if left and not known:
            known = {one.column: one for one in recognise([table], full=[feed.rule.target for feed in feeds]).columns}
        uses = [
            ColumnUse(
                f"(the {column[1:]}'s name)" if column != "$row" else "(the row)",
                "",
                ", ".join(targets),
                "",
                len(table),
            )
            for column, targets in fed.items()
            if column in PSEUDO_COLUMNS
        ]
        for column, letter in zip(header.columns, header.letters or [""] * len(header.columns), strict=True):
            if is_ours(column):
                continue
            one = known.get(column)
            filled = one.profile.filled if one else int((table.frame[column] != "").sum())
            if column in fed:
                why = one.why if one and one.field in fed[column] else ""
                uses.append(ColumnUse(column, letter, ", ".join(dict.fromkeys(fed[column])), why, filled))
            elif column in asked:
                uses.append(ColumnUse(column, letter, filled=filled, left_alone=True))
            else:
                alone = column in ignored or one is None or one.of_the_record
                looks, could = (one.profile.looks_like, one.looks_like) if one and not alone else ("", "")
                uses.append(ColumnUse(column, letter, "", "", filled, looks, could, alone))
        return uses

    def _unread(self, header: Header, mapping: Mapping, uses: list[ColumnUse]) -> Iterator[Issue]:
        """Columns with content that feed nothing are a warning; what is left alone the reading shows."""
        columns = [use for use in uses if use.unread]
        if columns:
            shown = ", ".join(f"'{use.column}'" for use in columns[:12])
            more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
            message = f"not read by the mapping {mapping.name}: {shown}{more}"
            yield self._note(header, "unread-columns", message, severity=Severity.WARNING)

    def _note(
        self,
        header: Header,
        code: str,
        message: str,
        field: str = "",
        column: str = "",
        severity: Severity = Severity.INFO,
    ) -> Issue:
        place = Place(header.file, header.sheet, column=column)
        return Issue(severity, code, message, place, field)


LISTS_OF_NAMES = frozenset(ALIAS_FIELDS)
"""Fields that hold other names of the actor: its own name and repetitions are taken out of them."""


TextsOf = Callable[[str], Sequence[str]]


def judged(layout: BoundMapping, header: Header, texts_of: TextsOf) -> tuple[BoundMapping, list[Issue]]:
    """The layout with readers that know the table's scales, orders of dates and so on; and what was decided."""
    notes: list[Issue] = []
    feeds = []
    for feed in layout.feeds:
        parts = {
            name: _told(part, header, texts_of, notes, f"{feed.rule.target}.") for name, part in feed.parts.items()
        }
        feeds.append(_told(replace(feed, parts=parts), header, texts_of, notes))
    return replace(layout, feeds=tuple(feeds)), notes


def _told(feed: BoundRule, header: Header, texts_of: TextsOf, notes: list[Issue], whole: str = "") -> BoundRule:
    field = feed.reader.field
    columns = [column for column in feed.columns if not column.startswith("$")]
    if field is None or not columns or not feed.reader.judges or feed.rule.join is not None:
        return feed
    texts = texts_of(columns[0]) if len(columns) == 1 else [text for column in columns for text in texts_of(column)]
    found = judge(field, texts)
    if not found.message and found.convention == USUAL.convention:
        return feed
    shown = ", ".join(f"'{column}'" for column in columns)
    severity = Severity.WARNING if found.doubtful else Severity.INFO
    place = Place(header.file, header.sheet, column=columns[0])
    notes.append(Issue(severity, found.code, f"{shown} {found.message}", place, f"{whole}{feed.rule.target}"))
    return replace(feed, reader=feed.reader.by(found.convention))
