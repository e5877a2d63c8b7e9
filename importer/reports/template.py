"""`template`: an empty workbook for a mapping, with a note on each column, drop-downs and an example row.

The example row is left out when the workbook is read, as long as its name is not changed. Which texts stand in it is
tried out: each is one that the mapping reads without an issue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from importer.atomic import atomic_path
from importer.errors import os_errors
from importer.fields.countries import resolve
from importer.fields.country_names import country_names
from importer.fields.table import Field, Kind, Visibility, field_named
from importer.fields.vocabulary import Vocabulary, load_vocabulary
from importer.mapping.bound_mapping import own_vocabularies
from importer.mapping.draft import Drafter
from importer.mapping.spec import PSEUDO_COLUMNS, Rule
from importer.mapping.spec import Mapping as TagMapping
from importer.mapping.transforms.text import columns_in
from importer.mapping.write import flow, scalar
from importer.model import Asked, Category, Header, Json, Table
from importer.planning.workbook import Sheet, write_workbook
from importer.sources.locate import MAPPING_ENDING
from importer.text.row_words import row_words

USUAL: Final[Mapping[str, str]] = {
    "value": "Actor", "aliasGroupNamesInternal": "Aliases", "originCountryISO": "Country", "motive": "Motive",
    "actorCategory": "Actor category", "sophisticationLevel": "Sophistication", "attributionOrganization": "Sponsor",
    "dateOfDiscovery": "First seen", "lastSeen": "Last seen", "confidence": "Confidence", "tlp": "TLP",
    "externalReferenceLinks": "References", "description": "Description", "internalDescription": "Notes",
}  # fmt: skip
"""The columns for a mapping that goes by what it finds: field -> a header word that is read as this field."""
_EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "attributionOrganization": ("Ministry of Example",), "dateOfDiscovery": ("2019-03-27", "27/03/2019", "03/27/2019"),
    "lastSeen": ("2024-11-30", "2024"), "confidence": ("8", "80"), "activeDuration": ("since 2019",),
    "description": ("Steals mail of travellers through look-alike booking sites.",),
    "internalDescription": ("Seen by our own team in two incidents.",),
}  # fmt: skip
_KINDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.SCORE: ("8", "80"), Kind.NUMBER: ("2",), Kind.DATE: ("2019-03-27", "27/03/2019", "03/27/2019"),
    Kind.COUNTRY: ("Iran", "IR"), Kind.TLP: ("green",), Kind.TEXT: ("A text",),
    Kind.TEXT_LIST: ("Dust Courier; UNC-0417", '["Dust Courier", "UNC-0417"]'),
    Kind.ALIAS_LIST: ("Dust Courier; UNC-0417", '["Dust Courier", "UNC-0417"]'),
    Kind.REFERENCE_LIST: ("https://reports.example.org/1",), Kind.OBJECT: ('{"key": "a text"}',),
}  # fmt: skip
_ORDERS: Final = {"dmy": ("27/03/2019",), "mdy": ("03/27/2019",)}
_SEEN: Final[Mapping[Visibility, str]] = {
    Visibility.PUBLIC: "Seen by all accounts.",
    Visibility.PRIVATE: "Stays with this account.",
    Visibility.UNDOCUMENTED: "Perhaps seen by all accounts.",
}
_TAKES: Final[Mapping[Kind, str]] = {
    Kind.SCORE: "A whole number from 1 to 10.", Kind.NUMBER: "A number.", Kind.DATE: "A date: YYYY-MM-DD.",
    Kind.COUNTRY: "A country's name or its ISO code.", Kind.TEXT_LIST: "Several are separated by ; or a line break.",
    Kind.ALIAS_LIST: "Several are separated by ; or a line break.",
    Kind.REFERENCE_LIST: "Links; several are separated by blanks or a line break.",
}  # fmt: skip


class Column(Struct, frozen=True):
    """One column of the template."""

    header: str
    note: str
    examples: tuple[str, ...] = ()
    """Texts for the example row, the first that can be read is taken."""
    words: tuple[str, ...] = ()
    """What its cells offer; empty for any text."""


class Template(Struct, frozen=True):
    """What was written."""

    path: Path
    columns: int
    mapping: str
    """The mapping to read it with, as `--mapping` names it; empty where none has to be named."""


def write_template(
    path: Path, mapping: TagMapping, named: str, categories: Sequence[Category] | None, category: Category | None
) -> Template:
    """Write the workbook for a mapping (`named` on the command line, if at all) to `path`.

    With the `categories` of an account there is a column for them, or columns for the properties of the one that is
    chosen; a mapping beside the workbook reads them. Raises UsageError where it cannot be written.
    """
    beside = ""
    columns = list(_columns(mapping))
    if categories and mapping.guesses:
        added, rules = _of_category(category) if category else _of_categories(categories)
        columns += added
        beside = _mapping(path.name, rules) if rules else ""
    sheet = _sheet(columns, mapping)
    with os_errors(f"{path} cannot be written"):
        with atomic_path(path, forced=True) as temporary:
            write_workbook(temporary, [sheet])
        if beside:
            with atomic_path(Path(f"{path}{MAPPING_ENDING}"), forced=True) as temporary:
                temporary.write_text(beside, encoding="utf-8")
    return Template(path, len(columns), named)


def _sheet(columns: Sequence[Column], mapping: TagMapping) -> Sheet:
    example = _example(columns, mapping)
    notes = {(0, at): column.note for at, column in enumerate(columns) if column.note}
    downs = {at: column.words for at, column in enumerate(columns) if column.words}
    # A mapping may read the sheet's own name, as the country that its actors are from.
    named = next((rule.target for rule in mapping.rules if "$sheet" in rule.columns), "")
    title = _KINDS[Kind.COUNTRY][0] if named == "originCountryISO" else "Actors"
    return Sheet(title, [[column.header for column in columns], example], notes, downs, frozenset({1}))


def _example(columns: Sequence[Column], mapping: TagMapping) -> list[str]:
    """A row that the mapping reads without an issue: where it finds one, that column's next text is tried."""
    header = Header("template", "xlsx", tuple(column.header for column in columns))
    left = [list(column.examples) for column in columns]
    name = "An example"
    for _ in range(1 + max(map(len, left), default=0)):
        row = [texts[0] if texts else "" for texts in left]
        table = Table.of_rows(header, [[name if text == row_words().example else text for text in row]], [2])
        (draft,), _notes = Drafter(mapping).drafted(table)
        wrong = {issue.place.column for issue in draft.issues}
        for column, texts in zip(columns, left, strict=True):
            if column.header in wrong and texts:
                texts.pop(0)
        if not wrong:
            return row
    return row


