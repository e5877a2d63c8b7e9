"""The short way for the ordinary texts of a rule: a value that needs no check and has nothing to be told of.

What it answers is what the long way (CellReader) answers; None hands a text on to that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from importer.fields.names import clean, hidden_characters
from importer.fields.table import Field, Kind
from importer.fields.values import LONGEST_TEXT, LONGEST_URL
from importer.fields.words import says_nothing, says_something
from importer.mapping.doubts import LONG_NAME, is_plain_name, odd_names
from importer.mapping.spec import Rule, Value
from importer.mapping.tidied import is_tidy
from importer.mapping.transforms.lists import INTRICATE, OFFICIAL_ENDS, ONE_URL, json_list, link_of
from importer.text.cell_text import undoubled

Quick = Callable[[str], Value]
CLEAR: Final = "#CLEAR"
"""In a cell: empty this field."""
SHORT: Final = 500
"""Characters of a text, or texts of a list, that no check refuses for their number."""


def quick_reading(field: Field | None, rule: Rule) -> Quick | None:
    """The short way for the texts of a rule; None where there is none."""
    if field is None or rule.as_is:
        return None
    if rule.steps:
        steps = {step.name for step in rule.steps if not step.arguments}
        plain = field.kind is Kind.TEXT and not field.vocabulary and field.name not in ("value", "lastSeen")
        return _unmarked if plain and len(steps) == len(rule.steps) and steps <= _STRIPS else None
    if field.name == "externalReferenceLinks":
        return _link
    if field.kind is Kind.TEXT_LIST and not rule.separators:
        return _labels
    if field.kind is Kind.TEXT and not field.vocabulary and field.name != "lastSeen":
        return _name if field.name == "value" else _text
    return None


_STRIPS = frozenset(("strip_html", "strip_citations"))


def _unmarked(text: str) -> Value:
    """A text in which neither of these steps finds anything."""
    return None if any(sign in text for sign in _MARKS) else _text(text)


_MARKS = ("<", "&", "](", "  ", "\t", "(Citation:")


def _bare(text: str) -> bool:
    """Whether a text is letters and digits of ASCII, single blanks and hyphens: nothing that a check looks for."""
    return text.isascii() and "  " not in text and text.replace(" ", "").replace("-", "").isalnum()


_ODD = "[{(#'"
"""How JSON, CLEAR and what programs leave begin."""


def _text(text: str) -> Value:
    if not is_tidy(text):
        return None
    text = text.strip()
    if not text or text[0] in _ODD or len(text) > LONGEST_TEXT:
        return None
    if not text.isprintable() and not text.replace("\n", "").isprintable():
        return None
    return None if says_nothing(text) else text


def _name(text: str) -> Value:
    name = text.strip()
    plain = is_plain_name(name) and name.isprintable() and not says_nothing(name) and is_tidy(text)
    return name if plain else None


def _labels(text: str) -> Value:
    if text[:1] == "[":
        return _bare_entries(text) or _listed_labels(text)
    if len(text) > SHORT:
        return None
    if _bare(text.replace(";", "")):
        pieces = [piece.strip() for piece in text.split(";")]
    elif (
        not text.isprintable() or "  " in text or CLEAR in text or "&" in text or "<" in text or text[:1] == "'"
        or INTRICATE.search(text) or undoubled(text) is not text
    ):  # fmt: skip
        return None
    else:
        pieces = [piece.strip() for piece in text.replace(",", ";").replace("|", ";").split(";")]
        if "," in text and not OFFICIAL_ENDS.isdisjoint(
            [piece.rpartition(" ")[2].strip(".").casefold() for piece in pieces[1:]]
        ):
            return None
    pieces = [piece for piece in pieces if piece]
    return pieces if pieces and not any(map(says_nothing, pieces)) and all(map(is_plain_name, pieces)) else None


def _bare_entries(text: str) -> Value:
    """The entries of `["Moss Egret", "TA-17"]`: names of letters and digits alone, between nothing but JSON's signs."""
    if len(text) > SHORT or not _bare(text[1:-1].replace('", "', "").replace('"', "")):
        return None
    entries = text[2:-2].split('", "')
    if text[:2] != '["' or text[-2:] != '"]' or text.count('"') != 2 * len(entries):
        return None
    if not (len(entries[0]) > 3 and says_something(entries[0][:4])) and says_nothing(text):
        return None
    if "" in entries or any(map(says_nothing, entries)):
        return None
    entries = [entry.strip() for entry in entries]
    return entries if all(map(is_plain_name, entries)) else None


