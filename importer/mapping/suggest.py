"""Which column could feed which field: by the usual header words, and where those are silent by the values."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from importer.errors import SourceError
from importer.fields.countries import resolve
from importer.fields.dates import parse_date
from importer.fields.vocabulary import load_vocabulary
from importer.mapping.choose import SAMPLE, choose, codenames, likeness
from importer.mapping.columns import named
from importer.mapping.layout import Layouter
from importer.mapping.load import load_mapping
from importer.mapping.spec import PSEUDO_COLUMNS, Mapping, Rule
from importer.model import Header, Table
from importer.text.header_words import normalised

if TYPE_CHECKING:
    import pandas as pd


SAMPLES = 4
LONGEST_SAMPLE = 40
LOOKED_AT = 2_000
"""Distinct values of a column that are looked at; the rest is not needed to tell what it holds."""


class Profile(Struct, frozen=True):
    """One column of one or more tables that share its name."""

    column: str
    letter: str
    rows: int
    filled: int
    distinct: int
    values: tuple[str, ...]
    """Distinct filled values, the most frequent first, at most LOOKED_AT."""

    @property
    def samples(self) -> str:
        """A few values, shortened, on one line."""
        shown = [" ".join("".join(c if c.isprintable() else " " for c in value).split()) for value in self.values]
        cut = [text if len(text) <= LONGEST_SAMPLE else text[: LONGEST_SAMPLE - 3] + "..." for text in shown[:SAMPLES]]
        return " | ".join(cut)

    @property
    def summary(self) -> str:
        """`column B, 118 of 120 filled, 40 different: Russia | China`."""
        where = f"column {self.letter}, " if self.letter else ""
        if not self.filled:
            return f"{where}always blank"
        return f"{where}{self.filled} of {self.rows} filled, {self.distinct} different: {self.samples}"


def profiles(tables: Sequence[Table]) -> dict[str, Profile]:
    """The profile of every column, in the order of their first table; columns of ours (`_row`) left out."""
    import pandas as pd

    found: dict[str, list[pd.Series[str]]] = {}
    letters: dict[str, str] = {}
    for table in tables:
        for position, column in enumerate(table.header.columns):
            if column.startswith("_"):
                continue
            found.setdefault(column, []).append(table.frame.iloc[:, position])
            if table.header.letters:
                letters.setdefault(column, table.header.letters[position])
    made = {}
    for column, series in found.items():
        texts = pd.concat(series, ignore_index=True).astype(object).map(str.strip)
        counts = texts[texts != ""].value_counts()
        made[column] = Profile(
            column, letters.get(column, ""), len(texts), int(counts.sum()), len(counts),
            tuple(str(value) for value in counts.index[:LOOKED_AT]),
        )  # fmt: skip
    return made


MOST = 0.6
"""The share of a column's values that must agree before they speak for a field."""
SURE = 2.0
"""What must speak against a sheet before it is left out as a list of something else."""
TELLING = 3
"""Fields that an unknown sheet must fill before it is preferred to one with a usual word for the name."""
_URL = re.compile(r"(?:https?|hxxps?)://", re.IGNORECASE)
_WORDLESS = re.compile(r"[\d\s.,:/+%$-]+\Z")
_ID_WORD = re.compile(
    r"\b(?:id|ids|uid|uuid|guid|key|ref|nr|no|num|number|nummer|kennung|kennnummer|code|serial|index|ticket|case)\b"
)
_NAME_WORD = re.compile(r"name|label|actor|adversar|group|grupp|crew|cluster|akteur|acteur|bezeich")
_SERIAL = re.compile(r"([^\W\d]{0,6}[-_. #]?)\d{1,7}")


class Suggested(Struct, frozen=True):
    """A rule for one field, with the columns of these tables that feed it."""

    rule: Rule
    columns: tuple[str, ...]
    parts: MappingABC[str, tuple[Rule, tuple[str, ...]]]
    sure: bool = True
    """Found by its header word; False where only the values speak for it."""


class Unmapped(Struct, frozen=True):
    """A sheet that the mapping does not read."""

    sheet: str
    looks_like: str
    """`a list of malware or tools`; empty where the sheet was merely not recognised, and may list actors after all."""
    unread: tuple[tuple[Profile, str], ...]
    """Its columns, each with the rule line that would take it in."""


class Suggestion(Struct, frozen=True):
    """A mapping in the making."""

    base: Mapping
    rules: tuple[Suggested, ...]
    unread: tuple[tuple[Profile, str], ...]
    """Columns that feed nothing, each with the rule line that would take it in."""
    columns: MappingABC[str, Profile]
    others: tuple[Unmapped, ...] = ()


