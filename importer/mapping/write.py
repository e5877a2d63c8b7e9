"""`mapping init`: the reading that `plan` would use for a list, as a commented mapping to edit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from pathlib import PurePath

from msgspec import Struct
from msgspec.structs import replace

from importer.errors import SourceError
from importer.fields.table import Visibility, field_named
from importer.mapping.choose import NoActors, choose
from importer.mapping.column_profile import ColumnProfile
from importer.mapping.columns import named
from importer.mapping.recogniser import ColumnReading, profiles
from importer.mapping.spec import PSEUDO_COLUMNS, Labelled, Mapping, Rule, Step, Unknown
from importer.model import Header, Json, Table
from importer.text.header_words import normalised

SCHEMA_LINE = "# yaml-language-server: $schema=mapping.schema.json"
MOST_SHOWN = 6
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./()-]*[A-Za-z0-9_)]|[A-Za-z]")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


class _Draft(Struct, frozen=True):
    """What is written: one mapping for all tables, and what is different for some."""

    base: Mapping
    rules: MappingABC[str, Rule]
    columns: MappingABC[str, ColumnProfile]
    readings: MappingABC[str, ColumnReading]
    apart: MappingABC[Header, MappingABC[str, Rule | None]]
    others: MappingABC[str, str]
    """Sheets that list something else, each with what it looks like."""
    doubtful: MappingABC[str, Sequence[ColumnProfile]]
    """Sheets that were not recognised, and may list actors after all."""


def write_mapping(tables: Sequence[Table], wanted: MappingABC[str, Sequence[str]] = {}) -> str:
    """The YAML text of a mapping for these tables. It loads and validates as it stands, and reads what `plan` reads.

    Raises SourceError where no table lists actors, or where it is not clear which column holds the names.
    """
    draft = _drafted(tables, wanted)
    files = list(dict.fromkeys(table.header.file for table in tables))
    return "\n".join(_lines(draft, files)) + "\n"


def _drafted(tables: Sequence[Table], wanted: MappingABC[str, Sequence[str]]) -> _Draft:
    if not tables or not any(table.header.columns for table in tables):
        raise SourceError("there is no table to write a mapping for")
    by_header: dict[Header, list[Table]] = {}
    for table in tables:
        by_header.setdefault(table.header, []).append(table)
    chosen: dict[Header, Mapping] = {}
    refused: dict[Header, SourceError] = {}
    for header, alike in by_header.items():
        try:
            chosen[header] = choose(alike[0], wanted)
        except SourceError as error:
            refused[header] = error
    if not chosen:
        first, *rest = refused.values()
        first.details += tuple(error.message for error in rest)
        raise first
    names = [mapping.name for mapping in chosen.values()]
    base = next(mapping for mapping in chosen.values() if mapping.name == max(names, key=names.count))
    own = {header: _named_rules(mapping, header) for header, mapping in chosen.items()}
    merged: dict[str, Rule] = {}
    for rules in own.values():
        for target, rule in rules.items():
            before = merged.get(target)
            columns = (*before.columns, *rule.columns) if before else rule.columns
            ordered = sorted(dict.fromkeys(columns), key=lambda column: column in PSEUDO_COLUMNS)
            parts = {**before.parts, **rule.parts} if before else rule.parts
            merged[target] = replace(before or rule, columns=tuple(ordered), parts=parts)
    apart: dict[Header, MappingABC[str, Rule | None]] = {}
    for header, rules in own.items():
        different = {
            target: rules.get(target)
            for target, rule in merged.items()
            if named(header.columns, rule.columns)
            != named(header.columns, rules[target].columns if target in rules else ())
        }
        if different:
            apart[header] = different
    held = profiles([table for header in chosen for table in by_header[header]])
    readings = {one.column: one for mapping in chosen.values() if mapping.reading for one in mapping.reading.columns}
    sheets = {header.sheet: (header, error) for header, error in refused.items() if header.sheet}
    others = {
        sheet: error.looks_like
        for sheet, (_, error) in sheets.items()
        if isinstance(error, NoActors) and error.looks_like
    }
    doubtful = {sheet: profiles(by_header[header]) for sheet, (header, _) in sheets.items() if sheet not in others}
    return _Draft(
        base, dict(sorted(merged.items(), key=lambda item: item[0] != "value")),
        {profile.column: profile for profile in held}, readings, apart, others, doubtful,
    )  # fmt: skip


def _named_rules(mapping: Mapping, header: Header) -> dict[str, Rule]:
    """The rules of a mapping that this table has the columns for, globs replaced by what they name."""
    found = {}
    for rule in mapping.rules:
        columns = tuple(named(header.columns, rule.columns))
        if columns or rule.template or rule.constant is not None:
            parts = {
                name: replace(part, columns=tuple(named(header.columns, part.columns)))
                for name, part in rule.parts.items()
                if named(header.columns, part.columns) or part.template or part.constant is not None
            }
            found[rule.target] = replace(rule, columns=columns, parts=parts)
    return found


def _lines(draft: _Draft, files: Sequence[str]) -> Iterator[str]:
    base = draft.base
    name = PurePath(files[0].rstrip("/")).stem or "mapping"
    yield SCHEMA_LINE
    yield "# (`tag-importer mapping schema > mapping.schema.json` lets an editor complete and check this file)"
    yield "#"
    yield f"# Written for {_comment(', '.join(files))} by `tag-importer mapping init`, after the preset {base.name}."
    yield "# It can be used as it stands: --mapping THIS_FILE. Each line says: tag field <- column(s) of the list."
    yield "# Then: `tag-importer validate`, `tag-importer plan`. Transforms: `tag-importer mapping transforms`."
    yield f"name: {scalar(name if name != '-' else 'list')}"
    left_alone = named(tuple(draft.columns), base.ignore)
    if left_alone:
        yield f"ignore: {flow(left_alone)}"
    yield "fields:"
    for rule in draft.rules.values():
        yield ""
        yield from _rule(rule, draft)
    read = {column for rule in draft.rules.values() for one in (rule, *rule.parts.values()) for column in one.columns}
    unread = [profile for column, profile in draft.columns.items() if column not in read and column not in left_alone]
    if unread:
        yield ""
        yield "  # Columns that feed nothing yet. Remove the # to take one in (the key may be another tag field:"
        yield "  # `tag-importer fields` lists them)."
        yield from _unread(unread, set(draft.rules))
        yield ""
        yield "# What is left alone on purpose (no note will name it):"
        yield f"# ignore: [{', '.join(scalar(profile.column) for profile in unread[:20])}]"
    for sheet, columns in draft.doubtful.items():
        yield ""
        yield f"  # The sheet {_comment(scalar(sheet))} was not recognised as a list of actors."
        yield "  # If it is, add its column of names to `value` above (value: [This, That]); else see `sheets`."
        yield from _unread(columns, set(draft.rules))
    yield from _sections(draft)
    yield ""
    yield "# Rows to take or to leave out:"
    yield "# when:"
    yield "#   - leave_out: {column: Status, in: [retired, merged]}"


def _unread(columns: Sequence[ColumnProfile], used: set[str]) -> Iterator[str]:
    """Each column's texts, and the commented line that takes it in under a key of its own."""
    for profile in columns:
        key = f"properties.{'_'.join(normalised(profile.column).split())[:60] or 'key'}"
        while key in used:
            key += "_2"
        used.add(key)
        yield f"  #   {_comment(profile.summary)}"
        yield f"  # {scalar(key)}: {scalar(profile.column)}"


