"""`mapping init`: a commented mapping for a list that no preset was written for, ready to be edited and used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from pathlib import PurePath

from importer.fields.table import Visibility, field_named
from importer.mapping.spec import PSEUDO_COLUMNS, Labelled, Rule, Step, Unknown
from importer.mapping.suggest import Profile, Suggested, Suggestion, suggest
from importer.model import Json, Table

SCHEMA_LINE = "# yaml-language-server: $schema=mapping.schema.json"
MOST_SHOWN = 6
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./()-]*[A-Za-z0-9_)]|[A-Za-z]")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def write_mapping(tables: Sequence[Table]) -> str:
    """The YAML text of a mapping for these tables. It loads and validates as it stands."""
    suggestion = suggest(tables)
    files = list(dict.fromkeys(table.header.file for table in tables))
    return "\n".join(_lines(suggestion, files)) + "\n"


def _lines(suggestion: Suggestion, files: Sequence[str]) -> Iterator[str]:
    base = suggestion.base.name
    name = PurePath(files[0].rstrip("/")).stem or "mapping"
    yield SCHEMA_LINE
    yield "# (`tag-importer mapping schema > mapping.schema.json` lets an editor complete and check this file)"
    yield "#"
    yield f"# Written for {_comment(', '.join(files))} by `tag-importer mapping init`, after the preset {base}."
    yield "# It can be used as it stands: --mapping THIS_FILE. Each line says: tag field <- column(s) of the list."
    yield "# Then: `tag-importer validate`, `tag-importer plan`. Transforms: `tag-importer mapping transforms`."
    yield f"name: {scalar(name if name != '-' else 'list')}"
    if suggestion.base.ignore and not suggestion.base.guesses:
        yield f"ignore: {flow(suggestion.base.ignore)}"
    if suggestion.base.guesses:
        yield "guess: true     # columns called like a tag field are taken too"
    ignored = [profile.column for profile, _ in suggestion.unread]
    yield "fields:"
    for item in suggestion.rules:
        yield ""
        yield from _rule(item, suggestion)
    used = {item.rule.target for item in suggestion.rules}
    if ignored:
        yield ""
        yield "  # Columns that feed nothing yet. Remove the # to take one in (the key may be another tag field:"
        yield "  # `tag-importer fields` lists them)."
        yield from _unread(suggestion.unread, used)
    for other in suggestion.others:
        if not other.looks_like:
            yield ""
            yield f"  # The sheet {_comment(scalar(other.sheet))} was not recognised as a list of actors."
            yield "  # If it is, add its column of names to `value` above (value: [This, That]); else see `sheets`."
            yield from _unread(other.unread, used)
    if ignored and (suggestion.base.guesses or not suggestion.base.ignore):
        yield ""
        yield "# What is left alone on purpose (no note will name it):"
        yield f"# ignore: [{', '.join(scalar(column) for column in ignored[:20])}]"
    yield from _sheets(suggestion)
    yield ""
    yield "# Rows to take or to leave out:"
    yield "# when:"
    yield "#   - leave_out: {column: Status, in: [retired, merged]}"


def _unread(columns: Sequence[tuple[Profile, str]], used: set[str]) -> Iterator[str]:
    """Each column's values, and the commented line that takes it in under a key of its own."""
    for profile, key in columns:
        while key in used:
            key += "_2"
        used.add(key)
        yield f"  #   {_comment(profile.summary)}"
        yield f"  # {scalar(key)}: {scalar(profile.column)}"


def _sheets(suggestion: Suggestion) -> Iterator[str]:
    """Sheets of something else are left out; whether one that was not recognised is, a person decides."""
    skipped = {section.pattern: "" for section in suggestion.base.sheets if section.skip}
    doubtful = []
    for other in suggestion.others:
        pattern = re.sub(r"([\[*?])", r"[\1]", other.sheet)
        if pattern not in skipped and other.looks_like:
            skipped[pattern] = f"   # looks like {other.looks_like}"
        elif pattern not in skipped:
            doubtful.append(pattern)
    if not skipped and not doubtful:
        return
    yield ""
    yield "sheets:" if skipped else "# Sheets to leave out (remove both #):"
    if not skipped:
        yield "# sheets:"
    yield from (f"  {scalar(pattern)}: {{skip: true}}{why}" for pattern, why in skipped.items())
    yield from (f"{'  # ' if skipped else '#   '}{scalar(pattern)}: {{skip: true}}" for pattern in doubtful)


def _rule(item: Suggested, suggestion: Suggestion) -> Iterator[str]:
    target = item.rule.target
    field = field_named(target)
    if field is not None:
        seen = {Visibility.PUBLIC: "Seen by all accounts.", Visibility.PRIVATE: "Stays with this account."}
        told = "account" in field.meaning or "everyone" in field.meaning
        yield f"  # {field.meaning}" if told else f"  # {field.meaning} {seen.get(field.visibility, '')}".rstrip()
    shown = [column for column in item.columns if column in suggestion.columns and suggestion.columns[column].filled]
    for column in shown[:MOST_SHOWN]:
        yield f"  #   {_comment(scalar(column))}: {_comment(suggestion.columns[column].summary)}"
    if len(shown) > MOST_SHOWN:
        yield f"  #   and {len(shown) - MOST_SHOWN} more columns"
    if not item.sure:
        yield "  # GUESSED by its values, not by its header word: please check."
    hint = _visibility_hint(target)
    if hint:
        yield f"  # {hint}"
    entries = _entries(item)
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


def _entries(item: Suggested) -> dict[str, Json]:
    entries = _source(item.rule, item.columns)
    rule = item.rule
    if rule.unknown is not None:
        entries["unknown"] = rule.unknown.value
    if rule.several is not Unknown.WARNING:
        entries["several"] = rule.several.value
    for key, value in (("keep_in", rule.keep_in), ("keep_label", rule.keep_label), ("separators", rule.separators)):
        if value:
            entries[key] = value
    if rule.as_is:
        entries["as_is"] = True
    for name, (part, columns) in item.parts.items():
        inner = _source(part, columns)
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


def _comment(text: str) -> str:
    """A text that cannot end its comment line."""
    return "".join(character if character.isprintable() else " " for character in text)[:300]


def scalar(value: Json) -> str:
    """A value as YAML on one line: a plain word where that is safe, else quoted."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS and "  " not in value
        return value if plain or value in PSEUDO_COLUMNS else _quoted(value)
    return json.dumps(value)


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar; what JSON leaves as it is but YAML would fold or refuse is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
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
