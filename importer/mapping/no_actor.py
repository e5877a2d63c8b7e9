"""Rows that are none of the list's entries: each is left out with an issue, none is passed over in silence.

They are totals and remarks under it, its header once more, lines drawn with dashes, rows that are commented out; and
those that a mapping's `when:` does not take.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from importer.mapping.cells import Finding
from importer.mapping.columns import guessed, named
from importer.mapping.spec import Condition
from importer.mapping.transforms.patterns import matches
from importer.model import Severity, Table
from importer.text.header_words import normalised
from importer.text.row_words import row_words

_NUMBER = re.compile(r"(?=\D*\d)[\d\s.,:%$\u20ac/+-]++")
_DRAWN = re.compile(r"(?=.{0,200}?(?:--|==|__|~~))[\s:=|+*_~-]++")
_COMMENT = re.compile(r"(?:#\s|//|;|/\*|<!--|--(?=\s*\w)|rem\s)", re.IGNORECASE)
_HASHED = re.compile(r"#(?!op[a-z])[^\s#]", re.IGNORECASE)
"""A comment where few names begin so; else they are hashtags."""
_NO_COMMENT = re.compile(r"#(?:[A-Z/0]{2,9}[!?]?|[A-Z]+|\d*)")
"""Error values of spreadsheets, `#CLEAR`, numbers: no comments."""
_FOOTNOTE = re.compile(r"(?:[*\u2020\u2021\u00a7\u00b9\u00b2\u00b3]++|\(?[*\d]\)|\[\d\d?\])\s*+(?:=|\S++\s++\S)")
_BRACKETED = re.compile(r"\([^()]*\)")
_SENTENCE_WORDS = 6
_LOOKED_AT = 400
"""Rows from which it is told how many cells a row of the list usually has."""
_TAIL = 60
_LONGEST_WORD = 80


class Verdict(NamedTuple):
    """What is said of a row."""

    position: int
    why: str
    """Why it is left out; empty for an error."""
    column: str
    seed: Finding


def no_actors(table: Table, name: str, words: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Verdict]:
    """The rows of a table that are no actors, in order; `name` is the name column, `words` the usual ones by field."""
    if not len(table) or name not in table.header.columns:
        return
    judge = _Judge(table, name)
    usual = {word.casefold() for target, known in words if target == "value" for word in known}

    def target_of(word: str) -> str:
        return next((target for target, known in words if guessed((word,), known)), "")

    for position in sorted(judge.suspects(usual)):
        if judge.names[position] == row_words().example:
            why = "is the example row of a template"
            yield Verdict(
                position, why, name, Finding(Severity.INFO, "example-row", f"{why}; left out", judge.names[position])
            )
            continue
        column, text, why = judge.why(position)
        if why:
            yield Verdict(position, why, column, Finding(Severity.WARNING, "no-actor", f"{why}; left out", text))
        elif judge.names[position].casefold() in usual:
            kind = _second_header(judge.cells(position), table.header.columns, target_of)
            text = judge.names[position]
            if kind == "same":
                why = "is the header once more in other words, not an actor"
                yield Verdict(position, why, name, Finding(Severity.WARNING, "no-actor", f"{why}; left out", text))
            elif kind:
                told = "begins another header: what stands below it belongs under other columns; split the list there"
                yield Verdict(position, "", name, Finding(Severity.ERROR, "second-header", told, text))


class _Judge:
    def __init__(self, table: Table, name: str) -> None:
        self.table = table
        self.columns = table.header.columns
        self.names = table.texts(name)
        self._name = name
        self._first = table.texts(self.columns[0]) if name != self.columns[0] else self.names
        self._array = table.frame.to_numpy()
        self._lettered = bool(table.header.letters)
        """A sheet or text file: lists of objects have neither gaps nor comments."""
        self._wide, self._usual = self._widths()
        names = _Beginnings(self.names)
        first = names if self._first is self.names else _Beginnings(self._first)
        self._comments = first.comments() if self._lettered else ()
        self._comment_names = names.comments() if self._lettered else ()
        self._footnotes = names.share(_FOOTNOTE) < 0.5

    def cells(self, position: int) -> list[str]:
        return list(self._array[position])

    def suspects(self, usual: set[str]) -> set[int]:
        """The rows that are worth a look: their beginning, the gap above them, or the end of the list makes them so."""
        word = normalised(self._name)
        example = row_words().example
        columns = (self.names,) if self._first is self.names else (self.names, self._first)
        texts = set().union(*columns)
        texts.discard("")
        opening = {head for head in {text[:5] for text in texts} if _may_open(head)}
        odd = {
            text for text in texts
            if text[:5] in opening and (_opening().match(text) or _DRAWN.fullmatch(text))
        }  # fmt: skip
        odd |= texts & {example}
        if not usual.isdisjoint(map(str.casefold, texts)):
            odd.update(text for text in texts if text.casefold() in usual)
        if word:
            ends = {end for end in {text[-2:] for text in texts} if _may_end(end, word)}
            odd.update(text for text in texts if text[-2:] in ends and _may_be(text, word) and normalised(text) == word)
        found = {at for column in columns if odd for at, text in enumerate(column) if text in odd}
        if self._lettered and self._usual:
            found |= self._alone()
        if self._first is not self.names:
            found.update(
                at for at, name in enumerate(self.names)
                if (not name or name[:1].isdigit()) and _ends_in_total(self._first[at])
            )  # fmt: skip
        return found

    def why(self, position: int) -> tuple[str, str, str]:
        """(column, text, why) for a row that is not an entry; why is empty where it may be one."""
        filled = [
            (cell.strip(), column) for cell, column in zip(self.cells(position), self.columns, strict=True)
            if cell.strip()
        ]  # fmt: skip
        if not filled:
            return "", "", ""
        (text, column), others = filled[0], [cell for cell, _ in filled[1:]]
        if column != self._name and self._wide and others and _NUMBER.fullmatch(text):  # behind a running number
            name, column_of_name = filled[1]
            total = name.casefold().strip(" .:") in row_words().totals
            if total and column_of_name == self._name and all(map(_NUMBER.fullmatch, others[1:])):
                return self._name, name, "looks like a row of totals, not an actor"
        numbers = all(_NUMBER.fullmatch(cell) for cell in others)
        return column, text, self._why(position, text, filled, others, numbers)

    def _why(self, position: int, text: str, filled: list[tuple[str, str]], others: list[str], numbers: bool) -> str:
        if all(_DRAWN.fullmatch(cell) for cell, _ in filled) and (len(filled) > 1 or len(self.columns) == 1):
            return "is a drawn line, not an actor"
        if len(filled) > 1 and all(normalised(cell) == normalised(column) for cell, column in filled):
            return "is the header once more, not an actor"
        marks = self._comment_names if text == self.names[position].strip() else self._comments
        if any(mark.match(text) for mark in marks) and not _NO_COMMENT.fullmatch(text):
            return "is commented out"
        lowered = text.casefold()
        alone = not others and self._wide and lowered.strip(" .:") in row_words().totals
        if filled[0][1] != self._name and numbers and others and _ends_in_total(text):  # of a group: `China Total`
            return "looks like a row of totals, not an actor"
        if alone or (numbers and (others or re.search(r"\d", text)) and _total().match(lowered)):
            return "looks like a row of totals, not an actor"
        of_a_name = not others or filled[0][1] == self._name
        if (of_a_name and _remark().match(lowered)) or (
            not others and self._wide and lowered.rstrip(" .:") in row_words().remarks
        ):
            return "looks like a remark on the list, not an actor"
        if numbers and _stamp().match(lowered):
            return "looks like a remark on the list, not an actor"
        if (not others or position >= len(self.table) - 3) and _is_notice(lowered):
            return "looks like a remark on the list, not an actor"
        if others:
            return ""
        if self._wide and (_BRACKETED.fullmatch(text) or (self._footnotes and _FOOTNOTE.match(text))):
            return "looks like a remark on the list, not an actor"
        if self._lettered and self._usual and position in self._alone():
            return "stands alone in its row, apart from the list"
        return ""

    @cache  # noqa: B019 - lives as long as one table is judged
    def _alone(self) -> frozenset[int]:
        """Rows of one filled cell behind a gap, those that follow such a one to the end, and sentences at the end."""
        array, size, gaps = self._array, len(self.table), self.table.gaps

        def single(position: int) -> bool:
            return sum(1 for cell in array[position] if cell.strip()) == 1

        found = {position for position in gaps if single(position)}
        end = size
        while end and size - end < _TAIL and single(end - 1):
            end -= 1
        tail = range(end, size)
        apart = next((position for position in tail if position in found), size)
        found.update(range(apart, size))
        for position in tail:
            text = next(cell.strip() for cell in array[position] if cell.strip())
            if len(text.split()) >= _SENTENCE_WORDS or "://" in text or (text.endswith(".") and text.count(" ") > 2):
                found.add(position)
        return frozenset(found)

    def _widths(self) -> tuple[bool, bool]:
        """Whether most rows up to the first gap, and most of all rows, fill more than one cell.

        In a list of names alone a lone cell says nothing.
        """
        if len(self.columns) < 2:
            return False, False
        filled = [sum(1 for cell in row if cell.strip()) > 1 for row in self._array[:_LOOKED_AT]]
        block = filled[: min(self.table.gaps, default=len(filled))]
        usual = sum(filled) * 2 > len(filled)
        return usual or (len(block) > 1 and sum(block) * 2 > len(block)), usual


class _Beginnings:
    """The filled cells of a column: how many there are, and those that begin with anything but a letter."""

    def __init__(self, texts: Sequence[str]) -> None:
        strange = [text.strip() for text in texts if not text[:1].isalpha()]
        self.strange = list(filter(None, strange))
        self.filled = len(texts) - len(strange) + len(self.strange)

    def share(self, pattern: re.Pattern[str]) -> float:
        """The share of them that begin so."""
        return sum(1 for text in self.strange if pattern.match(text)) / max(self.filled, 1)

    def comments(self) -> Sequence[re.Pattern[str]]:
        """What marks a comment in the column, which not all of its cells are."""
        if self.share(_COMMENT) == 1:
            return ()
        return (_COMMENT, _HASHED) if 0 < self.share(_HASHED) < 0.5 else (_COMMENT,)


def _is_notice(lowered: str) -> bool:
    """`Confidential`, `Confidential - do not share`, `Confidential information of ...`; no `Confidential Crew`."""
    match = _notice().match(lowered)
    if not match:
        return False
    rest = lowered[match.end() :].strip()
    return not rest or not rest[0].isalnum() or len(rest.split()) > 2 or " " in match[0].strip()


def _any_of(words: Sequence[str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"\s") for word in sorted(words, key=len, reverse=True))


_LEAD = r"[\s*(\[\u2020\u2021<>_-]{0,8}"


@cache
def _total() -> re.Pattern[str]:
    # The bounds keep the look behind the word short, whatever stands there.
    words = _any_of(row_words().totals)
    return re.compile(_LEAD + rf"(?:{words})(?!\w)(?=[^\d]{{0,30}}(?:[\d.,]{{1,20}}[^\d]{{0,30}})?\Z)")


@cache
def _total_ends() -> tuple[str, ...]:
    """How a total of a group ends; scripts without blanks write the word next to the group's name."""
    return tuple(word if word[0] >= "\u2e80" else f" {word}" for word in row_words().totals)


