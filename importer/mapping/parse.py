"""A mapping's YAML, checked against the language, word by word; every problem is collected, none stops the reading."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from typing import Any

from importer.fields.table import Kind, field_named
from importer.mapping import grammar
from importer.mapping.nodes import Node, Problems
from importer.mapping.parse_steps import parse_steps
from importer.mapping.spec import (
    Blank,
    Condition,
    Labelled,
    Mapping,
    ReadHints,
    Recognise,
    Rule,
    Section,
    Unknown,
    Vocabulary,
)
from importer.mapping.transforms.patterns import problem_with
from importer.model import Json


def parse(root: Node, problems: Problems, name: str, digest: str) -> Mapping:
    """The mapping that a file's root node holds; what is wrong with it goes to `problems`."""
    reader = Reader(problems)
    keys = reader.object(root, grammar.MAPPING, "key", "a mapping")
    sheets = reader.sections(keys.get("sheets"), "sheet")
    hints = reader.hints(keys.get("read"), sheets)
    rules = reader.rules(keys.get("fields"))
    mapping = Mapping(
        name=reader.text(keys.get("name")) or name,
        digest=digest,
        description=reader.text(keys.get("description")),
        file=problems.file,
        hints=hints,
        recognise=reader.recognise(keys.get("recognise")),
        action=reader.text(keys.get("action")),
        on_blank=Blank(reader.word(keys.get("on_blank"), grammar.BLANK_WORDS) or "leave"),
        when=reader.conditions(keys.get("when")),
        rules=tuple(rule for rule in rules if rule.has_source),
        sheets=sheets,
        sources=reader.sections(keys.get("sources"), "source"),
        vocabularies=reader.vocabularies(keys.get("vocabularies")),
        guesses=reader.flag(keys.get("guess")),
        ignore=reader.texts(keys.get("ignore")),
    )
    named = {rule.target for rule in mapping.rules}
    named |= {rule.target for section in (*mapping.sheets, *mapping.sources) for rule in section.rules}
    if "fields" not in keys:
        problems.add(root.spot, "has no `fields:`; that is where columns are given to tag fields")
    elif "value" not in named and not mapping.guesses:
        problems.add(keys["fields"].spot, "no rule for `value`, the actor's name; every tag needs one")
    return mapping


