"""Tables into Drafts: the tag that each row asks for, with everything found on the way.

The work goes column by column, and each distinct text of a column is transformed and checked once; of a long table
some thousand rows at a time, so that their drafts need not all be held.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from itertools import chain
from typing import TypeVar

from msgspec.structs import replace

from importer.errors import SourceError
from importer.fields.dates import parse_date
from importer.mapping.assemble import (
    add_links,
    alone,
    attach_parts,
    clears_blank_part,
    filled_templates,
    first_filled,
    joined,
    keep_text,
    labelled,
    tidy_names,
    unique_links,
)
from importer.mapping.bound_mapping import LISTS_OF_NAMES, Binder, BoundMapping, BoundRule, judged
from importer.mapping.cells import BLANK, MEMO, NAMES, Cell, Finding
from importer.mapping.columns import named
from importer.mapping.meanings import Meaning
from importer.mapping.no_actor import left_out_by, no_actors
from importer.mapping.origins import Origins
from importer.mapping.spec import Labelled, Mapping, Value
from importer.mapping.transforms.text import columns_in
from importer.mapping.withheld import MARKED, marking, withhold
from importer.model import Asked, Draft, Header, Issue, Json, Place, RowRef, Severity, Table
from importer.text.header_words import header_words
from importer.text.nearest_word import nearest

T = TypeVar("T")

_ISO = re.compile(r"\d{4}(?:-\d\d){0,2}(?!\d)")
_DATES = ("dateOfDiscovery", "lastSeen")
_OF_FORMULAS = ("error-cell", "formula-without-value")
"""They do not matter in a column that is not read."""
_DELETES = frozenset(("delete", "remove", "drop", "prune", "deleted", "removed"))
NO_CLEAR: frozenset[str] = frozenset()
ALWAYS = "9999-12-31"
PART = 4_000
"""Rows that are drafted together: of a longer list only so many are on the way at once."""


class Drafting:
    """One table on its way into drafts: what is decided of all its rows, and then their drafts, some at a time."""

    def __init__(self, layout: BoundMapping, table: Table, latest: str = ALWAYS) -> None:
        if layout.id:
            table = replace(table, ids=[text.strip() for text in table.texts(layout.id)])
        self.layout, self.table, self.header, self.latest = layout, table, table.header, latest
        self.notes: list[Issue] = []
        """What was decided of whole columns; complete when all parts are drafted."""
        self.left_out: dict[int, str] = {}
        self.verdicts: dict[int, Issue] = {}
        """What is said of rows that are none of the list's entries, which are left out, or may not be."""
        self.asked: dict[int, Asked] = {}
        self.mistaken: dict[int, Issue] = {}
        """What is wrong with the action that a row asks for."""
        self.dates: dict[int, list[tuple[str, str]]] = {}
        if not layout.skip and len(table):
            self._decide()
        self.origins = Origins(self.layout, self._text)

    def _decide(self) -> None:
        self.left_out = left_out_by(self.layout.conditions, self.header.columns, self.texts)
        self._no_actors()
        self.layout, self.notes = judged(self.layout, self.header, self._rows_of)
        self._asked()
        for (position, column), shown in self.table.dates.items():
            self.dates.setdefault(position, []).append((column, shown))

    def parts(self) -> Iterator[list[Draft]]:
        """The drafts of all rows, in order."""
        moved: dict[str, None] = {}
        first, many = 0, 0
        for start in range(0, len(self.table), PART):
            part = _Part(self, range(start, min(start + PART, len(self.table))))
            yield part.drafts()
            if part.withheld:
                first = first if many else start + next(iter(part.withheld))
                many += len(part.withheld)
                moved.update((name, None) for names in part.withheld.values() for name in names)
        if many:
            self._tell_withheld(first, many, ", ".join(moved))

    def again(self, positions: Sequence[int]) -> list[Draft]:
        """The drafts of these rows, as `parts` has given them."""
        return _Part(self, positions).drafts()

    def texts(self, column: str, positions: Sequence[int] | None = None) -> Sequence[str]:
        """The texts of a column in these rows, of all where none are named; the pseudo-columns are among them."""
        table = self.table
        rows = range(len(table)) if positions is None else positions
        if column == "$sheet":
            return [self.header.sheet] * len(rows)
        if column == "$file":
            return [self.header.file] * len(rows)
        if column == "$row":
            return [str(table.numbers[position]) for position in rows]
        if column == "$id":
            return [table.ids[position] for position in rows] if table.ids else [""] * len(rows)
        return table.texts(column, rows)

    def _text(self, column: str, position: int) -> str:
        return self.texts(column, (position,))[0]

    def _rows_of(self, column: str) -> Sequence[str]:
        """The texts of a column in the rows that are of the list."""
        texts = self.texts(column)
        if not self.left_out:
            return texts
        return [text for position, text in enumerate(texts) if position not in self.left_out]

    def _place(self, position: int, column: str) -> Place:
        return RowRef(self.table, position).place(column)

    def _no_actors(self) -> None:
        """Leaves out rows that are none (totals, remarks, the header once more), each with an issue."""
        feed = next(feed for feed in self.layout.feeds if feed.rule.target == "value")
        if not feed.columns or feed.rule.as_is:
            return
        words = tuple(header_words().fields.items())
        for position, why, column, seed in no_actors(self.table, feed.columns[0], words):
            if position not in self.left_out:
                self.verdicts[position] = seed.at(self._place(position, column), "value")
                if why:
                    self.left_out[position] = why

    def _asked(self) -> None:
        column = self.layout.action
        if not column:
            return
        words = {word.value: word for word in Asked}
        texts = [text.strip().casefold() for text in self.texts(column)]
        # One word that is an action shows that the column is about actions: then every other one is a mistake.
        told = self.layout.action_told or not words.keys().isdisjoint(texts)
        for position, word in enumerate(texts):
            if not word:
                continue
            if word in words:
                self.asked[position] = words[word]
                continue
            near = nearest(word, tuple(words))
            deletes = word in _DELETES
            wrong = told or deletes or bool(near)
            severity = Severity.ERROR if wrong else Severity.WARNING
            message = "is not an action" if wrong else "is not an action; the column is taken for something else"
            if deletes:
                message = "is not an action of a row; with --prune, tags that vanish from the list are deleted"
            seed = Finding(severity, "unknown-action", message, self._text(column, position), tuple(words), near)
            self.mistaken[position] = seed.at(self._place(position, column), "")

    def _tell_withheld(self, first: int, many: int, fields: str) -> None:
        """What marked rows would show to others is kept private; said once for the table."""
        columns = next(feed for feed in self.layout.feeds if feed.rule.target == "tlp").columns
        filled = (column for column in columns if self._text(column, first).strip())
        place = self._place(first, next(filled, columns[0] if columns else ""))
        rows = f"{many:,} rows are" if many > 1 else "a row is"
        told = f"{rows} marked amber or stricter, so what is said in {fields} went to private fields"
        self.notes.append(Issue(Severity.INFO, "kept-private", told, place, "tlp"))


