"""One rule's way from a cell's text to a checked wire value; each distinct text goes it once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from importer.fields.names import hidden_characters
from importer.fields.table import ALIAS_FIELDS, Field, Kind, Visibility, field_named
from importer.fields.values import Problem, check, is_link
from importer.fields.vocabulary import Vocabulary
from importer.fields.words import says_nothing
from importer.mapping.own_reading import own_reading, part_field
from importer.mapping.spec import Rule, Step, Unknown, Value
from importer.mapping.transforms import transform_named
from importer.mapping.transforms.found import About, Found, Note
from importer.mapping.transforms.lists import INTRICATE, OFFICIAL_ENDS, ONE_URL, join, json_list
from importer.model import Severity

Quick = Callable[[str], Value]
CLEAR: Final = "#CLEAR"
"""In a cell: empty this field."""
SHORT: Final = 500
"""Characters of a text, or texts of a list, that no check refuses for their number."""


def quick_reading(field: Field | None, rule: Rule) -> Quick | None:
    """The short way for the texts of a rule; None where there is none."""
    if field is None or rule.steps or rule.as_is:
        return None
    if field.name == "externalReferenceLinks":
        return _link
    if field.kind is Kind.TEXT_LIST and not rule.separators:
        return _labels
    if field.kind is Kind.TEXT and not field.vocabulary:
        return _name if field.name == "value" else _text
    return None


def _text(text: str) -> Value:
    if len(text) > SHORT or not text.isprintable():
        return None
    text = text.strip()
    return text if text and text[0] not in "[{#" and not says_nothing(text) else None  # JSON; CLEAR


def _name(text: str) -> Value:
    return _text(text) if text.isascii() and "  " not in text else None


def _labels(text: str) -> Value:
    if len(text) > SHORT or not text.isascii() or not text.isprintable() or "  " in text or CLEAR in text:
        return None
    if INTRICATE.search(text):
        return None
    pieces = [piece.strip() for piece in text.replace(",", ";").replace("|", ";").split(";")]
    if "," in text and not OFFICIAL_ENDS.isdisjoint(
        [piece.rpartition(" ")[2].strip(".").lower() for piece in pieces[1:]]
    ):
        return None
    return None if any(map(says_nothing, pieces)) else [piece for piece in pieces if piece] or None


def _link(text: str) -> Value:
    return [text.rstrip(",;")] if len(text) <= SHORT and text.isascii() and ONE_URL.fullmatch(text) else None


NAMES = frozenset(("value", *ALIAS_FIELDS))
"""The fields that hold names of actors."""
MEMO = 4_000
"""Distinct texts of one rule that are remembered from one table to the next."""


class Seed(Struct, frozen=True):
    """An issue without its place: the same for every row that holds the same text."""

    severity: Severity
    code: str
    message: str
    value: str
    allowed: tuple[str, ...] = ()
    nearest: str = ""


class Cell(Struct, frozen=True):
    """What a rule makes of one text. (A struct, because one is made for every other cell of a list.)"""

    value: Value = None
    seeds: tuple[Seed, ...] = ()
    kept: str = ""
    """The text of a value that was left out, where the rule keeps it elsewhere."""
    clears: bool = False
    nothing: bool = False
    """The text says that nothing is known; the next column may be asked."""


BLANK = Cell()


class CellReader:
    """Reads the texts of one rule. Never raises on a text."""

    def __init__(self, rule: Rule, own: Mapping[str, Vocabulary], part: bool = False) -> None:
        self.rule = rule
        self.field: Field | None = part_field(rule.target) if part else field_named(rule.target)
        self.steps = [bind(step, own) for step in rule.steps]
        self.reading = own_reading(self.field, rule, own)
        self.quick = quick_reading(self.field, rule)
        self.memo: dict[str, Cell] = {}
        self.values: dict[str, Value] = {}
        """Of the remembered texts those that have a value and nothing to say."""
        self.plain = (
            self.field is not None and self.field.kind in (Kind.TEXT, Kind.TEXT_LIST) and not is_link(self.field)
        )
        self.names = rule.target in NAMES and not rule.as_is
        self.reads_blank = any(step.name in ("default", "constant") for step in rule.steps)
        self.default = BLANK
        if rule.default is not None:
            self.default = self._finish(rule.default, str(rule.default))

    def read(self, text: str) -> Cell:
        """What becomes of a cell; remembered."""
        cell = self.memo.get(text)
        if cell is None:
            if self.quick is not None and (value := self.quick(text)) is not None:
                cell = self.memo[text] = Cell(value)
                return cell
            cell = self.read_the_long_way(text)
        return cell

    def read_the_long_way(self, text: str) -> Cell:
        """`read` for a text that is not remembered and that `quick` has no answer for."""
        cell = self.memo[text] = self._read(text)
        if cell.value is not None and not (cell.seeds or cell.kept or cell.clears):
            self.values[text] = cell.value
        return cell

    def forget(self) -> None:
        """Between two tables: a column in which every text differs is not worth remembering."""
        if len(self.memo) > MEMO:
            self.memo.clear()
            self.values.clear()

    def constant(self) -> Cell:
        """The rule's constant as a cell."""
        return self._finish(self.rule.constant, str(self.rule.constant))

    def _read(self, text: str) -> Cell:
        bare = text.strip()
        if bare == CLEAR:
            return self._cleared(bare)
        value: Value = text
        seeds: list[Seed] = []
        if bare and not self.steps:
            return self._finish(value, text)
        if bare or self.reads_blank:
            for step in self.steps:
                value, notes = _over(value, step)
                if notes and any(note.about is not About.CHANGED for note in notes):
                    return self._noted(None, notes, text)
                seeds.extend(self._seed(note, text) for note in notes)
        if _blank(value):
            return Cell(self.default.value, (*seeds, *self.default.seeds), self.default.kept)
        cell = self._finish(value, text)
        return Cell(cell.value, (*seeds, *cell.seeds), cell.kept, False, cell.nothing) if seeds else cell

    def _finish(self, value: Value, text: str) -> Cell:
        """The field's own reading, then the check of the wire value."""
        result = self.reading(value)
        notes: list[Note] = []
        if isinstance(result, Found):
            notes = [result.note] if result.note else []
            result = result.value
        if not result and _blank(result):
            return self._noted(None, notes, text) if notes else BLANK
        if self.names and (hidden := hidden_characters(text)):
            message = f"holds {' and '.join(hidden[:3])}, which nobody sees; delete it unless it is meant"
            notes.append(Note(About.CHANGED, "hidden-character", message))
        if not notes and self.plain and _ordinary(result):
            return Cell(result)
        if self.field is not None:
            answer = check(self.field, result)
            if answer.problem is None:
                result = answer.value
            else:
                result, problems = self._problems(self.field, result, answer.problem)
                notes.extend(problems)
        else:
            answer = check(_PROPERTIES, {"key": result})
            if answer.problem is not None:
                result = None
                notes.append(_problem_note(answer.problem, text))
        return self._noted(result, notes, text) if notes else Cell(result)

    def _problems(self, field: Field, value: Value, problem: Problem) -> tuple[Value, list[Note]]:
        """Of a list the good entries, with a note for each of the others; of anything else nothing but the note."""
        if not isinstance(value, list):
            return None, [_problem_note(problem, str(value))]
        good: list[Value] = []
        notes: list[Note] = []
        for entry in value:
            single = check(field, [entry])
            if single.problem is None:
                good.extend(single.value)
            else:
                shown = entry.get("value") or entry.get("url") if isinstance(entry, dict) else entry
                notes.append(_problem_note(single.problem, str(shown)))
        return good or None, notes or [_problem_note(problem, f"{len(value):,} entries")]

    def _noted(self, value: Value, notes: list[Note], text: str) -> Cell:
        """The cell with its issues, by the severities that the rule sets; what is left out may be kept elsewhere."""
        seeds = tuple(self._seed(note, text) for note in notes)
        kept = ""
        nothing = value is None and all(note.about is About.NOTHING for note in notes)
        wrong = any(seed.severity is Severity.ERROR for seed in seeds)
        text_field = self.field is not None and self.field.kind is Kind.TEXT
        if value is None and not nothing:
            if text_field and not wrong and _setting(self.rule, notes[0]) is Unknown.KEEP:
                value = _written(text)
            elif self.rule.keep_in and not wrong:
                kept = _written(text)
        elif self.rule.keep_in and not wrong:
            partly = (note for note in notes if note.about is About.CHANGED and note.text)
            whole = any(note.about in (About.SEVERAL, About.UNKNOWN) for note in notes)
            kept = _written(text) if whole else "; ".join(note.text for note in partly)
        if self.rule.unknown is Unknown.IGNORE or self.rule.several is Unknown.IGNORE:
            seeds = tuple(
                seed for seed, note in zip(seeds, notes, strict=True) if _setting(self.rule, note) is not Unknown.IGNORE
            )
        return Cell(value, seeds, kept, False, nothing)

    def _seed(self, note: Note, text: str) -> Seed:
        message = note.message
        severity = Severity.WARNING
        if note.about is About.NOTHING and self.rule.target == "value":
            return Seed(Severity.ERROR, "placeholder-name", "says nothing; a tag needs the actor's name", text)
        if note.about is About.NOTHING:
            severity = Severity.INFO
        elif note.about is About.CHANGED and note.text:
            message += f"; kept in {self.rule.keep_in}" if self.rule.keep_in else "; left out"
        elif note.about in (About.UNKNOWN, About.SEVERAL):
            setting = _setting(self.rule, note)
            text_field = self.field is not None and self.field.kind is Kind.TEXT
            misspelt = setting is Unknown.KEEP and note.nearest and note.about is About.UNKNOWN
            if setting is Unknown.ERROR or misspelt:
                severity = Severity.ERROR
            elif setting is Unknown.KEEP and text_field and not note.code.startswith("several-"):
                message += "; it is sent as written"
            elif self.rule.keep_in:
                message += f"; the text is kept in {self.rule.keep_in}"
            elif note.code.startswith("several-") and self.field is not None and self.field.vocabulary:
                pass
            else:
                message += "; left out"
        return Seed(severity, note.code, message, note.text or text, note.allowed, note.nearest)

    def _cleared(self, text: str) -> Cell:
        if self.field is None or self.field.clearable:
            return Cell(clears=True)
        message = f"{self.rule.target} cannot be emptied: the API has no way to"
        return Cell(seeds=(Seed(Severity.ERROR, "not-clearable", message, text),))


