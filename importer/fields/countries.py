"""Countries out of text: one country or none. Several, a region, a doubt never become a code.

ISO 3166-1 comes from pycountry, in English and on demand in other languages; what it lacks (demonyms, short and old
names, regions, words for "unknown") from `config/vocabularies/countries.yaml`.

Codes: two or three upper-case letters that ISO assigns are that country, save `NA`, which in lists means "not
available" (Namibia is `NAM` or its name). In lower case they are too, save the English words of `words_not_codes`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType

from importer.fields.vocabulary import load_data

_LONGEST = 200
_CLOSE = 80.0
_ALPHABET = 0x1F1E6
_SEPARATORS = re.compile(
    r"[,;/|&+\n\u3001\uff0c\uff1b]|\s(?:and|or|und|oder|et|ou|y|e|vs\.?|with|\u548c)\s|\s[-\u2013\u2014]\s",
    re.IGNORECASE,
)
_DASHES = re.compile(r"[-\u2010-\u2015]")
_BRACKETS = re.compile(r"^(?P<before>[^()\[\]\uff08\uff09]+)[(\[\uff08](?P<inside>[^()\[\]\uff08\uff09]+)[)\]\uff09]$")
# `Republic of India` is India; forms that also name something else (State of Georgia, Republic of China) stay whole.
_FORM = re.compile(
    r"^(?:the )?(?:(?:islamic|federal|federative|democratic|socialist|united|plurinational|bolivarian|arab) )*"
    r"(?:republic|kingdom|sultanate|principality|federation|commonwealth|grand duchy) of (?:the )?(?P<rest>.+)$"
)

# Words around a country's name that leave its meaning alone.
_AROUND = re.compile(
    r"^(?:(?:government|govt\.?) of |from |based in |origin:? ?)(?P<after>.+)$"
    r"|^(?P<before>.+?)[- ](?:based|nexus|origin|government|govt\.?|(?:nation[- ])?state(?:[- ]sponsored)?)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CountryMatch:
    """What a text says of a country."""

    code: str
    """ISO 3166-1 alpha-2 (`XK` for Kosovo); empty unless the text means exactly one country."""
    reason: str
    """`found`, `blank`, `several`, `region`, `none` (says that nothing is known), `unknown`."""
    codes: tuple[str, ...] = ()
    """Every country that the text, or a part of it, names. For a bare `Korea` those it could be."""
    nearest: str = ""
    """For an unknown text: the code it may mean. A suggestion, never to be used unasked."""


@lru_cache(maxsize=16_384)
def resolve(text: str) -> CountryMatch:
    """The country that `text` means, or why it is not one. Any text will do; nothing raises."""
    plain = unicodedata.normalize("NFKC", text).strip().strip("\u200b\ufeff\"'`*.").strip()
    if not plain:
        return CountryMatch("", "none" if text.strip("\u200b\ufeff \t\r\n\xa0") else "blank")
    if len(plain) > _LONGEST:
        return CountryMatch("", "unknown")
    if "?" in plain and country_key(plain):
        doubted = resolve(plain.replace("?", " "))
        reason = "unknown" if doubted.reason == "found" else doubted.reason
        return CountryMatch("", reason, doubted.codes, doubted.code or doubted.nearest)
    whole = _whole(plain)
    if whole.reason != "unknown":
        return whole
    if around := _AROUND.match(plain):
        within = _inner(around["after"] or around["before"])
        if within.reason in ("found", "several", "region"):
            return within
    match = _bracketed(plain) or _parts(plain)
    if match:
        return match
    return whole if whole.nearest else CountryMatch("", "unknown", (), _nearest(plain))


def code_of(text: str) -> str:
    """The alpha-2 code of an alpha-2 or alpha-3 code in any case; empty for anything else."""
    if not 2 <= len(text) <= 3 or not text.isascii():
        return ""
    return _codes().get(text.upper(), "")


def country_key(text: str) -> str:
    """What spellings of one name share: letters and digits only, without case, accents and a leading "the"."""
    text = unicodedata.normalize("NFKD", text).casefold().replace("&", " and ")
    text = "".join(character if character.isalnum() else " " for character in text if not _is_accent(character))
    words = text.split()
    if len(words) > 1 and words[0] == "the":
        del words[0]
    return "".join("saint" if word == "st" else word for word in words)


def _is_accent(character: str) -> bool:
    return "\u0300" <= character <= "\u036f"


def _whole(text: str) -> CountryMatch:
    """The text as one term, without cutting it up."""
    if flag := _flag(text):
        return flag
    data = load_data("countries")
    letters = text.replace(".", "").strip("[](){}<> ")
    if 2 <= len(letters) <= 3 and letters.isascii() and letters.isalpha():
        return _as_code(letters)
    key = country_key(text)
    if not key:
        return CountryMatch("", "none")
    terms = _terms()
    if found := terms.get(key):
        return found
    if key in data["hedges"]:
        return CountryMatch("", "none")
    if code := _translated().get(key):
        return _found(code)
    return CountryMatch("", "unknown")


def _as_code(letters: str) -> CountryMatch:
    """Two or three letters: a term of ours (`UK`, `NA`, `EU`), a code, or an English word that looks like one."""
    data = load_data("countries")
    if term := _terms().get(letters.casefold()):
        return term
    code = code_of(letters)
    if not code:
        return CountryMatch("", "unknown", (), "")
    if not letters.isupper():
        words = data["words_not_codes"]
        if letters in words or (letters[0].isupper() and letters.casefold() in data["words_not_codes_titled"]):
            return CountryMatch("", "unknown", (), code)
    return _found(code)


def _bracketed(text: str) -> CountryMatch | None:
    """`Russia (RU)`, `China [PRC]`: one country where both say the same."""
    found = _BRACKETS.match(text)
    if not found:
        return None
    before, inside = _inner(found["before"]), _inner(found["inside"])
    return _agreed([before, inside])


def _parts(text: str) -> CountryMatch | None:
    """Several terms: one country only where each of them names the same one."""
    for pattern in (_SEPARATORS, _DASHES):
        pieces = [piece for piece in pattern.split(text) if piece.strip()]
        if len(pieces) > 1 and (match := _agreed([_inner(piece) for piece in pieces])):
            return match
    words = text.split()
    if 1 < len(words) <= 8:
        named = [_inner(word) for word in words if word.casefold() not in load_data("countries")["hedges"]]
        if len(named) < len(words):
            rest = _inner(" ".join(word for word in words if word.casefold() not in load_data("countries")["hedges"]))
            if rest.reason in ("found", "several"):
                return CountryMatch("", rest.reason if rest.reason == "several" else "unknown", rest.codes, rest.code)
        elif all(match.reason == "found" for match in named):
            return _agreed(named)
    return None


def _inner(text: str) -> CountryMatch:
    """A part of a text: as a whole, without the form of state."""
    text = text.strip().strip("\"'`*.").strip()
    match = _whole(text) if text else CountryMatch("", "blank")
    if match.reason == "unknown" and (pieces := [p for p in _SEPARATORS.split(text) if p.strip()]) and len(pieces) > 1:
        return _agreed([_whole(piece.strip()) for piece in pieces]) or match
    return match


def _agreed(matches: list[CountryMatch]) -> CountryMatch | None:
    """What the parts of a text say together; None where no part says anything."""
    codes = tuple(dict.fromkeys(code for match in matches for code in match.codes))
    reasons = {match.reason for match in matches} - {"blank"}
    if not codes:
        if reasons <= {"region", "none"} and reasons:
            return CountryMatch("", "region" if "region" in reasons else "none")
        return None
    if len(codes) > 1 or "region" in reasons or "several" in reasons:
        return CountryMatch("", "several", codes)
    if reasons == {"found"}:
        return _found(codes[0])
    return CountryMatch("", "unknown", codes, codes[0])


def _found(code: str) -> CountryMatch:
    return CountryMatch(code, "found", (code,))


def _flag(text: str) -> CountryMatch | None:
    """A flag emoji: two regional indicators."""
    if len(text) == 2 and all(0 <= ord(character) - _ALPHABET < 26 for character in text):
        code = "".join(chr(ord(character) - _ALPHABET + ord("A")) for character in text)
        if code in _codes():
            return _found(code)
    return None


@cache
def _codes() -> Mapping[str, str]:
    """Alpha-2 and alpha-3 -> alpha-2; Kosovo's user-assigned codes among them."""
    import pycountry

    codes = {"XK": "XK", "XKX": "XK"}
    for country in pycountry.countries:
        codes[country.alpha_2] = codes[country.alpha_3] = country.alpha_2
    return MappingProxyType(codes)


