"""A cell's text without what programs left in it: entities and tags of HTML, Markdown links, doubled UTF-8, our guard.

What was changed is told; of a link in a name the address is kept in the private notes, of one in a public description
it becomes a reference, so that nothing turns public by it and nothing is lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from msgspec import Struct

from importer.fields.table import Field, Kind
from importer.mapping.spec import Value
from importer.mapping.transforms.found import About, Note
from importer.mapping.transforms.lists import json_list
from importer.text.cell_text import has_markup, undoubled, unguarded, without_links, without_markup

_SIGN = re.compile(r"^'|&(?:#|\w{2,31};)|</?[A-Za-z]|<!--|\]\(|\[\[")
"""What none of it is done without."""


class Tidied(Struct, frozen=True):
    """A text as it is read on."""

    text: str
    notes: tuple[Note, ...] = ()
    links: tuple[str, ...] = ()
    """Addresses that stood behind words of a public text."""
    kept: str = ""
    """Addresses that stood behind a name: for the private notes."""


def is_tidy(text: str) -> bool:
    """Whether `tidied` leaves a text as it is, for any field."""
    plain = "&" not in text and "<" not in text and "](" not in text and "[[" not in text and text[:1] != "'"
    return (plain or not _SIGN.search(text)) and undoubled(text) is text


def tidied(text: str, field: Field | None) -> Tidied:
    """The text of a cell for a field (None: for a property of a category)."""
    if is_tidy(text):
        return Tidied(text)
    before, text = text, unguarded(text)
    notes: list[Note] = []
    repaired = _each(text, undoubled)
    if repaired != text:
        message = f"is UTF-8 that was decoded twice; it was read as '{_short(repaired)}'"
        notes.append(Note(About.CHANGED, "doubled-utf8", message))
        text = repaired
    if field is None or field.kind is Kind.OBJECT:
        return Tidied(text, tuple(notes))
    links: list[str] = []
    public = field.name == "description"
    linking = field.kind is Kind.REFERENCE_LIST or field.name == "externalReferenceLinks"

    def on_link(words: str, url: str) -> str:
        words = " ".join(words.split())
        if linking:
            return f" {url} "
        if public:
            links.append(url)
            return words or url
        if field.kind is Kind.TEXT and not _is_name(field):
            return words if url in words else f"{words} ({url})"
        links.append(url)
        return words

    plain = _each(text, lambda one: without_markup(one, on_link))
    if has_markup(plain) and not has_markup(text):  # HTML that was escaped once more
        text, plain = plain, _each(plain, lambda one: without_markup(one, on_link))
    if plain.strip() and plain != text:
        if has_markup(text):
            message = f"holds HTML; it was read as '{_short(plain)}'"
            notes.append(Note(About.READ, "html", message))
        text = plain
    if not linking and (_is_name(field) or field.kind is not Kind.TEXT or field.vocabulary):
        found: list[str] = []
        text = _each(text, lambda one: _linkless(one, found))
        if found:
            notes.append(Note(About.READ, "linked-name", f"is a link; its words '{_short(text)}' were taken", before))
            links += found
    if public:
        return Tidied(text, tuple(notes), tuple(dict.fromkeys(links)))
    return Tidied(text, tuple(notes), (), ", ".join(dict.fromkeys(links)))


def _is_name(field: Field) -> bool:
    return field.name in ("value", "attributionOrganization")


def _linkless(text: str, found: list[str]) -> str:
    text, urls = without_links(text)
    found += urls
    return text


def _each(text: str, change: Callable[[str], str]) -> str:
    """The text changed; of a list that a program wrote, each entry by itself, so that the list stays one."""
    if text[:1] in "[{(" or text[-1:] == ")":
        entries = json_list(text)
        if entries is not None:
            made: Value = [change(entry) if isinstance(entry, str) else _inside(entry, change) for entry in entries]
            return text if made == entries else json.dumps(made, ensure_ascii=False)
    return change(text)


def _inside(entry: Value, change: Callable[[str], str]) -> Value:
    if not isinstance(entry, dict):
        return entry
    return {key: change(value) if isinstance(value, str) else value for key, value in entry.items()}


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
