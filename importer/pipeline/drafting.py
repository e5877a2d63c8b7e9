"""Sources into drafts: each table is read, gets its mapping, and is drafted; what fits none is left out or refused."""

from __future__ import annotations

import dataclasses
import heapq
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from importer.clock import Clock, SystemClock
from importer.errors import SourceError, UsageError
from importer.mapping.choose import as_asked, choose
from importer.mapping.columns import named
from importer.mapping.draft import Drafter, Drafting
from importer.mapping.load import load_mapping
from importer.mapping.meanings import Meaning
from importer.mapping.spec import Mapping
from importer.masking import Mask
from importer.model import Contents, Draft, Header, Issue, Place, Reading, Severity, SourceFile, Table
from importer.planning.collisions import labels_of
from importer.planning.contents import contents_of, together
from importer.planning.decisions import Decisions, load_decisions
from importer.planning.options import Lists, PlanOptions
from importer.planning.statements import NO_EVIDENCE, Evidence
from importer.settings.model import Source
from importer.settings.settings import Settings
from importer.sources.locate import mapping_beside
from importer.sources.masked import masked_file, masked_issue, masked_table
from importer.sources.read import read
from importer.system import gc_paused

LEFT_OUT = "left-out"
_LISTS: Final = 64
"""Lists that are read alike of which the contents are kept one by one, too."""
_CLOCK: Final = SystemClock()


class MappedTable(Struct, frozen=True):
    """A table, and the drafter whose mapping fits it."""

    table: Table
    drafter: Drafter

    @property
    def mapping(self) -> str:
        """The mapping, as `attack@1f2e3d4c`."""
        return f"{self.drafter.mapping.name}@{self.drafter.mapping.digest}"

    @property
    def reading(self) -> Reading:
        """Which column feeds which tag field, and why."""
        header, uses = self.table.header, self.drafter.layout(self.table).uses
        return Reading(header.file, header.sheet, self.drafter.mapping.name, len(self.table), uses,
                       digest=self.drafter.mapping.digest)  # fmt: skip


class Inputs(Struct, frozen=True):
    """Everything that the sources gave."""

    drafts: tuple[Draft, ...]
    sources: tuple[SourceFile, ...]
    mappings: tuple[str, ...]
    notes: tuple[Issue, ...]
    readings: tuple[Reading, ...] = ()
    decisions: Decisions | None = None
    """What they were drafted by."""
    lists: dict[tuple[str, str], Lists] = {}
    """What mappings say of lists, by the file and the sheet that they read."""


Item = SourceFile | Issue | MappedTable | Decisions


def tables(settings: Settings, *, cache_dir: Path | None = None, clock: Clock = _CLOCK) -> Iterator[Item]:
    """The decisions, then files, issues and tables in source order. Raises SourceError, MappingError or UsageError."""
    if not settings.sources:
        raise SourceError("no source was named")
    # Sources that are read alike are read together, so that all missing files are named at once.
    groups = groupby(settings.sources, key=lambda source: (replace(source, path=""), _mapping_of(settings, source)))
    decided = _decided(settings)
    yield from decided
    for (_, mapping), group in [(key, list(group)) for key, group in groups]:
        yield from _Group(settings, group, mapping, cache_dir, decided, clock).read()


def mapped(settings: Settings, given: Sequence[Table]) -> Iterator[Item]:
    """The same for tables that a program has read already."""
    decided = _decided(settings)
    yield from decided
    yield from _Group(settings, [Source(path="frame")], settings.mapping, None, decided, _CLOCK).fit(given)


def _decided(settings: Settings) -> list[Decisions]:
    return [load_decisions(settings.decisions)] if settings.decisions else []


def _mapping_of(settings: Settings, source: Source) -> str:
    """The mapping that was asked for, else one that an export left beside the source; empty to go by the shape."""
    return settings.mapping_for(source) or str(mapping_beside(source.path) or "")


Keeper = Callable[[Drafting, list[Draft], int], list[Draft]]
"""Says of which rows of a part of a table drafts are held; the number is how many files there have been. Where one says
so nothing is to be compared with other runs, and readings are without contents."""