class _Part:
    """Some rows of a table. Their positions are those among them, from 0; `positions` are theirs in the table."""

    def __init__(self, whole: Drafting, positions: Sequence[int]) -> None:
        self.whole, self.positions, self.size = whole, positions, len(positions)
        self.layout, self.header, self.origins = whole.layout, whole.header, whole.origins
        self.rows = [RowRef(whole.table, position) for position in positions]
        self.columns: dict[str, Sequence[str]] = {}
        """Texts by column, of those that were asked for."""
        self.fields: list[dict[str, Json]] = [{} for _ in self.rows]
        self.left_out = self._of(whole.left_out)
        self.verdicts = self._of(whole.verdicts)
        self.issues = {position: [verdict] for position, verdict in self.verdicts.items()}
        self.clear: dict[int, set[str]] = {}
        self.kept: list[tuple[int, str, str, str]] = []
        self.links: list[tuple[int, tuple[str, ...]]] = []
        self.withheld: dict[int, list[str]] = {}
        """The fields whose content went to private ones."""

    def _of(self, held: MappingABC[int, T]) -> dict[int, T]:
        """What is held of these rows."""
        return {at: held[position] for at, position in enumerate(self.positions) if position in held} if held else {}

    def drafts(self) -> list[Draft]:
        if self.layout.skip:
            return [Draft(row, {}, row.issues, left_out=self.layout.skip) for row in self.rows]
        for feed in self.layout.feeds:
            self._feed(feed)
        for position, target, label, text in self.kept:
            if not keep_text(self.fields[position], target, label, text):
                place = self.rows[position].place(label)
                message = f"has no room in {target}, which is full; it was left out"
                issue = Issue(Severity.WARNING, "not-kept", message, place, target, text)
                self.issues.setdefault(position, []).append(issue)
        for position, links in self.links:
            add_links(self.fields[position], links)
        for feed in self.layout.feeds:
            target = feed.rule.target
            if feed.rule.as_is:
                continue
            if target in LISTS_OF_NAMES:
                for position, index, seed in tidy_names(self.fields, target):
                    self._add(position, feed, self._entry_column(feed, position, index), seed)
            elif feed.collects:
                unique_links(self.fields, target)
        self._missing_names()
        self._odd_dates()
        self._names_turned_dates()
        if not self.layout.publishes_marked and any(feed.rule.target == "tlp" for feed in self.layout.feeds):
            self.withheld = {position: names for position, fields in enumerate(self.fields)
                             if marking(fields) and (names := withhold(fields))}  # fmt: skip
        if not self.layout.publishes_marked:
            self._marked_elsewhere()
        self._group_properties()
        for position, mistake in self._of(self.whole.mistaken).items():
            self.issues.setdefault(position, []).append(mistake)
        read = {column for feed in self.layout.feeds for column in feed.columns}
        for position, given in self._of(self.whole.table.issues).items():
            found = [issue for issue in given if issue.code not in _OF_FORMULAS or issue.place.column in read]
            self.issues[position] = [*found, *self.issues.get(position, ())]
        for position, verdict in self.verdicts.items():
            if position in self.left_out:  # nothing else is wrong with a row that is none
                self.fields[position], self.issues[position] = {}, [verdict]
        issues = {position: tuple(found) for position, found in self.issues.items()}
        clear = {position: frozenset(targets) for position, targets in self.clear.items()}
        asked, left_out, none, origins = self._of(self.whole.asked), self.left_out, (), self.origins
        return [
            Draft(
                row, fields, issues.get(position, none), clear.get(position, NO_CLEAR), asked.get(position),
                left_out.get(position, ""), origins,
            )
            for position, (row, fields) in enumerate(zip(self.rows, self.fields, strict=True))
        ]  # fmt: skip

    def _texts(self, column: str) -> Sequence[str]:
        found = self.columns.get(column)
        if found is None:
            found = self.columns[column] = self.whole.texts(column, self.positions)
        return found

    def _source(self, feed: BoundRule, position: int) -> str:
        """The first column of a feed that is filled in this row: where an issue on the whole belongs."""
        for column in feed.columns:
            if self._texts(column)[position].strip():
                return column
        return feed.columns[0] if feed.columns else ""

    def _entry_column(self, feed: BoundRule, position: int, index: int) -> str:
        """The column of one entry of a list field."""
        if len(feed.columns) > 1 and feed.collects:
            entries = self.origins.entries(feed, self.positions[position])
            if index < len(entries):
                return entries[index][0]
        return self._source(feed, position)

    def _feed(self, feed: BoundRule) -> None:
        if (one := self._one_text(feed)) is not None:
            self._feed_texts(feed, *one)
        elif feed.collects and feed.columns:
            self._feed_collected(feed)
        else:
            self._feed_cells(feed)
        if feed.clears_blank and feed.columns:
            self._clear_blank(feed)
        if feed.parts:
            self._parts(feed)

    def _one_text(self, feed: BoundRule) -> tuple[Sequence[str], str] | None:
        """The text of each row and the column it is from (empty: several), where one text gives the whole value."""
        rule, columns = feed.rule, feed.columns
        if rule.template:
            return filled_templates(rule.template, self.header.columns, self._texts, self.size), ""
        if columns and rule.join is not None and (len(columns) > 1 or rule.labelled is not Labelled.FALSE):
            leads = 1 if not rule.columns or named(columns[:1], rule.columns[:1]) else 0
            bare = {Labelled.TRUE: 0, Labelled.REST: leads, Labelled.FALSE: len(columns)}[rule.labelled]
            parts = [
                labelled(column, self._texts(column)) if at >= bare else self._texts(column)
                for at, column in enumerate(columns)
            ]
            return [joined(cells, rule.join) for cells in zip(*parts, strict=True)], columns[0]
        return (self._texts(columns[0]), columns[0]) if len(columns) == 1 else None

    def _feed_texts(self, feed: BoundRule, texts: Sequence[str], column: str) -> None:
        """As most fields: nothing is made for an ordinary text but its value."""
        target, reader = feed.rule.target, feed.reader
        given = zip(self.fields, texts, reader.quickly(texts), strict=True)
        for position, (fields, text, value) in enumerate(given):
            if value is None:
                cell = reader.memo.get(text) or reader.read_the_long_way(text)
                if cell.seeds or cell.kept or cell.clears or cell.links:
                    self._note(position, feed, cell, column)
                value = cell.value
                if value is None:
                    continue
            fields[target] = value

    def _feed_collected(self, feed: BoundRule) -> None:
        """All columns of a list field together; the issues of each go to its own cell."""
        target, reader, first = feed.rule.target, feed.reader, feed.columns[0]
        gathered: list[Value] = [None] * self.size
        other: dict[int, Cell] = {}
        """Of rows without a value what the first cell says instead."""
        for column in feed.columns:
            texts = self._texts(column)
            for position, (text, value) in enumerate(zip(texts, reader.quickly(texts), strict=True)):
                if value is None:
                    cell = (reader.memo.get(text) or reader.read_the_long_way(text)) if text else BLANK
                    if cell is BLANK:
                        continue
                    if cell.seeds or cell.kept or cell.links:
                        self._note(position, feed, cell, column)
                    value = cell.value
                    if value is None:
                        if gathered[position] is None:
                            other.setdefault(position, cell)
                        continue
                before = gathered[position]
                gathered[position] = value if before is None else [*before, *value]
        default = reader.default if feed.rule.default is not None else BLANK
        for position, (fields, value) in enumerate(zip(self.fields, gathered, strict=True)):
            if value is None and (position in other or default is not BLANK):
                cell = Cell(clears=other[position].clears) if position in other else default
                self._note(position, feed, cell, first)
                value = cell.value
            if value is not None:
                fields[target] = value

    def _feed_cells(self, feed: BoundRule) -> None:
        cells, sources = self._cells(feed)
        for position, (fields, cell) in enumerate(zip(self.fields, cells, strict=True)):
            if cell.value is not None:
                fields[feed.rule.target] = cell.value
            if cell.seeds or cell.kept or cell.clears or cell.links:
                self._note(position, feed, cell, sources[position])

    def _cells(self, feed: BoundRule) -> tuple[Sequence[Cell], Sequence[str]]:
        """The cell of each row, and the column each came from."""
        memo, read, columns = feed.reader.memo, feed.reader.read, feed.columns
        if (one := self._one_text(feed)) is not None:
            return [memo.get(text) or read(text) for text in one[0]], [one[1]] * self.size
        if not columns:
            return [feed.reader.constant()] * self.size, [""] * self.size
        known: dict[tuple[str, ...], tuple[Cell, str]] = {}
        found = []
        for texts in zip(*map(self._texts, columns), strict=True):
            chosen = known.get(texts)
            if chosen is None:
                chosen = first_filled(feed, texts)
                if len(known) < MEMO:
                    known[texts] = chosen
            found.append(chosen)
        return [cell for cell, _ in found], [source for _, source in found]

    def _parts(self, feed: BoundRule) -> None:
        target = feed.rule.target
        for name, part in feed.parts.items():
            cells, sources = self._cells(part)
            blank_clears = clears_blank_part(part.rule, feed.clears_blank)
            for position, cell in enumerate(cells):
                if cell.seeds and target in self.fields[position]:
                    self._note(position, part, cell, sources[position], target)
                if cell.clears or (blank_clears and cell.value is None and self._is_blank(part, position)):
                    self.clear.setdefault(position, set()).add(f"{target}.{name}")
                elif cell.value is not None and target not in self.fields[position] and self._is_blank(feed, position):
                    column = self._source(part, position)
                    if column and (text := self._texts(column)[position].strip()):
                        self._add(position, part, column, alone(target, name, text), target)
            attach_parts(self.fields, target, name, cells)

    def _is_blank(self, feed: BoundRule, position: int) -> bool:
        return not any(self._texts(column)[position].strip() for column in feed.columns if column[:1] != "$")

    def _note(self, position: int, feed: BoundRule, cell: Cell, column: str, target: str = "") -> None:
        if position in self.left_out:
            return
        for seed in cell.seeds:
            self._add(position, feed, column, seed, target)
        if cell.kept:
            label = feed.rule.keep_label or (column if not column.startswith("$") else feed.rule.target)
            self.kept.append((position, feed.reader.keep_in, label, cell.kept))
        if cell.links:
            self.links.append((position, cell.links))
        if cell.clears:
            self.clear.setdefault(position, set()).add(feed.rule.target)

    def _add(self, position: int, feed: BoundRule, column: str, seed: Finding, target: str = "") -> None:
        issue = seed.at(self.rows[position].place(column), target or feed.rule.target)
        self.issues.setdefault(position, []).append(issue)

    def _clear_blank(self, feed: BoundRule) -> None:
        target = feed.rule.target
        for position, texts in enumerate(zip(*(self._texts(column) for column in feed.columns), strict=True)):
            if target not in self.fields[position] and not any(text.strip() for text in texts):
                self.clear.setdefault(position, set()).add(target)

    def _missing_names(self) -> None:
        feed = next(feed for feed in self.layout.feeds if feed.rule.target == "value")
        column = feed.columns[0] if feed.columns else ""
        for position, fields in enumerate(self.fields):
            if "value" in fields or position in self.left_out:
                continue
            if any(issue.field == "value" for issue in self.issues.get(position, ())):
                continue
            text = self._texts(column)[position].strip() if column else ""
            seed = Finding(Severity.ERROR, "missing-name", "has no name; every tag needs one", text)
            self._add(position, feed, column, seed)

    def _odd_dates(self) -> None:
        """Dates that are still to come, and a first one behind the last: in the wrong column, or mistyped."""
        feeds = {feed.rule.target: feed for feed in self.layout.feeds if feed.rule.target in _DATES}
        for position, fields in enumerate(self.fields) if feeds else ():
            days = {target: _day(fields[target]) for target in feeds if target in fields}
            for target, day in days.items():
                if day > self.whole.latest:
                    self._future(position, feeds[target], day)
            first, last = days.get("dateOfDiscovery", ""), days.get("lastSeen", "")
            if last and first[: len(last)] > last and first <= self.whole.latest:
                told = f"is after the day on which it was last seen, {last}"
                seed = Finding(Severity.WARNING, "dates-swapped", told, first)
                self._add(position, feeds["dateOfDiscovery"], self._source(feeds["dateOfDiscovery"], position), seed)

    def _marked_elsewhere(self) -> None:
        """`TLP:RED` in a description or the notes: the row is as private as if its TLP said so."""
        for feed in self.layout.feeds:
            columns = () if feed.rule.target in ("tlp", *NAMES) or feed.rule.as_is else feed.columns
            for column, texts in ((column, self._texts(column)) for column in columns):
                for position, text in enumerate(texts) if "tlp" in "\n".join(texts).lower() else ():
                    found = None if position in self.left_out else MARKED.search(text)
                    if found and not marking(self.fields[position]):
                        moved = ", ".join(withhold(self.fields[position]))
                        told = f"says {found[0]}, which the row's TLP does not"
                        told += f"; what is said in {moved} went to private fields" if moved else ""
                        self._add(position, feed, column, Finding(Severity.WARNING, "marked-elsewhere", told, text))

    def _future(self, position: int, feed: BoundRule, day: str) -> None:
        fields, target, column = self.fields[position], feed.rule.target, self._source(feed, position)
        text = self._texts(column)[position].strip() if column else day
        told, keep_in = "is still to come", feed.reader.keep_in
        if keep_in and keep_text(fields, keep_in, feed.rule.keep_label or column or target, text):
            del fields[target]
            told += f"; left out and kept in {keep_in}"
        self._add(position, feed, column, Finding(Severity.WARNING, "future-date", told, text))

    def _names_turned_dates(self) -> None:
        """A spreadsheet makes `MAR1` a date as it is typed: no name, and in a list of other names worth a look."""
        feeds = {column: feed for feed in self.layout.feeds for column in feed.columns}
        for position, found in self._of(self.whole.dates).items():
            for column, shown in found:
                feed = feeds.get(column)
                if feed is None or position in self.left_out or feed.rule.target not in ("value", *LISTS_OF_NAMES):
                    continue
                told = f"is a date in the workbook, where `{shown}` is seen" if shown else "is a date in the workbook"
                name = feed.rule.target == "value"
                told += "; was another word typed? Set the cell to text and type it again" if name else ""
                severity = Severity.ERROR if name else Severity.WARNING
                seed = Finding(severity, "name-turned-date", told, self._texts(column)[position])
                said = self.issues.get(position, [])  # that it is a date is told once
                self.issues[position] = [one for one in said if (one.code, one.place.column) != ("not-a-name", column)]
                self._add(position, feed, column, seed)

    def _group_properties(self) -> None:
        targets = [feed.rule.target for feed in self.layout.feeds if feed.rule.target.startswith("properties.")]
        targets += [feed.rule.keep_in for feed in self.layout.feeds if feed.rule.keep_in.startswith("properties.")]
        if not targets:
            return
        for fields in self.fields:
            found = {target[11:]: fields.pop(target) for target in dict.fromkeys(targets) if target in fields}
            if found:
                whole = fields.get("properties")
                fields["properties"] = {**whole, **found} if isinstance(whole, dict) else found