class Reader:
    """Reads nodes into plain values, and says where one is not what it should be."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def object(self, node: Node | None, keys: grammar.Keys, what: str, where: str) -> dict[str, Node]:
        """The entries of an object, unknown keys told and left out."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, dict):
            self.problems.add(node.spot, f"{where} is a table of `key: value` lines, not {kind_of(node)}")
            return {}
        for key, spot in node.keys.items():
            if key not in keys:
                self.problems.nearest(spot, f"{what} of {where}", key, tuple(keys))
        return {key: value for key, value in node.value.items() if key in keys}

    def table(self, node: Node | None, where: str) -> dict[str, Node]:
        """The entries of an object whose keys are free."""
        if node is None or node.value is None:
            return {}
        if isinstance(node.value, dict):
            return dict(node.value)
        self.problems.add(node.spot, f"`{where}` is a table of `key: value` lines, not {kind_of(node)}")
        return {}

    def text(self, node: Node | None) -> str:
        if node is None or node.value is None:
            return ""
        if isinstance(node.value, str):
            return node.value
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            self.problems.add(node.spot, f"expected a text here, not {kind_of(node)}")
            return ""
        return str(node.value)

    def texts(self, node: Node | None) -> tuple[str, ...]:
        if node is None or node.value is None:
            return ()
        if isinstance(node.value, list):
            return tuple(self.text(child) for child in node.value)
        return (self.text(node),)

    def flag(self, node: Node | None) -> bool:
        if node is None or node.value is None:
            return False
        if isinstance(node.value, bool):
            return node.value
        self.problems.add(node.spot, f"expected true or false here, not {kind_of(node)}")
        return False

    def row(self, node: Node | None) -> int:
        if node is None or node.value is None:
            return 0
        if isinstance(node.value, int) and not isinstance(node.value, bool) and 1 <= node.value <= 1_048_576:
            return node.value
        self.problems.add(node.spot, f"expected a row number here (1 is the first), not {kind_of(node)}")
        return 0

    def word(self, node: Node | None, allowed: Sequence[str]) -> str:
        if node is None or node.value is None:
            return ""
        text = self.text(node)
        if text and text not in allowed:
            self.problems.nearest(node.spot, "word", text, allowed)
            return ""
        return text

    def labelled(self, node: Node | None) -> Labelled:
        if node is not None and isinstance(node.value, bool):
            return Labelled.TRUE if node.value else Labelled.FALSE
        return Labelled(self.word(node, grammar.LABELLED_WORDS) or "false")

    def hints(self, node: Node | None, sheets: tuple[Section, ...]) -> ReadHints:
        keys = self.object(node, grammar.READ, "key", "`read:`")
        rows = {section.pattern: section.header_row for section in sheets if section.header_row}
        return ReadHints(
            records=self.text(keys.get("records")),
            header_row=self.row(keys.get("header_row")),
            per_sheet_header=rows,
            sheets=self.texts(keys.get("sheets")),
            include_hidden=self.flag(keys.get("include_hidden")),
        )

    def recognise(self, node: Node | None) -> Recognise:
        keys = self.object(node, grammar.RECOGNISE, "key", "`recognise:`")
        values = {column: self.texts(words) for column, words in self.table(keys.get("values"), "values").items()}
        return Recognise(self.texts(keys.get("all")), self.texts(keys.get("any")), self.texts(keys.get("none")), values)

    def conditions(self, node: Node | None) -> tuple[Condition, ...]:
        if node is None or node.value is None:
            return ()
        children = node.value if isinstance(node.value, list) else [node]
        found: list[Condition] = []
        for child in children:
            keys: grammar.Keys = {"take": ("condition", ""), "leave_out": ("condition", "")}
            for key, value in self.object(child, keys, "word", "a condition (`take:` or `leave_out:`)").items():
                found.extend(self.condition(value, key == "take"))
        return tuple(found)

    def condition(self, node: Node, take: bool) -> list[Condition]:
        keys = self.object(node, grammar.CONDITION, "key", "a condition")
        named = keys.pop("column", None)
        column, spot = self.text(named), (named or node).spot
        if not column:
            self.problems.add(node.spot, "a condition needs a `column:`")
        if not keys:
            self.problems.add(node.spot, "a condition needs one of in, not_in, contains, matches, blank")
        found = []
        for operator, operand in keys.items():
            value: Json
            if operator in ("in", "not_in"):
                value = list(self.texts(operand))
            elif operator == "blank":
                value = self.flag(operand)
            else:
                value = self.text(operand)
                if operator == "matches" and (why := problem_with(value)):
                    self.problems.add(operand.spot, f"this pattern {why}")
                    continue
            found.append(Condition(column, operator, value, take, spot))
        return found

    def sections(self, node: Node | None, what: str) -> tuple[Section, ...]:
        found = []
        for pattern, child in self.table(node, f"{what}s").items():
            keys = self.object(child, grammar.SECTION, "key", f"a {what}'s section")
            rules = self.rules(keys.get("fields"), section=True)
            found.append(
                Section(
                    pattern,
                    self.flag(keys.get("skip")),
                    self.row(keys.get("header_row")),
                    self.conditions(keys.get("when")),
                    tuple(rule for rule in rules if rule.has_source),
                    tuple(rule.target for rule in rules if not rule.has_source),
                )
            )
        return tuple(found)

    def vocabularies(self, node: Node | None) -> tuple[Vocabulary, ...]:
        found = []
        for name, child in self.table(node, "vocabularies").items():
            if name not in grammar.VOCABULARY_NAMES:
                assert node is not None
                self.problems.nearest(node.keys[name], "vocabulary", name, grammar.VOCABULARY_NAMES)
                continue
            keys = self.object(child, grammar.VOCABULARY, "key", "a vocabulary")
            for key, words in keys.items():
                table = {word: self.text(value) for word, value in self.table(words, key).items()}
                found.append(Vocabulary(name, table, replace=key == "replace"))
        return tuple(found)

    def rules(self, node: Node | None, section: bool = False) -> list[Rule]:
        found = []
        for target, child in self.table(node, "fields").items():
            assert node is not None
            spot = node.keys[target]
            key = target.removeprefix("properties.")
            if field_named(target) is None and (key == target or not key.strip()):
                self.problems.nearest(spot, "tag field", target, (*grammar.field_names(), "properties.<key>"))
                continue
            if child.value is None:
                found.append(Rule(target, spot=spot))
                if not section:
                    self.problems.add(child.spot, f"`{target}` has no column; name one, or take the line out")
                continue
            rule = self.rule(target, child)
            if not rule.has_source and isinstance(child.value, dict):
                self.problems.add(child.spot, f"`{target}` needs column, columns, words, constant or template")
            found.append(rule)
        return found

    def rule(self, target: str, node: Node, part: bool = False) -> Rule:
        """A rule; a bare text is a column, a bare list several, a bare number of a part a constant."""
        if isinstance(node.value, (str, list)):
            return Rule(target, columns=self.texts(node), spot=node.spot)
        if part and isinstance(node.value, int) and not isinstance(node.value, bool):
            return Rule(target, constant=node.value, spot=node.spot)
        keys = self.object(node, grammar.PART if part else grammar.RULE, "key", f"the rule for `{target}`")
        unknown = self.word(keys.get("unknown"), grammar.UNKNOWN_WORDS)
        several = self.word(keys.get("several"), grammar.UNKNOWN_WORDS)
        blank = self.word(keys.get("on_blank"), grammar.BLANK_WORDS)
        labelled = self.labelled(keys.get("labelled"))
        return Rule(
            target,
            columns=self.texts(keys.get("column")) + self.texts(keys.get("columns")),
            words=self.texts(keys.get("words")),
            constant=keys["constant"].plain() if "constant" in keys else None,
            template=self.text(keys.get("template")),
            join=self.text(keys["join"]) if "join" in keys else None,
            labelled=labelled,
            steps=parse_steps(keys.get("transforms"), self.problems),
            default=keys["default"].plain() if "default" in keys else None,
            on_blank=Blank(blank) if blank else None,
            unknown=Unknown(unknown or "error"),
            several=Unknown(several or "warning"),
            keep_in=self.keeper(keys.get("keep_in")),
            keep_label=self.text(keys.get("keep_label")),
            separators=self.text(keys.get("separators")),
            as_is=self.flag(keys.get("as_is")),
            parts=self.parts(target, keys),
            spot=node.spot,
        )

    def keeper(self, node: Node | None) -> str:
        target = self.text(node)
        if not target or node is None:
            return ""
        field = field_named(target)
        if target.startswith("properties.") or (field is not None and field.kind is Kind.TEXT and target != "value"):
            return target
        texts = tuple(name for name in grammar.field_names() if (f := field_named(name)) and f.kind is Kind.TEXT)
        self.problems.nearest(node.spot, "text field to keep a text in", target, (*texts[1:], "properties.<key>"))
        return ""

    def parts(self, target: str, keys: MappingABC[str, Node]) -> dict[str, Rule]:
        field = field_named(target)
        allowed = grammar.parts_of(field.kind, field.annotated) if field else ()
        found = {}
        for name in grammar.PART_NAMES:
            if name not in keys:
                continue
            if name not in allowed:
                takes = f"takes {' and '.join(allowed)}" if allowed else "takes no such part"
                self.problems.add(keys[name].spot, f"`{name}` does not go with `{target}`, which {takes}")
                continue
            rule = self.rule(name, keys[name], part=True)
            if rule.has_source:
                found[name] = rule
            else:
                self.problems.add(keys[name].spot, f"`{name}` needs a column or a constant")
        return found


def kind_of(node: Node) -> str:
    """What a node is, for a message."""
    value: Any = node.value
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    return f"'{str(value)[:40]}'"
