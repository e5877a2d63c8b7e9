"""One rule's way from a cell's text to a checked wire value; each distinct text goes it once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from importer.fields.conventions import USUAL, Convention
from importer.fields.names import hidden_characters, identity_key
from importer.fields.table import ALIAS_FIELDS, Field, Kind, Visibility, field_named
from importer.fields.values import Problem, check, is_link
from importer.fields.vocabulary import Vocabulary
from importer.mapping.cell_reading import cell_reading, part_field
from importer.mapping.doubts import doubts, other_kind
from importer.mapping.meanings import Meanings
from importer.mapping.quick_reading import AT_ONCE, CLEAR, is_ordinary, quick_reading
from importer.mapping.spec import Rule, Step, Unknown, Value
from importer.mapping.tidied import tidied
from importer.mapping.transforms import transform_named
from importer.mapping.transforms.found import About, Found, Note
from importer.mapping.transforms.lists import join, json_list, json_value
from importer.model import EMPTY, Issue, Place, Severity

NOTES: Final = "internalDescription"
"""Where the text of a value that was left out is kept, unless the mapping says otherwise."""
NAMES = frozenset(("value", *ALIAS_FIELDS))
"""The fields that hold names of actors."""
_PLAIN_STEPS = frozenset(("trim", "lower", "upper", "strip_html", "strip_citations", "default", "replace", "map"))
_OF_THE_KIND = frozenset((("a number", "bad-score"), ("a piece of JSON", "broken-list")))
"""What a faulty value of a field looks like by its nature: no sign that columns are mixed up."""
MEMO = 20_000
"""Distinct texts of one rule that are remembered: where there are more, hardly any comes again."""
KEPT = 4_000
"""The same from one table to the next."""


class Finding(Struct, frozen=True):
    """An issue without its place: the same for every row that holds the same text."""

    severity: Severity
    code: str
    message: str
    value: str
    allowed: tuple[str, ...] = ()
    nearest: str = ""

    def at(self, place: Place, field: str) -> Issue:
        """The issue of one cell."""
        return Issue(self.severity, self.code, self.message, place, field, self.value, self.allowed, self.nearest)


class Cell(Struct, frozen=True):
    """What a rule makes of one text. (A struct, because one is made for every other cell of a list.)"""

    value: Value = None
    seeds: tuple[Finding, ...] = ()
    kept: str = ""
    """The text of a value that was left out, where the rule keeps it elsewhere."""
    clears: bool = False
    nothing: bool = False
    """The text says that nothing is known; the next column may be asked."""
    links: tuple[str, ...] = ()
    """Addresses behind words of a public text: references of the actor."""


BLANK = Cell()
DECIDED: Final = "decided-value"
"""The code of what is said of a value that a person has decided."""


class CellReader:
    """Reads the texts of one rule. Never raises on a text."""

    def __init__(
        self,
        rule: Rule,
        own: Mapping[str, Vocabulary],
        part: bool = False,
        convention: Convention = USUAL.convention,
        meanings: Meanings = EMPTY,
    ) -> None:
        self.rule = rule
        self.part = part
        self.meanings = meanings
        ignored = Unknown.IGNORE in (rule.unknown, rule.several)
        private = rule.target != NOTES and not rule.as_is and not ignored
        self.keep_in = rule.keep_in or (NOTES if private else "")
        self.field: Field | None = part_field(rule.target) if part else field_named(rule.target)
        self.steps = [bind(step, own) for step in rule.steps]
        self.reading = cell_reading(self.field, rule, own, convention)
        self.own = own
        self.told: dict[Convention, CellReader] = {}
        self.quick = quick_reading(self.field, rule) if convention == USUAL.convention else None
        self.at_once = AT_ONCE.get(self.quick) if self.quick is not None else None
        self.memo: dict[str, Cell] = {}
        self.values: dict[str, Value] = {}
        """Of the remembered texts those that have a value and nothing to say."""
        self.plain = (
            self.field is not None and self.field.kind in (Kind.TEXT, Kind.TEXT_LIST) and not is_link(self.field)
        )
        self.listed = self.field is not None and self.field.is_list
        self.names = rule.target in NAMES and not rule.as_is
        self.reads_blank = any(step.name in ("default", "constant") for step in rule.steps)
        self.default = BLANK
        if rule.default is not None:
            self.default = self._finish(rule.default, str(rule.default))

    def by(self, convention: Convention) -> CellReader:
        """The reader of the same rule for columns that are written in a way of their own."""
        if convention == USUAL.convention:
            return self
        if convention not in self.told:
            self.told[convention] = CellReader(self.rule, self.own, self.part, convention, self.meanings)
        return self.told[convention]

    @property
    def judges(self) -> bool:
        """Whether the way in which a column is written matters: no step of the mapping says it already."""
        return not self.rule.as_is and all(step.name in _PLAIN_STEPS for step in self.steps)

    def quickly(self, texts: Sequence[str]) -> Iterable[Value]:
        """The values of these texts; None for each that is to be read the long way."""
        values = self.at_once(texts) if self.at_once is not None and len(texts) > 1 else None
        return map(self.quick or self.values.get, texts) if values is None else values

    def read(self, text: str) -> Cell:
        """What becomes of a cell; what took long is remembered."""
        cell = self.memo.get(text)
        if cell is None:
            if self.quick is not None and (value := self.quick(text)) is not None:
                return Cell(value)
            cell = self.read_the_long_way(text)
        return cell

    def read_the_long_way(self, text: str) -> Cell:
        """`read` for a text that is not remembered and that `quick` has no answer for."""
        cell = self._read(text)
        if self.meanings and cell.value is not None:
            cell = self._read_well(cell, text)
        if len(self.memo) >= MEMO:
            return cell
        self.memo[text] = cell
        if cell.value is not None and not (cell.seeds or cell.kept or cell.clears or cell.links):
            self.values[text] = cell.value
        return cell

    def forget(self) -> None:
        """Between two tables: a column in which every text differs is not worth remembering."""
        if len(self.memo) > KEPT:
            self.memo.clear()
            self.values.clear()
        self.told.clear()

    def constant(self) -> Cell:
        """The rule's constant as a cell."""
        return self._finish(self.rule.constant, str(self.rule.constant))

    def _read(self, text: str) -> Cell:
        bare = text.strip()
        if bare == CLEAR:
            return self._cleared(bare)
        if self.rule.as_is or not bare:
            return self._stepped(text, bare)
        tidy = tidied(text, self.field)
        if tidy.text is text:
            return self._stepped(text, bare)
        cell = self._stepped(tidy.text, tidy.text.strip())
        seeds = tuple(self._seed(note, text) for note in tidy.notes)
        kept = "; ".join(filter(None, (cell.kept, tidy.kept)))
        return Cell(cell.value, (*seeds, *cell.seeds), kept, cell.clears, cell.nothing, tidy.links)

    def _stepped(self, text: str, bare: str) -> Cell:
        """The mapping's steps, then the field's own reading."""
        value: Value = text
        seeds: list[Finding] = []
        if bare and not self.steps:
            return self._finish(value, text)
        if bare or self.reads_blank:
            for step in self.steps:
                value, notes = _over(value, step)
                if notes and any(note.about not in _GOES_ON for note in notes):
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
        if self.names:
            result, told = doubts(result, text, self.listed)
            notes += told
            if result is None:
                return self._noted(None, notes, text)
        if not notes and self.plain and (type(result) is list) is self.listed and is_ordinary(result):
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
        """The cell with its issues, by the severities that the rule sets; what is left out is kept elsewhere."""
        if value is None and self.meanings and (decided := self._decided(notes, text)) is not None:
            return decided
        told = [note for note in notes if self._setting(note) is not Unknown.IGNORE]
        seeds = tuple(self._seed(note, text, value is None) for note in told)
        nothing = value is None and all(note.about is About.NOTHING for note in notes)
        wrong = any(seed.severity is Severity.ERROR for seed in seeds)
        kept = ""
        if value is None and not nothing and not wrong and self._sends_as_written(notes[0]):
            value = _written(text)
        elif not nothing and not wrong and seeds and (value is not None or notes[0].about is not About.REFUSED):
            whole = value is None or any(note.about in (About.SEVERAL, About.UNKNOWN) for note in notes)
            partly = (note.text for note in notes if note.about is About.CHANGED and note.text)
            kept = _written(text) if whole else "; ".join(partly)
        return Cell(value, seeds, kept if self.keep_in else "", False, nothing)

    def _decided(self, notes: list[Note], text: str) -> Cell | None:
        """The value that a person has decided for a text that cannot be read; a note where that is not allowed."""
        texts = (text, *(note.text for note in notes))
        said = next((one for one in texts if identity_key(one) in self.meanings), None)
        if said is None:
            return None
        meaning = self.meanings[identity_key(said)]
        whole = json_value(text) if text.lstrip()[:1] == "{" else None
        result = self.reading({**whole, "value": meaning.means} if isinstance(whole, dict) else meaning.means)
        note = None
        if isinstance(result, Found):
            result, note = result.value, result.note
        if result is not None:
            answer = check(self.field or _PROPERTIES, result if self.field else {"key": result})
            note = _problem_note(answer.problem, text) if answer.problem else None
            result = answer.value if self.field else result
        if result is not None and note is None:
            told = f"means {meaning.means!r}, as decided in {meaning.spot}"
            return Cell(result, (Finding(Severity.INFO, DECIDED, told, said),))
        why = note.message if note else "says nothing"
        told = f"was decided to mean {meaning.means!r} in {meaning.spot}, which {why}"
        allowed, near = (note.allowed, note.nearest) if note else ((), "")
        notes.append(Note(About.DOUBTFUL, "decision-not-allowed", told, said, allowed, near))
        return None

    def _read_well(self, cell: Cell, text: str) -> Cell:
        """A decision about a text that has a value by itself: it does not replace it, and that is told.

        A property without steps takes any text, so that nothing but a decision can read it.
        """
        meaning = self.meanings.get(identity_key(text))
        if meaning is None or any(seed.code == DECIDED for seed in cell.seeds):
            return cell
        if self.field is None and not self.steps:
            return self._decided([], text) or cell
        result = self.reading(meaning.means)
        severity, code, said = Severity.INFO, DECIDED, f"means {meaning.means!r}, as decided in {meaning.spot}"
        if result != cell.value:
            severity, code = Severity.WARNING, "decision-not-used"
            said = (
                f"is read by itself, as {cell.value!r}; that it means {meaning.means!r} ({meaning.spot}) is not used: "
                "`map:` in a mapping replaces words"
            )
        return replace(cell, seeds=(*cell.seeds, Finding(severity, code, said, text)))

    def _setting(self, note: Note) -> Unknown | None:
        """What the rule says of such a note; None where it has no say."""
        if note.about is About.SEVERAL:
            return self.rule.several
        if note.about is About.REFUSED:
            entry = self.field is not None and self.field.is_list and not self.rule.as_is
            return self.rule.unknown or (Unknown.WARNING if entry else Unknown.ERROR)
        if note.about is About.UNKNOWN:
            strict = self.rule.as_is or (not self.part and self.rule.target in ("value", "tlp"))
            return self.rule.unknown or (Unknown.ERROR if strict else Unknown.WARNING)
        return None

    def _sends_as_written(self, note: Note) -> bool:
        """Whether a word that is not a word of the vocabulary is sent all the same; what looks misspelt is not."""
        text_field = self.field is not None and self.field.kind is Kind.TEXT
        misspelt = note.about is About.UNKNOWN and bool(note.nearest)
        return text_field and self._setting(note) is Unknown.KEEP and not misspelt

    def _seed(self, note: Note, text: str, lost: bool = False) -> Finding:
        message, severity, code = note.message, Severity.WARNING, note.code
        setting = self._setting(note)
        kind = other_kind(note.text or text) if note.about is About.UNKNOWN and not note.nearest else ""
        if kind and kind not in message and (kind, code) not in _OF_THE_KIND:
            message += f", but looks like {kind}: are the row's columns mixed up?"
        if note.about is About.NOTHING and self.rule.target == "value" and not self.part:
            severity, code, message = Severity.ERROR, "placeholder-name", "says nothing; a tag needs the actor's name"
        elif note.about in (About.NOTHING, About.READ):
            severity = Severity.WARNING if note.code == "refers-elsewhere" else Severity.INFO
        elif setting is Unknown.ERROR:
            severity = Severity.ERROR
        elif note.about is About.DOUBTFUL:
            pass
        elif setting is not None and lost and self._sends_as_written(note):
            message += "; it is sent as written"
        elif note.about is About.REFUSED:
            message += "; left out"
        elif (setting is not None and lost) or note.text:
            message += "; left out" if lost else ""
            message += (
                f"{' and' if lost else ';'} kept in {self.keep_in}" if self.keep_in else "" if lost else "; left out"
            )
        return Finding(severity, code, message, note.text or text, note.allowed, note.nearest)

    def _cleared(self, text: str) -> Cell:
        if self.field is None or self.field.clearable:
            return Cell(clears=True)
        message = f"{self.rule.target} cannot be emptied: the API has no way to"
        return Cell(seeds=(Finding(Severity.ERROR, "not-clearable", message, text),))


_PROPERTIES = Field("properties", Kind.OBJECT, "5.7", "now", Visibility.UNDOCUMENTED, "")


def _written(text: str) -> str:
    """A cell as a person would write it: the entries of a JSON list with commas between them."""
    listed = json_list(text)
    return text.strip() if listed is None else join(listed)


_GOES_ON = frozenset((About.CHANGED, About.READ, About.DOUBTFUL))


def _problem_note(problem: Problem, text: str) -> Note:
    return Note(About.REFUSED, problem.code, f"is {problem.message}", text, problem.allowed, problem.nearest)


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