def suggest(tables: Sequence[Table]) -> Suggestion:
    """The best mapping for these tables; SourceError where there is no table, or none with a column."""
    if not tables or not any(table.header.columns for table in tables):
        raise SourceError("there is no table to write a mapping for")
    base, fitting, looks = _base(tables)
    sheets = {table.header.sheet for table in fitting}
    left: dict[str, list[Table]] = {}
    for table in tables:
        if table.header.sheet and table.header.sheet not in sheets:
            left.setdefault(table.header.sheet, []).append(table)
    others = tuple(
        Unmapped(sheet, looks.get(sheet, ""), tuple((held, _line_for(held)) for held in profiles(parts).values()))
        for sheet, parts in left.items()
    )
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


def _base(tables: Sequence[Table]) -> tuple[Mapping, Sequence[Table], dict[str, str]]:
    """The preset to start from, the tables it is laid over, and what the sheets look like that list something else.

    That is the preset that knows a shape. Where only usual header words speak, the sheet that looks most like actors
    counts, be it one whose name column nobody knows: beside it, a sheet with a column `Name` may be anything.
    """
    by_header: dict[Header, list[Table]] = {}
    for table in tables:
        by_header.setdefault(table.header, []).append(table)
    known: dict[str, tuple[Mapping, list[Header]]] = {}
    looks: dict[str, str] = {}
    for header, parts in by_header.items():
        try:
            mapping = choose(parts[0])
        except SourceError:
            seen = likeness(header, parts[0].frame.head(SAMPLE))
            if seen.looks_like and seen.against >= SURE:
                looks[header.sheet] = seen.looks_like
            continue
        known.setdefault(mapping.name, (mapping, []))[1].append(header)
    usual = known.pop("spreadsheet", (load_mapping("spreadsheet"), []))
    base, headers = max(known.values(), key=lambda item: len(item[1])) if known else usual
    if not known and len(by_header) > 1:
        headers = _most_like_actors(by_header, headers, looks)
    fitting = [table for header in headers or by_header for table in by_header[header]]
    return base, fitting, looks


def _most_like_actors(
    by_header: MappingABC[Header, Sequence[Table]], known: list[Header], looks: MappingABC[str, str]
) -> list[Header]:
    """The sheets to start from: those that are known, unless another one has more columns that tell of actors."""
    unknown = [header for header in by_header if header not in known and header.sheet not in looks]
    weights = {header: _telling(by_header[header]) for header in (*known, *unknown)}
    best = max(unknown, key=lambda header: weights[header], default=None)
    if best is None or (known and weights[best] < max(TELLING, 1 + max(weights[header] for header in known))):
        return known
    if not weights[best]:
        return unknown
    # One list is often spread over sheets of one shape.
    return [header for header in unknown if 2 * len(set(header.columns) & set(best.columns)) >= len(set(best.columns))]


def _telling(tables: Sequence[Table]) -> int:
    """How many fields of an actor beside its name a sheet could fill, by its header words and by its values."""
    feeds = Layouter(load_mapping("spreadsheet")).lay(tables[0].header).feeds
    targets = {feed.rule.target for feed in feeds} | {_by_values(held) for held in profiles(tables).values()}
    return len(targets - {"value", ""})


def _by_header(base: Mapping, tables: Sequence[Table]) -> dict[str, Suggested]:
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
    """The column that most looks like names: filled, different in every row, short, not numbers, dates or codes."""

    def likelihood(profile: Profile) -> float:
        if not profile.filled:
            return -5.0
        values = profile.values[:200]
        words = sum(not _WORDLESS.match(value) for value in values) / len(values)
        short = sum(2 <= len(value) <= 60 for value in values) / len(values)
        dates = sum(parse_date(value).reason == "found" for value in values) / len(values)
        shape = (
            profile.filled / max(1, profile.rows) + profile.distinct / profile.filled + 2 * words + short - 2 * dates
        )
        header = normalised(profile.column)
        told = 0.5 * bool(_NAME_WORD.search(header)) - 1.5 * bool(_ID_WORD.search(header))
        return shape + told - 1.5 * _serial(values)

    free = {column: profile for column, profile in columns.items() if column not in read} or columns
    return max(free, key=lambda column: likelihood(free[column]))


def _serial(values: Sequence[str]) -> bool:
    """Whether the values are one code counted up (T-1, T-2), which are ids; APT1 and APT2 are names."""
    found = [_SERIAL.fullmatch(value) for value in values]
    return all(found) and len({match[1] for match in found if match}) == 1 and not codenames(values)


def _line_for(profile: Profile) -> str:
    """The key under which an unread column could be taken in: a property named after it."""
    key = "_".join(normalised(profile.column).split())[:60] or "key"
    return f"properties.{key}"
