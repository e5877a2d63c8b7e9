"""Mappings from files: presets by name, a person's own by path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Mapping_
from functools import lru_cache
from pathlib import Path

from msgspec import structs

from importer.errors import MappingError
from importer.mapping import language, spec
from importer.mapping.spec import Labelled, Mapping
from importer.mapping.steps import step
from importer.shipped import PRESETS, preset_path, shipped
from importer.text.nearest_word import nearest
from importer.text.typed_yaml import read
from importer.text.yaml_nodes import Problems, read_file


def load_mapping(name_or_path: str) -> Mapping:
    """The preset of that name, or the mapping in that file.

    MappingError holds every problem at once, a line each with file, line, column and the nearest valid word.
    """
    path = preset_path(name_or_path)
    if path is not None:
        return _preset(name_or_path)
    given = Path(name_or_path)
    if given.suffix.lower() not in (".yaml", ".yml") and not given.exists():
        near = nearest(name_or_path, PRESETS)
        raise MappingError(
            f"there is no mapping '{name_or_path}': neither a preset nor a file",
            hint=f"presets: {', '.join(PRESETS)}",
            meant=(name_or_path, near) if near else None,
            then="" if near else "tag-importer mapping list",
        )
    problems = _problems(name_or_path)
    return _mapping(read_file(given, problems), problems)


def mapping_from_bytes(data: bytes, file: str) -> Mapping:
    """The mapping that a file's bytes hold; `file` names it in messages."""
    return _mapping(data, _problems(file))


def _problems(file: str) -> Problems:
    hint = "`tag-importer mapping schema` prints what may be there; `mapping show spreadsheet` is an example"
    return Problems(file, what="mapping", error=MappingError, hint=hint)


def _mapping(data: bytes, problems: Problems) -> Mapping:
    written = read(data, language.MappingFile, problems)
    sheets = _sections(written.sheets)
    rows = {section.pattern: section.header_row for section in sheets if section.header_row}
    reading = written.read
    return Mapping(
        name=written.name or Path(problems.file).stem,
        digest=hashlib.sha256(data).hexdigest()[:8],
        description=written.description,
        file=problems.file,
        hints=spec.ReadHints(reading.records, reading.header_row or 0, rows, reading.sheets, reading.include_hidden),
        recognise=written.recognise,
        action=written.action,
        id=written.id,
        publishes_marked=written.publish_marked,
        on_blank=written.on_blank,
        lists=written.lists or "",
        when=tuple(_conditions(written.when)),
        rules=_rules(written.fields),
        sheets=sheets,
        sources=_sections(written.sources),
        vocabularies=tuple(
            spec.Vocabulary(name, {word: meaning or "" for word, meaning in table.items()}, replace=replace)
            for name, words in written.vocabularies.items()
            for table, replace in ((words.extend, False), (words.replace, True))
            if table
        ),
        guesses=written.guess,
        ignore=written.ignore,
    )


def _sections(written: Mapping_[str, language.WrittenSection]) -> tuple[spec.Section, ...]:
    return tuple(
        spec.Section(
            pattern,
            section.skip,
            section.header_row or 0,
            tuple(_conditions(section.when)),
            _rules(section.fields),
            tuple(target for target, rule in section.fields.items() if rule is None),
        )
        for pattern, section in written.items()
    )


def _conditions(written: Iterable[language.Choice]) -> Iterator[spec.Condition]:
    for choice in written:
        for condition, take in ((choice.take, True), (choice.leave_out, False)):
            for operator, operand in condition.asked().items() if condition else ():
                assert condition is not None
                yield spec.Condition(condition.column, operator, operand, take, condition.spot)


def _rules(written: Mapping_[str, language.WrittenRule | None]) -> tuple[spec.Rule, ...]:
    return tuple(_rule(target, rule) for target, rule in written.items() if rule is not None)


def _rule(target: str, written: language.WrittenPart) -> spec.Rule:
    rule = spec.Rule(
        target,
        columns=written.column + written.columns,
        words=written.words,
        constant=written.constant,
        template=written.template,
        join=written.join,
        labelled=Labelled(str(written.labelled).lower()),
        steps=tuple(map(step, written.transforms)),
        default=written.default,
        unknown=written.unknown,
        several=written.several,
        spot=written.spot,
    )
    if not isinstance(written, language.WrittenRule):
        return rule
    parts = {name: getattr(written, name) for name in language.PARTS}
    return structs.replace(
        rule,
        on_blank=written.on_blank,
        keep_in=written.keep_in,
        keep_label=written.keep_label,
        separators=written.separators,
        as_is=written.as_is,
        parts={name: _rule(name, part) for name, part in parts.items() if part is not None},
    )


def preset_text(name: str) -> str:
    """The YAML of a preset as it ships, comments and all."""
    return shipped("mappings", f"{name}.yaml").read_text("utf-8")


def presets() -> Iterator[Mapping]:
    """The presets, in the order in which they are tried on a table; each is loaded when its turn comes."""
    return map(_preset, PRESETS)


@lru_cache(maxsize=16)
def _preset(name: str) -> Mapping:
    mapping = mapping_from_bytes(shipped("mappings", f"{name}.yaml").read_bytes(), f"{name}.yaml")
    return structs.replace(mapping, shipped=True)
