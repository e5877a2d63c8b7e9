"""The mapping of a table for which none is named: a preset that knows its shape, or the recogniser's reading of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec.structs import replace

from importer.errors import SourceError
from importer.fields.countries import resolve
from importer.mapping.actor_list import codenames, verdict
from importer.mapping.columns import guessed, is_ours, left_alone, named
from importer.mapping.load import load_mapping, presets
from importer.mapping.recogniser import COUNTRY, MANY, NAME, ColumnReading, Recognised, recognise
from importer.mapping.spec import PSEUDO_COLUMNS, Recognise, Rule
from importer.mapping.spec import Mapping as TagMapping
from importer.mapping.transforms.text import columns_in
from importer.masking import guarded
from importer.model import Header, Table
from importer.text.header_words import name_cells

HINT = (
    "If it does list actors, `--map value=COLUMN` names the column of their names; `tag-importer mapping init SOURCE` "
    "writes a mapping to edit, `--mapping FILE` uses it."
)
_GUESSED = re.compile("[\x80-\x9f\ufffd]|[\xc0-\xff]{3}")
"""What Cyrillic, Japanese or Chinese text looks like when it is read as Windows-1252."""
_MORE = 0.75
"""How sure the recogniser is of a column that is read beside those of a preset."""


class NoActors(SourceError):
    """A table that does not list actors; `looks_like` says what it lists instead, where that is known."""

    then = "{again} --map value=COLUMN"

    def __init__(self, message: str, looks_like: str) -> None:
        super().__init__(message, hint=HINT)
        self.looks_like = looks_like


def choose(table: Table, wanted: Mapping[str, Sequence[str]] = {}) -> TagMapping:
    """The mapping for a table: every rule names its columns.

    `wanted` is what the person said: field -> columns. Raises SourceError, saying what the table looks like instead
    where it does not list actors, or which columns could hold the names where that is not clear.
    """
    known = next((one for one in presets() if one.recognise and recognises(one.recognise, table)), None)
    if known is None:
        mapping = read_columns(load_mapping("spreadsheet"), table, wanted)
        if NAME not in wanted and mapping.reading is not None:
            judged = verdict(mapping.reading, table.header.kind)
            if _has_no_header(mapping.reading):
                raise NoActors(_headless(table.header), "")
            if mapping.reading.name is None or not judged.is_actors:
                message = _refusal(table.header, judged.looks_like, mapping.reading.name is not None)
                raise NoActors(message, judged.looks_like)
        return mapping
    if known.name == "misp-galaxy":
        judged = verdict(recognise([table]), table.header.kind)
        if judged.against >= 2 and judged.against > judged.for_actors:
            raise NoActors(_refusal(table.header, judged.looks_like, True), judged.looks_like)
    return read_columns(known, table, wanted)


def as_asked(mapping: TagMapping, table: Table, wanted: Mapping[str, Sequence[str]] = {}) -> TagMapping:
    """The mapping that a person named, with the columns of this table: the usual header word of a name is enough then,
    whatever speaks against the column."""
    found = read_columns(mapping, table, wanted)
    if not mapping.guesses or any(rule.target == NAME for rule in found.rules):
        return found
    names = name_cells(table.header.columns)
    return read_columns(mapping, table, {**wanted, NAME: names[:1]}) if names else found


def read_columns(mapping: TagMapping, table: Table, wanted: Mapping[str, Sequence[str]] = {}) -> TagMapping:
    """A mapping with the columns of this table in its rules.

    Where the mapping leaves fields to the recogniser (`guess: true`, as `spreadsheet` does) it fills them; a preset is
    only added to: columns that nothing of it reads, and that the recogniser is sure of.
    """
    if not (mapping.guesses or mapping.shipped or wanted):
        return mapping
    header = table.header
    rules = {rule.target: rule for rule in mapping.rules}
    for target, columns in wanted.items():
        rules[target] = replace(_policy(rules, target), columns=tuple(columns), words=())
    fixed = {target: found for target, rule in rules.items() if (found := _own_columns(rule, header))}
    if not (mapping.guesses or mapping.shipped):
        return replace(mapping, rules=tuple(rules.values()))
    taken = {column for columns in fixed.values() for column in columns} | set(
        left_alone(header.columns, mapping.ignore)
    )
    taken |= {
        column for rule in rules.values() for part in rule.parts.values() for column in _own_columns(part, header)
    }
    # What a person's own mapping names a column for is not filled from another, be it that there is no such column.
    own = {target for target, rule in rules.items() if rule.has_source and not mapping.shipped}
    full = own | {target for target, rule in rules.items() if target in fixed or _filled_otherwise(rule)}
    reading = recognise([table], taken=taken, full=full)
    if mapping.guesses and NAME not in full:
        _one_name(reading, header)
    fed: dict[str, list[str]] = {}
    for one in reading.columns:
        if one.field and (mapping.guesses or _is_sure(one, full)):
            fed.setdefault(one.field, []).append(one.column)
    if len(fed.get(COUNTRY, ())) > 1:  # a code is clearer than a name
        codes = {one.column for one in reading.columns if all(len(text) < 4 for text in one.profile.texts)}
        fed[COUNTRY].sort(key=lambda column: column not in codes)
    if COUNTRY not in full and COUNTRY not in fed and resolve(header.sheet).code and mapping.guesses:
        fed[COUNTRY] = ["$sheet"]
    made = {target: rule for target, rule in rules.items() if target in full}
    for target, columns in fed.items():
        if "." in target and not target.startswith("properties."):
            continue
        rule = _policy(rules, target)
        if target in full:
            columns = [*fixed.get(target, ()), *columns]
        made[target] = replace(rule, columns=tuple(columns), words=(), alike=target == COUNTRY)
    for target, rule in made.items():
        parts = {
            name: replace(part, columns=tuple(fed[key]), words=()) if (key := f"{target}.{name}") in fed else part
            for name, part in rule.parts.items()
        }
        made[target] = replace(rule, parts={name: part for name, part in parts.items() if part.has_source})
    return replace(mapping, rules=tuple(made.values()), guesses=False, reading=reading)


def _is_sure(one: ColumnReading, full: Collection[str]) -> bool:
    """Whether a column is read beside those of a preset: by its header, and by texts that are of the field's kind."""
    if one.confidence < _MORE or one.near.score < _MORE or (one.field not in MANY and one.field in full):
        return False
    return one.field in MANY or one.supported