def _ends_in_total(text: str) -> bool:
    return text.casefold().rstrip(" .:").endswith(_total_ends())


@cache
def _remark() -> re.Pattern[str]:
    return re.compile(_LEAD + rf"(?:{_any_of(row_words().remarks)})\s{{0,3}}[:\uff1a=]")


@cache
def _stamp() -> re.Pattern[str]:
    return re.compile(_LEAD + rf"(?:{_any_of(row_words().stamps)})(?![a-z])(?=[^\d]{{0,60}}\d)")


@cache
def _notice() -> re.Pattern[str]:
    return re.compile(_LEAD + rf"(?:{_any_of(row_words().notices)})(?![a-z])")


def _listed() -> tuple[str, ...]:
    words = row_words()
    return (*words.totals, *words.remarks, *words.stamps, *words.notices)


@cache
def _opening() -> re.Pattern[str]:
    """How any such row may begin: one look at each distinct text."""
    return re.compile(rf"\s{{0,8}}(?:[^\w\s]|(?:{_any_of(_listed())})(?![a-z])|rem\s|\d\))", re.IGNORECASE)


@cache
def _opening_heads() -> frozenset[str]:
    return frozenset(map(_head, (*_listed(), "rem")))


def _head(text: str) -> str:
    """How a text begins, whatever its case: four characters of it."""
    head = text[:4]
    return head.lower() if head.isascii() else unicodedata.normalize("NFKC", text[:5])[:4].casefold()[:4]