def _official() -> Iterator[tuple[str, str]]:
    """Every name that pycountry has, as it stands and with its comma turned round, and its code."""
    import pycountry

    for country in pycountry.countries:
        for kind in ("name", "official_name", "common_name"):
            name = getattr(country, kind, "")
            if name:
                yield name, country.alpha_2
                main, comma, form = name.partition(", ")
                if comma:
                    yield f"{form} {main}", country.alpha_2


@cache
def _terms() -> Mapping[str, CountryMatch]:
    """Every term we know, by key. Our own table stands above pycountry's names."""
    data = load_data("countries")
    terms: dict[str, CountryMatch] = {}
    for name, code in _official():
        terms[country_key(name)] = _found(code)
        if form := _FORM.match(name.casefold()):
            terms.setdefault(country_key(form["rest"]), _found(code))
    for code, names in data["names"].items():
        for name in names:
            terms[country_key(str(name))] = _found(str(code))
    for name in data["regions"]:
        terms[country_key(str(name))] = CountryMatch("", "region")
    for name in data["nothing"]:
        terms[country_key(str(name))] = CountryMatch("", "none")
    for name, codes in data["ambiguous"].items():
        terms[country_key(str(name))] = CountryMatch("", "several", tuple(codes))
    terms.pop("", None)
    return MappingProxyType(terms)


@cache
def _translated() -> Mapping[str, str]:
    """Names in other languages -> code, from pycountry's translations; loaded on the first name nothing else knows.

    A name that two languages use for two countries is left out.
    """
    import gettext

    import pycountry

    names = [
        (getattr(country, kind), country.alpha_2)
        for country in pycountry.countries
        for kind in ("name", "common_name")
        if hasattr(country, kind)
    ]
    codes: dict[str, str] = {}
    torn: set[str] = set()
    for language in load_data("countries")["languages"]:
        translation = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language], fallback=True)
        for name, code in names:
            text = translation.gettext(name)
            key = country_key(text)
            if text == name or len(key) < 2 or (key.isascii() and len(key) < 4):
                continue
            if codes.setdefault(key, code) != code:
                torn.add(key)
    return MappingProxyType({key: code for key, code in codes.items() if key not in torn})


def _nearest(text: str) -> str:
    """The code of the name whose spelling is nearest; empty where none is near."""
    from rapidfuzz import fuzz, process

    key = country_key(text)
    if len(key) < 4:
        return ""
    terms = _terms()
    found = process.extractOne(key, terms.keys(), scorer=fuzz.ratio, score_cutoff=_CLOSE)
    return terms[found[0]].code if found else ""