def collect(items: Iterable[Item], keep: Keeper | None = None) -> Inputs:
    """A draft for each row, and whatever else there is to know for planning."""
    drafts: list[Draft] = []
    sources: list[SourceFile] = []
    mappings: dict[str, None] = {}
    notes: list[Issue] = []
    readings: list[Reading] = []
    decisions = None
    lists: dict[tuple[str, str], Lists] = {}
    begun = 0
    with gc_paused():
        for item in items:
            if isinstance(item, SourceFile):
                sources.append(item)
                begun = len(drafts)
            elif isinstance(item, Issue):
                notes.append(item)
            elif isinstance(item, Decisions):
                decisions = item
            else:
                made, contents, drafting = list[Draft](), [], item.drafter.drafting(item.table)
                for part in drafting.parts():
                    if keep is None:
                        contents.append(contents_of(part, drafting.notes))
                    made.extend(part if keep is None else keep(drafting, part, len(sources)))
                notes.extend(drafting.notes)
                readings.append(replace(item.reading, contents=together(contents)))
                mappings.setdefault(item.mapping)
                if said := item.drafter.mapping.lists:
                    lists[item.table.header.file, item.table.header.sheet] = Lists(said)
                if begun < len(drafts) and not drafts[begun].row.header.sheet and made:
                    # Objects of one file in two tables, each with its mapping: back in the order of the file.
                    drafts[begun:] = heapq.merge(drafts[begun:], made, key=lambda draft: draft.row.number)
                else:
                    drafts.extend(made)
    return Inputs(tuple(drafts), tuple(sources), tuple(mappings), tuple(notes), _alike(readings), decisions, lists)