def _sections(draft: _Draft) -> Iterator[str]:
    """What is different on some sheets or in some files, and the sheets that list something else."""
    skipped = {section.pattern: "" for section in draft.base.sheets if section.skip}
    for sheet, looks in draft.others.items():
        skipped.setdefault(_literal(sheet), f"   # looks like {looks}")
    sheets = {_literal(header.sheet): rules for header, rules in draft.apart.items() if header.sheet}
    files = {_literal(PurePath(header.file).name): rules for header, rules in draft.apart.items() if not header.sheet}
    for key, apart, leave_out in (("sheets", sheets, skipped), ("sources", files, {})):
        if apart or leave_out:
            yield ""
            yield f"{key}:"
        yield from (f"  {scalar(pattern)}: {{skip: true}}{why}" for pattern, why in leave_out.items())
        for pattern, rules in apart.items():
            yield f"  {scalar(pattern)}:"
            yield "    fields:"
            for target, rule in rules.items():
                yield f"      {scalar(target)}: {'null' if rule is None else flow(_entries(rule))}"
    doubtful = [pattern for sheet in draft.doubtful if (pattern := _literal(sheet)) not in skipped]
    if doubtful:
        yield ""
        yield "# Sheets to leave out (remove both #):"
        if not (sheets or skipped):
            yield "# sheets:"
        yield from (f"#   {scalar(pattern)}: {{skip: true}}" for pattern in doubtful)


