"""Which column could feed which field: by the usual header words, and where those are silent by the values."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from importer.errors import SourceError
from importer.fields.countries import resolve
from importer.fields.dates import parse_date
from importer.fields.vocabulary import load_vocabulary
from importer.mapping.choose import choose
from importer.mapping.columns import named, spoken
from importer.mapping.layout import Layouter
from importer.mapping.load import load_mapping
from importer.mapping.profile import FramedTable, Profile, profiles
from importer.mapping.spec import PSEUDO_COLUMNS, Mapping, Rule

MOST = 0.6
"""The share of a column's values that must agree before they speak for a field."""
_URL = re.compile(r"(?:https?|hxxps?)://", re.IGNORECASE)
_WORDLESS = re.compile(r"[\d\s.,:/+%$-]+\Z")


class Suggested(Struct, frozen=True):
    """A rule for one field, with the columns of these tables that feed it."""

    rule: Rule
    columns: tuple[str, ...]
    parts: MappingABC[str, tuple[Rule, tuple[str, ...]]]
    sure: bool = True
    """Found by its header word; False where only the values speak for it."""


class Suggestion(Struct, frozen=True):
    """A mapping in the making."""

    base: Mapping
    rules: tuple[Suggested, ...]
    unread: tuple[tuple[Profile, str], ...]
    """Columns that feed nothing, each with the rule line that would take it in."""
    columns: MappingABC[str, Profile]
    others: tuple[str, ...] = ()
    """Sheets that list something else."""


def suggest(tables: Sequence[FramedTable]) -> Suggestion:
    """The best mapping for these tables; SourceError where there is no table, or none with a column."""
    if not tables or not any(table.header.columns for table in tables):
        raise SourceError("there is no table to write a mapping for")
    base, fitting = _base(tables)
    sheets = {table.header.sheet for table in fitting}
    others = tuple(dict.fromkeys(t.header.sheet for t in tables if t.header.sheet and t.header.sheet not in sheets))
    columns = profiles(fitting)
    found = _by_header(base, fitting)
    read = {column for item in found.values() for column in item.columns}
    read |= {column for item in found.values() for _, part in item.parts.values() for column in part}
    for column, profile in columns.items():
        target = _by_values(profile)
        if column in read or not target or target in found:
            continue
        preset = _preset_rule(target)
        found[target] = Suggested(preset, (column,), {}, False)
        read.add(column)
    if "value" not in found:
        name = _likely_name(columns, read)
        found = {"value": Suggested(Rule("value"), (name,), {}, False), **found}
        read.add(name)
    read.update(named(tuple(columns), base.ignore))
    unread = tuple((profile, _line_for(profile)) for column, profile in columns.items() if column not in read)
    ordered = sorted(found.values(), key=lambda item: item.rule.target != "value")
    return Suggestion(base, tuple(ordered), unread, columns, others)


def _base(tables: Sequence[FramedTable]) -> tuple[Mapping, Sequence[FramedTable]]:
    """The preset that knows this shape, and the tables it knows; else the one of usual header words, and all tables."""
    found: dict[str, tuple[Mapping, list[FramedTable]]] = {}
    for table in tables:
        try:
            mapping = choose(table.header, table.rows()[:300])
        except SourceError:
            continue
        found.setdefault(mapping.name, (mapping, []))[1].append(table)
    if not found:
        return load_mapping("spreadsheet"), tables
    return max(found.values(), key=lambda item: len(item[1]))


def _by_header(base: Mapping, tables: Sequence[FramedTable]) -> dict[str, Suggested]:
    """The base mapping laid over each header, the columns of all of them together."""
    layouter = Layouter(base)
    found: dict[str, Suggested] = {}
    for header in dict.fromkeys(table.header for table in tables):
        for feed in layouter.lay(header).feeds:
            target = feed.rule.target
            before = found.get(target)
            columns = (*before.columns, *feed.columns) if before else feed.columns
            parts = {name: (part.rule, part.columns) for name, part in feed.parts.items()}
            if before:
                parts = {**before.parts, **parts}
            ordered = sorted(dict.fromkeys(columns), key=lambda column: column in PSEUDO_COLUMNS)
            found[target] = Suggested(feed.rule, tuple(ordered), parts)
    return found


def _preset_rule(target: str) -> Rule:
    rules = {rule.target: rule for rule in load_mapping("spreadsheet").rules}
    return replace(rules[target], parts={}, words=()) if target in rules else Rule(target)


def _by_values(profile: Profile) -> str:
    """The field that a column's values speak for; empty where they don't."""
    values = profile.values[:200]
    if len(values) < 2:
        return ""

    def share(answers: Sequence[bool]) -> float:
        return sum(answers) / len(answers)

    if share([bool(_URL.match(value)) for value in values]) > MOST:
        return "externalReferenceLinks"
    if share([bool(load_vocabulary("tlp").lookup(value).value) for value in values]) > MOST:
        return "tlp"
    if share([bool(resolve(value).code) for value in values]) > MOST and share([len(v) > 1 for v in values]) > MOST:
        return "originCountryISO"
    for target, vocabulary in (("motive", "motive"), ("actorCategory", "actor-category")):
        if share([bool(load_vocabulary(vocabulary).lookup(value).value) for value in values]) > MOST:
            return target
    return ""


def _likely_name(columns: MappingABC[str, Profile], read: set[str]) -> str:
    """The column that most looks like names: filled, different in every row, short, not numbers."""

    def likelihood(profile: Profile) -> float:
        if not profile.filled:
            return -1.0
        values = profile.values[:200]
        words = sum(not _WORDLESS.match(value) for value in values) / len(values)
        short = sum(2 <= len(value) <= 60 for value in values) / len(values)
        dates = sum(parse_date(value).reason == "found" for value in values) / len(values)
        return profile.filled / max(1, profile.rows) + profile.distinct / profile.filled + 2 * words + short - 2 * dates

    free = {column: profile for column, profile in columns.items() if column not in read} or columns
    return max(free, key=lambda column: likelihood(free[column]))


def _line_for(profile: Profile) -> str:
    """The key under which an unread column could be taken in: a property named after it."""
    key = "_".join(spoken(profile.column).split())[:60] or "key"
    return f"properties.{key}"