_PROPERTIES = Field("properties", Kind.OBJECT, "5.7", "now", Visibility.UNDOCUMENTED, "")


def _written(text: str) -> str:
    """A cell as a person would write it: the entries of a JSON list with commas between them."""
    listed = json_list(text)
    return text.strip() if listed is None else join(listed)


def _setting(rule: Rule, note: Note) -> Unknown | None:
    if note.about is About.UNKNOWN:
        return rule.unknown
    return rule.several if note.about is About.SEVERAL else None


def _problem_note(problem: Problem, text: str) -> Note:
    return Note(About.UNKNOWN, problem.code, f"is {problem.message}", text, problem.allowed, problem.nearest)


def _ordinary(value: Value) -> bool:
    """Short printable text, or a list of it: what every check of a text lets through, told without the check."""
    if type(value) is list:
        return len(value) <= SHORT and all(map(_ordinary_text, value))
    return _ordinary_text(value)


def _ordinary_text(value: Value) -> bool:
    return type(value) is str and len(value) <= SHORT and value.isprintable() and not value.isspace()


def _blank(value: Value) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


class Bound(Struct, frozen=True):
    """A step with its arguments filled in."""

    name: str
    function: Callable[[Value], Value]
    whole: bool
    """Takes a list as a whole instead of item by item."""


