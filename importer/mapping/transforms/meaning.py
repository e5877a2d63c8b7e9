"""Transforms that give a text its meaning: vocabularies, countries, dates, numbers, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from importer.fields import countries, dates, numbers
from importer.fields.country_names import shown_country
from importer.fields.vocabulary import Vocabulary, load_vocabulary
from importer.fields.words import refers_elsewhere
from importer.mapping.spec import Value
from importer.mapping.transforms.found import About, Found, Note
from importer.mapping.transforms.lists import entry_text, json_list


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

    Of several words in one cell none is taken by its place; of TLP words the strictest is.
    """
    vocabulary = (own or {}).get(name) or load_vocabulary(name)
    listed = json_list(text)
    if listed is not None:
        text = ", ".join(part for part in map(entry_text, listed) if part.strip())
    found = vocabulary.lookup(text)
    if found.value or found.reason == "blank":
        return found.value or None
    if found.reason == "none":
        return Found(None, nothing(text))
    words = found.values
    if len(words) > 1 and name == "tlp":
        word = min(words, key=_strictness)
        message = f"holds several words; the strictest, {word}, was taken"
        return Found(word, Note(About.SEVERAL, "several-tlp", message, text, vocabulary.allowed))
    if len(words) > 1:
        message = f"holds {' and '.join(words[:4])}, and the field takes one"
        return Found(None, Note(About.SEVERAL, f"several-{name}", message, text, vocabulary.allowed))
    unclear = found.reason == "unclear"
    message = f"could be several words of '{name}'" if unclear else f"is not a word of '{name}'"
    code = f"{'unclear' if unclear else 'unknown'}-{name}"
    about = About.SEVERAL if unclear else About.UNKNOWN
    return Found(None, Note(about, code, message, text, vocabulary.allowed, found.nearest))


_STRICTEST = ("red", "amber+strict", "amber-strict", "amber", "purple", "green", "clear")


def _strictness(word: str) -> int:
    return _STRICTEST.index(word) if word in _STRICTEST else len(_STRICTEST)


def country(text: str, *, codes: bool = False) -> Value | Found:
    """Turns a country's name, code or demonym into its ISO 3166-1 alpha-2 code.

    Several countries, regions and `NATO` never become a code: they are left out with a note.
    """
    listed = json_list(text)
    if listed is not None:
        text = " / ".join(dict.fromkeys(map(entry_text, listed)))
    if codes and text.strip() == "NA":
        return "NA"
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
        return Found(
            None, Note(About.SEVERAL, "region", "is a region, an alliance or a former state, not a country", text)
        )
    allowed = ("ISO alpha-2 or alpha-3 code", "country name")
    nearest = shown_country(match.nearest)
    if match.codes:
        message = f"names {shown_country(match.codes[0])} among other words, so no code is taken from it"
        return Found(None, Note(About.SEVERAL, "unclear-country", message, text))
    return Found(None, Note(About.UNKNOWN, "unknown-country", "is not a country", text, allowed, nearest))


def _several(codes: Sequence[str]) -> str:
    if len(codes) == 1:
        return f"names more than one place, {codes[0]} among them"
    return "names more than one country" + (f" ({', '.join(codes)})" if codes else "")


def date(text: str, order: str = "", fill: str = "", *, serial: bool = False) -> Value | Found:
    """Turns a date into YYYY-MM-DD. `order` (dmy, mdy) settles 03/04/2015; `fill` (start, end) completes `2015-03`.

    Without them an ambiguous or partial date is an issue and never a guess.
    """
    match = dates.parse_date(text, order, fill, serial=serial)
    reason = match.reason
    if match.date and "(" in text:
        remark = text.partition("(")[2].strip(" )")
        return Found(match.date, Note(About.CHANGED, "text-beside-date", "is written beside the date", remark))
    if match.date or reason == "blank":
        return match.date or None
    if reason == "none":
        return Found(None, nothing(text))
    if reason == "placeholder":
        message = "is what programs write where they have no date, so the field stays empty"
        return Found(None, Note(About.NOTHING, "placeholder-date", message, text))
    readings = " or ".join(match.readings)
    messages = {
        "ambiguous": f"can be read as {readings}; `date: {{order: dmy}}` or `mdy` in the mapping says which",
        "partial": "has no day; `date: {fill: start}` in the mapping takes the first one",
        "impossible": "is not a day of the calendar from 1900 to 2099",
    }
    near = match.readings[0] if match.readings and reason == "unknown" else ""
    about = About.SEVERAL if reason in ("ambiguous", "partial") else About.UNKNOWN
    code = f"{'bad' if reason in ('unknown', 'impossible') else reason}-date"
    return Found(None, Note(about, code, messages.get(reason, "is not a date"), text, dates.ALLOWED, near))


def moment(text: str, *, serial: bool = False) -> Value | Found:
    """Text that says when: as it is written, save for numbers of seconds or days and for what stands for no date."""
    day = dates.epoch_date(text) or (dates.serial_date(text) if serial else "")
    if day:
        return day
    match, plain = dates.parse_date(text), text.strip()
    if match.reason in ("placeholder", "impossible") or (plain.isdecimal() and match.reason == "unknown"):
        return date(text)
    if match.reason == "unknown" and not any(map(str.isdigit, plain)) and len(plain) < 25:
        return Found(
            plain, Note(About.DOUBTFUL, "no-date", "does not say a day or a year; it is sent as written", text)
        )
    return plain


def number(text: str, decimal: str = "") -> Value | Found:
    """Turns a text into a number; `decimal: ','` reads 1.000,5 as 1000.5."""
    match = numbers.parse_number(text, decimal)
    if match.value is not None or match.reason == "blank":
        return match.value
    messages = {
        "ambiguous": f"can be read as {' or '.join(match.readings)}; `number: {{decimal: ','}}` or '.' says which",
        "too-large": "is too large to be kept exactly",
    }
    message = messages.get(match.reason, "is not a number")
    return Found(None, Note(About.UNKNOWN, "bad-number", message, text, ("a number",)))


def score(text: str, out_of: float | str = 10, *, mixed: bool = False) -> Value | Found:
    """Turns a number on a scale, a percentage or a word (`high`) into a score from 1 to 10.

    0 says that nothing is known.
    """
    scale = "?" if out_of == "?" else str(max(int(float(out_of)), 1))
    match = numbers.parse_score(text, scale, mixed=mixed)
    if match.value is not None or match.reason == "blank":
        return match.value
    if match.reason == "none":
        return Found(None, nothing(text))
    if match.reason == "unclear" and numbers.plain_score(text) is None:
        message = "could be several scores"
        return Found(None, Note(About.SEVERAL, "unclear-score", message, text, ("1 to 10",), match.nearest))
    share = not match.nearest.isdecimal()  # `150%`: nearest is `100%`
    messages = {
        "out-of-range": f"is not between 0 and {match.nearest}" if share else f"is not between 1 and {scale}",
        "unclear": "can be read in more than one way; `score: {out_of: ...}` in the mapping says what the highest is",
    }
    message = messages.get(match.reason, "is not a score from 1 to 10")
    allowed = ("1 to 10", "high", "medium", "low")
    return Found(None, Note(About.UNKNOWN, "bad-score", message, text, allowed, match.nearest))


def nothing(text: str, so: str = "so the field stays empty") -> Note:
    """The note about a text that says nothing, or stands for another cell."""
    if refers_elsewhere(text):
        return Note(
            About.NOTHING, "refers-elsewhere", f"stands for what another cell says, which is not taken, {so}", text
        )
    return Note(About.NOTHING, "says-nothing", f"says that nothing is known, {so}", text)
