"""Transforms of one text: blanks, case, markup, length; and texts that a row's cells are put into (`{Column}`)."""

from __future__ import annotations

import re
from collections.abc import Callable

from importer.fields.names import clean
from importer.mapping.transforms.found import About, Found, Note

_TAG = re.compile(r"<(?:!--[^<>]{0,2000}--|/?[A-Za-z][^<>]{0,2000})>")
_BREAKING = re.compile(r"<(?:br|/p|/li|/div|/tr)\b[^<>]{0,200}>", re.IGNORECASE)
_CITATION = re.compile(r"[ \t]{0,8}\(Citation: [^()]{0,300}(?:\([^()]{0,100}\)[^()]{0,300}){0,3}\)")
_LINK = re.compile(r"\[([^\[\]]{1,300})\]\((?:https?://[^()\s]{1,1000}(?:\([^()\s]{0,200}\)[^()\s]{0,500})?)\)")
_BLANKS = re.compile(r"[ \t]{2,50}")


def trim(text: str) -> str:
    """Takes blanks, no-break spaces and line breaks off both ends and collapses them to one blank between words."""
    return clean(text)


def lower(text: str) -> str:
    """Lower case."""
    return text.lower()


def upper(text: str) -> str:
    """Upper case."""
    return text.upper()


def title(text: str) -> str:
    """First letter of each word upper case, the others lower; an apostrophe starts no word."""
    return " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" "))


def strip_html(text: str) -> str:
    """Removes HTML tags and resolves entities; `<br>` and `</p>` become line breaks."""
    if "<" in text:
        text = _TAG.sub("", _BREAKING.sub("\n", text))
    if "&" not in text:
        return text
    import html

    return html.unescape(text)


def strip_citations(text: str) -> str:
    """Removes ATT&CK's `(Citation: ...)` marks and turns `[name](https://...)` into `name`."""
    if "(Citation:" in text:
        text = _CITATION.sub("", text)
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    if "  " in text or "\t" in text:
        text = _BLANKS.sub(" ", text)
    return text.strip()


def limit(text: str, length: int) -> str | Found:
    """Cuts a text that is longer than `length` characters, and says so with a warning."""
    if len(text) <= length:
        return text
    note = Note(
        About.CHANGED, "shortened", f"is {len(text):,} characters long and was cut to {length:,}, as the mapping says"
    )
    return Found(text[:length], note)


def default(text: str, to: str) -> str:
    """Puts a value where there is none."""
    return text if text.strip() else to


def constant(_text: str, to: str) -> str:
    """Puts the same value everywhere, whatever the cell holds."""
    return to


_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]{1,300})\}")


def template(pattern: str, cell: Callable[[str], str]) -> str:
    """Replaces each `{Column}` by the row's cell; `{{` and `}}` are braces. Blank where every named cell is blank.

    The name in braces is looked up and nothing else: no attributes, no formats, no code.
    """
    filled = [cell(name).strip() for name in columns_in(pattern)]
    if filled and not any(filled):
        return ""

    def put(match: re.Match[str]) -> str:
        if match.group(1) is None:
            return match.group(0)[0]
        return cell(match.group(1)).strip()

    return _PLACE.sub(put, pattern).strip()


def columns_in(pattern: str) -> tuple[str, ...]:
    """The columns that a template names."""
    return tuple(match.group(1) for match in _PLACE.finditer(pattern) if match.group(1) is not None)
