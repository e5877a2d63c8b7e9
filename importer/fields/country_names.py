"""What names a country: ISO's codes and names, our own table of what they lack, and other languages' names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from msgspec import Struct

from importer.fields.words import load_data
from importer.shipped import shipped

# `Republic of India` is India; forms that also name something else (State of Georgia, Republic of China) stay whole.
FORM = re.compile(
    r"^(?:the )?(?:(?:islamic|federal|federative|democratic|socialist|united|plurinational|bolivarian|arab) )*"
    r"(?:republic|kingdom|sultanate|principality|federation|commonwealth|grand duchy) of (?:the )?(?P<rest>.+)$"
)
_NOT_WORD = re.compile(r"[^a-z0-9]+")


class CountryMatch(Struct, frozen=True):
    """What a text says of a country."""

    code: str
    """ISO 3166-1 alpha-2 (`XK` for Kosovo); empty unless the text means exactly one country."""
    reason: str
    """`found`, `blank`, `several`, `region`, `none` (says that nothing is known), `unknown`."""
    codes: tuple[str, ...] = ()
    """Every country that the text, or a part of it, names. For a bare `Korea` those it could be."""
    nearest: str = ""
    """For an unknown text: the code it may mean. A suggestion, never to be used unasked."""


def found(code: str) -> CountryMatch:
    """A text that means this country."""
    return CountryMatch(code, "found", (code,))


def code_of(text: str) -> str:
    """The alpha-2 code of an alpha-2 or alpha-3 code in any case; empty for anything else."""
    if not 2 <= len(text) <= 3 or not text.isascii():
        return ""
    return codes().get(text.upper(), "")


def country_key(text: str) -> str:
    """What spellings of one name share: letters and digits only, without case, accents and a leading "the"."""
    if text.isascii():
        text = _NOT_WORD.sub(" ", text.lower().replace("&", " and "))
    else:
        text = unicodedata.normalize("NFKD", text).casefold().replace("&", " and ")
        text = "".join(character if character.isalnum() else " " for character in text if not _is_accent(character))
    words = text.split()
    if len(words) > 1 and words[0] == "the":
        del words[0]
    return "".join("saint" if word == "st" else word for word in words)


def _is_accent(character: str) -> bool:
    return "\u0300" <= character <= "\u036f"


class _Country(Struct, frozen=True):
    """A line of config/vocabularies/country-names.tsv, which is generated from pycountry: importing that, and reading
    its translations, takes longer than all the rest of a small list."""

    alpha_2: str
    alpha_3: str
    name: str
    english: str
    """Keys of its English names, with blanks between them."""
    translated: str


@cache
def _countries() -> tuple[_Country, ...]:
    lines = shipped("vocabularies", "country-names.tsv").read_text("utf-8").split("\n")
    return tuple(_Country(*line.split("\t")) for line in lines if line and line[0] != "#")


def country_names() -> Mapping[str, str]:
    """What ISO's countries are commonly called, by alpha-2 code."""
    return {country.alpha_2: country.name for country in _countries()}


@cache
def codes() -> Mapping[str, str]:
    """Alpha-2 and alpha-3 -> alpha-2; Kosovo's user-assigned codes among them."""
    assigned = {"XK": "XK", "XKX": "XK"}
    for country in _countries():
        assigned[country.alpha_2] = assigned[country.alpha_3] = country.alpha_2
    return MappingProxyType(assigned)


@cache
def terms() -> Mapping[str, CountryMatch]:
    """Every term we know, by key. Our own table stands above ISO's names."""
    data = load_data("countries")
    known: dict[str, CountryMatch] = {}
    for country in _countries():
        known.update(dict.fromkeys(country.english.split(" "), found(country.alpha_2)))
    for code, names in data["agencies"].items():
        for name in names:
            known[country_key(str(name))] = CountryMatch("", "unknown", (), str(code))
    for code, names in data["names"].items():
        for name in names:
            known[country_key(str(name))] = found(str(code))
    for name in data["regions"]:
        known[country_key(str(name))] = CountryMatch("", "region")
    for name in data["nothing"]:
        known[country_key(str(name))] = CountryMatch("", "none")
    for name, each in data["ambiguous"].items():
        known[country_key(str(name))] = CountryMatch("", "several", tuple(each))
    known.pop("", None)
    return MappingProxyType(known)


@cache
def doubles() -> frozenset[tuple[str, ...]]:
    """The sets of countries that one ambiguous word may mean, `("KP", "KR")`."""
    return frozenset(tuple(each) for each in load_data("countries")["ambiguous"].values() if each)


@cache
def translated() -> Mapping[str, str]:
    """Names in other languages, by key -> code; one that two languages use for two countries is not among them."""
    return MappingProxyType(
        {key: country.alpha_2 for country in _countries() for key in country.translated.split(" ") if key}
    )


def shown_country(code: str) -> str:
    """A code for a person: `China (CN)`; empty for an empty one."""
    name = country_names().get(code)
    return f"{name} ({code})" if name else code