def _literal(name: str) -> str:
    """A sheet's or a file's name as a pattern that means it alone."""
    return re.sub(r"([\[*?])", r"[\1]", name)


def _rule(rule: Rule, draft: _Draft) -> Iterator[str]:
    target = rule.target
    field = field_named(target)
    if field is not None:
        seen = {Visibility.PUBLIC: "Seen by all accounts.", Visibility.PRIVATE: "Stays with this account."}
        told = "account" in field.meaning or "everyone" in field.meaning
        yield f"  # {field.meaning}" if told else f"  # {field.meaning} {seen.get(field.visibility, '')}".rstrip()
    shown = [column for column in rule.columns if column in draft.columns and draft.columns[column].filled]
    for column in shown[:MOST_SHOWN]:
        reading = draft.readings.get(column)
        why = f" ({reading.why})" if reading is not None and reading.field == target else ""
        yield f"  #   {_comment(scalar(column))}: {_comment(draft.columns[column].summary + why)}"
    if len(shown) > MOST_SHOWN:
        yield f"  #   and {len(shown) - MOST_SHOWN} more columns"
    hint = _visibility_hint(target)
    if hint:
        yield f"  # {hint}"
    entries = _entries(rule)
    if list(entries) == ["column"]:
        yield f"  {scalar(target)}: {scalar(entries['column'])}"
        return
    if list(entries) == ["columns"]:
        yield f"  {scalar(target)}: {flow(entries['columns'])}"
        return
    yield f"  {scalar(target)}:"
    for key, value in entries.items():
        yield f"    {key}: {flow(value)}"


def _visibility_hint(target: str) -> str:
    hints = {
        "aliasGroupNamesInternal": "To publish these names, rename the key to aliasGroupNames.",
        "aliasGroupNames": "To keep these names private, rename the key to aliasGroupNamesInternal.",
        "description": "To keep it private, rename the key to internalDescription.",
    }
    return hints.get(target, "")


def _entries(rule: Rule) -> dict[str, Json]:
    entries = _source(rule, rule.columns)
    if rule.unknown is not None:
        entries["unknown"] = rule.unknown.value
    if rule.several is not Unknown.WARNING:
        entries["several"] = rule.several.value
    for key, value in (("keep_in", rule.keep_in), ("keep_label", rule.keep_label), ("separators", rule.separators)):
        if value:
            entries[key] = value
    if rule.as_is:
        entries["as_is"] = True
    for name, part in rule.parts.items():
        inner = _source(part, part.columns)
        if part.unknown is not None:
            inner["unknown"] = part.unknown.value
        entries[name] = inner
    return entries


def _source(rule: Rule, columns: Sequence[str]) -> dict[str, Json]:
    """Where a rule's value comes from and the steps it goes through."""
    entries: dict[str, Json] = {}
    real = list(columns)
    if len(real) == 1:
        entries["column"] = real[0]
    elif real:
        entries["columns"] = real
    if rule.template:
        entries["template"] = rule.template
    if rule.constant is not None:
        entries["constant"] = rule.constant
    if rule.join is not None and (len(real) > 1 or rule.labelled is not Labelled.FALSE):
        entries["join"] = rule.join
    if rule.labelled is not Labelled.FALSE:
        entries["labelled"] = True if rule.labelled is Labelled.TRUE else "rest"
    if rule.steps:
        entries["transforms"] = [_step(step) for step in rule.steps]
    if rule.default is not None:
        entries["default"] = rule.default
    return entries


def _step(step: Step) -> Json:
    return {step.name: dict(step.arguments)} if step.arguments else step.name


_COMMAND = re.compile(r"(?<=#)#(?=\[|vso\[)")
"""The second sign of `##[error]` and `##vso[task]`, which the log of a build would take for a command."""


def _comment(text: str) -> str:
    """A text that cannot end its comment line, nor be a command to a build whose log it gets into."""
    text = "".join(character if character.isprintable() else " " for character in text)[:300]
    return _COMMAND.sub("# ", text)


def scalar(value: Json) -> str:
    """A value as YAML on one line: a plain word where that is safe, else quoted."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS and "  " not in value
        return value if plain or value in PSEUDO_COLUMNS else _quoted(value)
    return json.dumps(value)


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar; what JSON leaves as it is but YAML would fold or refuse is escaped."""
    quoted = _COMMAND.sub(r"\\x23", json.dumps(text, ensure_ascii=False))
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 65536 else f"\\U{ord(c):08x}" for c in quoted
    )


def flow(value: Json) -> str:
    """A value in YAML's one-line form."""
    if isinstance(value, MappingABC):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)
