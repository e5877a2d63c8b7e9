"""Countries as the list's filter takes them: alpha-2, alpha-3, a name or a common alias."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType

_ALIASES = MappingProxyType(
    {
        "russia": "RU",
        "south korea": "KR",
        "north korea": "KP",
        "uk": "GB",
        "great britain": "GB",
        "usa": "US",
        "united states of america": "US",
        "syria": "SY",
        "laos": "LA",
        "turkey": "TR",
        "ivory coast": "CI",
        "palestine": "PS",
        "czech republic": "CZ",
    }
)


@lru_cache(maxsize=1024)
def country_code(text: str) -> str | None:
    """Alpha-2, or the text itself in upper case where it is no country; None for blank."""
    import pycountry  # only a filter by country pays for it

    word = text.strip()
    if not word:
        return None
    if word.casefold() in _ALIASES:
        return _ALIASES[word.casefold()]
    try:
        return str(pycountry.countries.lookup(word).alpha_2)
    except LookupError:
        return word.upper()