def _columns(mapping: TagMapping) -> Iterator[Column]:
    """The columns that a mapping reads, each once; for one that goes by what it finds, the usual ones too."""
    own = own_vocabularies(mapping)
    found: dict[str, Column] = {}
    for rule in mapping.rules:
        field = field_named(rule.target)
        for part, one in (("", rule), *rule.parts.items()):
            for header in _headers(one, field):
                found.setdefault(header, _column(header, rule.target, part, one, own))
    if mapping.guesses:
        fed = {rule.target for rule in mapping.rules if _headers(rule, field_named(rule.target))}
        usual = {USUAL[name]: _column(USUAL[name], name, "", Rule(name), own) for name in USUAL if name not in fed}
        found = {**{header: one for header, one in usual.items() if header not in found}, **found}
    for condition in mapping.when:
        if condition.take and condition.operator == "in":
            words = tuple(map(str, condition.operand))
            found.setdefault(condition.column, Column(condition.column, "Says which rows are read.", words, words))
    if mapping.action:
        asked = tuple(one.value for one in Asked)
        found.setdefault(mapping.action, Column(mapping.action, "What may be done for this row.", asked, asked))
    if mapping.id:
        found.setdefault(mapping.id, Column(mapping.id, "The list's own id of the actor.", ("A-0001",)))
    yield from found.values()


def _headers(rule: Rule, field: Field | None) -> list[str]:
    """The header words for a rule's columns: all where all are read, else the first."""
    wanted = [*rule.columns, *columns_in(rule.template)]
    plain = [name.replace("*", "1").replace("?", "1") for name in wanted if name not in PSEUDO_COLUMNS]
    every = rule.join is not None or bool(rule.template) or (field is not None and field.is_list)
    return plain if every else plain[:1] or list(rule.words[:1])


