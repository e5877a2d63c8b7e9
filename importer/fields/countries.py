"""Countries out of text: one country or none. Several, a region, a doubt never become a code.

ISO 3166-1, in English and other languages, is `config/vocabularies/country-names.tsv`; what it lacks (demonyms, short
and old names, regions, words for "unknown") is in `config/vocabularies/countries.yaml`.

Codes: two or three upper-case letters that ISO assigns are that country, save `NA`, which in lists means "not
available" (Namibia is `NAM` or its name). In lower case they are too, save the English words of `words_not_codes`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from importer.fields.country_names import (
    FORM,
    CountryMatch,
    code_of,
    codes,
    country_key,
    doubles,
    found,
    terms,
    translated,
)
from importer.fields.words import load_data, says_nothing

__all__ = ["CountryMatch", "code_of", "country_key", "resolve"]

_LONGEST = 200
_LONGEST_NAME = 60
_LONGEST_LIST = 4_000
_SHORT, _CLOSE_SHORT, _CLOSE = 8, 80.0, 88.0
_ALPHABET = 0x1F1E6
_SEPARATORS = re.compile(
    r"[,;/\\|&+\n\u3001\uff0c\uff1b]|\s(?:and|or|und|oder|et|ou|y|e|vs\.?|with|\u548c)\s|\s[-\u2013\u2014]\s",
    re.IGNORECASE,
)
_DASHES = re.compile(r"[-\u2010-\u2015]")
_BRACKETS = re.compile(r"^(?P<before>[^()\[\]\uff08\uff09]+)[(\[\uff08](?P<inside>[^()\[\]\uff08\uff09]+)[)\]\uff09]$")
_FORM_BEHIND = re.compile(r"^(?P<name>[^,()]+?)\s*[,(]\s*(?:(?P<form>[^,()]*\bof)(?: the)?|the)\)?$")
_THE = re.compile(r"\s*\(the\)|\s*,\s*the$", re.IGNORECASE)
"""As ISO writes `Falkland Islands (the) [Malvinas]`."""
_POSSESSIVE = re.compile("['\u2019]s$", re.IGNORECASE)
# Words around a country's name that leave its meaning alone.
_AROUND = re.compile(
    r"^(?:(?:government|govt\.?) of |from |based in |origin:? ?|country:? ?)(?P<after>.+)$"
    r"|^(?P<before>.+?)[- ](?:based|nexus|origin|government|govt\.?|(?:nation[- ])?state(?:[- ]sponsored)?"
    r"|apts?|intelligence|(?:threat |hack(?:er|ing) )?(?:actor|group|hacker)s?)$",
    re.IGNORECASE,
)


def resolve(text: str) -> CountryMatch:
    """The country that `text` means, or why it is not one. Any text will do; nothing raises."""
    return _remembered(text) if len(text) <= _LONGEST else _resolved(text)


def _resolved(text: str) -> CountryMatch:
    plain = unicodedata.normalize("NFKC", text).strip().strip("\u200b\ufeff\"'`*.").strip()
    if not plain:
        return CountryMatch("", "none" if text.strip("\u200b\ufeff \t\r\n\xa0") else "blank")
    if len(plain) > _LONGEST:
        return _list(plain)
    if "?" in plain and country_key(plain):
        doubted = resolve(plain.replace("?", " "))
        reason = "unknown" if doubted.reason == "found" else doubted.reason
        return CountryMatch("", reason, doubted.codes, doubted.code or doubted.nearest)
    whole = _whole(plain)
    if whole.reason != "unknown":
        return whole
    bare = _THE.sub("", plain)
    if bare != plain and bare and (named := resolve(bare)).reason != "unknown":
        return named
    if around := _AROUND.match(plain):
        within = _inner(around["after"] or around["before"])
        if within.reason in ("found", "several", "region"):
            return within
    match = _bracketed(plain) or _parts(plain)
    if match:
        return match
    return whole if whole.nearest else CountryMatch("", "unknown", (), _nearest(plain))


_remembered = lru_cache(maxsize=16_384)(_resolved)


def _list(text: str) -> CountryMatch:
    """A text too long for one country: a long list of them, or nothing we know."""
    named = (_whole(piece.strip()) for piece in _SEPARATORS.split(text[:_LONGEST_LIST]))
    several = tuple(dict.fromkeys(match.code for match in named if match.code))
    return CountryMatch("", "several", several) if len(several) > 1 else CountryMatch("", "unknown", several)


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
    known, turned = terms(), _turned(text)
    match = known.get(key)
    if not match and turned != text.casefold():
        match = known.get(country_key(turned))
    if match:
        return match
    if (form := FORM.match(turned)) and (match := known.get(country_key(form["rest"]))) and match.code:
        return match
    if key in data["hedges"] or says_nothing(text):
        return CountryMatch("", "none")
    if code := translated().get(key):
        return found(code)
    return CountryMatch("", "unknown")


def _turned(text: str) -> str:
    """`Belarus (Republic of)` and `Belarus, Republic of` with the form in front, in lower case."""
    behind = _FORM_BEHIND.match(" ".join(text.casefold().split()))
    return f"{behind['form'] or ''} {behind['name']}".strip() if behind else text.casefold()


def _as_code(letters: str) -> CountryMatch:
    """Two or three letters: a term of ours (`UK`, `NA`, `EU`), a code, or an English word that looks like one."""
    data = load_data("countries")
    if term := terms().get(letters.casefold()):
        return term
    code = code_of(letters)
    if not code:
        return CountryMatch("", "none" if says_nothing(letters) else "unknown")
    if not letters.isupper():
        words = data["words_not_codes"]
        if letters in words or (letters[0].isupper() and letters.casefold() in data["words_not_codes_titled"]):
            return CountryMatch("", "unknown", (), code)
    return found(code)


def _bracketed(text: str) -> CountryMatch | None:
    """`Russia (RU)`, `China [PRC]`: one country where both say the same."""
    pair = _BRACKETS.match(text)
    return _agreed([_inner(pair["before"]), _inner(pair["inside"])]) if pair else None


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
    text = _POSSESSIVE.sub("", text.strip().strip("\"'`*.").strip())
    match = _whole(text) if text else CountryMatch("", "blank")
    if match.reason == "unknown" and (pieces := [p for p in _SEPARATORS.split(text) if p.strip()]) and len(pieces) > 1:
        return _agreed([_whole(piece.strip()) for piece in pieces]) or match
    return match


def _agreed(matches: list[CountryMatch]) -> CountryMatch | None:
    """What the parts of a text say together; None where no part says anything.

    A country settles an ambiguous word (`Korea (KR)`) and takes in its own services (`Russia (GRU)`).
    """
    firm = {match.code for match in matches if match.code}
    if len(firm) == 1:
        (code,) = firm
        matches = [match for match in matches if not _settled(match, code)]
    codes = tuple(dict.fromkeys(code for match in matches for code in match.codes))
    reasons = {match.reason for match in matches} - {"blank"}
    if not codes:
        if reasons <= {"region", "none"} and reasons:
            return CountryMatch("", "region" if "region" in reasons else "none")
        return None
    if len(codes) > 1 or "region" in reasons or "several" in reasons:
        return CountryMatch("", "several", codes)
    if reasons == {"found"}:
        return found(codes[0])
    return CountryMatch("", "unknown", codes, codes[0])


def _settled(match: CountryMatch, code: str) -> bool:
    if match.reason == "several":
        return code in match.codes and match.codes in doubles()
    return match.reason == "unknown" and not match.codes and match.nearest == code


def _flag(text: str) -> CountryMatch | None:
    """A flag emoji: two regional indicators."""
    if len(text) == 2 and all(0 <= ord(character) - _ALPHABET < 26 for character in text):
        code = "".join(chr(ord(character) - _ALPHABET + ord("A")) for character in text)
        if code in codes():
            return found(code)
    return None


def _nearest(text: str) -> str:
    """The code of the name whose spelling is nearest; empty where none is near."""
    from rapidfuzz import fuzz, process
    from rapidfuzz.distance import OSA

    key = country_key(text)
    if not (4 if key.isascii() else 2) <= len(key) <= _LONGEST_NAME:
        return ""
    slips = process.extract(key, _names(len(key)).keys(), scorer=OSA.distance, score_cutoff=1, limit=None)  # `Chian`
    meant = {_names(len(key))[name] for name, _, _ in slips}
    if len(meant) == 1:
        return meant.pop()
    cutoff = _CLOSE_SHORT if len(key) <= _SHORT else _CLOSE
    best = process.extractOne(key, _terms(len(key), cutoff), scorer=fuzz.ratio, score_cutoff=cutoff)
    return terms()[best[0]].code if best else ""


@cache
def _names(length: int) -> Mapping[str, str]:
    """Names that one slip may have made a text of this length of, with their codes."""
    names = dict(translated()) | {name: one.code for name, one in terms().items() if one.code and len(name) > 3}
    return {name: code for name, code in names.items() if abs(len(name) - length) <= 1}


@cache
def _terms(length: int, cutoff: float) -> Sequence[str]:
    """Terms that are long enough, and not too long, to be so close to a text of this length."""
    return [name for name in terms() if 200 * min(len(name), length) >= cutoff * (len(name) + length)]
