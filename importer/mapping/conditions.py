"""`when:` conditions: which rows a mapping takes and which it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from importer.mapping.columns import named
from importer.mapping.spec import Condition
from importer.mapping.transforms.patterns import matches


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