@lru_cache(maxsize=4096)
def _may_open(beginning: str) -> bool:
    """Whether a text that begins so begins with a sign, or as one of the words does; for a quick no."""
    head = _head(beginning)
    signs = not (head[0].isalnum() and head.replace(" ", "").isalnum())
    return signs or not _opening_heads().isdisjoint((head, head[:3], head[:2], head[:1]))


def _may_be(text: str, word: str) -> bool:
    """Whether a text may be a header word in another spelling; by its beginning, for a quick no, and by its end."""
    first = text[0].lower()
    return len(text) < _LONGEST_WORD and (not (first.isascii() and first.isalnum()) or first == word[0])


def _may_end(end: str, word: str) -> bool:
    end = end.lower()
    return not (end.isascii() and end.isalnum()) or word.replace(" ", "").endswith(end)


def _second_header(cells: Sequence[str], columns: Sequence[str], target_of: Callable[[str], str]) -> str:
    """Whether a row is a header in other words: `same` where it means the same columns, `other` where it does not.

    `target_of` gives the field that a header word feeds, else nothing. Empty where a cell is not a header word at all.
    """
    filled = [(target_of(cell), target_of(column)) for cell, column in zip(cells, columns, strict=True) if cell.strip()]
    if len(filled) < 2 or not all(cell for cell, _ in filled):
        return ""
    return "same" if all(cell == column for cell, column in filled) else "other"


