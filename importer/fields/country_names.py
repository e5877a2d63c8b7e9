"""What names a country: ISO's codes and names, our own table of what they lack, and other languages' names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from msgspec import Struct

from importer.fields.words import load_data

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


@cache
def codes() -> Mapping[str, str]:
    """Alpha-2 and alpha-3 -> alpha-2; Kosovo's user-assigned codes among them."""
    import pycountry

    assigned = {"XK": "XK", "XKX": "XK"}
    for country in pycountry.countries:
        assigned[country.alpha_2] = assigned[country.alpha_3] = country.alpha_2
    return MappingProxyType(assigned)


def official_names() -> Iterator[tuple[str, str]]:
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
def terms() -> Mapping[str, CountryMatch]:
    """Every term we know, by key. Our own table stands above pycountry's names."""
    data = load_data("countries")
    known: dict[str, CountryMatch] = {}
    for name, code in official_names():
        known[country_key(name)] = found(code)
        if form := FORM.match(name.casefold()):
            known.setdefault(country_key(form["rest"]), found(code))
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
    meant: dict[str, str] = {}
    torn: set[str] = set()
    for language in load_data("countries")["languages"]:
        translation = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language], fallback=True)
        for name, code in names:
            text = translation.gettext(name)
            key = country_key(text)
            if text == name or len(key) < 2 or (key.isascii() and len(key) < 4):
                continue
            if meant.setdefault(key, code) != code:
                torn.add(key)
    return MappingProxyType({key: code for key, code in meant.items() if key not in torn})


def shown_country(code: str) -> str:
    """A code for a person: `China (CN)`; empty for an empty one."""
    import pycountry

    country = pycountry.countries.get(alpha_2=code) if code else None
    return f"{getattr(country, 'common_name', country.name)} ({code})" if country is not None else code
