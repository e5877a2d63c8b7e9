"""What a column holds, judged on a bounded number of its distinct texts: countries, dates, links, names, sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from importer.fields.countries import code_of, country_key, resolve
from importer.fields.country_names import terms
from importer.fields.dates import parse_date
from importer.fields.vocabulary import load_vocabulary
from importer.fields.words import says_nothing, word_key
from importer.mapping.transforms.lists import entry_text
from importer.text.header_words import header_words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from importer.model import Json

ROWS = 2_000
"""Rows of a table that are looked at, spread over all of it."""
DISTINCT = 60
"""Distinct texts of a column that are judged."""
HARD = 24
"""Of these, how many are asked whether they are countries, which takes longest."""

LINK = re.compile(r"(?:https?|hxxps?|ftp)://\S+|www\.\S+\.\S+", re.IGNORECASE)
_CODE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24,64}|\d+|[a-z-]+--[0-9a-f-]{36}"
    r"|[^\W\d]{1,6}[-_#.]0*\d{2,7}",
    re.IGNORECASE,
)
_SERIAL = re.compile(r"([^\W\d_]{0,8}[-_. #]?)\d{1,7}")
INDICATOR = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|\d{1,3}(?:\[?\.\]?\d{1,3}){3}(?:[:/]\d{1,5})?|CVE-\d{4}-\d{4,7}"
    r"|(?:[\w-]{1,63}(?:\.|\[\.\]))+(?:com|net|org|info|biz|xyz|top|ru|cn|io|onion|example|test|invalid|local)"
    r"|[^@\s]{1,64}@[^@\s]{1,255}\.[a-z]{2,10}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[<>~]?\s*-?\d[\d\s.,]*+(?:%|/\s*\d+)?")
_YEAR = re.compile(r"(?:19|20)\d{2}\s*(?:年|년)")
_CUT = re.compile(r"[;|\n]|,(?!\d{3}\b)|[\u3001\uff0c\uff1b]")
_WORDS = re.compile(r"[^\W_]+")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LONGEST_NAME = 60
_PIECES = re.compile(r"[,;/|&\n()\[\]]|\s(?:or|and)\s")
_PLACES = ("found", "several", "region")
KINDS: dict[str, str] = {
    "country": "countries", "country in any language": "countries", "tlp": "TLP markings", "link": "links",
    "date": "dates", "boolean": "yes and no", "motive": "motives", "category": "kinds of actor",
    "sophistication": "levels", "number": "numbers", "code": "ids", "indicator": "indicators",
    "sentence": "sentences", "listed": "lists", "name": "names",
}  # fmt: skip
"""What a column may hold, in words for a person; the most telling first."""
LABELS = {**KINDS, "confidence": "grades of confidence", "level": "levels"}
"""The same, and what only a field that expects it is asked about."""


class ColumnProfile(Struct, frozen=True, dict=True):
    """One column of a table, or of the tables that share its name."""

    column: str
    letter: str
    rows: int
    filled: int
    distinct: int
    """Distinct texts among the rows that were looked at."""
    looked_at: int
    """Filled cells among them."""
    texts: tuple[str, ...]
    """Some of them, the most frequent first."""

    @property
    def fill(self) -> float:
        """The share of cells that are filled."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def distinctness(self) -> float:
        """The share of filled cells that differ."""
        return self.distinct / self.looked_at if self.looked_at else 0.0

    def share(self, kind: str) -> float:
        """The share of texts of this kind, one of KINDS."""
        if kind == "boolean" and self.looked_at < 3:
            return 0.0
        found = self._shares.get(kind)
        if found is None:
            found = self._shares[kind] = self._share(_TESTS[kind], HARD if "country" in kind else DISTINCT)
        return found

    @cached_property
    def _shares(self) -> dict[str, float]:
        return {}

    def _share(self, test: Callable[[str], bool], most: int) -> float:
        texts = self.texts[:most]
        if not texts or not any(map(test, texts[:6])):  # the rest is asked only where the first ones speak for it
            return 0.0
        return sum(map(test, texts)) / len(texts)

    @cached_property
    def heads_itself(self) -> bool:
        """Whether the header is of the very kind of the texts under it: then it is the first row of the list."""
        kinds = ("country", "tlp", "link", "date", "motive", "category", "indicator")
        return any(self.share(kind) >= 0.6 and _TESTS[kind](self.column) for kind in kinds)

    @cached_property
    def serial(self) -> bool:
        """Whether the texts are one code counted up (T-1, T-2), which are ids."""
        found = [_SERIAL.fullmatch(text) for text in self.texts]
        return len(found) > 1 and all(found) and len({match[1] for match in found if match}) == 1

    @cached_property
    def companies(self) -> float:
        """The share of texts that begin or end with a company's legal form."""
        return sum(map(_is_company, self.texts)) / max(1, len(self.texts))

    @cached_property
    def looks_like(self) -> str:
        """`100 % countries`, `links`; empty where nothing speaks for a kind."""
        for kind, called in KINDS.items():
            if "language" in kind:
                continue
            share = self.share(kind)
            if share >= 0.6:
                return f"{share:.0%} {called}".replace("%", " %")
        return ""

    @property
    def samples(self) -> str:
        """A few texts, shortened, on one line."""
        shown = [" ".join("".join(c if c.isprintable() else " " for c in text).split()) for text in self.texts[:4]]
        return " | ".join(text if len(text) <= 40 else text[:37] + "..." for text in shown)

    @property
    def summary(self) -> str:
        """`column B, 118 of 120 filled, 40 different: Russia | China`."""
        where = f"column {self.letter}, " if self.letter else ""
        if not self.filled:
            return f"{where}always blank"
        return f"{where}{self.filled} of {self.rows} filled, {self.distinct} different: {self.samples}"