def question(condition: Condition) -> Callable[[str], bool]:
    """The condition as a function of the cell's text."""
    operand = condition.operand
    if condition.operator in ("in", "not_in"):
        words = {str(word).strip().casefold() for word in operand}
        wanted = condition.operator == "in"
        return lambda text: (text.strip().casefold() in words) is wanted
    if condition.operator == "contains":
        part = str(operand).casefold()
        return lambda text: part in text.casefold()
    if condition.operator == "matches":
        return lambda text: matches(text, str(operand))
    return lambda text: (not text.strip()) is bool(operand)


def reason(condition: Condition, text: str) -> str:
    """Why a row is left out, for a person."""
    shown = text.strip()[:60]
    cell = f"'{shown}'" if shown else "blank"
    return f"the mapping's `when:` leaves it out: {condition.column} is {cell}"


def left_out_by(
    conditions: Sequence[Condition], columns: Sequence[str], texts_of: Callable[[str], Sequence[str]]
) -> dict[int, str]:
    """The rows of a table that conditions leave out, by position, each with its reason."""
    found: dict[int, str] = {}
    for condition in conditions:
        for column in named(columns, (condition.column,))[:1]:
            texts, ask = texts_of(column), question(condition)
            answers = {text: ask(text) for text in set(texts)}
            for position, text in enumerate(texts):
                if answers[text] is not condition.take:
                    found.setdefault(position, reason(condition, text))
    return found