def _policy(rules: Mapping[str, Rule], target: str) -> Rule:
    """What a rule of that field says beside its columns: the mapping's own, or that of `spreadsheet`."""
    usual = {rule.target: rule for rule in load_mapping("spreadsheet").rules}
    return rules.get(target) or usual.get(target) or Rule(target)


def _own_columns(rule: Rule, header: Header) -> tuple[str, ...]:
    """The columns of this table that a rule names itself."""
    found = [*named(header.columns, rule.columns), *(match.column for match in guessed(header.columns, rule.words))]
    found += named(header.columns, columns_in(rule.template)) if rule.template else []
    return tuple(dict.fromkeys(column for column in found if column not in PSEUDO_COLUMNS))


def _filled_otherwise(rule: Rule) -> bool:
    return rule.constant is not None or bool(rule.template) or any(one in PSEUDO_COLUMNS for one in rule.columns)


def _one_name(reading: Recognised, header: Header) -> None:
    """Raise SourceError where two columns could hold the names."""
    if reading.rivals:
        where = f"{header.file} ({header.sheet})" if header.sheet else header.file
        shown = " and ".join(f"'{column}'" for column in reading.rivals)
        raise SourceError(
            f"it is not clear which column of {where} holds the names: {shown} could",
            details=tuple(f"--map value={_quoted(one)}" for one in reading.rivals),
            hint="Say which one it is, with one of these two flags.",
        )


def _quoted(column: str) -> str:
    import shlex

    return shlex.quote(column)


def recognises(recognise: Recognise, table: Table) -> bool:
    """Whether a table has the columns, and all its cells the words, that a preset is known by."""
    columns = [column for column in table.header.columns if not is_ours(column)]
    if any(not named(columns, (word,)) for word in recognise.every):
        return False
    if recognise.some and not named(columns, recognise.some):
        return False
    if named(columns, recognise.none):
        return False
    for column, words in recognise.values.items():
        found = named(columns, (column,))
        if not found:
            return False
        texts = {text.strip().casefold() for text in table.frame[found[0]].unique().tolist()} - {""}
        if not texts or not all(any(fnmatchcase(text, word.casefold()) for word in words) for text in texts):
            return False
    return True


def _has_no_header(reading: Recognised) -> bool:
    """Whether the first row of the list stands where its header should: no word of it is one, and it reads as data."""
    if any(near.score > 0.7 for one in reading.columns for near in (one.near,)):
        return False
    return codenames([one.column for one in reading.columns]) or any(
        one.profile.heads_itself for one in reading.columns
    )


def _headless(header: Header) -> str:
    where = f"{header.file} ({header.sheet})" if header.sheet else header.file
    shown = ", ".join(map(guarded, header.columns[:8]))
    return f"{where} seems to have no header row: its first row is {shown}; put one above it (Actor, Aliases, Country)"


def _refusal(header: Header, looks: str, has_name: bool) -> str:
    where = f"{header.file} ({header.sheet})" if header.sheet else header.file
    shown = ", ".join(map(guarded, header.columns[:8])) + (
        f" and {len(header.columns) - 8} more" if len(header.columns) > 8 else ""
    )
    plural = "its columns are" if len(header.columns) > 1 else "its only column is"
    if looks:
        return f"{where} looks like {looks}, not of threat actors: {plural} {shown}"
    if any(_GUESSED.search(column) for column in header.columns[:8]):
        return (
            f"{where} has no column that looks like an actor's name: {plural} {shown}. Those letters look wrong: "
            "--encoding names the right encoding (cp1251, shift_jis, gb18030, euc-kr...)"
        )
    if codenames(header.columns):
        return _headless(header)
    if has_name:
        return f"{where} does not look like a list of threat actors: {plural} {shown}"
    return f"{where} has no column that looks like an actor's name: {plural} {shown}"