def _column(header: str, target: str, part: str, rule: Rule, own: Mapping[str, Vocabulary]) -> Column:
    field = field_named(part or target) or field_named(target)
    if target == "value" and not part:
        return Column(header, "The actor's name: every row needs one. Seen by all accounts.", (row_words().example,))
    if field is None:
        return Column(header, f"{target.removeprefix('properties.')}, a property of the category.", ("A text",))
    vocabulary = own.get(field.vocabulary) or load_vocabulary(field.vocabulary) if field.vocabulary else None
    words = vocabulary.allowed if vocabulary else _countries() if field.kind is Kind.COUNTRY else ()
    examples, takes = _EXAMPLES.get(field.name) or _KINDS.get(field.kind, ()), _TAKES.get(field.kind, "")
    for step in rule.steps:
        if step.name == "score" and step.arguments.get("out_of") == 100:
            examples, takes = ("80",), "A whole number from 1 to 100."
        elif step.name == "date" and (order := step.arguments.get("order")) in _ORDERS:
            examples, takes = _ORDERS[str(order)], f"A date: YYYY-MM-DD, or as {_ORDERS[str(order)][0]}."
        elif step.name == "map":
            words = tuple(map(str, step.arguments["words"]))
    if "link" in field.name.casefold():
        examples = _KINDS[Kind.REFERENCE_LIST]
    if words:
        examples = (*(word for word in examples if word in words), *words[len(words) // 2 :][:3])
    if words and len(words) <= _LISTED:
        takes = f"One of: {', '.join(words)}."
    about = f"{part.capitalize()} that goes with {target}." if part else field.meaning
    seen = "" if "account" in about or "everyone" in about else _SEEN[field.visibility]
    return Column(header, "\n".join(filter(None, (about, takes, seen))), examples, tuple(words))


_LISTED: Final = 12


def _countries() -> tuple[str, ...]:
    """The names of countries as people know them, those that are read as the country they are."""
    return tuple(sorted(name for code, name in country_names().items() if resolve(name).code == code))


def _of_categories(categories: Sequence[Category]) -> tuple[list[Column], list[str]]:
    """A column in which a row names its category, and the rule that reads it."""
    names = [one.name for one in categories]
    held = {one.name: one.uuid for one in categories if names.count(one.name) == 1}
    if not held:
        return [], []
    rule = f"categoryUuid: {{column: Category, transforms: [{{map: {{words: {flow(held)}}}}}]}}"
    return [Column("Category", "The tag's category; none where it is blank.", ("",), tuple(held))], [rule]


def _of_category(category: Category) -> tuple[list[Column], list[str]]:
    """A column for each property of a category that a cell can hold, and the rules that read them."""
    columns, rules = [], []
    for entry in category.schema or ():
        key, kind = entry.get("key"), str(entry.get("kind", ""))
        if not isinstance(key, str) or entry.get("deprecated") is True or kind == "object":
            continue
        header = f"properties.{key}"
        gone = _listed(entry, "deprecatedValues")
        words = tuple(str(word) for word in _listed(entry, "allowedValues") if word not in gone)
        need = " Needed." if entry.get("required") is True else ""
        note = f"{entry.get('label') or key}, a property of {category.name}.{need}"
        columns.append(Column(header, note, words[:1], words if kind != "array" else ()))
        steps = {"number": "number", "array": "items", "date": "date"}.get(kind)
        rules.append(f"{scalar(header)}: {flow({'column': header, **({'transforms': [steps]} if steps else {})})}")
    return columns, rules


def _listed(entry: Mapping[str, Any], key: str) -> Iterable[Json]:
    held = entry.get(key)
    return held if isinstance(held, list | tuple) else ()


def _mapping(file: str, rules: Sequence[str]) -> str:
    head = (
        f"# Reads {scalar(file)} once it is filled in; it is found by its name.\nname: template\nguess: true\nfields:\n"
    )
    return head + "".join(f"  {rule}\n" for rule in rules)
