"""The codes of issues, as config/codes.yaml lists them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec

from importer.fields.vocabulary import NAMES
from importer.shipped import shipped_yaml

_OF_VOCABULARY = "{vocabulary}"


class Explained(msgspec.Struct, frozen=True, array_like=True):
    """One code."""

    means: str
    example: str
    settle: str


@cache
def shipped_codes() -> Mapping[str, Explained]:
    """Every code with what is said of it; one that each vocabulary has is there for each."""
    found: dict[str, Explained] = {}
    for listed, explained in msgspec.convert(shipped_yaml("codes.yaml"), dict[str, Explained]).items():
        for code in listed.split(", "):
            if _OF_VOCABULARY in code:
                for name in NAMES:
                    found.setdefault(code.replace(_OF_VOCABULARY, name), explained)
            else:
                found[code] = explained
    return found