def _alike(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings, those of lists whose columns feed the same fields as one: a folder may hold thousands of files."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[Reading]] = {}
    for reading in readings:
        key = (reading.mapping, tuple((use.column, use.field) for use in reading.columns))
        found.setdefault(key, []).append(reading)
    return tuple(_together(alike) for alike in found.values())


def _together(alike: Sequence[Reading]) -> Reading:
    first = alike[0]
    if len(alike) == 1:
        return first
    columns = tuple(
        replace(use, filled=sum(one.columns[at].filled for one in alike)) for at, use in enumerate(first.columns)
    )
    contents = together([one.contents for one in alike])
    few = len(alike) <= _LISTS
    lists = (replace(one, columns=(), contents=one.contents if few else Contents(())) for one in alike)
    return replace(first, rows=sum(one.rows for one in alike), columns=columns, contents=contents, lists=tuple(lists))


def _name_columns(mapping: Mapping | None) -> tuple[str, ...]:
    """The header words that a mapping takes the name from: a sheet that has one is a list of actors."""
    rules = mapping.rules if mapping is not None else ()
    return next((tuple(rule.columns) for rule in rules if rule.target == "value"), ())


class _Group:
    """Sources with the same settings of their own."""

    def __init__(
        self,
        settings: Settings,
        sources: list[Source],
        mapping: str,
        cache_dir: Path | None,
        decided: Sequence[Decisions],
        clock: Clock,
    ) -> None:
        self.latest = (clock.now() + timedelta(days=1)).date().isoformat()
        """The latest day that is not still to come, wherever on earth the list was written."""
        self.meanings = [
            Meaning(one.field, one.value, one.means, one.source, str(one.spot))
            for held in decided
            for one in held.held.values
        ]
        self.specs = [source.path for source in sources]
        self.mapping = load_mapping(mapping) if mapping else None
        self.columns = settings.columns
        self.not_found = {column for columns in self.columns.values() for column in columns}
        hints = self.mapping.read_hints() if self.mapping else None
        options = settings.read_options(sources[0], hints, cache_dir=cache_dir)
        self.options = replace(options, name_columns=(*_name_columns(self.mapping), *self.columns.get("value", ())))
        self.mask = Mask(settings.secrets())
        self.drafters: dict[int, Drafter] = {}
        self.chosen: dict[Header, Drafter | None] = {}
        self.refusals: list[tuple[Header, SourceError]] = []
        self.left_out: list[str] = []
        self.accepted = 0
        self.any = False
        """Whether a table of any file was taken."""

    def fit(self, tables: Sequence[Table]) -> Iterator[SourceFile | Issue | MappedTable]:
        files: set[str] = set()
        for table in tables:
            header = table.header
            if header.file not in files:
                files.add(header.file)
                yield SourceFile(header.file, header.kind, "", 0)
            yield from self._table(table)
            if self.refusals:
                raise self.refusals[0][1]
        self._check_columns()

    def read(self) -> Iterator[SourceFile | Issue | MappedTable]:
        stdin = sys.stdin.buffer if "-" in self.specs else None
        for item in read(self.specs, self.options, stdin=stdin):
            if isinstance(item, SourceFile):
                yield from self._end_of_file()
                yield masked_file(item, self.mask)
            elif isinstance(item, Issue):
                yield masked_issue(item, self.mask)
            else:
                yield from self._table(item)
        yield from self._end_of_file()
        if self.left_out and not self.any:
            raise SourceError(f"{', '.join(self.specs)}: no list of actors was found there.",
                              details=tuple(self.left_out[:50]))  # fmt: skip
        self._check_columns()

    def _check_columns(self) -> None:
        if self.not_found:
            missing = ", ".join(f"'{column}'" for column in sorted(self.not_found))
            raise UsageError(f"--map: there is no column {missing} in {', '.join(self.specs)}")

    def _table(self, table: Table) -> Iterator[Issue | MappedTable]:
        table = masked_table(table, self.mask)
        header = table.header
        self.not_found -= {column for column in self.not_found if named(header.columns, (column,))}
        if header not in self.chosen:
            self.chosen[header] = drafter = self._drafter(table)
            if drafter is not None:
                yield from drafter.notes(table)
        drafter = self.chosen[header]
        if drafter is not None:
            self.accepted += 1
            yield MappedTable(table, drafter)

    def _drafter(self, table: Table) -> Drafter | None:
        try:
            mapping = as_asked(self.mapping, table, self.columns) if self.mapping else choose(table, self.columns)
            drafter = self._drafter_of(mapping)
            drafter.check(table)
        except SourceError as error:
            self.refusals.append((table.header, error))
            return None
        return drafter

    def _drafter_of(self, mapping: Mapping) -> Drafter:
        return self.drafters.setdefault(id(mapping), Drafter(mapping, self.meanings, self.latest))

    def _end_of_file(self) -> Iterator[Issue]:
        """A file of which no table fits is refused when it was asked for by name; else there is a warning."""
        refusals, accepted = self.refusals, self.accepted
        self.refusals, self.accepted, self.any = [], 0, self.any or accepted > 0
        if refusals and not accepted and refusals[0][0].file in self.specs:
            first = refusals[0][1]
            first.details += tuple(error.message for _, error in refusals[1:])
            raise first
        for header, error in refusals:
            self.left_out.append(error.message)
            what = "sheet" if header.sheet else "file"
            place = Place(header.file, header.sheet)
            yield Issue(Severity.WARNING, f"left-out-{what}", f"The {what} is left out: {error.message}.", place)


def evidence(settings: Settings) -> Evidence:
    """What the lists say that were given as evidence. Raises SourceError for one that cannot be read."""
    if not settings.evidence:
        return NO_EVIDENCE
    given = collect(tables(Settings(sources=tuple(Source(path=path) for path in settings.evidence))))
    rows = ((str(draft.row.place()), (draft.name, *labels_of(draft.fields))) for draft in given.drafts if draft.name)
    return Evidence(rows, [replace(source, details={}) for source in given.sources])


def who_is_who(options: PlanOptions, settings: Settings, inputs: Inputs) -> PlanOptions:
    """The options with what files of decisions and of evidence say. UsageError or SourceError for one that is wrong."""
    decisions = inputs.decisions or next(iter(_decided(settings)), None)
    if decisions is not None and decisions.held.values and inputs.decisions is None:
        raise UsageError(f"{decisions.file} decides about values, and the drafts were made without it")
    found = evidence(settings)
    return dataclasses.replace(options, decisions=decisions, evidence=found, mapped_lists=inputs.lists)
