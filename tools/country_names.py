"""What names a country in any language, out of pycountry: config/vocabularies/country-names.tsv."""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from typing import Final

import pycountry

from importer.fields.country_names import FORM, country_key
from importer.fields.words import load_data

HEAD: Final = """\
# Written by tools.generate from the data of pycountry: Debian's iso-codes, https://salsa.debian.org/iso-codes-team/iso-codes
# SPDX-License-Identifier: LGPL-2.1-or-later (this file alone)
# alpha-2, alpha-3, name, keys of English names, keys of names in other languages (see country_names.country_key)
"""


def table() -> str:
    """The file's text: a line for each country."""
    english, others = _english(), _translated()
    keys = {code: (_of(english, code), _of(others, code)) for code in sorted({*english.values()})}
    lines = (
        (one.alpha_2, one.alpha_3, getattr(one, "common_name", one.name), *keys[one.alpha_2])
        for one in sorted(pycountry.countries, key=lambda one: str(one.alpha_2))
    )
    return HEAD + "".join("\t".join(line) + "\n" for line in lines)


def _of(names: dict[str, str], code: str) -> str:
    return " ".join(sorted(key for key, meant in names.items() if meant == code))


def _official() -> Iterator[tuple[str, str]]:
    """Every English name, as it is and with its comma turned round, and its code."""
    for country in pycountry.countries:
        for kind in ("name", "official_name", "common_name"):
            if name := getattr(country, kind, ""):
                yield name, country.alpha_2
                main, comma, form = name.partition(", ")
                if comma:
                    yield f"{form} {main}", country.alpha_2


def _english() -> dict[str, str]:
    known: dict[str, str] = {}
    for name, code in _official():
        known[country_key(name)] = code
        if form := FORM.match(name.casefold()):
            known.setdefault(country_key(form["rest"]), code)
    return known


def _translated() -> dict[str, str]:
    """A name that two languages use for two countries is left out."""
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
    return {key: code for key, code in meant.items() if key not in torn}