def column_profile(column: str, letter: str, cells: Sequence[npt.NDArray[np.object_]]) -> ColumnProfile:
    """The profile of a column, given its cells in each table that has it."""
    rows = sum(map(len, cells))
    step = max(1, rows // ROWS)
    texts = [_plain(text) for held in cells for text in held[::step].tolist()]
    texts = ["" if says_nothing(text) or text == "#CLEAR" else text for text in texts]
    filled = sum(map(bool, texts)) if step == 1 else sum(int(held.astype(bool).sum()) for held in cells)
    counts: dict[str, int] = {}
    for text in texts:
        if text:
            counts[text] = counts.get(text, 0) + 1
    frequent = sorted(counts, key=lambda text: -counts[text])
    return ColumnProfile(column, letter, rows, filled, len(counts), sum(counts.values()), tuple(frequent[:DISTINCT]))


def _plain(text: str) -> str:
    """A cell's text; the entries of a JSON list as a person would list them."""
    text = text.strip()
    if text[:1] == "[" and text[-1:] == "]":
        try:
            entries = json.loads(text)
        except ValueError:
            return text
        return ", ".join(map(_entry, entries))
    return text


def _entry(entry: Json) -> str:
    """An entry of a JSON list: of an object its link, else what names it."""
    if isinstance(entry, dict):
        link = next((value for value in entry.values() if isinstance(value, str) and "://" in value), "")
        return link or entry_text(entry)
    return entry_text(entry)


def is_name(text: str) -> bool:
    """Whether a text could be a name: short, with letters, not a list, a link, a date or an id."""
    return (
        len(text) <= _LONGEST_NAME
        and any(map(str.isalpha, text))
        and len(text.split()) <= 6
        and not LINK.search(text)
        and not _CUT.search(text)
        and not INDICATOR.fullmatch(text)
        and text[0] not in "[{#/"
        and parse_date(text).reason not in ("found", "partial")
    )


def is_sentence(text: str) -> bool:
    """Whether a text is prose: five words or more that are not a list of short entries, or a dozen wide letters."""
    words = text.split()
    if len(words) < 5:
        return len(text) >= 12 and len(_WIDE.findall(text)) > 10 and "\u3001" not in text
    pieces = [piece for piece in re.split(r"[,;|\n]", text) if piece.strip()]
    return len(words) / max(1, len(pieces)) > 3.2 and not LINK.fullmatch(text)


def _is_company(text: str) -> bool:
    forms = header_words().company_forms
    words = [word.strip(",").removesuffix(".") if word.count(".") < 2 else word for word in text.casefold().split()]
    whole = len(words) == 1 and any(text.endswith(form) for form in forms if not form.isascii())
    return whole or (len(words) > 1 and (words[-1] in forms or words[0] in forms))


def _may_be_country(text: str) -> bool:
    return 1 < len(text) <= 60 and not any(map(str.isdigit, text)) and "://" not in text


def _is_country(text: str) -> bool:
    """By the terms at hand; names in other languages take long to load, and only `_means_country` asks for them."""
    if not _may_be_country(text):
        return False
    if text.isupper() and code_of(text):
        return True
    keys = [key for piece in _PIECES.split(text) if (key := country_key(piece))]
    return 2 * sum(key in terms() and terms()[key].reason in _PLACES for key in keys) > len(keys)


def _means_country(text: str) -> bool:
    if not _may_be_country(text):
        return False
    match = resolve(text)
    return match.reason in _PLACES or (match.reason == "unknown" and "?" in text and bool(match.nearest))


def _is_link(text: str) -> bool:
    pieces = [piece for piece in re.split(r"[\s,;|\[\]\"']+", text) if piece]
    return bool(pieces) and sum(bool(LINK.match(piece)) for piece in pieces) > 0.5 * len(pieces)


def _is_date(text: str) -> bool:
    if len(text) > 40 or not any(map(str.isdigit, text)):
        return False
    if _YEAR.match(text):
        return True
    match = parse_date(text)
    return match.reason in ("found", "ambiguous") or (match.reason == "partial" and text[:4].strip("~<>c. ") != "")


def _in_vocabulary(name: str, longest: int = 60) -> Callable[[str], bool]:
    """Whether a text, or one of the entries it lists, is a word of a vocabulary, inflected or with a noun beside it.

    Sentences are left to the field.
    """

    def test(text: str) -> bool:
        if len(text) > longest:
            return False
        vocabulary = load_vocabulary(name)
        if any(word_key(text).startswith(prefix) for prefix in vocabulary.prefixes):
            return True
        found = (vocabulary.word(piece) for piece in (text, *_PIECES.split(text)) if word_key(piece))
        return any(match is not None and (match.value or match.nearest) for match in found)

    return test


_TESTS: dict[str, Callable[[str], bool]] = {
    "country": _is_country,
    "country in any language": _means_country,
    "tlp": _in_vocabulary("tlp", 30),
    "link": _is_link,
    "date": _is_date,
    "boolean": lambda text: text.casefold() in header_words().booleans,
    "motive": _in_vocabulary("motive", 200),
    "category": _in_vocabulary("actor-category"),
    "sophistication": _in_vocabulary("sophistication", 40),
    "level": _in_vocabulary("level", 40),
    "confidence": _in_vocabulary("confidence", 40),
    "number": lambda text: bool(_NUMBER.fullmatch(text)),
    "code": lambda text: bool(_CODE.fullmatch(text)),
    "indicator": lambda text: bool(INDICATOR.fullmatch(text)),
    "sentence": is_sentence,
    "listed": lambda text: bool(_CUT.search(text)) or text[:1] == "[",
    "name": is_name,
}
