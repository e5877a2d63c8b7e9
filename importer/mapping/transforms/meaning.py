"""Transforms that give a text its meaning: vocabularies, countries, dates, numbers, scores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from importer.fields import countries, dates, numbers
from importer.fields.country_names import shown_country
from importer.fields.vocabulary import Vocabulary, load_vocabulary
from importer.mapping.spec import Value
from importer.mapping.transforms.found import About, Found, Note
from importer.mapping.transforms.lists import entry_text, json_list

_APART = re.compile(r"\s*[,;|/\r\n]\s*")
_MOST_PARTS = 20


def map_words(text: str, words: Mapping[str, Value], other: str | None = None) -> Value:
    """Replaces a whole text by what the table says; upper and lower case make no difference.

    A text that the table lacks stays as it is, or becomes `other` where that is given. An empty replacement
    leaves the field empty.
    """
    folded = text.strip().casefold()
    for word, value in words.items():
        if word.strip().casefold() == folded:
            return value
    return text if other is None else other


def vocabulary_word(text: str, name: str, own: Mapping[str, Vocabulary] | None = None) -> Value | Found:
    """Looks a word up in a vocabulary (actor-category, motive, sophistication, level, confidence, tlp).

    Of several known words in one cell the first is taken, with a warning that names the others.
    """
    vocabulary = (own or {}).get(name) or load_vocabulary(name)
    listed = json_list(text)
    parts = [entry_text(entry) for entry in listed] if listed is not None else _APART.split(text)
    parts = [part for part in parts if part.strip()]
    if listed is not None:
        text = ", ".join(parts)
    found = vocabulary.lookup(text)
    if found.value or found.reason == "blank":
        return found.value or None
    if found.reason == "none":
        return Found(None, nothing(text))
    several = _several_words(text, parts, vocabulary)
    if several is not None:
        return several
    unclear = found.reason == "unclear"
    message = f"could be several words of '{name}'" if unclear else f"is no word of '{name}'"
    about = About.SEVERAL if unclear else About.UNKNOWN
    code = f"{'unclear' if unclear else 'unknown'}-{name}"
    return Found(None, Note(about, code, message, text, vocabulary.allowed, found.nearest))


_STRICTEST = ("red", "amber+strict", "amber-strict", "amber", "purple", "green", "clear")


def _strictness(word: str) -> int:
    return _STRICTEST.index(word) if word in _STRICTEST else len(_STRICTEST)


def _several_words(text: str, parts: Sequence[str], vocabulary: Vocabulary) -> Value | Found | None:
    """The word of a cell that holds several, the first of which is known; None where it doesn't."""
    if not 1 < len(parts) <= _MOST_PARTS:
        return None
    matches = [vocabulary.lookup(part) for part in parts]
    words = list(dict.fromkeys(match.value for match in matches if match.value))
    unread = any(not match.value and match.reason != "none" for match in matches)
    if not words or (unread and not matches[0].value):
        return None
    if len(words) == 1 and not unread:
        return words[0]
    which, word = "first", words[0]
    if vocabulary.name == "tlp":
        which, word = "strictest", min(words, key=_strictness)
    message = f"holds several words; the field takes one, so the {which}, {word}, was taken"
    return Found(word, Note(About.SEVERAL, f"several-{vocabulary.name}", message, text, vocabulary.allowed))


def country(text: str) -> Value | Found:
    """Turns a country's name, code or demonym into its ISO 3166-1 alpha-2 code.

    Several countries, regions and `NATO` never become a code: they are left out with a note.
    """
    listed = json_list(text)
    if listed is not None:
        text = " / ".join(dict.fromkeys(map(entry_text, listed)))
    match = countries.resolve(text)
    if match.code:
        return match.code
    reason = str(match.reason)
    if reason == "blank":
        return None
    if reason == "none":
        return Found(None, nothing(text))
    if reason == "several":
        return Found(None, Note(About.SEVERAL, "several-countries", _several(match.codes), text))
    if reason == "region":
        return Found(None, Note(About.SEVERAL, "region", "is a region or an alliance, not a country", text))
    allowed = ("ISO alpha-2 or alpha-3 code", "country name")
    nearest = shown_country(match.nearest)
    if match.codes:
        message = f"names {shown_country(match.codes[0])} among other words, so no code is taken from it"
        return Found(None, Note(About.SEVERAL, "unclear-country", message, text))
    return Found(None, Note(About.UNKNOWN, "unknown-country", "is no country", text, allowed, nearest))


def _several(codes: Sequence[str]) -> str:
    if len(codes) == 1:
        return f"names more than one place, {codes[0]} among them"
    return "names more than one country" + (f" ({', '.join(codes)})" if codes else "")


def date(text: str, order: str = "", fill: str = "") -> Value | Found:
    """Turns a date into YYYY-MM-DD. `order` (dmy, mdy) settles 03/04/2015; `fill` (start, end) completes `2015-03`.

    Without them an ambiguous or partial date is an issue and never a guess.
    """
    match = dates.parse_date(text, order, fill)
    if match.date:
        return match.date
    reason = match.reason
    if reason == "blank":
        return None
    if reason == "none":
        return Found(None, nothing(text))
    readings = " or ".join(match.readings)
    messages = {
        "ambiguous": f"can be read as {readings}; say which with `date: {{order: dmy}}` or `mdy` in the mapping",
        "partial": "has no day; `date: {fill: start}` in the mapping takes the first one",
        "impossible": "is no day of the calendar",
    }
    near = match.readings[0] if match.readings and reason == "unknown" else ""
    about = About.SEVERAL if reason in ("ambiguous", "partial") else About.UNKNOWN
    note = Note(
        about,
        f"{'bad' if reason in ('unknown', 'impossible') else reason}-date",
        messages.get(reason, "is no date"),
        text,
        dates.ALLOWED,
        near,
    )
    return Found(None, note)


def number(text: str, decimal: str = "") -> Value | Found:
    """Turns a text into a number; `decimal: ','` reads 1.000,5 as 1000.5."""
    match = numbers.parse_number(text, decimal)
    if match.value is not None or match.reason == "blank":
        return match.value
    messages = {
        "ambiguous": f"can be read as {' or '.join(match.readings)}; say which with `number: {{decimal: ','}}`",
        "too-large": "is too large to be kept exactly",
    }
    return Found(
        None,
        Note(
            About.UNKNOWN, "bad-number", messages.get(match.reason, "is no number"), text, ("a number",), match.nearest
        ),
    )


def score(text: str, out_of: float = 10) -> Value | Found:
    """Turns a number on a scale, a percentage or a word (`high`) into a score from 1 to 10.

    0 of 100 says that nothing is known.
    """
    scale = str(int(out_of)) if out_of in (1, 10, 100) else "10"
    if scale != "10" and text.strip() in ("0", "0.0", "0%"):
        return Found(None, nothing(text))
    match = numbers.parse_score(text, scale)
    if match.value is not None or match.reason == "blank":
        return match.value
    if match.reason == "none":
        return Found(None, nothing(text))
    message = f"is not between 1 and {scale}" if match.reason == "out-of-range" else "is no score from 1 to 10"
    return Found(
        None, Note(About.UNKNOWN, "bad-score", message, text, ("1 to 10", "high", "medium", "low"), match.nearest)
    )


def nothing(text: str) -> Note:
    """The note about a text that says nothing."""
    return Note(About.NOTHING, "says-nothing", "says that nothing is known, so the field stays empty", text)
