"""What programs leave in the text of a cell, taken out again: HTML entities and tags, Markdown links, UTF-8 that was
decoded twice, and our own guard against formulas.

All of it is exact or not done: a text comes back as it was wherever nothing of the kind is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

FORMULA_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
"""What begins a formula for one spreadsheet or another; the full-width forms count as operators too."""

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ROUNDS = 3  # `&amp;amp;#39;`: escaped once by each program on the way
_TAG_NAMES = (
    "a|abbr|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|li|mark|ol|p|pre|q|s|"
    "small|span|strike|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|u|ul"
)
_TAG = re.compile(
    rf"<(?P<end>/?)(?P<name>{_TAG_NAMES})(?P<rest>(?:\s[^<>]{{0,2000}})?)/?>|<!--[^<>]{{0,2000}}-->", re.IGNORECASE
)
_BREAKS = frozenset([
    "br", "p", "div", "li", "tr", "dd", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "blockquote", "ul", "ol",
    "pre",
])  # fmt: skip
_HREF = re.compile(r"""href\s*=\s*(?:"([^"]{1,4000})"|'([^']{1,4000})'|([^\s"'>]{1,4000}))""", re.IGNORECASE)
_MARKDOWN = re.compile(
    r"!?\[([^\[\]]{1,500})\]\(\s*<?((?:[a-z][a-z0-9+.-]{1,20}://|mailto:|/|\./|#)[^()\s<>]{1,4000}(?:\([^()\s]{0,200}\)[^()\s<>]{0,500})?)>?(?:\s+\"[^\"]{0,300}\")?\s*\)",
    re.IGNORECASE,
)
_WIKI = re.compile(r"\[\[(?:[^\[\]|]{1,300}\|)?([^\[\]|]{1,300})\]\]")

# A character that two, three or four bytes of UTF-8 became, each byte read as a letter of Windows-1252 or Latin-1.
_REST = (
    "[\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018\u2019\u201c\u201d"
    "\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]"
)
_DOUBLED = re.compile(f"[\u00c2-\u00df]{_REST}|[\u00e0-\u00ef]{_REST}{{2}}|[\u00f0-\u00f4]{_REST}{{3}}")
# The same read as Windows-1251: nearly all of Cyrillic begins with one of two bytes, and goes on with these.
_CYRILLIC = re.compile(
    "[\u0420\u0421][\u00a0\u00a4\u00a6\u00a7\u00a9\u00ab-\u00ae\u00b0\u00b1\u00b5-\u00b7\u00bb\u0401-\u040f\u0451-\u045f"
    "\u0490\u0491\u2013-\u203a\u20ac\u2116\u2122]"
)
# How either begins, its second letter looked for first: few texts have one of them, nearly all have the first.
_BROKEN = re.compile(f"[{_REST[1:-1]}{_CYRILLIC.pattern[5:-1]}](?<=[\u00c2-\u00f4\u0420\u0421].)")
_QUOTED = frozenset("\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u00bb\u203a")
"""What may stand behind a capital letter without being half a character: `SÃO`, `“IRMÔ`."""


_SKIPPED = re.compile(
    "[\\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f"
    "\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]*"
)
"""Blanks, controls and what does not show: one spreadsheet or another takes them away before it looks for a sign."""


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet that opens `cell` from a CSV file might take it for a formula.

    So is what begins with a tab, a line break or U+FEFF: at the beginning of a file that is a mark and no text.
    """
    if cell[:1] in ("\t", "\r", "\n", "\ufeff"):
        return True
    skipped = _SKIPPED.match(cell)
    return skipped is not None and cell[skipped.end() : skipped.end() + 1] in tuple(FORMULA_SIGNS)


def guarded(cell: str) -> str:
    """The cell with an apostrophe before what would be a formula: a spreadsheet shows it as text."""
    first = cell[:1]
    if first.isalnum() or not first:  # most cells
        return cell
    return f"'{cell}" if is_formula(cell.lstrip("'") if first == "'" else cell) else cell


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell[1:] if cell[:1] == "'" and is_formula(cell[1:].lstrip("'")) else cell


def decoded(text: str) -> str:
    """HTML entities as the characters they stand for; `AT&T` and `a=1&copy=2` have none."""
    if "&" not in text or ";" not in text:
        return text
    import html

    for _ in range(_ROUNDS):
        found = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
        if found == text:
            break
        text = found
    return text


def has_markup(text: str) -> bool:
    """Whether HTML's own tags are in a text: `<br>` is one, `<Lead Stoat>` is none."""
    return "<" in text and _TAG.search(text) is not None


def without_markup(text: str, on_link: Callable[[str, str], str] = lambda words, url: words) -> str:
    """The text that HTML shows: tags go, those that end a line become a line break, entities are decoded.

    `on_link` says what becomes of a link, by its words and its URL.
    """
    if not has_markup(text):
        return decoded(text)
    pieces: list[str] = []
    href, begun, at = "", 0, 0
    for tag in _TAG.finditer(text):
        pieces.append(text[at : tag.start()])
        at = tag.end()
        name = (tag["name"] or "").lower()
        if name in _BREAKS:
            pieces.append("\n")
        elif name in ("td", "th"):
            pieces.append(" ")
        elif name == "a":
            if href:
                words = "".join(pieces[begun:])
                pieces[begun:] = [on_link(words, href)]
            found = None if tag["end"] else _HREF.search(tag["rest"])
            href = decoded(next(filter(None, found.groups()), "")) if found else ""
            begun = len(pieces)
    pieces.append(text[at:])
    lines = (" ".join(line.split()) for line in decoded("".join(pieces)).replace("\u00a0", " ").split("\n"))
    return "\n".join(line for line in lines if line)


def without_links(text: str) -> tuple[str, list[str]]:
    """A text with Markdown's links (`[Bell](https://...)`) replaced by their words, and their URLs."""
    if "](" not in text and "[[" not in text:
        return text, []
    urls = [url for _, url in _MARKDOWN.findall(text)]
    return _WIKI.sub(r"\1", _MARKDOWN.sub(r"\1", text)), urls


def undoubled(text: str) -> str:
    """UTF-8 that was read as Windows-1252, Latin-1 or Windows-1251, read right: `MÃ¼` is `Mü`."""
    if text.isascii() or not _BROKEN.search(text):
        return text
    if _DOUBLED.search(text):
        return _DOUBLED.sub(lambda match: _single(match, text), text)
    if len(_CYRILLIC.findall(text)) > 1:
        try:
            return text.encode("cp1251").decode("utf-8")
        except UnicodeError:
            return text
    return text


def _single(match: re.Match[str], text: str) -> str:
    doubled = match.group()
    if doubled[0].isupper() and doubled[1] in _QUOTED and text[match.start() - 1 : match.start()].isupper():
        return doubled
    try:
        return b"".join(_byte(character) for character in doubled).decode("utf-8")
    except UnicodeError:
        return doubled


def _byte(character: str) -> bytes:
    return bytes([ord(character)]) if ord(character) < 256 else character.encode("cp1252")
