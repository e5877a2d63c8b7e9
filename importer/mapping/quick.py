"""The short way for ordinary texts, of which most lists consist: read and checked in one step, with the same result.

`CellReader` asks here first. A function answers None for everything that needs a second look, never anything else
than the long way would: a test compares the two on any text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from importer.fields.table import Field, Kind
from importer.mapping.spec import Rule, Value
from importer.mapping.transforms.lists import INTRICATE, NO_NAMES, OFFICIAL_ENDS, ONE_URL

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
    return text if text and text[0] not in "[{#" else None  # JSON; CLEAR


def _name(text: str) -> Value:
    return _text(text) if text.isascii() and "  " not in text else None


def _labels(text: str) -> Value:
    if len(text) > SHORT or not text.isascii() or not text.isprintable() or "  " in text or CLEAR in text:
        return None
    if INTRICATE.search(text) or (len(text) < 12 and text.strip().lower() in NO_NAMES):
        return None
    pieces = [piece.strip() for piece in text.replace(",", ";").replace("|", ";").split(";")]
    if "," in text and not OFFICIAL_ENDS.isdisjoint(
        [piece.rpartition(" ")[2].strip(".").lower() for piece in pieces[1:]]
    ):
        return None
    return [piece for piece in pieces if piece] or None


def _link(text: str) -> Value:
    return [text.rstrip(",;")] if len(text) <= SHORT and text.isascii() and ONE_URL.fullmatch(text) else None