def _day(text: Json) -> str:
    """The day that a field holds, as YYYY-MM-DD or as much of it as there is; empty where it holds none."""
    plain = str(text)
    return plain[:10] if _ISO.match(plain) else parse_date(plain).date


class Drafter:
    """Drafts tables with one mapping. One Drafter serves all tables of a run, so that it remembers what it read."""

    def __init__(self, mapping: Mapping, decided: Sequence[Meaning] = (), latest: str = ALWAYS) -> None:
        """`decided` is what people have said that texts mean; a date after the day `latest` is still to come."""
        self.latest = latest
        self.mapping = mapping
        self._layouter = Binder(mapping, decided)
        self._layouts: dict[Header, BoundMapping] = {}

    def layout(self, table: Table) -> BoundMapping:
        """Which column feeds which field, for tables with this header."""
        found = self._layouts.get(table.header)
        if found is None:
            found = self._layouts[table.header] = self._layouter.lay(table)
        return found

    def notes(self, table: Table) -> tuple[Issue, ...]:
        """What is to be said of a table's columns: unread ones, missing ones, ambiguous finds. Once for each header."""
        return self.layout(table).notes

    def check(self, table: Table) -> None:
        """SourceError where this table cannot be drafted: it has no column for the name."""
        layout, header = self.layout(table), table.header
        if layout.skip or any(feed.rule.target == "value" for feed in layout.feeds):
            return
        rule = next((rule for rule in self.mapping.rules if rule.target == "value"), None)
        wanted = (*rule.columns, *columns_in(rule.template)) if rule else ()
        where = f"{header.file} ({header.sheet})" if header.sheet else header.file
        shown = ", ".join(header.columns[:10]) + (", ..." if len(header.columns) > 10 else "")
        if wanted:
            near = nearest(wanted[0], header.columns)
            spot = f" ({rule.spot})" if rule and not self.mapping.shipped and rule.spot.line else ""
            why = f"'{wanted[0]}', from which the mapping {self.mapping.name} takes the name{spot}"
            shown += f"; nearest is '{near}'" if near else ""
        else:
            why = f"that the mapping {self.mapping.name} knows as a name"
        raise SourceError(
            f"{where} has no column {why}: its columns are {shown}",
            hint="Write a mapping that fits, and name it with --mapping.",
            then=f"tag-importer mapping init {shlex.quote(header.file)}",
        )

    def draft(self, table: Table) -> list[Draft]:
        """A Draft for each row, in order. SourceError where the table has no column for the name."""
        return self.drafted(table)[0]

    def drafted(self, table: Table) -> tuple[list[Draft], list[Issue]]:
        """The same, and what was decided of whole columns: scales, orders of dates and so on."""
        drafting = self.drafting(table)
        return list(chain.from_iterable(drafting.parts())), drafting.notes

    def drafting(self, table: Table) -> Drafting:
        """A table that is to be drafted some rows at a time. SourceError where it has no column for the name."""
        self.check(table)
        self._layouter.forget()
        return Drafting(self.layout(table), table, self.latest)