def _listed_labels(text: str) -> Value:
    entries = _entries(text)
    if entries is None or says_nothing(text) or hidden_characters(text):
        return None
    labels = []
    for entry in entries:
        if type(entry) is not str or not is_ordinary_text(entry):
            return None
        label = clean(entry)
        if says_nothing(label) or not is_plain_name(label):
            return None
        labels.append(label)
    return labels or None


def _texts(texts: Sequence[str], longest: int = LONGEST_TEXT) -> list[Value] | None:
    """`_text` of each, told of all of them at once; None where one is odd, so that each needs a look."""
    bare = list(map(str.strip, texts))
    if max(map(len, bare)) > longest:
        return None
    whole = "\n".join(bare)
    if not whole.replace("\n", "").isprintable() or "\n'" in whole or not is_tidy("\n".join(texts)):
        return None
    heads = {text[:4] for text in bare}
    odd = {head for head in heads if not head or head[0] in _ODD or not says_something(head)}
    if not odd:
        return [*bare]
    return [None if text[:4] in odd and (not text or text[0] in _ODD or says_nothing(text)) else text for text in bare]


def _unmarked_texts(texts: Sequence[str]) -> list[Value] | None:
    whole = "\n".join(texts)
    return None if any(sign in whole for sign in _MARKS) else _texts(texts)


def _names(texts: Sequence[str]) -> list[Value] | None:
    values = _texts(texts, LONG_NAME)
    odd = odd_names(values) if values else ()
    return [None if value in odd else value for value in values] if values and odd else values


def _label_lists(texts: Sequence[str]) -> list[Value] | None:
    whole = "\n".join(texts)
    if (
        max(map(len, texts)) > SHORT or whole.count("\n") != len(texts) - 1 or "  " in whole or CLEAR in whole
        or "\n'" in whole or not whole.replace("\n", "").isprintable() or not is_tidy(whole) or INTRICATE.search(whole)
    ):  # fmt: skip
        return None
    listed = [list(map(str.strip, text.split(";"))) for text in whole.replace(",", ";").replace("|", ";").split("\n")]
    if "," in whole and not OFFICIAL_ENDS.isdisjoint(
        {piece.rpartition(" ")[2].strip(".").casefold() for pieces in listed for piece in pieces}
    ):
        return None
    heads = {head for head in {piece[:4] for pieces in listed for piece in pieces} if not says_something(head)}
    odd = odd_names([piece for pieces in listed for piece in pieces])
    if not heads and not odd:
        return [*listed]
    return [
        pieces if heads.isdisjoint([piece[:4] for piece in pieces]) and odd.isdisjoint(pieces) else _labels(text)
        for pieces, text in zip(listed, texts, strict=True)
    ]


AT_ONCE: Mapping[Quick, Callable[[Sequence[str]], list[Value] | None]] = MappingProxyType(
    {_text: _texts, _unmarked: _unmarked_texts, _name: _names, _labels: _label_lists}
)
"""What reads many texts as each of these reads one."""


def _link(text: str) -> Value:
    if text[:1] == "[":
        return _listed_links(text)
    return (
        [text.rstrip(",;")]
        if "&" not in text and len(text) <= SHORT and text.isascii() and ONE_URL.fullmatch(text)
        else None
    )


def _listed_links(text: str) -> Value:
    entries = _entries(text)
    if entries is None or "hxxp" in text.lower():
        return None
    links = [link_of(entry) if type(entry) is dict else entry for entry in entries]
    if all(type(link) is str and ONE_URL.fullmatch(link) and link[-1] not in ",;" for link in links):
        return links or None
    return None


def _entries(text: str) -> list[Value] | None:
    """The entries of a JSON list that is not long, in which nothing is to be tidied."""
    if len(text) > LONGEST_URL or not is_tidy(text):
        return None
    entries = json_list(text)
    return entries if entries is not None and len(entries) <= SHORT else None


def is_ordinary(value: Value) -> bool:
    """Short printable text, or a list of it: what every check of a text lets through, told without the check."""
    if type(value) is list:
        return len(value) <= SHORT and all(map(is_ordinary_text, value))
    return is_ordinary_text(value)


def is_ordinary_text(value: Value) -> bool:
    return type(value) is str and len(value) <= SHORT and value.isprintable() and bool(value.strip())