def bind(step: Step, own: Mapping[str, Vocabulary]) -> Bound:
    """A step of a mapping as a function of one value."""
    entry = transform_named(step.name)
    assert entry is not None, step.name
    arguments = dict(step.arguments)
    if step.name == "vocabulary":
        arguments["own"] = own
    if step.name in ("limit", "pick") and arguments:
        arguments = {key: int(value) for key, value in arguments.items()}
    return Bound(step.name, partial(entry.function, **arguments), entry.takes == "list")


def _over(value: Value, step: Bound) -> tuple[Value, list[Note]]:
    """A step applied to a value: to each item of a list, unless it takes lists."""
    if step.whole:
        if step.name == "join" and isinstance(value, str):
            return value, []
        return _opened(step.function(value))
    if isinstance(value, list):
        results: list[Value] = []
        notes: list[Note] = []
        for item in value:
            made, found = _over(item, step)
            notes.extend(found)
            results.extend(made if isinstance(made, list) else [] if _blank(made) else [made])
        return results, notes
    if isinstance(value, dict):
        return value, []
    return _opened(step.function(value if isinstance(value, str) else "" if value is None else str(value)))


def _opened(result: Value) -> tuple[Value, list[Note]]:
    if isinstance(result, Found):
        return result.value, [result.note] if result.note else []
    return result, []
